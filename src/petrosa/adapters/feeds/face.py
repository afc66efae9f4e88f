"""What a live feed looks like from outside, whichever venue it is of, and the connections that it stands on."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from petrosa.adapters.net.websocket import LinkState
from petrosa.core.model.market import FeedState

Hear = Callable[[str, bytes, int], None]
"""Told (stream, frame as a combined stream sends it, arrival in ns). Must not wait."""

OnLink = Callable[[str, bool, str], None]
"""Told (stream, whether the venue has acknowledged it on a connection that is open, why)."""


class Sockets(Protocol):
    """The connections below: whatever they hear goes to the `Hear` that they were made with."""

    @property
    def links(self) -> Mapping[str, LinkState]:
        """Every connection's state by its name."""
        ...

    @property
    def counts(self) -> Counter[str]:
        """What was not handed on and what went wrong, by name."""
        ...

    async def run(self) -> None:
        """Go on for ever."""
        ...


class Dial(Protocol):
    """Makes the connections for some streams (`btcusdt@trade`), and tells what they hear."""

    def __call__(self, streams: Sequence[str], hear: Hear, on_link: OnLink) -> Sockets: ...


class StreamHealth(NamedTuple):
    """One stream as it is now: since when (ns), and why. None: nothing is known yet."""

    state: FeedState | None
    since: int
    reason: str
    last_heard: int


class BookHealth(NamedTuple):
    """One book: whether it is whole, since when (ns; 0 for never yet), the last id, and how often it was not."""

    is_synchronised: bool
    since: int
    update_id: int
    gaps: int
    snapshots: int


class MarketFeed(Protocol):
    """One market's streams of some symbols; a stream is named `btcusdt@<kind>`, its frames begin with that name."""

    @property
    def counts(self) -> Counter[str]:
        """What was left out, filled, lost or not understood, by name."""
        ...

    @property
    def links(self) -> Mapping[str, LinkState]: ...

    @property
    def states(self) -> Mapping[str, StreamHealth]:
        """Every stream's health by its name."""
        ...

    @property
    def books(self) -> Mapping[str, BookHealth]:
        """Every book's state by symbol."""
        ...

    def ask_books(self, symbols: Iterable[str], why: str) -> None:
        """Have snapshots handed on anew."""
        ...

    async def run(self) -> None:
        """Go on for ever. Raises what the connections raise."""
        ...
