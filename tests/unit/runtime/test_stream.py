"""Who listens to decisions can neither slow nor change them."""

import asyncio

from petrosa.core.model.events import Alarm, Started
from petrosa.runtime.observed import Observed
from petrosa.runtime.stream import DecisionStream
from tests.kit.toys import START, trade


def test_market_facts_without_decisions_are_not_dealt_out() -> None:
    """A subscriber hears of inputs and decisions, not of every tick."""
    stream = DecisionStream(Observed())
    listener = stream.subscribe("test")
    stream.publish(1, START, Started("x"), ())
    stream.publish(2, START, trade(1), ())
    stream.publish(3, START, trade(2), (Alarm("a", "b"),))
    assert [decided.sequence for decided in listener.drain()] == [1, 3]


def test_a_slow_subscriber_loses_the_oldest_and_is_counted() -> None:
    """Publishing never waits: what does not fit is dropped from the front, by name."""
    observed = Observed()
    stream = DecisionStream(observed)
    slow, quick = stream.subscribe("slow", 2), stream.subscribe("quick", 10)
    for sequence in range(5):
        stream.publish(sequence, START, Started("x"), ())
    assert [decided.sequence for decided in slow.drain()] == [3, 4]
    assert [decided.sequence for decided in quick.drain()] == [0, 1, 2, 3, 4]
    assert (slow.dropped, observed.drops) == (3, {"subscriber slow": 3})


async def test_a_subscriber_is_awaited() -> None:
    """Iterating gives each turn as it is published."""
    stream = DecisionStream(Observed())
    listener = stream.subscribe("test")

    async def first_two() -> list[int]:
        heard = []
        async for decided in listener:
            heard.append(decided.sequence)
            if len(heard) == 2:
                break
        return heard

    waiting = asyncio.create_task(first_two())
    for sequence in (7, 8):
        await asyncio.sleep(0)
        stream.publish(sequence, START, Started("x"), ())
    assert await asyncio.wait_for(waiting, 5.0) == [7, 8]
