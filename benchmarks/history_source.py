"""The server of history that the tests have, which works out each answer once: what is measured is who asks."""

import asyncio

from aiohttp import web
from tests.kit.history_server import HistoryServer, history_server


class KnownHistory(HistoryServer):
    """Without an allowance worth mentioning, so that nobody waits for it."""

    def __init__(self) -> None:
        super().__init__(limit=10_000_000)
        self._known: dict[str, str] = {}

    async def _klines(self, request: web.Request) -> web.Response:
        question = request.query_string
        if question not in self._known:
            self._known[question] = (await super()._klines(request)).text or ""
        return web.Response(text=self._known[question])


async def main() -> None:
    """Serve until it is killed; says its address first."""
    async with history_server(KnownHistory()) as url:
        print(url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
