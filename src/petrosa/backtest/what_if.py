"""Two runs of one recording that differ in a strategy's parameters, side by side."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from petrosa.backtest.explain import utc
from petrosa.backtest.run import STARTED
from petrosa.backtest.source import Heard
from petrosa.backtest.summary import Pnl
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.events import Decision, Event, SignalMade
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.core.model.orders import Approved, OrderFilled, Place, Reducing
from petrosa.core.model.refusals import Refused
from petrosa.core.model.signals import Action, Signal
from petrosa.core.turns import Turns

KEPT_MAX: Final = 10_000
"""Signals, and refusals, of one side that are kept to find the first difference."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one set of parameters came to.

    `signals` by action and `refusals` by first failed check are the strategy's on the symbols that are meant, `quiet`
    by reason on all that it follows; orders, fills and money are the whole desk's. `net` is realised and open profit
    less fees, none when a fee has no price.
    """

    signals: dict[str, int]
    refusals: dict[str, int]
    quiet: dict[str, int]
    orders: int
    fills: int
    modelled_fills: int
    fees: dict[str, Decimal]
    realized: Decimal
    unrealized: Decimal
    net: Decimal | None


class ParameterChange(msgspec.Struct, frozen=True):
    """One parameter that is not the same on both sides, on one symbol. `enabled` is one of them."""

    symbol: str
    name: str
    before: Any
    after: Any


class SignalDifference(msgspec.Struct, frozen=True, kw_only=True):
    """The first signal that one side made and the other did not, or made otherwise. `side` is `before` or `after`."""

    side: str
    at: str
    symbol: str
    action: str
    signal_id: str
    why: str


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """The answer, small enough to stand beside a change of the configuration for ever: counts and one example.

    `symbol` is empty when every symbol was meant; `seconds` is the market's time. `currency` is that of the money.
    """

    strategy_id: str
    symbol: str
    recording: str
    recording_sha256: str
    code_version: str
    seconds: float
    evaluations: int
    changes: tuple[ParameterChange, ...]
    before: Side
    after: Side
    currency: str
    first_difference: SignalDifference | None
    caveats: tuple[str, ...]


class _Made(NamedTuple):
    now: int
    signal: Signal


class Watch:
    """Counts the turns of one side. `take` has the shape of `core.turns.Record`."""

    def __init__(self, strategy_id: str, symbol: str) -> None:
        self.made: list[_Made] = []
        self.refused: dict[str, str] = {}
        self.signals: Counter[str] = Counter({Action.BUY.value: 0, Action.SELL.value: 0})
        self.refusals: Counter[str] = Counter()
        self.orders = self.fills = self.modelled_fills = 0
        self.strategy_id = strategy_id
        self._symbol = symbol

    def take(self, sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:  # noqa: ARG002
        """Count one turn in."""
        if isinstance(event, OrderFilled):
            self.fills += 1
            self.modelled_fills += event.modelled
        for decision in decisions:
            match decision:
                case SignalMade(signal=signal) if self._is_meant(signal.strategy_id, signal.symbol):
                    self.signals[signal.action.value] += 1
                    if len(self.made) < KEPT_MAX:
                        self.made.append(_Made(now, signal))
                case Refused() if self._is_meant(decision.strategy_id, symbol_of(InstrumentId(decision.instrument))):
                    self.refusals[decision.check] += 1
                    if len(self.refused) < KEPT_MAX:
                        self.refused.setdefault(decision.signal_id, decision.message)
                case Approved(intent=intent) | Reducing(intent=intent):
                    self.orders += isinstance(intent.action, Place)
                case _:
                    pass

    def side(self, quiet: Mapping[str, int], pnl: Pnl) -> Side:
        """What it came to."""
        fees = pnl.fees_converted
        return Side(
            signals=dict(self.signals),
            refusals=dict(sorted(self.refusals.items())),
            quiet={reason: count for reason, count in quiet.items() if count},
            orders=self.orders,
            fills=self.fills,
            modelled_fills=self.modelled_fills,
            fees=dict(pnl.fees),
            realized=pnl.realized,
            unrealized=pnl.unrealized,
            net=None if fees is None else pnl.realized + pnl.unrealized - fees,
        )

    def _is_meant(self, strategy_id: str, symbol: str) -> bool:
        return strategy_id == self.strategy_id and self._symbol in ("", symbol)


def turn_all(batches: Iterable[Sequence[Heard]], turns: Turns, started_at: int) -> None:
    """Turn everything as `run` does, for a question that leaves no journal."""
    turns.other(STARTED, started_at)
    for batch in batches:
        turns.markets(batch, _nothing_between)


def first_difference(before: Watch, after: Watch) -> SignalDifference | None:
    """The first signal that differs; none when the first `KEPT_MAX` of both sides are the same."""
    for theirs, ours in zip(before.made, after.made, strict=False):
        if theirs == ours:
            continue
        if theirs.signal.signal_id == ours.signal.signal_id:
            return _difference("after", ours, _otherwise(theirs, ours))
        return _missing_in(after, "before", theirs) if theirs.now <= ours.now else _missing_in(before, "after", ours)
    count = min(len(before.made), len(after.made))
    if len(before.made) > count:
        return _missing_in(after, "before", before.made[count])
    return _missing_in(before, "after", after.made[count]) if len(after.made) > count else None


def _missing_in(other: Watch, side: str, made: _Made) -> SignalDifference:
    refused = other.refused.get(made.signal.signal_id)
    if refused is not None:
        return _difference(side, made, f"the other side refused it by {refused}")
    if any(one.signal.signal_id == made.signal.signal_id for one in other.made):
        return _difference(side, made, "the other side made it at another time")
    return _difference(side, made, "on the other side no score counted at that moment, so there was no candidate")


def _otherwise(theirs: _Made, ours: _Made) -> str:
    if theirs.now != ours.now:
        seconds = (ours.now - theirs.now) / NS_PER_SECOND
        return f"it came {abs(seconds):.3f} s {'later' if seconds > 0 else 'earlier'} than on the other side"
    return f"its confidence is {ours.signal.confidence:.4f} instead of {theirs.signal.confidence:.4f}"


def _difference(side: str, made: _Made, why: str) -> SignalDifference:
    signal = made.signal
    return SignalDifference(
        side=side, at=utc(made.now), symbol=signal.symbol, action=signal.action.value, signal_id=signal.signal_id,
        why=why,
    )  # fmt: skip


def _nothing_between() -> None:
    """There is no journal whose segment could be full."""
