"""At most one process may send for an account, whatever is done to it, and each holder's token is greater."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from petrosa.ports import Lease
from tests.kit.leasing import TTL_S, Sender, a_lease, kept
from tests.kit.nats import Server


class Place(NamedTuple):
    """Where leases of one kind are, and how to make one here or in a process of its own."""

    kind: str
    lease: Callable[..., Awaitable[Lease]]
    sender: Callable[[str], Awaitable[Sender]]


@pytest.fixture(params=["file", "nats"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    async with AsyncExitStack() as stack:
        where = str(tmp_path / "accounts" / "main.lease")
        if request.param == "nats":
            server = Server(tmp_path)
            where = await server.start()
            stack.push_async_callback(server.stop)

        async def lease(name: str, report: Callable[[str], None] = str) -> Lease:
            return await stack.enter_async_context(a_lease(request.param, where, name, report))

        async def sender(name: str) -> Sender:
            made = await Sender(request.param, where, name, tmp_path / f"{name}.txt").start()
            stack.push_async_callback(made.kill)
            return made

        yield Place(request.param, lease, sender)


async def taken(lease: Lease) -> int:
    """When it was taken, by the clock that all processes of this machine share."""
    async with asyncio.timeout(30):
        await lease.acquire()
    return time.monotonic_ns()


async def test_one_holds_and_the_next_waits_for_it(place: Place) -> None:
    """Who waits says for whom, once; what was released is taken at once, by a greater token."""
    said: list[str] = []
    one, other = await place.lease("one"), await place.lease("other", said.append)
    assert (0, True) == (one.token, "not held" in one.why_not())
    async with kept(one):
        assert ("", True) == (one.why_not(), one.token > 0)
        waiting = asyncio.create_task(taken(other))
        async with asyncio.timeout(10):
            while not said:
                await asyncio.sleep(0.01)
        assert "account main is held by one" in said[0]
        assert ("not held" in other.why_not(), waiting.done()) == (True, False)
    await waiting
    assert 1 == len(said)
    assert ("", True) == (other.why_not(), other.token > one.token)
    assert "released" in one.why_not()
    await other.release()
    await other.release()


async def test_a_killed_holder_is_followed_by_another(place: Place) -> None:
    """It said nothing; the next has a greater token, and sends only after the last of the killed one's."""
    first = await place.sender("first")
    await first.until("sent", 50)
    other = await place.lease("other")
    waiting = asyncio.create_task(taken(other))
    await first.until("sent", 150)
    assert not waiting.done()
    first.process.send_signal(signal.SIGKILL)
    at = await waiting
    assert max(first.lines("sent")) < at
    assert first.lines("held")[0] < other.token
    assert "" == other.why_not()


async def test_a_paused_holder_does_not_send_when_it_wakes_after_another(place: Place) -> None:
    """A process that stood still for longer than the lease lasts: what it sent was sent before the other began. Where
    it cannot be overtaken, it goes on, and the other waits."""
    first = await place.sender("first")
    await first.until("sent", 50)
    other = await place.lease("other")
    first.process.send_signal(signal.SIGSTOP)
    waiting = asyncio.create_task(taken(other))
    await asyncio.wait([waiting], timeout=3 * TTL_S)
    before = len(first.lines("sent"))
    first.process.send_signal(signal.SIGCONT)
    if place.kind == "file":
        await first.until("sent", before + 20)
        assert not waiting.done()
        await first.kill()
    else:
        await first.until("lost")
        await first.process.wait()
    at = await waiting
    assert max(first.lines("sent")) < at
    assert first.lines("held")[0] < other.token


async def test_contenders_never_hold_it_together(place: Place) -> None:
    """Four that take it and let it go in turn: one at a time, and tokens that only grow."""
    holders: set[str] = set()
    tokens: list[int] = []

    async def contend(name: str) -> None:
        for _ in range(3):
            lease = await place.lease(name)
            async with kept(lease):
                assert ("", set()) == (lease.why_not(), holders)
                holders.add(name)
                tokens.append(lease.token)
                await asyncio.sleep(0.01)
                assert {name} == holders
                holders.clear()

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for name in ("a", "b", "c", "d"):
            group.create_task(contend(name))
    assert (12, sorted(set(tokens))) == (len(tokens), tokens)


async def test_processes_that_are_killed_in_a_row_never_overlap(place: Place) -> None:
    """Each is killed while the next waits: the times at which they sent do not mix."""
    senders = [await place.sender("s0")]
    for number in range(1, 4):
        await senders[-1].until("sent", 20)
        senders.append(await place.sender(f"s{number}"))
        await senders[-2].until("sent", 60)
        await senders[-2].kill()
    await senders[-1].until("sent", 20)
    spans = [(min(sent), max(sent)) for sender in senders if (sent := sender.lines("sent"))]
    assert 4 == len(spans)
    assert all(earlier[1] < later[0] for earlier, later in pairwise(spans))
    tokens = [sender.lines("held")[0] for sender in senders]
    assert sorted(set(tokens)) == tokens
