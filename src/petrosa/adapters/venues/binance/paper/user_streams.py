"""User events of one account on one market, on their way to whoever listens, with the faults that strike them."""

from collections.abc import Callable
from typing import Any, Final, Protocol

from petrosa.adapters.venues.binance.paper.faults import FaultKind, Faults
from petrosa.core.model.base import NS_PER_MS

HELD_NS: Final = 500 * NS_PER_MS
"""How long an event that is to be overtaken waits for another one."""


class Sink(Protocol):
    """One subscription: takes events, and can be ended."""

    def take(self, event: dict[str, Any]) -> None: ...

    def end(self) -> None: ...


class UserStream:
    """Deals out events to every sink in order, unless a fault says otherwise."""

    def __init__(self, faults: Faults, clock: Callable[[], int]) -> None:
        self.sinks: list[Sink] = []
        self._faults = faults
        self._clock = clock
        self._held: tuple[int, dict[str, Any]] | None = None

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event; what nobody listens to is lost, as on the venue."""
        kind = str(event.get("e", ""))
        if not self.sinks:
            return
        if self._faults.on_event(FaultKind.DISCONNECT_STREAM, kind):
            sinks, self.sinks, self._held = self.sinks, [], None
            for sink in sinks:
                sink.end()
            return
        if self._held is None and self._faults.on_event(FaultKind.REORDER_EVENTS, kind):
            self._held = self._clock(), event
            return
        self._send(event)
        if self._faults.on_event(FaultKind.DUPLICATE_EVENT, kind):
            self._send(event)
        self._release()

    def advance(self, now: int) -> None:
        """Let an event go that nothing came to overtake."""
        if self._held is not None and now - self._held[0] >= HELD_NS:
            self._release()

    def _release(self) -> None:
        if self._held is not None:
            (_, event), self._held = self._held, None
            self._send(event)

    def _send(self, event: dict[str, Any]) -> None:
        for sink in list(self.sinks):
            sink.take(event)
