"""`ichimoku_cloud_momentum`: out of the cloud, with a cross."""

import pytest

from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.ichimoku_cloud_momentum import ENTRY, Params
from tests.kit.bars import at, bars, mirrored, signals_of

CALM = [100.0, 100.2] * 45
RISE = [100.2 + 0.3 * n for n in range(1, 20)]
STEADY = [100.0 + 0.3 * n for n in range(150)]


def test_a_cross_above_the_cloud_is_bought_once() -> None:
    series = bars(CALM + RISE)
    (signal,) = signals_of(ENTRY, series)
    assert [98] == at(series, [signal])
    seen = signal.indicators
    assert Action.BUY is signal.action
    assert signal.stop_loss == seen["kijun"] < seen["tenkan"]
    assert signal.price > max(seen["span_a"], seen["span_b"])
    assert signal.take_profit == signal.price + 2.0 * (signal.price - seen["kijun"])
    assert 0.70 == signal.confidence


def test_the_mirror_image_is_sold() -> None:
    series = mirrored(bars(CALM + RISE))
    (signal,) = signals_of(ENTRY, series)
    assert ([98], Action.SELL) == (at(series, [signal]), signal.action)


def test_volume_makes_it_surer() -> None:
    rows = [(100.0, 100.2, 100.0, 100.2, 1.0)] * 90
    loud = [*rows, *((close - 0.3, close, close - 0.3, close, 1.0 + 0.2 * n) for n, close in enumerate(RISE))]
    (signal,) = signals_of(ENTRY, bars(loud))
    assert 0.75 == signal.confidence
    assert signal.indicators["volume_ratio"] > 1.5


def test_a_rise_that_lasts_is_no_cross() -> None:
    """Mended: the cloud's colour alone was enough, for days on end. By parameter it is, once, when that begins."""
    assert [] == signals_of(ENTRY, bars(STEADY))
    assert 1 == len(signals_of(ENTRY, bars(STEADY), cross_required=False))


def test_nothing_within_the_cloud() -> None:
    assert [] == signals_of(ENTRY, bars(CALM * 3))


def test_a_kijun_on_the_wrong_side_is_no_stop() -> None:
    """Mended: a state of the cloud says nothing of the kijun; a dip below it in a rise had its stop above the entry."""
    dip = bars([*STEADY, 139.0])
    assert 139.0 < max(bar.high for bar in dip[-26:]) / 2 + min(bar.low for bar in dip[-26:]) / 2
    told = signals_of(ENTRY, dip, cross_required=False, edge_trigger=False, cooldown_bars=0)
    assert [len(dip) - 2] == at(dip, told)[-1:]


def test_it_waits_for_a_cloud_of_its_own_time() -> None:
    """Mended: 52 bars were called enough, and the cloud over them is made of the 26 bars before those."""
    assert (0, 79) == ENTRY.build(Params()).warmup()
    told = signals_of(ENTRY, bars(STEADY), cross_required=False)
    assert [78] == at(bars(STEADY), told)


def test_lines_must_differ() -> None:
    with pytest.raises(ValueError, match="tenkan_period 30, kijun_period 26"):
        Params(tenkan_period=30)
