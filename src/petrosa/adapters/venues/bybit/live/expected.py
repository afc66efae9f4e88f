"""How often a stream of Bybit is expected to say something, by its name."""

from typing import Final

from petrosa.adapters.feeds.expected import Expected, Manner

BOOK: Final = Expected(Manner.STEADY, 10.0)
"""Every 20 ms as long as anything changes in fifty levels, which it does where anybody quotes."""
QUOTE: Final = Expected(Manner.STEADY, 15.0)
"""Said again after 3 s without a change."""
TICKER: Final = Expected(Manner.BUSY, 30.0)
"""Every 100 ms on linear, 50 ms on spot, but only with a change."""
TRADE: Final = Expected(Manner.BUSY, 60.0, asks=True)
BAR: Final = Expected(Manner.BUSY, 60.0)
RARE: Final = Expected(Manner.RARE, 60.0)

_OF: Final = (("publicTrade", TRADE), ("orderbook.1", QUOTE), ("tickers", TICKER), ("kline.", BAR))


def expected(kind: str) -> Expected:
    """What to expect of `<symbol>@<kind>`."""
    if kind.startswith("orderbook.") and kind != "orderbook.1":
        return BOOK
    return next((one for start, one in _OF if kind.startswith(start)), RARE)
