"""What the strategies of technical analysis have in common: closed bars in, a setup out, its levels made sure of.

A strategy names a setup of the bar that has just closed, or none. It knows that bar and those before it, never a bar
that is still open. A setup counts when the bar before had none (the strategist's edge), after the cooldown, and when
its stop and target lie where they can be reached.
"""

from collections import deque
from typing import Annotated, Any, ClassVar, Final, NamedTuple

from msgspec import Meta

from petrosa.core.analytics.indicators.inputs import LARGEST
from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Candle
from petrosa.core.model.refusals import Outcome, failed, passed
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Candidate, Quiet, StrategyParams

CONFIDENCE_MAX: Final = 0.95
_TRUE: Final = {Action.BUY: 2.0, Action.SELL: -2.0}


class CandleParams(StrategyParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The guards that every strategy of bars has."""

    cooldown_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="Least time between two signals of this strategy on one symbol.")
    ] = 0.0
    cooldown_bars: Annotated[
        int, Meta(ge=0, le=500, description="The same in bars of its timeframe; the longer of the two holds.")
    ] = 3
    entry_expiry_bars: Annotated[
        int, Meta(ge=1, le=20, description="How many bars an entry waits that is to be made where the bar ended.")
    ] = 2
    min_risk_pct: Annotated[
        float, Meta(ge=0, le=10, description="A stop nearer than this, in % of the entry, is noise; 0 is off.")
    ] = 0.05
    max_risk_pct: Annotated[
        float, Meta(gt=0, le=100, description="A stop farther than this, in % of the entry, is no stop.")
    ] = 10.0


class TwoAverages(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Those of strategies that look at a fast and a slow average of the closes."""

    RESTARTS: ClassVar[frozenset[str]] = frozenset({"ema_fast", "ema_slow"})

    ema_fast: Annotated[int, Meta(ge=2, le=100, description="Bars of the fast average.")] = 8
    ema_slow: Annotated[int, Meta(ge=3, le=400, description="Bars of the slow average.")] = 80

    def check(self) -> None:
        if self.ema_fast >= self.ema_slow:
            raise ValueError(f"ema_fast {self.ema_fast} must be below ema_slow {self.ema_slow}")


class Setup(NamedTuple):
    """What a strategy sees in the bar that has just closed. Prices are in quote currency.

    `entry` is where to get in: at the market now, or with `at_stop` when the market reaches it. `hold` has neither stop
    nor target. `indicators` are what it saw, by name; `strength` is a word of the documented signal (weak, strong) that
    goes into the signal's metadata, where a strategy has one.
    """

    action: Action
    entry: float
    stop: float | None
    target: float | None
    confidence: float
    indicators: dict[str, float]
    at_stop: bool = False
    strength: str = ""


def reward(entry: float, stop: float, multiple: float) -> float:
    """The target that is `multiple` times as far from the entry as the stop, on the other side."""
    return entry + multiple * (entry - stop)


def at_extreme(
    action: Action, bar: Candle, multiple: float, confidence: float, indicators: dict[str, float], strength: str = ""
) -> Setup | None:
    """Get in when the market passes the bar's end, a buy its high, a sell its low; the stop is the other end.

    None where that cannot be: the bar has closed at the stop already, or the target would be no price.
    """
    entry, stop = (bar.high, bar.low) if action is Action.BUY else (bar.low, bar.high)
    target = reward(entry, stop, multiple)
    if bar.close == stop or target <= 0.0:
        return None
    return Setup(action, entry, stop, target, confidence, indicators, at_stop=True, strength=strength)


class CandleStrategy:
    """One strategy on the bars of one instrument and length. A subclass says `NAME`, how many bars it needs and keeps,
    makes its indicators in `restart`, and finds its setup in `look`.

    A bar that was seen already is left out; after a hole in the bars everything starts anew, since an average over a
    hole is an average of something else.
    """

    NAME: ClassVar[str]
    BARS: ClassVar[int]
    """How many bars it needs before it can speak, the last one included."""
    KEPT: ClassVar[int] = 2
    """How many bars are kept to look back at, the last one included."""

    def __init__(self, params: Any) -> None:
        self.params = params
        self._setup: Setup | None = None
        self._begin()

    def retune(self, params: Any) -> None:
        self.params = params
        self._warm = False  # asked again: `needed` may be another

    @property
    def needed(self) -> int:
        """`BARS`, or what the parameters make of it."""
        return self.BARS

    def restart(self) -> None:
        """Make the indicators, empty."""
        raise NotImplementedError

    def take(self, bar: Candle) -> None:
        """Take a bar into the indicators; `self.bars` has it already. Called for every bar, once."""
        raise NotImplementedError

    def look(self, bar: Candle) -> Setup | Quiet | None:
        """The setup of the bar just taken in; none, or why that cannot be said. Called when `needed` bars are there."""
        raise NotImplementedError

    def back(self, k: int) -> Candle:
        """The bar `k` bars ago; 0 is the last."""
        return self.bars[-1 - k]

    def evaluate(self, event: Candle, market: MarketState, now: int) -> float | Quiet:
        self._setup = None
        if self.bars:
            last = self.bars[-1]
            if event.ts_open <= last.ts_open:
                return Quiet.OUT_OF_ORDER
            if event.ts_open != last.ts_open + last.interval_ns:
                self._begin()
        if not _is_bar(event):
            return Quiet.BAD_NUMBER
        self.bars.append(event)
        self._seen += 1
        self.take(event)
        if not self._warm:
            if self._seen < self.needed:
                return Quiet.WARMING_UP
            self._warm = True
        found = self.look(event)
        if found is None or isinstance(found, Quiet):
            return 0.0 if found is None else found
        self._setup = found
        return _TRUE.get(found.action, 2.0)

    def candidate(self, event: Candle, market: MarketState, now: int) -> Candidate:
        setup, params = self._setup, self.params
        assert setup is not None, "a candidate is asked for after a score"
        length = event.interval_ns
        metadata: dict[str, str | float | int | bool | None] = {"strategy": self.NAME, "bar": event.ts_open}
        if setup.strength:
            metadata["strength"] = setup.strength
        return Candidate(
            action=setup.action,
            confidence=min(CONFIDENCE_MAX, setup.confidence),
            price=setup.entry,
            current_price=event.close,
            ts_event=event.ts_open + length,
            indicators=setup.indicators,
            metadata=metadata,
            guards=() if setup.stop is None else (_risk(setup.entry, setup.stop, params),),
            stop_loss=setup.stop,
            take_profit=setup.target,
            at_stop=setup.at_stop,
            expires_after_ns=params.entry_expiry_bars * length if setup.at_stop else 0,
            cooldown_seconds=params.cooldown_bars * length / NS_PER_SECOND,
        )

    def warmup(self) -> tuple[int, int]:
        return min(self._seen, self.needed), self.needed

    def _begin(self) -> None:
        self.bars: deque[Candle] = deque(maxlen=max(2, self.KEPT))
        self._seen = 0
        self._warm = False
        self.restart()


def _is_bar(bar: Candle) -> bool:
    """Whether its numbers can be: above zero, not absurd, within its range. NaN fails every comparison."""
    low, high = bar.low, bar.high
    return 0.0 < low <= bar.open <= high < LARGEST and low <= bar.close <= high and 0.0 <= bar.volume < LARGEST


def _risk(entry: float, stop: float, params: CandleParams) -> Outcome:
    """How far the stop is: nearer than the noise it is hit by chance, farther than reason nobody would trade it."""
    limit = f"{params.min_risk_pct:g} % to {params.max_risk_pct:g} % of the entry"
    share = abs(entry - stop) / entry * 100.0
    if params.min_risk_pct <= share <= params.max_risk_pct:
        return passed("risk_distance", f"{share:.3f} %", limit)
    return failed("risk_distance", f"{share:.3f} %", limit, "nothing to do, or change min_risk_pct and max_risk_pct")
