"""`orderbook_skew`: more is bid than offered near the best price, or the other way round."""

from collections.abc import Mapping
from math import inf, log
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Depth
from petrosa.core.model.refusals import Outcome, failed, passed
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import (
    Alias,
    Candidate,
    CatalogEntry,
    Quiet,
    ReplayHonesty,
    StrategyParams,
    score_of,
)

_LEAST_LOG: Final = 1e-12
"""Stands in for ln(1), so that a threshold of exactly 1 can be divided by."""


class Params(StrategyParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    ALIASES: ClassVar[Mapping[str, Alias]] = {"min_spread_percent": Alias("max_spread_bps", 100.0)}

    top_levels: Annotated[int, Meta(ge=1, le=20, description="How many levels of each side are summed.")] = 5
    buy_threshold: Annotated[float, Meta(ge=1, le=3, description="Buy when bid / ask volume is above this.")] = 1.2
    sell_threshold: Annotated[float, Meta(ge=0.3, le=1, description="Sell when bid / ask volume is below this.")] = 0.8
    max_spread_bps: Annotated[
        float, Meta(ge=0, le=10_000, description="A wider spread (hundredths of a percent of the bid) is no market.")
    ] = 10.0
    min_total_volume: Annotated[
        float, Meta(ge=0, le=10, description="Less base volume than this on both sides together says nothing.")
    ] = 0.001
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence at the threshold; it grows from there with the skew.")
    ] = 0.6
    imbalance_weight: Annotated[
        float,
        Meta(ge=0, le=1, description="Share of the growth that the skew earns alone; with spread_weight it is 1."),
    ] = 1.0
    spread_weight: Annotated[
        float,
        Meta(ge=0, le=1, description="Share of the growth that a spread of 0 earns and one at its limit does not."),
    ] = 0.0
    flow_guard: Annotated[
        bool, Meta(description="Ask the signed volume of the last trades to agree: quotes alone can be pretended.")
    ] = True
    persistence_seconds: Annotated[
        float, Meta(ge=0, le=600, description="How long the skew must stay beyond its threshold before it counts.")
    ] = 5.0

    def check(self) -> None:
        if self.buy_threshold <= self.sell_threshold:
            raise ValueError(f"buy_threshold {self.buy_threshold} must be above sell_threshold {self.sell_threshold}")
        total = self.imbalance_weight + self.spread_weight
        if abs(total - 1.0) > 1e-9:
            raise ValueError(f"imbalance_weight and spread_weight sum to {total:g}; they must sum to 1")


