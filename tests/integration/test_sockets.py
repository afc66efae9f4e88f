"""A connection by either library, frame by frame: what is whole, what is too much, and how it ends."""

import asyncio
import socket
import struct
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection

from petrosa.adapters.net import aiohttp_socket, market_socket, picows_socket
from petrosa.adapters.net.aiohttp_socket import AiohttpSocket
from petrosa.adapters.net.picows_socket import PicowsSocket
from petrosa.adapters.net.websocket import MESSAGE_MAX, Wire
from petrosa.errors import RateLimited, TransportError
from tests.kit.sockets import Noticed, hosted, raw, upgraded

Dial = Callable[[str], Awaitable[Wire]]
BOTH = pytest.mark.parametrize("dial", [aiohttp_socket.dial_alone, picows_socket.dial], ids=["aiohttp", "picows"])
LONG_FRAME = struct.pack("!BBQ", 0x81, 127, MESSAGE_MAX + 1)


class Listener:
    """Everything that a connection tells; an end as ("ended", why), a mistake as ("failed", it)."""

    def __init__(self) -> None:
        self.told = Noticed()

    def heard(self, message: bytes) -> None:
        if message == b"stumble":
            raise ZeroDivisionError("our own")
        self.told.add(message)

    def ended(self, reason: str) -> None:
        self.told.add("ended", reason)

    def failed(self, mistake: Exception) -> None:
        self.told.add("failed", type(mistake))


@asynccontextmanager
async def heard_on(dial: Dial, url: str) -> AsyncIterator[tuple[Listener, Wire]]:
    wire, listener = await dial(url), Listener()
    wire.listen(listener)
    try:
        yield listener, wire
    finally:
        await wire.close()


@BOTH
async def test_what_came_before_anybody_listened_is_told_first(dial: Dial) -> None:
    async def greet(connection: ServerConnection) -> None:
        await connection.send("a")
        await connection.send(b"b")

    async with hosted(greet) as host:
        wire, listener = await dial(host.url), Listener()
        await (await host.connection(1)).ping()
        wire.listen(listener)
        await (await host.connection(1)).send("c")
        await listener.told.until(lambda all_: len(all_) == 3)
        assert [b"a", b"b", b"c"] == listener.told.all
        assert wire.signs >= 3
        await wire.ready()
        await wire.close()


@BOTH
async def test_a_message_in_fragments_is_one_message(dial: Dial) -> None:
    """Also with a ping between its parts, which is answered with what it holds."""
    async with hosted() as host, heard_on(dial, host.url) as (listener, wire):
        connection = await host.connection(1)
        await connection.send(["one ", "and ", "all"])
        await connection.send([b"1", b"2"])
        async with asyncio.timeout(5.0):
            await (await connection.ping(b"there?"))
        await wire.ping()
        await wire.send(b"said")
        await connection.send("end")
        await listener.told.until(lambda all_: len(all_) == 3)
        assert [b"one and all", b"12", b"end"] == listener.told.all
        await host.said.until(lambda all_: all_ == ["said"])


@BOTH
async def test_frames_cut_anywhere_are_whole_again(dial: Dial) -> None:
    """A ping stands between the fragments of a message."""
    text = b"x" * 300
    stream = b"\x81\x03abc" + b"\x01\x02de\x89\x02hi\x80\x01f" + struct.pack("!BBH", 0x81, 126, 300) + text
    pieces = [stream[at : at + 1] for at in range(len(stream))]
    async with raw(b"", *pieces) as url, heard_on(dial, url) as (listener, _):
        await listener.told.until(lambda all_: len(all_) == 3)
        assert [b"abc", b"def", text] == listener.told.all


@BOTH
@pytest.mark.parametrize(
    "stream",
    [
        LONG_FRAME,
        struct.pack("!BBQ", 0x01, 127, MESSAGE_MAX) + b"x" * MESSAGE_MAX + b"\x80\x01x",
        b"\x01\x01a\x81\x01b",
        b"\x80\x01a",
        b"\x83\x00",
    ],
    ids=["long frame", "long in parts", "one inside of another", "no beginning", "no such kind"],
)
async def test_what_is_no_message_ends_the_connection(dial: Dial, stream: bytes) -> None:
    """And is told with a reason, not handed on."""
    async with raw(b"", stream) as url, heard_on(dial, url) as (listener, _):
        await listener.told.until(lambda all_: len(all_) >= 1)
        kind, reason = listener.told.all[0]
        assert "ended" == kind
        assert reason.startswith("the connection ended")


