"""One account's orders on one market: passes them to the matching engine, and keeps what became of them.

The engine is turned without any delay: an order meets what is displayed when it comes. Whoever owns the ledger hears of
each change through `told`, in the order in which the engine spoke.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from enum import Enum
from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.venues.binance.paper.numbers import ZERO
from petrosa.adapters.venues.binance.paper.orders import BOTH, LONG, SHORT, Execution, Ids, Order
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId, MarketEvent
from petrosa.core.model.orders import (
    AccountEvent,
    Cancel,
    FundingPaid,
    Intent,
    Leg,
    Liquidity,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderType,
    Place,
    TimeInForce,
)
from petrosa.core.simulation.exchange import Exchange
from petrosa.core.simulation.params import SimulationParams

ORDERS_MAX: Final = 20_000
"""Orders remembered of an account; beyond it the oldest ended ones are forgotten."""
EXECUTIONS_MAX: Final = 20_000
INCOME_MAX: Final = 1_000


class What(Enum):
    """What happened to an order, in the words of the venue's execution types."""

    NEW = "NEW"
    TRADE = "TRADE"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"
    REJECTED = "REJECTED"
    AMENDMENT = "AMENDMENT"


class Change(NamedTuple):
    """`execution` is there for a TRADE, `reason` for an end that has one."""

    what: What
    order: Order
    execution: Execution | None
    reason: str
    ts: int


class Income(NamedTuple):
    kind: str
    symbol: str
    asset: str
    amount: Decimal
    ts: int
    id: int


def engine_params(params: SimulationParams) -> SimulationParams:
    """The same fills, without delay: the way to the venue is the client's own, and faults add to it on request."""
    return msgspec.structs.replace(
        params, order_latency_ms=0.0, response_latency_ms=0.0, latency_jitter_ms=0.0, quiet_market_ms=0.0,
        initial_leverage=125,
    )  # fmt: skip


