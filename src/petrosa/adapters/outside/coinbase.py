"""Coinbase Exchange: best bid and ask of some products.

Unproven: no recorded answer of the real service has been through it; it is built from the documented shape.
`GET /products/BTC-USD/ticker` of https://api.exchange.coinbase.com, without a key, ten calls a second:

    {"ask":"6267.71","bid":"6265.15","price":"6268.48","size":"0.00698254","time":"2020-03-20T00:22:57.833897Z",
     "trade_id":86326522,"volume":"53602.03940154"}

`time` is that of the last trade: a quote of a quiet product looks older than it is, and is refused, not believed.
"""

import time
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from petrosa.adapters.outside.http import JsonOverHttp
from petrosa.adapters.wire.times import parse_time
from petrosa.core.model.market import Reading
from petrosa.errors import DataError

BASE_URL = "https://api.exchange.coinbase.com"

_Price = Annotated[float, Meta(gt=0, le=1e12)]


class _Ticker(msgspec.Struct):
    bid: _Price
    ask: _Price
    time: str


class Coinbase:
    """Topic `quote`, subjects as `BTC/USD`, values `bid` and `ask`; one call a subject."""

    source = "coinbase"

    def __init__(self, http: JsonOverHttp, subjects: Sequence[str], now: Callable[[], int] = time.time_ns) -> None:
        self._http = http
        self._subjects = tuple(subjects)
        self._now = now

    async def poll(self) -> Sequence[Reading]:
        return [await self._one(subject) for subject in self._subjects]

    async def close(self) -> None:
        await self._http.close()

    async def _one(self, subject: str) -> Reading:
        ticker = await self._http.get(f"/products/{subject.replace('/', '-')}/ticker", _Ticker)
        if ticker.bid > ticker.ask:
            raise DataError(f"coinbase {subject}: bid {ticker.bid} is above ask {ticker.ask}")
        at = parse_time(ticker.time, "time", "malformed")
        return Reading(self.source, "quote", subject, at, self._now(), {"bid": ticker.bid, "ask": ticker.ask})
