"""Where everything of a live feed leaves: frames in one order of arrival, and what is said beside them."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from petrosa.adapters.feeds.health import Change, Health
from petrosa.core.model.market import BookGap, FeedStateChanged, InstrumentId

Offer = Callable[[int, str, bytes], None]
"""Given (arrival in ns, never less than the one before; stream such as `btcusdt@trade`; frame). Must not wait."""


class TradesLost(NamedTuple):
    """Trades that nobody will hear: ids `first` to `last` of `stream` (`trade`, `aggTrade`), and why."""

    instrument: InstrumentId
    stream: str
    first: int
    last: int
    why: str


class TradesUnknown(NamedTuple):
    """Trades that may be missing, of a venue whose ids do not count: between two times of the venue (ns), and why."""

    instrument: InstrumentId
    stream: str
    after: int
    before: int
    why: str


News = FeedStateChanged | BookGap | TradesLost | TradesUnknown
"""What a feed says beside its frames. A gap is told before the frame after it, and is in the counters too."""


class Outlet:
    """Hands on frames and news. A frame that was held back, or came over REST, arrives when it is handed on."""

    def __init__(
        self, instruments: Mapping[str, InstrumentId], health: Health, offer: Offer, tell: Callable[[News], None],
        now: Callable[[], int] = time.time_ns,
    ) -> None:  # fmt: skip
        """`instruments` by stream."""
        self.counts: Counter[str] = Counter()
        self.health = health
        self.now = now
        self._instruments = instruments
        self._offer = offer
        self._tell = tell
        self._last = 0

    def arrived(self, arrival: int) -> int:
        """The arrival as it is told: the clock on the wall may step back, the order of frames does not."""
        if arrival > self._last:
            self._last = arrival
        return self._last

    def hand_on(self, stream: str, frame: bytes, arrival: int) -> None:
        """`arrival` is one that `arrived` gave, or `now`."""
        if arrival > self._last:
            self._last = arrival
        self._offer(self._last, stream, frame)

    def heard(self, stream: str, arrival: int) -> int:
        """A frame of the stream came; when it arrived, as it is told. Hot."""
        if arrival > self._last:
            self._last = arrival
        told = self._last
        changes = self.health.heard(stream, told)
        if changes:
            self.changed(changes)
        return told

    def impaired(self, stream: str, why: str) -> None:
        """What a stream says is not whole."""
        self.changed(self.health.impair(stream, why, self.now()))

    def mended(self, stream: str, why: str) -> None:
        self.changed(self.health.mend(stream, why, self.now()))

    def said(self, news: BookGap | TradesLost | TradesUnknown) -> None:
        self._tell(news)

    def changed(self, changes: Sequence[Change]) -> None:
        for stream, state, reason in changes:
            now = self.now()
            kind = stream.partition("@")[2]
            self._tell(FeedStateChanged(self._instruments[stream], now, now, kind, state, reason))