class Ledger:
    """Orders by id and by client id, fills, and the engine that they are matched in.

    Derivatives have a second engine for the SHORT side of hedge mode; LONG and one-way positions are in the first.
    """

    def __init__(
        self, name: str, instruments: Mapping[InstrumentId, Instrument], balances: Mapping[str, Decimal], ids: Ids,
        params: SimulationParams, told: Callable[[Change], None], settled: Callable[[int], None],
    ) -> None:  # fmt: skip
        """`told` hears each change, `settled` once all of an occasion have been told and balances are what they are."""
        self.name = name
        self.instruments = instruments
        self.exchange = Exchange(instruments, engine_params(params), name, balances)
        self._engines = {BOTH: self.exchange, LONG: self.exchange}
        if any(one.market != "spot" for one in instruments.values()):
            self._engines[SHORT] = Exchange(instruments, engine_params(params), name, {}, beside=self.exchange)
        self.orders: dict[int, Order] = {}
        self.executions: deque[Execution] = deque(maxlen=EXECUTIONS_MAX)
        self.income: deque[Income] = deque(maxlen=INCOME_MAX)
        self.ids = ids
        self._told = told
        self._settled = settled
        self._draining = 0
        self._changed_at = 0
        self._by_client: dict[str, int] = {}
        self._by_core: dict[str, Order] = {}
        self._open: dict[int, Order] = {}
        self._positions: dict[tuple[InstrumentId, str], tuple[Decimal, Decimal]] = {}
        self._refused = ""

    # looking

    def balance(self, asset: str) -> Decimal:
        return self.exchange.account.total(asset)

    def position(self, instrument: InstrumentId, side: str = BOTH) -> tuple[Decimal, Decimal]:
        """(signed quantity, mean entry price) of a position of a derivative, after the last fill that was told."""
        return self._positions.get((instrument, side), (ZERO, ZERO))

    @property
    def is_flat(self) -> bool:
        """Whether there is no position in any derivative, on any side."""
        return not any(quantity for quantity, _ in self._positions.values())

    def open(self, symbol: str | None = None) -> Iterator[Order]:
        """Open orders, oldest first."""
        known = sorted(self._open.items())
        return (order for _, order in known if symbol is None or order.symbol == symbol)

    def every(self, symbol: str) -> list[Order]:
        """All orders of a symbol that are remembered, oldest first."""
        return [order for _, order in sorted(self.orders.items()) if order.symbol == symbol]

    def find(self, symbol: str, order_id: int | None, client_id: str | None) -> Order | None:
        """An order of the symbol by id or else by client id; of several with that client id the newest."""
        if order_id is None:
            order_id = self._by_client.get(client_id or "")
        order = self.orders.get(order_id) if order_id is not None else None
        if order is None or order.symbol != symbol or (client_id is not None and order.client_id != client_id):
            return None
        return order

    def is_taken(self, client_id: str) -> bool:
        """Whether an open order has this client id: that is what Binance calls a duplicate."""
        known = self._by_client.get(client_id)
        return known is not None and self.orders[known].is_open

    def fills(self, order: Order) -> list[Execution]:
        """The fills of an order. Numbers only grow, so that none is older than the order."""
        recent = itertools.takewhile(lambda fill: fill.trade_id > order.id, reversed(self.executions))
        return [fill for fill in recent if fill.order_id == order.id][::-1]

    # acting

    def keep(self, order: Order) -> None:
        """Take an order into the books; an engine's no takes it out again."""
        self.orders[order.id] = order
        self._by_client[order.client_id] = order.id
        self._open[order.id] = order
        if len(self.orders) > ORDERS_MAX:
            self._forget()

    def wait(self, order: Order, now: int) -> None:
        """Keep an order that waits for its trigger."""
        self.keep(order)
        self.tell(What.NEW, order, now)

    def submit(self, order: Order, now: int) -> str:
        """Hand an order to the engine; its sentence when it says no, else nothing.

        A new order that is refused is forgotten; one that waited for its trigger stays, as rejected.
        """
        if order.id not in self.orders:
            self.keep(order)
            reason = self._enter(order, now)
            if reason:
                self._drop(order)
            return reason
        order.trigger = None
        return self._enter(order, now)

    def withdraw(self, order: Order, now: int, cancel_id: str, what: What = What.CANCELED) -> bool:
        """Take an open order off the book, which ends it as `what`; whether it was still there."""
        if not order.is_open:
            return False
        order.cancel_id, order.ending = cancel_id, what.value
        if order.is_waiting or order.is_pending:
            self.close(order, what, now)
            return True
        self._take_out(order, now)
        return order.status == what.value

    def replace(self, order: Order, quantity: Decimal, price: Decimal, now: int) -> str:
        """Give an open order other terms; it loses its place in the queue.

        The engine's sentence when it says no: then the order stands as it was, at the end of the queue.
        """
        if self._by_core.pop(order.core_id, None) is None:
            return "unknown order"
        before = (order.quantity, order.price, order.status)
        self._take_out(order, now)
        order.quantity, order.price = quantity, price
        reason = self._enter(order, now)
        if reason:
            order.quantity, order.price, order.status = before
            self._open[order.id] = order
            self._enter(order, now)
        return reason

    def close(self, order: Order, what: What, now: int, reason: str = "") -> None:
        """End an order that the engine does not hold."""
        self._finish(order, what.value, now)
        self.tell(what, order, now, reason=reason)

    def on_market(self, event: MarketEvent, now: int) -> None:
        for engine in self._apart():
            engine.on_market(event, now)
        self.drain(now)

    def drain(self, now: int) -> None:
        """Hear everything that the engines have to say by now."""
        self._draining += 1
        for engine in self._apart():
            while engine.next_due() <= now:
                self._heard(engine.pop_due())
        self._draining -= 1
        self._settle()

    def _apart(self) -> list[Exchange]:
        return [self._engines[side] for side in (BOTH, SHORT) if side in self._engines]

    def supply(self, steps: int | None) -> None:
        """From now on let an order take at most so many steps when it comes; None: whatever is shown."""
        for engine in self._apart():
            engine.supply(steps)

    def _settle(self) -> None:
        if self._changed_at and not self._draining:
            ts, self._changed_at = self._changed_at, 0
            self._settled(ts)

    def tell(
        self, what: What, order: Order, ts: int, execution: Execution | None = None, reason: str = ""
    ) -> None:  # fmt: skip
        order.ts_update = max(order.ts_update, ts)
        self._changed_at = max(self._changed_at, ts)
        self._told(Change(what, order, execution, reason, ts))
        self._settle()

    # hearing

    def _heard(self, event: AccountEvent) -> None:
        if isinstance(event, FundingPaid):
            symbol = self.instruments[event.instrument].symbol
            self.income.append(
                Income("FUNDING_FEE", symbol, event.asset, event.amount, event.ts_event, self.ids.next())
            )
            return
        order = self._by_core.get(getattr(event, "client_order_id", ""))
        if order is None:
            return
        match event:
            case OrderAccepted():
                order.ts_working = order.ts_working or event.ts_event
                what = What.NEW if order.terms == 1 else What.AMENDMENT
                self.tell(what, order, event.ts_event)
            case OrderRejected():
                self._refused = event.reason
                self._finish(order, "REJECTED", event.ts_event)
            case OrderFilled():
                self._filled(order, event)
            case OrderCanceled():
                self._finish(order, order.ending, event.ts_event)
                self.tell(What(order.ending), order, event.ts_event)
            case OrderExpired():
                self._finish(order, "EXPIRED", event.ts_event)
                self.tell(What.EXPIRED, order, event.ts_event, reason=event.reason)
            case _:
                pass

    def _filled(self, order: Order, fill: OrderFilled) -> None:
        instrument = self.instruments[order.instrument]
        quote = instrument.notional(fill.quantity, fill.price)
        execution = Execution(
            trade_id=self.ids.next(), order_id=order.id, list_id=order.list_id, instrument=order.instrument,
            side=order.side, position_side=order.position_side, price=fill.price, quantity=fill.quantity, quote=quote,
            fee=fill.fee, fee_asset=fill.fee_asset, realized=self._moved(instrument, order.position_side, fill),
            is_maker=fill.liquidity is Liquidity.MAKER, ts=fill.ts_event,
        )  # fmt: skip
        self.executions.append(execution)
        order.executed = EXACT.add(order.executed, fill.quantity)
        order.quote = EXACT.add(order.quote, quote)
        order.status = "PARTIALLY_FILLED"
        if order.leaves == 0:
            self._finish(order, "FILLED", fill.ts_event)
        self.tell(What.TRADE, order, fill.ts_event, execution)

    def _moved(self, instrument: Instrument, side: str, fill: OrderFilled) -> Decimal:
        """Move a position of a derivative by one fill; the profit that it realised."""
        if instrument.market == "spot":
            return ZERO
        slot = (instrument.id, side)
        held, entry = self.position(*slot)
        signed = EXACT.multiply(fill.quantity, Decimal(fill.side.sign))
        after = EXACT.add(held, signed)
        if held * fill.side.sign >= 0:
            price = instrument.average_price(held, entry or fill.price, fill.quantity, fill.price)
            self._positions[slot] = (after, price)
            return ZERO
        closed = min(fill.quantity, abs(held))
        turned = after * held < 0
        self._positions[slot] = (after, fill.price if turned else entry if after else ZERO)
        return instrument.profit(fill.side.opposite, closed, entry, fill.price)

    def _take_out(self, order: Order, now: int) -> None:
        cancel = Cancel(order.core_id, "asked by the client")
        name = f"{order.core_id}-c"
        engine = self._engines[order.position_side]
        engine.take(Intent(name, self.name, order.instrument, Leg.MANUAL, cancel, "", ""), now)
        self.drain(now)

    def _finish(self, order: Order, status: str, ts: int) -> None:
        order.status = status
        order.ts_update = max(order.ts_update, ts)
        order.trigger = None
        self._open.pop(order.id, None)
        self._by_core.pop(order.core_id, None)

    def _enter(self, order: Order, now: int) -> str:
        """Put the rest of an order into the engine; its sentence when it says no."""
        order.terms += 1
        order.core_id = f"{order.id}-{order.terms}"
        self._by_core[order.core_id] = order
        self._refused = ""
        engine = self._engines[order.position_side]
        engine.take(Intent(order.core_id, self.name, order.instrument, Leg.MANUAL, _place(order), "", ""), now)
        self.drain(now)
        return self._refused

    def _drop(self, order: Order) -> None:
        """Forget an order that never was in the books."""
        self.orders.pop(order.id, None)
        if self._by_client.get(order.client_id) == order.id:
            del self._by_client[order.client_id]

    def _forget(self) -> None:
        """Drop the oldest order that has ended."""
        for key, order in self.orders.items():
            if not order.is_open:
                del self.orders[key]
                if self._by_client.get(order.client_id) == key:
                    del self._by_client[order.client_id]
                return


def _place(order: Order) -> Place:
    """The order as the engine knows it: what of it is still to be filled."""
    is_post_only = order.type == "LIMIT_MAKER" or order.tif == "GTX"
    tif = TimeInForce.GTX if is_post_only else TimeInForce(order.tif if order.tif in ("IOC", "FOK") else "GTC")
    limit = order.price if order.is_limit else None
    return Place(
        side=order.side, type=OrderType.MARKET if limit is None else OrderType.LIMIT, quantity=order.leaves,
        price=limit, time_in_force=tif, reduce_only=order.reduce_only, ts_expire=order.good_till or None,
    )  # fmt: skip
