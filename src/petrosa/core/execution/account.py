"""One account at work: news of its orders becomes what is held, and what must rest, go or follow after that."""

from collections.abc import Mapping

import msgspec

from petrosa.core.execution.blotter import Blotter, BlotterState
from petrosa.core.execution.exits import Closing, Exits
from petrosa.core.execution.findings import Findings, FindingsState
from petrosa.core.execution.guards import Guards, GuardsState
from petrosa.core.execution.ledger import Ledger, LedgerState
from petrosa.core.execution.lifecycle import WOULD_TRIGGER, Order
from petrosa.core.execution.params import AccountParams, ExecutionParams
from petrosa.core.execution.protection import Guard, Protection
from petrosa.core.execution.reducing import Cause
from petrosa.core.execution.sender import Sender
from petrosa.core.execution.standing import Standing
from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import BalanceChanged, FundingPaid, Leg, OrderEvent, OrderFilled, OrderStatus
from petrosa.core.risk.params import RiskParams


class AccountState(msgspec.Struct, frozen=True):
    """Orders, holdings, protection and exits under way."""

    blotter: BlotterState
    ledger: LedgerState
    guards: GuardsState
    closings: tuple[Closing, ...]
    halted: str
    findings: FindingsState = FindingsState()
    rules: tuple[Instrument, ...] = ()


