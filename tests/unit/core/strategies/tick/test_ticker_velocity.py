"""ticker_velocity against the specification's own code, its guards, and a random walk that is no trend."""

import random
from itertools import pairwise
from math import exp, inf, log, nan, sqrt

import pytest

from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Quiet
from petrosa.core.strategies.tick.ticker_velocity import POINTS_MAX, Params, TickerVelocity
from tests.kit.noise import most_of
from tests.kit.soak import sample
from tests.kit.strategy_market import market, ticker, trade

MARKET = market()
QUIET_VOLUME = Params(volume_confirmation=False)
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
    acceleration_weight=0.0,
    volume_confirmation=False,
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
    strategy = TickerVelocity(QUIET_VOLUME)
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
    strategy = TickerVelocity(QUIET_VOLUME)
    answers = [strategy.evaluate(ticker(at, 60_000 + 10 * at), MARKET, 0) for at in range(0, 60, 15)]
    assert [Quiet.WARMING_UP] * 4 == answers
    assert (4, 10) == strategy.warmup()


def test_one_jump_is_not_a_trend() -> None:
    """A single step of 1 % in a flat minute has t = 1: not significant, however fast."""
    strategy = TickerVelocity(QUIET_VOLUME)
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
    params = Params(min_window_share=0.0, min_points=5, min_price_change=0.2, volume_confirmation=False)
    assert Quiet.TOO_SMALL == steady(TickerVelocity(params), 11)[-1]


def test_random_walks_are_called_trends_as_seldom_as_derived() -> None:
    """At the window's end a driftless walk passes |t| ≥ 2 with 0.050 (Student, 59 degrees of freedom), not oftener."""
    walks, passed = sample(400, 8_000), 0
    params = Params(min_price_change=0.0, acceleration_weight=0.0, volume_confirmation=False)
    for seed in range(walks):
        rng, strategy, price = random.Random(seed), TickerVelocity(params), 60_000.0
        for at in range(61):
            price *= exp(rng.gauss(0, 2e-2))
            answer = strategy.evaluate(ticker(at, price), MARKET, 0)
        passed += isinstance(answer, float) and abs(answer) > 1.0
    assert 0.02 * walks < passed <= most_of(walks, 0.0501)


def test_the_other_guards_only_take_away() -> None:
    """With acceleration and volume asked for, no walk is called a trend that was none without."""
    for seed in range(sample(50, 1_000)):
        rng, price = random.Random(seed), 60_000.0
        plain, guarded = (
            TickerVelocity(Params(volume_confirmation=False, acceleration_weight=0)),
            TickerVelocity(Params()),
        )
        for at in range(200):
            price *= exp(rng.gauss(0, 2e-3))
            guarded.note(trade(at, price, rng.expovariate(1.0)), MARKET, 0)
            one, other = (each.evaluate(ticker(at, price), MARKET, 0) for each in (plain, guarded))
            if isinstance(other, float) and abs(other) > 1.0:
                assert isinstance(one, float)
                assert abs(one) >= abs(other)


def moving(older: float, newer: float, params: Params) -> TickerVelocity:
    """Half a minute at one speed and half a minute at another, in % a minute."""
    strategy, log_price = TickerVelocity(params), 0.0
    for at in range(61):
        strategy.evaluate(ticker(at, 60_000 * exp(log_price)), MARKET, 0)
        log_price += (older if at < 30 else newer) / 6_000
    return strategy


@pytest.mark.parametrize(
    ("older", "newer", "score", "confidence"),
    [
        (0.8, 0.8, 0.8 / 0.5, 0.68),  # neither
        (0.4, 1.2, 0.8 / 0.5, 0.70),  # v = 0.8, v½ = 1.2, u = 1.0: the score is v's, the confidence u's
        (1.2, 0.4, 0.6 / 0.5, 0.66),  # u = 0.6: the score is u's
        (1.6, 0.0, 0.4 / 0.5, 0.64),  # v = 0.8, v½ = 0: it has stopped, and does not count
        (3.6, -2.0, 0.0, 0.66),  # it has turned: v = 0.8, v½ = −2, u = −0.6
        (-1.2, -0.4, -0.6 / 0.5, 0.66),
    ],
)
def test_a_dying_move_counts_less(older: float, newer: float, score: float, confidence: float) -> None:
    """With half the weight on the newer half, u = (v + v½) / 2; the score is of the one nearer to zero."""
    params = Params(min_t_statistic=0.0, volume_confirmation=False)
    strategy = moving(older, newer, params)
    event = ticker(60, 60_000 * exp((older + newer) * 30 / 6_000))
    assert strategy.evaluate(event, MARKET, 0) == pytest.approx(score, abs=1e-9)
    found = strategy.candidate(event, MARKET, 0)
    assert found.confidence == pytest.approx(confidence)
    assert found.indicators["recent_velocity"] == pytest.approx(newer, abs=1e-9)


