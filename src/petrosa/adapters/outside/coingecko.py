"""CoinGecko: Bitcoin's share of the whole market's value.

Unproven: no recorded answer of the real service has been through it; it is built from the documented shape.
`GET /api/v3/global` of https://api.coingecko.com, without a key, some calls a minute, renewed every ten minutes:

    {"data":{"market_cap_percentage":{"btc":52.3,"eth":16.1},"updated_at":1712512855}}
"""

import time
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from petrosa.adapters.outside.http import JsonOverHttp
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Reading

BASE_URL = "https://api.coingecko.com"


class _Global(msgspec.Struct):
    market_cap_percentage: dict[str, Annotated[float, Meta(ge=0, le=100)]]
    updated_at: Annotated[int, Meta(ge=946_684_800, le=4_102_444_800)]


class _Answer(msgspec.Struct):
    data: _Global


class CoinGecko:
    """Topic `dominance`, subject `BTC`, value `share_pct`; nothing where the answer has no share of Bitcoin."""

    source = "coingecko"

    def __init__(self, http: JsonOverHttp, now: Callable[[], int] = time.time_ns) -> None:
        self._http = http
        self._now = now

    async def poll(self) -> Sequence[Reading]:
        data = (await self._http.get("/api/v3/global", _Answer)).data
        share = data.market_cap_percentage.get("btc")
        if share is None:
            return ()
        at = data.updated_at * NS_PER_SECOND
        return (Reading(self.source, "dominance", "BTC", at, self._now(), {"share_pct": share}),)

    async def close(self) -> None:
        await self._http.close()
