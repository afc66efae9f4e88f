"""The server of history and, on the next port, the archive of its past, whose files are made when they are asked for.

    PYTHONPATH=src:. python -m tests.kit.history_venue 8099 2026-02-01T06:00

Its time stands, so that whoever asks is answered the same every time.
"""

import asyncio
import contextlib
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

from tests.kit.archive import Archive
from tests.kit.history_server import MS, HistoryServer, hosted

SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT")
FILE = re.compile(
    r"data/futures/um/(?P<period>monthly|daily)/(?P<kind>klines|aggTrades)/(?P<symbol>\w+)/(?:(?P<interval>\w+)/)?"
    r"(?P=symbol)-\w+-(?P<name>\d{4}-\d\d(?:-\d\d)?)\.zip"
)


def archive_app(server: HistoryServer, folder: Path) -> web.Application:
    """Futures: bars by the month and day, trades by the day."""
    archive = Archive(folder, server)

    async def file(request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        found = FILE.fullmatch(path.removesuffix(".CHECKSUM"))
        if found is not None and not (folder / path).exists():
            await asyncio.to_thread(make, archive, found)
        if not (folder / path).exists():
            raise web.HTTPNotFound
        return web.FileResponse(folder / path)

    files = web.Application()
    files.router.add_get("/{path:.*}", file)
    return files


def make(archive: Archive, asked: re.Match[str]) -> None:
    """The file, where its time is over."""
    server, begin = archive.server, datetime.fromisoformat(f"{asked['name']}-01"[:10]).replace(tzinfo=UTC)
    is_month = asked["period"] == "monthly"
    end = (begin.replace(day=28) + timedelta(days=4)).replace(day=1) if is_month else begin + timedelta(days=1)
    since, until = (round(one.timestamp()) * 1_000 for one in (begin, end))
    if asked["symbol"] not in server.symbols or since < server.listed or until > server.now:
        return
    if asked["kind"] == "klines":
        archive.klines(asked["symbol"], asked["interval"], asked["period"], asked["name"], since, until)
    elif not is_month:
        first, last = ((ts - server.listed) // 10_000 for ts in (since, until))
        archive.trades(asked["symbol"], asked["name"], range(first, last))


class Venue(NamedTuple):
    """Addresses, and what the server of history has been asked."""

    rest: str
    archive: str
    server: HistoryServer


@asynccontextmanager
async def history_venue(now: str, port: int = 0) -> AsyncIterator[Venue]:
    """Both on the network at a moment (UTC) that does not pass."""
    stands = round(datetime.fromisoformat(now).replace(tzinfo=UTC).timestamp()) * 1_000 * MS
    server = HistoryServer(symbols=SYMBOLS, clock=lambda: stands, limit=10_000_000)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        rest = await stack.enter_async_context(hosted(server.app(), port))
        archive = await stack.enter_async_context(hosted(archive_app(server, folder), port + 1 if port else 0))
        yield Venue(rest, archive, server)


async def main(port: int, now: str) -> None:
    """Serve until it is killed."""
    async with history_venue(now, port) as venue:
        print(venue.rest, venue.archive, flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
