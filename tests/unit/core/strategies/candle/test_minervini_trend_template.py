"""`minervini_trend_template`: of all that rises, what rose most. On twenty daily series."""

import msgspec
import pytest

from petrosa.core.model.events import SignalMade
from petrosa.core.model.signals import Action, Signal
from petrosa.core.strategies.candle.minervini_trend_template import ENTRY, Params
from tests.kit.bars import START
from tests.kit.universe import Universe, by_day, decided, rising, strategist_of, symbol, wandering

DAY_NS = 86_400 * 10**9
STRONGEST = [f"S{number}USDT" for number in range(14, 20)]
"""Of 20 symbols in a row the 15th has 14 of the other 19 below it, 73.7 %, the 14th 68.4 %."""


def signals(all_of_them: Universe, *, backwards: bool = False, **params: float) -> list[Signal]:
    made = decided(strategist_of(ENTRY, all_of_them, **params), by_day(all_of_them, backwards=backwards))
    return sorted((one.signal for one in made if isinstance(one, SignalMade)), key=lambda one: one.symbol)


def test_the_strongest_are_bought_once_each_when_265_bars_are_there() -> None:
    """Mended: it never spoke, and its strength was one that every symbol had."""
    found = signals(rising())
    assert STRONGEST == [one.symbol for one in found]
    assert {START + 265 * DAY_NS} == {one.ts_event for one in found}
    assert {(Action.BUY, "stop", "1d")} == {(one.action, one.order_type, one.timeframe) for one in found}


def test_levels_and_confidence() -> None:
    found = signals(rising())[-1]
    seen, close = found.indicators, found.current_price
    assert found.price == close  # bars without wicks that rise end at their high
    assert found.stop_loss == pytest.approx(found.price - 2.0 * seen["atr"])
    assert found.take_profit == pytest.approx(found.price + 4.0 * seen["atr"])
    assert (100.0, close) == (seen["relative_strength"], seen["highest"])
    assert found.confidence == pytest.approx(0.90)
    weakest = signals(rising())[0]
    rank = 100.0 * 14 / 19
    assert weakest.indicators["relative_strength"] == pytest.approx(rank)
    assert weakest.confidence == pytest.approx(0.80 + 0.05 * (rank - 70.0) / 30.0 + 0.05)


def test_the_order_in_which_bars_of_a_day_come_does_not_matter() -> None:
    """The rank is that of the day before, which all of them have ended."""
    market = wandering(days=400)
    found = [(one.signal_id, one.confidence) for one in signals(market)]
    assert found
    assert found == [(one.signal_id, one.confidence) for one in signals(market, backwards=True)]


def test_a_rank_among_few_is_none() -> None:
    strategist = strategist_of(ENTRY, rising(symbols=9))
    assert [] == decided(strategist, by_day(rising(symbols=9)))
    assert strategist.quiet_counts[ENTRY.strategy_id]["few_companions"] == 9 * 6  # of the last six days


def test_symbols_without_a_year_are_no_universe() -> None:
    """Eleven of twenty are young: with nine others there is a rank, with eight there is none."""
    market = rising()
    for number in range(10):
        market[symbol(number)] = market[symbol(number)][100:]
    assert STRONGEST[3:] == [one.symbol for one in signals(market)]  # of nine others, seven or more
    market[symbol(10)] = market[symbol(10)][100:]
    assert [] == signals(market)


def test_a_symbol_with_a_hole_or_one_that_stopped_is_in_no_rank() -> None:
    """Of ten that make a rank."""
    ten = {one: series for one, series in rising().items() if one in [symbol(n) for n in (*range(9), 19)]}
    assert ["S19USDT"] == [one.symbol for one in signals(ten)]
    first = ten[symbol(0)]
    for series in ([*first[:150], *first[151:]], first[:200]):
        assert [] == signals({**ten, symbol(0): series})


@pytest.mark.parametrize(
    ("name", "value"), [("above_low_pct", 500.0), ("relative_strength_min", 99.0), ("trend_confirmation_periods", 71)]
)
def test_each_criterion_counts(name: str, value: float) -> None:
    """Asked for more than the fifteenth symbol has, or for bars that are not there, it is not bought."""
    assert STRONGEST[0] not in [one.symbol for one in signals(rising(), **{name: value})]


def test_a_price_far_below_its_year_is_not_bought() -> None:
    market = rising(days=280)
    for one, series in market.items():
        drop = [msgspec.structs.replace(bar, low=bar.close * 0.7, close=bar.close * 0.7) for bar in series[264:265]]
        market[one] = [*series[:264], *drop, *series[265:]]
    days = {one.ts_event for one in signals(market, max_risk_pct=100.0)}
    assert START + 265 * DAY_NS not in days


def test_averages_grow() -> None:
    with pytest.raises(ValueError, match="sma_50_period 150, sma_150_period 150"):
        Params(sma_50_period=150)
