"""Two venues at once, on real sockets: a desk on the paper exchange that hears what Bybit bids and asks."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from petrosa.adapters.venues.bybit.live.quotes import BybitQuotes
from petrosa.core.model.base import NS_PER_MS
from petrosa.errors import ConfigError, TransportError
from tests.kit.bybit_server import MS, Bybit, bybit
from tests.kit.desk_here import desk_here
from tests.kit.paper_process import HandExchange, hand_exchange

STRATEGY = "strategies.cross_exchange_spread"
SETS = (
    f"{STRATEGY}.enabled=true", f"{STRATEGY}.exchanges=bybit", f"{STRATEGY}.other_taker_fee_percent=0.1",
    f"{STRATEGY}.persistence_seconds=0", "outside.sources=bybit", "outside.every_seconds=0.02",
)  # fmt: skip


@pytest.fixture
def exchange() -> Iterator[HandExchange]:
    with hand_exchange() as made:
        yield made


def wall_ms() -> int:
    return time.time_ns() // NS_PER_MS


async def test_a_signal_comes_when_the_two_part_and_none_while_they_agree(
    exchange: HandExchange, tmp_path: Path
) -> None:
    """Bybit pays 2 % more: cheap here, so ours is bought."""
    server = Bybit(ms=wall_ms)
    server.quote("49999.00", "50001.00")
    async with bybit(server):
        sets = (*SETS, f"outside.addresses=bybit={server.url}")
        async with desk_here(tmp_path, exchange.url, "usdm", *sets) as desk:
            await server.subscribed("orderbook.1.BTCUSDT")
            for turn in range(20):
                server.quote(f"{49998 - turn}.00", "50001.00")
                assert not await desk.held()
            bids = itertools.count(51_000)

            async def is_held() -> str:
                server.quote(f"{next(bids)}.00", "51900.00")
                return await desk.held()

            assert float(await desk.until(is_held)) > 0
            await desk.stop()
        (signal,) = [msgspec.json.decode(one) for one in desk.decided("signal_made")]
    found = signal["signal"]
    assert ("buy", "cross_exchange_spread") == (found["action"], found["strategy_id"])
    assert ("binance", "bybit") == (found["metadata"]["buy_exchange"], found["metadata"]["sell_exchange"])
    assert 1.5 < found["indicators"]["net_spread_percent"] < 2.5


async def test_quotes_are_told_by_the_newest_of_each_subject() -> None:
    server = Bybit()
    server.quote("99.00", "101.00")
    async with bybit(server):
        source = BybitQuotes(["BTC/USDT"], address=server.url)
        (first,) = await source.poll()
        assert ("bybit", "quote", "BTC/USDT", {"bid": 99.0, "ask": 101.0}) == (
            first.source, first.topic, first.subject, first.values,
        )  # fmt: skip
        assert MS * NS_PER_MS == first.ts_event
        server.quote("98.00", "101.00")
        server.quote("97.00", "101.00")
        bids = []
        while not bids or bids[-1] != 97.0:
            bids += [one.values["bid"] for one in await source.poll()]
        assert bids[0] in (98.0, 97.0)
        await source.close()


async def test_a_pair_that_is_not_traded_is_named_and_a_venue_that_is_silent_is_away() -> None:
    server = Bybit()
    async with bybit(server):
        with pytest.raises(ConfigError, match="DOGEUSDT is not traded on bybit spot"):
            await BybitQuotes(["DOGE/USDT"], address=server.url).poll()
        source = BybitQuotes(["BTC/USDT"], address=server.url, first_s=0.05)
        with pytest.raises(TransportError, match=r"bybit told no quote within 0\.05 s"):
            await source.poll()
        await source.close()
    with pytest.raises(TransportError):
        await BybitQuotes(["BTC/USDT"], address=server.url).poll()
