"""A small market and a paper account for tests of the simulated exchange."""

from decimal import Decimal

from petrosa.core.model.base import NEVER, NS_PER_MS, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import (
    BestQuote,
    BookDiff,
    BookSnapshot,
    Depth,
    Level,
    MarketEvent,
    MarkPrice,
    Trade,
)
from petrosa.core.model.orders import (
    AccountEvent,
    Approved,
    Cancel,
    Intent,
    Leg,
    OrderFilled,
    OrderType,
    Place,
    Reducing,
    TimeInForce,
)
from petrosa.core.simulation.exchange import Exchange
from petrosa.core.simulation.params import SimulationParams

MS = NS_PER_MS
BUY, SELL = Side.BUY, Side.SELL

PERPETUAL = Instrument(
    venue="binance", market="usdm", symbol="BTCUSDT", base="BTC", quote="USDT", settle="USDT", tick=Decimal("0.1"),
    step=Decimal("0.001"), min_quantity=Decimal("0.001"), max_quantity=Decimal(1000), min_notional=Decimal(5),
    maker_fee_rate=Decimal("0.0002"), taker_fee_rate=Decimal("0.0005"),
)  # fmt: skip
SPOT = Instrument(
    venue="binance", market="spot", symbol="BTCUSDT", base="BTC", quote="USDT", settle="USDT", tick=Decimal("0.1"),
    step=Decimal("0.001"), min_quantity=Decimal("0.001"), max_quantity=Decimal(1000), min_notional=Decimal(5),
    short_allowed=False, maker_fee_rate=Decimal("0.001"), taker_fee_rate=Decimal("0.001"),
)  # fmt: skip


