"""Which request leaves next: what makes something smaller before what makes something larger, and each in its order."""

from bisect import insort
from typing import Final

from petrosa.core.model.base import NEVER
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Cancel, Intent, Place


class Sending:
    """One request that shall leave: an order, two that cancel each other, or a cancel. `since` is when it was decided.

    `tries` counts how often it was tried, `unanswered` how often it may have been done and nobody knows; `not_before`
    is when it may be tried again, `number` its place in the order.
    """

    __slots__ = ("intents", "is_urgent", "left_at", "not_before", "number", "since", "tries", "unanswered")

    def __init__(self, intents: tuple[Intent, ...], is_urgent: bool, since: int) -> None:
        self.intents = intents
        self.is_urgent = is_urgent
        self.since = since
        self.left_at = 0
        self.not_before = 0
        self.number = 0
        self.tries = 0
        self.unanswered = 0

    @property
    def instrument(self) -> InstrumentId:
        return self.intents[0].instrument

    @property
    def names(self) -> tuple[str, ...]:
        """Client order ids of the orders that it places."""
        return tuple(one.client_order_id for one in self.intents if not isinstance(one.action, Cancel))

    @property
    def target(self) -> str:
        """The order that it cancels."""
        action = self.intents[0].action
        return action.target_client_order_id if isinstance(action, Cancel) else ""

    @property
    def replaced(self) -> str:
        """The order that it replaces."""
        action = self.intents[0].action
        return action.replaces if isinstance(action, Place) else ""


class Lanes:
    """Two bounded lanes, each with as many requests out at once as it has slots. Turned by hand; knows no time.

    Within a lane what concerns one instrument leaves in its order: the next when the one before was answered, or has
    been out for `overtake` ns, so that one request on which the venue keeps silent does not hold a stop back. A cancel
    waits for the answer to the order that it is for, and for nothing that waits to be tried again. An entry leaves only
    when nothing urgent could.
    """

    def __init__(self, capacity: int, urgent_slots: int, entry_slots: int, overtake: int) -> None:
        self._capacity = capacity
        self._slots: Final = {True: urgent_slots, False: entry_slots}
        self._overtake = overtake
        self._waiting: dict[bool, list[Sending]] = {True: [], False: []}
        self._last = 0
        self._out: dict[Sending, None] = {}

    @property
    def waiting(self) -> int:
        return len(self._waiting[True]) + len(self._waiting[False])

    @property
    def out(self) -> int:
        """Requests that are being sent or wait for their answer."""
        return len(self._out)

    def add(self, sending: Sending) -> bool:
        """Queue it; False when the lane is full."""
        lane = self._waiting[sending.is_urgent]
        if len(lane) >= self._capacity:
            return False
        self._last += 1
        sending.number = self._last
        lane.append(sending)
        return True

    def take(self, now: int) -> Sending | None:
        """What leaves now; it counts as out until it is `done` or `again`."""
        for is_urgent in (True, False):
            chosen = self._first_free(is_urgent, now)
            if chosen is None:
                continue
            if sum(sending.is_urgent is is_urgent for sending in self._out) >= self._slots[is_urgent]:
                return None
            self._waiting[is_urgent].remove(chosen)
            chosen.left_at = now
            chosen.tries += 1
            self._out[chosen] = None
            return chosen
        return None

    def done(self, sending: Sending) -> None:
        """It was answered, or is asked about elsewhere."""
        self._out.pop(sending, None)

    def again(self, sending: Sending, not_before: int) -> None:
        """It shall leave again, before all that came after it. By those that do, a lane may exceed its capacity."""
        self.done(sending)
        sending.not_before = not_before
        insort(self._waiting[sending.is_urgent], sending, key=lambda one: one.number)

    def holds(self, client_order_id: str) -> bool:
        """Whether an order waits to leave, is being sent or waits for its answer."""
        everything = (*self._waiting[True], *self._waiting[False], *self._out)
        return any(client_order_id in sending.names for sending in everything)

    def withdraw(self, client_order_id: str) -> Sending | None:
        """Take back an order that has not left yet."""
        for lane in self._waiting.values():
            for sending in lane:
                if client_order_id in sending.names:
                    lane.remove(sending)
                    return sending
        return None

    def stale(self, before: int) -> list[Sending]:
        """Take back the entries that were decided before a time."""
        lane = self._waiting[False]
        old = [sending for sending in lane if sending.since < before]
        for sending in old:
            lane.remove(sending)
        return old

    def oldest_entry(self) -> int:
        """When the entry that has waited longest was decided."""
        return min((sending.since for sending in self._waiting[False]), default=NEVER)

    def next_change(self, now: int) -> int:
        """When something could leave that cannot leave now, if only time passes."""
        if not self.waiting:
            return NEVER
        times = [sending.left_at + self._overtake for sending in self._out]
        times += [sending.not_before for lane in self._waiting.values() for sending in lane]
        return min((at for at in times if at > now), default=NEVER)

    def _first_free(self, is_urgent: bool, now: int) -> Sending | None:
        """The first that waits for nothing of its own instrument."""
        fresh = [one for one in self._out if one.is_urgent is is_urgent and now - one.left_at < self._overtake]
        held = {sending.instrument for sending in fresh}
        postponed: set[InstrumentId] = set()
        unanswered = {name for sending in self._out for name in sending.names}
        for sending in self._waiting[is_urgent]:
            if sending.not_before > now:
                postponed.add(sending.instrument)
            elif sending.instrument in held or (sending.names and sending.instrument in postponed):
                continue
            elif sending.target not in unanswered:
                return sending
        return None
