"""How often a stream of Binance is expected to say something, by its name."""

from enum import Enum
from typing import Final, NamedTuple

from petrosa.adapters.venues.binance.live.trade_frames import TRADES


class Manner(Enum):
    """What makes a stream speak."""

    STEADY = "steady"
    """The clock: whatever the market does, or nearly so."""
    BUSY = "busy"
    """What happens in the market; it has a pace of its own that changes slowly."""
    RARE = "rare"
    """What seldom happens. Its silence says nothing."""


class Expected(NamedTuple):
    """Seconds of silence after which a stream is STALE and DEAD.

    `alone_s` is how long a BUSY one may be silent when no other stream of its symbol speaks either. `asks` says that
    the venue can be asked whether something happened.
    """

    manner: Manner
    stale_s: float
    dead_s: float = 60.0
    alone_s: float = 10.0
    asks: bool = False


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
