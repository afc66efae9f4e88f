"""A real NATS server for tests: started by the same code as `petrosa broker`, on a free loopback port."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from petrosa.apps.broker import Broker, start_broker
from tests.kit.ending import ends_with_its_test


class Server:
    """A server that a test may kill and bring back on the same port, with what its streams hold."""

    def __init__(self, home: Path, jetstream: bool = True) -> None:
        self._home = home
        self._jetstream = jetstream
        self._broker: Broker | None = None
        self.url = ""

    async def start(self) -> str:
        port = int(self.url.rpartition(":")[2]) if self.url else 0
        self._broker = await start_broker(self._home, port=port, jetstream=self._jetstream)
        ends_with_its_test(self._broker.process)
        self.url = self._broker.url
        return self.url

    @property
    def process(self) -> asyncio.subprocess.Process | None:
        return self._broker.process if self._broker is not None else None

    async def kill(self) -> None:
        """As when the machine loses power: no goodbye."""
        assert self._broker is not None
        self._broker.process.kill()
        await self._broker.process.wait()

    async def stop(self) -> None:
        if self._broker is not None:
            await self._broker.stop()


@contextmanager
def session_server(home: Path) -> Iterator[str]:
    """A server for a whole test session, in an event loop that runs only while it starts and stops."""
    with asyncio.Runner() as runner:
        broker = runner.run(start_broker(home))
        try:
            yield broker.url
        finally:
            runner.run(broker.stop())
