"""Prometheus text, read off the counters when somebody scrapes; ticks never touch a metric object."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from petrosa.surfaces.feed_seen import feed_metrics
from petrosa.surfaces.observation import AuditSeen, ConfigurationSeen, Observation, ReconciliationSeen, VenueSeen

SERVICE = "realtime_strategies_"
"""The names of the specification start with this; what is new with us starts with `petrosa_`."""


def exposition(observe: Callable[[], Observation]) -> Callable[[], bytes]:
    """A function that gives the text of one scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ObservationCollector(observe))
    return lambda: generate_latest(registry)


class ObservationCollector:
    """Turns one observation into metric families."""

    def __init__(self, observe: Callable[[], Observation]) -> None:
        self._observe = observe

    def describe(self) -> list[Metric]:
        """Nothing: the families depend on what there is to tell."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every family, those of parts that a process has not left out."""
        seen = self._observe()
        yield from _of_the_specification(seen)
        yield from _of_trading(seen)
        yield from _of_the_process(seen)
        if seen.configuration is not None:
            yield from _of_the_configuration(seen.configuration)
        if seen.audit is not None:
            yield from _of_the_audit(seen.audit)
        if seen.reconciliation is not None:
            yield from _of_the_reconciliation(seen.reconciliation)
        if seen.venue is not None:
            yield from _of_the_venue(seen.venue)
        if seen.feed is not None:
            yield from feed_metrics(seen.feed)


def _of_the_specification(seen: Observation) -> Iterator[Metric]:
    yield _count(SERVICE + "messages_processed", "Market messages processed.", seen.messages_processed)
    yield _count(
        SERVICE + "messages_errors", "Messages that could not be used.", sum(seen.message_errors_by_reason.values())
    )
    yield _gauge(
        SERVICE + "processing_latency_seconds",
        "Wait for a turn and the turn itself, on average.",
        seen.processing_latency_s,
    )
    yield _counts(SERVICE + "signals_generated", "Signals made.", "strategy", seen.signals_by_strategy)
    connected = 0 if seen.nats_connected is None else int(seen.nats_connected)
    yield _gauge(SERVICE + "nats_connected", "1 while NATS is connected; 0 also where it is not used.", connected)
    yield _gauges(
        SERVICE + "circuit_breaker_state",
        "0 closed, 1 open, 2 half open.",
        "name",
        seen.breaker_state_by_name or {"nats": 0},
    )


def _of_trading(seen: Observation) -> Iterator[Metric]:
    yield _counts("petrosa_refusals", "Candidates refused, by the first failed check.", "check", seen.refusals_by_check)
    yield _gauges(
        "petrosa_strategy_warming_up", "Facts that a strategy has to hear before it can speak.", "strategy",
        seen.warming_by_strategy,
    )  # fmt: skip
    yield _counts("petrosa_orders", "Orders that left, by leg.", "leg", seen.orders_by_leg)
    yield _count("petrosa_fills", "Fills.", seen.fills)
    yield _count(
        "petrosa_modelled_fills", "Fills whose price was computed, not met in the market.", seen.modelled_fills
    )
    yield _counts("petrosa_alarms", "What a person had to know, by name.", "name", seen.alarms_by_name)
    yield _gauge("petrosa_open_positions", "Positions that are not flat.", seen.open_positions)
    yield _gauge(
        "petrosa_protected_positions", "Positions with a confirmed stop for all that is held.", seen.protected_positions
    )
    yield _gauge("petrosa_unprotected_positions", "Positions without one.", seen.unprotected_positions)
    yield _gauge("petrosa_unprotected_seconds", "For how long the worst of them has been so.", seen.unprotected_s)
    yield _gauge("petrosa_pnl_realized", "Gross realised profit in the account's currency.", seen.realized)
    yield _gauge("petrosa_pnl_unrealized", "Profit of open positions at the mark.", seen.unrealized)
    yield _gauge("petrosa_equity", "Balance and open profit in the account's currency.", seen.equity)


