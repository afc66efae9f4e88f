"""btc_dominance by hand: levels, trends and changes, sources before the proxy, and a walk that means nothing."""

import random
from math import erfc, inf, nan, sqrt

import msgspec
import pytest

from petrosa.core.model.market import Ticker
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Candidate, Quiet
from petrosa.core.strategies.tick.btc_dominance import SOURCES_MAX, BtcDominance, Params
from tests.kit.readings import HOUR, dominance, reading
from tests.kit.soak import sample
from tests.kit.strategy_market import market, seconds, ticker

MARKET = market()
PROXY = Params(fallback_proxy=True)


def told(*shares: float, params: Params | None = None, source: str = "coingecko") -> BtcDominance:
    """A strategy that heard a share every hour, the last one at the time 0."""
    strategy = BtcDominance(params or Params())
    for ago, share in zip(range(len(shares) - 1, -1, -1), shares, strict=True):
        strategy.note(dominance(-ago * HOUR, share, source), MARKET, seconds(-ago * HOUR))
    return strategy


def asked(strategy: BtcDominance, at: float = 0.0) -> float | Quiet:
    return strategy.evaluate(ticker(at), MARKET, seconds(at))


def found(strategy: BtcDominance) -> Candidate:
    return strategy.candidate(ticker(0), MARKET, seconds(0))


def day(first: float, last: float) -> list[float]:
    """25 hours from one share to another in even steps."""
    return [first + (last - first) * hour / 24 for hour in range(25)]


def test_high_and_rising_is_a_buy() -> None:
    """71 after 69.5 two hours ago: above 70 and up by 1.5 over three samples."""
    strategy = told(69.5, 70.2, 71.0)
    assert 2.0 == asked(strategy)
    said = found(strategy)
    assert (Action.BUY, 0.80, "high_and_rising") == (said.action, said.confidence, said.metadata["rule"])
    assert ("coingecko", False) == (said.metadata["dominance_source"], said.metadata["change_known"])
    assert (71.0, 1.5, 60_000.0) == (said.indicators["dominance_pct"], said.indicators["trend"], said.price)


def test_low_and_falling_is_a_sell_that_names_the_others() -> None:
    """39 after 40.5: below 40 and down by 1.5."""
    strategy = told(40.5, 39.6, 39.0)
    assert -2.0 == asked(strategy)
    said = found(strategy)
    assert (Action.SELL, 0.75, "low_and_falling") == (said.action, said.confidence, said.metadata["rule"])
    assert "ETHUSDT,BNBUSDT" == said.metadata["suggested_alts"]


def test_high_without_a_trend_says_nothing() -> None:
    """75 for hours is a state, no movement."""
    assert 0.0 == asked(told(75.0, 75.0, 75.0))


def test_a_slow_rise_to_a_high_level_counts_by_its_change() -> None:
    """From 65 to 71 over a day: 0.5 in three samples is no trend, 6 over the window is."""
    strategy = told(*day(65.0, 71.0))
    assert 2.0 == asked(strategy)
    assert (6.0, 0.5) == (found(strategy).indicators["change"], found(strategy).indicators["trend"])


@pytest.mark.parametrize(
    ("first", "last", "action", "confidence"),
    [(50.0, 56.5, Action.BUY, 0.65), (56.5, 50.0, Action.SELL, 0.65), (50.0, 60.0, Action.BUY, 0.70)],
)
def test_a_change_alone_is_momentum(first: float, last: float, action: Action, confidence: float) -> None:
    """Beyond 5 points in 24 h, with |change| / 10 and at most 0.70."""
    strategy = told(*day(first, last))
    assert (last - first) / 5 == asked(strategy)
    said = found(strategy)
    assert (action, confidence, "momentum") == (said.action, said.confidence, said.metadata["rule"])


def test_without_a_window_there_is_no_change() -> None:
    """Five hours of a rise from 50 to 60 say nothing about a day."""
    assert 0.0 == asked(told(50.0, 52.0, 54.0, 57.0, 60.0))


