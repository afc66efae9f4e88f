"""A spot account: balances with what orders hold of them, conditional orders, and order lists."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final

from petrosa.adapters.venues.binance.paper import spot_render
from petrosa.adapters.venues.binance.paper.encounter import encounter
from petrosa.adapters.venues.binance.paper.faults import Faults
from petrosa.adapters.venues.binance.paper.ledger import Change, Ledger, What
from petrosa.adapters.venues.binance.paper.market import PublicMarket
from petrosa.adapters.venues.binance.paper.numbers import ZERO
from petrosa.adapters.venues.binance.paper.orders import Ids, Order, OrderList
from petrosa.adapters.venues.binance.paper.refusals import from_engine, no_balance, rejected
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId, MarketEvent, Trade
from petrosa.core.simulation.params import SimulationParams

LISTS_MAX: Final = 5_000
UserEvent = dict[str, object]


class SpotAccount:
    """`tell` hears the user events of the account in order."""

    def __init__(
        self, name: str, markets: Mapping[str, PublicMarket], instruments: Mapping[InstrumentId, Instrument],
        balances: Mapping[str, Decimal], ids: Ids, params: SimulationParams, faults: Faults,
        tell: Callable[[UserEvent], None],
    ) -> None:  # fmt: skip
        self.name = name
        self.markets = markets
        self.ids = ids
        self.lists: dict[int, OrderList] = {}
        self.ts_update = 0
        self.ledger = Ledger(name, instruments, balances, ids, params, self._told, self._tell_balances)
        self._faults = faults
        self._tell = tell
        self._moved: dict[str, None] = {}

    # balances

    def locked(self, asset: str) -> Decimal:
        """What open orders hold of an asset; the legs of a list hold what the dearest of them does."""
        held: dict[int, Decimal] = {}
        for order in self.ledger.open():
            owed, amount = self._needs(order)
            if owed == asset and not order.is_pending:
                key = -order.id if order.list_id < 0 else order.list_id
                held[key] = max(held.get(key, ZERO), amount)
        return sum(held.values(), ZERO)

    def free(self, asset: str) -> Decimal:
        return EXACT.subtract(self.ledger.balance(asset), self.locked(asset))

    def assets(self) -> list[str]:
        """Everything that was ever held, by name."""
        return sorted(self.ledger.exchange.account.balances)

    def _needs(self, order: Order) -> tuple[str, Decimal]:
        """(asset, amount) that an order holds while it is open."""
        instrument = self.ledger.instruments[order.instrument]
        if order.side is Side.SELL:
            return instrument.base, order.leaves
        price = order.price or order.stop_price or self.markets[order.symbol].reference
        return instrument.quote, instrument.notional(order.leaves, price)

    def check_funds(self, order: Order) -> None:
        """Raises -2010 when the account cannot pay for a new order, market orders at what they would really take."""
        asset, needed = self._needs(order)
        if order.side is Side.BUY and not order.is_limit and order.trigger is None:
            needed = self._cost(order)
        if needed > self.free(asset):
            raise no_balance()

    def _cost(self, order: Order) -> Decimal:
        instrument = self.ledger.instruments[order.instrument]
        steps = instrument.quantity_steps(order.quantity)
        pieces = self.ledger.exchange.takeable(order.instrument, order.side, None, steps)
        product = sum(piece.ticks * piece.steps for piece in pieces)
        return EXACT.multiply(EXACT.multiply(instrument.tick, instrument.step), Decimal(product))

    # orders

    def place(self, order: Order, now: int) -> None:
        """Take a checked order: to the engine, or among those that wait. Raises -2010."""
        reason = self.check_entry(order)
        if reason is not None:
            raise reason
        self.check_funds(order)
        self.enter(order, now)

    def check_entry(self, order: Order) -> Exception | None:
        """Why an order cannot stand on this side of the market; None when it can."""
        market = self.markets[order.symbol]
        if self.ledger.is_taken(order.client_id):
            return rejected("Duplicate order sent.")
        if order.trigger is not None and market.last and order.trigger.touched(market.last):
            return rejected("Stop price would trigger immediately.")
        return None

    def enter(self, order: Order, now: int) -> None:
        """Let it wait for its trigger, or meet the market now. Raises -2010 in the engine's case."""
        if order.trigger is not None:
            self.ledger.wait(order, now)
            return
        reason = self._submit(order, now)
        if reason:
            raise from_engine(reason, spot=True)

    def _submit(self, order: Order, now: int) -> str:
        with encounter(self.ledger, self._faults, order, now):
            return self.ledger.submit(order, now)

    def cancel(self, order: Order, now: int, cancel_id: str) -> bool:
        """Take an order off, with its whole list where it has one; whether it was still open."""
        made = self.lists.get(order.list_id)
        if made is not None and made.is_open:
            return self.cancel_list(made, now, cancel_id)
        return self.ledger.withdraw(order, now, cancel_id)

    def on_market(self, event: MarketEvent, now: int) -> None:
        """Match, then set off what a trade's price sets off."""
        self.ledger.on_market(event, now)
        if type(event) is not Trade:
            return
        price = self.ledger.instruments[event.instrument].price(event.price)
        for order in self.ledger.open():
            if order.is_waiting and order.instrument == event.instrument and event.ts_event >= order.ts:
                assert order.trigger is not None
                if order.trigger.observe(price):
                    self._set_off(order, now)

    def _set_off(self, order: Order, now: int) -> None:
        order.trigger = None
        made = self.lists.get(order.list_id)
        if made is not None:
            self._end_siblings(made, order, now)
        order.ts_working = now
        reason = self._submit(order, now)
        if reason:
            self.ledger.tell(What.REJECTED, order, now, reason="INSUFFICIENT_BALANCES")

    # lists

    def legs(self, made: OrderList) -> list[Order]:
        return [self.ledger.orders[key] for key in made.orders if key in self.ledger.orders]

    def open_list(self, made: OrderList, legs: Iterable[Order], now: int) -> None:
        """Begin a list: keep its legs, enter those that wait for no other. Raises -2010; then all of it ends."""
        self.lists[made.id] = made
        if len(self.lists) > LISTS_MAX:
            self.lists.pop(next(iter(self.lists)))
        made.ts_update = now
        legs = list(legs)
        self._tell(spot_render.list_status(made, legs, now))
        for leg in legs:
            if leg.is_pending:
                self.ledger.keep(leg)
        try:
            for leg in legs:
                if not leg.is_pending and (made.working in (0, leg.id)):
                    self.enter(leg, now)
        except Exception:
            made.status, made.status_type = "REJECT", "RESPONSE"
            for leg in legs:
                self.ledger.withdraw(leg, now, "")
            raise

    def cancel_list(self, made: OrderList, now: int, cancel_id: str) -> bool:
        """Take off every leg that is still open; whether there was one."""
        self._finish(made, now)
        found = [self.ledger.withdraw(leg, now, cancel_id) for leg in self.legs(made)]
        self._tell(spot_render.list_status(made, self.legs(made), now))
        return any(found)

    def _follow(self, made: OrderList, change: Change) -> None:
        """What a change of one leg means for the others."""
        order, now = change.order, change.ts
        ended_by_us = order.ending == What.EXPIRED.value
        if not made.is_open or change.what is What.NEW or ended_by_us:
            return
        if order.id == made.working:
            if order.status == "FILLED":
                self._place_pending(made, now)
            elif not order.is_open:
                self._finish(made, now)
                for leg in self.legs(made):
                    self.ledger.withdraw(leg, now, "", What.EXPIRED)
            return
        self._end_siblings(made, order, now)
        if not order.is_open:
            self._finish(made, now)
            self._tell(spot_render.list_status(made, self.legs(made), now))

    def _end_siblings(self, made: OrderList, order: Order, now: int) -> None:
        for leg in self.legs(made):
            if leg.id not in (order.id, made.working):
                self.ledger.withdraw(leg, now, "", What.EXPIRED)

    def _place_pending(self, made: OrderList, now: int) -> None:
        made.working = 0
        for leg in self.legs(made):
            if not leg.is_pending:
                continue
            leg.status, leg.ts = "NEW", now
            last = self.markets[leg.symbol].last
            if leg.trigger is not None and not (last and leg.trigger.touched(last)):
                self.ledger.wait(leg, now)
            elif leg.trigger is not None:
                self._set_off(leg, now)
            elif self._submit(leg, now):
                self.ledger.tell(What.REJECTED, leg, now, reason="INSUFFICIENT_BALANCES")

    def _finish(self, made: OrderList, now: int) -> None:
        made.status_type, made.status, made.ts_update = "ALL_DONE", "ALL_DONE", now

    # telling

    def _told(self, change: Change) -> None:
        self.ts_update = change.ts
        self._tell(spot_render.execution_report(change))
        instrument = self.ledger.instruments[change.order.instrument]
        self._moved |= {instrument.base: None, instrument.quote: None}
        made = self.lists.get(change.order.list_id)
        if made is not None:
            self._follow(made, change)

    def _tell_balances(self, ts: int) -> None:
        rows = [(asset, self.free(asset), self.locked(asset)) for asset in self._moved]
        self._moved = {}
        self._tell(spot_render.account_position(rows, ts))
