"""Asks what became of orders on which the venue has kept silent, until it is known, and tells the desk."""

from collections import Counter
from collections.abc import Callable
from typing import Final

from petrosa.adapters.venues.binance.live.gateway_params import GatewayParams
from petrosa.adapters.venues.binance.live.refusals import NEVER_REACHED
from petrosa.adapters.venues.binance.live.told import Orders, may_rest
from petrosa.core.model.account import StatedOrder
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.orders import (
    AccountEvent,
    Intent,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderStatus,
    OrderTriggered,
    Place,
)
from petrosa.errors import DataError, RateLimited, TransportError, VenueError
from petrosa.ports import Clock, VenueAccount

DELAYS_S: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Between questions about one order; the last one for as long as it takes."""
FILLS_DELAYS_S: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Trades are listed a little later than the order says that it has filled."""
ASKED_AGAIN_MAX: Final = 6
BEFORE_NS: Final = 60 * NS_PER_SECOND
"""How much earlier than an order its trades are looked for: the venue's clock is another one."""
LONG_BEFORE_NS: Final = 86_400 * NS_PER_SECOND
"""The same, where it is not known when the order was placed."""
MARGIN_NS: Final = NS_PER_SECOND
"""Added to the window of a request, for the difference between two clocks."""

_SET_OFF: Final = (OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED)
UNANSWERED: Final = (DataError, TransportError, VenueError)

Tell = Callable[[AccountEvent], None]
Doubt = Callable[[str], None]
"""Has the account compared with the venue, for a reason; `runtime.reconcile.Reconciler.doubt` is one."""


