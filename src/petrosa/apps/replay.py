"""`petrosa replay` and `petrosa explain`: a journal turned again with its recording or tape."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from petrosa.adapters.stores.journal.format import Header
from petrosa.adapters.stores.journal.reader import Head, JournalReader, read_sidecar
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.desk_bars import lengths_made
from petrosa.apps.journaling import code_version
from petrosa.apps.recorded import Input, check_digest, open_recording, open_tape
from petrosa.apps.recordings import told_on
from petrosa.apps.settings import Settings, load_recorded
from petrosa.apps.wiring import Markets, build_markets, build_strategist, build_stream_strategist, build_trader
from petrosa.backtest.explain import Explanation, Question, explain
from petrosa.backtest.replay import Replay, Replayed, check_version
from petrosa.core.desk import Desk
from petrosa.errors import JournalError, RecordingError


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found. `warning` speaks of another code version; `identical` is what `--assert-identical` asks."""

    path: str
    identical: bool
    turns: int
    decisions: int
    decisions_sha256: str
    difference: str
    warning: str


class _Opened(NamedTuple):
    reader: JournalReader
    desk: Desk
    markets: Markets
    replay: Replay
    head: Head
    warning: str


def replay_journal(
    folder: Path, *, recording: Sequence[str | Path] = (), across_versions: bool = False
) -> ReplayReport:
    """Turn a journal again and compare every decision. Raises `JournalError` when it cannot be done at all."""
    opened = _open(folder, recording, across_versions)
    replayed: Replayed = opened.replay.run()
    difference = replayed.difference
    return ReplayReport(
        path=str(folder),
        identical=difference is None,
        turns=replayed.sequence,
        decisions=replayed.decisions,
        decisions_sha256=opened.head.decisions,
        difference="" if difference is None else str(difference),
        warning=opened.warning,
    )


def explain_journal(
    folder: Path, question: Question, *, recording: Sequence[str | Path] = (), across_versions: bool = False
) -> Explanation:
    """Why there was an order, or none. Raises `UsageError` when the journal does not hold what is asked about."""
    opened = _open(folder, recording, across_versions)
    turns = list(opened.reader.turns())
    strategist = opened.desk.strategist
    return explain(
        question, turns, opened.replay, opened.markets, lambda: {} if strategist is None else strategist.quiet_counts
    )


def _open(folder: Path, recording: Sequence[str | Path], across_versions: bool) -> _Opened:
    reader = JournalReader(folder)
    header = reader.header()
    if header.sequence:
        raise JournalError(
            f"{folder}: the first kept segment begins after turn {header.sequence}; a replay needs the journal from "
            "its beginning, so restore the pruned segments"
        )
    provenance = header.provenance
    warning = check_version(provenance.code_version, code_version(), across_versions=across_versions)
    head = reader.verify()
    settings = load_recorded(bytes(provenance.configuration), folder)
    desk, markets = _desk_of(header, settings)
    taken = _input(folder, header, recording)
    replay = Replay(desk, JournalReader(folder).turns(), taken.batches(), head.sequence)
    return _Opened(reader, desk, markets, replay, head, warning or "")


def _desk_of(header: Header, settings: Settings) -> tuple[Desk, Markets]:
    """The desk that wrote the journal: a whole one, or the half of it in `petrosa trade` or `petrosa strategies`."""
    provenance = header.provenance
    instruments = {instrument.id: instrument for instrument in provenance.instruments}
    markets = build_markets(instruments)
    build = build_strategist if _is_whole(header) else build_stream_strategist
    strategist = build(settings, instruments, markets) if provenance.has_strategist else None
    trader = build_trader(settings, instruments, markets) if provenance.has_trader else None
    return Desk(markets, strategist, trader), markets


def _is_whole(header: Header) -> bool:
    """Whether a desk in one process wrote the journal, which may have strategies of bars."""
    return header.provenance.has_strategist and header.provenance.has_trader


def _input(folder: Path, header: Header, given: Sequence[str | Path]) -> Input:
    provenance = header.provenance
    settings = load_recorded(bytes(provenance.configuration), folder)
    instruments = {instrument.id: instrument for instrument in provenance.instruments}
    lengths = lengths_made(settings) if _is_whole(header) else ()
    if not provenance.recording_sha256:
        market = provenance.instruments[0].market
        return open_tape(settings, folder / "tape", market, instruments, lengths=lengths)
    sidecar = read_sidecar(folder)
    paths = list(given) or (list(sidecar.recording) if sidecar is not None else [])
    if not paths:
        raise JournalError(f"{folder}: run.json does not say where the recording is; name it with --recording")
    try:
        recorded = Recording(paths)
    except RecordingError as problem:
        raise problem if given else RecordingError(f"{problem}; if it was moved, name it with --recording") from None
    check_digest(recorded, provenance.recording_sha256)
    return open_recording(settings, told_on(settings, recorded), instruments, lengths=lengths)
