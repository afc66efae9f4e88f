"""A venue's market data onto NATS: real sockets before the paper exchange, a real server, and services that read it."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import msgspec
import pytest

from petrosa.adapters.bus.nats import NatsBus
from petrosa.adapters.leases.nats import BUCKET, NatsHolder
from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY
from petrosa.adapters.wire.subjects import MARKET_STREAM
from petrosa.apps.commands.options import listened
from petrosa.apps.listening.beating import heartbeat
from petrosa.apps.listening.serve import serve_live_feed
from petrosa.apps.listening.status import ListeningStatus
from petrosa.apps.listening.venue import listening
from petrosa.apps.market_stream import ensure_streams
from petrosa.apps.settings import load
from petrosa.core.model.market import FeedState, FeedStateChanged, Reading, Trade
from petrosa.errors import ConfigError, LeaseLost
from tests.kit import outside
from tests.kit.bybit_server import Bybit, bybit
from tests.kit.listening import consuming, facts_until, feeding, hearing, is_state, venue_settings
from tests.kit.nats import Server
from tests.kit.paper_process import HandExchange, hand_exchange
from tests.kit.services import quiet, run_feed, settings_of
from tests.kit.sockets import running

BARE = "binance.websocket.data"
SIX = ["stream", "data", "timestamp", "message_id", "source", "version"]
PER_SYMBOL = ("feed.subjects=per_symbol", "nats.market_subject=market.data.>")
LIVE, STALE = FeedState.LIVE, FeedState.STALE


@pytest.fixture
def exchange() -> Iterator[HandExchange]:
    """A market that repeats itself ten times a second."""
    with hand_exchange() as made:
        yield made


async def test_every_message_is_the_envelope_that_others_know(
    exchange: HandExchange, server: Server, tmp_path: Path
) -> None:
    """Six keys in their order, the exact stream, the venue's own payload; on the bare subject and nowhere else."""
    settings = venue_settings(tmp_path, exchange.url, nats=server.url)
    async with hearing(server.url, BARE, "market.>") as ear, feeding(settings):
        wanted = {"btcusdt@aggTrade", "btcusdt@bookTicker", "btcusdt@depth20@100ms", "btcusdt@markPrice@1s"}
        heard = await ear.until(lambda all_: wanted <= {one["stream"] for one in all_})
    assert {subject for subject, _ in ear.messages} == {BARE}
    assert all(list(one)[:6] == SIX for one in heard)
    assert {(one["source"], one["version"]) for one in heard} == {("binance-websocket", "1.0")}
    trade = next(one["data"] for one in heard if one["stream"] == "btcusdt@aggTrade")
    assert (trade["e"], trade["s"], trade["p"]) == ("aggTrade", "BTCUSDT", "50000.00")


async def test_single_trades_of_futures_are_fetched_in_the_name_of_a_key(
    exchange: HandExchange, tmp_path: Path
) -> None:
    """Everything else is asked without it: a key of another service of the venue costs these trades, and no more."""
    settings = venue_settings(tmp_path, exchange.url, "feed.streams=trade")
    for key, name in ((DEMO_KEY, "trade filled"), ("AKeyThatNobodyHas", "trade lost")):
        async with listening(settings, quiet, quiet, key=key) as heard, running(heard.feed.run()):
            async with asyncio.timeout(20.0):
                while not heard.heard["btcusdt@trade"]:
                    await asyncio.sleep(0.02)
                exchange.fault("lost_frame", stream="trade", count=2)
                while not heard.feed.counts[name]:
                    await asyncio.sleep(0.02)
            assert 2 == heard.feed.counts["trade filled"] + heard.feed.counts["trade lost"]


