"""How often a stream of Binance is expected to say something, by its name."""

from typing import Final

from petrosa.adapters.feeds.expected import Expected, Manner
from petrosa.adapters.venues.binance.live.trade_frames import TRADES

PERIODS: Final = 5.0
"""So many of its periods a steady stream may be silent."""

STALE_LEAST_S: Final = 5.0
TICKER_S: Final = {"spot": 1.0, "usdm": 2.0}
BOOK: Final = Expected(Manner.STEADY, 10.0)
"""Pushed ten times a second as long as anything changes in the book, which it does where anybody quotes."""
QUOTE: Final = Expected(Manner.BUSY, 30.0)
TRADE: Final = Expected(Manner.BUSY, 60.0, asks=True)
BAR: Final = Expected(Manner.BUSY, 60.0)
"""Pushed every 2 s (spot) or 0.25 s (futures), but only with a trade."""
RARE: Final = Expected(Manner.RARE, 60.0)


def expected(market: str, suffix: str) -> Expected:
    """What to expect of `<symbol>@<suffix>`."""
    kind, _, speed = suffix.partition("@")
    if kind in TRADES:
        return TRADE
    if kind == "bookTicker":
        return QUOTE
    if kind.startswith("kline_"):
        return BAR
    if kind.startswith(("depth", "rpiDepth")):
        return BOOK
    if kind == "markPrice":
        return _steady(1.0 if speed == "1s" else 3.0)
    if kind in ("ticker", "miniTicker"):
        return _steady(TICKER_S[market])
    return _steady(1.0) if kind == "avgPrice" or kind.startswith("ticker_") else RARE


def _steady(period_s: float) -> Expected:
    return Expected(Manner.STEADY, max(STALE_LEAST_S, PERIODS * period_s))
