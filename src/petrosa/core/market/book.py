"""An order book made of a snapshot and the differences after it, on integers of tick and step.

The book is whole only while every difference since a snapshot is known. A missing one is a `BookGap`, after which the
book is empty until the next snapshot: it never guesses. Differences that come before a snapshot wait for it.

A level off the instrument's tick (an order that is older than a change of the tick, or a wrong tick in the rules) is
kept at its own price between the ticks, to be changed and removed like any other. Whoever wants prices as the venue
wrote them sees it; in ticks it is not there, because no tick is its price: an order that is matched in ticks meets the
next level, and is never filled at a price that nobody showed.

Chains (Binance, "how to manage a local order book correctly"): spot goes on by `first == last + 1`, futures by
`previous == last`. The first difference after a snapshot must cover the snapshot's update id.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import islice
from typing import Final

from petrosa.core.model.base import Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BookDiff, BookGap, BookSnapshot, Level

WAITING_MAX: Final = 4_096
"""Differences kept while there is no snapshot: about seven minutes at one every 100 ms. Older ones are let go."""

CRUMB: Final = 1e-4
"""Share of a step within which a float counts as the whole step; venues list at most four digits below the step."""

OFF_TICK: Final = 1e-3
"""Share of a tick by which a price may miss it: far above float rounding, far below a finer tick."""


def place_of(price: float, per_unit: float) -> float:
    """Where a price stands in ticks: a whole number (an `int`) on the tick, and a `float` between two of them."""
    scaled = price * per_unit
    ticks = round(scaled)
    return ticks if -OFF_TICK < scaled - ticks < OFF_TICK else scaled


class BookChange(Enum):
    """What became of a snapshot or difference that was not a gap."""

    APPLIED = "applied"
    WAITING = "waiting"
    OLD = "old"


class _HalfBook:
    """One side. Keys are signed ticks, ascending, so that the best level is always the last one.

    Bids are kept at +ticks and asks at −ticks: most changes happen near the best price, at the cheap end of a list.
    A key is an `int`, or a `float` for a level between two ticks: one price is always the same one.
    """

    __slots__ = ("keys", "levels", "off_tick", "scale")

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.keys: list[float] = []
        self.levels: dict[float, Level] = {}
        self.off_tick = 0

    def clear(self) -> None:
        self.keys.clear()
        self.levels.clear()

    def load(self, levels: Iterable[Level]) -> None:
        """Replace everything."""
        self.clear()
        scale = self.scale
        for level in levels:
            if level[1] > 0.0:
                key = place_of(level[0], scale)
                self.off_tick += type(key) is float
                self.levels[key] = level
        self.keys.extend(sorted(self.levels))

    def change(self, changes: Iterable[Level]) -> None:
        """Set and remove levels. Hot: this is most of what a recorded market costs."""
        levels, keys, scale = self.levels, self.keys, self.scale
        for level in changes:
            scaled = level[0] * scale
            key: float = round(scaled)
            if not -OFF_TICK < scaled - key < OFF_TICK:
                key = scaled  # as `place_of` has it
                self.off_tick += level[1] > 0.0 and key not in levels
            if level[1] > 0.0:
                if key not in levels:
                    insort(keys, key)
                levels[key] = level
            elif key in levels:
                del levels[key]
                del keys[bisect_left(keys, key)]

    def best(self) -> int | None:
        """The best key that is on the tick."""
        return next((key for key in reversed(self.keys) if type(key) is int), None)


class OrderBook:
    """The book of one instrument. Prices come out in ticks, quantities in steps; `top` gives the venue's own floats.

    Levels off the tick are in `top`, `depth` and `crossed`, and not in what is said in ticks.
    """

    __slots__ = (
        "_asks", "_bids", "_bridged", "_steps", "_waiting", "instrument", "last_update_id", "ts_event", "whole",
    )  # fmt: skip

    def __init__(self, instrument: Instrument) -> None:
        per_unit = float(1 / instrument.tick)
        self.instrument = instrument.id
        self._bids = _HalfBook(per_unit)
        self._asks = _HalfBook(-per_unit)
        self._steps = float(1 / instrument.step)
        self._waiting: deque[BookDiff] = deque(maxlen=WAITING_MAX)
        self._bridged = False
        self.whole = False
        self.last_update_id = 0
        self.ts_event = 0

    def apply(self, event: BookSnapshot | BookDiff) -> BookChange | BookGap:
        """Take in what the venue said. A gap is returned once, when the book breaks or a snapshot cannot mend it."""
        if isinstance(event, BookDiff):
            return self._diff(event)
        return self._snapshot(event)

    def forget(self) -> None:
        """Back to knowing nothing."""
        self._break()
        self._waiting.clear()

    def best_bid(self) -> int | None:
        """The highest bid in ticks; None when there is none."""
        return self._bids.best()

    def best_ask(self) -> int | None:
        """The lowest offer in ticks; None when there is none."""
        key = self._asks.best()
        return None if key is None else -key

    @property
    def off_tick(self) -> int:
        """How many levels off the tick have come so far, each counted when it appears."""
        return self._bids.off_tick + self._asks.off_tick

    @property
    def crossed(self) -> bool:
        """Whether somebody bids as much as somebody asks, which no open market shows."""
        bids, asks = self._bids.keys, self._asks.keys
        return bool(bids) and bool(asks) and bids[-1] >= -asks[-1]

    def quantity_at(self, side: Side, ticks: int) -> int:
        """Whole steps resting at a price of a side (BUY: bids); 0 where nothing, or less than a step, rests."""
        level = self._bids.levels.get(ticks) if side is Side.BUY else self._asks.levels.get(-ticks)
        return 0 if level is None else int(level[1] * self._steps + CRUMB)

    def levels(self, side: Side) -> Iterator[tuple[int, int]]:
        """(ticks, whole steps) of a side from the best price on. Do not change the book while iterating."""
        half, sign = (self._bids, 1) if side is Side.BUY else (self._asks, -1)
        steps, by_key = self._steps, half.levels
        for key in reversed(half.keys):
            if type(key) is int:
                yield sign * key, int(by_key[key][1] * steps + CRUMB)

    def top(self, side: Side, count: int) -> list[Level]:
        """The best `count` (price, quantity) of a side, as the venue wrote them."""
        half = self._bids if side is Side.BUY else self._asks
        by_key = half.levels
        return [by_key[key] for key in islice(reversed(half.keys), count)]

    def depth(self, side: Side) -> int:
        """How many levels a side has."""
        return len((self._bids if side is Side.BUY else self._asks).keys)

    def load(self, bids: Iterable[Level], asks: Iterable[Level], update_id: int, ts_event: int) -> None:
        """Replace everything by levels that are the whole truth, such as a snapshot."""
        self._bids.load(bids)
        self._asks.load(asks)
        self.last_update_id = update_id
        self.ts_event = ts_event
        self.whole = True
        self._bridged = False

    def _snapshot(self, snapshot: BookSnapshot) -> BookChange | BookGap:
        if self.whole and snapshot.update_id <= self.last_update_id:
            return BookChange.OLD
        self.load(snapshot.bids, snapshot.asks, snapshot.update_id, snapshot.ts_event)
        waiting = list(self._waiting)
        self._waiting.clear()
        for position, diff in enumerate(waiting):
            result = self._diff(diff)
            if isinstance(result, BookGap):
                self._waiting.extend(waiting[position + 1 :])
                return result
        return BookChange.APPLIED

    def _diff(self, diff: BookDiff) -> BookChange | BookGap:
        if not self.whole:
            self._waiting.append(diff)
            return BookChange.WAITING
        last = self.last_update_id
        if diff.last_update_id <= last:
            return BookChange.OLD
        follows = goes_on if self._bridged else bridges
        if not follows(last, diff.first_update_id, diff.previous_update_id):
            gap = self._gap(last if diff.previous_update_id is not None else last + 1, _link(diff), diff)
            self._waiting.append(diff)
            return gap
        self._bids.change(diff.bids)
        self._asks.change(diff.asks)
        self._bridged = True
        self.last_update_id = diff.last_update_id
        self.ts_event = diff.ts_event
        return BookChange.APPLIED

    def _gap(self, expected: int, got: int, cause: BookDiff) -> BookGap:
        self._break()
        return BookGap(self.instrument, cause.ts_event, cause.ts_seen, expected, got)

    def _break(self) -> None:
        self._bids.clear()
        self._asks.clear()
        self.whole = self._bridged = False
        self.last_update_id = 0


def goes_on(last: int, first: int, previous: int | None) -> bool:
    """Whether a difference goes on where a book ends: `previous` is what futures chain by, spot has none."""
    return first == last + 1 if previous is None else previous == last


def bridges(last: int, first: int, previous: int | None) -> bool:
    """Whether the first difference after a snapshot covers its id (its last id is known to be later).

    Futures ids are shared by all symbols, so a snapshot's id may lie between two differences of this one: the
    stretch from the previous difference's end is covered too, because nothing of this symbol changed in it.
    """
    if previous is None:
        return first <= last + 1
    return first <= last or 0 < previous <= last


def _link(diff: BookDiff) -> int:
    """The id by which a difference says what it follows."""
    return diff.first_update_id if diff.previous_update_id is None else diff.previous_update_id
