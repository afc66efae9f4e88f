"""A live market: frames of the venue's sockets become facts of a desk in the order in which they are dequeued."""

from collections.abc import Callable, Mapping, Sequence

from petrosa.adapters.stores.tape.writer import TapeWriter
from petrosa.adapters.venues.replay.normalise import Normaliser
from petrosa.adapters.wire.frame import RawFrame
from petrosa.apps.parsing import market_parser
from petrosa.apps.wiring import Instruments
from petrosa.core.model.market import symbol_of
from petrosa.runtime.conflating import Frame
from petrosa.runtime.inbox import Heard


class LiveMarket:
    """Decodes what a `LiveInbox` hands out, and tapes it: a tape holds what the desk was told, and in that order."""

    def __init__(
        self, venue: str, market: str, instruments: Instruments, tape: TapeWriter | None, sequence: Callable[[], int]
    ) -> None:
        """`sequence` says which turn was the last one when a frame is dequeued."""
        parser = market_parser(venue, market, [symbol_of(key) for key in instruments])
        self._normaliser = Normaliser(parser, instruments, feed_latency_ns=0, shift=0, depth20=False)
        self._tape = tape
        self._sequence = sequence

    @property
    def errors(self) -> Mapping[str, int]:
        """Frames that could not be used, by reason."""
        return self._normaliser.errors

    @property
    def gaps(self) -> Mapping[str, int]:
        return self._normaliser.gaps

    def decode(self, frames: Sequence[Frame]) -> Sequence[Heard]:
        """The facts in these frames; a frame's arrival is the desk's time of them."""
        if self._tape is not None:
            sequence = self._sequence()
            for frame in frames:
                self._tape.append(sequence, frame.arrival, frame.arrival, frame.tag, frame.payload)
        return self._normaliser.feed([RawFrame(frame.arrival, frame.payload) for frame in frames])
