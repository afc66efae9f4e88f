"""Feed, strategies and trade over a real NATS server: the same run as in one process, whatever dies on the way."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from petrosa.adapters.bus.nats import NatsBus
from petrosa.adapters.wire.codec import encode_signal
from petrosa.adapters.wire.subjects import MARKET_STREAM
from petrosa.apps.backtest import run_backtest
from petrosa.apps.feed import FeedSummary
from petrosa.apps.joined import connect
from petrosa.apps.replay import explain_journal, replay_journal
from petrosa.apps.settings import Settings
from petrosa.apps.strategies import StrategiesSummary
from petrosa.apps.trade import TradeSummary
from petrosa.backtest.explain import Question
from petrosa.core.model.events import SignalReceived
from petrosa.core.model.signals import Action, Signal
from petrosa.errors import ConfigError, JournalError, NotRunningError
from petrosa.runtime.crash import NAMES
from tests.kit.nats import Server, session_server
from tests.kit.recordings import ROOT, recording_dir
from tests.kit.services import (
    TWIN,
    Process,
    decisions_of,
    intents_of,
    made_signals,
    published,
    received_ids,
    run_all,
    run_feed,
    run_strategies,
    run_trade,
    settings_of,
    turns_of,
)
from tests.kit.soak import SOAKING


class Whole(NamedTuple):
    """A run of the small recording that nothing happened to, and the server that still holds its streams."""

    url: str
    settings: Settings
    fed: FeedSummary
    made: StrategiesSummary
    traded: TradeSummary


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """Tests that read it, or add a trade service with a home of its own, share one: streams are not used up."""
    home = tmp_path_factory.mktemp("whole")
    with session_server(home / "broker") as url:
        settings = settings_of(home, url)
        with asyncio.Runner() as runner:
            yield Whole(url, settings, *runner.run(run_all(settings)))


async def test_three_processes_make_the_signals_of_one(whole: Whole, one_process: Path) -> None:
    """Every signal of the split run is on the stream once, in order, and equal in every field to that of one process;
    the trader's intents and the account are the same too."""
    traded = whole.traded
    here, there = turns_of(one_process), turns_of(traded.journal.path)
    assert made_signals(here) == await published(whole.url)
    assert len(made_signals(here)) == whole.made.published == traded.received > 20
    assert intents_of(here) == intents_of(there)
    assert (whole.fed.frames + 2, {}) == (traded.messages, traded.malformed)


def test_a_journal_of_trade_is_replayed_and_explained(whole: Whole) -> None:
    """The desk that is turned again has no strategies: its signals are inputs, and the recording is named by hand."""
    folder = Path(whole.traded.journal.path)
    assert replay_journal(folder, recording=[TWIN]).identical
    signal_id = next(turn.event.signal.signal_id for turn in turns_of(folder) if isinstance(turn.event, SignalReceived))
    explained = explain_journal(folder, Question(signal_id=signal_id), recording=[TWIN])
    assert (f"signal {signal_id}", "") == (explained.question, explained.warning)


async def test_readings_of_another_venue_travel_with_the_market(server: Server, tmp_path: Path) -> None:
    """The spread between two venues is seen in the split run as in one process."""
    folder = ROOT / "recordings" / "synthetic-two-venues"
    settings = settings_of(tmp_path, server.url, "cross_exchange_spread.cooldown_seconds=0")
    here = made_signals(turns_of(run_backtest([folder], settings).journal.path))
    async with asyncio.timeout(60):
        await asyncio.gather(run_feed(settings, folder), run_strategies(settings))
    assert here == await published(server.url)
    assert "cross_exchange_spread" in {signal.strategy_id for signal in here}


@pytest.mark.recordings
@pytest.mark.parametrize("product", ["usdm", "spot"])
async def test_real_recordings_make_the_signals_of_one_process(server: Server, tmp_path: Path, product: str) -> None:
    """The same on a real recording, for the signals."""
    folder = recording_dir(product)
    settings = settings_of(tmp_path, server.url)
    here = turns_of(run_backtest([folder], settings).journal.path)
    await asyncio.gather(run_feed(settings, folder), run_strategies(settings))
    assert made_signals(here) == await published(server.url)


async def test_every_signal_ends_once(whole: Whole) -> None:
    """Each published signal is turned once, and that turn holds exactly one agreement to it or one named refusal; no
    signal leads to two entries, though one that reverses leads to an exit before."""
    turns = turns_of(whole.traded.journal.path)
    ids = [signal.signal_id for signal in await published(whole.url)]
    told = [turn for turn in turns if isinstance(turn.event, SignalReceived)]
    ends = [
        [one["signal_id"] for one in decisions_of([turn]) if one["kind"] in ("signal_agreed", "refused")]
        for turn in told
    ]
    assert [[signal_id] for signal_id in ids] == ends
    entries = Counter(intent["signal_id"] for intent in intents_of(turns) if intent["leg"] == "entry")
    assert {1} == set(entries.values())


