"""What `petrosa ta` says of itself: whether the store answers, whether bars come, whether signals can leave."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from petrosa.apps.analysis.service import AnalysisService
from petrosa.apps.analysis.waking import Waking
from petrosa.apps.configuration.live import LiveConfiguration
from petrosa.apps.service import info_of
from petrosa.apps.settings import Settings
from petrosa.core.market.candles import interval_ns
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.history import Series
from petrosa.ports import Bus
from petrosa.surfaces.observation import Check, Info, Observation, Readiness, readiness_of
from petrosa.surfaces.status import DeskStatus, bus_check, journal_check


class StoreSeen:
    """How the last look into the store of bars went."""

    def __init__(self) -> None:
        self.problem = ""

    def check(self) -> Check:
        return Check("klines", not self.problem, self.problem or "the last look found what there is")


class AnalysisStatus:
    """An `ApiState`. The age of a symbol's data is the time since its newest bar closed, of the shortest timeframe."""

    def __init__(
        self, settings: Settings, followed: Sequence[Series], service: AnalysisService,
        configuration: LiveConfiguration, store: StoreSeen, waking: Waking, bus: Bus | None,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._followed = followed
        self._service = service
        self._wall = wall
        self._info = info_of(settings, "ta", sorted({one.symbol for one in followed}))
        connected = None if bus is None else (lambda: bus.connected)
        checks: list[Callable[[], Check]] = [
            store.check, self._bars_check, configuration.watch.check,
            partial(journal_check, service.folder, settings.journal.free_mb_min),
        ]  # fmt: skip
        if connected is not None:
            url = settings.nats.url or "the broker of this data directory"
            checks.append(partial(bus_check, connected, url))
        self._checks = checks
        self._desk = DeskStatus(
            self._info, service.observed, service.model, service.markets, service.instruments,
            lambda: service.turns.now, currency=settings.account.currency, intake=_Intake(waking),
            nats_connected=connected, configuration=configuration.watch.seen,
        )  # fmt: skip

    def observe(self) -> Observation:
        return msgspec.structs.replace(self._desk.observe(), feed_age_s_by_symbol=self._ages())

    def readiness(self) -> Readiness:
        return readiness_of(tuple(check() for check in self._checks))

    def info(self) -> Info:
        return self._info

    def _ages(self) -> dict[str, float]:
        ages: dict[str, float] = {}
        for series, closed in self._closes().items():
            age = (self._wall() - closed) / NS_PER_SECOND if closed else float("inf")
            ages[series.symbol] = min(age, ages.get(series.symbol, float("inf")))
        return ages

    def _closes(self) -> dict[Series, int]:
        """When the newest bar of each series closed; 0 where there is none."""
        turned = self._service.turned
        return {one: turned[one] + interval_ns(one.interval) if one in turned else 0 for one in self._followed}

    def _bars_check(self) -> Check:
        """No series is behind by more bars than `ta.overdue_bars`."""
        limit, now = self._settings.ta.overdue_bars, self._wall()
        behind = {one: (now - closed) / interval_ns(one.interval) for one, closed in self._closes().items()}
        worst = max(behind, key=lambda one: behind[one])
        name = f"{worst.symbol} {worst.interval}"
        if worst not in self._service.turned:
            return Check("bars", False, f"the store has no bar of {name}; run petrosa extract klines")
        text = f"{name} is {behind[worst]:.1f} bars behind, limit {limit:g}"
        is_well = behind[worst] <= limit
        return Check("bars", is_well, text if is_well else f"{text}; run petrosa extract run")


class _Intake:
    """What was told of extractions and could not be understood."""

    def __init__(self, waking: Waking) -> None:
        self._waking = waking
        self.gaps: Mapping[str, int] = {}

    @property
    def errors(self) -> Mapping[str, int]:
        return self._waking.unused
