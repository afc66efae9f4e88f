"""Binance's names for instruments, whichever way people type them."""

import re
from typing import Final

from petrosa.errors import UsageError

_UNIFIED: Final = re.compile(r"(?P<base>[^/:\s]+)/(?P<quote>[^/:\s]+?)(?::(?P<settle>[^/:\s]+))?")
_VENUE: Final = re.compile(r"[^/:\s@]+")


def venue_symbol(text: str) -> str:
    """`BTCUSDT` of `btcusdt`, `BTC/USDT` or `BTC/USDT:USDT`. Raises `UsageError` for what cannot be a symbol."""
    typed = text.strip().upper()
    unified = _UNIFIED.fullmatch(typed)
    if unified is not None:
        return unified["base"] + unified["quote"]
    if _VENUE.fullmatch(typed) is None:
        raise UsageError(f"symbol {text!r} is not understood; write BTCUSDT, or BTC/USDT:USDT for a perpetual")
    return typed
