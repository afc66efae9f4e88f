"""The same data makes the same decisions: twice, in either loop, at any pace, up to any point, and in a replay."""

import asyncio
import gzip
import json
from pathlib import Path

import httpx
import msgspec
import pytest

from petrosa.adapters.stores.journal.format import segment_path
from petrosa.adapters.stores.journal.listing import verify
from petrosa.adapters.stores.journal.reader import JournalReader, read_header
from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.adapters.stores.tape.reader import TapeReader
from petrosa.adapters.stores.tape.writer import TapeWriter
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.backtest import run_backtest
from petrosa.apps.instruments import load_instruments
from petrosa.apps.journaling import run_file
from petrosa.apps.process import DeskProcess
from petrosa.apps.recorded import Input, open_recording, taping
from petrosa.apps.replay import explain_journal, replay_journal
from petrosa.apps.run import run_recording
from petrosa.apps.running import status_of
from petrosa.apps.settings import Settings, load
from petrosa.apps.wiring import build_desk, choose_instruments, read_checkpoint
from petrosa.backtest.chain import decisions_of
from petrosa.backtest.explain import Question, as_text
from petrosa.backtest.summary import Summary
from petrosa.core.model.base import NS_PER_MS
from petrosa.core.model.commands import Shutdown
from petrosa.core.model.events import SignalMade
from petrosa.errors import ConfigError, JournalError, UsageError
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.serve import serving
from tests.kit.recordings import recording_dir
from tests.kit.small_recording import LIVELY, RECORDER_LATE_NS, write_small_recording
from tests.kit.toys import trade

BITING = (*LIVELY, "risk.max_open_positions=1", "risk.max_position_fraction=0.1", "risk.max_exposure_fraction=0.1")


def settings(home: Path, *sets: str) -> Settings:
    return load(sets=sets, environ={}, home=str(home))


def silent(message: str) -> None:
    """Nobody listens."""


def backtest(recording: Path, home: Path, *sets: str) -> Summary:
    return run_backtest([recording], settings(home, *(sets or LIVELY)), folder=home / "journal")


def in_real_time(recording: Path, home: Path, speed: float, *sets: str) -> Summary:
    loaded = settings(home, *(sets or LIVELY), f"feed.speed={speed:g}")
    return asyncio.run(run_recording([recording], loaded, report=silent, folder=home / "journal"))


def without_times(summary: Summary) -> dict[str, object]:
    """A summary without what depends on the machine and the place."""
    document: dict[str, object] = json.loads(msgspec.json.encode(summary))
    journal = document.pop("journal")
    assert isinstance(journal, dict)
    times = {"elapsed_s", "read_s", "decode_s", "decide_s", "events_per_s"}
    return {**{key: value for key, value in document.items() if key not in times}, "sha256": journal["sha256"]}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_recording(tmp_path_factory.mktemp("small") / "market.gz", 90)


