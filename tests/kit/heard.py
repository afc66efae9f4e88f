"""A subscriber that remembers, and can be waited for without sleeping."""

import asyncio
from collections.abc import Callable


class Heard:
    """Collects messages as a handler; `until(n)` returns when there are n of them."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self._changed = asyncio.Event()

    def __call__(self, subject: str, data: bytes) -> None:
        self.messages.append((subject, data))
        self._changed.set()

    @property
    def data(self) -> list[bytes]:
        return [data for _, data in self.messages]

    async def until(self, count: int) -> None:
        await self.until_true(lambda: len(self.messages) >= count)

    async def until_true(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self._changed.clear()
                await self._changed.wait()
