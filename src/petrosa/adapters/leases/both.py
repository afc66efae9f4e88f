"""The lease of an account's name and that of its API key, as one: nothing is sent without both."""

import asyncio

from petrosa.ports import Lease


class BothLeases:
    """Implements `ports.Lease`. The name comes first, and who does not get the key lets go of the name."""

    def __init__(self, name: Lease, key: Lease) -> None:
        self._name = name
        self._key = key

    @property
    def token(self) -> int:
        return self._name.token

    async def acquire(self) -> None:
        await self._name.acquire()
        keeping = asyncio.ensure_future(self._name.run())
        taking = asyncio.ensure_future(self._key.acquire())
        try:
            await asyncio.wait((keeping, taking), return_when=asyncio.FIRST_COMPLETED)
            for ended in (taking, keeping):
                if ended.done():
                    return ended.result()
        except BaseException:
            await self._name.release()
            raise
        finally:
            for task in (taking, keeping):
                task.cancel()
            await asyncio.gather(taking, keeping, return_exceptions=True)

    def why_not(self) -> str:
        return self._name.why_not() or self._key.why_not()

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._name.run())
                group.create_task(self._key.run())
        except BaseExceptionGroup as both:
            raise both.exceptions[0] from None

    async def release(self) -> None:
        await self._key.release()
        await self._name.release()
