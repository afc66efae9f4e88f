"""A running desk's `ApiState`: folds what the runtime observed, the read model and the market into one answer."""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from petrosa.backtest.summary import Account, Pnl, PositionLine, pnl_of, position_lines
from petrosa.core.execution.findings import Findings
from petrosa.core.execution.protection import Protection
from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.runtime.observed import Observed
from petrosa.surfaces.observation import (
    AuditSeen,
    Check,
    ConfigurationSeen,
    Info,
    Observation,
    Readiness,
    VenueSeen,
    readiness_of,
)
from petrosa.surfaces.readmodel import ReadModel
from petrosa.surfaces.reconciliation import reconciled_check, seen_of
from petrosa.surfaces.stops_health import longest, stops_check

MB = 1_000_000


class Holdings(Account, Protocol):
    """What a trader holds, what all of it is worth in its currency (none while a part has no price), and what rests
    behind each position."""

    @property
    def equity(self) -> Decimal | None: ...
    @property
    def protection(self) -> Mapping[InstrumentId, Protection]: ...


class Intake(Protocol):
    """What came of the frames that were heard, by name."""

    @property
    def errors(self) -> Mapping[str, int]: ...
    @property
    def gaps(self) -> Mapping[str, int]: ...


class NoIntake:
    """A process that is fed decoded facts: no frame can be wrong."""

    errors: Mapping[str, int] = {}
    gaps: Mapping[str, int] = {}


Warmup = Callable[[], Mapping[tuple[str, InstrumentId], tuple[int, int]]]
"""Per strategy and instrument (n, m): n of the m facts it needs before it can speak are there."""


