"""A paper exchange in its client's loop, which counts what it is asked for and is looked at without being asked."""

import asyncio
import contextlib
import hashlib
import hmac
import time
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET, AccountEntry, KeyEntry
from petrosa.adapters.venues.binance.paper.connections import Connections
from petrosa.adapters.venues.binance.paper.faults import Fault, Faults
from petrosa.adapters.venues.binance.paper.gate import Request
from petrosa.adapters.venues.binance.paper.numbers import text
from petrosa.adapters.venues.binance.paper.orders import Execution
from petrosa.adapters.venues.binance.paper.server import paper_app
from petrosa.adapters.venues.binance.paper.venue import PaperVenue
from petrosa.core.execution.reconcile import is_of_our_form
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import MarkPrice
from petrosa.core.simulation.params import SimulationParams
from petrosa.surfaces.api.serve import serving
from tests.kit.hand_market import HandMarket
from tests.kit.instruments import instrument

PRICES: Final = {
    "BTCUSDT": Decimal(50_000), "ETHUSDT": Decimal(3_000), "BNBUSDT": Decimal(600), "SOLUSDT": Decimal(150),
}  # fmt: skip
NAMES: Final = ("newClientOrderId", "clientAlgoId", "aboveClientOrderId", "belowClientOrderId")
NOT_DONE: Final = frozenset({(429, -1003), (418, -1003), (503, -1008)})
"""Answers after which the same order may be sent once more: it was not looked at."""
STEPS: Final = {"BTCUSDT": ("0.10", "0.001"), "ETHUSDT": ("0.10", "0.001")}
OTHERS: Final = ("0.01", "0.01")
"""Tick and step, coarse enough for fees to have no more digits than the venue states."""
BEAT_S: Final = 0.1
DEPTH: Final = 100_000.0
"""In USDT, on each of five levels a side."""
FLAT: Final = Decimal(0)


class Posts:
    """An application that remembers every request for an order and how it was answered, before it is looked at."""

    def __init__(self, app: ASGIApp) -> None:
        self.answers: dict[str, list[tuple[int, int]]] = {}
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        asked = dict(parse_qsl(scope["query_string"].decode()))
        told = [self._asked(asked[name]) for name in NAMES if name in asked]

        async def sent(message: Message) -> None:
            for answers in told:
                if message["type"] == "http.response.start":
                    answers[0][answers[1]] = (message["status"], 0)
                elif message["type"] == "http.response.body" and answers[0][answers[1]][0] != 200:
                    code = msgspec.json.decode(message["body"]).get("code", 0) if message["body"] else 0
                    answers[0][answers[1]] = (answers[0][answers[1]][0], code)
            await send(message)

        await self._app(scope, receive, sent)

    def _asked(self, name: str) -> tuple[list[tuple[int, int]], int]:
        answers = self.answers.setdefault(name, [])
        answers.append((0, 0))
        return answers, len(answers) - 1

    def repeated(self) -> list[str]:
        """Orders that were asked for again though the request before may have been done, or was refused."""
        return [
            f"{name}: {answers}"
            for name, answers in self.answers.items()
            if any(answer not in NOT_DONE for answer in answers[:-1])
        ]


class Trade(NamedTuple):
    """One fill as it must stand on both sides."""

    order: str
    trade_id: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str


