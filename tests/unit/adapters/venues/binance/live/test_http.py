"""Of every exchange it is known whether it may have left, and none leaves twice."""

import asyncio

import pytest
import uvloop

from petrosa.adapters.net.http import Http
from petrosa.errors import NotSent, OutcomeUnknown
from tests.kit.raw_http import TIMEOUT_S, closed_port, ok, raw_host

METHODS = ("GET", "POST", "PUT", "DELETE")
SIGNED = "symbol=A&signature=SecretSignature"


@pytest.mark.parametrize("method", METHODS)
async def test_a_connection_that_breaks_after_the_request_leaves_it_unknown(method: str) -> None:
    """A kept connection too, on which an HTTP library likes to send what it calls idempotent another time."""
    with raw_host(ok(), None, ok()) as host:
        http = Http(host.url, {})
        await http.send("GET", "/first", "")
        with pytest.raises(OutcomeUnknown, match="after the request had left"):
            await http.send(method, "/api/v3/order", SIGNED)
        await http.send("GET", "/last", "")
        await http.close()
    assert ["GET /first", f"{method} /api/v3/order?{SIGNED}", "GET /last"] == [
        one.split(" HTTP")[0] for one in host.heard
    ]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    ],
)
async def test_half_an_answer_is_none(answer: bytes) -> None:
    """Torn, packed wrongly, or no HTTP at all."""
    with raw_host(answer) as host:
        http = Http(host.url, {})
        with pytest.raises(OutcomeUnknown, match="after the request had left"):
            await http.send("POST", "/api/v3/order", SIGNED)
        await http.close()


async def test_where_nobody_listens_nothing_has_left() -> None:
    http = Http(closed_port(), {})
    with pytest.raises(NotSent, match="Connection refused, before anything had left"):
        await http.send("POST", "/api/v3/order", SIGNED)
    assert (0, 0) == (http.traffic.sent, http.traffic.answered)
    await http.close()


async def test_what_is_said_of_a_failure_holds_no_signature() -> None:
    """Neither in its words nor in what it was caused by, in time or not."""
    with raw_host(None) as host:
        broken, slow = Http(host.url, {}), Http(host.url, {}, timeout_s=0.0001)
        for http in (Http(closed_port(), {}), slow, broken):
            with pytest.raises((NotSent, OutcomeUnknown)) as failed:
                await http.send("GET", "/api/v3/account", SIGNED)
            assert "SecretSignature" not in str(failed.value)
            assert (None, True) == (failed.value.__cause__, failed.value.__suppress_context__)
            await http.close()


async def test_silence_is_unknown_after_its_time() -> None:
    """A host that takes the request and says nothing."""
    heard: list[bytes] = []
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        http = Http(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", {}, timeout_s=0.2)
        with pytest.raises(OutcomeUnknown, match="no answer in time, after the request had left"):
            await http.send("POST", "/api/v3/order", SIGNED)
        await gone.wait()
        await http.close()
    assert 1 == len(heard)


async def test_a_redirection_is_an_answer_and_is_not_followed() -> None:
    """A signed request does not go where somebody points."""
    with raw_host(b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n") as host:
        http = Http(host.url, {})
        assert 307 == (await http.send("POST", "/api/v3/order", SIGNED)).status
        await http.close()


async def test_connections_are_kept_and_counted() -> None:
    """One for requests that follow each other; headers go with each, cookies do not."""
    with raw_host(ok(head="Set-Cookie: a=b\r\n"), ok("[]")) as host:
        http = Http(host.url, {"X-MBX-APIKEY": "TheKey"})
        await http.send("GET", "/1", "")
        answer = await http.send("POST", "/2", "a=%EF%BC%91%2B")
        await http.close()
        await http.close()
    assert (1, b"[]") == (host.connections, answer.body)
    assert "POST /2?a=%EF%BC%91%2B HTTP/1.1" == host.heard[1].splitlines()[0]
    assert all("X-MBX-APIKEY: TheKey" in one and "Cookie" not in one for one in host.heard)
    assert (2, 2) == (http.traffic.sent, http.traffic.answered)
    assert 0 < http.traffic.last_s < http.traffic.total_s
    with pytest.raises(NotSent, match="closed by us"):
        await http.send("GET", "/3", "")


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_what_is_told_as_written_is_on_its_way(loop: object) -> None:
    """The loop stands still while it is told, and the host has the whole request nevertheless."""
    assert callable(loop)
    with raw_host(ok()) as host:
        told: list[bool] = []

        async def run() -> None:
            http = Http(host.url, {}, on_written=lambda: told.append(host.arrived.wait(TIMEOUT_S)))
            await http.send("POST", "/api/v3/order", SIGNED)
            await http.close()

        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(run())
    assert [True] == told
