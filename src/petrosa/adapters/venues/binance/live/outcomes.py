"""What became of a request, and what follows from it: told to the desk, asked about, or sent again."""

from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from typing import Final

from petrosa.adapters.venues.binance.live.account import BinanceAccount
from petrosa.adapters.venues.binance.live.gateway_params import GatewayParams
from petrosa.adapters.venues.binance.live.inquiry import UNANSWERED, Doubt, Inquiry
from petrosa.adapters.venues.binance.live.lanes import Sending
from petrosa.adapters.venues.binance.live.product import Product
from petrosa.adapters.venues.binance.live.refusals import NEVER_SENT, doubts_position, reason_of
from petrosa.adapters.venues.binance.live.told import Orders
from petrosa.core.model.base import Side
from petrosa.core.model.events import Halted
from petrosa.core.model.orders import (
    AccountEvent,
    Cancel,
    CancelRejected,
    Intent,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
    OrderType,
    Place,
)
from petrosa.errors import DataError, VenueClosed, VenueRefused
from petrosa.ports import Clock

ORDER_EVENTS: Final = (
    OrderAccepted, OrderRejected, OrderTriggered, OrderCanceled, OrderExpired, CancelRejected, OrderFilled,
)  # fmt: skip

Told = AccountEvent | Halted
Start = Callable[[Coroutine[None, None, None]], None]
"""Lets something run beside what is being sent."""


