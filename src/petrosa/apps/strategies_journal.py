"""The journal of a strategies service: one a run where the stream can be read again, else one a start, with a tape."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from petrosa.adapters.stores.journal.format import LOCK, segment_numbers
from petrosa.adapters.stores.journal.reader import JournalReader, is_begun
from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.adapters.stores.lockfile import is_locked
from petrosa.apps.journaling import new_run_folder, open_journal, provenance_of, run_file
from petrosa.apps.market_stream import Market, MarketStream
from petrosa.apps.settings import Settings, load_recorded
from petrosa.apps.stream_tape import TAPE, keep_on, stream_tape
from petrosa.errors import JournalError, StorageError
from petrosa.runtime.crash import crash_point

COMMAND = "strategies"


class StrategiesJournal(NamedTuple):
    """`begun_with` is what held when the run began; a journal that goes on says in itself what changed since."""

    writer: JournalWriter
    begun_with: Settings


@contextmanager
def open_strategies_journal(settings: Settings, stream: MarketStream) -> Iterator[StrategiesJournal]:
    """The journal of this run, found again by its name after a restart. A live market is kept on a tape beside it.

    Raises `StorageError` when another process writes it, `JournalError` when it is of other instruments.
    """
    market = stream.market
    folder = _folder(settings, market)
    if is_locked(folder / LOCK):
        raise StorageError(
            f"journal {folder} is being written by another process; give each replica that shares a data directory a"
            " name of its own with PETROSA_REPLICA (service.replica), or stop that process"
        )
    begun_with = _begun_with(settings, market, folder)
    begin = market.begin
    with ExitStack() as stack:
        tape = stack.enter_context(stream_tape(settings, stream, folder))
        provenance = provenance_of(
            settings, market.instruments,
            recording_sha256=begin.digest if begin is not None else "", taped=tape is not None,
            shift=begin.shift_ns if begin is not None else 0, has_trader=False,
        )  # fmt: skip
        writer = open_journal(
            settings, folder, provenance, run_file(folder, COMMAND, tape=TAPE if tape is not None else ""),
            durable=settings.journal.durable, before_write=tape.flush if tape is not None else None,
            crash_point=crash_point(settings.crash_at),
        )  # fmt: skip
        stack.callback(writer.close)
        if tape is not None:
            keep_on(tape, stream, writer)
        yield StrategiesJournal(writer, begun_with)


def _folder(settings: Settings, market: Market) -> Path:
    replica = f"-{settings.service.replica}" if settings.service.replica else ""
    if market.begin is None:
        return new_run_folder(settings.runs, f"{COMMAND}{replica}")
    return settings.runs / f"{COMMAND}-{market.run}{replica}"


def _begun_with(settings: Settings, market: Market, folder: Path) -> Settings:
    """The settings of the run's first start, which are ours where this is the first, or where that one was killed
    before it had written them."""
    segments = segment_numbers(folder)
    if not segments or (len(segments) == 1 and not is_begun(folder, segments[0])):
        return settings
    provenance = JournalReader(folder).header().provenance
    if {one.id: one for one in provenance.instruments} != dict(market.instruments):
        raise JournalError(
            f"journal {folder} is of {', '.join(one.id for one in provenance.instruments)} by other rules than"
            f" {', '.join(market.instruments)} have now; restore TRADING_SYMBOLS and the instruments file, name another"
            " replica with PETROSA_REPLICA, or start in a new data directory to begin anew"
        )
    return load_recorded(bytes(provenance.configuration), folder)