@BOTH
@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1008, "too many messages"), (4096, "its own")])
async def test_a_goodbye_is_told_with_its_code(dial: Dial, code: int, reason: str) -> None:
    async with hosted() as host, heard_on(dial, host.url) as (listener, wire):
        await (await host.connection(1)).close(code, reason)
        await listener.told.until(lambda all_: len(all_) >= 1)
        kind, words = listener.told.all[0]
        assert "ended" == kind
        assert words.startswith(f"the connection ended with code {code}")
        with pytest.raises(TransportError):
            await wire.send(b"too late")


@BOTH
async def test_a_mistake_of_ours_is_told_as_one(dial: Dial) -> None:
    async with hosted() as host, heard_on(dial, host.url) as (listener, _):
        await (await host.connection(1)).send("stumble")
        await listener.told.until(lambda all_: all_ == [("failed", ZeroDivisionError)])


@BOTH
async def test_nobody_is_told_anything_any_more(dial: Dial) -> None:
    async with hosted() as host, heard_on(dial, host.url) as (listener, wire):
        connection = await host.connection(1)
        wire.deafen()
        await connection.send("a")
        await (await connection.ping())
        assert [] == listener.told.all


@BOTH
async def test_a_venue_that_has_had_enough_is_waited_for(dial: Dial) -> None:
    answers = {
        b"429 Too Many Requests\r\nRetry-After: 7": (7.0, False),
        b"418 I'm a teapot\r\nRetry-After: soon": (60.0, True),
    }
    for head, (wait_s, is_ban) in answers.items():
        async with raw(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % head) as url:
            with pytest.raises(RateLimited) as limited:
                await dial(f"{url}/stream?listenKey=secret")
            assert (wait_s, is_ban) == (limited.value.retry_after_s, limited.value.is_ban)
            assert "secret" not in str(limited.value)


@BOTH
@pytest.mark.parametrize("answer", [b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", b"nonsense\r\n\r\n"])
async def test_what_does_not_speak_websocket_is_away(dial: Dial, answer: bytes) -> None:
    async with raw(answer) as url:
        with pytest.raises(TransportError, match=r"ws://127\.0\.0\.1"):
            await dial(url)
    with pytest.raises(TransportError):
        await dial(url)


async def test_public_data_comes_by_picows_where_there_is_picows(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hosted() as host:
        wire = await market_socket.dial(host.url)
        assert isinstance(wire, PicowsSocket)
        await wire.close()
        monkeypatch.delitem(sys.modules, "petrosa.adapters.net.picows_socket")
        monkeypatch.delattr("petrosa.adapters.net.picows_socket")
        monkeypatch.setitem(sys.modules, "picows", None)
        wire = await market_socket.dial(host.url)
        assert isinstance(wire, AiohttpSocket)
        await wire.close()


@BOTH
async def test_what_a_slow_consumer_has_not_heard_waits_at_the_sender(dial: Dial) -> None:
    """Not in our memory: the sender is never further ahead than what the system keeps on the way."""
    frame = struct.pack("!BBH", 0x81, 126, 60_000) + b"x" * 60_000
    count, sent = 2_000, 0
    ahead_max = 0
    server = socket.create_server(("127.0.0.1", 0))

    def flood() -> None:
        nonlocal sent
        client, _ = server.accept()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
        client.sendall(upgraded(client.recv(4_096)))
        for _ in range(count):
            client.sendall(frame)
            sent += 1
        client.recv(1)
        client.close()

    class Slow(Listener):
        def heard(self, message: bytes) -> None:
            nonlocal ahead_max
            ahead_max = max(ahead_max, sent - len(self.told.all))
            self.told.add(len(message))

    thread = threading.Thread(target=flood)
    thread.start()
    wire, listener = await dial(f"ws://127.0.0.1:{server.getsockname()[1]}"), Slow()
    wire.listen(listener)
    await listener.told.until(lambda all_: len(all_) == count)
    assert ahead_max * 60_000 < 32 << 20
    await wire.close()
    thread.join(5.0)
    server.close()
