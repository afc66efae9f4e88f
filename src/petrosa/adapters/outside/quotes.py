"""What sources of quotes have in common: one call a subject, and a quote that can be."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from petrosa.adapters.outside.http import JsonOverHttp
from petrosa.core.model.market import Reading
from petrosa.errors import DataError


class Quote(NamedTuple):
    """Best bid and ask in quote currency, and since when they hold (ns UTC)."""

    bid: float
    ask: float
    ts_event: int


class Quotes(ABC):
    """Topic `quote`, subjects as `BTC/USD`, values `bid` and `ask`. Implements `ports.Readings`."""

    source: ClassVar[str]

    def __init__(self, http: JsonOverHttp, subjects: Sequence[str], now: Callable[[], int] = time.time_ns) -> None:
        self._http = http
        self._subjects = tuple(subjects)
        self._now = now

    async def poll(self) -> Sequence[Reading]:
        return [await self._one(subject) for subject in self._subjects]

    async def close(self) -> None:
        await self._http.close()

    @abstractmethod
    async def quote(self, subject: str) -> Quote:
        """Ask for one. Raises what `JsonOverHttp.get` raises."""

    async def _one(self, subject: str) -> Reading:
        quote = await self.quote(subject)
        if quote.bid > quote.ask:
            raise DataError(f"{self.source} {subject}: bid {quote.bid} is above ask {quote.ask}")
        values = {"bid": quote.bid, "ask": quote.ask}
        return Reading(self.source, "quote", subject, quote.ts_event, self._now(), values)
