"""The tape of a service that reads a live market from NATS: what it heard, since nobody can read that again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.adapters.stores.tape.writer import TapeWriter
from petrosa.adapters.wire.frame import RawFrame
from petrosa.apps.market_stream import MarketStream
from petrosa.apps.settings import Settings

TAPE: Final = "tape"


@contextmanager
def stream_tape(settings: Settings, stream: MarketStream, folder: Path) -> Iterator[TapeWriter | None]:
    """A tape beside a journal; none where the stream holds a recording, or no tape is wanted."""
    if stream.market.begin is not None or not settings.journal.tape:
        yield None
        return
    tape = TapeWriter(folder / TAPE)
    try:
        yield tape
    finally:
        tape.close()


def keep_on(tape: TapeWriter, stream: MarketStream, journal: JournalWriter) -> None:
    """From now on every frame is on the tape before its facts are turned."""
    tag = f"{stream.market.venue}:{stream.market.market}"

    def keep(frame: RawFrame) -> None:
        tape.append(journal.head.sequence, frame.arrival, frame.arrival, tag, frame.payload)

    stream.tape = keep
