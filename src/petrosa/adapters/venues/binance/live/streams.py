"""The streams of one market of Binance that are wanted: how it is spoken to, and where each of them is served."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from petrosa.adapters.feeds import streams
from petrosa.adapters.feeds.dialect import Key, Reply
from petrosa.adapters.feeds.face import Hear, OnLink
from petrosa.adapters.feeds.parser import PREFIX
from petrosa.adapters.feeds.streams import Place
from petrosa.adapters.net.websocket import Wire
from petrosa.adapters.venues.binance.live.environments import Urls
from petrosa.adapters.venues.binance.live.stream_kinds import key_of, path_of


class _Trouble(msgspec.Struct):
    code: int = 0
    msg: str = ""


class _Reply(msgspec.Struct):
    """`{"result":null,"id":7}`, `{"error":{"code":2,"msg":"…"},"id":7}` or, older, `{"code":2,"msg":"…","id":7}`."""

    id: int | str | None = None
    result: list[str] | bool | None = None
    error: _Trouble | None = None
    code: int | None = None
    msg: str = ""

    @property
    def no(self) -> str:
        """Why not; nothing where it is a yes."""
        if self.error is not None:
            return f"{self.error.code}: {self.error.msg}"
        return f"{self.code}: {self.msg}" if self.code is not None else ""


_reply: Final = msgspec.json.Decoder(_Reply).decode


class BinanceDialect:
    """A `Dialect`."""

    prefix = PREFIX
    lists = True

    def subscribe(self, number: int, names: Sequence[str]) -> bytes:
        return msgspec.json.encode({"method": "SUBSCRIBE", "id": number, "params": names})

    def unsubscribe(self, number: int, names: Sequence[str]) -> bytes:
        return msgspec.json.encode({"method": "UNSUBSCRIBE", "id": number, "params": names})

    def list_held(self, number: int) -> bytes:
        return msgspec.json.encode({"method": "LIST_SUBSCRIPTIONS", "id": number})

    async def ping(self, wire: Wire) -> None:
        """WebSocket's own."""
        await wire.ping()

    def reply(self, payload: bytes) -> Reply:
        """A number that is none of ours is kept as one that nobody waits for."""
        said = _reply(payload)
        number = said.id if said.id is None or isinstance(said.id, int) else -1
        return Reply(number, said.no, said.result if isinstance(said.result, list) else None)

    def ends(self, payload: bytes) -> str:
        is_end = b'"serverShutdown"' in payload[:200]
        return "the venue will end the connection (serverShutdown)" if is_end else ""

    def key_of(self, stream: str, payload: bytes) -> Key | None:
        return key_of(stream, payload)


class Streams(streams.Streams):
    """See the base. What `more` may hold is there too."""

    def __init__(
        self, where: Urls, market: str, wanted: Iterable[str], hear: Hear, on_link: OnLink, **more: Any
    ) -> None:
        urls = {"spot": where.public, "public": where.public, "market": where.market}

        def place_of(stream: str) -> Place | None:
            path = path_of(market, stream)
            return Place(path, f"{urls[path]}/stream", stream.partition("@")[0]) if path else None

        super().__init__(f"binance:{market}", BinanceDialect(), place_of, wanted, hear, on_link, **more)
