"""`spread_liquidity`: the spread tears open because one side of the book is gone, or closes after it stood open."""

from collections import deque
from collections.abc import Mapping
from math import inf, log
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Depth
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Alias, Candidate, CatalogEntry, Quiet, ReplayHonesty, StrategyParams

TOP_LEVELS: Final = 5
"""Levels of each side whose quantities are its depth."""

WIDENING_FACTOR: Final = 1.2
"""A widening must be so many times `spread_ratio_threshold`, documented as 3.0 to its 2.5."""

AGE_THAT_COUNTS: Final = 300.0
"""Seconds after which a wide spread adds nothing more to the confidence in its end."""

_WIDE: Final = ("spread_ratio_threshold", "spread_threshold_bps")
"""Parameters that decide which spread is wide."""

POINTS_MAX: Final = 4_096
"""Most spreads kept to measure how fast it moves; a book changes ten times a second."""


class Params(StrategyParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    ALIASES: ClassVar[Mapping[str, Alias]] = {"min_signal_interval_seconds": Alias("cooldown_seconds")}
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"lookback_ticks", "sample_seconds", "velocity_seconds"})

    spread_threshold_bps: Annotated[
        float, Meta(ge=0, le=100, description="A spread up to this, in bps of the mid, is never wide; 0 is off.")
    ] = 10.0
    spread_ratio_threshold: Annotated[
        float, Meta(ge=1.5, le=10, description="A spread this many times the usual one is wide; 1.2 times that, torn.")
    ] = 2.5
    velocity_threshold: Annotated[
        float, Meta(ge=0.1, le=2, description="How fast it must move: change of ln(spread) a second.")
    ] = 0.5
    velocity_seconds: Annotated[float, Meta(ge=0.1, le=10, description="Seconds over which that is measured.")] = 1.0
    persistence_threshold_seconds: Annotated[
        float, Meta(ge=0, le=300, description="A spread must have stood wide for longer before its closing counts.")
    ] = 30.0
    expiry_seconds: Annotated[
        float, Meta(ge=1, le=3_600, description="A spread that stands wide for longer has become the usual one.")
    ] = 600.0
    min_depth_reduction_pct: Annotated[
        float, Meta(ge=0, le=0.9, description="Share of its usual depth that a torn book must have lost; 0 is off.")
    ] = 0.5
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence before speed, loss of depth, width and age are added.")
    ] = 0.7
    lookback_ticks: Annotated[
        int, Meta(ge=5, le=100, description="Samples of spread and depth that say what is usual.")
    ] = 20
    sample_seconds: Annotated[float, Meta(ge=0.1, le=60, description="Seconds from one sample to the next.")] = 1.0
    sided: Annotated[
        bool,
        Meta(description="Follow the side that lost depth; off: every tear is sold and every closing bought."),
    ] = True

    def check(self) -> None:
        if self.expiry_seconds <= self.persistence_threshold_seconds:
            raise ValueError(
                f"expiry_seconds {self.expiry_seconds:g} must be above "
                f"persistence_threshold_seconds {self.persistence_threshold_seconds:g}"
            )


class _Wide:
    """A spread that stands open: since when, what was usual before, and what it was on the average since."""

    __slots__ = ("books", "closing", "lean", "ratios", "since", "usual")

    def __init__(self, since: int, usual: tuple[float, float, float]) -> None:
        self.since = since
        self.usual = usual
        self.closing = 0  # since when it is no longer wide; 0 while it is
        self.books = 0
        self.ratios = 0.0  # sum of spread by usual spread
        self.lean = 0.0  # sum of what offers lost of their usual depth less what bids did

    @property
    def mean_ratio(self) -> float:
        return self.ratios / self.books

    @property
    def age(self) -> float:
        """Seconds for which it stood open; 0 while it has not begun to close."""
        return (self.closing - self.since) / NS_PER_SECOND if self.closing else 0.0


