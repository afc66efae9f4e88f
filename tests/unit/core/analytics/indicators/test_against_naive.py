"""What TA-Lib has not, against computations that are slow and plain; and what is refused."""

from bisect import bisect_right
from collections.abc import Callable
from math import fsum, isnan, sqrt
from statistics import pstdev

import pytest

from petrosa.core.analytics.indicators.adx import Adx
from petrosa.core.analytics.indicators.bollinger import Bollinger, bollinger
from petrosa.core.analytics.indicators.ema import Ema, Seeding, ema
from petrosa.core.analytics.indicators.extremes import Highest, Lowest
from petrosa.core.analytics.indicators.ichimoku import Ichimoku, ichimoku
from petrosa.core.analytics.indicators.macd import Macd
from petrosa.core.analytics.indicators.percentile import PercentRank, percent_rank
from petrosa.core.analytics.indicators.rma import rma
from petrosa.core.analytics.indicators.sma import Sma, sma
from petrosa.core.analytics.indicators.volume_average import VolumeAverage, volume_average
from petrosa.core.analytics.indicators.vwap import DAY_NS, Vwap, vwap
from tests.kit.bars import walk

SERIES = walk(5, 700)
HIGH, LOW, CLOSE, VOLUME = ([getattr(bar, side) for bar in SERIES] for side in ("high", "low", "close", "volume"))


def test_ichimoku() -> None:
    """Each line from its definition: the spans of the bar 26 bars ago, the 78th bar the first."""
    found = ichimoku(HIGH, LOW)
    assert 78 == Ichimoku().warmup

    def middle(n: int, at: int) -> float:
        return (max(HIGH[at - n + 1 : at + 1]) + min(LOW[at - n + 1 : at + 1])) / 2

    for at in range(77, len(SERIES)):
        then = at - 26
        expected = middle(9, at), middle(26, at), (middle(9, then) + middle(26, then)) / 2, middle(52, then)
        assert expected == tuple(column[at] for column in found)
    assert all(isnan(column[76]) for column in found)


def test_ichimoku_without_displacement() -> None:
    """The cloud of this bar itself."""
    found = ichimoku(HIGH, LOW, 9, 26, 52, 0)
    assert found.span_a[-1] == (found.tenkan[-1] + found.kijun[-1]) / 2


