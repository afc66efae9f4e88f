"""Bybit's public questions over HTTP. Nothing here is signed, and nothing changes anything there."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from petrosa.adapters.net.http import Http
from petrosa.errors import RateLimited, TransportError, VenueRefused

TOO_OFTEN: Final = 10_006
TOO_OFTEN_S: Final = 5.0
"""Its window of requests."""
BANNED_S: Final = 600.0
"""It answers 403 for so long to an address that asked more than 600 times in 5 s."""


class _Head(msgspec.Struct, rename="camel"):
    ret_code: int
    ret_msg: str = ""


_head: Final = msgspec.json.Decoder(_Head).decode


class Rest:
    """Asks one host. Use `close`."""

    def __init__(self, base_url: str) -> None:
        self._http = Http(base_url, {"User-Agent": "petrosa"})

    async def get(self, path: str, query: Mapping[str, str]) -> bytes:
        """The answer's body. Raises `TransportError`, `RateLimited`, and `VenueRefused` with Bybit's own code."""
        answer = await self._http.send("GET", path, urlencode(query))
        if answer.status == 403:
            raise RateLimited(f"{path}: Bybit refuses this address (403)", BANNED_S, is_ban=True)
        if answer.status != 200:
            raise TransportError(f"{path}: Bybit answers with HTTP {answer.status}")
        try:
            head = _head(answer.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise TransportError(f"{path}: no answer of Bybit's: {answer.body[:80]!r}") from None
        if head.ret_code == TOO_OFTEN:
            raise RateLimited(f"{path}: {head.ret_msg}", TOO_OFTEN_S)
        if head.ret_code:
            raise VenueRefused(head.ret_code, head.ret_msg)
        return answer.body

    async def close(self) -> None:
        await self._http.close()
