"""What every live feed is, whichever venue it is of: connections, what is made of what they hear, and its health."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from petrosa.adapters.feeds.expected import Expected
from petrosa.adapters.feeds.face import BookHealth, Sockets, StreamHealth
from petrosa.adapters.feeds.health import Health
from petrosa.adapters.feeds.outlet import News, Offer, Outlet
from petrosa.adapters.net.websocket import LinkState, together
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.errors import ConfigError

LOOK_S: Final = 0.5
"""How often it is seen what is overdue."""


class Making(Protocol):
    """What a venue makes of what its connections hear. It was made with the outlet that it hands on to."""

    @property
    def books(self) -> Mapping[str, BookHealth]:
        """Every book's state by symbol."""
        ...

    def ask_books(self, symbols: Iterable[str], why: str) -> None:
        """Have snapshots handed on anew."""
        ...

    def look(self, now: int) -> None:
        """See what has been waited for long enough; called every `LOOK_S`."""
        ...

    def tasks(self) -> Sequence[Coroutine[Any, Any, None]]:
        """What goes on for ever beside the connections, begun anew with every run."""
        ...


class LiveFeed:
    """A `MarketFeed`. `sockets` tell `making` what they hear, and both are of one venue, which makes them."""

    def __init__(
        self, out: Outlet, sockets: Sockets, making: Making, now: Callable[[], int],
        sleep: Callable[[float], Coroutine[Any, Any, None]],
    ) -> None:  # fmt: skip
        self._out = out
        self._sockets = sockets
        self._making = making
        self._now = now
        self._sleep = sleep

    @property
    def counts(self) -> Counter[str]:
        """What was left out, filled, lost or not understood, by name."""
        return self._out.counts + self._sockets.counts

    @property
    def links(self) -> Mapping[str, LinkState]:
        return self._sockets.links

    @property
    def states(self) -> Mapping[str, StreamHealth]:
        """Every stream's health by its name, `btcusdt@trade`."""
        return {
            name: StreamHealth(one.state, one.since, one.reason, one.heard)
            for name, one in self._out.health.pulses.items()
        }

    @property
    def books(self) -> Mapping[str, BookHealth]:
        """Every book's state by symbol; empty when no books are heard."""
        return self._making.books

    def ask_books(self, symbols: Iterable[str], why: str) -> None:
        """Have snapshots handed on anew: for who begins a file, or has left a difference out."""
        self._making.ask_books(symbols, why)

    async def run(self) -> None:
        """Go on for ever. Raises what the connections raise."""
        self._out.health.expect(self._now())
        await together([self._sockets.run(), self._look(), *self._making.tasks()])

    async def _look(self) -> None:
        while True:
            await self._sleep(LOOK_S)
            now = self._now()
            self._making.look(now)
            self._out.changed(self._out.health.look(now))


def outlet(
    streams: Mapping[str, InstrumentId], expected: Callable[[str], Expected], offer: Offer,
    tell: Callable[[News], None], now: Callable[[], int] = time.time_ns, made: Mapping[str, InstrumentId] | None = None,
) -> Outlet:  # fmt: skip
    """Where a feed of these streams leaves; `expected` is told a kind. What is `made` of others is not watched."""
    watched = {name: (symbol_of(key), expected(name.partition("@")[2])) for name, key in streams.items()}
    return Outlet({**streams, **(made or {})}, Health(watched, now()), offer, tell, now)


def known(kinds: Collection[str], there: Collection[str], whose: str) -> list[str]:
    """The kinds, each once. Raises `ConfigError` for those that there are not, which says `whose` they would be."""
    unknown = sorted(kind for kind in kinds if kind not in there)
    if unknown:
        raise ConfigError(f"feed.streams: {', '.join(unknown)} is not a stream that {whose}")
    return list(dict.fromkeys(kinds))
