"""onchain_metrics by hand: growth, flows, what is missing, and figures that are only noise."""

import random
from math import erfc, sqrt

import msgspec
import pytest

from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import Reading
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Candidate, Quiet
from petrosa.core.strategies.tick.onchain_metrics import POINTS_MAX, OnchainMetrics, Params
from tests.kit.readings import HOUR, reading
from tests.kit.soak import sample
from tests.kit.strategy_market import BTC, seconds, ticker

ETH: Instrument = msgspec.structs.replace(BTC, symbol="ETHUSDT", base="ETH")
PLAIN = Params(base_confidence=0.85)
DOCUMENTED = Params(
    base_confidence=0.85, whale_threshold_btc=1_000.0, exchange_flow_threshold_percent=0.0, distribution_periods=1
)


class Coin:
    """A strategy on one coin, and what a chain says of it."""

    def __init__(self, params: Params = PLAIN, instrument: Instrument = BTC) -> None:
        self.strategy = OnchainMetrics(params)
        self.market = MarketState(instrument, Tape(NS_PER_SECOND))

    def hear(self, *readings: Reading) -> "Coin":
        for one in readings:
            self.strategy.note(one, self.market, max(one.ts_seen, seconds(0)))
        return self

    def says(self, at: float = 0.0, **values: float) -> "Coin":
        return self.hear(reading(at, "onchain", self.market.instrument.base, "chain", **values))

    def grew(self, **growths: float) -> "Coin":
        """Each figure was 100 a day ago, and is now 100 and its growth in %."""
        self.says(-24 * HOUR, **dict.fromkeys(growths, 100.0))
        return self.says(0, **{name: 100.0 + growth for name, growth in growths.items()})

    def flowed(self, inflow: float, outflow: float, hours: int = 12) -> "Coin":
        for ago in range(hours):
            self.says(-ago * HOUR, exchange_inflow=inflow, exchange_outflow=outflow)
        return self

    def asked(self, at: float = 0.0) -> float | Quiet:
        return self.strategy.evaluate(ticker(at), self.market, seconds(at))

    def said(self) -> Candidate:
        return self.strategy.candidate(ticker(0), self.market, seconds(0))


def test_without_a_source_it_refuses() -> None:
    """Never a number that nobody said: no figures, figures of another coin, figures it does not know."""
    assert Quiet.NO_SOURCE == Coin().asked()
    other = reading(0, "onchain", "ETH", "chain", active_addresses=1.0)
    unknown = reading(0, "onchain", "BTC", "chain", mempool_bytes=1.0)
    absurd = reading(0, "onchain", "BTC", "chain", active_addresses=-1.0)
    assert Quiet.NO_SOURCE == Coin().hear(other, unknown, absurd).asked()


def test_growth_of_bitcoin_is_a_buy() -> None:
    """12, 16 and 2 % are beyond 10, 15 and 0: Σ = 30, so confidence is at its limit of 0.80."""
    coin = Coin().grew(active_addresses=12.0, transaction_volume_usd=16.0, hash_rate_ths=2.0)
    assert coin.asked() == pytest.approx(1.5)
    said = coin.said()
    assert (Action.BUY, 0.80, "growth", "BTC") == (
        said.action, said.confidence, said.metadata["rule"], said.metadata["coin"],
    )  # fmt: skip
    assert said.indicators["active_addresses_growth"] == pytest.approx(12.0)


def test_growth_of_ethereum_is_a_buy() -> None:
    """With the value locked in contracts for the hash rate, and at most 0.75."""
    coin = Coin(instrument=ETH).grew(active_addresses=12.0, transaction_volume_usd=16.0, tvl_usd=6.0)
    assert coin.asked() == pytest.approx(1.4)
    assert 0.75 == coin.said().confidence


@pytest.mark.parametrize(
    "growths",
    [
        {"active_addresses": 9.9, "transaction_volume_usd": 40.0, "hash_rate_ths": 9.0},
        {"active_addresses": 40.0, "transaction_volume_usd": 14.9, "hash_rate_ths": 9.0},
        {"active_addresses": 40.0, "transaction_volume_usd": 40.0, "hash_rate_ths": -0.1},
    ],
)
def test_all_of_it_must_grow(growths: dict[str, float]) -> None:
    """However large the others are."""
    assert 0.0 == Coin().grew(**growths).asked()


def test_a_metric_that_is_missing_is_not_zero() -> None:
    """Without the hash rate, or without its value of a day ago, there is no rule to ask."""
    assert Quiet.WARMING_UP == Coin().grew(active_addresses=40.0, transaction_volume_usd=40.0).asked()
    late = Coin().grew(active_addresses=40.0, transaction_volume_usd=40.0).says(0, hash_rate_ths=1.0)
    assert Quiet.WARMING_UP == late.asked()
    assert (24, 24) == late.strategy.warmup()


def test_a_days_growth_is_of_a_day() -> None:
    """What is older than two days is not what it grew from in one; a source may tell its history late, in any order."""
    coin = Coin()
    whole = {"active_addresses": 100.0, "transaction_volume_usd": 100.0, "hash_rate_ths": 100.0}
    more = {name: value * 1.2 for name, value in whole.items()}
    assert Quiet.WARMING_UP == coin.says(0, **more).says(-49 * HOUR, **whole).asked()
    assert coin.says(-30 * HOUR, **whole).asked() == pytest.approx(1 + (60 - 25) / 10)
    assert 0.0 == coin.says(-30 * HOUR, **more).asked()


