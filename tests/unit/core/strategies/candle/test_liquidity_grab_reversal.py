"""`liquidity_grab_reversal`: a sweep of an extreme that did not hold."""

from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.liquidity_grab_reversal import ENTRY
from tests.kit.bars import Row, at, bars, mirrored, signals_of

QUIET: list[Row] = [(100.0, 100.5, 99.5, 100.0, 1.0)] * 32
SWEEP: Row = (99.6, 100.1, 99.0, 99.9, 3.0)
STAYS: list[Row] = [(99.9, 100.2, 99.7, 100.0, 1.0)] * 8


def market(sweep: Row = SWEEP, after: list[Row] = STAYS) -> list[Candle]:
    return bars([*QUIET, sweep, *after])


def test_a_sweep_that_came_back_is_bought_once() -> None:
    """Two bars after it, when it is confirmed."""
    series = market()
    (signal,) = signals_of(ENTRY, series)
    assert ([34], Action.BUY) == (at(series, [signal]), signal.action)
    assert 0.75 == signal.confidence
    assert (99.5, 99.0) == (signal.indicators["level"], signal.indicators["sweep"])
    assert signal.take_profit == 100.0 + 2.0 * (100.0 - 99.0)


def test_the_mirror_image_is_sold() -> None:
    series = mirrored(market())
    (signal,) = signals_of(ENTRY, series)
    assert ([34], Action.SELL) == (at(series, [signal]), signal.action)


def test_near_is_no_sweep() -> None:
    """Mended: within 0.5 % of the level was enough."""
    assert [] == signals_of(ENTRY, market((99.6, 100.1, 99.5, 99.9, 3.0)))


def test_a_close_beyond_the_level_is_a_breakout() -> None:
    assert [] == signals_of(ENTRY, market((99.2, 99.6, 99.0, 99.4, 3.0)))


def test_it_needs_volume_colour_and_rejection() -> None:
    assert [] == signals_of(ENTRY, market((99.6, 100.1, 99.0, 99.9, 1.5)))
    assert [] == signals_of(ENTRY, market((99.95, 100.1, 99.0, 99.9, 3.0)))
    assert [] == signals_of(ENTRY, market((99.52, 101.1, 99.0, 99.6, 3.0)))


def test_every_close_since_must_hold() -> None:
    """Mended: only two closes were looked at, and the entry was at a third, which could be beyond the level."""
    slips: Row = (99.9, 100.1, 99.2, 99.3, 1.0)
    assert [] == signals_of(ENTRY, market(after=[STAYS[0], slips, *STAYS]), confirmation_bars=2)
    quiet_sweep = (99.6, 100.1, 99.0, 99.9, 1.5)
    late = market(quiet_sweep, [*STAYS[:2], slips, *STAYS])
    assert [] == signals_of(ENTRY, late)


def test_the_stop_is_beyond_the_sweep() -> None:
    """Mended: it was 0.5 % beyond the level, where the price had been already."""
    (deep,) = signals_of(ENTRY, market((99.6, 100.1, 98.0, 99.9, 3.0)))
    assert 98.0 == deep.stop_loss
    (shallow,) = signals_of(ENTRY, market((99.6, 100.1, 99.4, 99.9, 3.0)))
    assert 99.5 * 0.995 == shallow.stop_loss


def test_volume_and_divergence_make_it_surer() -> None:
    loud = [*STAYS[:1], (99.9, 100.2, 99.7, 100.0, 5.0)]
    (signal,) = signals_of(ENTRY, market(after=loud))
    assert 0.80 == signal.confidence
    down: list[Row] = [(100.0 - 0.1 * n, 100.2 - 0.1 * n, 99.7 - 0.1 * n, 99.9 - 0.1 * n, 1.0) for n in range(30)]
    swept: list[Row] = [(96.9, 97.2, 95.0, 97.12, 3.0), (97.1, 97.2, 97.02, 97.1, 1.0), (97.1, 97.2, 97.02, 97.08, 1.0)]
    (lower_with_more_strength,) = signals_of(ENTRY, bars([*down, *swept]))
    assert 0.80 == lower_with_more_strength.confidence
