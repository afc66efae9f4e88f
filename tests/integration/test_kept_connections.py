"""A connection that is kept: what it survives, and what is told of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from petrosa.adapters.net import aiohttp_socket, picows_socket
from petrosa.adapters.net.websocket import PACE, End, Kept, Pace, Wire
from petrosa.errors import RateLimited, TransportError, VenueClosed
from tests.kit.sockets import Noticed, hosted, mute, running

QUICK = Pace(open=5.0, ping=5.0, silence=10.0, overlap=0.1)


Dial = Callable[[str], Awaitable[Wire]]


@pytest.fixture(params=["aiohttp", "picows"])
async def dial(request: pytest.FixtureRequest) -> AsyncIterator[Dial]:
    """How a connection is opened; what is told of it is the same by either library."""
    if request.param == "picows":
        yield picows_socket.dial
        return
    async with aiohttp_socket.Session() as session:
        yield lambda url: aiohttp_socket.dial(session, url)


class Bench:
    """A kept connection and everything that it told: ("up", is_first), ("down", why), messages."""

    def __init__(
        self, open_it: Callable[[], Awaitable[Wire]], *, pace: Pace = QUICK, chance: float = 0.0,
        end: Callable[[bytes], End | None] = lambda _message: None,
    ) -> None:  # fmt: skip
        self.told = Noticed()
        self.pauses: list[float] = []
        self._end = end
        self.kept = Kept(
            "test", open_it, self._hear, up=lambda first: self.told.add("up", first),
            down=lambda why: self.told.add("down", why), pace=pace, sleep=self._sleep, chance=lambda: chance,
        )  # fmt: skip

    @property
    def kinds(self) -> list[Any]:
        """What was told, without the words."""
        return [one[0] if isinstance(one, tuple) and one[0] == "down" else one for one in self.told.all]

    async def count(self, number: int) -> None:
        await self.told.until(lambda all_: len(all_) >= number)

    def _hear(self, message: bytes, _arrival: int) -> End | None:
        self.told.add(message)
        return self._end(message)

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)


async def test_messages_are_heard_in_order_between_up_and_down(dial: Dial) -> None:
    """And after every loss there is another connection."""
    async with hosted() as host:
        bench = Bench(lambda: dial(host.url))
        async with running(bench.kept.run()):
            first = await host.connection(1)
            await first.send("a")
            await first.send(b"b")
            await first.close()
            await (await host.connection(2)).send("c")
            await bench.told.until(lambda all_: b"c" in all_)
            state = bench.kept.state
            assert [("up", True), b"a", b"b", "down", ("up", False), b"c"] == bench.kinds
            assert (True, 1, 0, 3) == (state.connected, state.reconnects, state.replaced, state.heard)
            assert state.last_heard >= state.since > 0
            assert "code 1000" in state.reason
    assert not bench.kept.state.connected


async def test_pauses_double_up_to_thirty_seconds(dial: Dial) -> None:
    """Without chance; with all of it they are half as long."""
    async with hosted() as host:
        for chance, factor in ((0.0, 1.0), (1.0, 0.5)):
            refusals = [TransportError("no way")] * 9

            async def open_it(left: list[TransportError] = refusals) -> Wire:
                if left:
                    raise left.pop()
                return await dial(host.url)

            bench = Bench(open_it, chance=chance)
            async with running(bench.kept.run()):
                await bench.count(1)
            assert [factor * one for one in (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0)] == bench.pauses


async def test_a_venue_that_takes_and_drops_connections_is_not_asked_all_the_time(
    dial: Dial,
) -> None:
    """Only one that lasted makes the pauses short again."""

    async def shut(connection: ServerConnection) -> None:
        await connection.close()

    async with hosted(shut) as host:
        bench = Bench(lambda: dial(host.url))
        async with running(bench.kept.run()):
            await bench.count(8)
        assert [0.5, 1.0, 2.0] == bench.pauses[:3]
        bench = Bench(lambda: dial(host.url), pace=QUICK._replace(steady=0.0))
        async with running(bench.kept.run()):
            await bench.count(8)
        assert {0.5} == set(bench.pauses)


async def test_a_limit_is_waited_for(dial: Dial) -> None:
    async with hosted() as host:
        refusals = [RateLimited("slow down", 77.0)]

        async def open_it() -> Wire:
            if refusals:
                raise refusals.pop()
            return await dial(host.url)

        bench = Bench(open_it)
        async with running(bench.kept.run()):
            await bench.count(1)
    assert [77.0] == bench.pauses


async def test_silence_is_a_loss(dial: Dial) -> None:
    """Not even a ping is answered."""
    async with mute() as url:
        bench = Bench(lambda: dial(url), pace=QUICK._replace(ping=0.05, silence=0.2))
        async with running(bench.kept.run()):
            await bench.count(2)
    assert ("down", "nothing was heard for 0.2 s") == bench.told.all[1]


async def test_a_quiet_connection_that_answers_pings_is_kept(dial: Dial) -> None:
    """And the venue's own pings are answered with what they hold."""
    async with hosted() as host:
        bench = Bench(lambda: dial(host.url), pace=QUICK._replace(ping=0.02, silence=0.2))
        async with running(bench.kept.run()) as task:
            connection = await host.connection(1)
            await asyncio.wait({task}, timeout=0.6)
            async with asyncio.timeout(5.0):
                await (await connection.ping(b"are you there"))
            assert [("up", True)] == bench.told.all


