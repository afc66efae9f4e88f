"""How the account stands right now: marks, equity, exposure, and from them the facts that the gate asks for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from petrosa.core.execution.blotter import Blotter
from petrosa.core.execution.findings import Exposed
from petrosa.core.execution.ledger import Ledger
from petrosa.core.execution.lifecycle import Order
from petrosa.core.market.state import MarketState
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import OrderStatus
from petrosa.core.risk.exposure import Exposure, exposure_of
from petrosa.core.risk.facts import Adding, Entry, Facts, Today

ZERO = Decimal(0)


class Standing:
    """Reads ledger, blotter and markets; owns nothing."""

    def __init__(
        self,
        ledger: Ledger,
        blotter: Blotter,
        markets: Mapping[InstrumentId, MarketState],
        instruments: Mapping[InstrumentId, Instrument],
        others: Callable[[], Iterable[Exposed]] = tuple,
    ) -> None:
        """`others` says what is on the venue and in nobody's books here."""
        self._others = others
        self._ledger = ledger
        self._blotter = blotter
        self._markets = markets
        self._instruments = instruments

    def mark(self, instrument: InstrumentId) -> Decimal | None:
        """What one unit is worth: the mark price where the venue states one, else the middle of the market."""
        market = self._markets.get(instrument)
        if market is None:
            return None
        price = market.mark if market.mark > 0.0 else market.mid
        return Decimal(repr(price)) if price > 0.0 else None

    def equity(self) -> Decimal | None:
        """See `Ledger.equity`."""
        return self._ledger.equity(self.mark)

    def unrealized(self, instrument: InstrumentId) -> Decimal | None:
        """Gross profit of closing at the mark; None when there is a position and no price."""
        position, price = self._ledger.positions.get(instrument), self.mark(instrument)
        if position is None or position.is_flat:
            return ZERO
        return None if price is None else self._ledger.unrealized(instrument, price)

    def exposures(self) -> dict[InstrumentId, Decimal | None]:
        """Notional per instrument of what is held and of every live order that could enlarge it, unknown ones too, and
        of what the venue holds besides."""
        notionals: dict[InstrumentId, Decimal | None] = {}
        for instrument in self._ledger.positions:
            held = self._ledger.held(instrument)
            if held != 0:
                notionals[instrument] = self._notional(instrument, held, self.mark(instrument))
        for order in self._blotter.live():
            if order.enlarges:
                instrument = order.intent.instrument
                value = self._notional(instrument, order.leaves, self._price(order))
                _count(notionals, instrument, value)
        for other in self._others():
            price = other.price or self.mark(other.instrument)
            _count(notionals, other.instrument, self._notional(other.instrument, other.quantity, price))
        return notionals

    def profit(self) -> Decimal | None:
        """See `Ledger.profit`."""
        return self._ledger.profit(self.mark)

    def facts(
        self, entry: Entry, now: int, *, closed: str, closing: str, today: Today, adding: Adding | None = None
    ) -> Facts:
        """What the gate is told about an entry."""
        rules, instrument = entry.instrument, entry.instrument.id
        market = self._markets[instrument]
        exposures = self.exposures()
        exposure: Exposure = exposure_of(exposures)
        live = self._blotter.live(instrument)
        return Facts(
            now=now,
            currency=self._ledger.currency,
            equity=self.equity(),
            exposure=exposure,
            instrument_exposure=exposures.get(instrument, ZERO),
            spendable=self._spendable(rules),
            held=self._ledger.held(instrument),
            busy=self._busy(live, closing, adding),
            closed=closed,
            bid=market.bid,
            ask=market.ask,
            ts_quote=market.ts_quote,
            feed_state=market.feed_state,
            book_is_whole=market.book_is_whole,
            today=today,
            mark=self.mark(instrument),
            collateral=self._collateral(rules.settle),
            margined=self._margined(exposures, rules.settle),
            liquidity=liquidity_of(market, entry),
            adding=adding,
            orders=len(live),
            conditional_orders=sum(order.place.type.is_conditional for order in live),
        )

    def _busy(self, live: Sequence[Order], closing: str, adding: Adding | None) -> str:
        """In words, what is under way on an instrument; an order of unknown fate comes before all else.

        What rests behind a position is in nobody's way where the position is added to.
        """
        if adding is not None:
            live = [order for order in live if not _rests_behind(order)]
        first = next((order for order in live if order.status is OrderStatus.UNKNOWN), None) or next(iter(live), None)
        if first is not None:
            return _named(first)
        return f"closing: {closing}" if closing else ""

    def _collateral(self, asset: str) -> Decimal | None:
        """Wallet and open profit of derivatives in their settle asset; None when a part of it is not known."""
        total = self._ledger.balances.get(asset)
        for key, rules in self._instruments.items():
            if rules.market != "spot" and rules.settle == asset and total is not None:
                profit = self.unrealized(key)
                total = None if profit is None else EXACT.add(total, profit)
        return total

    def _margined(self, exposures: Mapping[InstrumentId, Decimal | None], asset: str) -> Decimal | None:
        """Notional of derivatives that are settled in an asset, held or ordered."""
        total = ZERO
        for key, value in exposures.items():
            rules = self._instruments.get(key)  # none for what the venue holds of an instrument not traded here
            if rules is None or (rules.market != "spot" and rules.settle == asset):
                if value is None:
                    return None
                total = EXACT.add(total, value)
        return total

    def _spendable(self, rules: Instrument) -> Decimal | None:
        """Quote currency that no open purchase has a claim on; None where the wallet is not known."""
        total = self._ledger.balances.get(rules.quote)
        if total is None:
            return None
        for order in self._blotter.live():
            other = self._instruments[order.intent.instrument]
            if order.enlarges and order.side is Side.BUY and other.market == "spot" and other.quote == rules.quote:
                value = self._notional(other.id, order.leaves, self._price(order))
                if value is None:
                    return None
                total = EXACT.subtract(total, value)
        return total

    def _price(self, order: Order) -> Decimal | None:
        """What an order is valued at: its limit, else the price it waits for, else the mark."""
        return order.place.price or order.place.trigger_price or self.mark(order.intent.instrument)

    def _notional(self, instrument: InstrumentId, quantity: Decimal, price: Decimal | None) -> Decimal | None:
        rules = self._instruments.get(instrument)
        if price is None:
            return None
        return EXACT.multiply(quantity.copy_abs(), price) if rules is None else rules.notional(quantity, price)


