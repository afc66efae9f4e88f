"""Binance's names for instruments, and the names that people type for them."""

import difflib
import re
from collections.abc import Iterable
from typing import Final

from petrosa.core.model.instruments import Instrument
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


def find_instrument(text: str, known: Iterable[Instrument], market: str | None = None) -> Instrument:
    """The one known instrument a person means by a symbol in either spelling, or by its full `binance:usdm:BTCUSDT`.

    `market` narrows the choice. Raises `UsageError` that names what is near, or both when two are meant.
    """
    instruments = list(known)
    typed = text.strip().upper()
    found = [one for one in instruments if typed == one.id.upper()]
    if not found:
        symbol = venue_symbol(text)
        unified = "/" in typed
        found = [one for one in instruments if one.symbol == symbol and (not unified or one.ccxt_symbol == typed)]
        if market is not None:
            found = [one for one in found if one.market == market]
    if len(found) == 1:
        return found[0]
    if found:
        names = " or ".join(one.id for one in found)
        raise UsageError(f"symbol {text!r} is known on more than one market; write {names}")
    raise UsageError(f"symbol {text!r} is not known{_suggestion(typed, instruments, market)}")


def _suggestion(typed: str, instruments: list[Instrument], market: str | None) -> str:
    here = [one for one in instruments if market is None or one.market == market]
    names = {name: one.id for one in here for name in (one.symbol, one.ccxt_symbol, one.id.upper())}
    near = list(dict.fromkeys(names[name] for name in difflib.get_close_matches(typed, names, n=3, cutoff=0.6)))
    where = "" if market is None else f" on market {market!r}"
    if near:
        return f"{where}; did you mean {' or '.join(near)}?"
    return f"{where}; add it to the instruments file, which holds {', '.join(one.id for one in here[:5]) or 'none'}"
