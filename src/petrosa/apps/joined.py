"""How the processes of one system find each other: the address of NATS, and waiting while it is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from petrosa.adapters.bus.nats import NatsBus
from petrosa.apps.broker import find_broker
from petrosa.apps.settings import Settings
from petrosa.errors import ConfigError, NotRunningError, TransportError
from petrosa.ports import Bus

PAUSE_S: Final = 0.1
T = TypeVar("T")

Report = Callable[[str], None]
"""Says a line to people; never to be parsed."""


async def connect(settings: Settings, name: str) -> NatsBus:
    """The bus that the settings mean: NATS_URL, or the broker of the data directory.

    Raises `ConfigError` when there is neither, `NotRunningError` when the address does not answer.
    """
    url = settings.nats.url or find_broker(settings.home)
    if not url:
        raise ConfigError(
            f"{name} needs NATS: set NATS_URL (or nats.url), or run `petrosa broker` with the same data directory"
            f" ({settings.home}), which leaves its address there"
        )
    try:
        return await NatsBus.connect(
            url,
            name=f"petrosa-{name}",
            timeout_s=settings.nats.connect_timeout_seconds,
            allow_core_signals=settings.nats.allow_core_signals,
        )
    except TransportError as problem:
        raise NotRunningError(str(problem)) from None


async def persistently(bus: Bus, action: Callable[[], Awaitable[T]], report: Report) -> T:
    """Do what may be done again until it is done, however long the bus is away. Raises when the bus was closed."""
    while True:
        try:
            return await action()
        except TransportError as problem:
            report(f"waiting for NATS: {problem}")
            await bus.wait_connected()
            await asyncio.sleep(PAUSE_S)
