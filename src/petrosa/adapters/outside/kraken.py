"""Kraken: best bid and ask of some pairs.

Unproven: no recorded answer of the real service has been through it; it is built from the documented shape.
`GET /0/public/Ticker?pair=XBTUSD` of https://api.kraken.com, without a key, about one call a second:

    {"error":[],"result":{"XXBTZUSD":{"a":["30300.10000","1","1.000"],"b":["30300.00000","1","1.000"]}}}

The answer has a name of its own for the pair, so each pair is asked for alone. There is no time in it: the quote counts
from when it was asked for.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from petrosa.adapters.outside.quotes import Quote, Quotes
from petrosa.errors import DataError

BASE_URL = "https://api.kraken.com"

NAMES: Final = {"BTC": "XBT", "DOGE": "XDG"}
"""Coins that Kraken calls by names of its own."""

_Side = Annotated[tuple[Annotated[float, Meta(gt=0, le=1e12)], ...], Meta(min_length=1)]


class _Pair(msgspec.Struct):
    a: _Side
    b: _Side


class _Answer(msgspec.Struct):
    error: list[str]
    result: dict[str, _Pair] = msgspec.field(default_factory=dict)


class Kraken(Quotes):
    """See `Quotes`."""

    source = "kraken"

    async def quote(self, subject: str) -> Quote:
        asked_at = self._now()
        pair = "".join(NAMES.get(name, name) for name in subject.split("/"))
        answer = await self._http.get("/0/public/Ticker", _Answer, {"pair": pair})
        if answer.error or len(answer.result) != 1:
            said = "; ".join(answer.error)[:200] or f"{len(answer.result)} pairs in place of one"
            raise DataError(f"kraken {subject}: {said}")
        (quote,) = answer.result.values()
        return Quote(quote.b[0], quote.a[0], asked_at)