class Paper:
    """An exchange with one instrument, and everything its account has heard as (when, what). Times are milliseconds.

    A market fact is heard `feed` ms after the venue said it, unless told otherwise.
    """

    def __init__(
        self,
        instrument: Instrument = PERPETUAL,
        params: SimulationParams | None = None,
        balances: dict[str, Decimal] | None = None,
        feed: int = 0,
    ) -> None:
        self.instrument = instrument
        self.params = params or SimulationParams()
        self.exchange = Exchange(
            {instrument.id: instrument}, self.params, "paper", balances or {"USDT": Decimal(1_000_000)}
        )
        self.heard: list[tuple[int, AccountEvent]] = []
        self.feed = feed
        self.now = 0
        self.update_id = 0

    # the market

    def tell(self, event: MarketEvent, now: int | None = None) -> None:
        """Let the exchange know, after everything that was due before."""
        self.wait(event.ts_event // MS + self.feed if now is None else now)
        self.exchange.on_market(event, self.now)

    def wait(self, now: int) -> None:
        """Let time pass to `now` ms, hearing what is due."""
        now *= MS
        while self.exchange.next_due() <= now:
            self.now = max(self.now, self.exchange.next_due())
            self.heard.append((self.now // MS, self.exchange.pop_due()))
        self.now = max(self.now, now)

    def finish(self) -> list[AccountEvent]:
        """Hear everything that is still to come, and return all that was ever heard."""
        while self.exchange.next_due() < NEVER:
            self.wait(-(-self.exchange.next_due() // MS))
        return [event for _, event in self.heard]

    def snapshot(self, ts: int, bids: list[Level], asks: list[Level]) -> None:
        self.update_id += 1
        self.tell(
            BookSnapshot(self.instrument.id, ts * MS, ts * MS, self.update_id, tuple(bids), tuple(asks))
        )  # fmt: skip

    def diff(self, ts: int, bids: list[Level] = [], asks: list[Level] = [], now: int | None = None) -> None:  # noqa: B006
        previous = self.update_id
        self.update_id += 1
        event = BookDiff(
            self.instrument.id, ts * MS, ts * MS, self.update_id, self.update_id, previous, tuple(bids), tuple(asks)
        )
        self.tell(event, now)

    def quote(self, ts: int, bid: Level, ask: Level) -> None:
        self.update_id += 1
        self.tell(BestQuote(self.instrument.id, ts * MS, ts * MS, self.update_id, *bid, *ask))

    def depth(self, ts: int, bids: list[Level], asks: list[Level]) -> None:
        self.update_id += 1
        bid_prices, bid_sizes = zip(*bids, strict=True)
        ask_prices, ask_sizes = zip(*asks, strict=True)
        event = Depth(
            self.instrument.id, ts * MS, ts * MS, self.update_id, bid_prices, bid_sizes, ask_prices, ask_sizes
        )
        self.tell(event)

    def trade(self, ts: int, price: float, quantity: float, aggressor: Side, now: int | None = None) -> None:
        self.tell(Trade(self.instrument.id, ts * MS, ts * MS, price, quantity, aggressor, ts), now)

    def mark(self, ts: int, price: float, rate: float = 0.0, next_funding: int = 0) -> None:
        self.tell(MarkPrice(self.instrument.id, ts * MS, ts * MS, price, price, rate, next_funding * MS))

    # the account

    def place(
        self, cid: str, side: Side, quantity: str, *, limit: str | None = None, stop: str | None = None,
        target: str | None = None, callback: str | None = None, tif: TimeInForce = TimeInForce.GTC,
        reduce_only: bool = False, expire: int | None = None, list_id: str = "",
        replaces: str = "",
    ) -> None:  # fmt: skip
        """Send an order now: market or limit; a stop or take-profit, of either kind, when their price is given; a
        trailing stop when a callback is (with `stop` as its activation).
        """
        trigger = stop if stop is not None else target
        place = Place(
            side, _kind(limit, stop, target, callback), Decimal(quantity), _exact(limit), _exact(trigger), tif,
            reduce_only, None if expire is None else expire * MS, _exact(callback), list_id, replaces,
        )  # fmt: skip
        self.send(cid, place)

    def send(self, cid: str, action: Place | Cancel) -> None:
        intent = Intent(cid, "paper", self.instrument.id, Leg.ENTRY, action, "s", "t")
        reduces = isinstance(action, Cancel) or action.reduce_only
        self.exchange.submit(Reducing(intent) if reduces else Approved(intent), self.now)

    def cancel(self, target: str) -> None:
        self.send(f"cancel-{target}", Cancel(target, "wanted"))

    # what came of it

    def of(self, cid: str) -> list[str]:
        """What was heard of an order, as kinds: `accepted`, `filled`, …"""
        self.finish()
        kinds = [type(event).__name__.removeprefix("Order").lower() for event in self.about(cid)]
        return ["refused" if kind == "cancelrejected" else kind for kind in kinds]

    def about(self, cid: str) -> list[AccountEvent]:
        return [event for event in self.finish() if getattr(event, "client_order_id", None) == cid]

    def fills(self, cid: str | None = None) -> list[OrderFilled]:
        found = [event for event in self.finish() if isinstance(event, OrderFilled)]
        return [fill for fill in found if cid is None or fill.client_order_id == cid]

    def paid(self, cid: str | None = None) -> list[tuple[str, str]]:
        """(quantity, price) of each fill."""
        return [(str(fill.quantity), str(fill.price)) for fill in self.fills(cid)]

    def reason(self, cid: str) -> str:
        """The last reason that was given about an order."""
        return next((event.reason for event in reversed(self.about(cid)) if hasattr(event, "reason")), "")

    @property
    def position(self) -> Decimal:
        return self.exchange.account.steps_held(self.instrument) * self.instrument.step


def _kind(limit: str | None, stop: str | None, target: str | None, callback: str | None) -> OrderType:
    if callback is not None:
        return OrderType.TRAILING_STOP
    if stop is not None:
        return OrderType.STOP if limit is None else OrderType.STOP_LIMIT
    if target is not None:
        return OrderType.TAKE_PROFIT if limit is None else OrderType.TAKE_PROFIT_LIMIT
    return OrderType.MARKET if limit is None else OrderType.LIMIT


def _exact(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
