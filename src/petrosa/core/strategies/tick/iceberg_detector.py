"""`iceberg_detector`: a level at which more is traded than it ever shows, because a hidden order fills it up again."""

from collections.abc import Mapping
from math import inf
from typing import Annotated, ClassVar, Final, NamedTuple

from msgspec import Meta

from petrosa.core.market.resting import RestingLevel
from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import Depth, Trade
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Alias, Candidate, CatalogEntry, Quiet, ReplayHonesty, StrategyParams

BUY: Final = Side.BUY

STOP_SHARE: Final = 0.005
"""The stop lies at least this share of the mid beyond the level."""


class Params(StrategyParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    ALIASES: ClassVar[Mapping[str, Alias]] = {
        "min_signal_interval_seconds": Alias("cooldown_seconds"),
        "max_symbols": Alias("max_levels"),
    }

    min_refill_count: Annotated[
        int, Meta(ge=2, le=10, description="So many times in a row a level must have been eaten and filled up again.")
    ] = 3
    refill_speed_threshold_seconds: Annotated[
        float, Meta(ge=1, le=30, description="A level that is not full again this soon after it was eaten is used up.")
    ] = 5.0
    consistency_threshold: Annotated[
        float, Meta(ge=0.05, le=0.5, description="Size that varies less, deviation by mean, is one order's.")
    ] = 0.1
    persistence_threshold_seconds: Annotated[
        float, Meta(ge=0, le=600, description="A consistent size must have been shown for longer than this.")
    ] = 120.0
    anchor_seconds: Annotated[
        float, Meta(ge=0, le=900, description="A level that is shown for longer than this is an anchor.")
    ] = 180.0
    min_executed_ratio: Annotated[
        float, Meta(ge=0, le=100, description="How often its mean size must have been traded at a level; 0 is off.")
    ] = 2.0
    level_proximity_pct: Annotated[
        float, Meta(ge=0.1, le=5, description="A level farther than this from the mid, in %, does not matter yet.")
    ] = 1.0
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence in a consistent size; an anchor's is 0.05 more.")
    ] = 0.7
    history_window_seconds: Annotated[
        int, Meta(ge=60, le=900, description="A level at which nobody trades for so long is forgotten.")
    ] = 300
    max_levels: Annotated[
        int, Meta(ge=10, le=200, description="Most levels remembered a symbol; those traded at longest ago go first.")
    ] = 100
    refill: Annotated[bool, Meta(description="Look for levels that are filled up again and again.")] = True
    consistent_size: Annotated[bool, Meta(description="Look for levels that keep their size though they trade.")] = True
    anchor: Annotated[bool, Meta(description="Look for levels that stay though they trade.")] = True

    def check(self) -> None:
        if not (self.refill or self.consistent_size or self.anchor):
            raise ValueError("refill, consistent_size and anchor are all off; leave one on, or disable the strategy")


class _Found(NamedTuple):
    """The strongest level of a book."""

    confidence: float
    strength: float
    side: int
    price: float
    pattern: str
    level: RestingLevel


