"""Keeps a process at what is stored: reads again when it is told of a change, and now and then anyway."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import msgspec
import structlog

from petrosa.adapters.wire.subjects import config_changed_subject
from petrosa.apps.configuration.applying import Announce
from petrosa.apps.configuration.declarations import CONFIGURABLE
from petrosa.errors import PetrosaError, TransportError
from petrosa.ports import Bus
from petrosa.surfaces.configuration import TRADING, Configuration
from petrosa.surfaces.observation import Check, ConfigurationSeen

RETRY_S: Final = 2.0
"""After how long an away store is asked again, at most."""
PAUSE_S: Final = 0.02
"""The least time between two readings, whatever is announced."""

log = structlog.get_logger("petrosa.configuration")


class ConfigChanged(msgspec.Struct, frozen=True):
    """What is announced. Who hears it reads the store: the store is the truth, this is why to look now."""

    strategy_id: str
    version: int
    schema: int = 1


_encoder: Final = msgspec.json.Encoder()


def announcing(bus: Bus) -> Announce:
    """Tells the other processes on the bus that a strategy's stored configuration has changed."""

    async def announce(strategy_id: str, version: int) -> None:
        await bus.publish(config_changed_subject(strategy_id), _encoder.encode(ConfigChanged(strategy_id, version)))

    return announce


class Watch:
    """Refreshes a configuration when it is announced or woken, and every `ttl_s` seconds.

    However much is announced, one reading is under way and at most one more is owed. `failures` counts readings that
    failed; of each absence of the store the first and the end are logged.
    """

    def __init__(self, configuration: Configuration, ttl_s: float) -> None:
        self.failures = 0
        self._configuration = configuration
        self._ttl_s = ttl_s
        self._owed: set[str] = set()
        self._woken = asyncio.Event()
        self._is_away = False
        self._tasks: list[asyncio.Task[None]] = []

    @contextlib.asynccontextmanager
    async def watching(self, bus: Bus | None) -> AsyncIterator[None]:
        """Watch until the block ends; with a bus, hear what is announced there."""
        self._tasks.append(asyncio.create_task(self._read_on(), name="configuration"))
        if bus is not None:
            self._tasks.append(asyncio.create_task(self._listen(bus), name="configuration changes"))
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks.clear()

    def wake(self) -> None:
        """Read everything again soon: something may have been missed."""
        self._owed.update(CONFIGURABLE)
        self._woken.set()

    def heard(self, subject: str, _data: bytes) -> None:
        """A change was announced; strategies that this version does not know are none of its affairs."""
        name = subject.rpartition(".")[2]
        if name in CONFIGURABLE:
            self._owed.add(name)
            self._woken.set()

    def check(self) -> Check:
        """For `/ready`: a desk trades on without its store, so only a watch that has ended is a failure."""
        broken = [task.get_name() for task in self._tasks if task.done() and not task.cancelled() and task.exception()]
        if broken:
            return Check("configuration store", False, f"the watch has failed ({', '.join(broken)}); start again")
        state = self._configuration.state()
        text = f"read {state.age_seconds:.1f} s ago, at most {self._ttl_s:g} s"
        if state.store == "away":
            text = f"away since {state.away_since}: the desk goes on with what was read at {state.read_at}"
        return Check("configuration store", True, "; ".join((text, *state.problems)))

    def seen(self) -> ConfigurationSeen:
        """For the metrics."""
        state = self._configuration.state()
        return ConfigurationSeen(
            version_by_scope=self._versions(),
            age_s=state.age_seconds,
            is_away=state.store == "away",
            refresh_failures=self.failures,
        )

    def _versions(self) -> dict[str, int]:
        """Of trading, of every strategy, and of every strategy on a symbol that something is stored for."""
        ask = self._configuration.config
        found = {TRADING: ask(TRADING, None).version}
        for one in self._configuration.strategies():
            found[one.strategy_id] = ask(one.strategy_id, None).version
            for symbol in one.symbol_overrides:
                found[f"{one.strategy_id}:{symbol}"] = ask(one.strategy_id, symbol).version
        return found

    async def _read_on(self) -> None:
        clock = asyncio.get_running_loop().time
        due = clock() + self._ttl_s
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._woken.wait()
            owed, self._owed = self._owed, set()
            self._woken.clear()
            is_all = clock() >= due or owed.issuperset(CONFIGURABLE)
            if not await self._read([None] if is_all else sorted(owed)):
                due = clock() + min(self._ttl_s, RETRY_S)
            elif is_all:
                due = clock() + self._ttl_s
            await asyncio.sleep(PAUSE_S)

    async def _read(self, names: list[str] | list[None]) -> bool:
        """Whether all of it could be read."""
        try:
            for name in names:
                await self._configuration.refresh(name)
        except PetrosaError as problem:
            self.failures += 1
            if not self._is_away:
                self._is_away = True
                log.warning("the configuration cannot be read; what was read last holds", problem=str(problem))
            return False
        if self._is_away:
            self._is_away = False
            log.warning("the configuration can be read again", failures=self.failures)
        return True

    async def _listen(self, bus: Bus) -> None:
        """Subscribe once; after every absence of the bus look at the store, for nobody tells twice."""
        with contextlib.suppress(TransportError):  # it was closed
            while True:
                await bus.wait_connected()
                with contextlib.suppress(TransportError):
                    await bus.subscribe(config_changed_subject("*"), self.heard)
                    break
                await asyncio.sleep(PAUSE_S)
            while True:
                self.wake()
                await bus.wait_disconnected()
                await bus.wait_connected()
