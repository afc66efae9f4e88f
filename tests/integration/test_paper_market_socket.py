"""Connections for market streams of the paper exchange: control messages, limits, their life, and every fault."""

import asyncio
import time
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from petrosa.adapters.venues.binance.paper.outlet import BACKLOG_MAX
from petrosa.core.model.market import BookDiff
from tests.kit.paper_server import Served, Socket, served
from tests.kit.paper_venue import SPOT, PaperBench

INVALID = "Invalid request: "


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [("{", 3, "Invalid JSON: expected value at line 1 column 1"),
     ('{"method":"SUBSCRIBE","params":["a@trade"],"id":-1}', 2, f"{INVALID}request ID must be an unsigned integer"),
     ('{"params":[],"id":1}', 2, f"{INVALID}missing field `method` at line 1 column 20"),
     ('{"method":"DANCE","id":1}', 2, f"{INVALID}unknown variant `DANCE`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`,"
      " `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"),
     ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1, "Invalid value type: expected Boolean"),
     ('{"method":"SET_PROPERTY","params":["colour",true],"id":1}', 0, "Unknown property"),
     ('{"method":"GET_PROPERTY","params":["combined","x"],"id":1}', 2, f"{INVALID}too many parameters"),
     ('{"method":"GET_PROPERTY","params":[7],"id":1}', 2, f"{INVALID}property name must be a string"),
     ('{"method":"SUBSCRIBE","params":"a@trade","id":1}', 2, f"{INVALID}params must be an array")],
)  # fmt: skip
async def test_wrong_control_messages_have_the_venues_answers(said: str, code: int, words: str) -> None:
    async with served(PaperBench()) as exchange, exchange.socket("/ws") as socket:
        await socket.connection.send(said)
        assert {"code": code, "msg": words} == (await socket.hear())["error"]


async def test_subscriptions_come_and_go_and_the_wrapping_is_a_property() -> None:
    """Ids may be numbers, texts or nothing; what is not heard any more is silent."""
    async with served(PaperBench()) as exchange, exchange.socket("/ws") as socket:
        assert {"result": None, "id": "a"} == await socket.ask(method="SUBSCRIBE", params=["btcusdt@trade"], id="a")
        assert {"result": False, "id": 2} == await socket.ask(method="GET_PROPERTY", params=["combined"], id=2)
        exchange.bench.trade("100.00")
        assert "trade" == (await socket.hear())["e"]
        assert {"result": None, "id": 3} == await socket.ask(method="SET_PROPERTY", params=["combined", True], id=3)
        exchange.bench.trade("100.00")
        assert "btcusdt@trade" == (await socket.hear())["stream"]
        exchange.bench.wait(1.0)
        assert {"result": None, "id": None} == await socket.ask(method="UNSUBSCRIBE", params=["btcusdt@trade"])
        exchange.bench.trade("100.00")
        assert {"result": [], "id": 5} == await socket.ask(method="LIST_SUBSCRIPTIONS", id=5)


async def test_times_are_in_microseconds_where_that_is_asked_for() -> None:
    async with (
        served(PaperBench()) as exchange,
        exchange.socket("/ws/btcusdt@trade?timeUnit=MICROSECOND") as fine,
        exchange.socket("/ws/btcusdt@trade") as plain,
    ):
        exchange.bench.trade("100.00")
        one, other = await fine.hear(), await plain.hear()
        assert (other["E"] * 1_000, other["T"] * 1_000, other["t"]) == (one["E"], one["T"], one["t"])


async def test_without_spot_the_old_path_of_futures_serves_the_public_group_only() -> None:
    """Everything else is acknowledged and silent."""
    bench = PaperBench()
    del bench.venue.markets["spot"]
    async with served(bench) as exchange, exchange.socket("/stream") as socket:
        names = ["btcusdt@aggTrade", "btcusdt@bookTicker", "btcusdt@depth@100ms"]
        assert {"result": None, "id": 1} == await socket.ask(method="SUBSCRIBE", params=names, id=1)
        bench.trade("100.00")
        market = bench.venue.markets["usdm"]["BTCUSDT"]
        key, last = market.instrument.id, market.update_id
        bench.venue.on_market(
            BookDiff(key, bench.now, bench.now, last + 1, last + 1, last, ((98.0, 1.0),), ()), bench.now
        )
        assert "btcusdt@depth@100ms" == (await socket.hear())["stream"]


