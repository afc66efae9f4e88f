"""A server that speaks as Bybit's public v5 streams do, and as they should not: a test says what its market does."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.protocol import State

from tests.kit.sockets import TIMEOUT_S, Noticed

MS = 1_800_000_000_000
DEPTHS = (1, 50)
RECENT_MAX = {"spot": 60, "linear": 1_000}
ARGS_MAX = 10
"""Topics a request on spot."""

Levels = Sequence[tuple[str, str]]
Side = dict[str, str]


class Bybit:
    """One symbol's market on one server. Every change is pushed to whoever subscribed to it, as Bybit pushes it.

    `told` are all trades; over REST the newest are told, the first time but for the last `behind`. `lost` is how many
    of the next differences of a book nobody hears; `refused` topics are answered with a no; `is_mute` takes requests
    and answers none.
    """

    def __init__(self, symbol: str = "BTCUSDT", market: str = "spot", ms: Callable[[], int] = lambda: MS) -> None:
        self.symbol = symbol
        self.market = market
        self.url = ""
        self.came = Noticed()
        self.asked = Noticed()
        self.refused: set[str] = set()
        self.is_mute = False
        self.lost = 0
        self.bids: Side = {}
        self.asks: Side = {}
        self.trades = 0
        self.told: dict[str, dict[str, Any]] = {}
        self.behind = 0
        self.questions: list[str] = []
        self._ms = ms
        self._u = dict.fromkeys(DEPTHS, 100)
        self._shown: dict[int, tuple[Side, Side]] = {}
        self._topics: dict[ServerConnection, set[str]] = {}

    # what the market does

    def change(self, bids: Levels = (), asks: Levels = ()) -> None:
        """Set and (quantity "0") remove levels."""
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            side.update(levels)
            for price in [price for price, quantity in side.items() if not float(quantity)]:
                del side[price]
        is_lost, self.lost = self.lost > 0, max(0, self.lost - 1)
        for depth in DEPTHS:
            self._differ(depth, is_lost)

    def quote(self, bid: str, ask: str) -> None:
        """A book of these two levels."""
        gone_bids = [(price, "0") for price in self.bids if price != bid]
        gone_asks = [(price, "0") for price in self.asks if price != ask]
        self.change([*gone_bids, (bid, "1")], [*gone_asks, (ask, "1")])

    def restart(self) -> None:
        """The service begins anew: a snapshot with a `u` of 1."""
        for depth in DEPTHS:
            self._u[depth] = 1
            self.push(f"orderbook.{depth}.{self.symbol}", self._book(depth))

    def trade(
        self, price: str, count: int = 1, *, block: bool = False, again: bool = False, side: str = "Buy",
        quantity: str = "0.001",
    ) -> None:  # fmt: skip
        """So many trades in one message; `again`: the last ones once more."""
        first = self.trades - count if again else self.trades
        self.trades, ms = first + count, self._ms()
        rows = [
            {"T": ms, "s": self.symbol, "S": side, "v": quantity, "p": price, "L": "PlusTick", "i": str(10**9 + number),
             "BT": block, "seq": number}
            for number in range(first, first + count)
        ]  # fmt: skip
        self.told.update((str(row["i"]), row) for row in rows if not again)
        self.push(f"publicTrade.{self.symbol}", {"type": "snapshot", "ts": ms, "data": rows})

    def liquidate(self, *sides: str) -> None:
        """Positions of these sides, each at another price, in one message."""
        ms = self._ms()
        rows = [
            {"T": ms, "s": self.symbol, "S": side, "v": "0.003", "p": f"{99 + number}.50"}
            for number, side in enumerate(sides)
        ]
        self.push(f"allLiquidation.{self.symbol}", {"type": "snapshot", "ts": ms, "data": rows})

    def ticker(self, kind: str, **fields: str) -> None:
        self.push(f"tickers.{self.symbol}", {"type": kind, "data": {"symbol": self.symbol, **fields}, "ts": self._ms()})

    def push(self, topic: str, rest: dict[str, Any]) -> None:
        """Send a message to whoever subscribed to its topic."""
        self.push_raw(topic, json.dumps({"topic": topic, **rest}, separators=(",", ":")))

    def push_raw(self, topic: str, text: str) -> None:
        for connection, topics in self._topics.items():
            if topic in topics and connection.state is State.OPEN:
                _send(connection, text)

    def top(self, count: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """The best levels of each side: what a reader's book must show."""
        bids, asks = (
            sorted((float(price), float(size)) for price, size in side.items()) for side in (self.bids, self.asks)
        )
        return bids[::-1][:count], asks[:count]

    async def drop(self) -> None:
        """End every connection without a word."""
        for connection in list(self._topics):
            connection.transport.abort()
            await connection.wait_closed()

    async def subscribed(self, topic: str) -> None:
        """Until somebody has it."""
        async with asyncio.timeout(TIMEOUT_S):
            while not any(topic in topics for topics in self._topics.values()):
                await asyncio.sleep(0.002)

    # how it is told

    def _differ(self, depth: int, is_lost: bool) -> None:
        old, new = self._shown.get(depth, ({}, {})), self._cut(depth)
        self._shown[depth] = new
        changes = [_changes(before, after) for before, after in zip(old, new, strict=True)]
        if not any(changes):
            return
        self._u[depth] += 1
        if not is_lost:
            data = {"s": self.symbol, "b": changes[0], "a": changes[1], "u": self._u[depth], "seq": self._u[depth]}
            rest = {"type": "delta", "ts": self._ms(), "data": data, "cts": self._ms() - 2}
            self.push(f"orderbook.{depth}.{self.symbol}", rest)

    def _cut(self, depth: int) -> tuple[Side, Side]:
        bids = sorted(self.bids, key=float, reverse=True)[:depth]
        asks = sorted(self.asks, key=float)[:depth]
        return {price: self.bids[price] for price in bids}, {price: self.asks[price] for price in asks}

    def _book(self, depth: int) -> dict[str, Any]:
        bids, asks = self._shown[depth] = self._cut(depth)
        data = {"s": self.symbol, "b": list(bids.items()), "a": list(asks.items()), "u": self._u[depth], "seq": 1}
        return {"type": "snapshot", "ts": self._ms(), "data": data, "cts": self._ms() - 2}

    async def handle(self, connection: ServerConnection) -> None:
        self._topics[connection] = set()
        self.came.add(connection)
        try:
            async for message in connection:
                request = json.loads(message)
                self.asked.add(request)
                if not self.is_mute:
                    self._answer(connection, request)
        finally:
            del self._topics[connection]

    def _answer(self, connection: ServerConnection, request: dict[str, Any]) -> None:
        held, op, args = self._topics[connection], request["op"], request.get("args", [])
        no = self._no(held, args) if op == "subscribe" else ""
        reply = {
            "success": not no, "ret_msg": "pong" if op == "ping" else no, "conn_id": "c1",
            "req_id": request.get("req_id", ""), "op": op,
        }  # fmt: skip
        _send(connection, json.dumps(reply))
        if op == "unsubscribe":
            held.difference_update(args)
        elif op == "subscribe" and not no:
            held.update(args)
            for topic in args:
                if topic.startswith("orderbook."):
                    rest = self._book(int(topic.split(".")[1]))
                    _send(connection, json.dumps({"topic": topic, **rest}, separators=(",", ":")))

    def _no(self, held: set[str], args: list[str]) -> str:
        """Why a request to subscribe is refused, as a whole."""
        if self.market == "spot" and len(args) > ARGS_MAX:
            return f"args size >{ARGS_MAX}"
        wrong = [name for name in args if name in self.refused or not name.endswith(self.symbol)]
        if wrong:
            return f"error:handler not found,topic:{wrong[0]}"
        return "".join(f"error:already subscribed,topic:{name}" for name in args if name in held)

    def rest(self, _connection: ServerConnection, request: Request) -> Response | None:
        """The instruments and the newest trades, beside the streams."""
        target = urlsplit(request.path)
        if target.path == f"/v5/public/{self.market}":
            return None
        wanted = parse_qs(target.query)
        self.questions.append(target.path)
        if target.path == "/v5/market/recent-trade":
            return _json(HTTPStatus.OK, self._recent(int(wanted["limit"][0])))
        if target.path != "/v5/market/instruments-info":
            return _json(HTTPStatus.NOT_FOUND, {})
        is_spot, quote = self.market == "spot", self.symbol[-4:]
        names = ("basePrecision", "minOrderAmt") if is_spot else ("qtyStep", "minNotionalValue")
        row = {
            "symbol": self.symbol, "status": "Trading", "baseCoin": self.symbol[:-4], "quoteCoin": quote,
            "priceFilter": {"tickSize": "0.01"},
            "lotSizeFilter": {"minOrderQty": "0.001", "maxOrderQty": "1000", names[0]: "0.001", names[1]: "5"},
            **({} if is_spot else {"contractType": "LinearPerpetual", "settleCoin": quote}),
        }  # fmt: skip
        rows = [row] if wanted["symbol"] == [self.symbol] and wanted["category"] == [self.market] else []
        return _json(HTTPStatus.OK, {"retCode": 0, "retMsg": "OK", "result": {"list": rows}})

    def _recent(self, limit: int) -> dict[str, Any]:
        if limit > (most := RECENT_MAX[self.market]):
            return {"retCode": 10001, "retMsg": f"limit is above {most}", "result": {}}
        listed = list(self.told.values())[: len(self.told) - self.behind]
        self.behind = 0
        rows = [
            {"execId": row["i"], "symbol": row["s"], "price": row["p"], "size": row["v"], "side": row["S"],
             "time": str(row["T"]), "isBlockTrade": row["BT"], "isRPITrade": False, "seq": str(row["seq"])}
            for row in reversed(listed[-limit:])
        ]  # fmt: skip
        return {"retCode": 0, "retMsg": "OK", "result": {"category": self.market, "list": rows}, "time": self._ms()}


def _changes(before: Side, after: Side) -> list[tuple[str, str]]:
    gone = [(price, "0") for price in before if price not in after]
    return gone + [(price, size) for price, size in after.items() if before.get(price) != size]


def _send(connection: ServerConnection, text: str) -> None:
    """At once, so that what a test says is heard in the order in which it says it."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        head = b"\x81%c" % size
    elif size < 1 << 16:
        head = b"\x81\x7e" + size.to_bytes(2)
    else:
        head = b"\x81\x7f" + size.to_bytes(8)
    connection.transport.write(head + payload)


def _json(status: HTTPStatus, body: Any) -> Response:
    text = json.dumps(body).encode()
    headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(text)), "Connection": "close"})
    return Response(status.value, status.phrase, headers, text)


@asynccontextmanager
async def bybit(market: Bybit, port: int = 0) -> AsyncIterator[Bybit]:
    """The server of a market, on loopback."""
    async with serve(
        market.handle, "127.0.0.1", port, process_request=market.rest, ping_interval=None, close_timeout=0.2,
        compression=None,
    ) as server:  # fmt: skip
        market.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield market
