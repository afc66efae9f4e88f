"""`trade_momentum`: a large trade, taken aggressively, that moved the price the way it was taken."""

from math import exp, inf, log, sqrt, tanh
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import Trade
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Candidate, CatalogEntry, Quiet, ReplayHonesty, StrategyParams, score_of

BUY: Final = Side.BUY
WARMING_UP: Final = Quiet.WARMING_UP  # what an enumeration has is looked up the slow way

_TINY: Final = 1e-300
"""Keeps a division by a vanished σ defined; tanh then is at its limit."""

_Weight = Annotated[float, Meta(ge=0, le=1, description="Share of this part; price, quantity and maker sum to 1.")]


class Params(StrategyParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"min_quantity", "momentum_window", "time_decay_seconds"})

    price_weight: _Weight = 0.4
    quantity_weight: _Weight = 0.3
    maker_weight: _Weight = 0.3
    buy_threshold: Annotated[float, Meta(ge=0.3, le=1, description="Buy when momentum is above this.")] = 0.7
    sell_threshold: Annotated[float, Meta(ge=-1, le=-0.3, description="Sell when momentum is below this.")] = -0.7
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence before the momentum is added, at a fifth of its size.")
    ] = 0.65
    min_quantity: Annotated[
        float, Meta(ge=0, le=1, description="Trades of less base quantity are not looked at, nor remembered.")
    ] = 0.001
    momentum_window: Annotated[
        int, Meta(ge=5, le=50, description="Trades that usual size and movement are averaged over, and needed first.")
    ] = 10
    time_decay_seconds: Annotated[
        int,
        Meta(ge=60, le=600, description="In this time an old trade's weight falls to 1/e; a longer silence ends all."),
    ] = 300

    def check(self) -> None:
        if self.buy_threshold <= self.sell_threshold:
            raise ValueError(f"buy_threshold {self.buy_threshold} must be above sell_threshold {self.sell_threshold}")
        total = self.price_weight + self.quantity_weight + self.maker_weight
        if abs(total - 1.0) > 1e-9:
            raise ValueError(f"price_weight, quantity_weight and maker_weight sum to {total:g}; they must sum to 1")


