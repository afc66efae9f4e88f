"""How long the HTTP server keeps a connection on which nothing is asked."""

import asyncio

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from petrosa.surfaces.api.serve import serving

ASK = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
APP = Starlette(routes=[Route("/", lambda _: Response(b"here"))])


async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(ASK)
    assert (await reader.readuntil(b"here")).startswith(b"HTTP/1.1 200")


async def test_an_idle_connection_ends_when_its_time_is_over() -> None:
    """At once where that is no time at all; otherwise a second request finds it open."""
    async with asyncio.timeout(30), serving(APP, "127.0.0.1", 0, idle_s=0) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        await answered(reader, writer)
        assert b"" == await reader.read()
        writer.close()
    async with asyncio.timeout(30), serving(APP, "127.0.0.1", 0, idle_s=60) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        await answered(reader, writer)
        await answered(reader, writer)
        writer.close()
