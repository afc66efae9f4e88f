"""What technical analysis came to: signals by strategy and timeframe, and why there were no more."""

from collections import Counter, deque
from collections.abc import Sequence
from typing import Final

import msgspec

from petrosa.backtest.summary import JournalLine
from petrosa.core.model.events import Decision, Event, SignalMade
from petrosa.core.model.refusals import Refused
from petrosa.core.model.signals import Signal

SIGNALS_KEPT: Final = 200


class StrategyLine(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy on the bars of one length."""

    strategy: str
    timeframe: str
    buy: int
    sell: int
    hold: int


class TaSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A run of `petrosa ta`. `history` bars were only there to warm up with; `refusals` are of candidates, by check.

    `quiet` says per strategy how often it had nothing to say, and why. `last_signals` are the newest 200.
    """

    series: int
    history: int
    bars: int
    signals: list[StrategyLine]
    published: int
    refusals: dict[str, int]
    quiet: dict[str, dict[str, int]]
    last_signals: list[Signal]
    journal: JournalLine
    elapsed_s: float


class Counts:
    """Counts what the turns made. `take` is one of the things that they are shown to."""

    def __init__(self) -> None:
        self.refusals: Counter[str] = Counter()
        self.last: deque[Signal] = deque(maxlen=SIGNALS_KEPT)
        self._signals: Counter[tuple[str, str, str]] = Counter()

    def take(self, _sequence: int, _now: int, _event: Event, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, SignalMade):
                signal = decision.signal
                self._signals[signal.strategy_id, signal.timeframe, signal.action.value] += 1
                self.last.append(signal)
            elif isinstance(decision, Refused):
                self.refusals[decision.check] += 1

    @property
    def signals(self) -> int:
        return self._signals.total()

    def lines(self) -> list[StrategyLine]:
        """Every strategy that spoke, by name and timeframe."""
        places = sorted({(strategy, timeframe) for strategy, timeframe, _ in self._signals})
        count = self._signals
        return [
            StrategyLine(
                strategy=strategy, timeframe=timeframe, buy=count[strategy, timeframe, "buy"],
                sell=count[strategy, timeframe, "sell"], hold=count[strategy, timeframe, "hold"],
            )
            for strategy, timeframe in places
        ]  # fmt: skip
