"""The last trades of one instrument, single and aggregated, found by id and by time."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

import msgspec

from petrosa.adapters.venues.binance.paper.numbers import ms
from petrosa.adapters.venues.binance.paper.parameters import Parameters
from petrosa.core.model.base import NS_PER_MS, Side
from petrosa.core.model.market import Trade

KEPT_MAX: Final = 100_000
"""Trades remembered: who was away for a while finds all of them."""

ROWS_MAX: Final = 1_000
"""Rows of one answer."""

SPOT_TOGETHER_NS: Final = NS_PER_MS
USDM_TOGETHER_NS: Final = 100 * NS_PER_MS
"""How long prints of one price and side can be one aggregate: of one order on spot, of 100 ms on futures."""


class Aggregate(msgspec.Struct, kw_only=True):
    """Trades of one price and aggressor; `steps` is their quantity, `first` and `last` their ids."""

    id: int
    ticks: int
    steps: int
    first: int
    last: int
    ts_event: int
    aggressor: Side


Kept = TypeVar("Kept", bound=Trade | Aggregate)


class Tape(Generic[Kept]):
    """Rows in order of their ids, at most `KEPT_MAX` to twice as many."""

    def __init__(self, number: Callable[[Kept], int]) -> None:
        self._number = number
        self._rows: list[Kept] = []

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._rows)

    @property
    def last(self) -> Kept:
        return self._rows[-1]

    def append(self, row: Kept) -> None:
        self._rows.append(row)
        if len(self._rows) >= 2 * KEPT_MAX:
            del self._rows[:KEPT_MAX]

    def asked(self, asked: Parameters) -> list[Kept]:
        """By `fromId`, `startTime`, `endTime` and `limit`: the first of them where a beginning is given."""
        limit = asked.integer("limit", 500, ROWS_MAX)
        first, start, end = (asked.maybe_integer(name) for name in ("fromId", "startTime", "endTime"))
        if first is None and start is None and end is None:
            return self._rows[-limit:] if limit else []
        begin = 0 if first is None else bisect_left(self._rows, first, key=self._number)
        if start is None and end is None:
            return self._rows[begin : begin + limit]
        low, high = start or 0, (1 << 62) if end is None else end
        found = [row for row in self._rows[begin:] if low <= ms(row.ts_event) <= high]
        return found[:limit] if first is not None or start is not None else found[-limit:]


class Aggregates:
    """Makes aggregates of trades. With `together_ns` of 0 each trade is one by itself."""

    def __init__(self, together_ns: int) -> None:
        self.tape: Tape[Aggregate] = Tape(lambda row: row.id)
        self._together_ns = together_ns
        self._open: Aggregate | None = None
        self._until = 0
        self._last = 0
        self._told: list[Aggregate] = []

    def add(self, trade: Trade, ticks: int, steps: int, now: int) -> None:
        """The next trade."""
        made = self._open
        if made is not None and now < self._until and (made.ticks, made.aggressor) == (ticks, trade.aggressor):
            made.steps += steps
            made.last = trade.trade_id
        else:
            self._close()
            self._last += 1
            self._open = Aggregate(
                id=self._last, ticks=ticks, steps=steps, first=trade.trade_id, last=trade.trade_id,
                ts_event=trade.ts_event, aggressor=trade.aggressor,
            )  # fmt: skip
            self._until = now + self._together_ns
        self.advance(now)

    def advance(self, now: int) -> None:
        """Let time pass: an aggregate that nothing can join any more is told."""
        if self._open is not None and now >= self._until:
            self._close()

    def take(self) -> list[Aggregate]:
        """What was made since it was taken last."""
        told, self._told = self._told, []
        return told

    def _close(self) -> None:
        if self._open is not None:
            self.tape.append(self._open)
            self._told.append(self._open)
            self._open = None