def liquidity_of(market: MarketState, entry: Entry) -> Decimal | None:
    """The quantity that the book shows on the opposite side up to the worst price of an entry.

    The depth where there is one, else the best quote; None where neither says a quantity. A resting entry has no
    opposite side to take from: for it, the best own price's opposite is looked at all the same and shows nothing.
    """
    buys = entry.side is Side.BUY
    if market.depth is not None:
        prices = market.depth.ask_prices if buys else market.depth.bid_prices
        quantities = market.depth.ask_quantities if buys else market.depth.bid_quantities
    else:
        best, shown = (market.ask, market.ask_quantity) if buys else (market.bid, market.bid_quantity)
        prices, quantities = (best,), (shown,)
    if entry.worst is None or not any(quantity > 0.0 for quantity in quantities):
        return None
    total = ZERO
    for price, quantity in zip(prices, quantities, strict=True):
        exact = Decimal(repr(price))
        if exact <= entry.worst if buys else exact >= entry.worst:
            total = EXACT.add(total, Decimal(repr(quantity)))
    return total


def _count(notionals: dict[InstrumentId, Decimal | None], instrument: InstrumentId, value: Decimal | None) -> None:
    so_far = notionals.get(instrument, ZERO)
    notionals[instrument] = None if value is None or so_far is None else EXACT.add(so_far, value)


def _rests_behind(order: Order) -> bool:
    """Whether an order is protection that the venue has confirmed and that waits for its trigger."""
    waits = order.place.reduce_only and order.place.type.is_conditional and order.status is OrderStatus.ACCEPTED
    return waits and order.cancels == 0


def _named(order: Order) -> str:
    return f"{order.intent.leg.value} {order.client_order_id} {order.status.value}"
