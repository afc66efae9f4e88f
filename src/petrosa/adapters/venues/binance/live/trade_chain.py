"""The trades of one stream in one row: each once, in order of their ids, later ones held back while some are missing.

Ids go on by one: `t` of `trade`, `a` of `aggTrade`. An aggregate also says which single trades are in it; on spot the
first of the next one is one more than the last of this one, on futures what was no market trade (`X`) lies between.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec


class Print(msgspec.Struct, frozen=True, order=True, gc=False):
    """A frame with its id, and the ids of the first and last single trade in it."""

    number: int
    first: int
    last: int
    frame: bytes


class Hole(NamedTuple):
    """Ids that are missing: both are in it."""

    first: int
    last: int

    @property
    def size(self) -> int:
        return self.last - self.first + 1


NONE: Final[Sequence[Print]] = ()
FAR_BACK: Final = 100_000
"""An id so far before the last one is no repetition: the venue has begun to count anew, as a testnet does."""


class TradeChain:
    """What each method returns is to be handed on now, in that order."""

    __slots__ = ("_held", "_known", "_single", "between", "last", "repeated", "restarts")

    def __init__(self) -> None:
        self.last = -1
        """The id that was handed on last; -1 while there is none: the first one that is heard is the beginning."""
        self.repeated = 0
        self.restarts = 0
        self.between = 0
        """Single trades that are in no aggregate."""
        self._held: dict[int, Print] = {}
        self._known = -1
        self._single = -1

    @property
    def held(self) -> int:
        """How many wait for others before them."""
        return len(self._held)

    @property
    def hole(self) -> Hole | None:
        """The first ids that are missing."""
        end = min(self._held) - 1 if self._held else self._known
        return Hole(self.last + 1, end) if end > self.last else None

    def goes_on(self, trade: Print) -> bool:
        """Whether it is the next one while nothing waits, as nearly every one is. If so it is handed on with this."""
        if trade.number != self.last + 1 or self._held:
            return False
        self._pass(trade)
        return True

    def hear(self, trade: Print) -> Sequence[Print]:
        """One that the stream says."""
        if self.goes_on(trade):
            return (trade,)
        if self.last < 0 or trade.number < self.last - FAR_BACK:
            return self._begin(trade)
        if trade.number <= self.last or trade.number in self._held:
            self.repeated += 1
            return NONE
        self._held[trade.number] = trade
        return self._contiguous()

    def fill(self, rows: Sequence[Print], until: int) -> tuple[Sequence[Print], Sequence[Hole]]:
        """What the venue lists from the beginning of the hole on, ascending; `until` is the last id that is wanted.

        Ids between two listed ones that are not listed themselves are known to nobody any more: they come back as
        holes that stay.
        """
        passed: list[Print] = []
        unlisted: list[Hole] = []
        for row in rows:
            if row.number > until:
                break
            if row.number <= self.last:
                continue
            if row.number > self.last + 1:
                unlisted.append(Hole(self.last + 1, row.number - 1))
                self._skip(row.number - 1)
            self._pass(self._held.pop(row.number, row))
            passed.append(row)
            passed.extend(self._contiguous())
        return passed, unlisted

    def expect(self, number: int) -> None:
        """The venue has this one: what was not heard up to it is missing."""
        self._known = max(self._known, number)

    def give_up(self, until: int) -> Sequence[Print]:
        """Go on without the ids up to this one; it lies in the hole."""
        if until > self.last:
            self._skip(until)
        return self._contiguous()

    def _begin(self, trade: Print) -> Sequence[Print]:
        self.restarts += self.last >= 0
        waiting = [self._held[number] for number in sorted(self._held)]
        self._held.clear()
        self._known = self._single = -1
        self._pass(trade)
        return (*waiting, trade)

    def _skip(self, until: int) -> None:
        self.last, self._single = until, -1

    def _contiguous(self) -> Sequence[Print]:
        held = self._held
        passed: list[Print] = []
        while held and (trade := held.pop(self.last + 1, None)) is not None:
            self._pass(trade)
            passed.append(trade)
        return passed

    def _pass(self, trade: Print) -> None:
        if trade.first > self._single + 1 > 0:
            self.between += trade.first - self._single - 1
        self.last, self._single = trade.number, trade.last
