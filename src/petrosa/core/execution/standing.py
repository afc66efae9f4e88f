"""How the account stands right now: marks, equity, exposure, and from them the facts that the gate asks for."""

from collections.abc import Mapping
from decimal import Decimal

from petrosa.core.execution.blotter import Blotter
from petrosa.core.execution.ledger import Ledger
from petrosa.core.execution.lifecycle import Order
from petrosa.core.market.state import MarketState
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import OrderStatus
from petrosa.core.risk.exposure import Exposure, exposure_of
from petrosa.core.risk.facts import Facts

ZERO = Decimal(0)


class Standing:
    """Reads ledger, blotter and markets; owns nothing."""

    def __init__(
        self,
        ledger: Ledger,
        blotter: Blotter,
        markets: Mapping[InstrumentId, MarketState],
        instruments: Mapping[InstrumentId, Instrument],
    ) -> None:
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
        """Notional per instrument of what is held and of every live order that could enlarge it, unknown ones too."""
        notionals: dict[InstrumentId, Decimal | None] = {}
        for instrument in self._ledger.positions:
            held = self._ledger.held(instrument)
            if held != 0:
                notionals[instrument] = self._notional(instrument, held, self.mark(instrument))
        for order in self._blotter.live():
            if order.enlarges:
                instrument = order.intent.instrument
                value = self._notional(instrument, order.leaves, order.place.price or self.mark(instrument))
                so_far = notionals.get(instrument, ZERO)
                notionals[instrument] = None if value is None or so_far is None else EXACT.add(so_far, value)
        return notionals

    def facts(self, instrument: InstrumentId, now: int, *, closed: str, closing: str) -> Facts:
        """What the gate is told about an entry on an instrument."""
        market, rules = self._markets[instrument], self._instruments[instrument]
        exposures = self.exposures()
        exposure: Exposure = exposure_of(exposures)
        return Facts(
            now=now,
            currency=self._ledger.currency,
            equity=self.equity(),
            exposure=exposure,
            instrument_exposure=exposures.get(instrument, ZERO),
            spendable=self._spendable(rules),
            held=self._ledger.held(instrument),
            busy=self._busy(instrument, closing),
            closed=closed,
            bid=market.bid,
            ask=market.ask,
            ts_quote=market.ts_quote,
            feed_state=market.feed_state,
            book_is_whole=market.book_is_whole,
        )

    def _busy(self, instrument: InstrumentId, closing: str) -> str:
        """In words, what is under way on an instrument; an order of unknown fate comes before all else."""
        live = self._blotter.live(instrument)
        first = next((order for order in live if order.status is OrderStatus.UNKNOWN), None) or next(iter(live), None)
        if first is not None:
            return _named(first)
        return f"closing: {closing}" if closing else ""

    def _spendable(self, rules: Instrument) -> Decimal | None:
        """Quote currency that no open purchase has a claim on; None where the wallet is not known."""
        total = self._ledger.balances.get(rules.quote)
        if total is None:
            return None
        for order in self._blotter.live():
            other = self._instruments[order.intent.instrument]
            if order.enlarges and order.side is Side.BUY and other.market == "spot" and other.quote == rules.quote:
                value = self._notional(other.id, order.leaves, order.place.price)
                if value is None:
                    return None
                total = EXACT.subtract(total, value)
        return total

    def _notional(self, instrument: InstrumentId, quantity: Decimal, price: Decimal | None) -> Decimal | None:
        return None if price is None else self._instruments[instrument].notional(quantity, price)


def _named(order: Order) -> str:
    return f"{order.intent.leg.value} {order.client_order_id} {order.status.value}"
