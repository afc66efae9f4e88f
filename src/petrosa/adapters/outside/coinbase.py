"""Coinbase Exchange: best bid and ask of some products.

Unproven: no recorded answer of the real service has been through it; it is built from the documented shape.
`GET /products/BTC-USD/ticker` of https://api.exchange.coinbase.com, without a key, ten calls a second:

    {"ask":"6267.71","bid":"6265.15","price":"6268.48","size":"0.00698254","time":"2020-03-20T00:22:57.833897Z",
     "trade_id":86326522,"volume":"53602.03940154"}

`time` is that of the last trade: a quote of a quiet product looks older than it is, and is refused, not believed.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from petrosa.adapters.outside.quotes import Quote, Quotes
from petrosa.adapters.wire.times import parse_time

BASE_URL = "https://api.exchange.coinbase.com"

_Price = Annotated[float, Meta(gt=0, le=1e12)]


class _Ticker(msgspec.Struct):
    bid: _Price
    ask: _Price
    time: str


class Coinbase(Quotes):
    """See `Quotes`."""

    source = "coinbase"

    async def quote(self, subject: str) -> Quote:
        ticker = await self._http.get(f"/products/{subject.replace('/', '-')}/ticker", _Ticker)
        return Quote(ticker.bid, ticker.ask, parse_time(ticker.time, "time", "malformed"))