@pytest.mark.parametrize("more", [(), PER_SYMBOL])
async def test_what_is_said_outside_the_venue_is_heard_among_its_market(
    exchange: HandExchange, server: Server, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """The feed asks, so that every service hears one answer in one place of the order; a desk's strategies read it."""
    async with outside.service(outside.coinbase) as service:
        settings = venue_settings(
            tmp_path, exchange.url, *more, "outside.sources=coinbase", "outside.subjects=BTC/USD",
            "outside.every_seconds=0.05", f"outside.addresses=coinbase={service.url}", nats=server.url,
        )  # fmt: skip
        bus = await NatsBus.connect(server.url)
        await ensure_streams(settings, bus)
        await bus.close()
        async with running(serve_live_feed(settings, fresh=False, report=quiet)), consuming(settings) as stream:
            facts = await facts_until(stream, lambda event: isinstance(event, Reading))
            facts += await facts_until(stream, lambda event: isinstance(event, Reading))
    first, second = (event for event in facts if isinstance(event, Reading))
    assert {"bid": 61837.63, "ask": 61837.63} == first.values == second.values
    assert ("coinbase", "quote", "BTC/USD") == (first.source, first.topic, first.subject)
    assert first.ts_seen < second.ts_seen


async def test_a_mirror_says_everything_twice(exchange: HandExchange, server: Server, tmp_path: Path) -> None:
    settings = venue_settings(
        tmp_path, exchange.url, "feed.mirror=true", "nats.market_subject=binance.futures.websocket.data",
        nats=server.url,
    )  # fmt: skip
    both = "binance.futures.websocket.data", "market.data.0.binance.usdm.BTCUSDT"
    async with hearing(server.url, BARE, *both) as ear, feeding(settings):
        await ear.until(lambda all_: len(all_) > 40)
    told = [(subject, data) for subject, data in ear.messages if b'"btcusdt@aggTrade"' in data]
    bare, mirrored = ([data for subject, data in told if subject == name] for name in both)
    assert len(told) == len(bare) + len(mirrored)
    assert bare[: len(mirrored)] == mirrored[: len(bare)]
    assert mirrored


@pytest.mark.parametrize("more", [(), PER_SYMBOL])
async def test_a_service_reads_a_live_market_from_now_on(
    exchange: HandExchange, server: Server, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """What a feed published before it came is not told; what its streams are is told within a statement."""
    settings = venue_settings(tmp_path, exchange.url, *more, nats=server.url)
    async with feeding(settings) as feed:
        await _until(lambda: feed.publisher.published > 20)
        async with consuming(settings) as stream:
            before = feed.heard.clock.now()
            assert stream.market.begin is None
            feed.heard.restate()
            facts = await facts_until(stream, is_state(LIVE, "markPrice@1s"))
            facts += await facts_until(stream, lambda event: isinstance(event, Trade))
            assert all(fact.ts_seen > before - 10**9 for fact in facts)
            assert stream.check(5.0).ok
            assert not stream.refused


async def test_a_consumer_knows_that_data_is_stale(server: Server, tmp_path: Path) -> None:
    """The venue goes away: who reads NATS hears that its streams are stale, and why; and when the feed itself ends."""
    with ExitStack() as there:
        exchange = there.enter_context(hand_exchange())
        settings = venue_settings(tmp_path, exchange.url, nats=server.url)
        async with feeding(settings) as feed, consuming(settings) as stream:
            feed.heard.restate()  # who comes late has not heard it
            await facts_until(stream, is_state(LIVE, "aggTrade"))
            await asyncio.to_thread(there.close)
            told = (await facts_until(stream, is_state(STALE, "aggTrade")))[-1]
            assert isinstance(told, FeedStateChanged)
            assert told.reason.startswith("the connection is away")
            feed.heard.end("the feed was stopped")
            assert len(feed.heard.outgoing) <= 2 * len(feed.heard.feed.states)


async def test_while_nats_is_away_messages_wait_in_bounds(
    exchange: HandExchange, server: Server, tmp_path: Path
) -> None:
    """What waits never grows beyond its room, quotes give way first, what is left out is counted by name and told;
    then everything goes on, on a server that has forgotten its streams."""
    settings = venue_settings(tmp_path, exchange.url, "feed.buffer_messages=64", nats=server.url)
    async with feeding(settings) as feed:
        heard = feed.heard
        status = ListeningStatus(settings, "feed", feed.bus, server.url)
        status.opened(heard, lambda: feed.publisher.published)
        await _until(lambda: feed.publisher.published > 20)
        await server.kill()
        await _until(lambda: heard.outgoing.drops["lost aggTrade"] > 5)
        assert not status.readiness().ready
        assert {check.name for check in status.readiness().checks if not check.ok} == {"bus"}
        assert heard.outgoing.drops["conflated bookTicker"] > 0
        assert len(heard.outgoing) <= 64 + len(heard.feed.states) * 3
        published = feed.publisher.published
        await server.start()
        async with hearing(server.url, BARE) as ear:
            told = await ear.until(lambda all_: any("frames left out" in str(one["data"]) for one in all_))
        assert feed.publisher.published > published
        assert not any("conflated feedState" in name and count for name, count in heard.outgoing.drops.items())
        assert {one["source"] for one in told} == {"binance-websocket"}
        assert (await feed.bus.stream_state(MARKET_STREAM)) is not None


async def test_lost_messages_are_noticed(exchange: HandExchange, server: Server, tmp_path: Path) -> None:
    """A hole in a feed's numbers is counted, and no edge of a strategy is believed across it."""
    settings = venue_settings(tmp_path, exchange.url, nats=server.url)
    async with feeding(settings) as feed, consuming(settings) as stream:
        await facts_until(stream, lambda event: isinstance(event, Trade))
        publish_all, lost = feed.bus.publish_all, list[tuple[str, bytes]]()

        async def losing(messages: Sequence[tuple[str, bytes]]) -> None:
            left_out = messages[: 3 - len(lost)]
            lost.extend(left_out)
            await publish_all(messages[len(left_out) :])

        feed.bus.publish_all = losing  # type: ignore[method-assign]
        facts = await facts_until(stream, is_state(LIVE, "messages"))
        assert is_state(STALE, "messages")(facts[-2])
        assert stream.refused["lost"] == 3


async def test_a_stream_that_holds_a_recording_is_not_continued(
    exchange: HandExchange, server: Server, tmp_path: Path
) -> None:
    """A live market is no more of a recording, nor the other way round; `fresh` forgets."""
    await run_feed(settings_of(tmp_path, server.url))
    settings = venue_settings(tmp_path, exchange.url, nats=server.url)
    with pytest.raises(ConfigError, match=r"holds a recording.*or --fresh"):
        async with feeding(settings):
            pass
    async with feeding(settings, fresh=True) as feed:
        await _until(lambda: feed.publisher.published > 20)
        info = await feed.bus._js.stream_info(MARKET_STREAM)
    assert (info.config.max_age, info.config.max_bytes) == (300.0, 1_024_000_000)
    with pytest.raises(ConfigError, match="something else than this recording"):
        await run_feed(settings_of(tmp_path, server.url))


@pytest.mark.parametrize(
    ("sets", "problem", "said"),
    [
        (("feed.symbols=BTCUSD",), ConfigError, "BTCUSD is not traded on paper usdm, which lists BTCUSDT"),
        (("feed.market=options",), ConfigError, "what can be listened to is binance, spot or usdm"),
        (("feed.streams=depth5",), ConfigError, "'depth5' is none; did you mean depth"),
    ],
)
async def test_what_there_is_not_is_refused_with_a_suggestion(
    exchange: HandExchange, server: Server, tmp_path: Path, sets: tuple[str, ...], problem: type[Exception], said: str
) -> None:
    with pytest.raises(problem, match=said):
        async with feeding(venue_settings(tmp_path, exchange.url, *sets, nats=server.url)):
            pass


async def test_a_heartbeat_has_the_four_keys_that_observers_know(
    exchange: HandExchange, server: Server, tmp_path: Path
) -> None:
    settings = venue_settings(tmp_path, exchange.url, nats=server.url)
    async with feeding(settings) as feed:
        status = ListeningStatus(settings, "feed", feed.bus, server.url)
        assert heartbeat(status, 1_800_000_000 * 10**9)["status"] == "degraded"
        status.opened(feed.heard, lambda: feed.publisher.published)
        await _until(lambda: status.readiness().ready)
        beat = msgspec.to_builtins(heartbeat(status, 1_800_000_000 * 10**9))
    assert list(beat)[:4] == ["service", "timestamp", "version", "status"]
    assert (beat["service"], beat["timestamp"], beat["status"]) == (
        "socket-client", "2027-01-15T08:00:00.000000Z", "healthy",
    )  # fmt: skip


async def _until(there: Callable[[], bool]) -> None:
    """Return when it is so."""
    async with asyncio.timeout(20):
        while not there():
            await asyncio.sleep(0.01)


async def test_another_venue_is_published_in_the_same_way(server: Server, tmp_path: Path) -> None:
    """Bybit's frames in the same envelope, on subjects that name the venue."""
    async with bybit(Bybit(market="linear")) as market:
        settings = load(
            sets=("feed.symbols=BTCUSDT", "feed.subjects=per_symbol", f"outside.addresses=bybit={market.url}"),
            options=listened("bybit", None, None, None), environ={"NATS_URL": server.url}, home=str(tmp_path),
        )  # fmt: skip
        subject = "market.data.0.bybit.linear.BTCUSDT"
        async with hearing(server.url, subject) as ear, feeding(settings) as feed:
            for topic in ("publicTrade", "orderbook.50"):
                await market.subscribed(f"{topic}.BTCUSDT")
            market.change(bids=[("100.0", "1")], asks=[("100.5", "2")])
            market.trade("100.5")
            wanted = {"btcusdt@publicTrade", "btcusdt@orderbook.50"}
            heard = await ear.until(lambda all_: wanted <= {one["stream"] for one in all_})
            assert "bybit" == feed.heard.place
        assert {"bybit linear"} == {f"{one['venue']} {one['market']}" for one in heard}


async def test_a_second_feed_of_a_subject_waits_for_the_first(
    exchange: HandExchange, server: Server, tmp_path: Path
) -> None:
    """Nothing is told twice: it says whom it waits for, and goes on when that one has ended."""
    settings = venue_settings(tmp_path, exchange.url, "lease.name=first", nats=server.url)
    said: list[str] = []
    async with AsyncExitStack() as second:
        async with feeding(settings) as first:
            await _until(lambda: first.publisher.published > 20)
            waiting = asyncio.create_task(second.enter_async_context(feeding(settings, report=said.append)))
            await _until(lambda: bool(said))
            assert said[0].startswith(f"feed: subject {BARE} is held by first (process ")
            assert not waiting.done()
        async with asyncio.timeout(5.0):
            feed = await waiting
        await _until(lambda: feed.publisher.published > 20)


async def test_a_feed_that_finds_another_in_its_place_ends(
    exchange: HandExchange, server: Server, tmp_path: Path
) -> None:
    """It was away for longer than its lease: it publishes no more, and says who has the subject."""
    settings = venue_settings(tmp_path, exchange.url, "lease.ttl_seconds=1", nats=server.url)
    async with AsyncExitStack() as first:
        feed = await first.enter_async_context(feeding(settings))
        await _until(lambda: feed.publisher.published > 20)
        leases, key = feed.bus.cells(BUCKET), f"feed.{BARE}"
        another = msgspec.json.encode(NatsHolder("another", "x", 60.0))
        while (cell := await leases.read(key)) and await leases.write(key, another, cell.revision) is None:
            pass  # it was renewed in between
        async with asyncio.timeout(20):
            await asyncio.wait([feed.publishing])
        with pytest.raises(LeaseLost, match=rf"subject {BARE} is lost to another"):
            await first.aclose()


async def test_a_lease_that_the_broker_forgot_is_taken_again(
    exchange: HandExchange, server: Server, tmp_path: Path
) -> None:
    """Nothing is lost but time."""
    settings = venue_settings(tmp_path, exchange.url, "lease.ttl_seconds=1", nats=server.url)
    said: list[str] = []
    async with feeding(settings, report=said.append) as feed:
        await _until(lambda: feed.publisher.published > 20)
        await feed.bus._js.delete_key_value(BUCKET)
        await _until(lambda: any("is lost to nobody that is known" in text for text in said))
        published = feed.publisher.published
        await _until(lambda: feed.publisher.published > published + 20)


async def test_a_feed_that_may_not_publish_says_so_once(exchange: HandExchange, server: Server, tmp_path: Path) -> None:
    """However long it waits: the broker stands still, so that the lease is in doubt and nothing is published."""
    settings = venue_settings(tmp_path, exchange.url, "lease.ttl_seconds=1", nats=server.url)
    said: list[str] = []
    assert server.process is not None
    async with feeding(settings, report=said.append) as feed:
        await _until(lambda: feed.publisher.published > 20)
        server.process.send_signal(signal.SIGSTOP)
        try:
            await _until(lambda: "renewed for 2." in feed.publisher.alone.why_not())
            assert 1 == sum(text.startswith("feed: not publishing: ") for text in said), said
        finally:
            server.process.send_signal(signal.SIGCONT)
        published = feed.publisher.published
        await _until(lambda: feed.publisher.published > published + 20)


async def test_without_jetstream_a_feed_says_that_nothing_holds_a_second_back(
    exchange: HandExchange, tmp_path: Path
) -> None:
    """And publishes all the same."""
    said: list[str] = []
    server = Server(tmp_path / "core", jetstream=False)
    try:
        settings = venue_settings(tmp_path, exchange.url, nats=await server.start())
        async with feeding(settings, report=said.append) as feed:
            await _until(lambda: feed.publisher.published > 20)
    finally:
        await server.stop()
    assert any("keeps no lease: nothing holds a second feed of this back" in text for text in said)
