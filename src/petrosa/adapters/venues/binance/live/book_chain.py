"""Whether the differences of one book go on from a snapshot, told by their ids alone: the levels are left to readers.

The rules are those of `core/market/book.py`, which readers go by: on spot the first id is one more than the last one
before, on futures the difference names the last one before; the first after a snapshot must cover the snapshot's id.
"""

from collections import deque
from enum import Enum
from typing import NamedTuple

from petrosa.core.market.book import WAITING_MAX, bridges, goes_on


class Ids(NamedTuple):
    """Of a difference: first and last id, and on futures the last id of the one before."""

    first: int
    last: int
    previous: int | None


class Step(Enum):
    """What a difference or a snapshot means."""

    GOES_ON = "goes on"
    WAITS = "waits for a snapshot"
    OLD = "is in the snapshot already"
    GAP = "does not go on"
    TOO_OLD = "is older than what is known"


class BookChain:
    """Knows a book to be whole, or that it is not. `last` is the id up to which it is known."""

    __slots__ = ("_bridged", "_waiting", "ended", "last", "whole")

    def __init__(self) -> None:
        self.whole = False
        self.last = 0
        self.ended = 0
        """The id up to which it was known when it was whole last."""
        self._bridged = False
        self._waiting: deque[Ids] = deque(maxlen=WAITING_MAX)

    def hear(self, ids: Ids) -> Step:
        """The next difference of the stream. A gap is said once, when the book breaks."""
        if not self.whole:
            self._keep(ids)
            return Step.WAITS
        if ids.last <= self.last:
            return Step.OLD
        if not (goes_on if self._bridged else bridges)(self.last, ids.first, ids.previous):
            self.forget()
            self._keep(ids)
            return Step.GAP
        self.last, self._bridged = ids.last, True
        return Step.GOES_ON

    def snapshot(self, update_id: int) -> Step:
        """A snapshot with this id: GOES_ON when it makes the book whole, TOO_OLD when a later one is needed.

        One that comes while the book is whole changes nothing.
        """
        if self.whole:
            return Step.OLD if update_id <= self.last else Step.GOES_ON
        later = [ids for ids in self._waiting if ids.last > update_id]
        if later and not bridges(update_id, later[0].first, later[0].previous):
            return Step.TOO_OLD
        self.whole, self._bridged = True, bool(later)
        self.last = later[-1].last if later else update_id
        self._waiting.clear()
        return Step.GOES_ON

    def forget(self) -> None:
        """The book is not known any more."""
        self.ended = self.last
        self.whole = self._bridged = False
        self.last = 0
        self._waiting.clear()

    def _keep(self, ids: Ids) -> None:
        """Only an unbroken row of differences can be joined to a snapshot: one that does not go on begins another."""
        waiting = self._waiting
        if waiting:
            if ids.last <= waiting[-1].last:
                return
            if not goes_on(waiting[-1].last, ids.first, ids.previous):
                waiting.clear()
        waiting.append(ids)
