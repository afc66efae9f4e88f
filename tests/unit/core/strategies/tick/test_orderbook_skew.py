"""orderbook_skew against a real book, against the specification's own code, and against books that are none."""

import random
from math import inf, nan

import pytest

from petrosa.core.model.base import Side
from petrosa.core.model.market import Depth
from petrosa.core.model.refusals import Verdict
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Candidate, Quiet
from petrosa.core.strategies.tick.orderbook_skew import OrderbookSkew, Params
from tests.kit.noise import beyond, independent_books, most_of
from tests.kit.soak import sample
from tests.kit.strategy_market import BTC, depth, market, seconds, trade

UNGUARDED = Params(
    edge_trigger=False,
    persistence_seconds=0.0,
    cooldown_seconds=0.0,
    min_confidence=0.0,
    flow_guard=False,
    min_total_volume=0.0,
)


def opinion(event: Depth, params: Params = UNGUARDED) -> Candidate | Quiet | None:
    """The candidate when the score counts, the reason when there is none, None below the threshold."""
    strategy = OrderbookSkew(params)
    answer = strategy.evaluate(event, market(), event.ts_seen)
    if isinstance(answer, Quiet):
        return answer
    return strategy.candidate(event, market(), event.ts_seen) if abs(answer) > 1.0 else None


def test_a_real_book_of_ethusdt() -> None:
    """ethusdt@depth20, update 17044571457: 6.513 bid against 15.4686 offered is a sell at the best ask."""
    event = Depth(
        BTC.id, seconds(0), seconds(0), 17044571457,
        (1782.0, 1781.95), (6.483, 0.03), (1782.01, 1782.02), (15.4608, 0.0078),
    )  # fmt: skip
    found = opinion(event)
    assert isinstance(found, Candidate)
    assert Action.SELL == found.action
    assert 1782.01 == found.price
    assert 1782.005 == found.current_price
    assert found.confidence == pytest.approx(min(0.95, 0.60 + 0.5 * (15.4686 / 6.513 - 1.25)), abs=1e-12)
    assert {
        "bid_volume": pytest.approx(6.513),
        "ask_volume": pytest.approx(15.4686),
        "ratio": pytest.approx(0.421046507117645),
        "bid_ask_ratio": pytest.approx(0.421046507117645),
        "spread_percent": pytest.approx(0.000561167227833),
    } == found.indicators
    assert {"strategy": "orderbook_skew", "top_bid": 1782.0, "top_ask": 1782.01} == found.metadata


def test_a_buy_by_hand() -> None:
    """7 bid against 5 offered is a ratio of 1.4: a buy at the best bid with 0.60 + 0.5 · 0.2 confidence."""
    found = opinion(depth(0, [3, 1, 1, 1, 1, 99], [1, 1, 1, 1, 1, 99]))
    assert isinstance(found, Candidate)
    assert (Action.BUY, 59_999.5) == (found.action, found.price)
    assert found.confidence == pytest.approx(0.70, abs=1e-12)


def documented(event: Depth) -> tuple[str, float, float] | None:
    """The specification's code, with the ruled confidence of a sell: on ask / bid, against 1 / 0.8."""
    bid_volume = sum(float(quantity) for quantity in event.bid_quantities[:5])
    ask_volume = sum(float(quantity) for quantity in event.ask_quantities[:5])
    ratio = bid_volume / ask_volume
    top_bid, top_ask = event.bid_prices[0], event.ask_prices[0]
    if ((top_ask - top_bid) / top_bid) * 100 > 0.1:
        return None
    if ratio > 1.2:
        return "buy", min(0.95, 0.60 + (ratio - 1.2) * 0.5), top_bid
    if ratio < 0.8:
        return "sell", min(0.95, 0.60 + (ask_volume / bid_volume - 1 / 0.8) * 0.5), top_ask
    return None


def test_without_guards_it_is_the_documented_formula_to_the_digit() -> None:
    """On 2,000 random books, narrow and wide, action, confidence and price equal the specification's."""
    rng = random.Random(7)
    for number in range(2_000):
        bids, asks = ([rng.expovariate(1.0) for _ in range(20)] for _ in range(2))
        half = rng.choice((0.5, 29.0, 31.0))
        event = depth(number, bids, asks, 60_000 - half, 60_000 + half)
        found = opinion(event)
        said = (found.action.value, found.confidence, found.price) if isinstance(found, Candidate) else None
        assert documented(event) == said


def test_the_threshold_itself_is_not_beyond_it() -> None:
    """A ratio of exactly 1.2, or of exactly 0.8, says nothing; the next one does."""
    assert opinion(depth(0, [6], [5])) is None
    assert opinion(depth(0, [4], [5])) is None
    assert isinstance(opinion(depth(0, [6.0000001], [5])), Candidate)
    assert isinstance(opinion(depth(0, [3.9999999], [5])), Candidate)