class Account:
    """Holds the parts and the order in which they hear of things: ledger, guards, exits. Decides no entry."""

    def __init__(
        self,
        params: AccountParams,
        instruments: dict[InstrumentId, Instrument],
        markets: Mapping[InstrumentId, MarketState],
        risk: RiskParams,
        execution: ExecutionParams,
    ) -> None:
        self.name = params.account
        self.blotter = Blotter()
        self.ledger = Ledger(params, instruments)
        self.sender = Sender(self.blotter, execution)
        self.findings = Findings()
        self.standing = Standing(self.ledger, self.blotter, markets, instruments, self.findings.exposed)
        self.exits = Exits(self.ledger, self.blotter, self.sender, instruments, execution)
        self._guards = Guards(self.ledger, self.blotter, self.sender, instruments, risk, execution)
        self._instruments = instruments
        self._markets = markets
        self._params = execution
        self._rules: dict[InstrumentId, Instrument] = {}

    def retune(self, risk: RiskParams, execution: ExecutionParams) -> None:
        """Go by these parameters from now on, all parts at once."""
        self._params = execution
        self.sender.retune(execution)
        self.exits.retune(execution)
        self._guards.retune(risk, execution)

    def on_order(self, event: OrderEvent, now: int) -> None:
        """News of an order, in whatever order it comes."""
        if not self.is_ours(event.account):
            return
        if event.instrument not in self._instruments:
            self.sender.alarm("unknown_instrument", f"{event.client_order_id} is on {event.instrument}, not ours")
            return
        before = self.blotter.get(event.client_order_id)
        applied = self.blotter.apply(event)
        if applied.contradiction:
            self.sender.alarm("order_contradiction", applied.contradiction)
        if applied.order is not None:
            self._watch_answers(before, applied.order)
        if isinstance(event, OrderFilled) and applied.is_new_fill:
            self._on_fill(event, applied.order, now)
        self.settle(event.instrument, now)

    def on_wallet(self, event: BalanceChanged | FundingPaid) -> None:
        """The venue states a balance, or pays or takes funding."""
        if not self.is_ours(event.account):
            return
        if isinstance(event, BalanceChanged):
            self.ledger.state_balance(event)
        else:
            self.ledger.fund(event)

    def on_timer(self, kind: str, name: str, now: int) -> None:
        """A timer that one of the parts has set. `name` is an order's or an instrument's id."""
        order = self.blotter.get(name)
        match kind:
            case "answer" if order is not None:
                self._no_answer(order, now)
            case "cancel" if order is not None and order.is_live:
                self._not_cancelled(order, now)
            case "ttl" if order is not None and order.is_live and order.cancels == 0:
                self.sender.cancel(order, now, "its time to live is over")
            case "unprotected":
                self._unprotected(InstrumentId(name), now)
            case "exit":
                self.exits.due(InstrumentId(name), now)
            case _:
                pass

    def settle(self, instrument: InstrumentId, now: int) -> None:
        """After news of an instrument: protection first, then exits."""
        leaving = self.exits.needs_balance(instrument)
        gave_up = self._guards.follow(instrument, now, leaving=leaving)
        if gave_up and not self.exits.reason(instrument):
            name = "level_passed" if WOULD_TRIGGER in gave_up else "stop_failed"
            self._abandon(instrument, name, gave_up, now)
        self.exits.follow(instrument, now)
        if leaving and not self.exits.needs_balance(instrument):  # the exit pauses: protection rests meanwhile
            self._guards.follow(instrument, now)
        self._sweep_manual(instrument, now)

    @property
    def protection(self) -> Mapping[InstrumentId, Protection]:
        """For each position what should rest behind it and what of that is confirmed."""
        return self._guards.expected()

    def resume(self, now: int) -> None:
        """The desk has started, perhaps after a while in which nothing could be heard."""
        self._guards.resume(now)

    def guard_all(self, instrument: InstrumentId) -> None:
        """See that whatever is held of an instrument is guarded; `settle` then has its stop placed."""
        self._guards.ensure(instrument)

    def adopt(self, fill: OrderFilled, now: int) -> None:
        """Book a fill that no order of ours had: it is what the venue holds, and is guarded like any other."""
        if self.blotter.apply(fill).is_new_fill:
            self._book(fill, None, now)
        self.settle(fill.instrument, now)

    def go_by(self, rules: tuple[Instrument, ...]) -> None:
        """Other rules hold for these instruments. Where settings forbid to sell short, that stays forbidden."""
        for one in rules:
            if one.id in self._instruments:
                allowed = one.short_allowed and self._instruments[one.id].short_allowed
                known = msgspec.structs.replace(one, short_allowed=allowed)
                self._instruments[one.id] = self._rules[one.id] = self._markets[one.id].instrument = known

    def cancel_entries(self, instrument: InstrumentId | None, now: int, reason: str) -> None:
        """Cancel what could still enlarge a position; stops and targets rest on."""
        for order in self.blotter.live(instrument):
            if order.enlarges and order.cancels == 0:
                self.sender.cancel(order, now, reason)

    def cancel_again(self, client_order_id: str, now: int) -> None:
        """An order that was asked to go until nobody asked any more, and that still rests, is asked again."""
        order = self.blotter.get(client_order_id)
        if order is not None and order.is_live and order.cancels >= self._params.max_cancel_attempts:
            self.sender.cancel(order, now, "the venue still has it")

    def guard(self, instrument: InstrumentId) -> Guard | None:
        """What rests behind a position; None when nothing should."""
        return self._guards.get(instrument)

    def cause(self, instrument: InstrumentId, origin: str, signal_id: str) -> Cause:
        """Why a position shrinks; its fills count for the strategy that holds it."""
        position = self.ledger.positions.get(instrument)
        return Cause(self.name, instrument, origin, signal_id, position.strategy_id if position is not None else "")

    def snapshot(self) -> AccountState:
        return AccountState(
            self.blotter.snapshot(),
            self.ledger.snapshot(),
            self._guards.snapshot(),
            self.exits.snapshot(),
            self.sender.halt_reason,
            self.findings.snapshot(),
            tuple(self._rules.values()),
        )

    def restore(self, state: AccountState) -> None:
        self.blotter.restore(state.blotter)
        self.ledger.restore(state.ledger)
        self._guards.restore(state.guards)
        self.exits.restore(state.closings)
        self.sender.halt_reason = state.halted
        self.findings.restore(state.findings)
        self.go_by(state.rules)

    def _on_fill(self, fill: OrderFilled, order: Order | None, now: int) -> None:
        if order is None:
            what = f"filled {fill.side.value} {fill.quantity} at {fill.price}; it counts, and is guarded"
            self.sender.alarm("unknown_order", f"{fill.client_order_id} on {fill.instrument}, not placed here, {what}")
        self._book(fill, order, now)

    def _book(self, fill: OrderFilled, order: Order | None, now: int) -> None:
        """Book it, and see that what it opened is guarded and what it closed is not entered any more."""
        held_before = self.ledger.held(fill.instrument)
        intent = order.intent if order is not None else None
        strategy_id, signal_id = (intent.strategy_id, intent.signal_id) if intent is not None else ("", "")
        self.ledger.fill(fill, strategy_id, signal_id)
        unwanted = self._guards.filled(fill, order, held_before)
        if intent is not None and order is not None and not order.enlarges:
            self.cancel_entries(fill.instrument, now, f"{intent.leg.value} filled")
        if unwanted:
            self.sender.alarm("position_turned", f"{fill.instrument}: {unwanted}; it is closed at market")
            cause = self.cause(fill.instrument, f"turned:{fill.instrument}:{fill.trade_id}", signal_id)
            self.exits.begin(cause, Leg.FLATTEN, unwanted, now)

    def _sweep_manual(self, instrument: InstrumentId, now: int) -> None:
        """Take off what somebody placed to close a position that is flat by now, or the other way round."""
        held = self.ledger.held(instrument)
        for order in self.blotter.live(instrument):
            is_manual = order.intent.leg is Leg.MANUAL and not order.enlarges
            if is_manual and order.cancels == 0 and held * order.side.sign >= 0:
                self.sender.cancel(order, now, "nothing is left that it could close")

    def _unprotected(self, instrument: InstrumentId, now: int) -> None:
        """A position is without a confirmed stop for too long: say so, and in the end close it."""
        why = self._guards.due(instrument, now)
        if why and not self.exits.reason(instrument):
            self._abandon(instrument, "naked_position", why, now)
        self.settle(instrument, now)

    def _abandon(self, instrument: InstrumentId, name: str, why: str, now: int) -> None:
        """Close a position that cannot be protected."""
        guard = self._guards.get(instrument)
        if guard is None:
            return
        self.sender.alarm(name, f"{instrument}: {why}; the position is closed at market")
        cause = self.cause(instrument, f"unprotected:{guard.cause.origin}", guard.cause.signal_id)
        self.exits.begin(cause, Leg.FLATTEN, why, now)

    def _watch_answers(self, before: Order | None, after: Order) -> None:
        """Take back the timers that an answer has made pointless."""
        if before is None:
            return
        name, unanswered = after.client_order_id, (OrderStatus.SUBMITTED, OrderStatus.UNKNOWN)
        if before.status in unanswered and after.status not in unanswered:
            self.sender.stop_timer(f"answer:{name}")
        if before.is_live and not after.is_live:
            if after.place.ts_expire is not None:
                self.sender.stop_timer(f"ttl:{name}")
            if after.cancels:
                self.sender.stop_timer(f"cancel:{name}")

    def _no_answer(self, order: Order, now: int) -> None:
        if self.blotter.lose(order.client_order_id) is None:
            return
        waited = f"{(now - order.ts_submitted) / NS_PER_SECOND:g} s"
        name, instrument = order.client_order_id, order.intent.instrument
        message = f"{order.intent.leg.value} {name} on {instrument}: no answer within {waited}"
        self.sender.alarm("order_unknown", f"{message}; it counts as alive until the venue says otherwise")
        self.settle(instrument, now)

    def _not_cancelled(self, order: Order, now: int) -> None:
        if order.cancels < self._params.max_cancel_attempts:
            self.sender.cancel(order, now, "the cancel before had no effect")
            return
        name, instrument = order.client_order_id, order.intent.instrument
        message = f"{name} on {instrument} is {order.status.value} after {order.cancels} cancels; look at the venue"
        self.sender.alarm("cancel_failed", message)

    def is_ours(self, account: str) -> bool:
        """Whether this is the account that is traded; an alarm when it is not."""
        if account != self.name:
            self.sender.alarm("foreign_account", f"heard of account {account!r}; this desk trades {self.name!r}")
        return account == self.name
