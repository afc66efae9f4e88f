"""Turns orders into decisions: books each one, and sets the timers that watch whether it is answered."""

from collections.abc import Sequence

from petrosa.core.execution.blotter import Blotter
from petrosa.core.execution.lifecycle import Order, submitted
from petrosa.core.execution.params import ExecutionParams
from petrosa.core.execution.reducing import cancel
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.events import Alarm, CancelTimer, Decision, Halted, SetTimer
from petrosa.core.model.orders import Approved, Place, Reducing
from petrosa.errors import InvariantError


class Sender:
    """Collects what one turn decides, in causal order. `halt_reason` is why entries are over, if they are."""

    def __init__(self, blotter: Blotter, params: ExecutionParams) -> None:
        self.halt_reason = ""
        self._blotter = blotter
        self._decisions: list[Decision] = []
        self.retune(params)

    def retune(self, params: ExecutionParams) -> None:
        """Go by these parameters from now on."""
        self._answer_ns = round(params.answer_deadline_seconds * NS_PER_SECOND)

    @property
    def said(self) -> int:
        """How much this turn has decided so far."""
        return len(self._decisions)

    def take(self) -> Sequence[Decision]:
        """What was decided since the last call."""
        if not self._decisions:
            return ()
        decisions, self._decisions = self._decisions, []
        return decisions

    def say(self, decision: Decision) -> None:
        self._decisions.append(decision)

    def place(self, order: Approved | Reducing, now: int, answer_ns: int = 0) -> Order:
        """Let an order leave: remembered first, then decided, then watched, for `answer_ns` at most where given."""
        place = order.intent.action
        if not isinstance(place, Place):
            raise InvariantError(f"{order.intent.client_order_id} is a cancel; it goes by `cancel`")
        stop, target = (order.stop, order.target) if isinstance(order, Approved) else (None, None)
        booked = submitted(order.intent, now, stop, target)
        self._blotter.add(booked)
        if place.replaces:
            self._blotter.replacing(place.replaces, booked.client_order_id)
        self.say(order)
        wait_ns = min(answer_ns or self._answer_ns, self._answer_ns)
        self.set_timer(f"answer:{booked.client_order_id}", now + wait_ns)
        if place.ts_expire is not None:
            self.set_timer(f"ttl:{booked.client_order_id}", place.ts_expire)
        return booked

    def cancel(self, order: Order, now: int, reason: str) -> None:
        """Let a cancel leave, and look again later whether it has worked.

        The venue takes off as well what is listed with the order; what it leaves is cancelled at that second look.
        """
        reducing = cancel(order, reason)
        self._blotter.cancelling(reducing.intent)
        self.say(reducing)
        self.set_timer(f"cancel:{order.client_order_id}", now + self._answer_ns)
        if not order.place.list_id:
            return
        for other in self._blotter.live(order.intent.instrument):
            is_listed = other.place.list_id == order.place.list_id and other.client_order_id != order.client_order_id
            if is_listed and other.cancels == 0:
                self._blotter.going(other.client_order_id)
                self.set_timer(f"cancel:{other.client_order_id}", now + self._answer_ns)

    def alarm(self, name: str, message: str) -> None:
        self.say(Alarm(name, message))

    def halt(self, reason: str) -> None:
        """No entry from here on until somebody resumes."""
        if not self.halt_reason:
            self.halt_reason = reason
            self.say(Halted(reason))

    def set_timer(self, timer_id: str, at: int) -> None:
        self.say(SetTimer(timer_id, at))

    def stop_timer(self, timer_id: str) -> None:
        self.say(CancelTimer(timer_id))