async def ends(socket: Socket) -> tuple[list[Any], int | None]:
    """What is heard until the connection is over, and with which code it was closed; None where it broke."""
    heard = []
    try:
        while True:
            heard.append(await socket.hear())
    except ConnectionClosed as closed:
        return heard, closed.rcvd.code if closed.rcvd else None


async def test_a_connection_is_told_of_its_end_and_ends() -> None:
    """Its life is as long as one says; the announcement comes a tenth of it before."""
    async with served(PaperBench(), life_s=0.5) as exchange, exchange.socket("/stream") as socket:
        began = time.monotonic()
        heard, code = await ends(socket)
        assert (["serverShutdown"], 1001) == ([one["e"] for one in heard], code)
        assert 0.4 < time.monotonic() - began < 5.0


async def test_who_does_not_answer_a_ping_is_cut_off() -> None:
    """The server asks for a sign of life as often as it is told to."""
    async with served(PaperBench(), pings_s=(0.05, 0.2)) as exchange:
        host, port = exchange.ws.removeprefix("ws://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        async with asyncio.timeout(10.0):
            said = await reader.read()  # until the server ends it
        assert b"\x89\x04" in said
        writer.close()


async def test_more_than_a_thousand_and_twenty_four_streams_end_the_connection() -> None:
    async with served(PaperBench()) as exchange, exchange.socket("/ws") as socket:
        names = [f"s{number}@trade" for number in range(1_024)]
        assert {"result": None, "id": 1} == await socket.ask(method="SUBSCRIBE", params=names, id=1)
        await socket.connection.send('{"method":"SUBSCRIBE","params":["one@trade"],"id":2}')
        await ends(socket)


async def test_who_reads_too_slowly_is_cut_off_and_nobody_else_notices() -> None:
    """What waits for a client is bounded; its connection ends, the other one has heard everything."""
    bench = PaperBench()
    async with (
        served(bench) as exchange,
        connect(exchange.ws + "/ws/btcusdt@depth20", max_queue=1, compression=None, close_timeout=0.2) as slow,
        exchange.socket("/ws/btcusdt@trade") as quick,
    ):
        slow.transport.pause_reading()
        for number in range(2 * BACKLOG_MAX):
            bench.venue.hubs["spot"].relay("btcusdt@depth20", b'{"filling":"%b"}' % (b"x" * 2_000))
            if number % 500 == 0:
                bench.trade("100.00")
                assert "trade" == (await quick.hear())["e"]
        async with asyncio.timeout(10.0):
            while exchange.connections.count > 1:
                await asyncio.sleep(0.01)
        assert ["btcusdt@trade"] == list(bench.venue.hubs["spot"]._listeners)
        slow.transport.resume_reading()


# faults


async def frames(exchange: Served, socket: Socket, count: int) -> list[Any]:
    """What is heard of so many trades."""
    for _ in range(count):
        exchange.bench.trade("100.00")
    return [await socket.hear() for _ in range(count)]


@pytest.mark.parametrize("kind", ["half_frame", "fragmented_frame"])
async def test_a_frame_in_pieces_is_the_same_frame(kind: str) -> None:
    """Cut anywhere; with everything else that is said, pongs included, in its order."""
    async with served(PaperBench()) as exchange, exchange.socket("/stream?streams=btcusdt@trade") as socket:
        await exchange.fault(kind, delay_ms=2, stream="trade")
        pong = await socket.connection.ping()
        ids = [one["data"]["t"] for one in await frames(exchange, socket, 40)]
        assert sorted(set(ids)) == ids
        assert 40 == len(ids)
        await pong
        (struck,) = (await exchange.http.get("/petrosa/faults")).json()
        assert 40 == struck["fired"]


async def test_a_lost_frame_and_one_that_comes_twice() -> None:
    async with served(PaperBench()) as exchange, exchange.socket("/ws/btcusdt@trade") as socket:
        bench = exchange.bench
        first = bench.trades[SPOT]
        await exchange.fault("lost_frame", count=1)
        await exchange.fault("duplicate_frame", count=1)
        for _ in range(3):
            bench.trade("100.00")
        heard = [(await socket.hear())["t"] - first for _ in range(3)]
        assert [2, 2, 3] == heard


async def test_an_overtaken_frame_stays_in_order_within_its_own_stream() -> None:
    """The quote overtakes the trade; the next trade does not."""
    async with (
        served(PaperBench()) as exchange,
        exchange.socket("/stream?streams=btcusdt@trade/btcusdt@aggTrade") as socket,
    ):
        await exchange.fault("overtaken_frame", stream="trade")
        for _ in range(3):
            exchange.bench.trade("100.00")
        heard = [await socket.hear() for _ in range(6)]
        assert ["btcusdt@aggTrade", "btcusdt@trade"] * 3 == [one["stream"] for one in heard]
        for stream, key in (("btcusdt@trade", "t"), ("btcusdt@aggTrade", "a")):
            ids = [one["data"][key] for one in heard if one["stream"] == stream]
            assert sorted(ids) == ids


async def test_a_silent_socket_answers_pings_and_tells_nothing() -> None:
    """Until the time is over: what happened meanwhile is lost."""
    async with served(PaperBench()) as exchange, exchange.socket("/ws/btcusdt@trade") as socket:
        bench = exchange.bench
        await exchange.fault("silent_socket", delay_ms=5_000, count=1)
        for _ in range(3):
            bench.trade("100.00")
        await (await socket.connection.ping())
        bench.wait(5.0)
        bench.trade("100.00")
        assert bench.trades[SPOT] == (await socket.hear())["t"]


@pytest.mark.parametrize(("kind", "code"), [("close_socket", 1001), ("break_socket", None), ("server_shutdown", 1001)])
async def test_connections_end_as_the_protocol_says_or_in_the_middle_of_a_frame(kind: str, code: int | None) -> None:
    async with served(PaperBench()) as exchange, exchange.socket("/ws/btcusdt@trade") as socket:
        await exchange.fault(kind, count=1, delay_ms=20)
        exchange.bench.trade("100.00")
        heard, closed = await ends(socket)
        assert (["serverShutdown", "trade"] if kind == "server_shutdown" else []) == [one["e"] for one in heard]
        assert code == closed
    assert not exchange.bench.venue.hubs["spot"].listeners()


async def test_refused_subscriptions_and_lost_acknowledgements() -> None:
    """The one changes nothing, the other everything but says so."""
    async with served(PaperBench()) as exchange, exchange.socket("/ws") as socket:
        await exchange.fault("refused_subscription", method="SUBSCRIBE", count=1)
        assert "error" in await socket.ask(method="SUBSCRIBE", params=["btcusdt@trade"], id=1)
        assert [] == (await socket.ask(method="LIST_SUBSCRIPTIONS", id=2))["result"]
        await exchange.fault("lost_acknowledgement", count=1)
        await socket.connection.send('{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":3}')
        assert ["btcusdt@trade"] == (await socket.ask(method="LIST_SUBSCRIPTIONS", id=4))["result"]


async def test_a_snapshot_is_old_or_late_or_refused() -> None:
    """As it was when the fault began; made at once and sent later; 429 with Retry-After."""
    bench = PaperBench()
    async with served(bench) as exchange:

        async def update_id() -> int:
            return int((await exchange.http.get("/api/v3/depth?symbol=BTCUSDT")).json()["lastUpdateId"])

        def change() -> None:
            last = bench.venue.markets["spot"]["BTCUSDT"].update_id
            bench.venue.on_market(
                BookDiff(SPOT, bench.now, bench.now, last + 1, last + 1, None, ((98.0, float(last)),), ()), bench.now
            )

        await exchange.fault("old_snapshot", path="/api/v3/depth")
        change()
        before = await update_id()
        change()
        assert before == await update_id()
        await exchange.http.delete("/petrosa/faults")
        change()
        assert before + 3 == await update_id()
        await exchange.fault("late_answer", path="/api/v3/depth", delay_ms=100, count=1)
        asking = asyncio.create_task(update_id())
        await asyncio.sleep(0.05)
        change()
        assert before + 3 == await asking
        await exchange.fault("rate_limited", path="/api/v3/depth", retry_after_s=2, count=1)
        answer = await exchange.http.get("/api/v3/depth?symbol=BTCUSDT")
        assert (429, "2") == (answer.status_code, answer.headers["Retry-After"])


async def test_nothing_is_left_of_connections_that_have_gone() -> None:
    async with served(PaperBench()) as exchange:
        for _ in range(3):
            async with exchange.socket("/stream?streams=btcusdt@trade/btcusdt@kline_1m") as socket:
                await socket.ask(method="LIST_SUBSCRIPTIONS", id=1)
        await exchange.http.get("/api/v3/ping")
        async with asyncio.timeout(5.0):
            while exchange.connections.count > 1:
                await asyncio.sleep(0.005)
        assert not exchange.bench.venue.hubs["spot"].listeners()