class Outcomes:
    """One for a gateway. `again` puts a cancel back into its lane.

    `orders` is what was placed and told, `inquiry` asks about what was not answered, `questioned` are the cancels whose
    order is being asked about.
    """

    def __init__(
        self, product: Product, account: BinanceAccount, clock: Clock, tell: Callable[[Told], None], doubt: Doubt,
        params: GatewayParams, start: Start, again: Callable[[Sending], None],
    ) -> None:  # fmt: skip
        self.counts: Counter[str] = Counter()
        self.orders = Orders()
        self.inquiry = Inquiry(account, clock, self.orders, self.tell, doubt, params)
        self.questioned: set[Sending] = set()
        self._product = product
        self._account = account
        self._clock = clock
        self._tell_desk = tell
        self._doubt = doubt
        self._params = params
        self._start = start
        self._again = again

    def answered(self, sending: Sending, body: bytes) -> None:
        """The venue did what was asked. What it says is told, what it leaves out is looked after."""
        now = self._clock.now()
        try:
            if sending.target:
                events = self._product.cancelled(sending.intents[0], body, now)
            else:
                events = self._product.placed(sending.intents, body, now)
        except DataError as problem:
            self.unanswered(sending, str(problem))
            return
        for event in events:
            self.tell(event)
        if sending.target:
            self._start(self.inquiry.after_cancel(self._target_of(sending)))
        elif sending.replaced:
            for gone in self._replaced_by(sending):
                self._start(self.inquiry.after_cancel(gone))
        elif self._product.market == "usdm":
            for intent in sending.intents:
                self._start(self.inquiry.after_answer(intent))

    def refused(self, sending: Sending, refused: VenueRefused) -> None:
        """A definite no, which for a cancel or a repetition may mean that there is nothing left to do."""
        self.counts["refused"] += 1
        if sending.target:
            if self._product.is_unknown_order(refused.code):
                self._start(self._about_cancelled(sending, str(refused), may_repeat=False))
            else:
                self._cancel_rejected(sending, str(refused))
        elif self._product.is_duplicate(refused.code, refused.said):
            for intent in sending.intents:
                self._start(self.inquiry.find(intent, str(refused), at_once=True))
        else:
            for intent in sending.intents:
                self._reject(intent, reason_of(self._product.market, refused))
            self._ask_about_replaced(sending)
            if doubts_position(self._product.market, refused):
                self._doubt(str(refused))

    def closed(self, sending: Sending, closed: VenueClosed) -> None:
        """The venue does not deal with us any more: entries are over until a person has looked."""
        self.reject_all(sending, f"refused by the venue, {closed}")
        self.tell(Halted(f"{self._product.market}: {closed}"))

    def unanswered(self, sending: Sending, why: str) -> None:
        """It may have been done. An order is looked for and never sent again; a cancel may be repeated."""
        self.counts["unanswered"] += 1
        if sending.target:
            sending.unanswered += 1
            self._start(self._about_cancelled(sending, why, may_repeat=True))
            return
        for intent in sending.intents:
            self._start(self.inquiry.find(intent, why))
        self._ask_about_replaced(sending)

    # cancels that were not simply answered

    async def _about_cancelled(self, sending: Sending, why: str, *, may_repeat: bool) -> None:
        """Tell what the order is that should be cancelled; one that still is open may be cancelled once more."""
        target = self._target_of(sending)
        self.questioned.add(sending)
        try:
            stated = await self._account.order(target)
        except UNANSWERED as problem:
            self.counts[f"cancel: {type(problem).__name__}"] += 1
            self._repeat(sending, f"{why}; {problem}", may_repeat=may_repeat)
            return
        finally:
            self.questioned.discard(sending)
        if stated is None:
            self._cancel_rejected(sending, f"{why}; the venue knows no such order")
            if target.client_order_id not in self.inquiry.unknown:
                self._doubt(f"{target.client_order_id} shall be cancelled, and the venue knows no such order")
            return
        if not stated.status.is_terminal:
            self._repeat(sending, why, may_repeat=may_repeat)
        await self.inquiry.tell_state(target, stated)

    def _repeat(self, sending: Sending, why: str, *, may_repeat: bool) -> None:
        if may_repeat and sending.unanswered < self._params.max_cancel_sends:
            self._again(sending)
        else:
            self._cancel_rejected(sending, why)

    def _ask_about_replaced(self, sending: Sending) -> None:
        """Have it told at once whether what a failed order was to replace still rests."""
        for intent in self._replaced_by(sending):
            self._start(self.inquiry.ask_until_told(intent))

    def _replaced_by(self, sending: Sending) -> Sequence[Intent]:
        """What an order was to replace, with what is listed with that; after a restart only its name is known."""
        if not sending.replaced:
            return ()
        listed = self.orders.listed_with(sending.replaced)
        return listed or (_nameless(sending.replaced, sending.intents[0], OrderType.STOP),)

    def _target_of(self, sending: Sending) -> Intent:
        """The order that a cancel is for, as far as questions need it: after a restart only its name is known."""
        cancel, action = sending.intents[0], sending.intents[0].action
        known = self.orders.intent(sending.target)
        if known is not None or not isinstance(action, Cancel):
            return known or cancel
        return _nameless(sending.target, cancel, OrderType.STOP if action.conditional else OrderType.LIMIT)

    # what the desk is told

    def not_sent(self, sending: Sending, why: str) -> None:
        """It has not left and will not."""
        self.counts["not sent"] += 1
        self.reject_all(sending, f"{NEVER_SENT}, {why}")

    def reject_all(self, sending: Sending, reason: str) -> None:
        if sending.target:
            self._cancel_rejected(sending, reason)
            return
        for intent in sending.intents:
            self._reject(intent, reason)

    def _reject(self, intent: Intent, reason: str) -> None:
        now = self._clock.now()
        self.tell(OrderRejected(intent.account, intent.instrument, intent.client_order_id, reason, now, now))

    def _cancel_rejected(self, sending: Sending, reason: str) -> None:
        now, cancel = self._clock.now(), sending.intents[0]
        self.tell(CancelRejected(cancel.account, cancel.instrument, sending.target, reason, now, now))

    def tell(self, event: Told) -> None:
        """Into the inbox, and remembered here."""
        if isinstance(event, OrderAccepted):
            self._account.names.learn_from(event)
        if isinstance(event, ORDER_EVENTS):
            self.orders.told(event, by_stream=False)
        self._tell_desk(event)


def _nameless(name: str, of: Intent, kind: OrderType) -> Intent:
    """An order of which only the name is known, as far as questions about it need it."""
    return Intent(
        name, of.account, of.instrument, of.leg, Place(Side.BUY, kind, Decimal(0)), of.signal_id, of.strategy_id
    )
