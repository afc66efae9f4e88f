"""What every bus promises, asked of the one in memory and of a real NATS server."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from petrosa.adapters.bus.local import LocalBus
from petrosa.adapters.bus.nats import NatsBus
from petrosa.errors import ConfigError, InvariantError, TransportError
from petrosa.ports import Bus, Message
from tests.kit.heard import Heard


@pytest.fixture(params=["local", "nats"])
async def bus(request: pytest.FixtureRequest, nats_url: str) -> AsyncIterator[Bus]:
    if request.param == "local":
        made: Bus = LocalBus()
    else:
        made = await NatsBus.connect(nats_url)
    yield made
    await made.close()


@pytest.fixture
def name() -> str:
    """A name of its own for the subjects and streams of a test, because the server is shared."""
    return f"t{uuid.uuid4().hex[:12]}"


async def take(bus: Bus, stream: str, count: int, after: int = 0, subjects: tuple[str, ...] = ()) -> list[Message]:
    taken: list[Message] = []
    async with asyncio.timeout(20), aclosing(bus.consume(stream, after=after, subjects=subjects)) as messages:
        async for message in messages:
            taken.append(message)
            if len(taken) == count:
                break
    return taken


async def test_messages_come_in_order(bus: Bus, name: str) -> None:
    """A subscriber hears what is published on its subject in the order in which it was published."""
    heard = Heard()
    await bus.subscribe(name, heard)
    for number in range(500):
        await bus.publish(name, b"%d" % number)
    await heard.until(500)
    assert [b"%d" % number for number in range(500)] == heard.data


async def test_wildcards(bus: Bus, name: str) -> None:
    """`*` stands for one token and `>` for the rest; the subject of each message is told."""
    one, rest, last = Heard(), Heard(), Heard()
    await bus.subscribe(f"{name}.*", one)
    await bus.subscribe(f"{name}.>", rest)
    await bus.subscribe(f"{name}.end", last)
    for subject in (name, f"{name}.a", f"{name}.a.b", f"{name}.end"):
        await bus.publish(subject, b"x")
    await last.until(1)
    await rest.until(3)
    assert [f"{name}.a", f"{name}.end"] == [subject for subject, _ in one.messages]
    assert [f"{name}.a", f"{name}.a.b", f"{name}.end"] == [subject for subject, _ in rest.messages]


async def test_a_queue_group_shares(bus: Bus, name: str) -> None:
    """Of the members of a queue group exactly one hears each message; others hear all of them."""
    both = Heard()
    alone = Heard()
    shares = [0, 0]

    def first(subject: str, data: bytes) -> None:
        shares[0] += 1
        both(subject, data)

    def second(subject: str, data: bytes) -> None:
        shares[1] += 1
        both(subject, data)

    await bus.subscribe(name, first, queue="workers")
    await bus.subscribe(name, second, queue="workers")
    await bus.subscribe(name, alone)
    for number in range(200):
        await bus.publish(name, b"%d" % number)
    await alone.until(200)
    await both.until(200)
    assert sorted(alone.data) == sorted(both.data)
    assert (True, True) == (shares[0] > 0, shares[1] > 0)


async def test_nobody_hears_after_unsubscribing(bus: Bus, name: str) -> None:
    """A subscription that was given up hears nothing more."""
    heard, witness = Heard(), Heard()
    subscription = await bus.subscribe(name, heard)
    await bus.subscribe(name, witness)
    await subscription.unsubscribe()
    await bus.publish(name, b"x")
    await witness.until(1)
    assert heard.data == []


async def test_a_failing_subscriber_harms_nobody(bus: Bus, name: str) -> None:
    """A handler that raises gets the next message, and the other subscribers get all."""
    heard = Heard()
    attempts = Heard()

    def broken(subject: str, data: bytes) -> None:
        attempts(subject, data)
        raise ValueError("on purpose")

    await bus.subscribe(name, broken)
    await bus.subscribe(name, heard)
    await bus.publish(name, b"1")
    await bus.publish(name, b"2")
    await heard.until(2)
    await attempts.until(2)
    assert [b"1", b"2"] == heard.data == attempts.data


async def test_drops_of_a_slow_subscriber_are_counted_and_named(bus: Bus, name: str) -> None:
    """What a full backlog drops is counted, by subscription and by subject, and the rest still comes in order."""
    slow, end = Heard(), Heard()
    subscription = await bus.subscribe(name, slow, pending_max=4)
    await bus.subscribe(f"{name}.end", end)
    for number in range(2000):
        await bus.publish(name, b"%d" % number)
    await bus.publish(f"{name}.end", b"")
    await end.until(1)
    await slow.until_true(lambda: len(slow.data) + subscription.dropped == 2000)
    assert subscription.dropped > 0
    assert {name: subscription.dropped} == dict(bus.drops)
    assert sorted(slow.data, key=int) == slow.data


async def test_the_same_id_is_one_message(bus: Bus, name: str) -> None:
    """A durable message published again under its id keeps its place and is not there twice."""
    await bus.ensure_stream(name, [f"{name}.s"])
    first = await bus.publish_durable(f"{name}.s", b"one", "id-1")
    second = await bus.publish_durable(f"{name}.s", b"two", "id-2")
    again = await bus.publish_durable(f"{name}.s", b"one", "id-1")
    assert (1, 2, 1) == (first, second, again)
    assert [(1, b"one"), (2, b"two")] == [(m.sequence, m.data) for m in await take(bus, name, 2)]


async def test_consume_goes_on_after_a_sequence(bus: Bus, name: str) -> None:
    """A reader that names the last sequence it has dealt with hears everything after it and nothing before."""
    await bus.ensure_stream(name, [f"{name}.>"])
    for number in range(1, 31):
        await bus.publish_durable(f"{name}.{number % 2}", b"%d" % number, f"id-{number}")
    taken = await take(bus, name, 13, after=17)
    assert list(range(18, 31)) == [m.sequence for m in taken]
    assert [b"%d" % number for number in range(18, 31)] == [m.data for m in taken]
    assert f"{name}.0" == taken[0].subject


async def test_consume_can_be_narrowed_to_subjects(bus: Bus, name: str) -> None:
    """A reader of some subjects of a stream hears those, under the sequences of the stream."""
    await bus.ensure_stream(name, [f"{name}.>"])
    for number in range(1, 11):
        await bus.publish(f"{name}.{'a' if number % 2 else 'b'}", b"%d" % number)
    taken = await take(bus, name, 5, subjects=(f"{name}.b",))
    assert [2, 4, 6, 8, 10] == [m.sequence for m in taken]


async def test_consume_waits_for_what_is_still_to_come(bus: Bus, name: str) -> None:
    """A reader that has come to the end hears the next message when it is published."""
    await bus.ensure_stream(name, [f"{name}.s"])
    await bus.publish(f"{name}.s", b"first")
    heard = Heard()

    async def read() -> None:
        async with aclosing(bus.consume(name)) as messages:
            async for message in messages:
                heard(message.subject, message.data)

    reader = asyncio.create_task(read())
    await heard.until(1)
    await bus.publish(f"{name}.s", b"second")
    await heard.until(2)
    await bus.close()
    async with asyncio.timeout(20):
        await reader
    assert [b"first", b"second"] == heard.data


async def test_a_slow_reader_of_a_stream_loses_nothing(bus: Bus, name: str) -> None:
    """A reader that is far behind hears all of it in the end, in order: the stream waits for it."""
    await bus.ensure_stream(name, [f"{name}.s"])
    await bus.append(name, f"{name}.s", [b"%d" % number for number in range(6000)], 0)
    taken: list[bytes] = []
    async with asyncio.timeout(30), aclosing(bus.consume(name)) as messages:
        async for message in messages:
            taken.append(message.data)
            if len(taken) % 500 == 0:
                await bus.stream_state(name)  # something else to wait for, several times
            if len(taken) == 6000:
                break
    assert [b"%d" % number for number in range(6000)] == taken
    assert {} == dict(bus.drops)


async def test_append_writes_exactly_once(bus: Bus, name: str) -> None:
    """Appending again what is partly there writes only the rest."""
    await bus.ensure_stream(name, [f"{name}.s"])
    messages = [b"%d" % number for number in range(1300)]
    assert 700 == await bus.append(name, f"{name}.s", messages[:700], 0)
    assert 1300 == await bus.append(name, f"{name}.s", messages, 0)
    assert messages == [m.data for m in await take(bus, name, 1300)]


async def test_append_notices_another_writer(bus: Bus, name: str) -> None:
    """A stream that ends beyond what we write belongs to somebody else as well, and that is said."""
    await bus.ensure_stream(name, [f"{name}.s"])
    await bus.append(name, f"{name}.s", [b"1", b"2", b"3"], 0)
    with pytest.raises(InvariantError, match=name):
        await bus.append(name, f"{name}.s", [b"x"], 1)


async def test_the_state_of_a_stream(bus: Bus, name: str) -> None:
    """A stream says how far it has come, and that it is not there before it is made or after it is deleted."""
    assert await bus.stream_state(name) is None
    await bus.ensure_stream(name, [f"{name}.s"])
    assert (1, 0) == await bus.stream_state(name)
    await bus.publish(f"{name}.s", b"x")
    await bus.publish_durable(f"{name}.s", b"y", "y")
    state = await bus.stream_state(name)
    assert state is not None
    assert (1, 2) == state
    assert (True, False) == (await bus.delete_stream(name), await bus.delete_stream(name))
    assert await bus.stream_state(name) is None


async def test_ensuring_a_stream_twice_is_harmless(bus: Bus, name: str) -> None:
    """A stream that is there keeps what it holds, and can be told to capture more."""
    await bus.ensure_stream(name, [f"{name}.a"])
    await bus.publish_durable(f"{name}.a", b"1", "1")
    await bus.ensure_stream(name, [f"{name}.a"])
    await bus.ensure_stream(name, [f"{name}.b"])
    await bus.publish_durable(f"{name}.b", b"2", "2")
    assert [b"1", b"2"] == [m.data for m in await take(bus, name, 2)]


async def test_two_streams_cannot_capture_one_subject(bus: Bus, name: str) -> None:
    """The second stream is refused with both names that matter, before anything is stored twice."""
    await bus.ensure_stream(name, [f"{name}.>"])
    with pytest.raises(ConfigError, match=f"{name}-2 cannot capture"):
        await bus.ensure_stream(f"{name}-2", [f"{name}.a"])


async def test_durable_without_a_stream_is_an_error(bus: Bus, name: str) -> None:
    """Publishing durably where nothing keeps it is refused, not quietly lost."""
    with pytest.raises(ConfigError, match=f"no stream captures {name}"):
        await bus.publish_durable(name, b"x", "1")


async def test_consuming_a_stream_that_is_not_there(bus: Bus, name: str) -> None:
    """A reader of an unknown stream is told its name."""
    with pytest.raises(ConfigError, match=f"no stream {name}"):
        await take(bus, name, 1)


async def test_close_delivers_what_was_published(name: str, bus: Bus, nats_url: str) -> None:
    """What was published before closing is heard; after it, publishing is an error; closing twice is harmless."""
    heard = Heard()
    listener = bus if isinstance(bus, LocalBus) else await NatsBus.connect(nats_url)
    await listener.subscribe(name, heard)
    for number in range(300):
        await bus.publish(name, b"%d" % number)
    await bus.close()
    await heard.until(300)
    await bus.close()
    assert (300, False) == (len(heard.data), bus.connected)
    with pytest.raises(TransportError, match="closed"):
        await bus.publish(name, b"late")
    await listener.close()


async def test_whoever_waits_for_an_absence_is_told_of_the_end(bus: Bus) -> None:
    """A bus that is closed is away, for who waited and for who asks afterwards."""
    waiting = asyncio.ensure_future(bus.wait_disconnected())
    await asyncio.sleep(0)
    assert not waiting.done()
    await bus.close()
    async with asyncio.timeout(20):
        await waiting
        await bus.wait_disconnected()
    with pytest.raises(TransportError):
        await bus.wait_connected()
