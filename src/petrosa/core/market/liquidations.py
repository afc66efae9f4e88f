"""What a venue has liquidated of one symbol lately: sums a second, so that it is bounded whatever comes."""

from collections import deque
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import Liquidation

KEPT_S: Final = 900
"""Seconds that are kept: fifteen minutes."""

_SELL: Final = Side.SELL


class Liquidated(msgspec.Struct, frozen=True, gc=False):
    """Positions that a venue closed in a window of time: their value, as `Instrument.notional` has it, and how many."""

    long_notional: float
    short_notional: float
    longs: int
    shorts: int


class _Second(msgspec.Struct, gc=False):
    """What was liquidated in a second of the desk's time."""

    second: int
    long_notional: float = 0.0
    short_notional: float = 0.0
    longs: int = 0
    shorts: int = 0


class Liquidations:
    """The liquidations of one symbol. Times are the desk's.

    `since` is from when on they have been heard without a break, None while they are not: silence is then no zero.
    `is_lost` says that they were heard and are not now. `longs` and `shorts` count since the start.
    """

    __slots__ = ("_ring", "is_lost", "longs", "shorts", "since")

    def __init__(self) -> None:
        self._ring: deque[_Second] = deque(maxlen=KEPT_S)
        self.clear()

    def clear(self) -> None:
        """Back to knowing nothing."""
        self._ring.clear()
        self.since: int | None = None
        self.is_lost = False
        self.longs = self.shorts = 0

    def told(self, *, is_live: bool, now: int) -> None:
        """The stream of liquidations came alive, or is not."""
        self.is_lost = not is_live
        if not is_live:
            self.since = None
        elif self.since is None:
            self.since = now

    def add(self, event: Liquidation, instrument: Instrument, now: int) -> None:
        """Take in one, at its average price where the venue tells it, else at the price of the order."""
        if self.since is None:
            self.told(is_live=True, now=now)
        price = event.average_price or event.price
        notional = float(instrument.notional(Decimal(repr(event.quantity)), Decimal(repr(price))))
        slot = self._slot(now // NS_PER_SECOND)
        if event.side is _SELL:
            slot.long_notional += notional
            slot.longs += 1
            self.longs += 1
        else:
            slot.short_notional += notional
            slot.shorts += 1
            self.shorts += 1

    def over(self, seconds: int, now: int) -> Liquidated:
        """What was heard to be liquidated in the running second and those before it, so many in all (900 at most)."""
        first = now // NS_PER_SECOND - seconds + 1
        found = [one for one in self._ring if one.second >= first]
        return Liquidated(
            sum(one.long_notional for one in found), sum(one.short_notional for one in found),
            sum(one.longs for one in found), sum(one.shorts for one in found),
        )  # fmt: skip

    def _slot(self, second: int) -> _Second:
        """The slot of a second; the newest one for a time that lies before it."""
        ring = self._ring
        if not ring or ring[-1].second < second:
            ring.append(_Second(second))
        return ring[-1]
