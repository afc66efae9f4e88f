"""The same numbers as TA-Lib, an implementation that others trust, on a walk, on odd bars and on real klines."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import talib

from petrosa.core.analytics.indicators.adx import adx
from petrosa.core.analytics.indicators.atr import atr
from petrosa.core.analytics.indicators.bollinger import bollinger
from petrosa.core.analytics.indicators.ema import ema
from petrosa.core.analytics.indicators.extremes import highest, lowest
from petrosa.core.analytics.indicators.macd import macd
from petrosa.core.analytics.indicators.rsi import Rsi, rsi
from petrosa.core.analytics.indicators.sma import sma
from petrosa.core.model.market import Candle
from tests.kit.bars import bars, real_bars, walk
from tests.kit.soak import sample

from .catalogue import table

PAIRS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sma": (lambda high, low, c: sma(c, 20), lambda high, low, c: talib.SMA(c, 20)),
    "ema": (lambda high, low, c: ema(c, 21), lambda high, low, c: talib.EMA(c, 21)),
    "long ema": (lambda high, low, c: ema(c, 200), lambda high, low, c: talib.EMA(c, 200)),
    "rsi": (lambda high, low, c: rsi(c, 14), lambda high, low, c: talib.RSI(c, 14)),
    "quick rsi": (lambda high, low, c: rsi(c, 2), lambda high, low, c: talib.RSI(c, 2)),
    "macd": (lambda high, low, c: macd(c), lambda high, low, c: talib.MACD(c, 12, 26, 9)),
    "quick macd": (lambda high, low, c: macd(c, 3, 10, 16), lambda high, low, c: talib.MACD(c, 3, 10, 16)),
    "atr": (lambda high, low, c: atr(high, low, c, 14), lambda high, low, c: talib.ATR(high, low, c, 14)),
    "adx": (lambda high, low, c: adx(high, low, c, 14).adx, lambda high, low, c: talib.ADX(high, low, c, 14)),
    "quick adx": (lambda high, low, c: adx(high, low, c, 3).adx, lambda high, low, c: talib.ADX(high, low, c, 3)),
    "bollinger": (lambda high, low, c: bollinger(c, 20, 2.0), lambda high, low, c: talib.BBANDS(c, 20, 2.0, 2.0)[::-1]),
    "highest": (lambda high, low, c: highest(high, 20), lambda high, low, c: talib.MAX(high, 20)),
    "lowest": (lambda high, low, c: lowest(low, 20), lambda high, low, c: talib.MIN(low, 20)),
}  # fmt: skip


def jumps() -> list[Candle]:
    """Bars without extent, bars that engulf those before, gaps, and a price that falls to a thousandth."""
    closes = [100.0, 100.0, 103.0, 97.0, 97.0, 110.0, 90.0, 90.5] * 40 + [0.1, 0.11, 0.09, 0.1] * 60
    plain = bars(closes)
    wide = bars([(c, c * 1.05, c * 0.95, c, 1.0) for c in closes])
    return [wide[n] if n % 5 == 0 else plain[n] for n in range(len(closes))]


SERIES: dict[str, Callable[[], list[Candle]]] = {
    "walk": lambda: walk(1, 3_000),
    "calm walk": lambda: walk(2, 3_000, volatility=1e-5),
    "jumps": jumps,
}


def same(name: str, series: list[Candle]) -> None:
    """Equal to 1e-9 of the value or, where that passes through zero, to 1e-12 of the price; warm-up included."""
    columns = [np.array([getattr(bar, side) for bar in series]) for side in ("high", "low", "close")]
    ours, theirs = (table(function(*columns)) for function in PAIRS[name])
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.array(one), other, rtol=1e-9, atol=1e-12 * columns[2].max(), equal_nan=True)


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("name", PAIRS)
def test_made_bars(name: str, series: str) -> None:
    same(name, SERIES[series]())


@pytest.mark.recordings
@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("file", ["BTCUSDT_15m_364d", "BTCUSDT_1m_29d", "ETHUSDT_1m_3d_taker"])
def test_real_klines(name: str, file: str) -> None:
    same(name, real_bars(file, sample(3_000, None)))


@pytest.mark.parametrize("n", [2, 14])
def test_directional_indicators(n: int) -> None:
    """TA-Lib gives them n - 1 bars before it gives the ADX; we give the three together."""
    series = walk(3, 2_000)
    columns = [np.array([getattr(bar, side) for bar in series]) for side in ("high", "low", "close")]
    found, ready = adx(*columns, n), 2 * n - 1
    np.testing.assert_allclose(np.array(found.plus_di)[ready:], talib.PLUS_DI(*columns, n)[ready:], rtol=1e-9)
    np.testing.assert_allclose(np.array(found.minus_di)[ready:], talib.MINUS_DI(*columns, n)[ready:], rtol=1e-9)


def test_where_we_differ_on_purpose() -> None:
    """A price that never moved is neither overbought nor oversold; TA-Lib has 0 for it."""
    still = np.full(20, 100.0)
    assert 0.0 == talib.RSI(still, 14)[-1]
    stream = Rsi(14)
    assert 50.0 == [stream.update(price) for price in still][-1]
