"""Asks a public HTTP service for JSON: bounded in time and size, again when it is busy, typed at the door."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar

import httpx
import msgspec

from petrosa.errors import DataError, TransportError

T = TypeVar("T")

SIZE_MAX: Final = 1 << 20
TIMEOUT_S: Final = 10.0
ATTEMPTS: Final = 3
BACKOFF_S: Final = 0.5
PAUSE_MAX_S: Final = 30.0
"""Longest pause before another attempt, whatever the service asks for; after that the caller asks later."""

BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same question may get another one."""

_SHOWN: Final = 80


class _BusyError(Exception):
    """Not now. `pause_s` is how long the service asked to wait, zero when it did not say."""

    def __init__(self, said: str, pause_s: float = 0.0) -> None:
        super().__init__(said)
        self.pause_s = pause_s


class JsonOverHttp:
    """One service. `get` raises `TransportError` when it is away or busy, `DataError` for what is no answer."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout_s: float = TIMEOUT_S,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: random.Random | None = None,
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url.rstrip("/"),
            timeout=timeout_s,
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "petrosa"},
            limits=httpx.Limits(max_connections=2),
        )
        self._timeout_s = timeout_s
        self._pause = pause
        self._chance = chance or random.Random()

    async def get(self, path: str, answer: type[T], query: Mapping[str, str] | None = None) -> T:
        """Ask, up to three times where that can help; pauses grow, and differ so that many do not ask at once."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                body = await self._ask(path, query or {})
                break
            except _BusyError as busy:
                where = f"{self._client.base_url}{path}"
                if attempt == ATTEMPTS:
                    raise TransportError(f"{where}: {busy} ({ATTEMPTS} times); ask again later") from None
                if busy.pause_s > PAUSE_MAX_S:
                    raise TransportError(f"{where}: {busy}, and asks for {busy.pause_s:g} s of peace") from None
                grown = BACKOFF_S * 2 ** (attempt - 1)
                await self._pause(max(busy.pause_s, self._chance.uniform(grown / 2, grown)))
        try:
            return msgspec.json.decode(body, type=answer, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            shown = body[:_SHOWN].decode(errors="replace")
            raise DataError(
                f"{self._client.base_url}{path}: not the answer that was expected: {problem}; {shown!r}"
            ) from None

    async def close(self) -> None:
        """Let go of connections; calling it twice is harmless."""
        await self._client.aclose()

    async def _ask(self, path: str, query: Mapping[str, str]) -> bytes:
        try:
            async with asyncio.timeout(self._timeout_s), self._client.stream("GET", path, params=query) as response:
                if response.status_code in BUSY:
                    raise _BusyError(f"HTTP {response.status_code}", _retry_after(response))
                if response.status_code != 200:
                    raise DataError(f"{response.url}: HTTP {response.status_code}; is the address right?")
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    raise DataError(f"{response.url}: a packed answer, which was not asked for")
                body = bytearray()
                async for part in response.aiter_raw():
                    body += part
                    if len(body) > SIZE_MAX:
                        raise DataError(f"{response.url}: an answer of more than {SIZE_MAX} bytes is none")
                return bytes(body)
        except TimeoutError:
            raise _BusyError(f"no answer within {self._timeout_s:g} s") from None
        except (httpx.TransportError, httpx.InvalidURL) as problem:
            raise _BusyError(f"{type(problem).__name__} {problem}".strip()) from None


def _retry_after(response: httpx.Response) -> float:
    """Seconds that the service asks to wait; dates, which no service here sends, count as nothing said."""
    text = response.headers.get("Retry-After", "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0.0
