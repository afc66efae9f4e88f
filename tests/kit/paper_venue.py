"""A paper exchange in a test's hand: its market is what the test says, its clock stands until it is moved."""

import hashlib
import hmac
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import msgspec

from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET, AccountEntry, demo_account
from petrosa.adapters.venues.binance.paper.faults import Fault, Faults
from petrosa.adapters.venues.binance.paper.gate import Answer, Request
from petrosa.adapters.venues.binance.paper.market import PLAIN, Manner
from petrosa.adapters.venues.binance.paper.venue import PaperVenue
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BestQuote, BookDiff, BookSnapshot, InstrumentId, MarkPrice, Trade, instrument_id
from petrosa.core.simulation.params import SimulationParams
from tests.kit.instruments import instrument

START = 1_800_000_000 * NS_PER_SECOND
SPOT = instrument_id("binance", "spot", "BTCUSDT")
USDM = instrument_id("binance", "usdm", "BTCUSDT")


def rules() -> dict[str, dict[InstrumentId, Instrument]]:
    """BTCUSDT on both markets, with Binance's own steps."""
    spot = instrument()
    usdm = msgspec.structs.replace(
        instrument(market="usdm", tick="0.10", step="0.001"), min_notional=Decimal(100), max_quantity=Decimal(1000)
    )
    return {"spot": {spot.id: spot}, "usdm": {usdm.id: usdm}}


class Ears:
    """A listener to user events."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.ended = False

    def take(self, event: dict[str, Any]) -> None:
        self.events.append(msgspec.json.decode(msgspec.json.encode(event)))

    def end(self) -> None:
        self.ended = True

    def kinds(self) -> list[str]:
        return [event["e"] for event in self.events]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["e"] == kind]


class PaperBench:
    """The exchange with a book of 99 to 101, a last price of 100, and requests of the demo account.

    Its clock stands until `wait` moves it; a `live` one goes with the wall's, for clients that have their own.
    """

    def __init__(
        self, accounts: Sequence[AccountEntry] = (), faults: Sequence[Fault] = (), *,
        live: bool = False, marks: bool = True, manner: Manner = PLAIN,
    ) -> None:  # fmt: skip
        self._live = live
        self._now = START
        self.trades: Counter[str] = Counter()
        self.updates: Counter[str] = Counter()
        self.venue = PaperVenue(
            rules(), accounts or [demo_account()], SimulationParams(),
            Faults(tuple(faults), lambda: self.now / NS_PER_SECOND), lambda: self.now, manner,
        )  # fmt: skip
        self.ears = {market: Ears() for market in ("spot", "usdm")}
        for market, ears in self.ears.items():
            self.venue.users[market]["demo"].sinks.append(ears)
        self.book("99.00", "101.00")
        self.trade("100.00", quantity="0.5")
        if marks:
            self.mark("100.00")

    @property
    def now(self) -> int:
        return time.time_ns() if self._live else self._now

    # the market

    def wait(self, seconds: float = 0.001) -> None:
        """Let time pass."""
        self._now += round(seconds * NS_PER_SECOND)
        self.venue.advance(self.now)

    def book(self, bid: str, ask: str, size: float = 50.0) -> None:
        """A new book on both markets: three levels a side, half a unit apart."""
        self.wait()
        for key in (SPOT, USDM):
            bids = tuple((float(bid) - 0.5 * level, size) for level in range(3))
            asks = tuple((float(ask) + 0.5 * level, size) for level in range(3))
            self.updates[key] += 1
            self.venue.on_market(BookSnapshot(key, self.now, self.now, self.updates[key], bids, asks), self.now)

    def trade(self, price: str, quantity: str = "1000", side: Side = Side.BUY) -> None:
        """A print on both markets."""
        self.wait()
        for key in (SPOT, USDM):
            self.trades[key] += 1
            event = Trade(key, self.now, self.now, float(price), float(quantity), side, self.trades[key])
            self.venue.on_market(event, self.now)

    def change(self, price: float, quantity: float) -> None:
        """A bid of so much at a price on both markets, and the quote that goes with it."""
        for key in (SPOT, USDM):
            self.updates[key] += 1
            number = self.updates[key]
            previous = None if key == SPOT else number - 1
            diff = BookDiff(key, self.now, self.now, number, number, previous, ((price, quantity),), ())
            self.venue.on_market(diff, self.now)
            self.venue.on_market(BestQuote(key, self.now, self.now, number, 99.0, quantity, 101.0, 50.0), self.now)

    def mark(self, price: str, rate: float = 0.0001, next_funding: int = START + 8 * 3_600 * NS_PER_SECOND) -> None:
        self.wait()
        event = MarkPrice(USDM, self.now, self.now, float(price), float(price), rate, next_funding)
        self.venue.on_market(event, self.now)

    # requests

    def signed(self, **params: Any) -> str:
        """A query signed by the demo account, now."""
        query = urlencode({**params, "timestamp": self.now // NS_PER_MS} if "timestamp" not in params else params)
        return f"{query}&signature={hmac.new(DEMO_SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()}"

    def raw(
        self, method: str, path: str, query: str = "", body: str = "", key: str | None = DEMO_KEY, address: str = "::1"
    ) -> Answer:
        return self.venue.gate.answer(Request(method, path, query, body, key, address), self.now)

    def call(self, method: str, path: str, **params: Any) -> Any:
        """What a signed request is answered with; a refusal too."""
        self.wait()
        query = self.signed(**params)
        in_body = method in ("POST", "PUT")
        answer = self.raw(method, path, "" if in_body else query, query if in_body else "")
        return msgspec.json.decode(answer.body)

    def public(self, path: str, **params: Any) -> Any:
        return msgspec.json.decode(self.raw("GET", path, urlencode(params), key=None).body)

    def code(self, method: str, path: str, **params: Any) -> int:
        """The code of the refusal that a request must be answered with."""
        answer = self.call(method, path, **params)
        assert isinstance(answer, dict)
        assert "code" in answer, answer
        return int(answer["code"])

    # orders, so that tests read as what they claim

    def spot(self, side: str, kind: str, **more: Any) -> Any:
        return self.call("POST", "/api/v3/order", symbol="BTCUSDT", side=side, type=kind, **more)

    def spot_limit(self, side: str, quantity: str, price: str, **more: Any) -> Any:
        return self.spot(side, "LIMIT", quantity=quantity, price=price, **{"timeInForce": "GTC", **more})

    def usdm(self, side: str, kind: str, **more: Any) -> Any:
        more.setdefault("newOrderRespType", "RESULT")
        return self.call("POST", "/fapi/v1/order", symbol="BTCUSDT", side=side, type=kind, **more)

    def usdm_limit(self, side: str, quantity: str, price: str, **more: Any) -> Any:
        return self.usdm(side, "LIMIT", quantity=quantity, price=price, **{"timeInForce": "GTC", **more})

    def algo(self, side: str, kind: str, **more: Any) -> Any:
        return self.call(
            "POST", "/fapi/v1/algoOrder", symbol="BTCUSDT", side=side, type=kind, algoType="CONDITIONAL", **more
        )

    def position(self) -> str:
        rows = self.call("GET", "/fapi/v2/positionRisk", symbol="BTCUSDT")
        return str(rows[0]["positionAmt"])


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value inside a JSON value that is neither an object nor an array, with where it stands."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from leaves(one, f"{path}.{name}")
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, f"{path}[]")
    else:
        yield path, value