@pytest.fixture(scope="module")
def small_run(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return backtest(small, tmp_path_factory.mktemp("run"))


def test_the_small_market_is_worth_testing_with(small_run: Summary) -> None:
    """It has signals on both sides, refusals, orders and fills."""
    sides = {side for counts in small_run.signals.values() for side in counts}
    assert {"buy", "sell"} == sides
    assert min(small_run.orders, small_run.fills, sum(small_run.refusals.values())) > 5


def test_the_same_recording_twice(small: Path, small_run: Summary, tmp_path: Path) -> None:
    """Two runs have the same summary and the same digests, wherever their journals are."""
    again = backtest(small, tmp_path)
    assert without_times(small_run) == without_times(again)
    assert small_run.journal.decisions_sha256 == again.journal.decisions_sha256


@pytest.mark.parametrize("sets", [LIVELY, BITING], ids=["free", "limits biting"])
@pytest.mark.parametrize("speed", [0, 200])
def test_the_asyncio_runtime_decides_the_same(small: Path, tmp_path: Path, sets: tuple[str, ...], speed: float) -> None:
    """Backtest and runtime write the same journal to the byte, at full speed and paced, also where limits bite."""
    plain = backtest(small, tmp_path / "plain", *sets)
    paced = in_real_time(small, tmp_path / "paced", speed, *sets)
    assert without_times(plain) == without_times(paced)
    bodies = [segment_path(tmp_path / name / "journal", 1).read_bytes() for name in ("plain", "paced")]
    assert bodies[0] == bodies[1]


def test_liquidations_among_the_frames_change_no_decision(small: Path, small_run: Summary, tmp_path: Path) -> None:
    """No strategy reads them: every decision is the same, at the same time, though turns have other numbers."""
    with_them = backtest(with_liquidations(small, tmp_path / "more.gz"), tmp_path / "more")
    assert {"BTCUSDT", "ETHUSDT"} == set(with_them.events["liquidation"])
    assert "liquidation" not in small_run.events
    backtest(small, tmp_path / "plain")
    told = [
        [(turn.now, turn.decisions) for turn in JournalReader(tmp_path / name / "journal").turns() if turn.decisions]
        for name in ("plain", "more")
    ]
    assert told[0] == told[1]


def with_liquidations(recording: Path, path: Path) -> Path:
    """One after every fiftieth frame, by the stream of a symbol and by that of all, once the clock's error is known."""
    with gzip.open(recording, "rt") as lines, gzip.open(path, "wt") as more:
        for number, line in enumerate(lines):
            more.write(line)
            if number < 2_000 or number % 50:
                continue
            arrival = int(line.partition(" ")[0])
            ms = arrival // NS_PER_MS - RECORDER_LATE_NS // NS_PER_MS
            symbol, stream = (("BTCUSDT", "btcusdt@forceOrder"), ("ETHUSDT", "!forceOrder@arr"))[number // 50 % 2]
            order = {"s": symbol, "S": "SELL", "q": "1", "p": "3000", "ap": "3001", "X": "FILLED", "z": "1", "T": ms}
            more.write(f"{arrival + 1} {json.dumps({'stream': stream, 'data': {'o': order}}, separators=(',', ':'))}\n")
    return path


def test_limits_do_bite(small: Path, small_run: Summary, tmp_path: Path) -> None:
    """Tight limits refuse by their own names what a free run lets pass."""
    bitten = backtest(small, tmp_path, *BITING)
    limits = {"position_count", "exposure_after", "position_size"}
    assert limits & set(bitten.refusals)
    assert small_run.journal.decisions_sha256 != bitten.journal.decisions_sha256


def test_a_prefix_decides_the_same_up_to_there(small: Path, small_run: Summary, tmp_path: Path) -> None:
    """No decision depends on what comes later: the first 60 s decide what the whole 90 s decided in them."""
    part = backtest(write_small_recording(tmp_path / "part.gz", 60), tmp_path)
    turns = [list(JournalReader(Path(run.journal.path)).turns()) for run in (small_run, part)]
    assert turns[0][: len(turns[1])] == turns[1]
    assert len(turns[0]) > len(turns[1]) > 10


def test_a_journal_replays_identically(small_run: Summary, small: Path, tmp_path: Path) -> None:
    """A journal is turned again with the recording that its side file names, or with one that has moved."""
    folder = Path(small_run.journal.path)
    moved = tmp_path / "moved.gz"
    moved.write_bytes(small.read_bytes())
    for paths in ([], [moved]):
        report = replay_journal(folder, recording=paths)
        assert (True, "") == (report.identical, report.difference)
        assert small_run.journal.decisions_sha256 == report.decisions_sha256


def test_another_recording_is_refused(small_run: Summary, tmp_path: Path) -> None:
    """A replay with other data is refused by digest, before anything is turned."""
    other = write_small_recording(tmp_path / "other.gz", 10, seed=8)
    with pytest.raises(JournalError, match="give the same files with --recording"):
        replay_journal(Path(small_run.journal.path), recording=[other])


def test_a_changed_decision_is_shown(small_run: Summary, tmp_path: Path) -> None:
    """A journal whose decisions are not what this code decides differs at the first of them, both shown."""
    reader = JournalReader(Path(small_run.journal.path))
    header = reader.header()
    forged = JournalWriter(tmp_path / "forged", header.provenance, run_file(tmp_path, "test"))
    forged.rotate(0, 0, bytes(header.checkpoint))
    changed = 0
    for turn in reader.turns():
        decisions = decisions_of(turn)
        signals = [decision for decision in decisions if isinstance(decision, SignalMade)]
        if signals and not changed:
            changed = turn.sequence
            signal = msgspec.structs.replace(signals[0].signal, confidence=0.123)
            decisions[decisions.index(signals[0])] = SignalMade(signal, signals[0].outcomes)
        event = turn.event if turn.event is not None else trade(1)
        forged.record(turn.sequence, turn.now, event, decisions)
    forged.finish(reader.head.sequence, reader.head.now)
    forged.close()
    sidecar = Path(small_run.journal.path) / "run.json"
    (tmp_path / "forged" / "run.json").write_bytes(sidecar.read_bytes())
    report = replay_journal(tmp_path / "forged")
    assert not report.identical
    assert f"turn {changed} differs" in report.difference
    assert '"confidence":0.123' in report.difference


def test_an_order_is_explained_to_its_fill(small_run: Summary) -> None:
    """The chain of a filled signal: what was seen, every gate with value and limit, the order, the fill."""
    folder = Path(small_run.journal.path)
    filled = _a_filled_signal(folder)
    explanation = explain_journal(folder, Question(signal_id=filled))
    kinds = [step.what for step in explanation.steps]
    assert kinds.index("signal") < kinds.index("agreed") < kinds.index("approved") < kinds.index("order_filled")
    assert 0.0 < explanation.seen.bid < explanation.seen.ask
    assert explanation.seen.bid_depth_5 < explanation.seen.bid_depth_20
    assert explanation.seen.last_trades
    assert all(gate.saw for step in explanation.steps if step.what == "agreed" for gate in step.gates)
    assert "fills followed" in as_text(explanation)
    assert filled == json.loads(msgspec.json.encode(explanation))["question"].removeprefix("signal ")


def _a_filled_signal(folder: Path) -> str:
    for turn in JournalReader(folder).turns():
        for decision in decisions_of(turn):
            if isinstance(decision, SignalMade):
                steps = explain_journal(folder, Question(signal_id=decision.signal.signal_id)).steps
                if {"approved", "order_filled"} <= {step.what for step in steps}:
                    return decision.signal.signal_id
    raise AssertionError("no signal of the small market was filled")


def test_a_refusal_is_explained_by_time(small_run: Summary) -> None:
    """Asked about a symbol and a time, the last candidate until then is shown with the gate that refused it."""
    folder = Path(small_run.journal.path)
    turns = [turn for turn in JournalReader(folder).turns() if b'"kind":"refused"' in b"".join(turn.decisions)]
    explanation = explain_journal(folder, Question(symbol="BTCUSDT", at=turns[-1].now))
    assert explanation.seen.now == turns[-1].now
    assert explanation.steps
    assert all(step.now <= turns[-1].now for step in explanation.steps[:1])
    with pytest.raises(UsageError, match="it holds BTCUSDT, ETHUSDT"):
        explain_journal(folder, Question(symbol="DOGEUSDT", at=turns[-1].now))
    with pytest.raises(UsageError, match="is not in this journal"):
        explain_journal(folder, Question(signal_id="none"))


def test_an_unknown_symbol_is_refused(tmp_path: Path) -> None:
    """A recording of a symbol without rules is refused with the remedy."""
    lines = gzip.decompress(write_small_recording(tmp_path / "a.gz", 2).read_bytes())
    (tmp_path / "b.gz").write_bytes(
        gzip.compress(lines.replace(b"ETHUSDT", b"XYZUSDT").replace(b"ethusdt", b"xyzusdt"))
    )
    with pytest.raises(ConfigError, match="there are no rules for binance:usdm:XYZUSDT"):
        backtest(tmp_path / "b.gz", tmp_path)


async def test_a_stopped_run_can_be_replayed(small: Path, tmp_path: Path) -> None:
    """Stopped in the middle, a run leaves a journal that ends with the shutdown, a checkpoint, and replays."""
    process = opened(small, tmp_path, speed=float("inf"))
    turned = process.turns.market

    def stop_at_500(event: object, now: int) -> None:
        turned(event, now)  # type: ignore[arg-type]
        if process.turns.sequence == 500:
            process.stop("test")

    process.turns.market = stop_at_500  # type: ignore[method-assign]
    await process.run((), silent)
    process.close()
    reader = JournalReader(tmp_path / "journal")
    assert any(isinstance(turn.event, Shutdown) for turn in reader.turns())
    proved = verify(tmp_path / "journal")
    assert proved.closed
    state = read_checkpoint(bytes(read_header(reader.folder, reader.segments[-1]).checkpoint))
    assert (process.turns.snapshot(), process.exchange.snapshot()) == (state.turns, state.venue)
    assert replay_journal(tmp_path / "journal").identical


def opened(small: Path, home: Path, *, speed: float) -> DeskProcess:
    loaded = settings(home, *LIVELY)
    recording = Recording([small])
    instruments = choose_instruments(loaded, load_instruments(), recording.product, recording.symbols)
    return DeskProcess(
        loaded,
        build_desk(loaded, instruments),
        open_recording(loaded, recording, instruments, 128),
        folder=home / "journal",
        run_file=run_file(home / "journal", "test", recording=[str(small)]),
        speed=speed,
        recording_sha256=recording.digest,
    )


async def test_a_taped_run_replays_from_its_tape(small: Path, tmp_path: Path) -> None:
    """A run that was fed from somewhere unrepeatable is turned again from what it taped."""
    loaded = settings(tmp_path, *LIVELY)
    recording = Recording([small])
    instruments = choose_instruments(loaded, load_instruments(), recording.product, recording.symbols)
    tape = TapeWriter(tmp_path / "journal" / "tape")
    running: list[DeskProcess] = []
    frames = taping(recording.batches(128), tape, "binance:usdm", lambda: running[0].turns.sequence if running else 0)
    process = DeskProcess(
        loaded,
        build_desk(loaded, instruments),
        Input(loaded, "usdm", instruments, frames, 0),
        folder=tmp_path / "journal",
        run_file=run_file(tmp_path / "journal", "test", tape="tape"),
        tape=tape,
    )
    running.append(process)
    await process.run((), silent)
    process.close()
    assert process.summary().fills > 0
    assert tape.frames == len(list(TapeReader(tmp_path / "journal" / "tape").frames()))
    report = replay_journal(tmp_path / "journal")
    assert (True, process.turns.sequence) == (report.identical, report.turns)


async def test_http_answers_while_a_run_is_going_on(small: Path, tmp_path: Path) -> None:
    """The surface is up beside the loop, and its metrics are those of the run."""
    process = opened(small, tmp_path, speed=100.0)
    status = status_of(process, "run")
    answers: list[int] = []

    async def ask(url: str) -> None:
        async with httpx.AsyncClient() as client:
            while True:
                response = await client.get(f"{url}/metrics")
                answers.append(response.status_code)

    async with serving(api(status), "127.0.0.1", 0) as url:
        asking = asyncio.create_task(ask(url))
        await process.run((), silent)
        asking.cancel()
    process.close()
    assert {200} == set(answers)
    assert status.observe().messages_processed > 2_000
    assert status.model.fills == process.summary().fills


def real_part(product: str, lines: int, to: Path) -> Path:
    """The first lines of a real recording's first file."""
    source = sorted(recording_dir(product).glob("btcusdt*.gz"))[0]
    with gzip.open(source, "rb") as file, gzip.open(to, "wb", compresslevel=1) as part:
        part.writelines(line for _, line in zip(range(lines), file, strict=False))
    return to


@pytest.mark.recordings
@pytest.mark.parametrize("product", ["usdm", "spot"])
def test_a_real_recording_decides_the_same_everywhere(product: str, tmp_path: Path) -> None:
    """In a backtest, in the runtime, and again from the journal: a whole real recording makes the same decisions."""
    recording = recording_dir(product)
    plain = backtest(recording, tmp_path / "a")
    assert plain.fills > 0
    assert without_times(plain) == without_times(in_real_time(recording, tmp_path / "b", 0))
    assert replay_journal(tmp_path / "a" / "journal").identical


@pytest.mark.recordings
@pytest.mark.parametrize("product", ["usdm", "spot"])
def test_a_real_prefix_decides_the_same(product: str, tmp_path: Path) -> None:
    """The first part of a real recording decides what the longer part decided up to there."""
    long, short = (real_part(product, lines, tmp_path / f"{lines}.gz") for lines in (30_000, 17_000))
    runs = [backtest(path, tmp_path / path.stem) for path in (long, short)]
    turns = [list(JournalReader(Path(run.journal.path)).turns()) for run in runs]
    assert turns[0][: len(turns[1])] == turns[1]
    assert len(turns[1]) > 5
