"""Time of a run: the wall's, or the run's own at a pace."""

import asyncio
import math

from petrosa.core.model.base import NS_PER_SECOND
from petrosa.runtime.clocks import VirtualClock, WallClock


def test_the_wall_never_runs_back() -> None:
    """Two looks at the wall are in order."""
    clock = WallClock()
    assert clock.now() <= clock.now()


def test_time_goes_on_when_the_wall_is_set_back() -> None:
    """At nine tenths of its pace, until the wall has caught up: what is due in a second does not wait for an hour."""
    walls = iter((1_000_000, 990_000, 990_010, 1_000_100, 1_020_000))
    steadies = iter((50, 50, 60, 70, 10_070, 20_070))
    clock = WallClock(lambda: next(walls), lambda: next(steadies))
    assert [1_000_000, 1_000_009, 1_000_018, 1_009_018, 1_020_000] == [clock.now() for _ in range(5)]


async def test_a_time_that_has_come_is_not_waited_for() -> None:
    """Sleeping until the past returns at once, on either clock."""
    await asyncio.wait_for(WallClock().sleep_until(0), 1.0)
    clock = VirtualClock(1.0)
    clock.start(100)
    await asyncio.wait_for(clock.sleep_until(100), 1.0)


def test_without_a_pace_only_events_make_time_pass() -> None:
    """An unpaced clock shows the last event's time and never asks anyone to wait."""
    clock = VirtualClock(math.inf)
    clock.start(1_000)
    assert clock.now() == 1_000
    clock.reached(2_000)
    assert (clock.now(), clock.seconds_until(10**18)) == (2_000, 0.0)


async def test_speed_divides_the_wait() -> None:
    """At a million times the wall's speed, a quarter of an hour is over at once."""
    clock = VirtualClock(1e6)
    clock.start(0)
    assert clock.seconds_until(900 * NS_PER_SECOND) <= 900e-6
    await asyncio.wait_for(clock.sleep_until(900 * NS_PER_SECOND), 5.0)
    assert clock.now() >= 900 * NS_PER_SECOND
