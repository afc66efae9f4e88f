"""`onchain_metrics`: more use of a chain is good for its coin, coins that flow to exchanges are bad for it."""

from bisect import bisect_right, insort
from collections.abc import Mapping
from math import inf
from typing import Annotated, ClassVar, Final, NamedTuple

from msgspec import Meta

from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Reading, Ticker
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Alias, Candidate, CatalogEntry, Quiet, ReplayHonesty, StrategyParams, score_of

TOPIC: Final = "onchain"
POINTS_MAX: Final = 512
"""Figures kept of one metric, whatever their pace: twelve days of hours are 288."""
TVL_THRESHOLD: Final = 5.0
"""Least growth of the value locked in Ethereum's contracts, in %, as documented."""

ADDRESSES, VOLUME, HASH_RATE, TVL = "active_addresses", "transaction_volume_usd", "hash_rate_ths", "tvl_usd"
INFLOW, OUTFLOW = "exchange_inflow", "exchange_outflow"
METRICS: Final = frozenset({ADDRESSES, VOLUME, HASH_RATE, TVL, INFLOW, OUTFLOW})

_NS_PER_HOUR: Final = 3_600 * NS_PER_SECOND


class Params(StrategyParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    ALIASES: ClassVar[Mapping[str, Alias]] = {"min_signal_interval": Alias("cooldown_seconds")}

    cooldown_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="Least time between two signals; also called min_signal_interval.")
    ] = 3_600.0
    network_growth_threshold: Annotated[
        float, Meta(ge=0, le=100, description="Active addresses must have grown by more than this, in %.")
    ] = 10.0
    volume_threshold: Annotated[
        float, Meta(ge=0, le=500, description="Transaction volume must have grown by more than this, in %.")
    ] = 15.0
    accumulation_periods: Annotated[int, Meta(ge=1, le=72, description="Hours over which growth is measured.")] = 24
    distribution_periods: Annotated[
        int, Meta(ge=1, le=72, description="Hours of exchange flows that are added up.")
    ] = 12
    whale_threshold_btc: Annotated[
        float, Meta(ge=10, le=1_000, description="A net flow to exchanges of fewer bitcoins is nobody of weight.")
    ] = 100.0
    whale_threshold_eth: Annotated[
        float, Meta(ge=100, le=10_000, description="A net flow to exchanges of fewer ethers is nobody of weight.")
    ] = 1_000.0
    exchange_flow_threshold_percent: Annotated[
        float, Meta(ge=0, le=50, description="Least net flow as a share of all flow, in and out, in %; 0 is off.")
    ] = 10.0
    max_age_hours: Annotated[float, Meta(ge=1, le=168, description="An older figure says nothing any more.")] = 72.0
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Most confidence of a signal on one kind of evidence.")
    ] = 0.77
    strong_signal_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence where growth and exchange flows say the same.")
    ] = 0.85

    def check(self) -> None:
        if self.strong_signal_confidence < self.base_confidence:
            raise ValueError(
                f"strong_signal_confidence {self.strong_signal_confidence} is below base_confidence "
                f"{self.base_confidence}"
            )


class _Opinion(NamedTuple):
    """What the figures say: `score` in units of the thresholds, positive for a buy; `ts` is of the oldest of them."""

    ts: int
    score: float
    confidence: float
    rule: str
    indicators: dict[str, float]


