"""What the services that NATS joins have in common: an HTTP surface that is up before the first message comes."""

import platform
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from petrosa import __version__
from petrosa.apps.configuration.live import LiveConfiguration
from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Instruments, Markets
from petrosa.core.execution.findings import Findings
from petrosa.core.turns import Turns
from petrosa.ports import Bus
from petrosa.runtime.observed import Observed
from petrosa.surfaces.observation import AuditSeen, Check, Info, Observation, Readiness, readiness_of
from petrosa.surfaces.readmodel import ReadModel
from petrosa.surfaces.status import DeskStatus, Holdings, Intake, bus_check


def info_of(settings: Settings, service: str, symbols: Sequence[str]) -> Info:
    """What this process is."""
    return Info(
        name="petrosa",
        version=__version__,
        service=service,
        profile=settings.profile,
        account=settings.account.account,
        venue=settings.feed.venue,
        simulated=settings.simulated,
        strategies=tuple(name for name, strategy in settings.strategies.items() if strategy.runs),
        symbols=tuple(symbols),
        started_at=datetime.now(UTC).isoformat(),
        python=platform.python_version(),
        platform=platform.platform(),
    )


class Serving(Intake, Protocol):
    """A service that has begun to hear the market."""

    @property
    def instruments(self) -> Instruments: ...
    @property
    def markets(self) -> Markets: ...
    @property
    def turns(self) -> Turns: ...
    @property
    def model(self) -> ReadModel: ...
    @property
    def observed(self) -> Observed: ...


class ServiceStatus:
    """An `ApiState`: alive and not ready until market data has begun, and a desk's status from then on."""

    def __init__(
        self, settings: Settings, service: str, bus: Bus, url: str, configuration: LiveConfiguration | None = None
    ) -> None:
        """`configuration` is none in a process without strategies."""
        self._settings = settings
        self._info = info_of(settings, service, settings.feed.symbols)
        self._is_connected = partial(_connected, bus)
        self._bus_check = partial(bus_check, self._is_connected, url)
        self._seen = None if configuration is None else configuration.watch.seen
        self._store_check = () if configuration is None else (configuration.watch.check,)
        self._started = time.monotonic()
        self._desk: DeskStatus | None = None

    def opened(
        self, service: Serving, account: Holdings | None = None, *checks: Callable[[], Check],
        audit: Callable[[], AuditSeen] | None = None, findings: Findings | None = None,
    ) -> None:  # fmt: skip
        """The service hears the market now."""
        self._desk = DeskStatus(
            self._info,
            service.observed,
            service.model,
            service.markets,
            service.instruments,
            lambda: service.turns.now,
            currency=self._settings.account.currency,
            account=account,
            intake=service,
            stale_after_s=self._settings.feed.stale_after_seconds,
            unprotected_after_s=self._settings.execution.unprotected_seconds,
            checks=(self._bus_check, *self._store_check, *checks),
            nats_connected=self._is_connected,
            configuration=self._seen,
            audit=audit,
            findings=findings,
        )

    def observe(self) -> Observation:
        if self._desk is None:
            return Observation(
                uptime_s=time.monotonic() - self._started,
                nats_connected=self._is_connected(),
                configuration=None if self._seen is None else self._seen(),
            )
        return self._desk.observe()

    def readiness(self) -> Readiness:
        if self._desk is None:
            store = [check() for check in self._store_check]
            return readiness_of((Check("feed", False, "no market data has come yet"), self._bus_check(), *store))
        return self._desk.readiness()

    def info(self) -> Info:
        return self._info


def _connected(bus: Bus) -> bool:
    return bus.connected
