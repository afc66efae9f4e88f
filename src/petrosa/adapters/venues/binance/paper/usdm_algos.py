"""The algo service of USD-M: conditional orders that wait for a price, and the real orders that triggers make."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, Protocol

from petrosa.adapters.venues.binance.paper import usdm_render as render
from petrosa.adapters.venues.binance.paper.ledger import Ledger
from petrosa.adapters.venues.binance.paper.market import PublicMarket
from petrosa.adapters.venues.binance.paper.orders import AlgoOrder, Order
from petrosa.adapters.venues.binance.paper.refusals import Refusal
from petrosa.adapters.venues.binance.paper.rules import TRIGGER_PROTECT
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT
from petrosa.core.model.market import MarketEvent, MarkPrice, Trade

ALGOS_MAX: Final = 20_000
Markets = Mapping[str, PublicMarket]


class Place(Protocol):
    """Takes a checked order to the engine. Raises `Refusal`."""

    def __call__(self, order: Order, now: int) -> None: ...


class AlgoService:
    """The conditional orders of one account. `tell` hears the user events about them."""

    def __init__(
        self, ledger: Ledger, markets: Markets, place: Place, tell: Callable[[dict[str, object]], None]
    ) -> None:  # fmt: skip
        self.orders: dict[int, AlgoOrder] = {}
        self._waiting: dict[int, AlgoOrder] = {}
        self._made: dict[int, AlgoOrder] = {}
        self._ledger = ledger
        self._markets = markets
        self._place = place
        self._tell = tell

    def add(self, order: AlgoOrder, now: int) -> None:
        self.orders[order.id] = self._waiting[order.id] = order
        if len(self.orders) > ALGOS_MAX:
            del self.orders[next(key for key, one in self.orders.items() if not one.is_open)]
        self._told(order, now)

    def find(self, algo_id: int | None, client_id: str | None) -> AlgoOrder | None:
        if algo_id is not None:
            return self.orders.get(algo_id)
        return next((one for one in reversed(self.orders.values()) if one.client_id == client_id), None)

    def waiting(self) -> list[AlgoOrder]:
        """Those that nothing has set off yet, oldest first."""
        return list(self._waiting.values())

    def end(self, order: AlgoOrder, status: str, now: int, reason: str = "") -> None:
        order.status, order.reason = status, reason
        self._waiting.pop(order.id, None)
        self._told(order, now)

    def on_market(self, event: MarketEvent, now: int) -> None:
        """Set off what the price sets off."""
        if type(event) is Trade:
            rules = self._ledger.instruments[event.instrument]
            reference, kinds = rules.price(event.price), ["CONTRACT_PRICE"]
            if not self._markets[rules.symbol].mark:
                kinds.append("MARK_PRICE")  # a recording without marks must not leave a stop asleep
        elif type(event) is MarkPrice:
            reference, kinds = Decimal(repr(event.mark)), ["MARK_PRICE"]
        else:
            return
        for order in self.waiting():
            concerned = order.is_open and order.working_type in kinds and order.instrument == event.instrument
            if concerned and event.ts_event >= order.ts and order.trigger.observe(reference):
                self._set_off(order, now)

    def advance(self, now: int) -> None:
        """End those whose time has come."""
        for order in self.waiting():
            if order.good_till and order.good_till <= now:
                self.end(order, "EXPIRED", now)

    def on_order(self, order: Order, now: int) -> None:
        """An order ended; if a trigger made it, that ends too."""
        algo = None if order.is_open else self._made.pop(order.id, None)
        if algo is not None:
            self.end(algo, "FINISHED", now)

    def on_closed(self, symbol: str, side: str, now: int) -> None:
        """A position is gone: orders that close it go with it."""
        for algo in self.waiting():
            if algo.close_position and (algo.symbol, algo.position_side) == (symbol, side):
                self.end(algo, "EXPIRED", now, "the position was closed")

    def _set_off(self, order: AlgoOrder, now: int) -> None:
        """A trigger makes the real order; margin is looked at only now, so it may be refused."""
        held, _ = self._ledger.position(order.instrument, order.position_side)
        if order.close_position and held * order.side.sign >= 0:
            self.end(order, "EXPIRED", now, "no position to close")
            return
        order.ts_trigger = now
        self.end(order, "TRIGGERING", now)
        try:
            self._check_protection(order)
            made = self._real_order(order, abs(held) if order.close_position else order.quantity, now)
            self._place(made, now)
        except Refusal as refusal:
            self.end(order, "REJECTED", now, refusal.msg)
            return
        order.order_id = made.id
        self.end(order, "TRIGGERED", now)
        if made.is_open:
            self._made[made.id] = order
        else:
            self.end(order, "FINISHED", now)

    def _check_protection(self, order: AlgoOrder) -> None:
        """`priceProtect`: no order is made while the last price and the mark are too far apart."""
        market = self._markets[order.symbol]
        if not order.price_protect or not market.mark or not market.last:
            return
        apart = abs(EXACT.divide(market.last, market.mark) - 1)
        if apart > TRIGGER_PROTECT:
            raise Refusal(-1013, f"price protection: last {market.last} and mark {market.mark} are {apart:.4f} apart")

    def _real_order(self, order: AlgoOrder, quantity: Decimal, now: int) -> Order:
        price = order.price
        if order.price_match != "NONE":
            price = matched_price(self._markets[order.symbol], order.side, order.price_match)
        return Order(
            id=self._ledger.ids.next(), client_id=order.client_id, instrument=order.instrument, symbol=order.symbol,
            side=order.side, type="LIMIT" if price else "MARKET", tif=order.tif if price else "GTC",
            quantity=quantity, price=price, ts=now, ts_update=now, stop_price=order.trigger_price, stp=order.stp,
            position_side=order.position_side, reduce_only=order.reduce_only or order.close_position,
            close_position=order.close_position, working_type=order.working_type, price_protect=order.price_protect,
            created_type=order.type, good_till=order.good_till,
        )  # fmt: skip

    def _told(self, order: AlgoOrder, now: int) -> None:
        order.ts_update = now
        actual = self._ledger.orders.get(order.order_id)
        self._tell(render.algo_update(order, self._markets[order.symbol].written, actual, now))


def matched_price(market: PublicMarket, side: Side, match: str) -> Decimal:
    """The price of a `priceMatch`: the nth level of the opposite side, or of the own one. Raises -5041."""
    kind, _, level = match.partition("_")
    looked = side.opposite if kind == "OPPONENT" else side
    rows = market.levels(looked, int(level or 1))
    if len(rows) < int(level or 1):
        raise Refusal(-5041, "No depth matches this BBO order")
    return Decimal(rows[-1][0])
