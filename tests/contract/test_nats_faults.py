"""NATS goes away and comes back: what was promised to be kept is kept, and what was not is refused loudly."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from petrosa.adapters.bus.nats import NatsBus
from petrosa.errors import ConfigError, TransportError
from tests.kit.heard import Heard
from tests.kit.nats import Server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def bus(server: Server) -> AsyncIterator[NatsBus]:
    made = await NatsBus.connect(server.url)
    yield made
    await made.close()


async def away(bus: NatsBus) -> None:
    """Return when the bus has noticed that the server is gone."""
    async with asyncio.timeout(20):
        while bus.connected:
            await asyncio.sleep(0)


async def back(bus: NatsBus) -> None:
    async with asyncio.timeout(20):
        await bus.wait_connected()


async def test_publishing_while_away_is_refused(bus: NatsBus, server: Server) -> None:
    """While the server is gone both ways of publishing raise and name the address: nothing is silently kept or lost."""
    await bus.ensure_stream("S", ["s"])
    await server.kill()
    await away(bus)
    with pytest.raises(TransportError, match=re.escape(server.url)):
        await bus.publish("s", b"x")
    with pytest.raises(TransportError, match="nothing was sent"):
        await bus.publish_durable("s", b"x", "1")
    await server.start()
    await back(bus)
    assert 1 == await bus.publish_durable("s", b"y", "2")


async def test_a_reader_goes_on_where_it_was(bus: NatsBus, server: Server) -> None:
    """A reader of a stream hears every message once and in order, though the server was killed in between."""
    await bus.ensure_stream("S", ["s"])
    await bus.append("S", "s", [b"%d" % number for number in range(100)], 0)
    heard = Heard()

    async def read() -> None:
        async with aclosing(bus.consume("S")) as messages:
            async for message in messages:
                heard(message.subject, message.data)

    reader = asyncio.create_task(read())
    await heard.until(100)
    await server.kill()
    await away(bus)
    await server.start()
    await back(bus)
    await bus.append("S", "s", [b"%d" % number for number in range(100, 200)], 100)
    await heard.until(200)
    assert [b"%d" % number for number in range(200)] == heard.data
    await bus.close()
    await reader


async def test_subscriptions_come_back(bus: NatsBus, server: Server) -> None:
    """A subscriber hears what is published after the server came back, without subscribing again."""
    heard = Heard()
    await bus.subscribe("s", heard)
    await server.kill()
    await away(bus)
    await server.start()
    await back(bus)
    await bus.publish("s", b"again")
    await heard.until(1)
    assert [b"again"] == heard.data


@pytest.mark.parametrize("after", [1, 2000, 7000])
async def test_appending_survives_a_kill_in_the_middle(bus: NatsBus, server: Server, after: int) -> None:
    """Whenever the server dies while a stream is written, writing again completes it without a hole or a double."""
    messages = [b"%d" % number for number in range(8000)]
    await bus.ensure_stream("S", ["s"])
    watcher = await NatsBus.connect(server.url)
    reached = Heard()
    await watcher.subscribe("s", reached)
    writer = asyncio.create_task(bus.append("S", "s", messages, 0))
    await reached.until(after)
    await server.kill()
    with pytest.raises(TransportError):
        await writer
    await away(bus)
    await server.start()
    await back(bus)
    assert 8000 == await bus.append("S", "s", messages, 0)
    stored: list[bytes] = []
    async with aclosing(bus.consume("S")) as stream:
        async for message in stream:
            stored.append(message.data)
            if len(stored) == 8000:
                break
    assert messages == stored
    await watcher.close()


async def test_the_same_id_after_a_kill_is_one_message(bus: NatsBus, server: Server) -> None:
    """A durable message whose acknowledgement was lost with the server is stored once when it is published again."""
    await bus.ensure_stream("S", ["s"])
    assert 1 == await bus.publish_durable("s", b"x", "run:1")
    await server.kill()
    await away(bus)
    await server.start()
    await back(bus)
    assert 1 == await bus.publish_durable("s", b"x", "run:1")


async def test_nothing_answers(tmp_path: Path) -> None:
    """Connecting to an address where nobody listens says so soon, with the address and the remedy."""
    server = Server(tmp_path)
    await server.start()
    await server.stop()
    with pytest.raises(TransportError, match=f"{re.escape(server.url)}.*petrosa broker"):
        await NatsBus.connect(server.url, timeout_s=0.5)


async def test_a_server_without_streams(tmp_path: Path) -> None:
    """Without JetStream durable publishing is refused with the remedy; with allow_core_signals it runs at most once."""
    server = Server(tmp_path, jetstream=False)
    await server.start()
    bus = await NatsBus.connect(server.url)
    with pytest.raises(ConfigError, match=r"no JetStream.*allow_core_signals"):
        await bus.publish_durable("signals.trading", b"x", "1")
    with pytest.raises(ConfigError, match="no JetStream"):
        await bus.ensure_stream("SIGNALS", ["signals.trading"])
    with pytest.raises(ConfigError, match="no JetStream"):
        await anext(bus.consume("SIGNALS"))
    await bus.close()

    loose = await NatsBus.connect(server.url, allow_core_signals=True)
    await loose.ensure_stream("SIGNALS", ["signals.trading"])
    reader = loose.consume("SIGNALS", subjects=["signals.trading"])
    first = asyncio.ensure_future(anext(reader))
    witness = Heard()
    await loose.subscribe("witness", witness)  # by now the reader's subscription is on its way before ours
    assert 0 == await loose.publish_durable("signals.trading", b"x", "1")
    message = await first
    assert (b"x", 0, False) == (message.data, message.sequence, loose.durable)
    await reader.aclose()
    await loose.close()
    await server.stop()


@pytest.mark.parametrize("url", [":::", "nats://", "nats://host:port", "nats://127.0.0.1:99999", "http://127.0.0.1:1"])
async def test_what_is_no_address_is_a_configuration_error(url: str) -> None:
    """Before anything connects, with what was given and what to write instead."""
    with pytest.raises(ConfigError, match=re.escape(f"{url!r} is no address of a NATS server; set NATS_URL")):
        await NatsBus.connect(url)


async def test_an_absence_is_noticed_by_who_waits_for_it(bus: NatsBus, server: Server) -> None:
    """Gone, back, gone again: each is told once, in order, so that what was missed in between can be looked up."""
    for _ in range(2):
        waiting = asyncio.ensure_future(bus.wait_disconnected())
        await asyncio.sleep(0)
        assert not waiting.done()
        await server.kill()
        async with asyncio.timeout(20):
            await waiting
        await server.start()
        await back(bus)


async def test_many_at_once_are_what_one_after_the_other_would_be(bus: NatsBus) -> None:
    """Subjects and order are kept, empty and large messages too, among those published alone."""
    heard = Heard()
    await bus.subscribe("many.>", heard)
    sent = [(f"many.{number % 3}", b"x" * (number**3 % 70_000)) for number in range(200)]
    await bus.publish("many.first", b"")
    await bus.publish_all(sent)
    await bus.publish_all([])
    await bus.publish("many.last", b"")
    await heard.until(202)
    assert [("many.first", b""), *sent, ("many.last", b"")] == heard.messages


@pytest.mark.parametrize(
    ("message", "said"),
    [(("a b", b"x"), "is not a subject"), (("", b"x"), "is not a subject"), (("s", b"x" * 2_000_000), "max_payload")],
)
async def test_of_many_none_is_published_when_one_may_not_be(
    bus: NatsBus, message: tuple[str, bytes], said: str
) -> None:
    heard = Heard()
    await bus.subscribe("s", heard)
    with pytest.raises(ConfigError, match=said):
        await bus.publish_all([("s", b"1"), message, ("s", b"2")])
    await bus.publish("s", b"3")
    await heard.until(1)
    assert [("s", b"3")] == heard.messages


async def test_of_many_none_is_published_while_away(bus: NatsBus, server: Server) -> None:
    heard = Heard()
    await bus.subscribe("s", heard)
    await server.kill()
    await away(bus)
    with pytest.raises(TransportError, match="nothing was sent"):
        await bus.publish_all([("s", b"1"), ("s", b"2")])
    await server.start()
    await back(bus)
    await bus.publish_all([("s", b"3"), ("s", b"4")])
    await heard.until(2)
    assert [("s", b"3"), ("s", b"4")] == heard.messages