async def test_a_connection_is_replaced_before_its_life_is_over(dial: Dial) -> None:
    """The new one is open before the old one goes, both are heard meanwhile, and nothing was lost."""
    async with hosted() as host:
        bench = Bench(lambda: dial(host.url), pace=QUICK._replace(life=0.3, overlap=0.2))
        async with running(bench.kept.run()):
            old, new = await host.connection(1), await host.connection(2)
            for connection in (old, new):
                await connection.send("same")
            await bench.told.until(lambda all_: all_.count(b"same") == 2)
            assert bench.kept.overlapping
            await old.wait_closed()
            assert [("up", True), b"same", b"same"] == bench.told.all[:3]
            state = bench.kept.state
            assert (True, 0) == (state.connected, state.reconnects)
            assert state.replaced >= 1


async def test_an_announced_end_is_not_waited_for(dial: Dial) -> None:
    """The old connection may break as soon as there is another."""
    async with hosted() as host:
        bench = Bench(
            lambda: dial(host.url), end=lambda message: End("it will", planned=True) if message == b"end" else None
        )
        async with running(bench.kept.run()):
            old = await host.connection(1)
            await old.send("end")
            new = await host.connection(2)
            await old.wait_closed()
            await new.send("on")
            await bench.told.until(lambda all_: b"on" in all_)
    assert [("up", True), b"end", b"on"] == bench.told.all


async def test_a_loss_is_told_while_another_is_being_opened(dial: Dial) -> None:
    """The old one breaks before the new one is open: that is a loss, at once."""
    async with hosted() as host:
        may_open = asyncio.Event()
        may_open.set()

        async def open_it() -> Wire:
            await may_open.wait()
            return await dial(host.url)

        bench = Bench(open_it, end=lambda _message: End("it will", planned=True))
        async with running(bench.kept.run()):
            old = await host.connection(1)
            may_open.clear()
            await old.send("end")
            await bench.count(2)
            await old.close()
            await bench.count(3)
            assert [("up", True), b"end", "down"] == bench.kinds
            may_open.set()
            await bench.count(4)
    assert ("up", False) == bench.told.all[3]


async def test_an_end_that_a_message_tells_is_a_loss(dial: Dial) -> None:
    async with hosted() as host:
        bench = Bench(lambda: dial(host.url), end=lambda _message: End("so it said"))
        async with running(bench.kept.run()):
            await (await host.connection(1)).send("x")
            await bench.count(4)
    assert [("up", True), b"x", ("down", "so it said"), ("up", False)] == bench.told.all[:4]


async def test_what_only_a_person_can_mend_comes_through(dial: Dial) -> None:
    """After the loss has been told."""
    async with hosted() as host:
        closed = False

        async def open_it() -> Wire:
            if closed:
                raise VenueClosed("the key is gone")
            return await dial(host.url)

        bench = Bench(open_it, end=lambda _message: End("it will", planned=True))
        task = asyncio.create_task(bench.kept.run())
        connection = await host.connection(1)
        closed = True
        await connection.send("end")
        with pytest.raises(VenueClosed, match="the key is gone"):
            await task
    assert ("down", "the key is gone") == bench.told.all[-1]


async def test_a_mistake_of_ours_is_not_a_loss_of_the_connection(dial: Dial) -> None:
    """It comes through to whoever runs it."""

    def wrong(_message: bytes) -> End | None:
        raise ZeroDivisionError("our own")

    async with hosted() as host:
        task = asyncio.create_task(Bench(lambda: dial(host.url), end=wrong).kept.run())
        await (await host.connection(1)).send("x")
        with pytest.raises(ZeroDivisionError):
            await task


async def test_nothing_is_left_of_one_that_is_stopped(dial: Dial) -> None:
    """Neither a task nor a connection, also in the middle of a replacement."""
    async with hosted() as host:
        before = len(asyncio.all_tasks())
        bench = Bench(lambda: dial(host.url), pace=QUICK._replace(life=0.05, overlap=5.0))
        async with running(bench.kept.run()):
            old, new = await host.connection(1), await host.connection(2)
        await old.wait_closed()
        await new.wait_closed()
        assert not bench.kept.state.connected
        assert before >= len(asyncio.all_tasks())


def test_the_usual_pace_is_within_what_the_venue_allows() -> None:
    """Connections live 24 hours, pings are at most a few a minute, a pong must come within a minute."""
    assert PACE.life < 24 * 3_600
    assert PACE.ping < PACE.silence < 60
    assert (0.5, 30.0) == (PACE.pause_least, PACE.pause_most)
