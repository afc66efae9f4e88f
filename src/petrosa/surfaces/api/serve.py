"""Serve an application inside our own event loop, from when it is needed until the run is over."""

import asyncio
import contextlib
import errno
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Final

import structlog
import uvicorn
from starlette.types import ASGIApp

from petrosa.errors import ConfigError

GRACE_S = 2
"""How long an open connection may hold up the end of a run."""
IDLE_S: Final = 5
DESK: Final = (
    "everybody who reaches this address reads health, counters and /info; configuration and market metrics too, until a"
    " key exists (petrosa keys create); nothing is changed without one"
)
"""What a desk answers whom, where it is open to the network."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers (the run has its own), that tells when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, listen: str, port: int, *, or_free: bool = False, protocol: type[asyncio.Protocol] | None = None,
    websockets: bool = False, answers: str = DESK, idle_s: int = IDLE_S,
) -> AsyncIterator[str]:  # fmt: skip
    """The address of the running server, for example `http://127.0.0.1:8080`; it stops when the block ends.

    `or_free` takes any free port when `port` is taken, `protocol` is another HTTP protocol than uvicorn's choice,
    `websockets` serves those too (the extra `paper`), `answers` is said where the address is an open one, and `idle_s`
    is how long a connection without a request stays open. Raises `ConfigError` when the address cannot be bound.
    """
    warn_if_open(listen, answers)
    bound = bind(listen, port, or_free=or_free)
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        http=protocol or "auto",
        ws="websockets-sansio" if websockets else "none",
        timeout_keep_alive=idle_s,
        timeout_graceful_shutdown=GRACE_S,
        proxy_headers=False,  # a header must not decide who the peer is: loopback may do what others may not
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([bound]), name="http")
    up = asyncio.create_task(server.up.wait())
    try:
        await asyncio.wait({task, up}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
            raise ConfigError(f"the HTTP server ended at once on {listen}:{port}; try another --port")
        yield url_of(bound)
    finally:
        up.cancel()
        server.should_exit = True
        await task
        bound.close()


def bind(listen: str, port: int, *, or_free: bool = False) -> socket.socket:
    """A bound socket. Raises `ConfigError` with the remedy when it cannot be had."""
    family = socket.AF_INET6 if ":" in listen else socket.AF_INET
    # The protocol is named because asyncio lets only a socket that says TCP send small answers without delay.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((listen, port))
        bound.listen(128)
        return bound
    except OSError as problem:
        bound.close()
        if problem.errno == errno.EADDRINUSE and or_free and port:
            return bind(listen, 0)
        taken = "is taken" if problem.errno == errno.EADDRINUSE else f"cannot be bound ({problem.strerror})"
        raise ConfigError(
            f"http: {listen}:{port} {taken}; choose another with --port, or --port 0 for a free one"
        ) from None


def url_of(bound: socket.socket) -> str:
    """The address a person can open."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def warn_if_open(listen: str, answers: str = DESK) -> None:
    """Say so when the surface can be reached from elsewhere, and what it answers whom."""
    try:
        loopback = ipaddress.ip_address(listen).is_loopback
    except ValueError:
        loopback = listen == "localhost"
    if not loopback:
        log = structlog.get_logger("petrosa.http")
        log.warning(f"HTTP is open to the network, unencrypted: {answers}", listen=listen)
