"""What a running process knows about itself, as one value taken when somebody asks. No tick pays for it."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from petrosa.surfaces.feed_seen import FeedSeen


class ConfigurationSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What a process holds of the stored configuration. A scope is a strategy, or a strategy and a symbol; version 0:
    nothing is stored."""

    version_by_scope: Mapping[str, int]
    age_s: float
    is_away: bool
    refresh_failures: int


class AuditSeen(msgspec.Struct, frozen=True, kw_only=True):
    """Where the audit stands: turns of the journal that are not in it yet, and records written since the start."""

    behind: int
    written: int
    is_away: bool


class ReconciliationSeen(msgspec.Struct, frozen=True, kw_only=True):
    """How far the account is known to be as our books say: open findings, those that are ignored, and the desk's time
    since the last statement was asked for."""

    findings_by_kind: Mapping[str, int]
    ignored: int
    is_clean: bool
    age_s: float


class VenueSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A real venue, as a desk meets it. Rate limits are by kind and window (`weight 1M`), 1 is all of it; orders by
    what became of them; errors by name; market data streams by their state; what became of frames by name."""

    clock_offset_s: float
    limit_use_by_window: Mapping[str, float]
    is_banned: bool
    requests: int
    request_errors_by_name: Mapping[str, int]
    request_s: float
    orders_by_outcome: Mapping[str, int]
    orders_in_flight: int
    orders_unknown: int
    user_stream_connected: bool
    user_stream_reconnects: int
    feed_reconnects: int
    feed_streams_by_state: Mapping[str, int]
    feed_events_by_name: Mapping[str, int]
    triggers_fired_by_name: Mapping[str, int]


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """Counters since the start and gauges of this instant. Durations are seconds; money is a float in the account's
    currency, made for looking. A mapping is keyed by what its name ends with; the side of a liquidation is that of the
    position, `long` or `short`."""

    uptime_s: float = 0.0
    messages_processed: int = 0
    message_errors_by_reason: Mapping[str, int] = msgspec.field(default_factory=dict)
    processing_latency_s: float = 0.0
    consumer_errors: int = 0
    publisher_errors: int = 0
    signals_by_strategy: Mapping[str, int] = msgspec.field(default_factory=dict)
    refusals_by_check: Mapping[str, int] = msgspec.field(default_factory=dict)
    orders_by_leg: Mapping[str, int] = msgspec.field(default_factory=dict)
    fills: int = 0
    modelled_fills: int = 0
    open_positions: int = 0
    protected_positions: int = 0
    unprotected_positions: int = 0
    unprotected_s: float = 0.0
    realized: float = 0.0
    unrealized: float = 0.0
    equity: float = 0.0
    feed_age_s_by_symbol: Mapping[str, float] = msgspec.field(default_factory=dict)
    gaps_by_symbol: Mapping[str, int] = msgspec.field(default_factory=dict)
    liquidations_by_symbol_and_side: Mapping[tuple[str, str], int] = msgspec.field(default_factory=dict)
    drops_by_name: Mapping[str, int] = msgspec.field(default_factory=dict)
    inbox_depth: int = 0
    inbox_wait_s: float = 0.0
    loop_lag_s: float = 0.0
    timer_late_s: float = 0.0
    journal_syncs: int = 0
    journal_sync_s: float = 0.0
    journal_sync_s_total: float = 0.0
    nats_connected: bool | None = None
    breaker_state_by_name: Mapping[str, int] = msgspec.field(default_factory=dict)
    configuration: ConfigurationSeen | None = None
    audit: AuditSeen | None = None
    reconciliation: ReconciliationSeen | None = None
    venue: VenueSeen | None = None
    feed: FeedSeen | None = None
    alarms_by_name: Mapping[str, int] = msgspec.field(default_factory=dict)
    warming_by_strategy: Mapping[str, int] = msgspec.field(default_factory=dict)


class Check(msgspec.Struct, frozen=True):
    """One thing that must be true for this process to do its job, and what was found."""

    name: str
    ok: bool
    detail: str


class Readiness(msgspec.Struct, frozen=True):
    """Ready when every dependency is."""

    ready: bool
    checks: tuple[Check, ...]


def readiness_of(checks: tuple[Check, ...]) -> Readiness:
    """All of them, and whether all are well."""
    return Readiness(all(check.ok for check in checks), checks)


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What this process is."""

    name: str
    version: str
    service: str
    profile: str
    account: str
    venue: str
    simulated: bool
    strategies: tuple[str, ...]
    symbols: tuple[str, ...]
    started_at: str
    python: str
    platform: str


class ApiState(Protocol):
    """What the HTTP surface, the heartbeat and the terminal read. Each call is cheap and never waits.

    `observe` counts and measures, `readiness` says whether work can be trusted to it, `info` what it is.
    """

    def observe(self) -> Observation: ...

    def readiness(self) -> Readiness: ...

    def info(self) -> Info: ...