class OnchainMetrics:
    """Growth of a chain's use over `accumulation_periods` hours, and flows to exchanges over `distribution_periods`.

    Bitcoin, buy: active addresses and transaction volume have grown by more than their thresholds and the hash rate
    has grown at all; confidence min(0.80, Σ growths / 30). Ethereum, buy: the same with the value locked in contracts,
    by more than 5 %, for the hash rate; min(0.75, Σ / 35). Either, sell: inflow − outflow of exchanges, in coins, is
    beyond the whale threshold, and beyond its share of all flow; min(0.70, net flow / 5000). These are the formulas of
    the existing service on true figures in place of its random ones. `base_confidence` limits them all; where growth
    meets a net outflow as large as the inflow of a sell, confidence is `strong_signal_confidence`. Growth against a
    net inflow that large is a contradiction and says nothing.

    Growth compares the newest figure with the newest that is so many hours older. Flows are of one hour each. A figure
    that is missing or too old is never taken for zero: no rule is asked that lacks one of its own.
    """

    __slots__ = ("_base", "_figures", "_now", "_opinion", "_params")

    def __init__(self, params: Params) -> None:
        self._params = params
        self._base = ""
        self._now = 0
        self._figures: dict[str, list[tuple[int, float]]] = {}
        self._opinion: _Opinion | Quiet = Quiet.NO_SOURCE

    def retune(self, params: Params) -> None:
        self._params = params
        if self._figures:
            self._opinion = self._judge()

    def note(self, event: Reading, market: MarketState, now: int) -> None:
        if event.subject != market.instrument.base:
            return
        self._base, self._now = event.subject, now
        for name, value in event.values.items():
            if name in METRICS and 0.0 <= value < inf:
                self._keep(name, event.ts_event, value)
        if self._figures:
            self._opinion = self._judge()

    def evaluate(self, event: Ticker, market: MarketState, now: int) -> float | Quiet:
        opinion = self._opinion
        if isinstance(opinion, Quiet):
            return opinion
        if not 0.0 < event.last < inf:
            return Quiet.BAD_NUMBER
        if now - opinion.ts > self._params.max_age_hours * _NS_PER_HOUR:
            return Quiet.OLD_SOURCE
        return opinion.score

    def candidate(self, event: Ticker, market: MarketState, now: int) -> Candidate:
        opinion = self._opinion
        assert isinstance(opinion, _Opinion)
        return Candidate(
            action=Action.BUY if opinion.score > 0.0 else Action.SELL,
            confidence=opinion.confidence,
            price=event.last,
            current_price=event.last,
            ts_event=event.ts_event,
            indicators=dict(opinion.indicators),
            metadata={"strategy": "onchain_metrics", "rule": opinion.rule, "coin": self._base},
        )

    def warmup(self) -> tuple[int, int]:
        hours = self._params.accumulation_periods
        spans = [points[-1][0] - points[0][0] for points in self._figures.values()]
        return (min(hours, max(spans, default=0) // _NS_PER_HOUR), hours)

    def _keep(self, name: str, ts: int, value: float) -> None:
        """Put a figure in its place by time: a source may tell a whole history, and correct what it said before."""
        points = self._figures.setdefault(name, [])
        at = bisect_right(points, (ts, -inf))
        if at < len(points) and points[at][0] == ts:
            points[at] = (ts, value)
        else:
            insort(points, (ts, value))
            del points[:-POINTS_MAX]

    def _judge(self) -> _Opinion | Quiet:
        growth, flow = self._growth(), self._flow()
        if flow is None:
            return Quiet.WARMING_UP if growth is None else growth
        if growth is None or growth.score <= 1.0:
            return flow._replace(score=min(1.0, flow.score))  # an outflow alone is no buy
        if flow.score < -1.0:
            return Quiet.NOT_CONFIRMED
        if flow.score <= 1.0:
            return growth
        return growth._replace(
            ts=min(growth.ts, flow.ts),
            confidence=self._params.strong_signal_confidence,
            rule="growth_and_outflow",
            indicators={**growth.indicators, **flow.indicators},
        )

    def _growth(self) -> _Opinion | None:
        params = self._params
        is_btc = self._base == "BTC"
        third, least, cap, divisor = (HASH_RATE, 0.0, 0.80, 30.0) if is_btc else (TVL, TVL_THRESHOLD, 0.75, 35.0)
        limits = {ADDRESSES: params.network_growth_threshold, VOLUME: params.volume_threshold, third: least}
        grown: dict[str, float] = {}
        for name in limits:
            change = self._change(name)
            if change is None:
                return None
            grown[name + "_growth"] = change
        holds = all(grown[name + "_growth"] > limit for name, limit in limits.items())
        total = sum(grown.values())
        confidence = min(cap, params.base_confidence, max(0.0, total) / divisor)
        # All conditions or none: where they hold the score is beyond 1 by the growth above what was asked for.
        excess = total - sum(limits.values())
        ts = min(self._figures[name][-1][0] for name in limits)
        return _Opinion(ts, 1.0 + max(0.01, excess / 10.0) if holds else 0.0, confidence, "growth", grown)

    def _flow(self) -> _Opinion | None:
        params = self._params
        inflows = dict(self._figures.get(INFLOW, []))
        hours = [(ts, inflows[ts], out) for ts, out in self._figures.get(OUTFLOW, []) if ts in inflows]
        hours = [hour for hour in hours if hour[0] > hours[-1][0] - params.distribution_periods * _NS_PER_HOUR]
        if len(hours) < params.distribution_periods or self._is_old(hours[-1][0]):
            return None
        inflow, outflow = sum(into for _, into, _ in hours), sum(out for _, _, out in hours)
        net, whole = inflow - outflow, inflow + outflow
        share = 100.0 * net / whole if whole > 0.0 else 0.0
        threshold = params.whale_threshold_btc if self._base == "BTC" else params.whale_threshold_eth
        score = score_of(-net, threshold, -threshold)
        if abs(share) < params.exchange_flow_threshold_percent:
            score = max(-1.0, min(1.0, score))
        confidence = min(0.70, params.base_confidence, max(0.0, net) / 5_000.0)
        seen = {"net_exchange_flow": net, "flow_share_percent": share}
        return _Opinion(hours[-1][0], score, confidence, "exchange_inflow", seen)

    def _change(self, name: str) -> float | None:
        """Growth in % of the newest figure over the one that is `accumulation_periods` hours older, or a day more."""
        points = self._figures.get(name, [])
        if not points or self._is_old(points[-1][0]):
            return None
        ts, newest = points[-1]
        until = ts - self._params.accumulation_periods * _NS_PER_HOUR
        before = points[: bisect_right(points, (until, inf))]
        if not before or before[-1][0] < until - 24 * _NS_PER_HOUR or not before[-1][1] > 0.0:
            return None
        return 100.0 * (newest / before[-1][1] - 1.0)

    def _is_old(self, ts: int) -> bool:
        return self._now - ts > self._params.max_age_hours * _NS_PER_HOUR


ENTRY: Final = CatalogEntry(
    strategy_id="onchain_metrics",
    version=1,
    title="On-chain metrics",
    summary="A chain is used much more than a day ago, or many coins flow to exchanges.",
    fails_when=(
        "An exchange moves coins between its own addresses: that is no flow of anybody.",
        "Somebody fills the chain with payments to themselves.",
        "The source corrects its figures later: a replay of corrected figures knows more than anybody did.",
    ),
    listens_to=Ticker,
    params=Params,
    build=OnchainMetrics,
    replay_honesty=ReplayHonesty.YES,
    replay_note="Where the recording holds the figures as they came; figures fetched later have been corrected since.",
    reads=(TOPIC,),
    bases=("BTC", "ETH"),
    history="figures `accumulation_periods` hours apart, or `distribution_periods` hours of exchange flows",
    enabled=False,
)
