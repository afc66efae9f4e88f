"""What was entered and lost today, and how often each position was added to."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from petrosa.core.execution.sender import Sender
from petrosa.core.execution.standing import Standing
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.events import DayOpened
from petrosa.core.model.instruments import EXACT
from petrosa.core.model.market import InstrumentId
from petrosa.core.risk.facts import Today

NS_PER_DAY: Final = 86_400 * NS_PER_SECOND
MIDNIGHT: Final = "midnight"
"""The timer that opens a day at its first moment, while something is held whose value moves."""


class Opening(NamedTuple):
    """What the account was worth, and had made so far, when a day was opened."""

    equity: Decimal
    profit: Decimal


class Pile(msgspec.Struct, frozen=True):
    """The entries of one position: how many were additions, and when the last one left."""

    instrument: InstrumentId
    additions: int
    ts_last: int


class TallyState(msgspec.Struct, frozen=True):
    """`day` counts UTC days since 1970, −1 before the first; `equity` and `profit` are what it began with."""

    day: int = -1
    equity: Decimal | None = None
    profit: Decimal | None = None
    trades: int = 0
    is_waking: bool = False
    piles: tuple[Pile, ...] = ()


class Tally:
    """Counts by the desk's time.

    While everything is flat the profit so far does not move, so a day may be opened by whatever comes first in it.
    While something is held a timer opens it at midnight, at the prices of then. Where a price is missing then, the day
    is opened at the first moment at which all are known, and until then the loss is not known.
    """

    def __init__(self, standing: Standing, sender: Sender) -> None:
        self._standing = standing
        self._sender = sender
        self._day, self._trades, self._is_waking = -1, 0, False
        self._equity: Decimal | None = None
        self._profit: Decimal | None = None
        self._piles: dict[InstrumentId, Pile] = {}

    def roll(self, now: int, opening: Callable[[], Opening | None]) -> None:
        """Open a new day if there is one, with what `opening` says as soon as it can."""
        day = now // NS_PER_DAY
        if day != self._day:
            self._day, self._trades = day, 0
            self._equity = self._profit = None
        if self._equity is None and (opened := opening()) is not None:
            self._equity, self._profit = opened
            self._sender.say(DayOpened(day, opened.equity, opened.profit))

    def today(self) -> Today:
        """How the day stands; `roll` has been called."""
        began, profit = self._profit, self._standing.profit()
        loss = None if began is None or profit is None else EXACT.subtract(began, profit)
        return Today(self._equity, loss, self._trades)

    def entered(self, instrument: InstrumentId, now: int, *, is_addition: bool) -> None:
        """Count an entry that leaves."""
        before = self._piles.get(instrument)
        additions = before.additions + 1 if is_addition and before is not None else int(is_addition)
        self._piles[instrument] = Pile(instrument, additions, now)
        self._trades += 1

    def pile(self, instrument: InstrumentId) -> Pile:
        """The entries of the position that is held; none that we know of is one that may be added to from now on."""
        return self._piles.get(instrument, Pile(instrument, 0, 0))

    def wake(self, now: int) -> None:
        """Something is held: see that the next day is opened at midnight."""
        if not self._is_waking:
            self._is_waking = True
            self._sender.set_timer(MIDNIGHT, (now // NS_PER_DAY + 1) * NS_PER_DAY)

    def woken(self, held: Sequence[Decimal], now: int) -> None:
        """Midnight has come, and `roll` was called; go on while something is held."""
        self._is_waking = False
        if any(quantity != 0 for quantity in held):
            self.wake(now)

    def snapshot(self) -> TallyState:
        piles = tuple(self._piles.values())
        return TallyState(self._day, self._equity, self._profit, self._trades, self._is_waking, piles)

    def restore(self, state: TallyState) -> None:
        self._day, self._trades, self._is_waking = state.day, state.trades, state.is_waking
        self._equity, self._profit = state.equity, state.profit
        self._piles = {pile.instrument: pile for pile in state.piles}
