"""A paper exchange recorded: what a desk would have heard is what a replay hears, and a kill costs a second at most."""

import asyncio
import json
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from petrosa.adapters.stores.recording.manifest import read_manifest
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.backtest import run_backtest
from petrosa.apps.listening import recording
from petrosa.apps.listening.venue import Listening
from petrosa.apps.live.market import LiveMarket
from petrosa.apps.recorded import Input
from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Instruments, build_markets, build_strategist
from petrosa.core.desk import Desk
from petrosa.core.model.events import Decision, Event, SignalMade
from petrosa.core.model.market import FeedStateChanged
from petrosa.core.turns import Turns
from petrosa.runtime.conflating import Frame
from petrosa.runtime.inbox import Heard
from tests.kit.listening import venue_settings
from tests.kit.nats import Server
from tests.kit.paper_process import Exchange, hand_exchange, paper_process
from tests.kit.services import OFTEN, Process, quiet, run_feed, settings_of

SYMBOLS = "feed.symbols=BTCUSDT,ETHUSDT"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    """A synthetic market at five times the wall's pace."""
    home = tmp_path_factory.mktemp("exchange")
    with paper_process(home, "--market", "usdm", "--symbols", "BTCUSDT,ETHUSDT", "--speed", "5") as made:
        yield made


def decided(settings: Settings, instruments: Instruments, heard: Sequence[Heard]) -> list[Decision]:
    """What a desk with strategies and no trader decides on these facts."""
    markets = build_markets(instruments)
    made: list[Decision] = []

    def record(_sequence: int, _now: int, _event: Event, decisions: Sequence[Decision]) -> None:
        made.extend(decisions)

    turns = Turns(Desk(markets, build_strategist(settings, instruments, markets)), record, lambda _order, _now: None)
    for now, event in heard:
        turns.market(event, now)
    return made


