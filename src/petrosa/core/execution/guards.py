"""Keeps protection behind every position: remembers what should rest, and has it placed, followed and swept."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.core.execution.blotter import Blotter
from petrosa.core.execution.ledger import Ledger
from petrosa.core.execution.lifecycle import Order
from petrosa.core.execution.pairs import covered_by_pairs, wanted_pairs
from petrosa.core.execution.params import ExecutionParams
from petrosa.core.execution.protection import Guard, Protection, Wanted, can_cancel, covered, wanted
from petrosa.core.execution.reducing import Cause
from petrosa.core.execution.sender import Sender
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.instruments import EXACT, Instrument, Toward
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import OrderFilled
from petrosa.core.risk.params import RiskParams

ENDED_KEPT: Final = 16
"""Ended orders that a guard remembers, so that no id is used twice and a late fill is known."""


class GuardsState(msgspec.Struct, frozen=True):
    """What should rest, for which positions an alarm is set, and since when (ns) they are without a confirmed stop."""

    guards: tuple[Guard, ...]
    watched: tuple[InstrumentId, ...]
    since: tuple[tuple[InstrumentId, int], ...] = ()


class Guards:
    """One `Guard` per instrument that is held, or whose protection is still being swept."""

    def __init__(
        self,
        ledger: Ledger,
        blotter: Blotter,
        sender: Sender,
        instruments: Mapping[InstrumentId, Instrument],
        risk: RiskParams,
        params: ExecutionParams,
    ) -> None:
        self._ledger = ledger
        self._blotter = blotter
        self._sender = sender
        self._instruments = instruments
        self._risk = risk
        self._params = params
        self._guards: dict[InstrumentId, Guard] = {}
        self._watched: dict[InstrumentId, None] = {}
        self._since: dict[InstrumentId, int] = {}

    def retune(self, risk: RiskParams, params: ExecutionParams) -> None:
        """Go by these parameters from now on."""
        self._risk, self._params = risk, params

    def get(self, instrument: InstrumentId) -> Guard | None:
        return self._guards.get(instrument)

    def filled(self, fill: OrderFilled, order: Order | None, held_before: Decimal) -> str:
        """Take notice of a fill. Returns why the position that it opened must not be kept, or nothing."""
        held = self._ledger.held(fill.instrument)
        if held == 0 or (held_before != 0 and (held > 0) == (held_before > 0)):
            return ""
        side = Side.SELL if held > 0 else Side.BUY
        old = self._guards.get(fill.instrument)
        opens = order is not None and order.enlarges and order.side is side.opposite
        if order is not None and opens and order.stop is not None:
            intent = order.intent
            cause = Cause(fill.account, fill.instrument, intent.signal_id, intent.signal_id, intent.strategy_id)
            stop, target = order.stop, order.target
        else:
            origin = f"fill:{fill.instrument}:{fill.trade_id}"
            cause = Cause(fill.account, fill.instrument, origin, "", "")
            stop, target = self._default_levels(fill.instrument, fill.price, side)
        self._guards[fill.instrument] = Guard(cause, side, stop, target, self._carried(old, cause))
        if order is not None and not opens:
            return f"{order.intent.leg.value} {order.client_order_id} filled beyond the position"
        return ""

    def ensure(self, instrument: InstrumentId) -> None:
        """See that a position has a guard, as one that was dust has none when the least order becomes smaller."""
        held, position = self._ledger.held(instrument), self._ledger.positions.get(instrument)
        if held == 0 or position is None or instrument in self._guards:
            return
        side = Side.SELL if held > 0 else Side.BUY
        cause = Cause(
            position.account, instrument, f"held:{instrument}:{position.ts_changed}", "", position.strategy_id
        )
        self._guards[instrument] = Guard(cause, side, *self._default_levels(instrument, position.entry_price, side))

    def follow(self, instrument: InstrumentId, now: int, *, leaving: bool = False) -> str:
        """Make what rests what should. Returns why the position must be closed instead, or nothing.

        While a position on spot is `leaving`, its exit needs the balance, and nothing new is placed.
        """
        guard = self._guards.get(instrument)
        if guard is None:
            return ""
        held = self._ledger.held(instrument)
        plan = self._plan(guard, held, now, leaving=leaving)
        for order, reason in plan.cancels:
            self._sender.cancel(order, now, reason)
        if plan.drop_target:
            self._sender.alarm("target_not_resting", f"{instrument}: {plan.drop_target}; the stop rests alone")
            guard = msgspec.structs.replace(guard, target=None)
        for reducing in plan.places:
            placed = self._sender.place(reducing, now)
            guard = msgspec.structs.replace(guard, orders=(*guard.orders, placed.client_order_id))
        self._keep(instrument, guard, held)
        self._watch(instrument, guard, held, now)
        return plan.gave_up

    def due(self, instrument: InstrumentId, now: int) -> str:
        """The time that a position may be without a stop is over. Returns why it must be closed now, or nothing."""
        self._watched.pop(instrument, None)
        guard, held = self._guards.get(instrument), self._ledger.held(instrument)
        if guard is None or self._is_safe(guard, held):
            return ""
        naked_for = now - self._since.setdefault(instrument, now)
        bound = self._params.flatten_unprotected_seconds
        what = f"{instrument}: {held} held without a confirmed stop for {naked_for / NS_PER_SECOND:g} s"
        limit = f"it is closed at market after {bound:g} s" if bound else "flatten_unprotected_seconds = 0, so it stays"
        self._sender.alarm("unprotected_position", f"{what}; {limit}")
        return what if bound and naked_for >= round(bound * NS_PER_SECOND) else ""

    def resume(self, now: int) -> None:
        """Count anew from here how long positions are without a stop: while nothing ran, nothing could be heard."""
        self._since = dict.fromkeys(self._since, now)

    def expected(self) -> Mapping[InstrumentId, Protection]:
        """For each position what should rest and what of it the venue has confirmed; guarded or not."""
        return {key: self._protection(key, held) for key in self._ledger.positions if (held := self._ledger.held(key))}

    def snapshot(self) -> GuardsState:
        return GuardsState(tuple(self._guards.values()), tuple(self._watched), tuple(self._since.items()))

    def restore(self, state: GuardsState) -> None:
        self._guards = {guard.cause.instrument: guard for guard in state.guards}
        self._watched = dict.fromkeys(state.watched)
        self._since = dict(state.since)
        for instrument, guard in self._guards.items():
            self._blotter.pin(instrument, guard.orders)

    def _plan(self, guard: Guard, held: Decimal, now: int, *, leaving: bool) -> Wanted:
        instrument = guard.cause.instrument
        rules, orders = self._instruments[instrument], self._orders(guard)
        if rules.market != "spot":
            return wanted(guard, held, rules, orders, self._blotter, now, self._params)
        if leaving and held != 0:
            return Wanted()
        since = self._since.get(instrument, 0)
        return wanted_pairs(guard, held, rules, orders, self._blotter, now, self._params, since)

    def _orders(self, guard: Guard) -> Sequence[Order]:
        return [order for order in (self._blotter.get(name) for name in guard.orders) if order is not None]

    def _covered(self, guard: Guard) -> Decimal:
        """The quantity that confirmed stops stand for."""
        is_spot = self._instruments[guard.cause.instrument].market == "spot"
        return (covered_by_pairs if is_spot else covered)(guard, self._orders(guard))

    def _is_safe(self, guard: Guard, held: Decimal) -> bool:
        return held == 0 or self._covered(guard) >= held.copy_abs()

    def _protection(self, instrument: InstrumentId, held: Decimal) -> Protection:
        guard = self._guards.get(instrument)
        side = Side.SELL if held > 0 else Side.BUY
        if guard is None:
            since = self._ledger.positions[instrument].ts_opened
            return Protection(instrument, side, held.copy_abs(), None, None, Decimal(0), since)
        orders = tuple(order for order in self._orders(guard) if can_cancel(order))
        return Protection(
            instrument, side, held.copy_abs(), guard.stop, guard.target, self._covered(guard),
            self._since.get(instrument, 0), orders,
        )  # fmt: skip

    def _keep(self, instrument: InstrumentId, guard: Guard, held: Decimal) -> None:
        """A guard stands until its position is flat and nothing of it rests any more."""
        live = {name for name in guard.orders if (order := self._blotter.get(name)) is not None and order.is_live}
        if held == 0 and not live:
            self._guards.pop(instrument, None)
            self._blotter.pin(instrument, ())
            return
        if len(guard.orders) > ENDED_KEPT + len(live):
            old = guard.orders[:-ENDED_KEPT]
            orders = (*[name for name in old if name in live], *guard.orders[-ENDED_KEPT:])
            guard = msgspec.structs.replace(guard, orders=orders)
        self._guards[instrument] = guard
        self._blotter.pin(instrument, guard.orders)

    def _watch(self, instrument: InstrumentId, guard: Guard, held: Decimal, now: int) -> None:
        """Set the alarm while a position is without a confirmed stop, and take it back when it has one."""
        safe = self._is_safe(guard, held)
        if safe:
            self._since.pop(instrument, None)
            if instrument in self._watched:
                del self._watched[instrument]
                self._sender.stop_timer(f"unprotected:{instrument}")
        elif instrument not in self._watched:
            self._watched[instrument] = None
            at = now + round(self._params.unprotected_seconds * NS_PER_SECOND)
            since, bound = self._since.setdefault(instrument, now), self._params.flatten_unprotected_seconds
            over = since + round(bound * NS_PER_SECOND)
            self._sender.set_timer(f"unprotected:{instrument}", min(at, over) if bound and over > now else at)

    def _carried(self, old: Guard | None, cause: Cause) -> tuple[str, ...]:
        """Orders of an older guard that still matter: all of the same origin, and of another what is alive."""
        if old is None:
            return ()
        if old.cause.origin == cause.origin:
            return old.orders
        live = {order.client_order_id for order in self._blotter.live(cause.instrument)}
        return tuple(name for name in old.orders if name in live)

    def _default_levels(self, instrument: InstrumentId, price: Decimal, side: Side) -> tuple[Decimal, Decimal]:
        """Stop and target by the default distances, for a position that no signal of ours opened."""
        rules = self._instruments[instrument]
        away = Decimal(repr(1.0 + self._risk.default_stop_loss_fraction * side.sign))
        gain = Decimal(repr(1.0 - self._risk.default_take_profit_fraction * side.sign))
        nearer_stop, nearer_target = (Toward.UP, Toward.DOWN) if side is Side.SELL else (Toward.DOWN, Toward.UP)
        stop = rules.price(EXACT.multiply(price, away), nearer_stop)
        target = rules.price(EXACT.multiply(price, gain), nearer_target)
        return stop, max(target, rules.tick)
