"""What the positions and open orders of a USD-M account need: cross margin, symbol by symbol and side by side."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from petrosa.adapters.venues.binance.paper.ledger import Ledger
from petrosa.adapters.venues.binance.paper.market import PublicMarket
from petrosa.adapters.venues.binance.paper.numbers import ZERO
from petrosa.adapters.venues.binance.paper.orders import BOTH, LONG, SHORT, Order
from petrosa.adapters.venues.binance.paper.refusals import no_margin, not_reducing
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT

MAINTENANCE: Final = Decimal("0.004")
"""Maintenance margin as a fraction of notional: the first bracket, which is the only one here."""


class Margin(NamedTuple):
    """What a position needs: `initial` for itself, `orders` on top for open orders, `bids` and `asks` notional."""

    notional: Decimal
    profit: Decimal
    initial: Decimal
    orders: Decimal
    maintenance: Decimal
    bids: Decimal
    asks: Decimal


class Margins:
    """`leverage` is by symbol. `hedged` says that each symbol has a LONG and a SHORT position instead of a net one."""

    def __init__(self, ledger: Ledger, markets: Mapping[str, PublicMarket], leverage: int) -> None:
        self.leverage = dict.fromkeys(markets, leverage)
        self.hedged = False
        self._ledger = ledger
        self._markets = markets

    @property
    def sides(self) -> tuple[str, ...]:
        """The position sides that every symbol has."""
        return (LONG, SHORT) if self.hedged else (BOTH,)

    def of(self, symbol: str, side: str, extra: Order | None = None, without: Order | None = None) -> Margin:
        """What a position needs at its mark price, with one more order if given or without one."""
        market = self._markets[symbol]
        rules, mark = market.instrument, market.reference
        quantity, entry = self._ledger.position(rules.id, side)
        held = Side.BUY if quantity >= 0 else Side.SELL
        notional = EXACT.multiply(quantity, mark)
        profit = rules.profit(held, quantity, entry, mark) if quantity and mark else ZERO
        sums = {Side.BUY: ZERO, Side.SELL: ZERO}
        for order in [*self._ledger.open(symbol), *([] if extra is None else [extra])]:
            if order.position_side == side and not order.reduce_only and order is not without:
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
        return [symbol for symbol, market in self._markets.items() if market.instrument.settle == asset]

    def all_in(self, asset: str) -> list[Margin]:
        """What every position needs whose profit is in an asset."""
        return [self.of(symbol, side) for symbol in self.settled_in(asset) for side in self.sides]

    def available(self, asset: str) -> Decimal:
        """What may be used for new margin."""
        used = sum((m.initial + m.orders - m.profit for m in self.all_in(asset)), ZERO)
        return EXACT.subtract(self._ledger.balance(asset), used)

    def is_gone(self, asset: str) -> bool:
        """Whether positions need more maintenance margin than there is with what they have earned and lost."""
        margins = self.all_in(asset)
        kept = sum((m.maintenance for m in margins), ZERO)
        return kept > 0 and self._ledger.balance(asset) + sum((m.profit for m in margins), ZERO) <= kept

    def check(self, order: Order) -> None:
        """Raises -2019 when the account cannot carry an order, -2022 when a reduce-only one reduces nothing."""
        side = order.position_side
        quantity, _ = self._ledger.position(order.instrument, side)
        if order.reduce_only:
            if quantity * order.side.sign >= 0 or (side != BOTH and order.quantity > abs(quantity)):
                raise not_reducing()
            return
        before, after = self.of(order.symbol, side), self.of(order.symbol, side, order)
        needed = after.orders - before.orders
        if needed > 0 and needed > self.available(self._markets[order.symbol].instrument.settle):
            raise no_margin()

    def check_change(self, order: Order, changed: Order) -> None:
        """Raises -2019 when the account cannot carry an open order with the terms of `changed`."""
        if order.reduce_only:
            return
        free = self.available(self._markets[order.symbol].instrument.settle)
        now = self.of(order.symbol, order.position_side).orders
        more = self.of(order.symbol, order.position_side, changed, without=order).orders - now
        if more > 0 and more > free:
            raise no_margin()

    def liquidation_price(self, symbol: str) -> Decimal:
        """Where cross margin ends for the positions of a symbol if the others stand still; 0 when flat or never."""
        rules = self._markets[symbol].instrument
        held = [self._ledger.position(rules.id, side) for side in self.sides]
        net = sum((quantity for quantity, _ in held), ZERO)
        if not net:
            return ZERO
        others = [
            self.of(name, side) for name in self.settled_in(rules.settle) if name != symbol for side in self.sides
        ]
        wallet = self._ledger.balance(rules.settle) + sum((m.profit - m.maintenance for m in others), ZERO)
        below = sum((abs(quantity) for quantity, _ in held), ZERO) * MAINTENANCE - net
        cost = sum((quantity * entry for quantity, entry in held), ZERO)
        return max(ZERO, EXACT.divide(wallet - cost, below)) if below else ZERO
