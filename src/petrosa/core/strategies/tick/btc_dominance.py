"""`btc_dominance`: money moves into Bitcoin from the rest of the market, or out of it."""

from collections import deque
from collections.abc import Mapping
from math import inf
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Reading, Ticker, symbol_of
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Alias, Candidate, CatalogEntry, Quiet, ReplayHonesty, StrategyParams, score_of

TOPIC: Final = "dominance"
SOURCES_MAX: Final = 4
"""Sources listened to; what others say is not taken in."""
SLOTS: Final = 24
"""Samples a window is cut into: hours, for the usual window of a day."""
TREND_SAMPLES: Final = 3

_LEAST: Final = 0.01
_PROXY: Final = "proxy"
_OTHERS: Final = ("ETH", "BNB")
_NS_PER_HOUR: Final = 3_600 * NS_PER_SECOND


class Params(StrategyParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    ALIASES: ClassVar[Mapping[str, Alias]] = {"min_signal_interval": Alias("cooldown_seconds")}
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"window_hours"})

    cooldown_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="Least time between two signals; also called min_signal_interval.")
    ] = 14_400.0
    high_threshold: Annotated[float, Meta(ge=60, le=90, description="Dominance above this is high, in %.")] = 70.0
    low_threshold: Annotated[float, Meta(ge=30, le=50, description="Dominance below this is low, in %.")] = 40.0
    change_threshold: Annotated[
        float, Meta(ge=1, le=15, description="A change over the window beyond this is a movement, in % points.")
    ] = 5.0
    window_hours: Annotated[int, Meta(ge=12, le=72, description="Hours over which the change is measured.")] = 24
    trend_change: Annotated[
        float, Meta(ge=0, le=10, description="A change over three samples beyond this is a trend, in % points.")
    ] = 1.0
    max_age_minutes: Annotated[
        float, Meta(ge=1, le=1_440, description="An older reading of the dominance says nothing any more.")
    ] = 60.0
    base_confidence_high: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence of a buy at a high dominance that rises.")
    ] = 0.80
    base_confidence_low: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence of a sell at a low dominance that falls.")
    ] = 0.75
    momentum_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Most confidence of a signal on the change alone.")
    ] = 0.70
    fallback_proxy: Annotated[
        bool,
        Meta(description="Where no source says it, guess the dominance from the day's changes of BTC, ETH and BNB."),
    ] = False


class _History:
    """What one source said of the dominance: the newest value of each slot, over two windows."""

    __slots__ = ("_slot_ns", "samples", "ts")

    def __init__(self, window_hours: int) -> None:
        self._slot_ns = window_hours * _NS_PER_HOUR // SLOTS
        self.samples: deque[tuple[int, float]] = deque(maxlen=2 * SLOTS + 1)
        self.ts = 0

    def add(self, ts: int, share: float) -> None:
        """Take in a value; one that is older than the newest is no news."""
        if ts < self.ts:
            return
        self.ts = ts
        slot = ts // self._slot_ns
        if self.samples and self.samples[-1][0] == slot:
            self.samples.pop()
        self.samples.append((slot, share))

    def change(self) -> float | None:
        """Newest minus what was so a window ago; None when that is not known."""
        newest, share = self.samples[-1]
        before = [old for slot, old in self.samples if newest - 2 * SLOTS <= slot <= newest - SLOTS]
        return share - before[-1] if before else None

    def trend(self) -> float:
        """Newest minus the third newest."""
        return self.samples[-1][1] - self.samples[-TREND_SAMPLES][1]


