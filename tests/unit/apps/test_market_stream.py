"""A stream that is read ahead hands out every message once and in order, and ends as the stream does."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from petrosa.apps.market_stream import AHEAD_MAX, Ahead, Facts
from petrosa.errors import TransportError


class Stream:
    """`count` messages; then it ends, fails, or is closed."""

    def __init__(self, count: int, end: Exception | bool | None = True) -> None:
        self.given = 0
        self._count = count
        self._end = end

    async def next(self) -> Facts | None:
        if self.given == self._count:
            if isinstance(self._end, Exception):
                raise self._end
            return None
        self.given += 1
        return Facts(self.given, [], ended=self._end is True and self.given == self._count)


async def everything(ahead: Ahead) -> AsyncIterator[int]:
    while (facts := ahead.at_hand() or await ahead.get()) is not None:
        yield facts.sequence


@pytest.mark.parametrize("end", [True, None])
async def test_all_of_a_recording_and_then_nothing(end: bool | None) -> None:
    """Whether its end is said or the bus is closed; asked again there is still nothing."""
    count = 3 * AHEAD_MAX + 5
    async with Ahead(Stream(count, end)) as ahead:  # type: ignore[arg-type]
        assert list(range(1, count + 1)) == [sequence async for sequence in everything(ahead)]
        assert await ahead.get() is None


async def test_no_further_than_it_may() -> None:
    """A reader who does not take keeps the stream from being read."""
    stream = Stream(10 * AHEAD_MAX)
    async with Ahead(stream) as ahead:  # type: ignore[arg-type]
        assert await ahead.get() is not None
        for _ in range(10):
            await asyncio.sleep(0)
        assert AHEAD_MAX == stream.given


async def test_a_reading_that_fails_fails_who_reads_on() -> None:
    """After the messages that came before it."""
    async with Ahead(Stream(2, TransportError("gone"))) as ahead:  # type: ignore[arg-type]
        assert [1, 2] == [(await ahead.get()).sequence for _ in range(2)]  # type: ignore[union-attr]
        with pytest.raises(TransportError, match="gone"):
            await ahead.get()