CRASHES = (
    [f"{name}:{count}" for name in NAMES for count in (1, 2, 3, 4, 5, 6, 8, 10, 12)]
    if SOAKING
    else ["journal.before_write:2", "journal.after_write:61", "outbox.before_send:3", "outbox.after_send:9"]
)


@pytest.mark.parametrize("point", CRASHES)
async def test_trade_killed_in_the_middle(whole: Whole, tmp_path: Path, point: str) -> None:
    """A trade process that is killed between any two steps and started again decides what an unharmed one decides:
    no signal is lost, none is turned twice, no order is doubled, and the simulated exchange is the same."""
    unharmed = whole.traded
    await (await Process.start("trade", "--port", "0", home=tmp_path, url=whole.url, crash_at=point)).killed()
    again = await run_trade(settings_of(tmp_path, whole.url))
    assert unharmed.journal.decisions_sha256 == again.journal.decisions_sha256
    turns = turns_of(again.journal.path)
    assert received_ids(turns_of(unharmed.journal.path)) == received_ids(turns)
    orders = [intent["client_order_id"] for intent in intents_of(turns)]
    assert len(set(orders)) == len(orders) > 0
    assert (unharmed.fills, unharmed.orders) == (again.fills, again.orders)


async def test_trade_stopped_in_order_goes_on(server: Server, tmp_path: Path) -> None:
    """A trade process that was told to stop ends well, and the next one goes on: every signal is turned once."""
    settings = settings_of(tmp_path, server.url, "feed.speed=60")
    bus = await NatsBus.connect(server.url)
    third = asyncio.Event()
    heard: list[bytes] = []

    def count(_subject: str, data: bytes) -> None:
        heard.append(data)
        if len(heard) == 3:
            third.set()

    await bus.subscribe("signals.trading", count)
    stopped = await Process.start("trade", "--port", "0", home=tmp_path, url=server.url)
    await stopped.said("waiting for market data")
    others = asyncio.gather(run_feed(settings), run_strategies(settings))
    await stopped.said("turning run")
    async with asyncio.timeout(30):
        await third.wait()
    stopped.terminate()
    before = await stopped.result()
    await asyncio.gather(others, bus.close())
    after = await run_trade(settings)
    ids = [signal.signal_id for signal in await published(server.url)]
    assert ids == received_ids(turns_of(after.journal.path))
    assert 0 < before["received"] < len(ids)


async def test_a_finished_trade_started_again_adds_nothing(whole: Whole) -> None:
    """Starting trade once more after the end turns the journal again and decides nothing new."""
    traded, again = whole.traded, await run_trade(whole.settings)
    assert (traded.journal.decisions_sha256, traded.journal.entries) == (
        again.journal.decisions_sha256, again.journal.entries,
    )  # fmt: skip
    assert (0, traded.fills, traded.pnl) == (again.received, again.fills, again.pnl)


async def test_trade_against_another_stream_is_refused(whole: Whole) -> None:
    """A journal that was not made from this market is noticed at the first turn that differs."""
    other = settings_of(whole.settings.home, whole.url, "risk.risk_fraction=0.001")
    with pytest.raises(JournalError, match="other settings"):
        await run_trade(other)
    assert whole.traded.orders > 0


async def test_nats_killed_in_the_middle(server: Server, tmp_path: Path, one_process: Path) -> None:
    """When the NATS server is killed and comes back on its address, the run is the same as if it had not."""
    settings = settings_of(tmp_path, server.url, "feed.speed=100")
    bus = await NatsBus.connect(server.url)
    seen = asyncio.Event()
    heard = Counter[str]()

    def count(subject: str, _data: bytes) -> None:
        heard[subject] += 1
        if heard[subject] == 3000:
            seen.set()

    await bus.subscribe("binance.websocket.data", count)
    running = asyncio.create_task(run_all(settings))
    async with asyncio.timeout(30):
        await seen.wait()
    await server.kill()
    await server.start()
    _, _, traded = await running
    await bus.close()
    here = turns_of(one_process)
    assert made_signals(here) == await published(server.url)
    assert intents_of(here) == intents_of(turns_of(traded.journal.path))


async def test_an_interrupted_feed_goes_on(server: Server, tmp_path: Path, one_process: Path) -> None:
    """A feed that was killed goes on where the stream ends; the stream is as if it had never stopped."""
    settings = settings_of(tmp_path, server.url)
    bus = await NatsBus.connect(server.url)
    seen = asyncio.Event()
    await bus.subscribe("binance.websocket.data", lambda _subject, _data: seen.set())
    killed = await Process.start("feed", "--recording", str(TWIN), "--speed", "20", home=tmp_path, url=server.url)
    async with asyncio.timeout(30):
        await seen.wait()
    killed.kill()
    await killed.killed()
    fed = await run_feed(settings)
    assert 0 <= fed.resumed_from < fed.frames
    state = await bus.stream_state(MARKET_STREAM)
    assert (1, fed.frames + 2) == state
    await bus.close()
    await run_strategies(settings)
    assert made_signals(turns_of(one_process)) == await published(server.url)