class SpreadLiquidity:
    """s = (ask − bid) / mid in bps; ratio = s / usual; velocity = ln(s / s before `velocity_seconds`) a second.

    Usual are the means of spread and of the top-5 depth of either side over the last `lookback_ticks` samples, one
    every `sample_seconds` of event time; a book holds until the next one, so a sample is what stood then. The loss
    of a side is 1 − depth / usual depth.

    *Widening*: ratio > 1.2 · `spread_ratio_threshold`, s > `spread_threshold_bps`, velocity > `velocity_threshold` and
    the larger loss > `min_depth_reduction_pct`. Confidence min(0.95, base + 0.10 · velocity + 0.15 · loss).
    *Narrowing*: a spread that became wide (ratio > `spread_ratio_threshold` and s > `spread_threshold_bps`) stood so
    for longer than `persistence_threshold_seconds`, its mean ratio since to what was usual before is still above the
    threshold, it is wide no more, and −velocity > `velocity_threshold`. Confidence min(0.95, base + 0.05 · (mean
    ratio − `spread_ratio_threshold`) + 0.10 · min(1, age / 300 s)).
    The score is the least of those quotients, value over threshold. A spread is wide until it was not for
    `velocity_seconds`, and has become usual after `expiry_seconds`.

    A spread has no sign: that of a mirrored market is the same. As documented, every widening sells and every
    narrowing buys; that is the case of bids that vanish, and of bids that return. The direction here is that of the
    side which vanished: without bids the price is free to fall (sell), without offers to rise (buy), and when the
    spread closes again what was pushed comes back. `sided` off is as documented, and its loss is that of both sides
    together. Other departures, where the documented one cannot work: its velocity (s − s₀) / s₀ cannot fall below −1
    over the window, its confidence in a narrowing fell with (ratio − 2.5) < 0, and its wide event had no end.

    Stop and target are mid ∓ 2 spreads and mid ± 4 spreads.

    Noise: where spreads are independent and exponential and quantities are, one tick is above r times the mean of n
    with (1 + r / n)^−n, and a side of five levels below half of its mean with P(Binomial(5n + 4, 1 / (2n + 1)) ≥ 5).
    With r = 3 and n = 20 that is 0.061 and 0.111, so that at most 0.061 · (1 − 0.889²) = 0.013 of independent ticks
    are a widening. A narrowing needs a mean over many ticks of 2.5 times the mean of twenty before, so those below
    0.4 of what they should be: P(Poisson(8) ≥ 20) = 0.0003.
    """

    __slots__ = ("_anchors", "_loss", "_now", "_params", "_ratio", "_sample_ns", "_samples", "_score", "_slot",
                 "_usual", "_vanished", "_velocity", "_velocity_ns", "_wide")  # fmt: skip

    def __init__(self, params: Params) -> None:
        self._params = params
        self._wide: _Wide | None = None
        self.retune(params)
        self._samples: deque[tuple[float, float, float]] = deque(maxlen=params.lookback_ticks)
        self._anchors: deque[tuple[int, float]] = deque()
        self._usual = self._now = (0.0, 0.0, 0.0)  # spread in bps, depth of the bids, depth of the offers
        self._ratio = self._velocity = self._loss = self._score = 0.0
        self._slot = self._vanished = 0

    def retune(self, params: Params) -> None:
        """A spread that stands wide begins to do so now, when another spread is called wide."""
        before, self._params = self._params, params
        if any(getattr(params, name) != getattr(before, name) for name in _WIDE):
            self._wide = None
        self._sample_ns = round(params.sample_seconds * NS_PER_SECOND)
        self._velocity_ns = round(params.velocity_seconds * NS_PER_SECOND)

    def evaluate(self, event: Depth, market: MarketState, now: int) -> float | Quiet:
        if not (event.bid_prices and event.ask_prices):
            return Quiet.EMPTY_BOOK
        bid, ask, ts = event.bid_prices[0], event.ask_prices[0], event.ts_event
        if not 0.0 < bid < ask < inf:
            return Quiet.CROSSED_BOOK if 0.0 < ask <= bid < inf else Quiet.BAD_NUMBER
        bids, asks = sum(event.bid_quantities[:TOP_LEVELS]), sum(event.ask_quantities[:TOP_LEVELS])
        if bids == 0.0 or asks == 0.0:
            return Quiet.EMPTY_BOOK
        if not (0.0 < bids < inf and 0.0 < asks < inf):
            return Quiet.BAD_NUMBER
        if self._anchors and ts < self._anchors[-1][0]:
            return Quiet.OUT_OF_ORDER
        self._sample(ts)
        spread = (ask - bid) / ((bid + ask) / 2.0) * 1e4
        self._now = (spread, bids, asks)
        before = self._spread_before(ts, spread)
        if len(self._samples) < self._params.lookback_ticks or not before:
            return Quiet.WARMING_UP
        self._velocity = log(spread / before) / self._params.velocity_seconds
        self._ratio = spread / self._usual[0]
        self._weigh_loss()
        self._follow(ts)
        self._score = self._widening() if self._velocity > 0.0 else self._narrowing()
        return self._score

    def candidate(self, event: Depth, market: MarketState, now: int) -> Candidate:
        params, wide, (spread, bids, asks) = self._params, self._wide, self._now
        side, widens, age = (1.0 if self._score > 0.0 else -1.0), self._velocity > 0.0, wide.age if wide else 0.0
        confidence = params.base_confidence
        if widens:
            confidence += 0.10 * self._velocity + 0.15 * self._loss
        elif wide:
            confidence += 0.05 * (wide.mean_ratio - params.spread_ratio_threshold)
            confidence += 0.10 * min(1.0, age / AGE_THAT_COUNTS)
        bid, ask = event.bid_prices[0], event.ask_prices[0]
        mid = (bid + ask) / 2.0
        return Candidate(
            action=Action.BUY if side > 0.0 else Action.SELL,
            confidence=min(0.95, confidence),
            price=mid,
            current_price=mid,
            ts_event=event.ts_event,
            indicators={
                "spread_bps": spread,
                "spread_ratio": self._ratio,
                "mean_wide_ratio": wide.mean_ratio if wide else self._ratio,
                "velocity": self._velocity,
                "depth_reduction": self._loss,
                "bid_depth": bids,
                "ask_depth": asks,
                "wide_seconds": age,
            },
            metadata={"strategy": "spread_liquidity", "event": "spread_widening" if widens else "spread_narrowing"},
            stop_loss=mid - side * 2.0 * (ask - bid),
            take_profit=mid + side * 4.0 * (ask - bid),
        )

    def warmup(self) -> tuple[int, int]:
        return (len(self._samples), self._params.lookback_ticks)

    def _sample(self, ts: int) -> None:
        """Take the samples that were due up to now, of the book that stood then."""
        slot = ts // self._sample_ns
        due, samples = slot - self._slot, self._samples
        if due == 0:
            return
        if due > self._params.lookback_ticks:  # the first book, or a silence over which nothing is known
            samples.clear()
            self._anchors.clear()
            self._wide = None
        elif self._now[0]:
            samples.extend([self._now] * due)
            spreads, bids, asks = zip(*samples, strict=True)
            self._usual = (sum(spreads) / len(samples), sum(bids) / len(samples), sum(asks) / len(samples))
        self._slot = slot

    def _spread_before(self, ts: int, spread: float) -> float:
        """The spread that stood `velocity_seconds` ago; 0 when that is not known."""
        anchors, then = self._anchors, ts - self._velocity_ns
        anchors.append((ts, spread))
        while len(anchors) > 1 and (anchors[1][0] <= then or len(anchors) > POINTS_MAX):
            anchors.popleft()
        return anchors[0][1] if anchors[0][0] <= then else 0.0

    def _weigh_loss(self) -> None:
        _, bids, asks = self._now
        _, usual_bids, usual_asks = self._usual
        if not self._params.sided:
            self._loss, self._vanished = 1.0 - (bids + asks) / (usual_bids + usual_asks), -1
            return
        bids_lost, asks_lost = 1.0 - bids / usual_bids, 1.0 - asks / usual_asks
        self._loss = max(bids_lost, asks_lost)
        self._vanished = (asks_lost > bids_lost) - (bids_lost > asks_lost)

    def _follow(self, ts: int) -> None:
        """Begin, go on with and end the time in which the spread is wide."""
        params, wide, (spread, bids, asks) = self._params, self._wide, self._now
        usual_spread, usual_bids, usual_asks = wide.usual if wide else self._usual
        ratio = spread / usual_spread
        is_wide = ratio > params.spread_ratio_threshold and spread > params.spread_threshold_bps
        if wide is None:
            if not is_wide:
                return
            wide = self._wide = _Wide(ts, self._usual)
        wide.books += 1
        wide.ratios += ratio
        wide.lean += bids / usual_bids - asks / usual_asks
        if is_wide:
            wide.closing = 0
        elif not wide.closing:
            wide.closing = ts
        is_over = wide.closing and ts - wide.closing > self._velocity_ns
        if is_over or ts - wide.since > params.expiry_seconds * NS_PER_SECOND:
            self._wide = None

    def _widening(self) -> float:
        params = self._params
        least = min(
            self._velocity / params.velocity_threshold,
            self._ratio / (WIDENING_FACTOR * params.spread_ratio_threshold),
            self._now[0] / params.spread_threshold_bps if params.spread_threshold_bps else inf,
            self._loss / params.min_depth_reduction_pct if params.min_depth_reduction_pct else inf,
        )
        return self._vanished * max(0.0, least)

    def _narrowing(self) -> float:
        wide, params = self._wide, self._params
        if wide is None or not wide.closing or wide.mean_ratio <= params.spread_ratio_threshold:
            return 0.0
        needed = params.persistence_threshold_seconds
        least = min(-self._velocity / params.velocity_threshold, wide.age / needed if needed else inf)
        if not params.sided:
            return least
        return least if wide.lean < 0.0 else -least if wide.lean > 0.0 else 0.0


ENTRY: Final = CatalogEntry(
    strategy_id="spread_liquidity",
    version=1,
    title="Spread and liquidity",
    summary="The spread tears open because one side of the book is gone, or closes again after it stood open.",
    fails_when=(
        "The spread is always one tick, as on the largest pairs: below `spread_threshold_bps` it says nothing.",
        "Makers step back from news on both sides: which side is thinner then is chance.",
        "The stop is two spreads away: where the spread is narrow again, that is less than the price moves by itself.",
    ),
    listens_to=Depth,
    params=Params,
    build=SpreadLiquidity,
    replay_honesty=ReplayHonesty.BIASED,
    replay_note="A torn book fills worse than a simulated exchange lets it: what it earns on recordings is too much.",
    history="`lookback_ticks` samples of the book, one every `sample_seconds`",
)
