"""trade_momentum against the ruled formula computed the slow way, and its silences."""

import random
from collections.abc import Iterator
from itertools import pairwise
from math import exp, inf, log, nan, tanh

import pytest

from petrosa.core.model.base import Side
from petrosa.core.model.market import Trade
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Quiet
from petrosa.core.strategies.tick.trade_momentum import Params, TradeMomentum
from tests.kit.noise import beyond, most_of
from tests.kit.soak import sample
from tests.kit.strategy_market import BTC, market, seconds, trade

MARKET = market()


def ruled(trades: list[Trade], window: int = 10, decay: float = 300.0) -> float | None:
    """0.4·tanh(r/3σ) + s·(0.3·min(1, q/3q̄) + 0.3) of the last trade, from the whole history, weight by weight."""
    *past, current = trades
    if len(past) <= window:
        return None
    weights, squares, quantities = [], [], []
    for older, newer in pairwise(past):
        rank = len(past) - 1 - past.index(newer)
        age = (past[-1].ts_event - newer.ts_event) / 1e9
        weights.append((1 - 2 / (window + 1)) ** rank * exp(-age / decay))
        squares.append(log(newer.price / older.price) ** 2)
        quantities.append(newer.quantity)
    total = sum(weights)
    sigma = (sum(w * s for w, s in zip(weights, squares, strict=True)) / total) ** 0.5
    usual = sum(w * q for w, q in zip(weights, quantities, strict=True)) / total
    move = log(current.price / past[-1].price)
    sign = 1 if current.aggressor is Side.BUY else -1
    return 0.4 * tanh(move / (3 * sigma)) + sign * (0.3 * min(1.0, current.quantity / (3 * usual)) + 0.3)


def test_it_is_the_ruled_formula() -> None:
    """On 200 random trades the momentum equals the formula computed from the whole history, and so does the score."""
    rng = random.Random(3)
    strategy, heard, at = TradeMomentum(Params()), [], 0.0
    for _ in range(200):
        at += rng.expovariate(0.2)
        price = 60_000 * exp(rng.gauss(0, 1e-4))
        heard.append(trade(at, price, 0.001 + rng.expovariate(3.0), rng.choice((Side.BUY, Side.SELL))))
        answer = strategy.evaluate(heard[-1], MARKET, 0)
        expected = ruled(heard)
        if expected is None:
            assert Quiet.WARMING_UP == answer
        else:
            assert answer == pytest.approx(expected / 0.7, abs=1e-9)


def warmed_up(params: Params | None = None) -> TradeMomentum:
    """After twelve trades of 0.1, each moving the price by one basis point, up and down in turn."""
    strategy = TradeMomentum(params or Params())
    for number in range(12):
        strategy.evaluate(trade(number, 60_000 * (1.0001 if number % 2 else 1.0), 0.1), MARKET, 0)
    return strategy


def test_a_candidate_by_hand() -> None:
    """Three sigma up on three times the usual quantity, bought: 0.4·tanh(1) + 0.3 + 0.3 = 0.9046."""
    strategy = warmed_up()
    event = trade(13, 60_000 * 1.0001 * 1.0001**3, 0.3)
    assert strategy.evaluate(event, MARKET, 0) == pytest.approx((0.4 * tanh(1) + 0.6) / 0.7)
    found = strategy.candidate(event, MARKET, 0)
    assert Action.BUY == found.action
    assert found.confidence == pytest.approx(0.65 + 0.2 * (0.4 * tanh(1) + 0.6))
    assert (event.price, event.price) == (found.price, found.current_price)
    assert {
        "momentum": pytest.approx(0.4 * tanh(1) + 0.6),
        "price_momentum": pytest.approx(3 * log(1.0001)),
        "price_score": pytest.approx(tanh(1)),
        "quantity_score": pytest.approx(1.0),
        "maker_score": 1.0,
    } == found.indicators


def test_it_is_silent_until_its_window_is_full() -> None:
    """A window of 10 moves needs 11 trades; the twelfth is the first that can be judged."""
    strategy = TradeMomentum(Params())
    answers = [strategy.evaluate(trade(n, 60_000 + n % 2), MARKET, 0) for n in range(12)]
    assert [Quiet.WARMING_UP] * 11 == answers[:11]
    assert isinstance(answers[11], float)
    assert (10, 10) == strategy.warmup()


