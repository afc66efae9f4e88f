"""Blockchain.com charts: how much Bitcoin's chain is used, a figure a day.

Unproven: no recorded answer of the real service has been through it; it is built from the documented shape.
`GET /charts/hash-rate?timespan=8days&format=json&sampled=false` of https://api.blockchain.info, without a key:

    {"status":"ok","name":"Hash Rate","unit":"Hash Rate TH/s","period":"day","values":[{"x":1442534400,"y":188330.04}]}

It says `active_addresses` (different addresses used that day), `transaction_volume_usd` (estimated) and `hash_rate_ths`
of Bitcoin. Flows into and out of exchanges are nobody's to give away: no free service publishes them.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from petrosa.adapters.outside.http import JsonOverHttp
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Reading

BASE_URL = "https://api.blockchain.info"
DAYS: Final = 8
CHARTS: Final[Mapping[str, str]] = {
    "active_addresses": "n-unique-addresses",
    "transaction_volume_usd": "estimated-transaction-volume-usd",
    "hash_rate_ths": "hash-rate",
}
"""Our name of a figure and the chart that has it."""


class _Point(msgspec.Struct):
    x: Annotated[int, Meta(ge=946_684_800, le=4_102_444_800)]
    y: Annotated[float, Meta(ge=0, le=1e18)]


class _Chart(msgspec.Struct):
    status: Literal["ok"]
    values: Annotated[list[_Point], Meta(max_length=64)]


class Blockchain:
    """Topic `onchain`, subject `BTC`: a reading for each of the last days, with the figures that are known of it."""

    source = "blockchain"

    def __init__(self, http: JsonOverHttp, now: Callable[[], int] = time.time_ns) -> None:
        self._http = http
        self._now = now

    async def poll(self) -> Sequence[Reading]:
        days: dict[int, dict[str, float]] = {}
        query = {"timespan": f"{DAYS}days", "format": "json", "sampled": "false"}
        for name, chart in CHARTS.items():
            for point in (await self._http.get(f"/charts/{chart}", _Chart, query)).values:
                days.setdefault(point.x, {})[name] = point.y
        seen = self._now()
        return [Reading(self.source, "onchain", "BTC", x * NS_PER_SECOND, seen, days[x]) for x in sorted(days)]

    async def close(self) -> None:
        await self._http.close()
