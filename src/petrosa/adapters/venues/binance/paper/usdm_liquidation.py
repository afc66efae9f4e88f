"""What becomes of a USD-M account whose margin is gone: its orders end, and the venue closes its positions."""

from collections.abc import Mapping
from decimal import Decimal

from petrosa.adapters.venues.binance.paper.ledger import Income, Ledger, What
from petrosa.adapters.venues.binance.paper.market import PublicMarket
from petrosa.adapters.venues.binance.paper.numbers import ZERO, ms
from petrosa.adapters.venues.binance.paper.orders import Order
from petrosa.adapters.venues.binance.paper.usdm_algos import AlgoService
from petrosa.adapters.venues.binance.paper.usdm_margin import Margins
from petrosa.adapters.venues.binance.paper.usdm_render import LIQUIDATION
from petrosa.core.model.base import Side


class Liquidation:
    """The venue's own hand on one account. All positions that settle in an asset fall together: margin is cross."""

    def __init__(
        self, ledger: Ledger, markets: Mapping[str, PublicMarket], margins: Margins, algos: AlgoService
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._markets = markets
        self._margins = margins
        self._algos = algos

    def look(self, asset: str, now: int) -> None:
        """At a new mark price: when the maintenance margin is not covered, end orders and close positions."""
        if self._ledger.is_flat or not self._margins.is_gone(asset):
            return
        symbols = self._margins.settled_in(asset)
        for symbol in symbols:
            for order in self._ledger.open(symbol):
                self._ledger.withdraw(order, now, "", What.EXPIRED)
            for algo in self._algos.waiting():
                if algo.symbol == symbol:
                    self._algos.end(algo, "EXPIRED", now, "the position was liquidated")
        for symbol in symbols:
            for side in self._margins.sides:
                self._close(symbol, side, now)
        self._clear(asset, symbols[0], now)

    def _close(self, symbol: str, side: str, now: int) -> None:
        """Close a position at the market. What finds nobody stays, and is tried again at the next mark price."""
        rules = self._markets[symbol].instrument
        quantity, _ = self._ledger.position(rules.id, side)
        if not quantity:
            return
        order = Order(
            id=self._ledger.ids.next(), client_id=f"autoclose-{ms(now)}{self._ledger.ids.next()}", instrument=rules.id,
            symbol=symbol, side=Side.SELL if quantity > 0 else Side.BUY, type=LIQUIDATION, tif="IOC",
            quantity=min(abs(quantity), rules.max_quantity), price=ZERO, ts=now, ts_update=now,
            position_side=side, reduce_only=True,
        )  # fmt: skip
        self._ledger.submit(order, now)

    def _clear(self, asset: str, symbol: str, now: int) -> None:
        """The insurance fund pays what the account could not."""
        missing: Decimal = -self._ledger.balance(asset)
        if missing > 0 and self._ledger.is_flat:
            self._ledger.exchange.account.change(asset, missing)
            self._ledger.income.append(
                Income("INSURANCE_CLEAR", symbol, asset, missing, now, self._ledger.ids.next())
            )  # fmt: skip
