"""Raw frames of a market that is made up on the way, for whoever reads recordings."""

from collections.abc import Callable, Iterable, Iterator

from petrosa.adapters.wire.frame import RawFrame
from petrosa.core.model.market import MarketEvent

Render = Callable[[MarketEvent], bytes]
"""A fact as the venue whose streams are imitated would have sent it."""


class SyntheticFeed:
    """Iterates like a recording, and may never end. Arrivals are right already: a normaliser shifts them by 0.

    `events` gives (arrival in ns, fact) in order of time; it is begun once, so one reader only.
    """

    def __init__(self, events: Iterable[tuple[int, MarketEvent]], render: Render) -> None:
        self._events = events
        self._render = render

    def frames(self) -> Iterator[RawFrame]:
        """One frame after the other."""
        render = self._render
        for arrival, event in self._events:
            yield RawFrame(arrival, render(event))

    def batches(self, size: int = 64) -> Iterator[list[RawFrame]]:
        """At most `size` frames at a time: small ones keep a paced run smooth."""
        batch: list[RawFrame] = []
        for frame in self.frames():
            batch.append(frame)
            if len(batch) >= size:
                yield batch
                batch = []
        if batch:
            yield batch
