"""Order entry of Binance for one market of one account: requests leave in two lanes, and every answer is told.

What an order can come to, and what is done:

* answered: what the answer says is told; what it does not say is heard from the user stream, or asked for;
* refused: `OrderRejected` with the venue's number and words; a cancel of an order that the venue does not know is
  answered by asking what became of that order;
* nothing has left (`NotSent`, `RateLimited`): the same request leaves again, an entry as long as it is wanted,
  anything that makes something smaller until it goes;
* nobody knows (`OutcomeUnknown`): it is never sent again. `Inquiry` asks until the order is found, or until it is
  proved that it is not there and cannot come any more. A cancel may be repeated: it names its order.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Final

from petrosa.adapters.venues.binance.live.account import BinanceAccount, Call
from petrosa.adapters.venues.binance.live.gateway_params import GatewayParams
from petrosa.adapters.venues.binance.live.inquiry import Doubt
from petrosa.adapters.venues.binance.live.lanes import Lanes, Sending
from petrosa.adapters.venues.binance.live.outcomes import Outcomes, Told
from petrosa.adapters.venues.binance.live.product import Product
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.core.model.base import NEVER, NS_PER_SECOND
from petrosa.core.model.orders import Approved, Cancel, OrderEvent, Reducing
from petrosa.errors import (
    DataError,
    InvariantError,
    NotSent,
    OverflowHalt,
    RateLimited,
    TransportError,
    VenueClosed,
    VenueRefused,
)
from petrosa.ports import Clock

RETRY_FIRST_S: Final = 0.05
RETRY_MAX_S: Final = 1.0
DRAIN_LOOK_S: Final = 0.02


class BinanceGateway:
    """This is `ports.Gateway`; nothing leaves unless `run` runs. Nothing is kept here: after a restart reconciliation
    asks about every order without an answer.

    `tell` puts an event into the desk's inbox, `doubt` has the account compared with the venue. `may_send` is asked
    just before each request and says why nothing may leave, for example because another process holds the account:
    then nothing does, stops and exits included, and each order is told as rejected, never sent. `crash_point` is told
    `gateway.before_write` and `gateway.after_answer` in passing. Whoever hears the user stream hands its events to
    `heard`, or every futures order is asked for once.
    """

    def __init__(
        self, product: Product, call: Call, account: BinanceAccount, clock: Clock, tell: Callable[[Told], None],
        doubt: Doubt, *,
        params: GatewayParams | None = None, may_send: Callable[[], str] = lambda: "",
        crash_point: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        self._product = product
        self._call = call
        self._clock = clock
        self._params = params if params is not None else GatewayParams()
        self._may_send = may_send
        self._crash_point = crash_point
        self._outcomes = Outcomes(product, account, clock, tell, doubt, self._params, self._start, self._repeat)
        self._lanes = Lanes(
            self._params.lane_capacity, self._params.urgent_slots, self._params.entry_slots,
            _ns(self._params.overtake_seconds),
        )  # fmt: skip
        self._halves: dict[str, Sending] = {}
        self._woken = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None

    @property
    def in_flight(self) -> int:
        """Requests that wait to leave, are being sent, or wait for their answer."""
        return self._lanes.waiting + self._lanes.out + len(self._halves) + len(self._outcomes.questioned)

    @property
    def unknown(self) -> int:
        """Orders of which nobody knows whether the venue has them."""
        return len(self._outcomes.inquiry.unknown)

    @property
    def counts(self) -> Counter[str]:
        """What happened so far, by name, for metrics."""
        return self._outcomes.counts + self._outcomes.inquiry.counts

    def submit(self, order: Approved | Reducing, now: int) -> None:
        """Queue it; it leaves as soon as this turn of the event loop is over.

        Raises `OverflowHalt` when what makes something smaller does not fit: it cannot be left out.
        """
        intent, is_urgent = order.intent, isinstance(order, Reducing)
        if isinstance(intent.action, Cancel):
            withdrawn = self._lanes.withdraw(intent.action.target_client_order_id)
            if withdrawn is not None:
                self._outcomes.not_sent(withdrawn, f"cancelled before it left: {intent.action.reason}")
            else:
                self._queue(Sending((intent,), is_urgent, now))
            return
        self._outcomes.orders.placed(intent, now)
        if intent.action.list_id and self._product.pairs:
            self._pair(intent.action.list_id, Sending((intent,), is_urgent, now))
        else:
            self._queue(Sending((intent,), is_urgent, now))

    def may_arrive(self, client_order_id: str) -> bool:
        """Whether the venue may still come to know an order that it does not know: it has not left, or just has."""
        return self._lanes.holds(client_order_id) or self._outcomes.inquiry.may_arrive(client_order_id)

    def heard(self, event: OrderEvent) -> None:
        """The user stream has told the desk this."""
        self._outcomes.orders.told(event, by_stream=True)

    async def run(self) -> None:
        """Send until cancelled. What was being sent then has an unknown outcome."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                while True:
                    self._woken.clear()
                    self._start_what_may_leave()
                    await self._wait()
            finally:
                self._group = None

    async def drain(self, timeout_s: float) -> int:
        """Wait until everything submitted has been answered; returns how much has not, orders looked for included."""
        until = self._clock.now() + _ns(timeout_s)
        while self.in_flight and (now := self._clock.now()) < until:
            await self._clock.sleep_until(min(until, now + _ns(DRAIN_LOOK_S)))
        return self.in_flight + self.unknown

    # what leaves, and when

    def _pair(self, list_id: str, sending: Sending) -> None:
        """Hold the first of two orders until the second comes, which is in the same turn."""
        first = self._halves.pop(list_id, None)
        if first is None:
            self._halves[list_id] = sending
            asyncio.get_running_loop().call_soon(self._halved, list_id)
            return
        both = (*first.intents, *sending.intents)
        self._queue(Sending(both, first.is_urgent and sending.is_urgent, first.since))

    def _halved(self, list_id: str) -> None:
        lonely = self._halves.pop(list_id, None)
        if lonely is not None:
            self._outcomes.not_sent(lonely, f"list {list_id} needs two orders in one turn, and this is the only one")

    def _queue(self, sending: Sending) -> None:
        if self._lanes.add(sending):
            self._woken.set()
            return
        waiting = f"{self._params.lane_capacity} requests wait for {self._product.market}"
        if sending.is_urgent:
            raise OverflowHalt(f"{waiting}, which is the limit, and one more makes something smaller")
        self._outcomes.not_sent(sending, f"{waiting}, which is the limit")

    def _start_what_may_leave(self) -> None:
        for sending in self._lanes.stale(self._clock.now() - self._max_wait):
            self._outcomes.not_sent(sending, self._too_old(sending))
        while (chosen := self._lanes.take(self._clock.now())) is not None:
            self._start(self._attend(chosen))

    async def _wait(self) -> None:
        """Until something changes, or time alone lets something leave, or makes an entry too old."""
        now = self._clock.now()
        oldest = self._lanes.oldest_entry()
        too_old = oldest + self._max_wait + 1 if oldest < NEVER else NEVER
        at = min(self._lanes.next_change(now), too_old)
        alarm = asyncio.create_task(self._wake_at(at)) if at < NEVER else None
        try:
            await self._woken.wait()
        finally:
            if alarm is not None:
                alarm.cancel()

    async def _wake_at(self, at: int) -> None:
        await self._clock.sleep_until(at)
        self._woken.set()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        if self._group is None:
            work.close()
            raise InvariantError("the gateway does not run")
        self._group.create_task(work)

    # one request

    async def _attend(self, sending: Sending) -> None:
        try:
            await self._send(sending)
        finally:
            self._lanes.done(sending)
            self._woken.set()

    async def _send(self, sending: Sending) -> None:
        """Send it once, and do what its outcome asks for."""
        reason = self._why_not(sending)
        if reason:
            self._outcomes.not_sent(sending, reason)
            return
        try:
            request = self._request(sending)
        except (InvariantError, DataError) as problem:
            self._outcomes.not_sent(sending, f"it cannot be asked for: {problem}")
            return
        try:
            self._pass("gateway.before_write")
            body = await self._call(request)
        except NotSent as problem:
            self._again(sending, min(RETRY_FIRST_S * 2 ** min(sending.tries - 1, 10), RETRY_MAX_S), problem)
        except RateLimited as problem:
            self._again(sending, problem.retry_after_s, problem)
        except (TransportError, DataError) as problem:
            self._outcomes.unanswered(sending, str(problem))
        except VenueRefused as problem:
            self._pass("gateway.after_answer")
            self._outcomes.refused(sending, problem)
        except VenueClosed as problem:
            self._outcomes.closed(sending, problem)
        else:
            self._pass("gateway.after_answer")
            self._outcomes.answered(sending, body)

    def _request(self, sending: Sending) -> Request:
        if sending.target:
            return self._product.cancel(sending.intents[0])
        return self._product.place(sending.intents)._replace(urgent=sending.is_urgent)

    def _why_not(self, sending: Sending) -> str:
        reason = self._may_send()
        if reason:
            return reason
        is_old = not sending.is_urgent and self._clock.now() - sending.since > self._max_wait
        return self._too_old(sending) if is_old else ""

    def _again(self, sending: Sending, seconds: float, problem: Exception) -> None:
        """Nothing was done: let it leave again, unless it would not be wanted any more by then."""
        is_ban = isinstance(problem, RateLimited) and problem.is_ban
        self._outcomes.counts["banned" if is_ban else type(problem).__name__] += 1
        at = self._clock.now() + _ns(seconds)
        if not sending.is_urgent and at - sending.since > self._max_wait:
            self._outcomes.not_sent(sending, f"{problem}; an entry waits {self._params.max_wait_seconds:g} s at most")
            return
        self._lanes.again(sending, at)

    def _repeat(self, sending: Sending) -> None:
        self._lanes.again(sending, self._clock.now())
        self._woken.set()

    def _too_old(self, sending: Sending) -> str:
        waited = (self._clock.now() - sending.since) / NS_PER_SECOND
        return f"it has waited {waited:.1f} s, and an entry waits {self._params.max_wait_seconds:g} s at most"

    @property
    def _max_wait(self) -> int:
        return _ns(self._params.max_wait_seconds)

    def _pass(self, name: str) -> None:
        if self._crash_point is not None:
            self._crash_point(name)


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_SECOND)