def test_three_samples_are_asked_for() -> None:
    """Two hours are a warm-up, and readings within an hour are one sample, the last."""
    strategy = told(50.0, 50.0)
    assert (2, 3) == strategy.warmup()
    assert Quiet.WARMING_UP == asked(strategy)
    strategy.note(dominance(60, 52.0), MARKET, seconds(60))
    assert Quiet.WARMING_UP == asked(strategy, 60)


def test_no_source_no_opinion() -> None:
    """Nothing heard, heard of something else, heard nonsense, heard too long ago."""
    strategy = BtcDominance(Params())
    for wrong in (
        reading(0, "dominance", "ETH", share_pct=18.0),
        reading(0, "dominance", "BTC", market_cap=1e12),
        dominance(0, 140.0),
        dominance(0, nan),
        dominance(0, 50.0, "proxy"),
    ):
        strategy.note(wrong, MARKET, seconds(0))
    assert Quiet.NO_SOURCE == asked(strategy)
    heard = told(69.5, 70.2, 71.0)
    assert 2.0 == asked(heard, 3_600)
    assert Quiet.OLD_SOURCE == asked(heard, 3_601)


def test_an_older_reading_is_no_news() -> None:
    """What a source repeats from an hour ago changes nothing."""
    strategy = told(69.5, 70.2, 71.0)
    strategy.note(dominance(-HOUR, 10.0), MARKET, seconds(1))
    assert 2.0 == asked(strategy)


def test_the_first_source_by_name_that_is_fresh_speaks() -> None:
    """Two sources have a history each; when one falls silent the other speaks, and nothing is compared across."""
    strategy = told(69.5, 70.2, 71.0)
    for hours, share in ((-3, 50.0), (-2, 50.0), (-1.5, 50.0)):
        strategy.note(dominance(hours * HOUR, share, "another"), MARKET, seconds(0))
    assert 2.0 == asked(strategy)
    strategy.note(dominance(0, 50.0, "another"), MARKET, seconds(0))
    assert 0.0 == asked(strategy)


def ticked(at: float, change: float, symbol: str = "BTCUSDT") -> Ticker:
    return msgspec.structs.replace(ticker(at), change_pct=change, instrument=f"binance:usdm:{symbol}")


def guessed(at: float, btc: float, eth: float, bnb: float, strategy: BtcDominance) -> float | Quiet:
    strategy.note(ticked(at, eth, "ETHUSDT"), MARKET, seconds(at))
    strategy.note(ticked(at, bnb, "BNBUSDT"), MARKET, seconds(at))
    return strategy.evaluate(ticked(at, btc), MARKET, seconds(at))


def test_the_proxy_by_hand() -> None:
    """+5, −4 and −7 % give 15 / 24: 61.25; equal changes 46.67; it needs all three coins, and says what it is."""
    strategy = BtcDominance(PROXY)
    assert Quiet.NO_SOURCE == strategy.evaluate(ticked(0, 5.0), MARKET, seconds(0))
    for hour, eth in ((0, 1.0), (1, 1.0), (2, -4.0)):
        guessed(hour * HOUR, 5.0, eth, -7.0, strategy)
    said = strategy.candidate(ticked(2 * HOUR, 5.0), MARKET, seconds(2 * HOUR))
    assert said.indicators["dominance_pct"] == pytest.approx(30 + 50 * 15 / 24)
    assert "proxy" == said.metadata["dominance_source"]
    equal = BtcDominance(PROXY)
    for hour in range(3):
        guessed(hour * HOUR, 0.0, 0.0, 0.0, equal)
    assert equal.candidate(ticked(0, 0.0), MARKET, 0).indicators["dominance_pct"] == pytest.approx(46.6666667)


