"""Closing a position at market: one slice after the other until it is flat, and never giving up.

On spot what protects the position locks the balance that an exit sells. So each slice takes the place of one pair, in
one request (`Place.replaces`): the venue takes the pair off and sells, or leaves it where it is. An exit that never
arrives leaves the position behind its stop, and one that arrives late, when another pair rests, sells nothing. What
cannot be replaced, since the venue has not confirmed it, or since it rests still after an exit that was to take its
place has failed, is cancelled first, and the exit leaves when it is gone: a venue may replace no order of a list.

What the venue takes off without selling, which is when it refuses the sale itself, rests again at once, and when the
fate of an exit is not known after `UNSURE_SECONDS`: it has sold, and the venue refuses the stop, or it has not.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.core.execution.blotter import Blotter
from petrosa.core.execution.ledger import Ledger
from petrosa.core.execution.lifecycle import Order
from petrosa.core.execution.pairs import Pair, ending, pairs_of
from petrosa.core.execution.params import ExecutionParams
from petrosa.core.execution.reducing import Cause, exit_at_market, reducing_id
from petrosa.core.execution.sender import Sender
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Leg, OrderStatus

PAUSE_SECONDS_MAX: Final = 60.0
UNSURE_SECONDS: Final = 1.0
"""So long the answer to an exit on spot is waited for, at most: it may have taken off what protected the position."""
DOUBLINGS_MAX: Final = 10
ZERO: Final = Decimal(0)


class Closing(msgspec.Struct, frozen=True):
    """A position that shall be flat, or no more than `keep` (signed). `order_id` is the exit under way; `waiting` that
    the next try has its timer.

    `ts_unlock` is until when the exit waits for what locks the balance to go; 0 while it waits for nothing.
    """

    cause: Cause
    leg: Leg
    reason: str
    order_id: str = ""
    attempt: int = 0
    failures: int = 0
    waiting: bool = False
    ts_unlock: int = 0
    keep: Decimal = Decimal(0)


class Exits:
    """The positions that are being closed, by instrument."""

    def __init__(
        self,
        ledger: Ledger,
        blotter: Blotter,
        sender: Sender,
        instruments: Mapping[InstrumentId, Instrument],
        params: ExecutionParams,
    ) -> None:
        self._ledger = ledger
        self._blotter = blotter
        self._sender = sender
        self._instruments = instruments
        self._params = params
        self._closings: dict[InstrumentId, Closing] = {}

    def retune(self, params: ExecutionParams) -> None:
        """Go by these parameters from now on."""
        self._params = params

    def reason(self, instrument: InstrumentId) -> str:
        """Why a position is being closed; empty when it is not."""
        closing = self._closings.get(instrument)
        return closing.reason if closing is not None else ""

    def needs_balance(self, instrument: InstrumentId) -> bool:
        """Whether an exit is under way, or follows at once, for which nothing else may lock the balance on spot.

        One that pauses, and one of which nobody knows whether the venue has it, would leave the position bare: then its
        protection rests again. Where that exit does arrive after all it finds the balance locked, or has sold it and
        the protection is refused; either is safe.
        """
        closing = self._closings.get(instrument)
        if closing is None or closing.waiting:
            return False
        order = self._blotter.get(closing.order_id)
        return order is None or order.status is not OrderStatus.UNKNOWN

    def begin(self, cause: Cause, leg: Leg, reason: str, now: int, *, anew: bool = False, keep: Decimal = ZERO) -> None:
        """Close a position but for `keep`. One being closed goes on, or begins `anew` if nothing is on its way."""
        current = self._closings.get(cause.instrument)
        if current is not None and (not anew or self._is_on_its_way(current)):
            return
        if current is not None and current.waiting:
            self._sender.stop_timer(f"exit:{cause.instrument}")
        self._closings[cause.instrument] = Closing(cause, leg, reason, keep=keep)
        self.follow(cause.instrument, now)

    def follow(self, instrument: InstrumentId, now: int) -> None:
        """Go on with closing after news of the instrument."""
        closing = self._closings.get(instrument)
        if closing is None:
            return
        if self._excess(closing) == 0:
            del self._closings[instrument]
            if closing.waiting or closing.ts_unlock:
                self._sender.stop_timer(f"exit:{instrument}")
            return
        order = self._blotter.get(closing.order_id)
        if closing.waiting or (order is not None and order.is_live):
            return
        if order is not None and order.filled == 0:
            self._closings[instrument] = self._failed(closing, order.reason, now)
            return
        locking = pairs_of(self._locking(instrument))
        replaced = next((pair for pair in locking if _may_be_replaced(pair)), None)
        is_over = 0 < closing.ts_unlock <= now
        if locking and replaced is None and not is_over:
            self._closings[instrument] = self._unlock(closing, locking, now)
            return
        if closing.ts_unlock and not is_over:
            self._sender.stop_timer(f"exit:{instrument}")
        self._closings[instrument] = self._try(closing, locking, replaced, now)

    def due(self, instrument: InstrumentId, now: int) -> None:
        """The pause after a failed exit, or the wait for a free balance, is over."""
        closing = self._closings.get(instrument)
        if closing is not None and closing.waiting:
            self._closings[instrument] = msgspec.structs.replace(closing, waiting=False, order_id="")
        self.follow(instrument, now)

    def snapshot(self) -> tuple[Closing, ...]:
        return tuple(self._closings.values())

    def restore(self, closings: tuple[Closing, ...]) -> None:
        self._closings = {closing.cause.instrument: closing for closing in closings}

    def _excess(self, closing: Closing) -> Decimal:
        """How much is left to close, unsigned."""
        held = self._ledger.held(closing.cause.instrument)
        kept = closing.keep.copy_abs() if held != 0 and (held > 0) == (closing.keep > 0) else ZERO
        return max(EXACT.subtract(held.copy_abs(), kept), ZERO)

    def _is_on_its_way(self, closing: Closing) -> bool:
        order = self._blotter.get(closing.order_id)
        return order is not None and order.is_live and order.status is not OrderStatus.UNKNOWN

    def _locking(self, instrument: InstrumentId) -> list[Order]:
        """What rests on spot and locks the balance that an exit would sell."""
        if self._instruments[instrument].market != "spot":
            return []
        closing = Side.SELL if self._ledger.held(instrument) > 0 else Side.BUY
        return [order for order in self._blotter.live(instrument) if order.side is closing]

    def _unlock(self, closing: Closing, locking: list[Pair], now: int) -> Closing:
        """Have what locks the balance taken off, save what is selling it already; the exit leaves when that is gone.

        Where the venue does not confirm that in time the exit leaves all the same: refused, it is tried again.
        """
        for pair in locking:
            if not pair.is_going and not _is_selling(pair):
                order, reason = ending(pair, f"the position is closed: {closing.reason}")
                self._sender.cancel(order, now, reason)
        if closing.ts_unlock:
            return closing
        at = now + round(self._params.answer_deadline_seconds * NS_PER_SECOND)
        self._sender.set_timer(f"exit:{closing.cause.instrument}", at)
        failures = closing.failures if closing.order_id == "" else 0
        return msgspec.structs.replace(closing, order_id="", failures=failures, ts_unlock=at)

    def _try(self, closing: Closing, locking: list[Pair], replaced: Pair | None, now: int) -> Closing:
        """Send the next slice: all that is held and that other pairs do not lock, as far as one order may hold it."""
        rules, held = self._instruments[closing.cause.instrument], self._ledger.held(closing.cause.instrument)
        quantity, name = min(self._excess(closing), rules.max_quantity), ""
        if replaced is not None:
            locked = sum((pair.quantity for pair in locking if pair is not replaced), ZERO)
            free = max(EXACT.subtract(held.copy_abs(), locked), replaced.quantity)
            quantity, name = min(quantity, free), (replaced.stop or replaced.live[0]).client_order_id
        attempt = closing.attempt
        while reducing_id(closing.cause, closing.leg, 0, attempt) in self._blotter:
            attempt += 1
        order = exit_at_market(closing.cause, closing.leg, held, quantity, 0, attempt, replaces=name)
        wait_ns = round(UNSURE_SECONDS * NS_PER_SECOND) if rules.market == "spot" else 0
        placed = self._sender.place(order, now, wait_ns)
        failures = closing.failures if closing.order_id == "" else 0
        return msgspec.structs.replace(
            closing, order_id=placed.client_order_id, attempt=attempt + 1, failures=failures, waiting=False,
            ts_unlock=0,
        )  # fmt: skip

    def _failed(self, closing: Closing, why: str, now: int) -> Closing:
        """An exit that filled nothing: pause, longer each time, and after a bound let entries halt."""
        instrument, failures = closing.cause.instrument, closing.failures + 1
        self._sender.set_timer(f"exit:{instrument}", now + round(self._pause_s(failures) * NS_PER_SECOND))
        if failures == self._params.max_exit_failures:
            held = self._ledger.held(instrument)
            message = f"{instrument}: {held} could not be closed in {failures} tries (last: {why}); tries go on"
            self._sender.alarm("exit_failed", message)
            self._sender.halt(message)
        return msgspec.structs.replace(closing, failures=failures, waiting=True)

    def _pause_s(self, failures: int) -> float:
        """How long is waited after so many failures in a row."""
        pause = self._params.exit_retry_seconds * 2.0 ** min(max(failures - 1, 0), DOUBLINGS_MAX)
        return min(pause, PAUSE_SECONDS_MAX)


def _may_be_replaced(pair: Pair) -> bool:
    """Whether the venue is known to have all of it, does not sell it by now, and has not failed to replace it."""
    is_untried = all(order.is_confirmed and not order.replaced_by for order in pair.legs)
    return is_untried and not pair.is_going and not _is_selling(pair)


def _is_selling(pair: Pair) -> bool:
    return any(order.is_selling for order in pair.live)
