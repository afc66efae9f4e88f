"""The audit as it is asked for: what surfaces say, whoever answers."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Protocol

import msgspec
from msgspec import Meta

FILTERS: Final = ("event", "symbol", "strategy_id", "signal_id", "client_order_id", "run")
"""By what records can be narrowed; each value must be equal."""
LIMIT: Final = 50
LIMIT_MAX: Final = 200
STORY_MAX: Final = 1_000
"""Most records of one signal that are told at once."""


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the collection `trade_audit_log`. Amounts are exact texts; what an event does not have is null."""

    id: Annotated[str, Meta(description="Time, run, turn and place; descending ids are newest first.")]
    event: str
    status: str | None = None
    signal_id: str | None = None
    strategy_id: str | None = None
    symbol: str | None = None
    side: str | None = None
    order_type: str | None = None
    quantity: str | None = None
    price: str | None = None
    stop_loss: str | None = None
    take_profit: str | None = None
    binance_order_id: str | None = None
    client_order_id: str | None = None
    fill_price: str | None = None
    fees: str | None = None
    reason: str | None = None
    timestamp: str
    ts_ns: int
    simulation_mode: bool
    run: str
    sequence: int
    metadata: dict[str, Any]


class AuditLog(msgspec.Struct, frozen=True):
    """Records, newest first. `next` is the `before` of the following page; null when this was the last."""

    records: tuple[AuditEntry, ...]
    next: str | None


class SignalStory(msgspec.Struct, frozen=True):
    """All that a signal led to, oldest first; `whole` is false where there is more than is told at once."""

    signal_id: str
    records: tuple[AuditEntry, ...]
    whole: bool


class AuditReading(Protocol):
    """Reads the store. Raises `StorageError` while it is away, `DataError` for what is no record."""

    async def find(self, where: Mapping[str, str], *, since: int, until: int, before: str, limit: int) -> AuditLog:
        """Records of times in [`since`, `until`) in ns, older than the record `before` where one is named."""
        ...

    async def story(self, signal_id: str) -> SignalStory:
        """Every record that names a signal."""
        ...