class TradeMomentum:
    """m = wp · tanh(r / 3σ) + s · (wq · min(1, q / 3q̄) + wm), in [−1, 1]; the score is m in units of its threshold.

    r = ln(price / previous price), q the quantity, s = +1 when the taker bought and −1 when it sold. σ² and q̄ are the
    averages of r² and q over the trades *before* this one, weighted (1 − 2/(window+1)) per trade and exp(−age / decay).
    Confidence is min(0.95, `base_confidence` + 0.2 · |m|), by default the specification's 0.65 (a schema of before says
    0.68, which nothing read). This is the repaired form of the specification's 0.4 · Δp/p + 0.3 · q/q̄ + 0.3 · s, which
    no trade can bring beyond ±0.7 on the sell side, and hardly on the buy side.

    Noise: quantity and taker give 0.6 at most, so beyond ±0.7 the price must have moved the taker's way by
    tanh(r / 3σ) > 0.25, or r > 0.766 σ. σ is known from (1 + k) / (1 − k) = `momentum_window` moves, k their decay: of
    independent normal returns and takers at most P(Student with 10 degrees of freedom > 0.766) = 0.231 of all trades
    get there, whatever the quantities are.

    Silent until `momentum_window` moves are in and one of them was not zero. A silence longer than
    `time_decay_seconds` starts over: what was usual before it is not known to be usual now.
    """

    __slots__ = ("_base", "_buy", "_count", "_decay_ns", "_keep", "_maker", "_min_quantity", "_minus_decay", "_moves",
                 "_parts", "_previous", "_price", "_quantities", "_quantity", "_sell", "_ts", "_weight",
                 "_window")  # fmt: skip

    def __init__(self, params: Params) -> None:
        self.retune(params)
        self._parts = (0.0, 0.0, 0.0, 0.0, 0.0)
        self._previous, self._ts, self._count = 0.0, 0, 0
        self._weight = self._quantities = self._moves = 0.0

    def retune(self, params: Params) -> None:
        self._price, self._quantity, self._maker = params.price_weight, params.quantity_weight, params.maker_weight
        self._base = params.base_confidence
        self._buy, self._sell, self._min_quantity = params.buy_threshold, params.sell_threshold, params.min_quantity
        self._window, self._keep = params.momentum_window, 1.0 - 2.0 / (params.momentum_window + 1)
        self._decay_ns = params.time_decay_seconds * NS_PER_SECOND
        self._minus_decay = -float(self._decay_ns)  # exact; dividing an integer by a float is the fastest division

    def evaluate(self, event: Trade, market: MarketState, now: int) -> float | Quiet:
        price, quantity, weight, moves = event.price, event.quantity, self._weight, self._moves
        if not (0.0 < price < inf and 0.0 < quantity < inf):
            return Quiet.BAD_NUMBER
        if quantity < self._min_quantity:
            return Quiet.TOO_SMALL
        ts = event.ts_event
        age = ts - self._ts
        if self._previous == 0.0 or age > self._decay_ns:
            self._begin(price, ts)
            return WARMING_UP
        # Most trades are at the price of the one before: no logarithm for those.
        move = log(price / self._previous) if price != self._previous else 0.0
        answer: float | Quiet = WARMING_UP
        if self._count < self._window:
            self._count += 1
        elif moves > 0.0:
            sign = 1.0 if event.aggressor is BUY else -1.0
            price_score = tanh(move / (3.0 * sqrt(moves / weight) + _TINY)) if move != 0.0 else 0.0
            quantity_score = quantity * weight / (3.0 * self._quantities)
            if quantity_score > 1.0:
                quantity_score = 1.0
            momentum = self._price * price_score + sign * (self._quantity * quantity_score + self._maker)
            if self._sell <= momentum <= self._buy:  # as `score_of` has it, without the call: nearly every trade
                answer = momentum / self._buy if momentum >= 0.0 else -(momentum / self._sell)
            else:
                answer = score_of(momentum, self._buy, self._sell)
                self._parts = (momentum, move, price_score, quantity_score, sign)
        keep = self._keep
        if age > 0:
            keep *= exp(age / self._minus_decay)
            self._ts = ts
        self._weight = weight * keep + 1.0
        self._quantities = self._quantities * keep + quantity
        self._moves = moves * keep + move * move
        self._previous = price
        return answer

    def candidate(self, event: Trade, market: MarketState, now: int) -> Candidate:
        momentum, move, price_score, quantity_score, sign = self._parts
        return Candidate(
            action=Action.BUY if momentum > 0.0 else Action.SELL,
            confidence=min(0.95, self._base + abs(momentum) * 0.2),
            price=event.price,
            current_price=event.price,
            ts_event=event.ts_event,
            indicators={
                "momentum": momentum,
                "price_momentum": move,
                "price_score": price_score,
                "quantity_score": quantity_score,
                "maker_score": sign,
            },
            metadata={"strategy": "trade_momentum"},
        )

    def warmup(self) -> tuple[int, int]:
        return (self._count, self._window)

    def _begin(self, price: float, ts: int) -> None:
        self._previous, self._ts, self._count = price, ts, 0
        self._weight = self._quantities = self._moves = 0.0


ENTRY: Final = CatalogEntry(
    strategy_id="trade_momentum",
    version=1,
    title="Trade momentum",
    summary="A large aggressive trade that moved the price its own way.",
    fails_when=(
        "One large order is the whole of it: the move is over when the order is.",
        "Somebody trades with themselves: the print is large and nobody wanted anything.",
        "Trades are reported in aggregate: what looks like one print was many.",
    ),
    listens_to=Trade,
    params=Params,
    build=TradeMomentum,
    replay_honesty=ReplayHonesty.YES,
    history="as many trades as `momentum_window`",
)
