"""An HTTP server on a free port that says what a test tells it to, as a public service or a broken one would."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec


class Answer(NamedTuple):
    """What comes back. `hangs` sends the head and then nothing."""

    body: bytes = b"{}"
    status: int = 200
    headers: tuple[str, ...] = ()
    hangs: bool = False


def json(value: Any) -> Answer:
    return Answer(msgspec.json.encode(value))


Answering = Callable[[str, dict[str, str]], Answer]
"""(path, query) → answer."""


class Service:
    """`url` is where it is, `asked` every path with its query, in order; `answering` may be changed at any time."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.asked: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode()
            self.asked.append(target)
            parts = urlsplit(target)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            answer = self.answering(parts.path, query)
            lines = [f"HTTP/1.1 {answer.status} said", *answer.headers, "Connection: close"]
            length = len(answer.body) + (1 if answer.hangs else 0)
            writer.write("\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode() + answer.body)
            await writer.drain()
            if answer.hangs:
                await reader.read()  # until the other side has had enough
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def service(answering: Answering) -> AsyncIterator[Service]:
    """Runs until the block is left."""
    made = Service(answering)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()


def refusing() -> str:
    """An address at which nobody listens."""
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


# What the services document, each as one function of path and query.

SECOND = 1_767_225_600


def coinbase(path: str, _query: dict[str, str]) -> Answer:
    product = path.split("/")[2]
    price = {"BTC-USD": "61837.63", "ETH-USD": "3001.5", "USDT-USD": "0.9995"}[product]
    return json(
        {
            "ask": price, "bid": price, "price": price, "size": "0.1", "time": "2026-01-01T00:00:00.123456Z",
            "trade_id": 86326522, "volume": "53602.03940154",
        }
    )  # fmt: skip


def kraken(_path: str, query: dict[str, str]) -> Answer:
    names = {"XBTUSD": "XXBTZUSD", "ETHUSD": "XETHZUSD", "USDTUSD": "USDTZUSD"}
    pair = {"a": ["30300.1", "1", "1.000"], "b": ["30300.0", "1", "1.000"], "c": ["30303.2", "0.00067643"]}
    return json({"error": [], "result": {names[query["pair"]]: pair}})


def coingecko(_path: str, _query: dict[str, str]) -> Answer:
    shares = {"btc": 52.3, "eth": 16.1}
    return json({"data": {"active_cryptocurrencies": 13690, "market_cap_percentage": shares, "updated_at": SECOND}})


def blockchain(path: str, _query: dict[str, str]) -> Answer:
    base = {"n-unique-addresses": 5e5, "estimated-transaction-volume-usd": 4e9, "hash-rate": 6e8}[path.split("/")[2]]
    values = [{"x": SECOND + day * 86_400, "y": base * (1 + day / 10)} for day in range(8)]
    return json({"status": "ok", "name": "A chart", "unit": "of it", "period": "day", "values": values})
