"""Live feeds before an exchange that plays real recordings and misbehaves: what comes out is what happened there."""

import asyncio
import threading
import time

import pytest

from petrosa.adapters.venues.binance.paper.outlet import BACKLOG_MAX
from tests.kit.feed_campaign import DEEP, STORM, Campaign, campaign
from tests.kit.feed_process import Size
from tests.kit.played_exchange import played, top
from tests.kit.recordings import recording_dir
from tests.kit.soak import SOAKING, sample

pytestmark = pytest.mark.recordings

WHOLE_S = 600.0
STORM_S = sample(12.0, 60.0)
SILENT_S = 12.0
STALE_S = (8.0, 13.0)
"""A book is overdue after ten seconds, a trade stream of a symbol that is silent altogether too; it is looked twice a
second, and the clock of the test begins when the fault is set."""
BACK_S = 10.0
SPEED = sample(2.0, 0.75)
HELD_MAX = 5_000
SETTLE_S = 1.0
"""By then a hole that the storm has left is seen: a stream speaks about as often."""
WARM_S = sample(0.0, 120.0)
GROWN_MAX = Size(4 << 20, sample(6_000, 20_000))
"""By how much the feeds' process may grow once it is warm. In half a minute it hears some 10,000 frames, and to keep
something of every second one is more than that; in ten minutes to keep something of every twentieth."""


async def test_every_trade_once_and_books_that_equal_the_venues() -> None:
    """Storms of faults, silence, breaks; then everything stands still and is compared to the last row."""
    threads, seed = set(threading.enumerate()), sample(7, int(time.time()))
    with played([recording_dir("spot"), recording_dir("usdm")], SPEED) as exchange:
        async with campaign(exchange, seed) as run:
            try:
                await play(run)
            finally:
                print(f"seed {seed}", *run.report(), sep="\n")  # noqa: T201 - for who runs it with -s
            await compare(run)
        async with asyncio.timeout(5.0):
            while exchange.connections.count:
                await asyncio.sleep(0.01)
        assert not any(hub.listeners() for hub in exchange.venue.hubs.values())
    assert {asyncio.current_task()} == asyncio.all_tasks()
    assert threads == set(threading.enumerate())


async def play(run: Campaign) -> None:
    """Once in `make test`, again and again for ten minutes in a soak."""
    began = time.monotonic()
    await run.until(lambda one: one.is_whole, BACK_S, "whole at the beginning")
    run.warm = len(run.sizes)
    while True:
        await run.storm(STORM_S)
        run.figures["ms until whole"] = round(1_000 * await run.until(lambda one: one.is_whole, BACK_S, "whole again"))
        await asyncio.sleep(SETTLE_S)
        await run.until(lambda one: one.is_whole, BACK_S, "whole when it has settled")
        ages = await run.silence(SILENT_S)
        assert 4 == sum("depth" in stream for stream in ages), run.silent
        assert all(STALE_S[0] <= age <= STALE_S[1] for age in ages.values()), ages
        await run.until(lambda one: one.is_whole, BACK_S, "whole after silence")
        await run.breaks()
        await run.until(lambda one: one.is_whole, BACK_S, "whole after a break")
        if time.monotonic() - began < WARM_S:
            run.warm = len(run.sizes)
        if not SOAKING or time.monotonic() - began > WHOLE_S:
            return


async def compare(run: Campaign) -> None:
    await run.standstill(BACK_S)
    assert [] == run.wrong[:3]
    assert run.figures["books compared"] > 500
    for follower in run.followers.values():
        assert [] == follower.lost
        assert follower.seen.counts["trade filled"] > 10
        for key, book in follower.books.items():
            truth, heard = run.truth(key), follower.prints[key]
            first = next(place for place, one in enumerate(truth) if one[0] == heard[0][0])
            assert truth[first:] == heard
            assert len(heard) > 30
            assert top(run.exchange.truth.books[key], DEEP) == top(book, DEEP)
    assert run.most["trades held back"] < HELD_MAX
    assert run.most["frames waiting"] < BACKLOG_MAX
    grown = run.grown()
    assert grown.resident < GROWN_MAX.resident, run.sizes[::20]
    assert grown.blocks < GROWN_MAX.blocks, run.sizes[::20]
    assert [] == [fault["kind"] for fault in STORM if not run.figures[str(fault["kind"])]]
