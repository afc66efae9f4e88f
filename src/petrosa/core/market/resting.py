"""A price of the book at which is traded: how much it shows, how much is taken, and whether it is filled up again."""

from math import sqrt
from typing import Final

EATEN: Final = 0.5
"""Share of what a level shows that must be traded before it can be filled up again."""

RESTORED: Final = 0.8
"""A level shows again what it showed when it is between this share of it and its inverse."""


class RestingLevel:
    """What is known of one price at which was traded while it was shown. Times are nanoseconds of the venue."""

    __slots__ = ("eaten_at", "executed", "pending", "run", "seen_at", "seen_for", "seen_times", "shown", "squares",
                 "total", "traded_at")  # fmt: skip

    def __init__(self, shown: float, seen_at: int) -> None:
        self.shown = shown  # what it showed when it was last whole
        self.pending = 0.0  # traded since
        self.eaten_at = 0  # when half of it was traded; 0 while it is not
        self.run = 0  # times in a row that it was eaten and filled up
        self.executed = 0.0
        self.traded_at = 0
        self.seen_at = seen_at  # the last book that showed it; 0 when it was out of sight
        self.seen_for = 0
        self.seen_times, self.total, self.squares = 1, shown, shown * shown

    def trade(self, quantity: float, ts: int) -> None:
        """Somebody traded at it."""
        self.executed += quantity
        self.traded_at = ts
        if ts < self.seen_at:
            return  # heard late: the last book shows it already
        self.pending += quantity
        if not self.eaten_at and self.pending >= EATEN * self.shown:
            self.eaten_at = ts

    def look(self, quantity: float, ts: int, refill_ns: int) -> None:
        """What a book shows of it."""
        if self.seen_at:
            self.seen_for += ts - self.seen_at
        else:  # nobody knows what became of it out of sight
            self._begin(quantity)
        self.seen_at = ts
        self.seen_times += 1
        self.total += quantity
        self.squares += quantity * quantity
        full = RESTORED * self.shown
        if self.eaten_at:
            if quantity >= full:
                is_same = RESTORED * quantity <= self.shown and ts - self.eaten_at <= refill_ns
                self.run = self.run + 1 if is_same else 0
                self._begin(quantity)
            elif ts - self.eaten_at > refill_ns:
                self.run = 0
                self._begin(quantity)
        elif RESTORED * quantity > self.shown or quantity + self.pending < full:
            self._begin(quantity)  # orders came or were taken away: what it shows is something else

    def consistency(self) -> float:
        """Standard deviation of what it showed, by its mean."""
        mean = self.total / self.seen_times
        return sqrt(max(0.0, self.squares / self.seen_times - mean * mean)) / mean

    def _begin(self, quantity: float) -> None:
        self.shown, self.pending, self.eaten_at = quantity, 0.0, 0
