"""Connections are opened no more often than a venue allows, whatever happens to them."""

import asyncio

import pytest

from petrosa.adapters.net.attempts import ATTEMPTS_MAX, WINDOW_S, Attempts
from petrosa.adapters.net.websocket import PACE, Kept, Wire
from petrosa.errors import RateLimited, TransportError


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def test_the_next_one_waits_until_the_first_is_forgotten() -> None:
    clock = Clock()
    attempts = Attempts(3, 300.0, lambda: clock.now)
    for _ in range(3):
        attempts.take()
        clock.now += 10.0
    with pytest.raises(RateLimited, match=r"3 connections were opened in 300 s, the most that may be") as limited:
        attempts.take()
    assert 270.0 == limited.value.retry_after_s
    clock.now += limited.value.retry_after_s
    attempts.take()


async def test_a_storm_of_losses_stays_within_what_a_venue_allows() -> None:
    """Thirty connections to a venue that is away for an hour, without a second of waiting."""
    clock = Clock()
    attempts, at = Attempts(clock=lambda: clock.now), list[float]()
    done = asyncio.Event()

    async def dial() -> Wire:
        attempts.take()
        at.append(clock.now)
        if clock.now > 4_600.0:
            done.set()
        raise TransportError("away")

    def kept(number: int) -> Kept:
        return Kept(
            f"{number}", dial, lambda _message, _arrival: None, up=lambda _first: None, down=lambda _why: None,
            pace=PACE, sleep=clock.sleep, chance=lambda: 0.5,
        )  # fmt: skip

    tasks = [asyncio.create_task(kept(number).run()) for number in range(30)]
    await done.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(at) > 100
    for first, later in zip(at, at[ATTEMPTS_MAX:], strict=False):
        assert later - first >= WINDOW_S
