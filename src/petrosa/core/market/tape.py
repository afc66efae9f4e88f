"""A ring of recent trades of one symbol, and the sums over it that strategies ask for."""

from collections import deque
from typing import Final

from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import Trade

BUY: Final = Side.BUY
FULL_FIRST: Final = 256
LATE_NS: Final = 5 * NS_PER_SECOND
"""A trade that is heard so long after it happened was missed and fetched: it counts as of when it happened, so that a
minute's trades which come at once are not taken for the trades of one instant."""


class Tape:
    """The trades heard in the last `window_ns`, at most `capacity` of them, with their signed volume kept up to date.

    Age is measured in the desk's time, that of a trade which comes very late in the venue's. Sums are exact to float
    rounding: they are rebuilt when the ring runs empty.
    What has become too old is dropped when somebody asks, or when the ring has doubled since: not at every trade.
    """

    __slots__ = ("_full", "_ring", "_signed", "capacity", "window_ns")

    def __init__(self, window_ns: int, capacity: int = 16_384) -> None:
        self.window_ns = window_ns
        self.capacity = capacity
        self._ring: deque[tuple[int, float]] = deque()
        self._signed = 0.0
        self._full = min(FULL_FIRST, capacity)

    def append(self, trade: Trade, now: int) -> None:
        """Take in a trade heard at `now`."""
        signed = trade.quantity if trade.aggressor is BUY else -trade.quantity
        ring = self._ring
        if now - trade.ts_event > LATE_NS:
            now = max(trade.ts_event, ring[-1][0] if ring else 0)
        ring.append((now, signed))
        self._signed += signed
        if len(ring) > self._full:
            self._drop(now)

    def signed_volume(self, now: int) -> float | None:
        """Bought minus sold base volume of the window ending at `now`; None when no trade is in it."""
        self._drop(now)
        return self._signed if self._ring else None

    def _drop(self, now: int) -> None:
        ring, signed, oldest = self._ring, self._signed, now - self.window_ns
        while ring:
            entry = ring.popleft()
            if entry[0] > oldest:  # one is put back, which costs less than to look at each before it is taken
                ring.appendleft(entry)
                break
            signed -= entry[1]
        while len(ring) > self.capacity:
            signed -= ring.popleft()[1]
        self._signed = signed if ring else 0.0
        self._full = min(2 * len(ring) + FULL_FIRST, self.capacity)

    def clear(self) -> None:
        self._ring.clear()
        self._signed = 0.0
