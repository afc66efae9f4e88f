"""Bars, rates and trades of the past for tests of what is kept of them."""

import math
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from petrosa.core.model.history import FundingRate, HistoricTrade, Kline, Series

SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
DAY: Final = 1_440 * MINUTE
T0: Final = 1_767_225_600 * SECOND
"""2026-01-01T00:00Z"""

LENGTHS: Final = {"1m": MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "1h": 60 * MINUTE, "1d": DAY, "1M": 31 * DAY}
BTC: Final = Series("usdm", "BTCUSDT", "1m")


def bar(series: Series = BTC, number: int = 0, **chosen: Any) -> Kline:
    """The bar with that number of a series that begins at `T0`; numbers that tell one from the other."""
    length = LENGTHS[series.interval]
    close = Decimal(64_000 + number)
    values: dict[str, Any] = {
        "ts_open": T0 + number * length, "ts_close": T0 + (number + 1) * length, "open": close - 1,
        "high": close + Decimal("0.5"), "low": close - Decimal("1.5"), "close": close, "volume": Decimal("12.345"),
        "quote_volume": Decimal("790080.12345678"), "trades": 100 + number, "taker_volume": Decimal("6.1"),
        "taker_quote_volume": Decimal("390400.00000001"),
    }  # fmt: skip
    return Kline(*series, **(values | chosen))


def bars(series: Series = BTC, count: int = 10, first: int = 0) -> Sequence[Kline]:
    return [bar(series, number) for number in range(first, first + count)]


def wandering(series: Series, count: int, seed: int = 1) -> Sequence[Kline]:
    """Bars of a market that wanders and swings, always the same for a seed."""
    chance, price, made = random.Random(f"{seed}{series}"), 1_000.0, []
    for number in range(count):
        opened, swing = price, 0.006 * math.sin(number / 17)
        price *= math.exp(chance.gauss(0.0, 0.006) + swing)
        high, low = (max(opened, price) * (1 + chance.random() / 400), min(opened, price) * (1 - chance.random() / 400))
        volume = 50 + 100 * chance.random() ** 3
        made.append(
            bar(
                series, number, open=_cents(opened), high=_cents(high), low=_cents(low), close=_cents(price),
                volume=_cents(volume), quote_volume=_cents(volume * price), taker_volume=_cents(volume * 0.4),
                taker_quote_volume=_cents(volume * price * 0.4),
            )
        )  # fmt: skip
    return made


def _cents(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")


def rate(number: int, symbol: str = "BTCUSDT", **chosen: Any) -> FundingRate:
    """One every eight hours, in the odd millisecond that the venue has."""
    values: dict[str, Any] = {
        "ts": T0 + number * 480 * MINUTE + 3_000_000, "rate": Decimal("0.00010000") * number,
        "mark": Decimal("64000.12345678"),
    }  # fmt: skip
    return FundingRate(**{"market": "usdm", "symbol": symbol, **values, **chosen})


def trade(number: int, symbol: str = "BTCUSDT", **chosen: Any) -> HistoricTrade:
    """Two a millisecond."""
    values: dict[str, Any] = {
        "trade_id": number, "first_id": 2 * number, "last_id": 2 * number + 1, "ts": T0 + number // 2 * 1_000_000,
        "price": Decimal("64000.1"), "quantity": Decimal("0.001"), "buyer_is_maker": number % 2 == 0,
    }  # fmt: skip
    return HistoricTrade(**{"market": "usdm", "symbol": symbol, **values, **chosen})
