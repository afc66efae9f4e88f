"""What is traded in a window against what was usual, summed by hand."""

import pytest

from petrosa.core.market.volume import VolumeWindow

SECOND = 1_000_000_000
WINDOW = 60 * SECOND


def steady(seconds: int, quantity: float = 1.0, start: int = 0) -> VolumeWindow:
    """So much every second."""
    window = VolumeWindow(WINDOW)
    for at in range(start, start + seconds):
        window.add(at * SECOND, quantity)
    return window


def test_nothing_is_usual_before_a_whole_window_lies_before_the_present_one() -> None:
    """Thirty-nine closed slices of 3 s are 117 s: at 116 s there is no answer, at 117 s there is."""
    assert steady(117).figures(116 * SECOND) is None
    assert steady(118).figures(117 * SECOND) is not None


def test_steady_trading_is_usual() -> None:
    """One a second is sixty a window, now and before."""
    figures = steady(300).figures(300 * SECOND - 1)
    assert figures is not None
    assert figures == (pytest.approx(60.0), pytest.approx(60.0))


def test_twice_as_much_is_twice_the_usual() -> None:
    """After ten minutes of one a second, a minute of two a second is 120 against 60."""
    window = steady(600)
    for at in range(600, 660):
        window.add(at * SECOND, 2.0)
    figures = window.figures(660 * SECOND - 1)
    assert figures is not None
    assert figures == (pytest.approx(120.0), pytest.approx(60.0))


def test_a_pause_is_no_volume() -> None:
    """A minute without a trade is a window of 0 against 60."""
    figures = steady(600).figures(660 * SECOND - 1)
    assert figures is not None
    assert figures == (pytest.approx(0.0), pytest.approx(60.0))


def test_a_silence_longer_than_everything_starts_over() -> None:
    """After eleven minutes of nothing, nobody knows what is usual."""
    window = steady(600)
    assert window.figures(600 * SECOND + 12 * WINDOW) is None
    window.add(1_400 * SECOND, 1.0)
    assert window.figures(1_401 * SECOND) is None


def test_a_late_trade_counts_now() -> None:
    """A stamp that runs backwards is not lost."""
    window = steady(600)
    window.add(500 * SECOND, 60.0)
    figures = window.figures(600 * SECOND - 1)
    assert figures is not None
    assert figures[0] == pytest.approx(120.0)


def test_memory_is_bounded() -> None:
    """Whatever the time, eleven windows of twenty slices are kept."""
    assert 220 == len(steady(5_000)._slices)
