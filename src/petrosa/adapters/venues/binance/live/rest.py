"""Asks Binance over HTTP, signed, and says of each request what became of it: done, refused, not sent, unknown."""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from petrosa.adapters.net.http import CONNECT_S, TIMEOUT_S, Http, Traffic
from petrosa.adapters.net.rate_limit import Ledger, Taken
from petrosa.adapters.net.signing import Signer
from petrosa.adapters.venues.binance.live.codes import Meaning
from petrosa.adapters.venues.binance.live.environments import Urls
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.server_clock import ServerClock
from petrosa.adapters.venues.binance.live.verdict import judge
from petrosa.errors import (
    ConfigError,
    InvariantError,
    NotSent,
    PetrosaError,
    RateLimited,
    TransportError,
    VenueClosed,
    VenueRefused,
)

RECV_WINDOW_MS: Final = 5_000
ATTEMPTS: Final = 3
"""How often a read is tried unless its owner says more. What changes something is sent once."""

BACKOFF_S: Final = 0.25
PATIENCE_S: Final = 5.0
"""How long a read waits for its allowance. What changes something does not wait here: its price would be old."""

WAIT_MIN_S: Final = 0.005
SYNC_EVERY_S: Final = 45.0
"""More often than clocks drift: the questions keep a connection open, so that no order waits for a new one."""

API_KEY: Final = re.compile(r"[A-Za-z0-9_-]{0,128}")
TIME_PATHS: Final = {"spot": "/api/v3/time", "usdm": "/fapi/v1/time"}


class _ServerTime(msgspec.Struct):
    serverTime: int  # noqa: N815 - the venue's spelling


class _ClockError(Exception):
    """The venue found our timestamp outside of its window."""

    def __init__(self, refusal: PetrosaError) -> None:
        super().__init__()
        self.refusal = refusal