async def test_a_replay_decides_what_a_desk_at_the_feed_decided(
    exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every fact, at its time and in its order, the states of the streams among them; hence every decision."""
    settings = venue_settings(
        tmp_path, exchange.url, SYMBOLS, *OFTEN,
        "record.segment_minutes=0.02", "http.enabled=false",
    )  # fmt: skip
    offered: list[Frame] = []
    desks: list[Listening] = []
    make = Listening.__init__

    def listened(self: Listening, *given: object) -> None:
        make(self, *given)  # type: ignore[arg-type]
        desks.append(self)
        offer = self.outgoing.offer

        def both(arrival: int, stream: str, payload: bytes) -> None:
            offered.append(Frame(arrival, "binance:usdm", payload))
            offer(arrival, stream, payload)

        self.outgoing.offer = both  # type: ignore[method-assign]

    monkeypatch.setattr(Listening, "__init__", listened)
    made = await recording.record(settings, tmp_path / "rec", 4.0, report=quiet)
    assert made.segments > 1
    assert made.left_out == {}
    assert made.recorded == made.frames
    del offered[made.recorded :]  # what was heard after the last words was recorded no more
    (desk,) = desks
    live = LiveMarket("binance", "usdm", desk.instruments, None, lambda: 0).decode(offered)
    taken = Input(settings, "usdm", desk.instruments, Recording([tmp_path / "rec"]).batches(), 0)
    replayed = [heard for batch in taken.batches() for heard in batch]
    assert list(live) == replayed
    assert not taken.errors
    assert any(isinstance(event, FeedStateChanged) for _, event in replayed)
    decisions = decided(settings, desk.instruments, live)
    assert any(isinstance(one, SignalMade) for one in decisions)
    assert decided(settings, desk.instruments, replayed) == decisions


async def test_a_recording_is_read_by_everything_that_reads_one(
    exchange: Exchange, server: Server, tmp_path: Path
) -> None:
    """A backtest over books rebuilt from snapshots and differences, twice the same; a feed of it; each segment begins
    with books of its own."""
    settings = venue_settings(
        tmp_path, exchange.url, SYMBOLS, "feed.streams=agg_trade,depth", "record.segment_minutes=0.02",
        "http.enabled=false",
    )  # fmt: skip
    await recording.record(settings, tmp_path / "rec", 3.0, report=quiet)
    first, again = (run_backtest([tmp_path / "rec"], settings_of(tmp_path / name, "")) for name in ("a", "b"))
    assert first.journal.decisions_sha256 == again.journal.decisions_sha256
    assert set(first.gaps.values()) == {0}
    assert min(first.events["depth"].values()) > 10
    assert not first.errors
    manifest = read_manifest(tmp_path / "rec")
    assert manifest is not None
    assert min(first.events["book_snapshot"].values()) >= len(manifest.segments) - 1 > 0
    published = await run_feed(settings_of(tmp_path, server.url), tmp_path / "rec")
    assert (published.frames, published.refused) == (manifest.frames, {})


async def test_a_killed_recorder_leaves_a_recording_and_the_next_goes_on(exchange: Exchange, tmp_path: Path) -> None:
    out = tmp_path / "rec"
    words = (
        "record", "--venue", "paper", "--out", str(out), "--port", "0", "--set", f"venue.url={exchange.url}",
        "--set", SYMBOLS, "--set", "record.flush_seconds=0.05",
    )  # fmt: skip
    killed = await Process.start(*words, home=tmp_path, url="")
    async with asyncio.timeout(30):
        while not (out / "000001.gz").exists() or (out / "000001.gz").stat().st_size < 2_000:
            await asyncio.sleep(0.02)
    killed.signal(signal.SIGKILL)
    await killed.gone()
    before = [one for batch in Recording([out]).batches() for one in batch]
    assert len(before) > 20
    result = await (await Process.start(*words, "--for", "1s", home=tmp_path, url="")).result()
    assert result["frames"] == len(before) + result["recorded"]
    read = Recording([out])
    after = [one for batch in read.batches() for one in batch]
    assert after[: len(before)] == before
    assert len(after) == result["frames"]
    assert not read.faults.counts
    manifest = json.loads((out / "manifest.json").read_text())
    assert [one["ended"] for one in manifest["segments"]] == ["repaired", "end"]


async def test_a_recorder_that_is_told_to_stop_closes_what_it_wrote(tmp_path: Path) -> None:
    """SIGTERM: the last words are that the streams end, and the manifest is whole."""
    with hand_exchange() as exchange:
        process = await Process.start(
            "record", "--venue", "paper", "--symbols", "BTCUSDT", "--out", str(tmp_path / "rec"), "--port", "0",
            "--set", f"venue.url={exchange.url}", home=tmp_path, url="",
        )  # fmt: skip
        await process.said("5 streams, into")
        async with asyncio.timeout(30):
            while not (tmp_path / "rec" / "000001.gz").exists():
                await asyncio.sleep(0.02)
        process.terminate()
        async with asyncio.timeout(10):
            result = await process.result()
    manifest = read_manifest(tmp_path / "rec")
    assert manifest is not None
    assert manifest.ended_ns > manifest.segments[-1].last_ns - 1
    assert manifest.frames == result["frames"] > 0
    last = [one for batch in Recording([tmp_path / "rec"]).batches() for one in batch][-1]
    assert b'"state":"stale","reason":"the feed was stopped"' in last.payload


async def test_a_folder_of_another_market_is_refused(tmp_path: Path) -> None:
    with hand_exchange() as exchange:
        out = tmp_path / "rec"
        settings = venue_settings(tmp_path, exchange.url, "http.enabled=false")
        await recording.record(settings, out, 0.3, report=quiet)
        process = await Process.start(
            "record", "--venue", "paper", "--market", "spot", "--symbols", "BTCUSDT", "--out", str(out),
            "--port", "0", "--set", f"venue.url={exchange.url}", home=tmp_path, url="",
        )  # fmt: skip
        assert "is a recording of binance usdm paper, not of binance spot paper" in await process.said("is a recording")
        await process.gone()
