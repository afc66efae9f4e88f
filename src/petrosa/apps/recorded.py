"""Market input that was kept: a recording or a tape, opened, decoded, and named so that it can be found again."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from petrosa.adapters.stores.tape.reader import TapeReader
from petrosa.adapters.stores.tape.writer import TapeWriter
from petrosa.adapters.venues.replay.lines import Faults
from petrosa.adapters.venues.replay.normalise import Normaliser
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.wire.frame import RawFrame
from petrosa.apps.parsing import market_parser
from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Instruments
from petrosa.backtest.source import Heard, TimedSource
from petrosa.core.market.trade_bars import TradeBars
from petrosa.core.model.base import NS_PER_MS
from petrosa.core.model.market import Candle, symbol_of
from petrosa.errors import JournalError

CANDLES: Final = str(Candle.__struct_config__.tag)


class Input:
    """A recording's or tape's facts in order, once, with what was counted on the way.

    `size` is how many frames are decoded at once. `shift` is known when the first batch has been made; it is found in a
    recording, and zero for a tape, whose arrivals were corrected when it was written.
    """

    def __init__(
        self,
        settings: Settings,
        market: str,
        instruments: Instruments,
        frames: Iterator[list[RawFrame]],
        shift: int | None,
        read: Callable[[], Faults] = Faults,
        lengths: Collection[int] = (),
    ) -> None:
        """`read` says what could not be read before it was a frame, `lengths` (ns) which bars are made of trades."""
        parser = market_parser(settings.feed.venue, market, [symbol_of(key) for key in instruments])
        self.normaliser = Normaliser(parser, instruments, round(settings.feed.latency_ms * NS_PER_MS), shift)
        self.instruments = instruments
        self._parser = parser
        self._read = read
        self._bars = TradeBars(instruments, lengths) if lengths else None
        self.source = TimedSource(frames, *_stages(self.normaliser, self._bars))

    @property
    def shift(self) -> int:
        return self.normaliser.shift or 0

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Facts by kind and symbol, with the bars that were made."""
        counts = self.normaliser.counts
        if self._bars is not None and self._bars.made:
            heard = Counter(counts.get(CANDLES, {})) + Counter({symbol_of(k): n for k, n in self._bars.made.items()})
            counts[CANDLES] = dict(heard)
        return counts

    @property
    def errors(self) -> Counter[str]:
        """Lines and frames that could not be used, by reason."""
        return self._read().counts + self.normaliser.errors

    @property
    def gaps(self) -> dict[str, int]:
        """Gaps in the chain of book differences, by symbol."""
        return self.normaliser.gaps

    @property
    def skipped(self) -> Counter[str]:
        """Frames that are sound and no facts for us, by reason."""
        return self._parser.skipped

    @property
    def first_faults(self) -> dict[str, str]:
        """The first case of each reason among errors and skipped frames that somebody should know of, in words."""
        return {**self._parser.first_skipped, **self._read().first, **self.normaliser.faults.first}

    def batches(self) -> Iterator[Sequence[Heard]]:
        return iter(self.source)


def open_recording(
    settings: Settings, recording: Recording, instruments: Instruments, size: int = 4_096,
    lengths: Collection[int] = (),
) -> Input:  # fmt: skip
    frames = recording.batches(size)
    return Input(settings, recording.product, instruments, frames, None, lambda: recording.faults, lengths)


def open_tape(
    settings: Settings, folder: Path, market: str, instruments: Instruments, size: int = 4_096,
    lengths: Collection[int] = (),
) -> Input:  # fmt: skip
    return Input(settings, market, instruments, _taped(TapeReader(folder), size), 0, lengths=lengths)


def taping(
    frames: Iterator[list[RawFrame]], tape: TapeWriter, tag: str, sequence: Callable[[], int]
) -> Iterator[list[RawFrame]]:
    """The same frames, on the tape before anybody turns them. `sequence` is the last turn, `tag` is `venue:market`."""
    for batch in frames:
        last = sequence()
        for frame in batch:
            tape.append(last, frame.arrival, frame.arrival, tag, frame.payload)
        yield batch


def check_digest(recording: Recording, expected: str) -> None:
    """Raises `JournalError` when this is not the recording that a journal names."""
    if recording.digest != expected:
        raise JournalError(
            f"the journal was made from a recording with digest {expected}, and {recording.name} has "
            f"{recording.digest}; give the same files with --recording"
        )


def _stages(
    normaliser: Normaliser, bars: TradeBars | None
) -> tuple[Callable[[list[RawFrame]], list[Heard]], Callable[[], list[Heard]]]:
    """What makes facts of frames, and what gives those that are held back at the end."""
    if bars is None:
        return normaliser.feed, normaliser.flush
    return lambda frames: bars.feed(normaliser.feed(frames)), lambda: bars.feed(normaliser.flush())


def _taped(reader: TapeReader, size: int) -> Iterator[list[RawFrame]]:
    batch: list[RawFrame] = []
    for frame in reader.frames():
        batch.append(RawFrame(frame.arrival, frame.payload))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