class CampaignExchange:
    """One market of one account. A person may trade on the account too: `person` asks without meeting any fault."""

    def __init__(self, market: str) -> None:
        self.market = market
        rules = [instrument(symbol, market, *STEPS.get(symbol, OTHERS)) for symbol in PRICES]
        self.rules: dict[str, Instrument] = {one.symbol: one for one in rules}
        entry = AccountEntry(
            name="demo", key=(KeyEntry(key=DEMO_KEY, secret=DEMO_SECRET),),
            spot={"USDT": Decimal(100_000)}, usdm={"USDT": Decimal(100_000)},
        )  # fmt: skip
        instruments = {"spot": {}, market: {one.id: one for one in rules}}
        self.venue = PaperVenue(instruments, [entry], SimulationParams(), Faults(), time.time_ns)
        for product in self.venue.gate.products.values():
            product.weight.limit = 1_000_000  # limits are not what is proved here
        self.hand = HandMarket(self.venue, rules, time.time_ns)
        self.prices = dict(PRICES)
        self.struck: Counter[str] = Counter()
        self.url = ""
        self.posts: Posts
        self._beats = 0
        for symbol in self.prices:
            self._show(symbol)

    @contextlib.asynccontextmanager
    async def served(self, port: int = 0) -> AsyncIterator["CampaignExchange"]:
        """On the network until the block ends, its market repeating itself all the time."""
        connections = Connections()
        self.posts = Posts(paper_app(self.venue, time.time_ns, connections.abort))
        protocol = connections.protocol()
        async with serving(self.posts, "127.0.0.1", port, protocol=protocol, websockets=True, idle_s=60) as self.url:
            beating = asyncio.create_task(self._beat())
            try:
                yield self
            finally:
                beating.cancel()
                await asyncio.gather(beating, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            self.venue.advance(time.time_ns())
            for symbol in self.prices:
                self._show(symbol)

    def _show(self, symbol: str) -> None:
        """The market where it stands. What was taken is there again: each time a little more or less is shown."""
        self._beats += 1
        price = self.prices[symbol]
        self.hand.quote(str(price), symbol, size=DEPTH / float(price) * (1.0 + self._beats % 7 / 100))
        self.hand.trade(str(price), symbol=symbol)
        self.hand.mark(str(price), symbol)

    # what happens to it

    def move(self, symbol: str, factor: float) -> None:
        """The market of a symbol goes somewhere else."""
        rules = self.rules[symbol]
        price = rules.price(float(self.prices[symbol]) * factor)
        self.prices[symbol] = price
        self._show(symbol)

    def size(self, symbol: str) -> Decimal:
        """About 5,000 USDT of it."""
        return self.rules[symbol].quantity(5_000 / float(PRICES[symbol]))

    def fund(self, symbol: str) -> None:
        """Funding falls due now, and the next mark settles it."""
        now, price = time.time_ns(), float(self.prices[symbol])
        due = now + 20 * NS_PER_MS
        self.venue.on_market(MarkPrice(self.rules[symbol].id, now, now, price, price, 0.0001, due), now)

    def fault(self, **fault: Any) -> None:
        self.venue.faults.add(msgspec.convert(fault, Fault))

    def clear_faults(self) -> None:
        """Take all faults away, and count how often each kind has struck."""
        for active in self.venue.faults.all():
            self.struck[active.fault.kind.value] += active.fired
        self.venue.faults.clear()

    def person(self, method: str, path: str, **params: Any) -> Any:
        """Somebody with the same key does something beside the desk; a refusal is an answer too."""
        now = time.time_ns()
        query = urlencode({**params, "timestamp": now // NS_PER_MS})
        signature = hmac.new(DEMO_SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
        asked = Request(method, path, f"{query}&signature={signature}", "", DEMO_KEY, "::1")
        return msgspec.json.decode(self.venue.gate.answer(asked, now).body)

    def person_trades(self, symbol: str, side: str, quantity: str) -> Any:
        path = "/api/v3/order" if self.market == "spot" else "/fapi/v1/order"
        return self.person("POST", path, symbol=symbol, side=side, type="MARKET", quantity=quantity)

    def person_rests(self, symbol: str) -> Any:
        path = "/api/v3/order" if self.market == "spot" else "/fapi/v1/order"
        rules = self.rules[symbol]
        price = rules.price(float(self.prices[symbol]) * 0.8)
        return self.person(
            "POST", path, symbol=symbol, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.1", price=str(price)
        )

    # what it holds

    @property
    def _account(self) -> Any:
        return (self.venue.spot if self.market == "spot" else self.venue.usdm)["demo"]

    def executions(self) -> list[Execution]:
        return list(self._account.ledger.executions)

    def trades(self) -> list[Trade]:
        """Every fill of an order of the desk, by the name that the desk knows the order by."""
        ledger, found = self._account.ledger, []
        for one in ledger.executions:
            order = ledger.orders[one.order_id]
            if is_of_our_form(order.client_id):
                found.append(
                    Trade(order.client_id, str(one.trade_id), one.side.value, one.quantity, one.price, one.fee,
                          one.fee_asset)
                )  # fmt: skip
        return found

    def foreign(self, symbol: str) -> Decimal:
        """What people have added to a position beside the desk."""
        ledger, total = self._account.ledger, FLAT
        for one in ledger.executions:
            order = ledger.orders[one.order_id]
            if order.symbol == symbol and not is_of_our_form(order.client_id):
                total += one.quantity * one.side.sign
        return total

    def position(self, symbol: str) -> Decimal:
        if self.market == "spot":
            return self.balance(self.rules[symbol].base)
        quantity: Decimal = self._account.ledger.position(self.rules[symbol].id)[0]
        return quantity

    def balance(self, asset: str) -> Decimal:
        """As it is stated, in the venue's own resolution."""
        total: Decimal = self._account.ledger.balance(asset)
        return Decimal(text(total))

    def open_orders(self) -> list[Any]:
        algos = [] if self.market == "spot" else list(self._account.algos.waiting())
        return [*self._account.ledger.open(), *algos]

    def stopped(self, symbol: str, side: str) -> Decimal:
        """The quantity for which stops rest, or are at work, that close a position by orders of a side."""
        total = FLAT
        for one in self.open_orders():
            is_stop = "STOP" in one.type or "STOP" in getattr(one, "created_type", "")
            if one.symbol == symbol and one.side.value == side and is_stop:
                total += one.quantity - getattr(one, "executed", FLAT)
        return total

    @property
    def is_banning(self) -> bool:
        return any(one.fault.kind.value in ("banned", "rate_limited") for one in self.venue.faults.all())


def seconds(ns: int) -> float:
    return ns / NS_PER_SECOND