def test_coins_that_flow_to_exchanges_are_a_sell() -> None:
    """12 hours with 400 in and 100 out: 3,600 net, 60 % of the flow: 0.70 by 5,000, before the limit."""
    coin = Coin().flowed(400.0, 100.0)
    assert coin.asked() == pytest.approx(-36.0)
    said = coin.said()
    assert (Action.SELL, 0.70, "exchange_inflow") == (said.action, said.confidence, said.metadata["rule"])
    assert (3_600.0, 60.0) == (said.indicators["net_exchange_flow"], said.indicators["flow_share_percent"])


@pytest.mark.parametrize(("net", "score"), [(1_001.0, -1.001), (999.0, -0.999), (-2_000.0, 1.0)])
def test_the_documented_threshold_is_reached_by_its_parameters(net: float, score: float) -> None:
    """More than 1,000 in one figure, with net / 5,000; an outflow alone is no buy."""
    coin = Coin(DOCUMENTED).flowed(3_000.0 + net, 3_000.0, hours=1)
    assert coin.asked() == pytest.approx(score)
    assert coin.said().confidence == pytest.approx(max(0.0, net) / 5_000)


def test_a_small_share_of_a_large_flow_is_nothing() -> None:
    """200 of 19,000 coins are the weather."""
    assert -1.0 == Coin().flowed(800.0, 783.0).asked()


def test_ether_has_a_threshold_of_its_own() -> None:
    """240 coins net are whales' work in bitcoins and nothing in ethers."""
    assert Coin().flowed(30.0, 10.0).asked() == pytest.approx(-2.4)
    assert Coin(instrument=ETH).flowed(30.0, 10.0).asked() == pytest.approx(-0.24)


def test_flows_need_every_hour() -> None:
    """Eleven hours of twelve, or hours of which only the inflow is known, are no twelve hours."""
    assert Quiet.WARMING_UP == Coin().flowed(400.0, 100.0, hours=11).asked()
    assert Quiet.WARMING_UP == Coin().flowed(400.0, 100.0, hours=11).says(-11 * HOUR, exchange_inflow=9.0).asked()


def test_growth_and_outflow_are_strong_and_growth_against_inflow_is_nothing() -> None:
    """What agrees is 0.85, what contradicts is not confirmed."""
    growths = {"active_addresses": 12.0, "transaction_volume_usd": 16.0, "hash_rate_ths": 2.0}
    strong = Coin().grew(**growths).flowed(100.0, 400.0)
    assert strong.asked() == pytest.approx(1.5)
    assert (0.85, "growth_and_outflow") == (strong.said().confidence, strong.said().metadata["rule"])
    assert Quiet.NOT_CONFIRMED == Coin().grew(**growths).flowed(400.0, 100.0).asked()


def test_old_figures_say_nothing() -> None:
    """Three days after the last one."""
    coin = Coin().grew(active_addresses=12.0, transaction_volume_usd=16.0, hash_rate_ths=2.0)
    assert coin.asked(72 * HOUR) == pytest.approx(1.5)
    assert Quiet.OLD_SOURCE == coin.asked(72 * HOUR + 1)


def test_other_parameters_judge_the_same_figures() -> None:
    """A threshold that is raised while it runs is what the next ticker is judged by."""
    coin = Coin().grew(active_addresses=12.0, transaction_volume_usd=16.0, hash_rate_ths=2.0)
    coin.strategy.retune(Params(network_growth_threshold=13.0))
    assert 0.0 == coin.asked()


def test_noise_speaks_as_often_as_noise_does() -> None:
    """Three figures, each 10 % to either side of nothing: growth beyond +10, +15 and 0 % in
    P(Z > 1) · P(Z > 1.5) · P(Z > 0) = 0.53 % of days.
    """
    days, said = sample(8_000, 80_000), 0
    rng = random.Random(2)
    for _ in range(days):
        moves = [rng.gauss(0.0, 10.0) for _ in range(3)]
        coin = Coin().grew(active_addresses=moves[0], transaction_volume_usd=moves[1], hash_rate_ths=moves[2])
        answer = coin.asked()
        said += isinstance(answer, float) and answer > 1.0
    expected = erfc(1 / sqrt(2)) / 2 * erfc(1.5 / sqrt(2)) / 2 / 2
    assert abs(said / days - expected) < 4 * sqrt(expected / days)


def test_memory_is_bounded() -> None:
    """However many figures a source tells."""
    coin = Coin()
    for number in range(POINTS_MAX + 50):
        coin.says(number, active_addresses=1.0)
    assert POINTS_MAX == len(coin.strategy._figures["active_addresses"])


def test_confidences_that_contradict_each_other_are_refused() -> None:
    """Two kinds of evidence are not less certain than one."""
    with pytest.raises(ValueError, match=r"strong_signal_confidence 0.6 is below base_confidence 0.77"):
        Params(strong_signal_confidence=0.6)