def test_a_threshold_of_one_is_met_by_any_imbalance() -> None:
    """The documented bound allows a threshold of 1, whose logarithm is zero."""
    params = Params(buy_threshold=1.0, sell_threshold=0.5, flow_guard=False)
    assert opinion(depth(0, [1], [1]), params) is None
    assert isinstance(opinion(depth(0, [1.001], [1]), params), Candidate)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (depth(0, [], [1]), Quiet.EMPTY_BOOK),
        (depth(0, [1], []), Quiet.EMPTY_BOOK),
        (depth(0, [1], [0.0]), Quiet.EMPTY_BOOK),
        (depth(0, [0.0], [1]), Quiet.EMPTY_BOOK),
        (depth(0, [1], [1], bid=60_001, ask=60_000), Quiet.CROSSED_BOOK),
        (depth(0, [1], [1], bid=60_000, ask=60_000), Quiet.CROSSED_BOOK),
        (depth(0, [1], [1], bid=nan), Quiet.BAD_NUMBER),
        (depth(0, [1], [1], ask=inf), Quiet.BAD_NUMBER),
        (depth(0, [1], [1], bid=0.0), Quiet.BAD_NUMBER),
        (depth(0, [nan, 1], [1]), Quiet.BAD_NUMBER),
        (depth(0, [1], [inf]), Quiet.BAD_NUMBER),
        (depth(0, [1], [-1]), Quiet.BAD_NUMBER),
        (depth(0, [1e308], [1e-308]), Quiet.BAD_NUMBER),
        (depth(0, [9], [1], bid=59_900, ask=60_000), Quiet.WIDE_SPREAD),
    ],
)
def test_a_book_that_cannot_be_read_is_quiet(event: Depth, reason: Quiet) -> None:
    """Empty, crossed, absurd and wide books give a reason and never an exception."""
    assert reason == opinion(event)


def test_little_volume_says_nothing() -> None:
    """Below `min_total_volume` on both sides together a ratio is an accident."""
    assert Quiet.TOO_SMALL == opinion(depth(0, [0.0007], [0.0002]), Params())


@pytest.mark.parametrize(
    ("bought", "sold", "verdict"), [(2.0, 1.0, Verdict.PASSED), (1.0, 2.0, Verdict.FAILED), (0.0, 0.0, Verdict.FAILED)]
)
def test_recent_trades_must_agree(bought: float, sold: float, verdict: Verdict) -> None:
    """A buy needs more bought than sold in the last 10 s; no trade at all is a no."""
    state = market()
    for quantity, side in ((bought, Side.BUY), (sold, Side.SELL)):
        if quantity:
            state.apply(trade(1, quantity=quantity, side=side), seconds(1))
    strategy, event = OrderbookSkew(Params()), depth(5, [9], [1])
    strategy.evaluate(event, state, seconds(5))
    (guard,) = strategy.candidate(event, state, seconds(5)).guards
    assert ("flow_agrees", verdict) == (guard.check, guard.verdict)


def test_old_trades_do_not_agree_with_anything() -> None:
    """A trade heard more than 10 s ago is not recent."""
    state = market()
    state.apply(trade(1), seconds(1))
    strategy, event = OrderbookSkew(Params()), depth(12, [9], [1])
    strategy.evaluate(event, state, seconds(12))
    (guard,) = strategy.candidate(event, state, seconds(12)).guards
    assert (Verdict.FAILED, "no trade") == (guard.verdict, guard.saw)


def test_thresholds_that_overlap_are_refused() -> None:
    """Buying above 1 and selling below 1 at once cannot be meant."""
    with pytest.raises(ValueError, match=r"buy_threshold 1.0 must be above sell_threshold 1.0"):
        Params(buy_threshold=1.0, sell_threshold=1.0)


@pytest.mark.parametrize(
    ("params", "confidence"),
    [
        (Params(), 0.70),
        (Params(base_confidence=0.7), 0.80),
        (Params(base_confidence=1.0), 0.95),
        (Params(imbalance_weight=0.6, spread_weight=0.4), 0.60 + 0.10 * (0.6 + 0.4 * (1 - 1 / 59_999.5 * 1e4 / 10))),
        (Params(imbalance_weight=0.0, spread_weight=1.0, max_spread_bps=1 / 59_999.5 * 1e4), 0.60),
    ],
)
def test_confidence_may_ask_for_a_narrow_spread(params: Params, confidence: float) -> None:
    """A ratio of 1.4 earns 0.1 by default; a weight on the spread takes away what the spread has of its limit."""
    found = opinion(depth(0, [7], [5]), params)
    assert isinstance(found, Candidate)
    assert found.confidence == pytest.approx(confidence)


def test_weights_of_confidence_must_sum_to_one() -> None:
    """0.6 alone would lower every confidence in silence."""
    with pytest.raises(ValueError, match=r"imbalance_weight and spread_weight sum to 0.6; they must sum to 1"):
        Params(imbalance_weight=0.6)


def test_noise_speaks_as_often_as_derived() -> None:
    """Without guards 0.755 of independent books are beyond a threshold, as the F distribution has it."""
    count = sample(5_000, 200_000)
    said, scored = beyond(OrderbookSkew(UNGUARDED), independent_books(random.Random(3), count))
    assert count == scored
    assert count - most_of(count, 1 - 0.7549) < said < most_of(count, 0.7549)
