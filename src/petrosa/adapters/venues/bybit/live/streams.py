"""The topics of one market of Bybit that are wanted: how it is spoken to, and how fast."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from petrosa.adapters.feeds import streams
from petrosa.adapters.feeds.dialect import Key, Reply
from petrosa.adapters.feeds.face import Hear, OnLink
from petrosa.adapters.feeds.streams import Place
from petrosa.adapters.feeds.subscriptions import Control
from petrosa.adapters.net.attempts import Attempts
from petrosa.adapters.net.websocket import Pace, Wire
from petrosa.adapters.venues.bybit.live.environments import Urls

ATTEMPTS_MAX: Final = 400
"""Bybit allows 500 connections in five minutes from one address."""
CONTROL: Final = {"spot": Control(batch=10), "linear": Control(batch=50)}
"""Spot takes ten topics a request."""
PACE: Final = Pace(ping=20.0, silence=60.0, life=365.0 * 86_400)
"""Bybit wants a ping every 20 s, and sets no end to a connection: none is replaced while it lasts."""
ALREADY: Final = "already subscribed"
"""What a request says no with that was answered too late the first time; it is a yes."""


class _Reply(msgspec.Struct):
    """`{"success":true,"ret_msg":"","conn_id":"…","req_id":"7","op":"subscribe"}`; a pong has `op` ping or pong."""

    op: str
    success: bool = True
    ret_msg: str = ""
    req_id: str = ""


_reply: Final = msgspec.json.Decoder(_Reply).decode


class BybitDialect:
    """A `Dialect`."""

    prefix = b'{"topic":"'
    lists = False

    def subscribe(self, number: int, names: Sequence[str]) -> bytes:
        return msgspec.json.encode({"req_id": str(number), "op": "subscribe", "args": names})

    def unsubscribe(self, number: int, names: Sequence[str]) -> bytes:
        return msgspec.json.encode({"req_id": str(number), "op": "unsubscribe", "args": names})

    def list_held(self, _number: int) -> bytes:
        """Bybit has no such request."""
        return b""

    async def ping(self, wire: Wire) -> None:
        await wire.send(b'{"op":"ping"}')

    def reply(self, payload: bytes) -> Reply | None:
        said = _reply(payload)
        if said.op in ("ping", "pong"):
            return None
        number = int(said.req_id) if said.req_id.isascii() and said.req_id.isdecimal() else None
        is_yes = said.success or ALREADY in said.ret_msg
        return Reply(number, "" if is_yes else said.ret_msg or "no reason given")

    def ends(self, _payload: bytes) -> str:
        """Bybit says nothing before it ends a connection."""
        return ""

    def key_of(self, _stream: str, _payload: bytes) -> Key | None:
        """Needed where one connection takes over from another, which none does here."""
        return None


class Streams(streams.Streams):
    """See the base. Streams are Bybit's topics, `orderbook.50.BTCUSDT`."""

    def __init__(
        self, where: Urls, market: str, wanted: Iterable[str], hear: Hear, on_link: OnLink, *, pace: Pace = PACE,
        control: Control | None = None, attempts: Attempts | None = None, **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            f"bybit:{market}", BybitDialect(),
            lambda topic: Place("public", where.public, topic.rpartition(".")[2]), wanted, hear, on_link,
            attempts=attempts or Attempts(ATTEMPTS_MAX), control=control or CONTROL[market], pace=pace, **more,
        )  # fmt: skip