class DeskStatus:
    """Reads between turns; nothing here waits, and no tick pays for it.

    `now` is the run's time, by which the age of data is measured. `account` and `findings` are none in a process
    without a trader, `checks` are the dependencies of this process besides its feed.
    """

    def __init__(
        self,
        info: Info,
        observed: Observed,
        model: ReadModel,
        markets: Mapping[InstrumentId, MarketState],
        instruments: Mapping[InstrumentId, Instrument],
        now: Callable[[], int],
        *,
        currency: str,
        account: Holdings | None = None,
        intake: Intake | None = None,
        stale_after_s: float = 30.0,
        unprotected_after_s: float = 3.0,
        checks: tuple[Callable[[], Check], ...] = (),
        nats_connected: Callable[[], bool] | None = None,
        configuration: Callable[[], ConfigurationSeen] | None = None,
        audit: Callable[[], AuditSeen] | None = None,
        findings: Findings | None = None,
        venue: Callable[[], VenueSeen] | None = None,
        warmup: Warmup = dict,
    ) -> None:
        self.model = model
        self.observed = observed
        self.markets = markets
        self.now = now
        self._info = info
        self._instruments = instruments
        self._currency = currency
        self._account = account
        self._intake = intake or NoIntake()
        self._stale_after_s = stale_after_s
        self._unprotected_after_s = unprotected_after_s
        self._checks = checks
        self._nats_connected = nats_connected
        self._configuration = configuration
        self._audit = audit
        self._findings = findings
        self._venue = venue
        self._warmup = warmup
        self._started = time.monotonic()

    @property
    def uptime_s(self) -> float:
        return time.monotonic() - self._started

    def info(self) -> Info:
        return self._info

    def readiness(self) -> Readiness:
        found = [feed_check(self.ages(), self._stale_after_s), *[check() for check in self._checks]]
        if self._account is not None:
            found.append(stops_check(self._account.protection, self.now(), self._unprotected_after_s))
        reconciled = None if self._findings is None else reconciled_check(self._findings)
        if reconciled is not None:
            found.append(reconciled)
        return readiness_of(tuple(found))

    def ages(self) -> dict[str, float]:
        """Seconds of run time since each symbol was heard of; infinite for one that never was."""
        now = self.now()
        found = {}
        for market in self.markets.values():
            heard = heard_at(market)
            found[market.instrument.symbol] = max(0.0, (now - heard) / NS_PER_SECOND) if heard else float("inf")
        return found

    def _liquidations(self) -> dict[tuple[str, str], int]:
        """Of the symbols whose liquidations are told, or were."""
        found: dict[tuple[str, str], int] = {}
        for market in self.markets.values():
            told, symbol = market.liquidations, market.instrument.symbol
            if told.since is not None or told.is_lost:
                found |= {(symbol, "long"): told.longs, (symbol, "short"): told.shorts}
        return found

    def lines(self) -> list[PositionLine]:
        """Every position that there is or was."""
        if self._account is None:
            return []
        return position_lines(self._account.positions, self._instruments, self.markets)

    def pnl(self, lines: list[PositionLine]) -> Pnl | None:
        """The account's profit; none in a process without one."""
        if self._account is None:
            return None
        return pnl_of(self._account, lines, self._instruments, self.markets, self._currency)

    @property
    def equity(self) -> Decimal | None:
        """What the account is worth; none without one, or while a part of it has no price."""
        return None if self._account is None else self._account.equity

    def observe(self) -> Observation:
        seen, model = self.observed, self.model
        lines = self.lines()
        pnl = self.pnl(lines)
        protection = {} if self._account is None else self._account.protection
        protected = sum(one.is_covered for one in protection.values())
        realized, unrealized = (float(pnl.realized), float(pnl.unrealized)) if pnl else (0.0, 0.0)
        return Observation(
            uptime_s=self.uptime_s,
            messages_processed=seen.turns,
            message_errors_by_reason=dict(self._intake.errors),
            processing_latency_s=seen.inbox_wait.mean + (seen.turning_s / seen.turns if seen.turns else 0.0),
            signals_by_strategy={name: model.signals[name] for name in {*self._info.strategies, *model.signals}},
            refusals_by_check=dict(model.refusals),
            orders_by_leg=dict(model.orders_by_leg),
            fills=model.fills,
            modelled_fills=model.modelled_fills,
            open_positions=sum(line.quantity != 0 for line in lines),
            protected_positions=protected,
            unprotected_positions=len(protection) - protected,
            unprotected_s=longest(protection, self.now()),
            realized=realized,
            unrealized=unrealized,
            equity=float(self.equity or 0),
            feed_age_s_by_symbol=self.ages(),
            gaps_by_symbol=dict(self._intake.gaps),
            liquidations_by_symbol_and_side=self._liquidations(),
            drops_by_name=dict(seen.drops),
            inbox_depth=seen.inbox_depth,
            inbox_wait_s=seen.inbox_wait.last,
            loop_lag_s=seen.loop_lag.last,
            timer_late_s=seen.timer_lateness.last,
            journal_syncs=seen.sync_time.count,
            journal_sync_s=seen.sync_time.last,
            journal_sync_s_total=seen.sync_time.total,
            nats_connected=None if self._nats_connected is None else self._nats_connected(),
            configuration=None if self._configuration is None else self._configuration(),
            audit=None if self._audit is None else self._audit(),
            reconciliation=None if self._findings is None else seen_of(self._findings, self.now()),
            venue=None if self._venue is None else self._venue(),
            alarms_by_name=dict(model.alarms_by_name),
            warming_by_strategy=self._warming(),
        )

    def _warming(self) -> dict[str, int]:
        """What every strategy that cannot speak yet still has to hear, where it has farthest to go."""
        found: dict[str, int] = {}
        for (name, _), (heard, needed) in self._warmup().items():
            if heard < needed:
                found[name] = max(found.get(name, 0), needed - heard)
        return found


def heard_at(market: MarketState) -> int:
    """When anything was last heard of an instrument; zero for never."""
    return max(market.ts_last, market.ts_quote)


def feed_check(ages: Mapping[str, float], limit_s: float) -> Check:
    """Fresh when the oldest symbol is younger than the limit."""
    if not ages:
        return Check("feed", False, "no symbol is configured")
    symbol = max(ages, key=lambda name: ages[name])
    age = ages[symbol]
    if age == float("inf"):
        return Check("feed", False, f"nothing heard of {symbol} yet")
    text = f"oldest news is {age:.1f} s old ({symbol}), limit {limit_s:g} s"
    return Check("feed", age <= limit_s, text)


def bus_check(connected: Callable[[], bool], url: str) -> Check:
    """Whether the bus is connected now."""
    return Check("bus", True, f"connected to {url}") if connected() else Check("bus", False, f"not connected to {url}")


def journal_check(folder: Path, free_mb_min: int) -> Check:
    """Whether the journal's disk takes more. Asked for each time: two calls to the system, some microseconds."""
    try:
        free_mb = shutil.disk_usage(folder).free // MB
    except OSError as problem:
        return Check("journal", False, f"{folder}: {problem.strerror}")
    if not os.access(folder, os.W_OK):
        return Check("journal", False, f"{folder} is not writable")
    if free_mb < free_mb_min:
        return Check("journal", False, f"{free_mb:,} MB free on {folder}, minimum {free_mb_min:,} MB; free some space")
    return Check("journal", True, f"{folder} is writable, {free_mb:,} MB free")
