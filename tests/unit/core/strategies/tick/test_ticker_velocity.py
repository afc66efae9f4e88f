"""ticker_velocity against the specification's own code, its guards, and a random walk that is no trend."""

import random
from itertools import pairwise
from math import exp, inf, log, nan, sqrt

import pytest

from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Quiet
from petrosa.core.strategies.tick.ticker_velocity import POINTS_MAX, Params, TickerVelocity
from tests.kit.strategy_market import market, ticker

MARKET = market()
UNGUARDED = Params(
    edge_trigger=False,
    persistence_seconds=0.0,
    cooldown_seconds=0.0,
    min_confidence=0.0,
    min_price_change=0.0,
    min_window_share=0.0,
    min_points=2,
    min_t_statistic=0.0,
    log_returns=False,
)


class Documented:
    """The specification's code, with the time of the event for the wall clock."""

    def __init__(self) -> None:
        self.cache: list[tuple[float, float]] = []

    def analyze(self, current_time: float, current_price: float) -> tuple[str, float] | None:
        self.cache.append((current_time, current_price))
        self.cache = [(t, p) for t, p in self.cache if t >= current_time - 60]
        if len(self.cache) < 2:
            return None
        oldest_time, oldest_price = self.cache[0]
        time_elapsed = (current_time - oldest_time) / 60
        if time_elapsed == 0 or oldest_price == 0:
            return None
        price_change = ((current_price - oldest_price) / oldest_price) * 100
        velocity = price_change / time_elapsed
        if velocity > 0.5:
            return "buy", min(0.95, 0.60 + (velocity / 10))
        if velocity < -0.5:
            return "sell", min(0.95, 0.60 + (abs(velocity) / 10))
        return None


def test_without_guards_it_is_the_documented_formula_to_the_digit() -> None:
    """On 3,000 random prices a second or two apart, action and confidence equal the specification's."""
    rng, strategy, other, said, at, price = random.Random(5), TickerVelocity(UNGUARDED), Documented(), 0, 0, 60_000.0
    for _ in range(3_000):
        at += rng.choice((1, 1, 2, 70 if rng.random() < 0.01 else 1))
        price *= exp(rng.gauss(0, 8e-4))
        event = ticker(at, price)
        answer = strategy.evaluate(event, MARKET, 0)
        expected = other.analyze(float(at), price)
        if expected is None:
            assert isinstance(answer, Quiet) or abs(answer) <= 1.0
        else:
            found = strategy.candidate(event, MARKET, 0)
            assert expected == (found.action.value, found.confidence)
            said += 1
    assert said > 500


def steady(strategy: TickerVelocity, count: int, per_second: float = 1e-4) -> list[float | Quiet]:
    """A price that rises by the same share every second."""
    return [strategy.evaluate(ticker(n, 60_000 * exp(per_second * n)), MARKET, 0) for n in range(count)]


def test_a_candidate_by_hand() -> None:
    """A basis point a second is 0.6 % a minute: a buy with 0.66 confidence, once half of the window is seen."""
    strategy = TickerVelocity(Params())
    answers = steady(strategy, 61)
    assert [Quiet.WARMING_UP] * 30 == answers[:30]
    assert answers[30] == pytest.approx(0.6 / 0.5)
    found = strategy.candidate(ticker(60, 60_000 * exp(60e-4)), MARKET, 0)
    assert Action.BUY == found.action
    assert found.confidence == pytest.approx(0.66)
    assert found.indicators["velocity"] == pytest.approx(0.6)
    assert 60.0 == found.indicators["time_window"]
    assert found.indicators["price_change_percent"] == pytest.approx(0.6)


def test_two_points_are_not_a_velocity() -> None:
    """Half the window without enough prices in it is still a warm-up."""
    strategy = TickerVelocity(Params())
    answers = [strategy.evaluate(ticker(at, 60_000 + 10 * at), MARKET, 0) for at in range(0, 60, 15)]
    assert [Quiet.WARMING_UP] * 4 == answers
    assert (4, 10) == strategy.warmup()


