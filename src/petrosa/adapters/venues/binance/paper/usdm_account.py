"""A USD-M account: one-way positions under cross margin, leverage by symbol, the algo service's conditional orders."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from petrosa.adapters.venues.binance.paper import usdm_render as render
from petrosa.adapters.venues.binance.paper.ledger import Change, Income, Ledger, What
from petrosa.adapters.venues.binance.paper.market import PublicMarket
from petrosa.adapters.venues.binance.paper.numbers import ZERO
from petrosa.adapters.venues.binance.paper.orders import AlgoOrder, Ids, Order
from petrosa.adapters.venues.binance.paper.refusals import Refusal, from_engine, no_margin, not_reducing
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId, MarketEvent, MarkPrice, Trade
from petrosa.core.simulation.params import SimulationParams

ALGOS_MAX: Final = 20_000
MAINTENANCE: Final = Decimal("0.004")
"""Maintenance margin as a fraction of notional: the first bracket, which is the only one here."""

LEVERAGE_MAX: Final = 125
UserEvent = dict[str, object]


class Margin(NamedTuple):
    """What a symbol needs: `initial` for the position, `orders` on top for open orders, `bids` and `asks` notional."""

    notional: Decimal
    profit: Decimal
    initial: Decimal
    orders: Decimal
    maintenance: Decimal
    bids: Decimal
    asks: Decimal


class UsdmAccount:
    """`tell` hears the user events of the account in order."""

    def __init__(
        self, name: str, markets: Mapping[str, PublicMarket], instruments: Mapping[InstrumentId, Instrument],
        balances: Mapping[str, Decimal], ids: Ids, params: SimulationParams, tell: Callable[[UserEvent], None],
    ) -> None:  # fmt: skip
        self.name = name
        self.markets = markets
        self.ids = ids
        self.algos: dict[int, AlgoOrder] = {}
        self._waiting: dict[int, AlgoOrder] = {}
        self._made: dict[int, AlgoOrder] = {}
        self.leverage = dict.fromkeys(markets, params.initial_leverage)
        self.countdowns: dict[str, int] = {}
        self.ts_update: dict[str, int] = {}
        self.realized: dict[str, Decimal] = {}
        self.ledger = Ledger(name, instruments, balances, ids, params, self._told, lambda _ts: None)
        self._tell = tell
        self._funded = 0

    # money

    def margin(self, symbol: str, extra: Order | None = None, without: Order | None = None) -> Margin:
        """What a symbol needs, with one more order if given or without one, at its mark price."""
        market = self.markets[symbol]
        rules, mark = market.instrument, market.reference
        quantity, entry = self.ledger.position(rules.id)
        side = Side.BUY if quantity >= 0 else Side.SELL
        notional = EXACT.multiply(quantity, mark)
        profit = rules.profit(side, quantity, entry, mark) if quantity and mark else ZERO
        sums = {Side.BUY: ZERO, Side.SELL: ZERO}
        for order in [*self.ledger.open(symbol), *([] if extra is None else [extra])]:
            if not order.reduce_only and order is not without:
                value = rules.notional(order.leaves, order.price or mark)
                sums[order.side] = EXACT.add(sums[order.side], value)
        worst = max(abs(notional), abs(notional + sums[Side.BUY]), abs(notional - sums[Side.SELL]))
        leverage = Decimal(self.leverage[symbol])
        initial = EXACT.divide(abs(notional), leverage)
        orders = EXACT.divide(worst - abs(notional), leverage)
        maintenance = EXACT.multiply(abs(notional), MAINTENANCE)
        return Margin(notional, profit, initial, orders, maintenance, sums[Side.BUY], sums[Side.SELL])

    def settled_in(self, asset: str) -> list[str]:
        """Symbols whose profits are in an asset."""
        return [symbol for symbol, market in self.markets.items() if market.instrument.settle == asset]

    def available(self, asset: str) -> Decimal:
        """What may be used for new margin."""
        margins = [self.margin(symbol) for symbol in self.settled_in(asset)]
        used = sum((m.initial + m.orders - m.profit for m in margins), ZERO)
        return EXACT.subtract(self.ledger.balance(asset), used)

    def assets(self) -> list[str]:
        return sorted({*self.ledger.exchange.account.balances, *(m.instrument.settle for m in self.markets.values())})

    def check_margin(self, order: Order) -> None:
        """Raises -2019 when the account cannot carry an order, -2022 when a reduce-only one reduces nothing."""
        quantity, _ = self.ledger.position(order.instrument)
        if order.reduce_only:
            if quantity * order.side.sign >= 0:
                raise not_reducing()
            return
        before, after = self.margin(order.symbol), self.margin(order.symbol, order)
        needed = after.orders - before.orders
        if needed > 0 and needed > self.available(self.markets[order.symbol].instrument.settle):
            raise no_margin()

    def check_change(self, order: Order, changed: Order) -> None:
        """Raises -2019 when the account cannot carry an open order with the terms of `changed`."""
        if order.reduce_only:
            return
        settle = self.markets[order.symbol].instrument.settle
        now, free = self.margin(order.symbol).orders, self.available(settle)
        more = self.margin(order.symbol, changed, without=order).orders - now
        if more > 0 and more > free:
            raise no_margin()

    def liquidation_price(self, symbol: str) -> Decimal:
        """Where cross margin ends for this position if the others stand still; 0 when flat or never."""
        rules = self.markets[symbol].instrument
        quantity, entry = self.ledger.position(rules.id)
        if not quantity:
            return ZERO
        others = [self.margin(name) for name in self.settled_in(rules.settle) if name != symbol]
        wallet = self.ledger.balance(rules.settle) + sum((m.profit - m.maintenance for m in others), ZERO)
        below = abs(quantity) * MAINTENANCE - quantity
        return max(ZERO, EXACT.divide(wallet - quantity * entry, below)) if below else ZERO

    # orders

    def place(self, order: Order, now: int) -> None:
        """Take a checked order to the engine. Raises `Refusal`."""
        if self.ledger.is_taken(order.client_id):
            raise Refusal(-4116, "ClientOrderId is duplicated.")
        self.check_margin(order)
        if order.tif == "FOK" and self._fillable(order) < order.quantity:
            raise Refusal(-5021, "Due to the order could not be filled immediately, the FOK order has been rejected. "
                                 "The order will not be recorded in the order history")  # fmt: skip
        reason = self.ledger.submit(order, now)
        if reason:
            raise from_engine(reason, spot=False)

    def _fillable(self, order: Order) -> Decimal:
        rules = self.ledger.instruments[order.instrument]
        steps, limit = rules.quantity_steps(order.quantity), order.price if order.is_limit else None
        pieces = self.ledger.exchange.takeable(order.instrument, order.side, limit, steps)
        return EXACT.multiply(rules.step, Decimal(sum(piece.steps for piece in pieces)))

    def would_take(self, order: Order, price: Decimal) -> bool:
        """Whether an order would meet somebody at another price."""
        return bool(self.ledger.exchange.takeable(order.instrument, order.side, price, 1))

    def on_market(self, event: MarketEvent, now: int) -> None:
        """Match, settle, and set off what the price sets off."""
        self.ledger.on_market(event, now)
        self._tell_funding(now)
        if type(event) is Trade:
            rules = self.ledger.instruments[event.instrument]
            reference, kinds = rules.price(event.price), ["CONTRACT_PRICE"]
            if not self.markets[rules.symbol].mark:
                kinds.append("MARK_PRICE")  # a recording without marks must not leave a stop asleep
        elif type(event) is MarkPrice:
            reference, kinds = Decimal(repr(event.mark)), ["MARK_PRICE"]
        else:
            return
        for order in list(self._waiting.values()):
            concerned = order.is_open and order.working_type in kinds and order.instrument == event.instrument
            if concerned and event.ts_event >= order.ts and order.trigger.observe(reference):
                self._set_off(order, now)

    def advance(self, now: int) -> None:
        """Let time pass: countdowns and good-till dates."""
        self.ledger.drain(now)
        for symbol, at in list(self.countdowns.items()):
            if at <= now:
                del self.countdowns[symbol]
                self.cancel_all(symbol, now)
        for order in list(self._waiting.values()):
            if order.good_till and order.good_till <= now:
                self.end_algo(order, "EXPIRED", now)

    def cancel_all(self, symbol: str, now: int) -> None:
        """Plain orders only: those of the algo service stay, as on Binance."""
        for order in self.ledger.open(symbol):
            self.ledger.withdraw(order, now, "")

    # the algo service

    def place_algo(self, order: AlgoOrder, now: int) -> None:
        self.algos[order.id] = self._waiting[order.id] = order
        if len(self.algos) > ALGOS_MAX:
            del self.algos[next(key for key, one in self.algos.items() if not one.is_open)]
        self._tell_algo(order, now)

    def find_algo(self, algo_id: int | None, client_id: str | None) -> AlgoOrder | None:
        if algo_id is not None:
            return self.algos.get(algo_id)
        return next((one for one in reversed(self.algos.values()) if one.client_id == client_id), None)

    def waiting_algos(self) -> list[AlgoOrder]:
        """Those that nothing has set off yet, oldest first."""
        return list(self._waiting.values())

    def end_algo(self, order: AlgoOrder, status: str, now: int, reason: str = "") -> None:
        order.status, order.reason = status, reason
        self._waiting.pop(order.id, None)
        self._tell_algo(order, now)

    def _set_off(self, order: AlgoOrder, now: int) -> None:
        """A trigger makes the real order; margin is looked at only now, so it may be refused."""
        held, _ = self.ledger.position(order.instrument)
        if order.close_position and held * order.side.sign >= 0:
            self.end_algo(order, "EXPIRED", now, "no position to close")
            return
        order.ts_trigger = now
        self.end_algo(order, "TRIGGERING", now)
        try:
            made = self._real_order(order, abs(held) if order.close_position else order.quantity, now)
            self.place(made, now)
        except Refusal as refusal:
            self.end_algo(order, "REJECTED", now, refusal.msg)
            return
        order.order_id = made.id
        self.end_algo(order, "TRIGGERED", now)
        if made.is_open:
            self._made[made.id] = order
        else:
            self.end_algo(order, "FINISHED", now)

    def _real_order(self, order: AlgoOrder, quantity: Decimal, now: int) -> Order:
        price = order.price
        if order.price_match != "NONE":
            price = matched_price(self.markets[order.symbol], order.side, order.price_match)
        return Order(
            id=self.ids.next(), client_id=order.client_id, instrument=order.instrument, symbol=order.symbol,
            side=order.side, type="LIMIT" if price else "MARKET", tif=order.tif if price else "GTC",
            quantity=quantity, price=price, ts=now, ts_update=now, stop_price=order.trigger_price, stp=order.stp,
            reduce_only=order.reduce_only or order.close_position, close_position=order.close_position,
            working_type=order.working_type, price_protect=order.price_protect, created_type=order.type,
            good_till=order.good_till,
        )  # fmt: skip

    # telling

    def _tell_algo(self, order: AlgoOrder, now: int) -> None:
        order.ts_update = now
        actual = self.ledger.orders.get(order.order_id)
        self._tell(render.algo_update(order, self.markets[order.symbol].written, actual, now))

    def _told(self, change: Change) -> None:
        order, fill = change.order, change.execution
        market = self.markets[order.symbol]
        self.ts_update[order.symbol] = change.ts
        if fill is not None:
            self._tell(render.trade_lite(change, market.written))
            self.realized[order.symbol] = self.realized.get(order.symbol, ZERO) + fill.realized
            self._remember_income(order.symbol, change)
            self._tell_account("ORDER", order.symbol, change.ts, ZERO)
        margin = self.margin(order.symbol)
        self._tell(render.order_update(change, market.written, (margin.bids, margin.asks)))
        algo = None if order.is_open else self._made.pop(order.id, None)
        if algo is not None:
            self.end_algo(algo, "FINISHED", change.ts)
        if change.what is What.TRADE and not self.ledger.position(order.instrument)[0]:
            self._close_guards(order.symbol, change.ts)

    def _close_guards(self, symbol: str, now: int) -> None:
        """Orders that close a position go with it."""
        for algo in list(self._waiting.values()):
            if algo.close_position and algo.symbol == symbol:
                self.end_algo(algo, "EXPIRED", now, "the position was closed")

    def _remember_income(self, symbol: str, change: Change) -> None:
        fill = change.execution
        assert fill is not None
        asset = self.markets[symbol].instrument.settle
        for kind, amount in (("REALIZED_PNL", fill.realized), ("COMMISSION", -fill.fee)):
            if amount:
                self.ledger.income.append(Income(kind, symbol, asset, amount, change.ts, self.ids.next()))

    def _tell_account(self, reason: str, symbol: str, ts: int, change: Decimal) -> None:
        rules = self.markets[symbol].instrument
        quantity, entry = self.ledger.position(rules.id)
        row = render.position_row(
            symbol, quantity, entry, self.realized.get(symbol, ZERO), self.margin(symbol).profit
        )  # fmt: skip
        balances = [(rules.settle, self.ledger.balance(rules.settle), change)]
        self._tell(render.account_update(reason, ts, balances, [row] if reason == "ORDER" else []))

    def _tell_funding(self, now: int) -> None:
        """Tell what the engine settled since the last look."""
        for income in self.ledger.income:
            if income.kind == "FUNDING_FEE" and income.id > self._funded:
                self._funded = income.id
                self._tell_account("FUNDING_FEE", income.symbol, now, income.amount)


def matched_price(market: PublicMarket, side: Side, match: str) -> Decimal:
    """The price of a `priceMatch`: the nth level of the opposite side, or of the own one. Raises -5041."""
    kind, _, level = match.partition("_")
    looked = side.opposite if kind == "OPPONENT" else side
    rows = market.levels(looked, int(level or 1))
    if len(rows) < int(level or 1):
        raise Refusal(-5041, "No depth matches this BBO order")
    return Decimal(rows[-1][0])
