"""How a venue is spoken to on a connection that carries streams; one of these is all that connections know of it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from petrosa.adapters.net.websocket import Wire

Key = tuple[int, ...]
"""Grows from frame to frame of one stream; the same frame has the same key on every connection."""


class Reply(NamedTuple):
    """What a venue answers a request with. `number` is the request's, None where the venue leaves it out.

    `no` says why not, and is empty for a yes; `held` is what it believes to be subscribed, where that was asked.
    """

    number: int | None
    no: str
    held: Sequence[str] | None = None


class Dialect(Protocol):
    """Pure, but for `ping`."""

    @property
    def prefix(self) -> bytes:
        """What a frame of a stream begins with; the stream's name follows, up to the next quote."""
        ...

    @property
    def lists(self) -> bool:
        """Whether the venue can be asked what it believes to be subscribed."""
        ...

    def subscribe(self, number: int, names: Sequence[str]) -> bytes: ...

    def unsubscribe(self, number: int, names: Sequence[str]) -> bytes: ...

    def list_held(self, number: int) -> bytes:
        """Asked only where it `lists`."""
        ...

    async def ping(self, wire: Wire) -> None:
        """Ask for a sign of life as the venue wants to be asked. Raises `TransportError`."""
        ...

    def reply(self, payload: bytes) -> Reply | None:
        """The answer in a message that is of no stream; None for one that answers nothing, such as a pong.

        Raises `msgspec.MsgspecError` or `UnicodeDecodeError` for what cannot be read.
        """
        ...

    def ends(self, payload: bytes) -> str:
        """Why the venue will soon end the connection, if a message that is of no stream says so."""
        ...

    def key_of(self, stream: str, payload: bytes) -> Key | None:
        """The number of a frame; None for one that cannot be read."""
        ...
