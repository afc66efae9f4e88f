"""What is told on NATS of every extraction, in the form that the sister services know.

{"event_type":"extraction_completed","extraction_type":"klines","symbol":"BTCUSDT","period":"15m",
 "timestamp":"2026-01-02T03:15:02.123456Z","success":true,"metrics":{"records_fetched":3,"records_written":1,
 "duration_seconds":0.21,"gaps_found":1,"gaps_filled":1},"errors":[],"market":"usdm","schema":1}
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from petrosa.adapters.wire.subjects import token
from petrosa.adapters.wire.times import iso_z
from petrosa.apps.extracting.results import Result
from petrosa.core.model.base import SCHEMA
from petrosa.errors import TransportError
from petrosa.ports import Bus

GAP_FILLING: Final = "klines_gap_filling"
_encode: Final = msgspec.json.Encoder().encode


class _Metrics(msgspec.Struct, frozen=True):
    records_fetched: int
    records_written: int
    duration_seconds: float
    gaps_found: int
    gaps_filled: int


class _Completed(msgspec.Struct, frozen=True):
    extraction_type: str
    symbol: str
    period: str
    timestamp: str
    success: bool
    metrics: _Metrics
    errors: Sequence[str]
    market: str
    event_type: str = "extraction_completed"
    schema: int = SCHEMA


class _BatchMetrics(msgspec.Struct, frozen=True):
    symbols_processed: int
    total_records_fetched: int
    total_records_written: int
    total_gaps_found: int
    total_gaps_filled: int
    duration_seconds: float


class _BatchCompleted(msgspec.Struct, frozen=True):
    extraction_type: str
    symbols: Sequence[str]
    period: str
    timestamp: str
    success: bool
    metrics: _BatchMetrics
    errors: Sequence[str]
    market: str
    event_type: str = "batch_extraction_completed"
    schema: int = SCHEMA


class Events:
    """Publishes under a prefix. What the bus does not take is counted: no extraction fails for it."""

    def __init__(self, bus: Bus, prefix: str, wall: Callable[[], int]) -> None:
        self._bus = bus
        self._prefix = prefix
        self._wall = wall
        self.told = 0
        self.lost = 0

    async def tell(self, kind: str, results: Sequence[Result], elapsed_s: float) -> None:
        """One event a series, and one for all series of a period where they are several."""
        periods: dict[str, list[Result]] = defaultdict(list)
        for one in results:
            periods[one.interval].append(one)
            await self._publish(self._subject(kind, one), _encode(self._one(kind, one)))
        for period, group in periods.items():
            if len(group) > 1:
                batch = self._batch(kind, period, group, elapsed_s)
                await self._publish(f"{self._prefix}.batch.{token(period or kind)}", _encode(batch))

    def _subject(self, kind: str, one: Result) -> str:
        return f"{self._prefix}.{kind}.{token(one.symbol)}.{token(one.interval or kind)}"

    def _one(self, kind: str, one: Result) -> _Completed:
        metrics = _Metrics(one.fetched, one.written, one.elapsed_s, one.gaps_found, one.gaps_filled)
        return _Completed(
            kind, one.symbol, one.interval, iso_z(self._wall()), not one.errors, metrics, one.errors, one.market
        )

    def _batch(self, kind: str, period: str, group: Sequence[Result], elapsed_s: float) -> _BatchCompleted:
        names = ("fetched", "written", "gaps_found", "gaps_filled")
        sums = [sum(getattr(one, name) for one in group) for name in names]
        errors = [f"{one.symbol}: {error}" for one in group for error in one.errors]
        return _BatchCompleted(
            kind, [one.symbol for one in group], period, iso_z(self._wall()), not errors,
            _BatchMetrics(len(group), sums[0], sums[1], sums[2], sums[3], round(elapsed_s, 3)), errors, group[0].market,
        )  # fmt: skip

    async def _publish(self, subject: str, data: bytes) -> None:
        try:
            await self._bus.publish(subject, data)
        except TransportError:
            self.lost += 1
        else:
            self.told += 1