def _of_the_process(seen: Observation) -> Iterator[Metric]:
    yield _counts(
        "petrosa_message_errors", "Messages that could not be used, by reason.", "reason", seen.message_errors_by_reason
    )
    yield _gauges("petrosa_feed_age_seconds", "Run time since the last news.", "symbol", seen.feed_age_s_by_symbol)
    yield _counts("petrosa_book_gaps", "Gaps in the chain of book differences.", "symbol", seen.gaps_by_symbol)
    liquidations = CounterMetricFamily(
        "petrosa_liquidations",
        "Liquidations that the venue told, by the side of the position; Binance tells one a second at most.",
        labels=["symbol", "side"],
    )
    for names in sorted(seen.liquidations_by_symbol_and_side):
        liquidations.add_metric(names, seen.liquidations_by_symbol_and_side[names])
    yield liquidations
    yield _counts("petrosa_dropped", "Messages dropped, by where.", "name", seen.drops_by_name)
    yield _gauge("petrosa_inbox_depth", "Events waiting for their turn.", seen.inbox_depth)
    yield _gauge("petrosa_inbox_wait_seconds", "How long the last event waited for its turn.", seen.inbox_wait_s)
    yield _gauge("petrosa_loop_lag_seconds", "How late the event loop wakes up.", seen.loop_lag_s)
    yield _gauge("petrosa_timer_late_seconds", "How late the last timer was delivered, in run time.", seen.timer_late_s)
    yield _count("petrosa_journal_syncs", "Times the journal was forced to disk.", seen.journal_syncs)
    yield _gauge("petrosa_journal_sync_seconds", "How long the last one took.", seen.journal_sync_s)
    yield _count("petrosa_journal_sync_time_seconds", "How long all of them took.", seen.journal_sync_s_total)
    yield _count("petrosa_publisher_errors", "Messages that could not be published.", seen.publisher_errors)
    yield _gauge("petrosa_uptime_seconds", "Wall time since the start.", seen.uptime_s)


def _of_the_configuration(seen: ConfigurationSeen) -> Iterator[Metric]:
    yield _gauges(
        "petrosa_config_version", "Version of the stored configuration that is held.", "scope", seen.version_by_scope
    )
    yield _gauge("petrosa_config_age_seconds", "Wall time since the store was last read.", seen.age_s)
    yield _gauge("petrosa_config_store_away", "1 while the store of the configuration does not answer.", seen.is_away)
    yield _count("petrosa_config_refresh_failures", "Times the store could not be read.", seen.refresh_failures)


def _of_the_audit(seen: AuditSeen) -> Iterator[Metric]:
    yield _gauge("petrosa_audit_behind", "Turns of the journal that are not in the audit yet.", seen.behind)
    yield _count("petrosa_audit_written", "Records of the audit written.", seen.written)
    yield _gauge("petrosa_audit_away", "1 while the audit cannot be written; the journal keeps it.", seen.is_away)


def _of_the_reconciliation(seen: ReconciliationSeen) -> Iterator[Metric]:
    yield _gauges(
        "petrosa_reconcile_findings", "Differences to the venue that wait for somebody.", "kind", seen.findings_by_kind
    )
    yield _gauge("petrosa_reconcile_ignored", "Differences to the venue that are ignored.", seen.ignored)
    yield _gauge("petrosa_reconcile_clean", "1 while no entry waits for a comparison with the venue.", seen.is_clean)
    yield _gauge("petrosa_reconcile_age_seconds", "Time since the last comparison with the venue began.", seen.age_s)


def _of_the_venue(seen: VenueSeen) -> Iterator[Metric]:
    yield _gauge("petrosa_venue_clock_offset_seconds", "The venue's time minus this machine's.", seen.clock_offset_s)
    yield _gauges(
        "petrosa_venue_limit_use", "How full a rate limit is; 1 is all of it.", "window", seen.limit_use_by_window
    )
    yield _gauge("petrosa_venue_banned", "1 while the venue has banned this address.", seen.is_banned)
    yield _count("petrosa_venue_requests", "Requests sent to the venue.", seen.requests)
    yield _counts(
        "petrosa_venue_request_errors", "Requests without success, by name.", "name", seen.request_errors_by_name
    )
    yield _gauge("petrosa_venue_request_seconds", "How long the last answer took.", seen.request_s)
    yield _counts("petrosa_venue_orders", "What became of orders, by name.", "outcome", seen.orders_by_outcome)
    yield _gauge("petrosa_venue_orders_in_flight", "Orders and cancels without an answer.", seen.orders_in_flight)
    yield _gauge("petrosa_venue_orders_unknown", "Orders of unknown fate, looked for now.", seen.orders_unknown)
    yield _gauge("petrosa_user_stream_connected", "1 while the account is heard.", seen.user_stream_connected)
    yield _count("petrosa_user_stream_reconnects", "Times it was opened again.", seen.user_stream_reconnects)
    yield _count("petrosa_feed_reconnects", "Times a market data connection was opened again.", seen.feed_reconnects)
    yield _gauges("petrosa_feed_streams", "Market data streams, by state.", "state", seen.feed_streams_by_state)
    yield _counts(
        "petrosa_feed_events", "What the feed left out, filled or lost, by name.", "name", seen.feed_events_by_name
    )
    yield _gauges(
        "petrosa_trigger_fired", "1 while the cause of an automatic stop lasts.", "name", seen.triggers_fired_by_name
    )


def _count(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counts(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for key in sorted(values):
        family.add_metric([key], values[key])
    return family


def _gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key in sorted(values):
        family.add_metric([key], values[key])
    return family
