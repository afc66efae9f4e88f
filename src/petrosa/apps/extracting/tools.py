"""What every job of extraction works with: the store, the sources, and how far it is."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Sequence
from types import TracebackType
from typing import Any, Final, Generic, Literal, Self, TypeVar

import msgspec

from petrosa.adapters.venues.binance.history.archive import Archive
from petrosa.adapters.venues.binance.history.rest import RestHistory
from petrosa.apps.extracting.results import Result
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.errors import DataError, PetrosaError, RateLimited, StorageError
from petrosa.ports import KlineStore
from petrosa.surfaces.cli.progress import Work

Source = Literal["rest", "archive", "auto"]
STORE_ATTEMPTS: Final = 4
STORE_PAUSE_S: Final = 0.25
DAY_NS: Final = 86_400 * NS_PER_SECOND

Row = TypeVar("Row")
T = TypeVar("T")


class Tools(msgspec.Struct, frozen=True):
    """`horizon` is the venue's time (ns) at the beginning of the job: what was not over then is not asked for.

    `rest` is none where only the archive is wanted, `archive` where only REST is.
    """

    market: str
    store: KlineStore
    rest: RestHistory | None
    archive: Archive | None
    source: Source
    horizon: int
    work: Work
    recheck_ns: int
    workers: int
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep


async def write(
    tools: Tools, put: Callable[[Sequence[Row]], Awaitable[int]], rows: Sequence[Row], result: Result,
    refuse: Callable[[Row, str], None],
) -> None:  # fmt: skip
    """Store rows: all of them, or, where the store cannot keep one exactly, all but that one, which is refused.

    A store that is away is tried a few times; then `StorageError` goes through.
    """
    if not rows:
        return
    try:
        result.written += await _persistently(tools, lambda: put(rows))
        result.fetched += len(rows)
        return
    except DataError as problem:
        if len(rows) == 1:
            refuse(rows[0], str(problem))
            return
    middle = len(rows) // 2
    for part in (rows[:middle], rows[middle:]):
        await write(tools, put, part, result, refuse)


async def _persistently(tools: Tools, action: Callable[[], Awaitable[int]]) -> int:
    for attempt in range(1, STORE_ATTEMPTS):
        try:
            return await action()
        except StorageError:
            await tools.pause(STORE_PAUSE_S * 2**attempt)
    return await action()


class Batches(Generic[Row]):
    """Rows on their way into the store: batch after batch is written while the next is fetched. Use `async with`.

    However fetching ends, what was fetched by then is written, unless the store has failed or we are cancelled: there
    is no hole between what is stored.
    """

    def __init__(self, put: Callable[[Sequence[Row]], Coroutine[Any, Any, None]], size: int) -> None:
        self._put = put
        self._size = size
        self._rows: list[Row] = []
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, problem: BaseException | None, __: TracebackType | None
    ) -> None:  # fmt: skip
        if problem is None or isinstance(problem, PetrosaError):
            await self._begin()
            await self._end()
        elif self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)

    async def add(self, rows: Sequence[Row]) -> None:
        """Take rows, which go on where the last have ended. Raises what writing earlier ones has come to."""
        self._rows += rows
        if len(self._rows) >= self._size:
            await self._begin()

    async def _begin(self) -> None:
        await self._end()
        rows, self._rows = self._rows, []
        if rows:
            self._writing = asyncio.create_task(self._put(rows))

    async def _end(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            try:
                await writing
            except BaseException:
                self._rows = []  # they would leave a hole before them
                raise


async def in_order(calls: Iterable[Coroutine[Any, Any, T]], ahead: int) -> AsyncGenerator[T, None]:
    """The results of calls in their order, `ahead` of them under way at a time. Use it with `aclosing`."""
    under_way: deque[asyncio.Task[T]] = deque()
    try:
        for call in calls:
            under_way.append(asyncio.create_task(call))
            if len(under_way) >= ahead:
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def each(tools: Tools, jobs: Sequence[tuple[Result, Coroutine[Any, Any, None]]]) -> list[Result]:
    """Run the jobs of several series, `workers` at a time. What fails is told in its result; a ban ends everything."""
    seats = asyncio.Semaphore(tools.workers)

    async def one(result: Result, job: Coroutine[Any, Any, None]) -> Result:
        line = tools.work.begin(result.name)
        began = asyncio.get_running_loop().time()
        try:
            async with seats:
                began = asyncio.get_running_loop().time()
                await job
        except RateLimited as problem:
            if problem.is_ban:
                raise
            result.errors.append(str(problem))
        except PetrosaError as problem:
            result.errors.append(str(problem))
        finally:
            job.close()
            result.elapsed_s = round(asyncio.get_running_loop().time() - began, 3)
        line.is_over = True
        return result

    tasks = [asyncio.create_task(one(result, job)) for result, job in jobs]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