@pytest.mark.parametrize(("in_the_move", "confirmed"), [(1.25, True), (1.15, False), (0.5, False)])
def test_volume_confirms(in_the_move: float, confirmed: bool) -> None:
    """More than 1.2 times the usual volume while the price moves; less is no confirmation."""
    strategy, answers = TickerVelocity(Params()), []
    for at in range(360):
        is_moving = at >= 300
        strategy.note(trade(at, quantity=in_the_move if is_moving else 1.0), MARKET, 0)
        price = 60_000 * exp(1e-4 * max(0, at - 299))
        answers.append(strategy.evaluate(ticker(at, price), MARKET, 0))
    if not confirmed:
        assert Quiet.NOT_CONFIRMED == answers[-1]
        return
    assert answers[-1] == pytest.approx(0.6 / 0.5, rel=0.02)
    found = strategy.candidate(ticker(359, price), MARKET, 0)
    assert found.indicators["volume_ratio"] == pytest.approx(in_the_move, rel=0.02)


def test_without_trades_nothing_confirms() -> None:
    """Nobody knows what is usual, and a missing fact refuses."""
    assert Quiet.NOT_CONFIRMED == steady(TickerVelocity(Params()), 200)[-1]


def test_base_confidence_is_that_of_half_a_percent_a_minute() -> None:
    """0.6 % a minute with a base of 0.8 is 0.81; by default the documented 0.66."""
    for base, confidence in ((0.8, 0.81), (0.65, 0.66)):
        strategy = TickerVelocity(Params(base_confidence=base, volume_confirmation=False))
        steady(strategy, 61)
        found = strategy.candidate(ticker(60, 60_000 * exp(60e-4)), MARKET, 0)
        assert found.confidence == pytest.approx(confidence)


@pytest.mark.parametrize("last", [nan, inf, 0.0, -5.0])
def test_an_absurd_price_is_quiet_and_forgotten(last: float) -> None:
    """A bad number gives its reason and leaves the window as it was."""
    spoiled, clean = TickerVelocity(QUIET_VOLUME), TickerVelocity(QUIET_VOLUME)
    steady(spoiled, 40)
    steady(clean, 40)
    assert Quiet.BAD_NUMBER == spoiled.evaluate(ticker(40, last), MARKET, 0)
    event = ticker(41, 60_300.0)
    assert clean.evaluate(event, MARKET, 0) == spoiled.evaluate(event, MARKET, 0)


def test_a_late_ticker_is_out_of_order() -> None:
    """A ticker older than the one before changes nothing."""
    strategy = TickerVelocity(QUIET_VOLUME)
    steady(strategy, 40)
    assert Quiet.OUT_OF_ORDER == strategy.evaluate(ticker(38, 1.0), MARKET, 0)


def test_a_silence_longer_than_the_window_starts_over() -> None:
    """After a gap the old price is not what the new one moved from."""
    strategy = TickerVelocity(QUIET_VOLUME)
    steady(strategy, 61)
    assert Quiet.WARMING_UP == strategy.evaluate(ticker(200, 70_000.0), MARKET, 0)
    assert (1, 10) == strategy.warmup()


def test_memory_is_bounded() -> None:
    """However dense the stream, no more than `POINTS_MAX` prices are kept."""
    strategy = TickerVelocity(QUIET_VOLUME)
    for number in range(POINTS_MAX + 100):
        strategy.evaluate(ticker(number / 1e6), MARKET, 0)
    assert POINTS_MAX == len(strategy._points)