class OrderbookSkew:
    """ratio = Σ bid quantity / Σ ask quantity over the best levels; the score is ln(ratio) / ln(threshold).

    Confidence is min(0.95, base + 0.5 · (m − threshold) · (wi + ws · (1 − spread / limit))) with m = max(bid, ask) /
    min(bid, ask), where the threshold is `buy_threshold` for a buy and 1 / `sell_threshold` for a sell. By default
    (base 0.60, wi 1, ws 0) it is the specification's min(0.95, 0.60 + 0.5 · (m − threshold)) for a buy, and the same
    for a sell in a mirrored book. Schemas of before name 0.7, 0.6 and 0.4 as defaults of these three; nothing ever
    read them, and the documented formula has no room for them. The price is the best bid of a buy and the best ask of
    a sell.

    Noise: where the quantities are independent and exponential, the ratio of n levels a side is F distributed with
    2n and 2n degrees of freedom, so a tick is beyond a threshold t with P(F > t): for five levels and 1.2 or 0.8 that
    is 0.389 + 0.365 = 0.754 of all ticks. A skew that must stay for k more ticks of its own side: P(F > t)^(k + 1).
    """

    __slots__ = ("_ask_volume", "_bid_volume", "_log_buy", "_log_sell", "_max_spread_percent", "_params", "_ratio",
                 "_spread_percent")  # fmt: skip

    def __init__(self, params: Params) -> None:
        self.retune(params)
        self._bid_volume = self._ask_volume = self._ratio = self._spread_percent = 0.0

    def retune(self, params: Params) -> None:
        self._params = params
        self._log_buy = max(log(params.buy_threshold), _LEAST_LOG)
        self._log_sell = min(log(params.sell_threshold), -_LEAST_LOG)
        self._max_spread_percent = params.max_spread_bps / 100.0

    def evaluate(self, event: Depth, market: MarketState, now: int) -> float | Quiet:
        if not (event.bid_prices and event.ask_prices):
            return Quiet.EMPTY_BOOK
        bid, ask, levels = event.bid_prices[0], event.ask_prices[0], self._params.top_levels
        if not 0.0 < bid < ask < inf:
            return Quiet.CROSSED_BOOK if 0.0 < ask <= bid < inf else Quiet.BAD_NUMBER
        bid_volume, ask_volume = sum(event.bid_quantities[:levels]), sum(event.ask_quantities[:levels])
        if bid_volume == 0.0 or ask_volume == 0.0:
            return Quiet.EMPTY_BOOK
        if not (0.0 < bid_volume < inf and 0.0 < ask_volume < inf):
            return Quiet.BAD_NUMBER
        if bid_volume + ask_volume < self._params.min_total_volume:
            return Quiet.TOO_SMALL
        spread_percent = (ask - bid) / bid * 100.0
        if spread_percent > self._max_spread_percent:
            return Quiet.WIDE_SPREAD
        ratio = bid_volume / ask_volume
        if not 0.0 < ratio < inf:
            return Quiet.BAD_NUMBER
        self._bid_volume, self._ask_volume, self._ratio = bid_volume, ask_volume, ratio
        self._spread_percent = spread_percent
        return score_of(log(ratio), self._log_buy, self._log_sell)

    def candidate(self, event: Depth, market: MarketState, now: int) -> Candidate:
        params, ratio, bid, ask = self._params, self._ratio, event.bid_prices[0], event.ask_prices[0]
        is_buy = ratio > params.buy_threshold
        excess = (
            ratio - params.buy_threshold
            if is_buy
            else self._ask_volume / self._bid_volume - 1.0 / params.sell_threshold
        )
        narrowness = 1.0 - self._spread_percent / self._max_spread_percent
        earned = params.imbalance_weight + params.spread_weight * narrowness
        return Candidate(
            action=Action.BUY if is_buy else Action.SELL,
            confidence=min(0.95, params.base_confidence + excess * 0.5 * earned),
            price=bid if is_buy else ask,
            current_price=(bid + ask) / 2.0,
            ts_event=event.ts_event,
            indicators={
                "bid_volume": self._bid_volume,
                "ask_volume": self._ask_volume,
                "ratio": ratio,
                "bid_ask_ratio": ratio,
                "spread_percent": self._spread_percent,
            },
            metadata={"strategy": "orderbook_skew", "top_bid": bid, "top_ask": ask},
            guards=(_flow_agrees(is_buy, market, now),) if params.flow_guard else (),
        )

    def warmup(self) -> tuple[int, int]:
        return (0, 0)


def _flow_agrees(is_buy: bool, market: MarketState, now: int) -> Outcome:
    """The check `flow_agrees`: those who paid the spread lately wanted the same; nobody having traded is a no."""
    limit = f"{'above' if is_buy else 'below'} 0 in the last {market.tape.window_ns / NS_PER_SECOND:g} s"
    signed = market.tape.signed_volume(now)
    if signed is None:
        return failed("flow_agrees", "no trade", limit, "wait for trades, or switch flow_guard off")
    if signed > 0.0 if is_buy else signed < 0.0:
        return passed("flow_agrees", f"{signed:+.8g}", limit)
    return failed("flow_agrees", f"{signed:+.8g}", limit, "nothing to do: takers disagree with the book")


ENTRY: Final = CatalogEntry(
    strategy_id="orderbook_skew",
    version=1,
    title="Order book skew",
    summary="More is bid than offered near the best price, or the other way round, and recent trades agree.",
    fails_when=(
        "Quotes are pretended: size that is taken away before it trades costs nobody anything.",
        "The spread is wide or the book thin: a few orders make any ratio.",
        "A level refills from hidden orders: what is displayed is not what is there.",
    ),
    listens_to=Depth,
    params=Params,
    build=OrderbookSkew,
    replay_honesty=ReplayHonesty.YES,
)