async def test_another_recording_needs_a_fresh_stream(server: Server, tmp_path: Path) -> None:
    """A stream that holds one recording refuses another by name of the remedy, and is forgotten on request."""
    settings = settings_of(tmp_path, server.url)
    first = await run_feed(settings)
    again = await run_feed(settings)
    assert (first.run, first.frames) == (again.run, again.resumed_from)
    spot = ROOT / "recordings" / "synthetic-spot"
    with pytest.raises(ConfigError, match="--fresh"):
        await run_feed(settings, spot)
    other = await run_feed(settings, spot, fresh=True)
    assert (True, 0) == (other.run != first.run, other.resumed_from)


async def test_signals_of_others(server: Server, tmp_path: Path) -> None:
    """Signals of other producers, bare or suffixed, old-fashioned or broken, each end as one refusal or are named."""
    settings = settings_of(tmp_path, server.url)
    await asyncio.gather(run_feed(settings), run_strategies(settings))
    bus = await NatsBus.connect(server.url)
    legacy = {
        "strategy_id": "tv", "symbol": "BTCUSDT", "action": "BUY", "confidence": 0.9, "price": 50000.0,
        "timestamp": "2020-01-01T00:00:00+00:00Z", "id": "old-1",
    }  # fmt: skip
    unknown = Signal("u-1", "tv", "DOGEUSDT", Action.BUY, 0.9, 1.0, 0.0, 1.0, 10**18, 10**18)
    await bus.publish_durable("signals.trading.tv", json.dumps(legacy).encode(), "1")
    await bus.publish_durable("signals.trading", encode_signal(unknown), "2")
    await bus.publish_durable("signals.trading", b'{"confidence": NaN}', "3")
    await bus.publish_durable("signals.trading", b"not json", "4")
    await bus.close()
    traded = await run_trade(settings)
    assert {"signal_not_finite": 1, "signal_malformed": 1} == traded.malformed
    refused = {
        decision["signal_id"]: decision["check"]
        for decision in decisions_of(turns_of(traded.journal.path))
        if decision["kind"] == "refused"
    }
    assert "old-1" in refused
    assert "u-1" in refused


async def test_the_oldest_orders_subject(server: Server, tmp_path: Path, one_process: Path) -> None:
    """With `tradeengine.orders` configured the old order shape is published there, and nothing on `signals.trading`."""
    settings = settings_of(tmp_path, server.url, "nats.signal_subject=tradeengine.orders")
    bus = await NatsBus.connect(server.url)
    orders: list[dict[str, object]] = []
    others: list[bytes] = []
    await bus.subscribe("tradeengine.orders", lambda _subject, data: orders.append(json.loads(data)))
    await bus.subscribe("signals.trading.>", lambda _subject, data: others.append(data))
    await bus.subscribe("signals.trading", lambda _subject, data: others.append(data))
    _, made = await asyncio.gather(run_feed(settings), run_strategies(settings))
    await bus.close()
    expected = [signal.signal_id for signal in made_signals(turns_of(one_process))]
    assert (expected, []) == ([order["signal_id"] for order in orders], others)
    assert len(expected) == made.published


async def test_nobody_to_connect_to(tmp_path: Path, server: Server) -> None:
    """Without an address both ways to give one are named; an address that does not answer says not running."""
    with pytest.raises(ConfigError, match=r"NATS_URL.*petrosa broker"):
        await connect(settings_of(tmp_path, ""), "feed")
    await server.stop()
    with pytest.raises(NotRunningError, match="petrosa broker"):
        await connect(settings_of(tmp_path, server.url, "nats.connect_timeout_seconds=0.5"), "feed")


async def test_three_real_processes(server: Server, tmp_path: Path, one_process: Path) -> None:
    """The commands themselves, started in any order as processes of their own, make the signals of one process."""
    started = [
        await Process.start("trade", "--port", "0", home=tmp_path, url=server.url),
        await Process.start("strategies", "--port", "0", home=tmp_path, url=server.url),
        await Process.start("feed", "--recording", str(TWIN), home=tmp_path, url=server.url),
    ]
    async with asyncio.timeout(60):
        traded, made, _ = [await process.result() for process in started]
    expected = made_signals(turns_of(one_process))
    assert expected == await published(server.url)
    assert len(expected) == made["published"] == traded["received"]
    assert intents_of(turns_of(one_process)) == intents_of(turns_of(traded["journal"]["path"]))