class BtcDominance:
    """The share of Bitcoin in the whole market's value, in %, as a source says it, judged at every ticker of Bitcoin.

    High (above `high_threshold`) and rising, or up by more than `change_threshold` over the window: buy. Low and
    falling, or down by as much: sell. Else a change beyond `change_threshold` alone is a signal of its own sign, with
    confidence min(`momentum_confidence`, |change| / 10). Rising means: up by more than `trend_change` over the last
    three samples, of which a window has 24; the sample of a slot is the last reading in it.

    Beyond a level the score is 1 and the % points beyond it; else it is the change in units of `change_threshold`.

    The proxy guesses from the 24 h changes c in % of three coins: m = max(0, c + 10), share = 30 + 50 · m of BTC / Σm.
    It says who moved today, not what anything is worth: equal moves give 46.7, so that it is off unless asked for, has
    a history of its own, and the signal says `dominance_source: proxy`.
    """

    __slots__ = (
        "_change", "_changes", "_confidence", "_histories", "_max_age_ns", "_params", "_rule", "_share", "_source",
        "_trend",
    )  # fmt: skip

    def __init__(self, params: Params) -> None:
        self._histories: dict[str, _History] = {}
        self.retune(params)
        self._changes: dict[str, tuple[int, float]] = {}
        self._source = self._rule = ""
        self._share = self._trend = self._confidence = 0.0
        self._change: float | None = None

    def retune(self, params: Params) -> None:
        """Guesses of before end with the proxy: a trend over a time in which nobody guessed is none."""
        self._params = params
        if not params.fallback_proxy:
            self._histories.pop(_PROXY, None)
        self._max_age_ns = round(params.max_age_minutes * 60 * NS_PER_SECOND)

    def note(self, event: Reading | Ticker, market: MarketState, now: int) -> None:
        if isinstance(event, Ticker):
            base = symbol_of(event.instrument).removesuffix(market.instrument.quote)
            if base in _OTHERS and -100.0 <= event.change_pct < inf:
                self._changes[base] = (event.ts_event, event.change_pct)
            return
        share = event.values.get("share_pct")
        if event.subject != "BTC" or share is None or not 0.0 <= share <= 100.0:
            return
        if event.source != _PROXY and (event.source in self._histories or len(self._histories) < SOURCES_MAX):
            self._history(event.source).add(event.ts_event, share)

    def evaluate(self, event: Ticker, market: MarketState, now: int) -> float | Quiet:
        params = self._params
        if not 0.0 < event.last < inf:
            return Quiet.BAD_NUMBER
        if params.fallback_proxy:
            self._guess(event)
        history = self._choose(now)
        if isinstance(history, Quiet):
            return history
        if len(history.samples) < TREND_SAMPLES:
            return Quiet.WARMING_UP
        self._share = share = history.samples[-1][1]
        self._trend = trend = history.trend()
        self._change = history.change()
        change = 0.0 if self._change is None else self._change
        if share > params.high_threshold and (trend > params.trend_change or change > params.change_threshold):
            self._rule, self._confidence = "high_and_rising", params.base_confidence_high
            return 1.0 + max(share - params.high_threshold, _LEAST)
        if share < params.low_threshold and (trend < -params.trend_change or change < -params.change_threshold):
            self._rule, self._confidence = "low_and_falling", params.base_confidence_low
            return -1.0 - max(params.low_threshold - share, _LEAST)
        self._rule, self._confidence = "momentum", min(params.momentum_confidence, abs(change) / 10)
        return score_of(change, params.change_threshold, -params.change_threshold)

    def candidate(self, event: Ticker, market: MarketState, now: int) -> Candidate:
        change = 0.0 if self._change is None else self._change
        buys = self._rule == "high_and_rising" or (self._rule == "momentum" and change > 0.0)
        return Candidate(
            action=Action.BUY if buys else Action.SELL,
            confidence=self._confidence,
            price=event.last,
            current_price=event.last,
            ts_event=event.ts_event,
            indicators={"dominance_pct": self._share, "trend": self._trend, "change": change},
            metadata={
                "strategy": "btc_dominance",
                "dominance_source": self._source,
                "rule": self._rule,
                "change_known": self._change is not None,
                "suggested_alts": None if buys else "ETHUSDT,BNBUSDT",
            },
        )

    def warmup(self) -> tuple[int, int]:
        most = max((len(history.samples) for history in self._histories.values()), default=0)
        return (min(most, TREND_SAMPLES), TREND_SAMPLES)

    def _history(self, source: str) -> _History:
        history = self._histories.get(source)
        if history is None:
            history = self._histories[source] = _History(self._params.window_hours)
        return history

    def _guess(self, event: Ticker) -> None:
        oldest = event.ts_event - self._max_age_ns
        others = [change for ts, change in (self._changes.get(base, (0, 0.0)) for base in _OTHERS) if ts >= oldest]
        if len(others) < len(_OTHERS) or not -100.0 <= event.change_pct < inf:
            return
        moves = [event.change_pct, *others]
        weights = [max(0.0, move + 10.0) for move in moves]
        whole = weights[0] + weights[1] + weights[2]
        if whole > 0.0:
            self._history(_PROXY).add(event.ts_event, 30.0 + 50.0 * weights[0] / whole)

    def _choose(self, now: int) -> _History | Quiet:
        """The first source by name whose last word is young enough, and only then the proxy."""
        oldest = now - self._max_age_ns
        for source in (*sorted(name for name in self._histories if name != _PROXY), _PROXY):
            history = self._histories.get(source)
            if history is not None and history.ts >= oldest and (source != _PROXY or self._params.fallback_proxy):
                self._source = source
                return history
        return Quiet.OLD_SOURCE if any(name != _PROXY for name in self._histories) else Quiet.NO_SOURCE


ENTRY: Final = CatalogEntry(
    strategy_id="btc_dominance",
    version=1,
    title="Bitcoin dominance",
    summary="Bitcoin's share of the whole market is high and rises, is low and falls, or changed much within a day.",
    fails_when=(
        "The share changes because something is listed, delisted or counted anew, not because money moved.",
        "Everything falls: Bitcoin's share rises while its price does not.",
        "The proxy stands in: it knows who moved today and nothing of what the market is worth.",
    ),
    listens_to=Ticker,
    params=Params,
    build=BtcDominance,
    replay_honesty=ReplayHonesty.YES,
    replay_note="Where the recording holds readings of the dominance as they came; without them it says nothing.",
    reads=(TOPIC,),
    bases=("BTC",),
    companions=_OTHERS,
    history="three samples for a trend, `window_hours` for a change",
)