def test_one_jump_is_not_a_trend() -> None:
    """A single step of 1 % in a flat minute has t = 1: not significant, however fast."""
    strategy = TickerVelocity(Params())
    for at in range(40):
        strategy.evaluate(ticker(at), MARKET, 0)
    assert Quiet.NOT_SIGNIFICANT == strategy.evaluate(ticker(40, 60_600.0), MARKET, 0)


def test_the_t_statistic_is_students() -> None:
    """t = mean return / (standard deviation / √n), computed here from the returns themselves, 500 ticks on."""
    rng, strategy, prices = random.Random(11), TickerVelocity(UNGUARDED), [60_000.0]
    for at in range(500):
        prices.append(prices[-1] * exp(rng.gauss(2e-4, 3e-4)))
        event = ticker(at, prices[-1])
        answer = strategy.evaluate(event, MARKET, 0)
    assert isinstance(answer, float)
    assert abs(answer) > 1.0
    window = prices[-61:]
    returns = [log(b / a) for a, b in pairwise(window)]
    mean = sum(returns) / 60
    deviation = sqrt(sum((r - mean) ** 2 for r in returns) / 59)
    assert strategy.candidate(event, MARKET, 0).indicators["t_statistic"] == pytest.approx(
        mean / (deviation / sqrt(60))
    )


def test_a_small_change_is_no_movement() -> None:
    """0.6 % a minute over ten seconds is 0.1 % and a bit; with a floor of 0.2 % it is nothing."""
    params = Params(min_window_share=0.0, min_points=5, min_price_change=0.2)
    assert Quiet.TOO_SMALL == steady(TickerVelocity(params), 11)[-1]


def test_random_walks_are_rarely_called_trends() -> None:
    """At the window's end a driftless walk passes |t| ≥ 2 in about one case of twenty, not in most."""
    passed = 0
    for seed in range(400):
        rng, strategy, price = random.Random(seed), TickerVelocity(Params(min_price_change=0.0)), 60_000.0
        for at in range(61):
            price *= exp(rng.gauss(0, 2e-3))
            answer = strategy.evaluate(ticker(at, price), MARKET, 0)
        passed += isinstance(answer, float) and abs(answer) > 1.0
    assert passed < 40


@pytest.mark.parametrize("last", [nan, inf, 0.0, -5.0])
def test_an_absurd_price_is_quiet_and_forgotten(last: float) -> None:
    """A bad number gives its reason and leaves the window as it was."""
    spoiled, clean = TickerVelocity(Params()), TickerVelocity(Params())
    steady(spoiled, 40)
    steady(clean, 40)
    assert Quiet.BAD_NUMBER == spoiled.evaluate(ticker(40, last), MARKET, 0)
    event = ticker(41, 60_300.0)
    assert clean.evaluate(event, MARKET, 0) == spoiled.evaluate(event, MARKET, 0)


def test_a_late_ticker_is_out_of_order() -> None:
    """A ticker older than the one before changes nothing."""
    strategy = TickerVelocity(Params())
    steady(strategy, 40)
    assert Quiet.OUT_OF_ORDER == strategy.evaluate(ticker(38, 1.0), MARKET, 0)


def test_a_silence_longer_than_the_window_starts_over() -> None:
    """After a gap the old price is not what the new one moved from."""
    strategy = TickerVelocity(Params())
    steady(strategy, 61)
    assert Quiet.WARMING_UP == strategy.evaluate(ticker(200, 70_000.0), MARKET, 0)
    assert (1, 10) == strategy.warmup()


def test_memory_is_bounded() -> None:
    """However dense the stream, no more than `POINTS_MAX` prices are kept."""
    strategy = TickerVelocity(Params())
    for number in range(POINTS_MAX + 100):
        strategy.evaluate(ticker(number / 1e6), MARKET, 0)
    assert POINTS_MAX == len(strategy._points)
