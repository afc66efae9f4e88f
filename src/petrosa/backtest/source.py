"""A recording as batches of facts, and how long reading and decoding them took."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from petrosa.core.model.market import MarketEvent

Frame = TypeVar("Frame")

Heard = tuple[int, MarketEvent]
"""(now, event): a market fact and the desk's time for it."""


class TimedSource(Generic[Frame]):
    """Iterates over batches of facts, holding one batch at a time.

    `frames` gives batches of frames, `feed` makes facts of a batch, `flush` gives what `feed` still holds back at the
    end. `read_s` and `decode_s` grow while it is iterated.
    """

    def __init__(
        self,
        frames: Iterator[list[Frame]],
        feed: Callable[[list[Frame]], list[Heard]],
        flush: Callable[[], list[Heard]],
    ) -> None:
        self.read_s = self.decode_s = 0.0
        self._frames = frames
        self._feed = feed
        self._flush = flush

    def __iter__(self) -> Iterator[Sequence[Heard]]:
        clock = time.perf_counter
        while True:
            began = clock()
            frames = next(self._frames, None)
            read = clock()
            self.read_s += read - began
            heard = self._flush() if frames is None else self._feed(frames)
            self.decode_s += clock() - read
            if heard:
                yield heard
            if frames is None:
                return


def peek(batches: Iterator[Sequence[Heard]]) -> tuple[int, Iterator[Sequence[Heard]]]:
    """When the first fact is heard (0 when there is none), and the same batches again from the first."""
    first = next(batches, None)
    if not first:
        return 0, iter(())
    return first[0][0], itertools.chain((first,), batches)