@pytest.mark.parametrize("change", [nan, inf, -101.0])
def test_the_proxy_takes_no_absurd_change(change: float) -> None:
    """A number that is none, or a fall by more than everything."""
    assert Quiet.NO_SOURCE == guessed(0, change, 1.0, 1.0, BtcDominance(PROXY))
    assert Quiet.NO_SOURCE == guessed(0, 1.0, change, 1.0, BtcDominance(PROXY))


def test_the_proxy_does_not_reckon_with_a_coin_that_fell_silent() -> None:
    """An hour after the last tickers of the others there is nothing to guess from."""
    strategy = BtcDominance(PROXY)
    assert Quiet.WARMING_UP == guessed(0, 1.0, 1.0, 1.0, strategy)
    assert Quiet.NO_SOURCE == strategy.evaluate(ticked(3_601, 1.0), MARKET, seconds(3_601))


def test_the_proxy_is_asked_only_where_it_may_be_and_no_source_speaks() -> None:
    """Off by default; on, a source that is fresh comes first."""
    off = BtcDominance(Params())
    for hour in range(3):
        assert Quiet.NO_SOURCE == guessed(hour * HOUR, 5.0, -4.0, -7.0, off)
    on = told(69.5, 70.2, 71.0, params=PROXY)
    for hour in range(4):
        guessed(hour * HOUR, 5.0, -4.0, -7.0, on)
    assert "proxy" == found(on).metadata["dominance_source"]
    on.note(dominance(3 * HOUR, 72.0), MARKET, seconds(3 * HOUR))
    asked(on, 3 * HOUR)
    assert "coingecko" == found(on).metadata["dominance_source"]


@pytest.mark.parametrize("last", [nan, inf, 0.0])
def test_an_absurd_price_is_quiet(last: float) -> None:
    """A ticker without a price gives its reason."""
    assert Quiet.BAD_NUMBER == told(69.5, 70.2, 71.0).evaluate(ticker(0, last), MARKET, seconds(0))


def test_a_walk_moves_beyond_the_threshold_as_often_as_a_walk_does() -> None:
    """Hourly steps of 0.5 points are 2.45 a day: beyond ±5 in 4.1 % of the days, P = erfc(5 / (0.5 √48))."""
    days, beyond = sample(1_500, 15_000), 0
    for seed in range(days):
        rng, share, strategy = random.Random(seed), 55.0, BtcDominance(Params())
        for hour in range(25):
            strategy.note(dominance(hour * HOUR, share), MARKET, seconds(hour * HOUR))
            share += rng.gauss(0.0, 0.5)
        answer = asked(strategy, 24 * HOUR)
        assert isinstance(answer, float)
        beyond += abs(answer) > 1.0
    expected = erfc(5 / (0.5 * sqrt(48)))
    assert abs(beyond / days - expected) < 4 * sqrt(expected * (1 - expected) / days)


def test_memory_is_bounded() -> None:
    """Of many sources four are listened to, and each keeps two windows of samples."""
    strategy = BtcDominance(Params())
    for source in range(2 * SOURCES_MAX):
        for hour in range(200):
            strategy.note(dominance(hour * HOUR, 50.0, f"s{source}"), MARKET, seconds(hour * HOUR))
    assert SOURCES_MAX == len(strategy._histories)
    assert {49} == {len(history.samples) for history in strategy._histories.values()}


def test_what_was_guessed_ends_with_the_proxy() -> None:
    """A trend from a guess of yesterday to one of today would be a trend over a time in which nobody guessed."""
    strategy = BtcDominance(PROXY)
    for at in range(3):
        for symbol in ("ETH", "BNB"):
            one = msgspec.structs.replace(ticker(at * HOUR), instrument=f"binance:usdm:{symbol}USDT", change_pct=1.0)
            strategy.note(one, MARKET, seconds(at * HOUR))
        asked(strategy, at * HOUR)
    assert (3, 3) == strategy.warmup()
    strategy.retune(Params())
    strategy.retune(PROXY)
    assert (0, 3) == strategy.warmup()
