"""Signals and account events in, decisions out: the part of a desk that may risk money, and never without a reason."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext

import msgspec

from petrosa.core.execution.account import Account
from petrosa.core.execution.admission import Admission, Agreed, Answers, Wish
from petrosa.core.execution.holdings import Holdings
from petrosa.core.execution.manual import Manual
from petrosa.core.execution.params import AccountParams
from petrosa.core.execution.reconciliation import Reconciliation
from petrosa.core.execution.recorded import Recorded
from petrosa.core.execution.tally import MIDNIGHT, Tally
from petrosa.core.execution.trader_params import TraderParams, differing, params_from
from petrosa.core.execution.trader_state import Reversal, TraderState
from petrosa.core.market.state import MarketState
from petrosa.core.model.account import AccountStated, AccountUnclear, RulesStated
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.commands import (
    CancelEntries,
    CancelOrder,
    Command,
    ConfigureTrading,
    Flatten,
    PauseEntries,
    PlaceOrder,
    ResolveFinding,
    ResumeEntries,
    Shutdown,
)
from petrosa.core.model.events import (
    Decision,
    Event,
    Halted,
    SignalAgreed,
    SignalJudged,
    SignalReceived,
    Started,
    TimerDue,
    TradingConfigured,
)
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import (
    BalanceChanged,
    CancelRejected,
    FundingPaid,
    Leg,
    OrderAccepted,
    OrderCanceled,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
    client_order_id_of,
)
from petrosa.core.model.refusals import Outcome, failed, refusal
from petrosa.core.model.signals import Action, Signal
from petrosa.core.risk.facts import Adding, Today
from petrosa.core.risk.gate import not_reached
from petrosa.core.signals.conflicts import Opinion
from petrosa.core.signals.leaving import leaving_outcomes
from petrosa.core.signals.models import Models
from petrosa.core.signals.params import SameDirection
from petrosa.core.signals.reception import Heard, Reception
from petrosa.errors import ConfigError


class Trader(Holdings):
    """One account. `handle` takes everything a desk is told; market facts concern it only through `markets`."""

    def __init__(
        self,
        account: AccountParams,
        instruments: Mapping[InstrumentId, Instrument],
        markets: Mapping[InstrumentId, MarketState],
        params: TraderParams,
        models: Models | None = None,
    ) -> None:
        self._instruments = {key: rules for key, rules in instruments.items() if key in markets}
        self._params = params
        self._reception = Reception(self._instruments, markets, params.signals, models or {})
        super().__init__(Account(account, self._instruments, markets, params.risk, params.execution))
        self._sender = self._account.sender
        self._reversals: dict[InstrumentId, Signal] = {}
        self._tally = Tally(self._account.standing, self._sender)
        self._admission = Admission(
            self._reception, self._account, self._tally, self._instruments, markets, params.risk, params.execution
        )
        self._market: Answers = self._admission
        answer_ns = round(params.execution.answer_deadline_seconds * NS_PER_SECOND)
        self._reconciliation = Reconciliation(
            self._account, self._instruments, answer_ns, lambda instrument: self._market.mark(instrument)
        )
        may_add = params.signals.same_direction is not SameDirection.REJECT_DUPLICATES
        self._manual = Manual(self._account, self._instruments, markets, params.risk, self._tally, may_add=may_add)
        self._paused = self._stopping = ""

    @property
    def today(self) -> Today:
        """How the day stands, as of the last turn."""
        return self._tally.today()

    @property
    def books(self) -> Account:
        """Orders, holdings and findings, for whoever asks the venue about them between turns."""
        return self._account

    @property
    def closed(self) -> str:
        """Why no entry is taken at the moment; empty when entries are open."""
        return self._stopping or self._sender.halt_reason or self._paused or self.findings.closed

    @property
    def params(self) -> TraderParams:
        """What it goes by now."""
        return self._params

    def opinions(self, now: int) -> Sequence[Opinion]:
        """The opinions that are under consideration at `now`, by instrument, oldest first."""
        return self._reception.opinions.active(now)

    def handle(self, event: Event, now: int) -> Sequence[Decision]:
        """Take in one event; what follows from it, in causal order."""
        with localcontext(EXACT):  # whatever a host program has set
            self._tally.roll(now, self._market.opening)
            self._handle(event, now)
        return self._sender.take()

    def on_signal(self, signal: Signal, now: int) -> Sequence[Decision]:
        """Agree to a signal or say why not. Whatever comes in here ends as an order or as one refusal."""
        with localcontext(EXACT):
            self._tally.roll(now, self._market.opening)
            self._hear(signal, now)
        return self._sender.take()

    def recall(self, event: Event | Signal, decisions: Sequence[Decision], now: int) -> Sequence[Decision]:
        """Take in again what a turn of the past was told, or a signal that was made in it; see `Recorded`.

        `decisions` are what was decided then from here on. Returns what follows now: the same, if nothing has changed.
        """
        self._market = Recorded(self._reception, decisions, lambda: self._sender.said)
        try:
            return self.on_signal(event, now) if isinstance(event, Signal) else self.handle(event, now)
        finally:
            self._market = self._admission

    def snapshot(self) -> TraderState:
        reversals = tuple(Reversal(key, signal) for key, signal in self._reversals.items())
        return TraderState(
            self._account.snapshot(),
            reversals,
            dict(self._reception.signal_ids),
            self._paused,
            self._stopping,
            self._reception.opinions.snapshot(),
            self._tally.snapshot(),
            self._params,
        )

    def restore(self, state: TraderState) -> None:
        """Go on from a snapshot, exactly. That a shutdown is over is said by `Started`."""
        self._account.restore(state.account)
        self._reversals = {reversal.instrument: reversal.signal for reversal in state.reversals}
        self._reception.signal_ids = dict(state.signal_ids)
        self._reception.opinions.restore(state.opinions)
        self._tally.restore(state.tally)
        if state.params is not None:
            self._retune(state.params)
        self._paused, self._stopping = state.paused, state.stopping

    def _handle(self, event: Event, now: int) -> None:
        match event:
            case SignalReceived():
                self._hear(event.signal, now)
            case OrderFilled():
                self._on_order(event, now)
                if self.held(event.instrument) != 0:
                    self._tally.wake(now)
            case (
                OrderAccepted()
                | OrderRejected()
                | OrderTriggered()
                | OrderCanceled()
                | OrderExpired()
                | CancelRejected()
            ):
                self._on_order(event, now)
            case BalanceChanged() | FundingPaid():
                self._account.on_wallet(event)
            case TimerDue():
                self._on_timer(event, now)
            case (
                PlaceOrder()
                | CancelOrder()
                | PauseEntries()
                | ResumeEntries()
                | CancelEntries()
                | Flatten()
                | Shutdown()
                | ConfigureTrading()
            ):
                self._on_command(event, now)
            case Halted():
                self._sender.halt_reason = self._sender.halt_reason or f"halted: {event.reason}"
            case AccountUnclear() | AccountStated() | RulesStated() | ResolveFinding():
                self._reconciliation.handle(event, now)
                for instrument in list(self._reversals):
                    self._reverse(instrument, now)
            case Started():
                self._stopping = ""
                self._account.resume(now)
                self.findings.say_again()
            case _:
                pass

    def _on_order(self, event: OrderEvent, now: int) -> None:
        self._account.on_order(event, now)
        self._reverse(event.instrument, now)

    def _hear(self, signal: Signal, now: int) -> None:
        heard = self._market.hear(signal, now, was_placed=self._was_placed(signal))
        if heard.signal.confidence < signal.confidence:
            self._sender.say(SignalJudged(signal.signal_id, heard.signal.confidence))
        where = heard.instruments[0] if heard.instruments else signal.symbol
        if not self._refuse(heard.signal, where, heard.outcomes):
            self._decide(heard, heard.instruments[0], now)

    def _decide(self, heard: Heard, instrument: InstrumentId, now: int) -> None:
        """What a sound signal leads to: an exit, an exit and then an entry, or an entry."""
        signal = heard.signal
        held, side = self._account.ledger.held(instrument), signal.action.side
        against = held != 0 and side is not None and (held > 0) != (side is Side.BUY)
        if signal.action is Action.CLOSE or against:
            self._leave(signal, instrument, held, heard.outcomes, now)
        elif side is not None:
            self._enter(heard, side, instrument, now)

    def _leave(
        self, signal: Signal, instrument: InstrumentId, held: Decimal, outcomes: tuple[Outcome, ...], now: int
    ) -> None:
        """Close what is held, waiting for no gate; a signal for the other side enters after that."""
        entering = signal.action is Action.CLOSE and any(
            order.enlarges and order.cancels == 0 for order in self._account.blotter.live(instrument)
        )
        outcomes += leaving_outcomes(held, self._account.exits.reason(instrument), entering=entering)
        if self._refuse(signal, instrument, outcomes):
            return
        self._sender.say(SignalAgreed(signal.signal_id, outcomes))
        if entering:  # one that fills before the cancel arrives is guarded like any other
            self._account.cancel_entries(instrument, now, f"close by {signal.strategy_id}")
        newer = f"signal {signal.signal_id} came after it"
        remedy = "nothing to do: the newer one is acted on"
        self._give_up_reversal(instrument, failed("order_pending", newer, "no newer signal", remedy))
        if signal.action is Action.CLOSE:
            self._reception.opinions.withdraw(instrument, signal.strategy_id)
        if signal.action is not Action.CLOSE and (
            signal.action is Action.BUY or self._instruments[instrument].short_allowed
        ):
            self._reversals[instrument] = signal
            stamps = [stamp for stamp in (signal.ts_event, signal.ts_seen) if stamp > 0]
            self._sender.set_timer(f"reversal:{instrument}", min(stamps) + self._reception.max_age_ns + 1)
        if held != 0:
            cause = self._account.cause(instrument, signal.signal_id, signal.signal_id)
            self._account.exits.begin(cause, Leg.EXIT, f"{signal.action.value} by {signal.strategy_id}", now)

    def _enter(self, heard: Heard, side: Side, instrument: InstrumentId, now: int) -> None:
        """Through the gate, or not."""
        signal = heard.signal
        adding = self._adding(heard, side, instrument)
        answer = self._market.enter(Wish(heard, side, instrument, now, self.closed, adding))
        if not isinstance(answer, Agreed):
            self._refuse(signal, instrument, answer, gate=False)
            return
        self._sender.say(SignalAgreed(signal.signal_id, answer.outcomes))
        self._sender.place(answer.approved, now)
        self._tally.entered(instrument, now, is_addition=adding is not None)

    def _adding(self, heard: Heard, side: Side, instrument: InstrumentId) -> Adding | None:
        """The position that an entry would add to; None where there is none, or where positions are not added to."""
        mode, held = self._params.signals.same_direction, self.held(instrument)
        guard = self._account.guard(instrument)
        if mode is SameDirection.REJECT_DUPLICATES or held == 0 or guard is None or guard.side is side:
            return None
        pile = self._tally.pile(instrument)
        rival = str(heard.rival) if mode is SameDirection.STRONGEST_WINS and heard.rival is not None else ""
        return Adding(guard.stop, guard.target, pile.additions, pile.ts_last, rival)

    def _refuse(self, signal: Signal, instrument: str, outcomes: tuple[Outcome, ...], *, gate: bool = True) -> bool:
        """Say no if one of the outcomes is; with `gate`, its checks are shown as not reached."""
        refused = refusal(signal.strategy_id, instrument, signal.signal_id, outcomes)
        if refused is None:
            return False
        if gate and signal.action.side is not None:
            refused = msgspec.structs.replace(refused, outcomes=(*outcomes, *not_reached()))
        self._sender.say(refused)
        return True

    def _was_placed(self, signal: Signal) -> bool:
        """Whether an order of this signal is remembered."""
        orders, name = self._account.blotter, self._account.name
        return any(client_order_id_of(name, signal.signal_id, leg) in orders for leg in (Leg.ENTRY, Leg.EXIT))

    def _reverse(self, instrument: InstrumentId, now: int) -> None:
        """Enter the other way once the old position and all its orders are gone, if the signal still stands."""
        signal = self._reversals.get(instrument)
        if signal is None or signal.action.side is None:
            return
        heard = self._market.ask_again(signal, instrument, now)
        refused = self._refuse(signal, instrument, heard.outcomes)
        if not refused and (self.held(instrument) != 0 or self._account.blotter.live(instrument)):
            return
        del self._reversals[instrument]
        self._sender.stop_timer(f"reversal:{instrument}")
        if not refused:
            self._enter(heard, signal.action.side, instrument, now)

    def _on_timer(self, event: TimerDue, now: int) -> None:
        kind, _, name = event.timer_id.partition(":")
        if kind == MIDNIGHT:
            self._tally.woken([self.held(instrument) for instrument in self._instruments], now)
            return
        self._account.on_timer(kind, name, now)
        order = self._account.blotter.get(name)
        self._reverse(order.intent.instrument if order is not None else InstrumentId(name), now)

    def _on_command(self, command: Command, now: int) -> None:
        said = f"by {command.actor}: {command.reason}"
        match command:
            case PlaceOrder():
                self._market.by_hand(self._manual, command, now, self.closed)
            case CancelOrder():
                self._manual.cancel(command, now)
            case PauseEntries():
                self._paused = f"paused {said}"
            case ConfigureTrading():
                self._configure(command)
            case ResumeEntries():
                self._paused = self._sender.halt_reason = ""
            case CancelEntries():
                self._account.cancel_entries(None, now, f"cancelled {said}")
            case Flatten():
                self._paused = f"flattened {said}"
                self._account.cancel_entries(command.instrument, now, self._paused)
                self._flatten(command, now)
            case Shutdown():
                self._stopping = f"shut down {said}"
                self._account.cancel_entries(None, now, self._stopping)
                for instrument in list(self._reversals):
                    self._give_up_reversal(instrument, _closed(self._stopping))

    def _configure(self, command: ConfigureTrading) -> None:
        """Go on with other parameters: all that the command names, or nothing and an alarm.

        What has left already keeps the terms on which it left: orders, stops, timers and the scores of opinions.
        """
        try:
            params = params_from(command.parameters)
        except ConfigError as problem:
            said = f"{command.command_id} by {command.actor}"
            message = f"trading: {problem}; the parameters of {said} are not taken, the old ones hold"
            self._sender.alarm("configuration_refused", message)
            return
        changed = differing(self._params, params)
        self._retune(params)
        self._sender.say(TradingConfigured(command.command_id, command.version, changed))

    def _retune(self, params: TraderParams) -> None:
        """Every part goes by these from now on."""
        self._params = params
        self._reception.retune(params.signals)
        self._account.retune(params.risk, params.execution)
        self._admission.retune(params.risk, params.execution)
        self._manual.retune(params.risk, may_add=params.signals.same_direction is not SameDirection.REJECT_DUPLICATES)

    def _flatten(self, command: Flatten, now: int) -> None:
        for instrument in self._instruments:
            if command.instrument not in (None, instrument):
                continue
            self._give_up_reversal(instrument, _closed(self._paused))
            self._reception.opinions.clear(instrument)
            if self.held(instrument) != 0:
                cause = self._account.cause(instrument, f"{command.command_id}|{instrument}", "")
                self._account.exits.begin(cause, Leg.FLATTEN, self._paused, now, anew=True)
            self._account.settle(instrument, now)

    def _give_up_reversal(self, instrument: InstrumentId, why: Outcome) -> None:
        """The exit of a reversal goes on; its entry is refused."""
        signal = self._reversals.pop(instrument, None)
        if signal is not None:
            self._sender.stop_timer(f"reversal:{instrument}")
            self._refuse(signal, instrument, (why,), gate=False)


def _closed(why: str) -> Outcome:
    return failed("entries_open", why, "open", "resume entries when the cause is gone")
