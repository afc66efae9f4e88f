"""A USD-M account under cross margin: its positions, orders and conditional orders, and what its user stream hears."""

import itertools
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from petrosa.adapters.venues.binance.paper import usdm_render as render
from petrosa.adapters.venues.binance.paper.encounter import encounter
from petrosa.adapters.venues.binance.paper.faults import Faults
from petrosa.adapters.venues.binance.paper.ledger import Change, Income, Ledger, What
from petrosa.adapters.venues.binance.paper.market import PublicMarket
from petrosa.adapters.venues.binance.paper.numbers import ZERO
from petrosa.adapters.venues.binance.paper.orders import BOTH, Ids, Order
from petrosa.adapters.venues.binance.paper.refusals import Refusal, from_engine
from petrosa.adapters.venues.binance.paper.usdm_algos import AlgoService
from petrosa.adapters.venues.binance.paper.usdm_liquidation import Liquidation
from petrosa.adapters.venues.binance.paper.usdm_margin import Margins
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId, MarketEvent, MarkPrice
from petrosa.core.simulation.params import SimulationParams

LEVERAGE_MAX: Final = 125
SETTLED: Final = ("FUNDING_FEE", "INSURANCE_CLEAR")
"""Income that is told by itself; all other comes with a trade."""
UserEvent = dict[str, object]


class UsdmAccount:
    """`tell` hears the user events of the account in order."""

    def __init__(
        self, name: str, markets: Mapping[str, PublicMarket], instruments: Mapping[InstrumentId, Instrument],
        balances: Mapping[str, Decimal], ids: Ids, params: SimulationParams, faults: Faults,
        tell: Callable[[UserEvent], None],
    ) -> None:  # fmt: skip
        self.name = name
        self.markets = markets
        self.ids = ids
        self.countdowns: dict[str, int] = {}
        self.ts_update: dict[str, int] = {}
        self.ledger = Ledger(name, instruments, balances, ids, params, self._told, lambda _ts: None)
        self.margins = Margins(self.ledger, markets, params.initial_leverage)
        self.algos = AlgoService(self.ledger, markets, self.place, tell)
        self._liquidation = Liquidation(self.ledger, markets, self.margins, self.algos)
        self._realized: dict[tuple[str, str], Decimal] = {}
        self._faults = faults
        self._tell = tell
        self._looked = 0

    def assets(self) -> list[str]:
        return sorted({*self.ledger.exchange.account.balances, *(m.instrument.settle for m in self.markets.values())})

    # position mode

    def check_side(self, given: str | None, side: Side, *, says_reduce: bool) -> tuple[str, bool]:
        """(position side, whether an order of `side` reduces it by that). Raises -4061, -1106, and -4060.

        In hedge mode an order names its position, and whether it reduces follows from that and may not be said.
        """
        position_side = given or BOTH
        if position_side not in (BOTH, "LONG", "SHORT"):
            raise Refusal(-4060, "Invalid position side.")
        if position_side not in self.margins.sides:
            raise Refusal(-4061, "Order's position side does not match user's setting.")
        if position_side == BOTH:
            return BOTH, False
        if says_reduce:
            raise Refusal(-1106, "Parameter 'reduceonly' sent when not required.")
        return position_side, (side is Side.SELL) is (position_side == "LONG")

    def set_hedged(self, hedged: bool) -> None:
        """Raises -4059 when it is so already, -4067 with an open order and -4068 with a position."""
        if hedged is self.margins.hedged:
            raise Refusal(-4059, "No need to change position side.")
        if self.algos.waiting() or any(True for _ in self.ledger.open()):
            raise Refusal(-4067, "Position side cannot be changed if there exists open orders.")
        if not self.ledger.is_flat:
            raise Refusal(-4068, "Position side cannot be changed if there exists position.")
        self.margins.hedged = hedged

    # orders

    def place(self, order: Order, now: int) -> None:
        """Take a checked order to the engine. Raises `Refusal`."""
        if self.ledger.is_taken(order.client_id):
            raise Refusal(-4116, "ClientOrderId is duplicated.")
        self.margins.check(order)
        with encounter(self.ledger, self._faults, order, now):
            if order.tif == "FOK" and self._fillable(order) < order.quantity:
                raise Refusal(-5021, "Due to the order could not be filled immediately, the FOK order has been "
                                     "rejected. The order will not be recorded in the order history")  # fmt: skip
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
        """Match, settle, set off what the price sets off, and end what can no longer be carried."""
        self.ledger.on_market(event, now)
        self._tell_settled(now)
        self.algos.on_market(event, now)
        if type(event) is MarkPrice:
            self._liquidation.look(self.ledger.instruments[event.instrument].settle, now)
            self._tell_settled(now)

    def advance(self, now: int) -> None:
        """Let time pass: countdowns and good-till dates."""
        self.ledger.drain(now)
        for symbol, at in list(self.countdowns.items()):
            if at <= now:
                del self.countdowns[symbol]
                self.cancel_all(symbol, now)
        self.algos.advance(now)

    def cancel_all(self, symbol: str, now: int) -> None:
        """Plain orders only: those of the algo service stay, as on Binance."""
        for order in self.ledger.open(symbol):
            self.ledger.withdraw(order, now, "")

    # telling

    def _told(self, change: Change) -> None:
        order, fill = change.order, change.execution
        market = self.markets[order.symbol]
        self.ts_update[order.symbol] = change.ts
        if fill is not None:
            slot = (order.symbol, order.position_side)
            self._tell(render.trade_lite(change, market.written))
            self._realized[slot] = self._realized.get(slot, ZERO) + fill.realized
            self._remember_income(order.symbol, change)
            self._tell_account("ORDER", order.symbol, change.ts, ZERO, order.position_side)
        margin = self.margins.of(order.symbol, order.position_side)
        self._tell(render.order_update(change, market.written, (margin.bids, margin.asks)))
        self.algos.on_order(order, change.ts)
        if change.what is What.TRADE and not self.ledger.position(order.instrument, order.position_side)[0]:
            self.algos.on_closed(order.symbol, order.position_side, change.ts)

    def _remember_income(self, symbol: str, change: Change) -> None:
        fill = change.execution
        assert fill is not None
        asset = self.markets[symbol].instrument.settle
        for kind, amount in (("REALIZED_PNL", fill.realized), ("COMMISSION", -fill.fee)):
            if amount:
                self.ledger.income.append(Income(kind, symbol, asset, amount, change.ts, self.ids.next()))

    def _tell_account(self, reason: str, symbol: str, ts: int, change: Decimal, side: str = "") -> None:
        """Tell of a balance, and of the position of a side when one is given."""
        rules = self.markets[symbol].instrument
        balances = [(rules.settle, self.ledger.balance(rules.settle), change)]
        rows = []
        if side:
            quantity, entry = self.ledger.position(rules.id, side)
            realized, profit = self._realized.get((symbol, side), ZERO), self.margins.of(symbol, side).profit
            rows.append(render.position_row(symbol, side, quantity, entry, realized, profit))
        self._tell(render.account_update(reason, ts, balances, rows))

    def _tell_settled(self, now: int) -> None:
        """Tell what was paid or received since the last look that no trade has told."""
        new = itertools.takewhile(lambda one: one.id > self._looked, reversed(self.ledger.income))
        for income in [*new][::-1]:
            self._looked = income.id
            if income.kind in SETTLED:
                self._tell_account(income.kind, income.symbol, now, income.amount)
