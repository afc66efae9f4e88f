"""How a change reaches what runs: the seam between the stored configuration and a desk."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from petrosa.apps.settings import Settings
from petrosa.surfaces.configuration import Applied

Announce = Callable[[str, int], Awaitable[None]]
"""Tells other processes that a strategy's stored configuration has this version now; best effort."""


class Applying(Protocol):
    """Lets a desk go on with what holds for a strategy now."""

    async def apply(
        self, settings: Settings, strategy_id: str, /, *, version: int, actor: str, reason: str, command_id: str
    ) -> Applied:
        """Tell the desk and say what became of it, within a second or so; `pending` when it has not answered by then.

        Whatever is not `applied` is tried again at the next refresh, under the same command id.
        """
        ...


class NoDesk:
    """Where nothing runs: a command line that changes the store. Running desks learn of it when they read again."""

    async def apply(self, _settings: Settings, _strategy_id: str, /, **_command: Any) -> Applied:
        return Applied("no_desk", detail="running desks take it over within a minute")
