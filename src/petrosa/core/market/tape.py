"""A ring of recent trades of one symbol, and the sums over it that strategies ask for."""

from collections import deque
from typing import Final

from petrosa.core.model.base import Side
from petrosa.core.model.market import Trade

BUY: Final = Side.BUY


class Tape:
    """The trades heard in the last `window_ns`, at most `capacity` of them, with their signed volume kept up to date.

    Age is measured in the desk's time. Sums are exact to float rounding: they are rebuilt when the ring runs empty.
    """

    __slots__ = ("_ring", "_signed", "capacity", "window_ns")

    def __init__(self, window_ns: int, capacity: int = 16_384) -> None:
        self.window_ns = window_ns
        self.capacity = capacity
        self._ring: deque[tuple[int, float]] = deque()
        self._signed = 0.0

    def append(self, trade: Trade, now: int) -> None:
        """Take in a trade heard at `now`."""
        signed = trade.quantity if trade.aggressor is BUY else -trade.quantity
        ring = self._ring
        ring.append((now, signed))
        self._signed += signed
        oldest = now - self.window_ns
        while ring[0][0] <= oldest or len(ring) > self.capacity:
            self._signed -= ring.popleft()[1]

    def signed_volume(self, now: int) -> float | None:
        """Bought minus sold base volume of the window ending at `now`; None when no trade is in it."""
        ring = self._ring
        oldest = now - self.window_ns
        while ring and ring[0][0] <= oldest:
            self._signed -= ring.popleft()[1]
        if not ring:
            self._signed = 0.0
            return None
        return self._signed

    def clear(self) -> None:
        self._ring.clear()
        self._signed = 0.0