def test_a_price_that_never_moved_has_no_scale() -> None:
    """Without any movement there is nothing to call a move large by."""
    strategy = TradeMomentum(Params())
    answers = {strategy.evaluate(trade(n), MARKET, 0) for n in range(50)}
    assert {Quiet.WARMING_UP} == answers


def test_a_long_stillness_does_not_break_the_formula() -> None:
    """After 10,000 trades at one price the first move is as large as a move can be, and nothing overflows."""
    strategy = warmed_up()
    for number in range(10_000):
        strategy.evaluate(trade(20 + number / 1000, 60_000.0), MARKET, 0)
    event = trade(31, 60_001.0, 10.0)
    assert strategy.evaluate(event, MARKET, 0) == pytest.approx(1.0 / 0.7)


def test_a_long_silence_starts_over() -> None:
    """After 301 s without a trade what was usual is not known any more."""
    strategy = warmed_up()
    assert Quiet.WARMING_UP == strategy.evaluate(trade(11 + 301, 66_000.0, 5.0), MARKET, 0)
    assert (0, 10) == strategy.warmup()


def test_dust_is_neither_judged_nor_remembered() -> None:
    """A trade below `min_quantity` leaves everything as it was."""
    with_dust, without = warmed_up(), warmed_up()
    assert Quiet.TOO_SMALL == with_dust.evaluate(trade(12.5, 70_000.0, 0.0009), MARKET, 0)
    event = trade(13, 60_020.0, 0.3)
    assert without.evaluate(event, MARKET, 0) == with_dust.evaluate(event, MARKET, 0)


@pytest.mark.parametrize(
    ("price", "quantity"), [(nan, 1.0), (0.0, 1.0), (-1.0, 1.0), (inf, 1.0), (6e4, nan), (6e4, inf)]
)
def test_an_absurd_trade_is_quiet_and_forgotten(price: float, quantity: float) -> None:
    """A bad number gives its reason and does not poison the windows."""
    spoiled, clean = warmed_up(), warmed_up()
    assert Quiet.BAD_NUMBER == spoiled.evaluate(trade(12.5, price, quantity), MARKET, 0)
    event = trade(13, 60_020.0, 0.3)
    assert clean.evaluate(event, MARKET, 0) == spoiled.evaluate(event, MARKET, 0)


def test_a_stamp_that_runs_backwards_makes_nothing_younger() -> None:
    """Venue times run backwards now and then; the decay is never above one."""
    strategy = warmed_up()
    late = Trade(BTC.id, seconds(2), seconds(14), 60_001.0, 0.1, Side.BUY, 99)
    assert isinstance(strategy.evaluate(late, MARKET, 0), float)
    assert isinstance(strategy.evaluate(trade(15, 60_002.0), MARKET, 0), float)


def test_weights_must_sum_to_one() -> None:
    """Weights of 0.5, 0.3 and 0.3 would move the thresholds in silence."""
    with pytest.raises(ValueError, match=r"sum to 1.1; they must sum to 1"):
        Params(price_weight=0.5)


@pytest.mark.parametrize(
    ("base", "confidence"), [(0.65, 0.65 + 0.2 * 0.9046), (0.68, 0.68 + 0.2 * 0.9046), (0.9, 0.95)]
)
def test_base_confidence_is_what_momentum_adds_to(base: float, confidence: float) -> None:
    """By default the documented 0.65; 0.95 is the most."""
    strategy = warmed_up(Params(base_confidence=base))
    event = trade(13, 60_000 * 1.0001 * 1.0001**3, 0.3)
    strategy.evaluate(event, MARKET, 0)
    assert strategy.candidate(event, MARKET, 0).confidence == pytest.approx(confidence, abs=1e-4)


def independent_trades(count: int, *, equal: bool) -> Iterator[Trade]:
    """Ten a second: normal returns, takers by a coin, sizes all equal or with one giant in three."""
    rng, price = random.Random(4), 60_000.0
    for number in range(count):
        price *= exp(rng.gauss(0.0, 1e-4))
        size = 1.0 if equal else rng.choice((1e-3, 1e-3, 1e3))
        yield trade(number / 10, price, size, rng.choice((Side.BUY, Side.SELL)))


@pytest.mark.parametrize("equal", [True, False])
def test_noise_speaks_as_seldom_as_derived(equal: bool) -> None:
    """Of independent trades at most 0.231 are beyond ±0.7, whatever their sizes are."""
    said, scored = beyond(TradeMomentum(Params()), independent_trades(sample(5_000, 200_000), equal=equal), Trade)
    assert 0 < said <= most_of(scored, 0.231)
