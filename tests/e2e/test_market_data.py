"""From a venue to orders with nothing but commands: paper exchange, feed, strategies and trade, a process each."""

import asyncio
from pathlib import Path

from petrosa.apps.replay import replay_journal
from tests.kit.listening import hearing
from tests.kit.nats import Server
from tests.kit.paper_process import paper_process
from tests.kit.services import Process

SYMBOLS = "BTCUSDT,ETHUSDT"


async def test_a_live_market_becomes_orders(tmp_path: Path) -> None:
    """Signals of a market that has no end are ordered and filled; everything ends within its time when it is told to,
    and both journals, turned again with their tapes, decide the same."""
    server = Server(tmp_path / "broker")
    await server.start()
    url, home = server.url, tmp_path / "home"
    try:
        with paper_process(tmp_path / "exchange", "--market", "usdm", "--symbols", SYMBOLS, "--speed", "5") as exchange:
            async with hearing(url, "execution.events.>") as executions, hearing(url, "heartbeat.>") as beats:
                words = ("--set", f"feed.symbols={SYMBOLS}", "--port", "0")
                feed = await Process.start(
                    "feed", "--venue", "paper", "--set", f"venue.url={exchange.url}", *words, home=home, url=url
                )
                trade = await Process.start("trade", *words, home=home, url=url)
                strategies = await Process.start("strategies", *words, home=home, url=url)
                await executions.until(lambda all_: any("fill" in str(one).lower() for one in all_))
                await beats.until(lambda all_: any(one["service"] == "socket-client" for one in all_))
                results = []
                for process in (feed, strategies, trade):
                    process.terminate()
                    async with asyncio.timeout(10):
                        results.append(await process.result())
        fed, made, traded = results
        assert (fed["left_out"], fed["unpublished"]) == ({}, 0)
        assert made["unused"] == traded["unused"] == {}
        assert made["published"] > 0
        assert traded["fills"] > 0
        for result in (made, traded):
            assert replay_journal(Path(result["journal"]["path"])).identical
    finally:
        await server.stop()


async def test_a_symbol_that_there_is_not_ends_a_feed_with_a_suggestion(tmp_path: Path) -> None:
    server = Server(tmp_path / "broker")
    await server.start()
    try:
        with paper_process(tmp_path / "exchange", "--market", "usdm", "--symbols", "BTCUSDT") as exchange:
            words = ("--symbols", "BTCUSD", "--port", "0", "--set", f"venue.url={exchange.url}")
            feed = await Process.start("feed", "--venue", "paper", *words, home=tmp_path, url=server.url)
            said = await feed.said("BTCUSD is not traded")
            assert "which lists BTCUSDT; correct feed.symbols" in said
            await feed.gone()
    finally:
        await server.stop()