class Inquiry:
    """Questions about single orders. Nothing is sent again here, and nothing is concluded from silence.

    `unknown` are the client order ids that are being looked for, each with when (ns) that began.
    """

    def __init__(
        self, account: VenueAccount, clock: Clock, orders: Orders, tell: Tell, doubt: Doubt, params: GatewayParams
    ) -> None:
        self.unknown: dict[str, int] = {}
        self.counts: Counter[str] = Counter()
        self._account = account
        self._clock = clock
        self._orders = orders
        self._tell = tell
        self._doubt = doubt
        self._params = params

    async def find(self, intent: Intent, why: str, *, at_once: bool = False) -> None:
        """Look for an order that may or may not be there, as long as it takes to know. `why` it is not known."""
        name = intent.client_order_id
        if name in self.unknown:
            return
        self.unknown[name] = self._clock.now()
        try:
            await self._find(intent, why, self.unknown[name], at_once)
        finally:
            del self.unknown[name]

    def may_arrive(self, client_order_id: str) -> bool:
        """Whether the window of its request is still open: until then the venue's not knowing it proves nothing."""
        left_at = self.unknown.get(client_order_id)
        if left_at is None:
            return False
        return self._clock.now() < left_at + _ns(self._params.recv_window_seconds) + MARGIN_NS

    async def _find(self, intent: Intent, why: str, left_at: int, at_once: bool) -> None:
        look_until = left_at + _ns(max(self._params.lookup_seconds, self._params.recv_window_seconds))
        for delay in (0.0, *DELAYS_S) if at_once else DELAYS_S:
            if await self._look(intent, why, look_until, delay):
                return
        while not await self._look(intent, why, look_until, DELAYS_S[-1]):
            self.counts["still unknown"] += 1

    async def _look(self, intent: Intent, why: str, look_until: int, delay: float) -> bool:
        """One question after a delay; whether the fate of the order is known now and told."""
        await self._sleep(delay)
        asked_at = self._clock.now()
        try:
            stated = await self._account.order(intent)
            if stated is not None:
                await self.tell_state(intent, stated)
                return True
            if asked_at < look_until + MARGIN_NS or self._orders.is_heard_of(intent.client_order_id):
                return self._orders.is_complete(intent.client_order_id)
            fills = await self._fills(intent, 0)
        except RateLimited as limited:
            await self._sleep(limited.retry_after_s)
            return False
        except UNANSWERED as problem:
            self.counts[type(problem).__name__] += 1
            return False
        if fills:
            self._tell_all(fills)
            self._doubt(f"{intent.client_order_id} has trades, and the venue says that it knows no such order")
            return True
        looked = f"looked for it for {self._params.lookup_seconds:g} s, and its window is over"
        self._reject(intent, f"{NEVER_REACHED}: {why}; {looked}")
        return True

    async def after_answer(self, intent: Intent) -> None:
        """See that what happened to an answered order is heard, where the answer alone does not say it.

        On futures an answer holds no trades: they come by the user stream, and are asked for when it keeps silent.
        """
        name = intent.client_order_id
        await self._sleep(self._params.silence_seconds)
        if self._orders.is_complete(name) or (may_rest(intent) and self._orders.is_heard_of(name)):
            return
        self.counts["stream silent"] += 1
        await self.ask_until_told(intent)

    async def after_cancel(self, intent: Intent) -> None:
        """See that the end of a cancelled order, and what it filled before, are heard."""
        await self._sleep(self._params.silence_seconds)
        if not self._orders.is_complete(intent.client_order_id):
            self.counts["stream silent"] += 1
            await self.ask_until_told(intent)

    async def ask_until_told(self, intent: Intent) -> None:
        """Ask what has become of an order, and tell it, until the venue answers or it was asked often enough."""
        for delay in DELAYS_S[:ASKED_AGAIN_MAX]:
            try:
                stated = await self._account.order(intent)
                if stated is not None:
                    await self.tell_state(intent, stated)
                    return
            except RateLimited as limited:
                await self._sleep(limited.retry_after_s)
            except UNANSWERED as problem:
                self.counts[type(problem).__name__] += 1
            await self._sleep(delay)
        self._doubt(f"{intent.client_order_id} was answered, and cannot be asked about")

    async def tell_state(self, intent: Intent, stated: StatedOrder) -> None:
        """Tell all that an order has been through: accepted, set off, its trades, and only then its end."""
        now = self._clock.now()
        head = (intent.account, intent.instrument, intent.client_order_id)
        self._tell(OrderAccepted(*head, stated.venue_order_id, stated.ts_event, now))
        if _is_conditional(intent) and stated.status in _SET_OFF:
            self._tell(OrderTriggered(*head, stated.ts_event, now))
        if stated.filled > self._orders.filled(intent.client_order_id):
            await self._tell_fills(intent, stated)
        now, reason = self._clock.now(), stated.reason
        match stated.status:
            case OrderStatus.CANCELED:
                self._tell(OrderCanceled(*head, reason, stated.ts_event, now))
            case OrderStatus.EXPIRED:
                self._tell(OrderExpired(*head, reason, stated.ts_event, now))
            case OrderStatus.REJECTED:
                # It was taken and ended without a trade: to the desk, which knows it as accepted, that is an end.
                self._tell(OrderExpired(*head, reason or "rejected by the venue", stated.ts_event, now))
            case _:
                pass

    async def _tell_fills(self, intent: Intent, stated: StatedOrder) -> None:
        """Tell the trades of an order until they add up to what it filled; if they never do the account is unclear."""
        for delay in FILLS_DELAYS_S:
            await self._sleep(delay)
            try:
                self._tell_all(await self._fills(intent, stated.ts_event))
            except RateLimited as limited:
                await self._sleep(limited.retry_after_s)
            except UNANSWERED as problem:
                self.counts[type(problem).__name__] += 1
            if self._orders.filled(intent.client_order_id) >= stated.filled:
                return
        told = self._orders.filled(intent.client_order_id)
        self._doubt(f"{intent.client_order_id} has filled {stated.filled}, and trades of {told} are listed")

    async def _fills(self, intent: Intent, ts_last: int) -> list[OrderFilled]:
        """The trades of one order."""
        placed = self._orders.since(intent.client_order_id)
        since = placed - BEFORE_NS if placed else ts_last - LONG_BEFORE_NS
        fills = await self._account.fills(intent.instrument, max(0, since))
        return [fill for fill in fills if fill.client_order_id == intent.client_order_id]

    def _tell_all(self, fills: list[OrderFilled]) -> None:
        for fill in fills:
            self._tell(fill)

    def _reject(self, intent: Intent, reason: str) -> None:
        now = self._clock.now()
        self._tell(OrderRejected(intent.account, intent.instrument, intent.client_order_id, reason, now, now))

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            await self._clock.sleep_until(self._clock.now() + _ns(seconds))


def _is_conditional(intent: Intent) -> bool:
    return isinstance(intent.action, Place) and intent.action.type.is_conditional


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_SECOND)