class IcebergDetector:
    """Bids that hold are bought, offers that hold are sold: who fills them up wants more than he shows.

    A level is a price at which somebody traded while it was shown. It is *eaten* when half of what it showed has been
    traded there, and *filled up* when a book shows 0.8 to 1.25 of it again within `refill_speed_threshold_seconds`;
    that it only shows less is no sign of either, since orders are taken away all the time. Of the levels within
    `level_proximity_pct` of the mid at which `min_executed_ratio` times the mean of what they showed was traded:

    * *refill*: n ≥ `min_refill_count` times in a row; confidence min(0.85, `base_confidence` − 0.05 + 0.05 · n)
    * *consistent_size*: deviation / mean of what it showed < `consistency_threshold`, and shown for longer than
      `persistence_threshold_seconds`; confidence `base_confidence`
    * *anchor*: shown for longer than `anchor_seconds`; confidence `base_confidence` + 0.05

    in this order for each level, and the most confident of all speaks; the score is its n or time over the threshold
    (n over one less, so that n = `min_refill_count` counts), and 0 when there is none or both sides are as confident:
    a price that stands between two walls goes nowhere. A level that is eaten and not filled up yet is no refill. With
    the default base 0.70 these are the documented numbers. Stop and target: level ∓ d and mid ± 2.5 d with
    d = max(|mid − level|, 0.5 % of the mid).

    A level below the twentieth is out of sight: it keeps its count, and its time stands still. One that is missing
    between those that are shown is used up or gone, and forgotten. One instance sees one symbol, so `max_symbols`,
    once the bound of what is remembered, is now the bound of levels.

    Noise: let each book show independent exponential sizes of mean 1. A level that showed x and was eaten comes
    back to [0.8, 1.25] of x, rather than above, with (e^−0.8x − e^−1.25x) / e^−0.8x = 1 − e^−0.45x = p. Over x, three
    in a row are the mean of p³ = 1 − 3/1.45 + 3/1.9 − 1/2.35 = 0.084: of the books at most that on either side, 0.17 on
    both, where every level is eaten between any two books, and far less where it is not. The other two patterns need
    a price that stands for minutes, and then the two sides are alike.
    """

    __slots__ = ("_asks", "_bids", "_found", "_history_ns", "_params", "_refill_ns", "_shown_asks",
                 "_shown_bids", "_ts")  # fmt: skip

    def __init__(self, params: Params) -> None:
        self._bids: dict[float, RestingLevel] = {}
        self._asks: dict[float, RestingLevel] = {}
        self._params = params
        self.retune(params)
        self._shown_bids: dict[float, float] = {}
        self._shown_asks: dict[float, float] = {}
        self._found: _Found | None = None
        self._ts = 0

    def retune(self, params: Params) -> None:
        """A level that was filled up in time must be so again when another time is meant."""
        before, self._params = self._params, params
        if params.refill_speed_threshold_seconds != before.refill_speed_threshold_seconds:
            for level in (*self._bids.values(), *self._asks.values()):
                level.run = 0
        self._refill_ns = round(params.refill_speed_threshold_seconds * NS_PER_SECOND)
        self._history_ns = params.history_window_seconds * NS_PER_SECOND

    def note(self, event: Trade, market: MarketState, now: int) -> None:
        if event.aggressor is BUY:
            levels, shown = self._asks, self._shown_asks
        else:
            levels, shown = self._bids, self._shown_bids
        level, quantity = levels.get(event.price), event.quantity
        if not 0.0 < quantity < inf:
            return
        if level is None:
            if event.price not in shown:
                return
            level = levels[event.price] = self._opened(shown[event.price])
        level.trade(quantity, event.ts_event)

    def evaluate(self, event: Depth, market: MarketState, now: int) -> float | Quiet:
        if not (event.bid_prices and event.ask_prices):
            return Quiet.EMPTY_BOOK
        bid, ask = event.bid_prices[0], event.ask_prices[0]
        if not 0.0 < bid < ask < inf:
            return Quiet.CROSSED_BOOK if 0.0 < ask <= bid < inf else Quiet.BAD_NUMBER
        if event.ts_event < self._ts:
            return Quiet.OUT_OF_ORDER
        if not 0.0 < sum(event.bid_quantities) + sum(event.ask_quantities) < inf:
            return Quiet.BAD_NUMBER
        self._ts, self._found = event.ts_event, None
        self._shown_bids = dict(zip(event.bid_prices, event.bid_quantities, strict=True))
        self._shown_asks = dict(zip(event.ask_prices, event.ask_quantities, strict=True))
        mid = (bid + ask) / 2.0
        bids = self._strongest(self._bids, self._shown_bids, event.bid_prices[-1], 1, mid) if self._bids else None
        asks = self._strongest(self._asks, self._shown_asks, event.ask_prices[-1], -1, mid) if self._asks else None
        if bids and asks:
            if bids.confidence == asks.confidence:
                return 0.0
            self._found = bids if bids.confidence > asks.confidence else asks
        else:
            self._found = bids or asks
        return self._found.side * self._found.strength if self._found else 0.0

    def candidate(self, event: Depth, market: MarketState, now: int) -> Candidate:
        found = self._found
        assert found is not None  # there is no score without a level
        level, side, price = found.level, found.side, found.price
        mid = (event.bid_prices[0] + event.ask_prices[0]) / 2.0
        distance = max(abs(mid - price), STOP_SHARE * mid)
        return Candidate(
            action=Action.BUY if side > 0 else Action.SELL,
            confidence=found.confidence,
            price=mid,
            current_price=mid,
            ts_event=event.ts_event,
            indicators={
                "level": price,
                "refills": float(level.run),
                "executed": level.executed,
                "mean_shown": level.total / level.seen_times,
                "consistency": level.consistency(),
                "shown_seconds": level.seen_for / NS_PER_SECOND,
            },
            metadata={"strategy": "iceberg_detector", "pattern": found.pattern},
            stop_loss=price - side * distance,
            take_profit=mid + side * 2.5 * distance,
        )

    def warmup(self) -> tuple[int, int]:
        return (0, 0)

    def _opened(self, shown: float) -> RestingLevel:
        """A new level, in the place of those that nobody has traded at for longest when there are too many."""
        while len(self._bids) + len(self._asks) >= self._params.max_levels:
            side, price = min(
                ((side, price) for side in (self._bids, self._asks) for price in side),
                key=lambda one: one[0][one[1]].traded_at,
            )
            del side[price]
        return RestingLevel(shown, self._ts)

    def _strongest(
        self, levels: dict[float, RestingLevel], shown: dict[float, float], last: float, side: int, mid: float
    ) -> _Found | None:
        """Look at every level of a side, forget those that are gone, and find the most confident."""
        oldest, reach = self._ts - self._history_ns, mid * self._params.level_proximity_pct / 100.0
        gone: list[float] = []
        best: _Found | None = None
        for price, level in levels.items():
            quantity = shown.get(price, 0.0)
            if level.traded_at < oldest or (quantity == 0.0 and (price - last) * side >= 0.0):
                gone.append(price)
            elif quantity == 0.0:
                level.seen_at = 0
            else:
                level.look(quantity, self._ts, self._refill_ns)
                found = self._pattern(level, price, side) if abs(price - mid) <= reach else None
                if found and (best is None or _weight(found) > _weight(best)):
                    best = found
        for price in gone:
            del levels[price]
        return best

    def _pattern(self, level: RestingLevel, price: float, side: int) -> _Found | None:
        params, seen = self._params, level.seen_for / NS_PER_SECOND
        # Executed by mean shown, without dividing.
        if level.executed * level.seen_times < params.min_executed_ratio * level.total:
            return None
        if params.refill and level.run >= params.min_refill_count and not level.eaten_at:
            confidence = min(0.85, params.base_confidence - 0.05 + 0.05 * level.run)
            return _Found(confidence, level.run / (params.min_refill_count - 1), side, price, "refill", level)
        least = params.persistence_threshold_seconds
        if params.consistent_size and seen > least and level.consistency() < params.consistency_threshold:
            return _Found(params.base_confidence, seen / least if least else inf, side, price, "consistent_size", level)
        if params.anchor and seen > params.anchor_seconds:
            strength = seen / params.anchor_seconds if params.anchor_seconds else inf
            return _Found(min(0.95, params.base_confidence + 0.05), strength, side, price, "anchor", level)
        return None


def _weight(found: _Found) -> tuple[float, float]:
    return found.confidence, found.strength


ENTRY: Final = CatalogEntry(
    strategy_id="iceberg_detector",
    version=1,
    title="Iceberg detector",
    summary="A level at which more is traded than it ever shows, because a hidden order fills it up again.",
    fails_when=(
        "Many makers quote the same price: what they put back one by one looks like one hidden order.",
        "The hidden order ends: the level was strong until the moment it broke.",
        "Trades and books come from different streams: a print heard late counts against the wrong book.",
    ),
    listens_to=Depth,
    notes=(Trade,),
    params=Params,
    build=IcebergDetector,
    replay_honesty=ReplayHonesty.YES,
    history="levels begin with the first trade at them; nothing is needed before",
)