def test_vwap() -> None:
    """From midnight on; over seven days of bars."""
    opens = [bar.ts_open for bar in SERIES]
    found = vwap(opens, HIGH, LOW, CLOSE, VOLUME)
    for at, bar in enumerate(SERIES):
        day = [b for b in SERIES[: at + 1] if b.ts_open // DAY_NS == bar.ts_open // DAY_NS]
        amount = fsum(b.volume * (b.high + b.low + b.close) / 3 for b in day)
        assert found[at] == pytest.approx(amount / fsum(b.volume for b in day), rel=1e-12)


def test_vwap_where_nothing_was_traded() -> None:
    """No value until a trade; after midnight again none."""
    stream = Vwap(100)
    assert stream.update(0, 5.0, 5.0, 5.0, 0.0) is None
    assert 7.0 == stream.update(50, 8.0, 6.0, 7.0, 2.0)
    assert 7.0 == stream.update(99, 9.0, 9.0, 9.0, 0.0)
    assert stream.update(100, 9.0, 9.0, 9.0, 0.0) is None
    assert 9.0 == stream.update(101, 9.0, 9.0, 9.0, 1.0)


def test_percent_rank() -> None:
    """Counted by hand over the hundred values before each."""
    found = percent_rank(CLOSE, 100)
    for at in range(100, len(CLOSE)):
        before = sorted(CLOSE[at - 100 : at])
        assert bisect_right(before, CLOSE[at]) / 100 == found[at]
    assert isnan(found[99])


def test_percent_rank_of_equals_and_extremes() -> None:
    """At or below counts: among its equals a value has rank 1; below all it has 0, above all 1."""
    assert [1.0, 0.0, 1.0, 0.5] == list(percent_rank([3.0, 3.0, 3.0, 1.0, 9.0, 2.0], 2))[2:]


def test_weighted_ema() -> None:
    """The sum of (1-a)^i x_i over the sum of (1-a)^i; after 5 n bars the SMA-seeded one agrees to 1e-4 of a move."""
    found, other = ema(CLOSE, 20, Seeding.WEIGHTED), ema(CLOSE, 20)
    keep = 1.0 - 2.0 / 21.0
    for at in range(19, len(CLOSE)):
        weights = [keep**age for age in range(at + 1)]
        total = fsum(w * x for w, x in zip(weights, reversed(CLOSE[: at + 1]), strict=True))
        assert found[at] == pytest.approx(total / fsum(weights), rel=1e-12)
    assert found[99] == pytest.approx(other[99], abs=1e-4 * (max(CLOSE) - min(CLOSE)))
    assert found[-1] == pytest.approx(other[-1], rel=1e-14)


def test_wilders_average() -> None:
    """Of 1 to 4 with n = 3: the mean 2, then (2 · 2 + 4) / 3."""
    assert [2.0, 8.0 / 3.0] == list(rma([1.0, 2.0, 3.0, 4.0], 3))[2:]


def test_means_of_a_window() -> None:
    """Against exact sums, wherever the window lies in its blocks."""
    for n in (1, 2, 7, 20):
        means, volumes = sma(CLOSE, n), volume_average(VOLUME, n)
        bands = bollinger(CLOSE, n, 1.5)
        for at in range(n - 1, len(CLOSE)):
            window = CLOSE[at - n + 1 : at + 1]
            assert means[at] == pytest.approx(fsum(window) / n, rel=1e-14)
            assert volumes[at] == pytest.approx(fsum(VOLUME[at - n + 1 : at + 1]) / n, rel=1e-14)
            assert bands.upper[at] - bands.lower[at] == pytest.approx(3.0 * pstdev(window), rel=1e-9, abs=1e-9)


def test_a_narrow_band_round_a_large_price() -> None:
    """A price of a million that moves by a ten-thousandth: squares of the prices would lose it in rounding."""
    prices = [1e6 + 1e-4 * (n % 2) for n in range(40)]
    bands = bollinger(prices, 20, 1.0)
    assert (bands.upper[-1] - bands.lower[-1]) / 2 == pytest.approx(sqrt(0.25) * 1e-4, rel=1e-4)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sma(0), lambda: Ema(-1), lambda: Highest(True), lambda: Lowest(0), lambda: Adx(0),
        lambda: Sma(14.0),  # type: ignore[arg-type]
        lambda: PercentRank(0), lambda: Macd(26, 26, 9), lambda: Macd(12, 26, 0), lambda: Ichimoku(displacement=-1),
        lambda: Bollinger(0), lambda: Vwap(0),
    ],
)  # fmt: skip
def test_lengths_are_whole_numbers_of_bars(make: Callable[[], object]) -> None:
    """Refused with the value and the limit."""
    with pytest.raises(ValueError, match="a whole number of at least"):
        make()


def test_bars_that_contradict_themselves() -> None:
    """A low above the high, a volume below nothing, a band without a width, a bar for the second time."""
    with pytest.raises(ValueError, match=r"low = 2\.0 is above high = 1\.0"):
        Adx().update(1.0, 2.0, 1.5)
    with pytest.raises(ValueError, match="below 0"):
        VolumeAverage().update(-1.0)
    with pytest.raises(ValueError, match="below 0"):
        Vwap().update(0, 1.0, 1.0, 1.0, -1.0)
    with pytest.raises(ValueError, match="standard deviations above 0"):
        Bollinger(20, 0.0)
    stream = Vwap()
    stream.update(5, 1.0, 1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="once and in order"):
        stream.update(5, 1.0, 1.0, 1.0, 1.0)
