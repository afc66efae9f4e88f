"""One exchange over HTTP with one host: sent at most once, and whether it may have left is always known."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Final, NamedTuple

import aiohttp
from yarl import URL

from petrosa.errors import NotSent, OutcomeUnknown

TIMEOUT_S: Final = 10.0
CONNECT_S: Final = 4.0
SIZE_MAX: Final = 64 << 20
CONNECTIONS_MAX: Final = 16
KEEP_ALIVE_S: Final = 55.0
"""Below the minute for which servers keep idle connections: one that ends as we write leaves an outcome unknown."""


class Answer(NamedTuple):
    """`headers` know no case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Traffic:
    """What has gone over the wire so far, for metrics. Times are of answered requests, in seconds."""

    def __init__(self) -> None:
        self.sent = 0
        self.answered = 0
        self.errors: Counter[str] = Counter()
        """By name of the error that a caller got; a question that the venue has answered with a no is none."""
        self.again = 0
        """Requests that went out another time: reads, and what the venue refused for its timestamp."""
        self.last_s = 0.0
        self.total_s = 0.0


class _Sending:
    """One exchange: whether its bytes may have left."""

    def __init__(self) -> None:
        self.written = False


class Http:
    """Connections to one host that stay open. `on_written` is called right after a request's bytes went to a socket."""

    def __init__(
        self, base_url: str, headers: Mapping[str, str], *, timeout_s: float = TIMEOUT_S, connect_s: float = CONNECT_S,
        on_written: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self.traffic = Traffic()
        self.on_written = on_written
        self._base_url = base_url
        self._headers = dict(headers)
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=connect_s)
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    async def send(self, method: str, path: str, query: str) -> Answer:
        """`query` is sent as it is. Raises `NotSent` when nothing has left, `OutcomeUnknown` for everything after.

        There is never a body: one write carries the whole request, so that it has left or it has not.
        """
        url = URL(f"{self._base_url}{path}{'?' if query else ''}{query}", encoded=True)
        sending = _Sending()
        begun = time.perf_counter()
        session = self._open()
        try:
            async with session.request(method, url, allow_redirects=False, trace_request_ctx=sending) as response:
                body = await _body(response)
        except (aiohttp.ClientError, OSError) as problem:
            # Not the exception's own words, and not the exception: they can hold the address with the signature.
            said = f"{method} {path}: {_words(problem)}"
            if sending.written:
                raise OutcomeUnknown(f"{said}, after the request had left") from None
            raise NotSent(f"{said}, before anything had left") from None
        self.traffic.answered += 1
        self.traffic.last_s = time.perf_counter() - begun
        self.traffic.total_s += self.traffic.last_s
        return Answer(response.status, response.headers, body)

    async def close(self) -> None:
        """Let go of the connections, for good; calling it twice is harmless."""
        self._is_closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._is_closed:
            raise NotSent("the connection to the venue has been closed by us")
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(self._leaving)
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                timeout=self._timeout,
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=KEEP_ALIVE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=[trace],
            )
        return self._session

    async def _leaving(
        self, _session: aiohttp.ClientSession, context: SimpleNamespace, _: aiohttp.TraceRequestHeadersSentParams
    ) -> None:
        """Called in the step of the loop in which the bytes go to the socket, just before."""
        sending: _Sending = context.trace_request_ctx
        if sending.written:
            # aiohttp sends GET, PUT and DELETE again by itself where a kept connection breaks. A cancel is sent once.
            raise aiohttp.ClientConnectionError
        sending.written = True
        self.traffic.sent += 1
        if self.on_written is not None:
            asyncio.get_running_loop().call_soon(self.on_written)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > SIZE_MAX:
            raise aiohttp.ClientPayloadError
    return bytes(body)


def _words(problem: BaseException) -> str:
    if isinstance(problem, TimeoutError):
        return "no answer in time"
    if isinstance(problem, OSError) and problem.errno is not None:
        return f"{type(problem).__name__}, {os.strerror(problem.errno)}"
    return type(problem).__name__
