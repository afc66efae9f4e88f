"""Rows on their way into the store: written while the next are fetched, in order, with no hole between them."""

import asyncio
from collections.abc import Sequence

import pytest

from petrosa.apps.extracting.tools import Batches
from petrosa.errors import StorageError, TransportError


class Store:
    """Keeps what it is given when it may go on; fails from the batch `bad` on."""

    def __init__(self, bad: int = 99) -> None:
        self.kept: list[list[int]] = []
        self.begun = 0
        self.at_once = 0
        self.may_go_on = asyncio.Event()
        self._bad = bad

    async def put(self, rows: Sequence[int]) -> None:
        self.begun += 1
        self.at_once += 1
        assert self.at_once == 1
        await self.may_go_on.wait()
        self.at_once -= 1
        if len(self.kept) >= self._bad:
            raise StorageError("full")
        self.kept.append(list(rows))


async def test_rows_are_written_while_the_next_are_fetched() -> None:
    store = Store()
    async with Batches(store.put, 2) as batches:
        await batches.add([1])
        await batches.add([2, 3])
        await batches.add([4])  # returns, though nothing is written yet
        await asyncio.sleep(0)
        assert store.begun == 1
        store.may_go_on.set()
    assert store.kept == [[1, 2, 3], [4]]


async def test_no_more_than_one_batch_waits_for_the_store() -> None:
    store = Store()
    async with Batches(store.put, 1) as batches:
        await batches.add([1])
        second = asyncio.create_task(batches.add([2]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not second.done()
        store.may_go_on.set()
        await second
    assert store.kept == [[1], [2]]


async def test_what_was_fetched_before_the_venue_went_away_is_written() -> None:
    store = Store()
    store.may_go_on.set()

    async def job() -> None:
        async with Batches(store.put, 2) as batches:
            await batches.add([1, 2])
            await batches.add([3])
            raise TransportError("the venue is away")

    with pytest.raises(TransportError):
        await job()
    assert store.kept == [[1, 2], [3]]


async def test_nothing_is_written_behind_a_batch_that_failed() -> None:
    store = Store(bad=1)
    store.may_go_on.set()

    async def job() -> None:
        async with Batches(store.put, 1) as batches:
            for row in range(5):
                await batches.add([row])

    with pytest.raises(StorageError):
        await job()
    assert store.kept == [[0]]


async def test_who_is_cancelled_leaves_no_write_behind() -> None:
    store = Store()

    async def job() -> None:
        async with Batches(store.put, 1) as batches:
            await batches.add([1])
            await asyncio.Event().wait()

    task = asyncio.create_task(job())
    while not store.begun:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert {asyncio.current_task()} == asyncio.all_tasks()
    assert store.kept == []