class Rest:
    """One market of one account. Open it with `async with`, or call `close`."""

    def __init__(
        self, product: str, urls: Urls, api_key: str, signer: Signer | None, clock: ServerClock, ledger: Ledger, *,
        recv_window_ms: int = RECV_WINDOW_MS, timeout_s: float = TIMEOUT_S, connect_s: float = CONNECT_S,
        patience_s: float = PATIENCE_S, attempts: int = ATTEMPTS, on_written: Callable[[], None] | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep, chance: random.Random | None = None,
    ) -> None:  # fmt: skip
        """Without a key and a signer what is public can be asked. Raises `ConfigError` for what cannot be a key.

        A read is sent `attempts` times at most. `on_written` is called right after a request's bytes have been handed
        to a socket.
        """
        if product not in TIME_PATHS:
            raise InvariantError(f"product {product!r}; there are spot and usdm")
        if API_KEY.fullmatch(api_key) is None:
            raise ConfigError("the API key holds other characters than A-Z, a-z, 0-9, _ and -; is it the whole key?")
        self.product = product
        self.clock = clock
        self.ledger = ledger
        self.recv_window_ms = recv_window_ms
        headers = {"User-Agent": "petrosa"} | ({"X-MBX-APIKEY": api_key} if api_key else {})
        self._http = Http(urls.rest, headers, timeout_s=timeout_s, connect_s=connect_s, on_written=on_written)
        self._signer = signer
        self._is_named = bool(api_key)
        self._patience_s = patience_s
        self._attempts = attempts
        self._pause = pause
        self._chance = chance or random.Random()
        self._syncing = asyncio.Lock()
        self._synced_at = 0.0

    async def __aenter__(self) -> "Rest":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections; calling it twice is harmless."""
        await self._http.close()

    @property
    def traffic(self) -> Traffic:
        return self._http.traffic

    async def call(self, request: Request) -> bytes:
        """The body of the answer, which is JSON.

        Raises `NotSent` where nothing has left and, for what changes something, `OutcomeUnknown` where it may have
        been done; a read is tried again, and ends in `TransportError`. Raises `RateLimited` (nothing was done),
        `VenueRefused` with the venue's code, and `VenueClosed`. Who cancels a call that changes something does not
        know its outcome.
        """
        try:
            return await self._call(request)
        except PetrosaError as problem:
            if request.changes or not isinstance(problem, VenueRefused):  # "no such order" answers a question
                self.traffic.errors[type(problem).__name__] += 1
            raise

    async def sync_clock(self) -> None:
        """Measure the venue's clock anew; raises as `ServerClock.sync` does. Who comes meanwhile shares the result."""
        asked_at = time.monotonic()
        async with self._syncing:
            if self._synced_at < asked_at:
                await self.clock.sync(self._server_ms)
                self._synced_at = time.monotonic()

    async def keep_clock(self, every_s: float = SYNC_EVERY_S) -> None:
        """Measure the clock again and again. Ends when it is cancelled, or with `VenueClosed` for one too wrong."""
        while True:
            await self._pause(every_s)
            try:
                await self.sync_clock()
            except (TransportError, RateLimited) as problem:
                self.traffic.errors[f"{type(problem).__name__} of the clock"] += 1

    async def _call(self, request: Request) -> bytes:
        if request.keyed and not self._is_named:
            raise VenueClosed(
                f"{request.path} is told to holders of an API key only, and none is set; set BINANCE_API_KEY to one of"
                " this venue (it needs no right but reading, and no secret for this)"
            )
        if request.signed and not self.clock.is_synced:
            await self._resync(request)
        resynced, attempts = False, 1
        while True:
            try:
                return await self._attempt(request)
            except _ClockError as problem:
                # The venue looks at the time before anything else: whatever was asked was not done.
                if resynced:
                    raise problem.refusal from None
                resynced = True
                await self._resync(request)
            except TransportError as problem:
                if request.changes:
                    raise
                if attempts >= self._attempts:
                    raise TransportError(f"{problem} ({self._attempts} times); ask again later") from None
                grown = BACKOFF_S * 2 ** (attempts - 1)
                attempts += 1
                await self._pause(self._chance.uniform(grown / 2, grown))
            self.traffic.again += 1

    async def _attempt(self, request: Request) -> bytes:
        """Once over the wire. Raises `_ClockError` too."""
        taken = await self._allowance(request)
        headers = None
        try:
            answer = await self._http.send(request.method, request.path, self._query(request))
            headers = answer.headers
        finally:
            self.ledger.settle(taken, headers)
        verdict = judge(self.product, answer, self.clock.now_ms())
        if verdict is None:
            return answer.body
        if verdict.meaning is Meaning.CLOCK:
            raise _ClockError(verdict.error)
        if verdict.meaning is Meaning.NOT_ACCEPTED and not request.changes:
            raise NotSent(str(verdict.error))
        if isinstance(verdict.error, RateLimited) and verdict.meaning is not Meaning.NOT_ACCEPTED:
            self.ledger.stop(
                verdict.error.retry_after_s, is_ban=verdict.error.is_ban,
                orders_only=verdict.meaning is Meaning.TOO_MANY_ORDERS,
            )  # fmt: skip
        raise verdict.error

    async def _allowance(self, request: Request) -> Taken:
        patience_s = 0.0 if request.changes else self._patience_s
        while True:
            try:
                return self.ledger.take(request.weight, request.orders, urgent=request.urgent)
            except RateLimited as problem:
                wait_s = max(WAIT_MIN_S, problem.retry_after_s)
                if wait_s > patience_s:
                    raise
            patience_s -= wait_s
            await self._pause(wait_s)

    def _query(self, request: Request) -> str:
        if not request.signed:
            return encoded(request.params)
        if self._signer is None:
            raise InvariantError(f"{request.method} {request.path} is signed, and there is no key")
        return signed_query(request.params, self._signer, self.recv_window_ms, self.clock.now_ms())

    async def _resync(self, request: Request) -> None:
        try:
            await self.sync_clock()
        except TransportError as problem:
            raise NotSent(f"{request.path}: the venue's clock cannot be read: {problem}") from None

    async def _server_ms(self) -> int:
        """The venue's time, asked once. Raises `TransportError` for what is none."""
        try:
            body = await self._attempt(Request("GET", TIME_PATHS[self.product], signed=False, urgent=True))
            return msgspec.json.decode(body, type=_ServerTime).serverTime
        except msgspec.DecodeError as problem:
            raise TransportError(f"{TIME_PATHS[self.product]}: not a time: {problem}") from None
        except _ClockError as problem:
            raise problem.refusal from None


def encoded(params: Mapping[str, str]) -> str:
    """Percent-encoded in UTF-8, in their order; a space is %20."""
    return urlencode(params, quote_via=quote, safe="")


def signed_query(params: Mapping[str, str], signer: Signer, recv_window_ms: int, now_ms: int) -> str:
    """As it is sent, which is as it is signed: encoded first, the signature last."""
    payload = encoded({**params, "recvWindow": str(recv_window_ms), "timestamp": str(now_ms)})
    return f"{payload}&signature={quote(signer.sign(payload), safe='')}"
