"""Books what happened to orders and says so to the account: the only place that moves balances and makes answers."""

from decimal import Decimal

from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.orders import (
    BalanceChanged,
    Cancel,
    CancelRejected,
    FundingPaid,
    Intent,
    Liquidity,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
)
from petrosa.core.simulation.account import Account
from petrosa.core.simulation.answers import Answers
from petrosa.core.simulation.fees import Fees
from petrosa.core.simulation.latency import Latency
from petrosa.core.simulation.matching import Piece
from petrosa.core.simulation.orders import VenueOrder, price_of, quantity_of
from petrosa.core.simulation.params import SimulationParams


class Clearing:
    """`ts` is the venue's time of what happens, `now` ours when we could first know it."""

    __slots__ = ("_fees", "_latency", "account", "answers", "name", "trades_made")

    def __init__(self, name: str, account: Account, params: SimulationParams, latency: Latency) -> None:
        self.name = name
        self.account = account
        self.answers = Answers()
        self.trades_made = 0
        self._fees = Fees(params)
        self._latency = latency

    def accepted(self, order: VenueOrder, ts: int, now: int) -> None:
        due = self._due(order, ts, now)
        cid, void = order.client_order_id, order.venue_order_id
        self.answers.push(due, OrderAccepted(self.name, order.instrument, cid, void, ts, due))

    def rejected(self, intent: Intent, reason: str, ts: int, now: int) -> None:
        """No to an order, or to a cancel: then the order that was to be cancelled is named."""
        due = self._due(None, ts, now)
        action, cid = intent.action, intent.client_order_id
        if isinstance(action, Cancel):
            target = action.target_client_order_id
            self.answers.push(due, CancelRejected(self.name, intent.instrument, target, reason, ts, due))
        else:
            self.answers.push(due, OrderRejected(self.name, intent.instrument, cid, reason, ts, due))

    def triggered(self, order: VenueOrder, ts: int, now: int) -> None:
        due = self._due(order, ts, now)
        self.answers.push(due, OrderTriggered(self.name, order.instrument, order.client_order_id, ts, due))

    def canceled(self, order: VenueOrder, reason: str, ts: int, now: int) -> None:
        due = self._due(order, ts, now)
        self.answers.push(due, OrderCanceled(self.name, order.instrument, order.client_order_id, reason, ts, due))

    def expired(self, order: VenueOrder, reason: str, ts: int, now: int) -> None:
        due = self._due(order, ts, now)
        self.answers.push(due, OrderExpired(self.name, order.instrument, order.client_order_id, reason, ts, due))

    def filled(
        self, instrument: Instrument, order: VenueOrder, pieces: list[Piece], liquidity: Liquidity, ts: int, now: int
    ) -> None:
        """Book a batch of fills of one order: a fill a piece, then each balance that changed, once."""
        due = self._due(order, ts, now)
        for piece in pieces:
            price, quantity = price_of(instrument, piece.ticks), quantity_of(instrument, piece.steps)
            fee, asset = self._fees.of(instrument, order.side, quantity, price, liquidity)
            self.account.fill(instrument, order.side, piece.steps, price, fee, asset)
            order.filled += piece.steps
            self.trades_made += 1
            fill = OrderFilled(
                self.name, instrument.id, order.client_order_id, str(self.trades_made), order.side, quantity, price,
                fee, asset, liquidity, ts, due, piece.modelled,
            )  # fmt: skip
            self.answers.push(due, fill)
        for asset in (instrument.base, instrument.quote) if instrument.market == "spot" else (instrument.settle,):
            self._balance(asset, "fill", ts, due)

    def funding(self, instrument: Instrument, mark: float, rate: float, ts: int, now: int) -> None:
        """Settle funding on the position held: at a positive rate longs pay shorts, at a negative one the reverse."""
        steps = self.account.steps_held(instrument)
        if steps == 0 or rate == 0.0:
            return
        notional = instrument.notional(quantity_of(instrument, abs(steps)), Decimal(repr(mark)))
        amount = EXACT.multiply(notional, Decimal(repr(-rate if steps > 0 else rate)))
        self.account.change(instrument.settle, amount)
        due = self._due(None, ts, now)
        self.answers.push(due, FundingPaid(self.name, instrument.id, instrument.settle, amount, ts, due))
        self._balance(instrument.settle, "funding", ts, due)

    def _balance(self, asset: str, reason: str, ts: int, due: int) -> None:
        self.answers.push(due, BalanceChanged(self.name, asset, self.account.total(asset), reason, ts, due))

    def _due(self, order: VenueOrder | None, ts: int, now: int) -> int:
        """When an answer is heard: never before we could know it, nor before what was said of the order earlier."""
        due = max(now, ts + self._latency.response_delay(self.answers.number))
        if order is not None:
            due = order.heard = max(due, order.heard)
        return due
