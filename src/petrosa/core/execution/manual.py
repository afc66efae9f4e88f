"""Orders that a person asks for: what can enlarge a position goes through the gate, what cannot is proved not to.

Nothing is made smaller or moved to fit: an order leaves as it was asked for, or is refused with every check.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.core.execution.account import Account
from petrosa.core.execution.asked import MANUAL, levels_answer, opinion_of, place_of, prices_of, terms_answers
from petrosa.core.execution.lifecycle import Order
from petrosa.core.execution.protection import PROTECTIVE_LEGS
from petrosa.core.execution.reducing import by_hand
from petrosa.core.execution.tally import Tally
from petrosa.core.market.state import MarketState
from petrosa.core.model.commands import CancelOrder, PlaceOrder
from petrosa.core.model.events import Decision, SignalAgreed
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Approved, Intent, Leg, Place, Reducing, client_order_id_of
from petrosa.core.model.refusals import Outcome, Refused, failed, passed, refusal
from petrosa.core.risk.facts import Adding, Entry
from petrosa.core.risk.gate import Cleared, approve, assess, not_reached
from petrosa.core.risk.params import RiskParams

EXITS: Final = (Leg.EXIT, Leg.FLATTEN)


class Manual:
    """One account's orders by hand. `may_add` says whether positions may be added to at all."""

    def __init__(
        self,
        account: Account,
        instruments: Mapping[InstrumentId, Instrument],
        markets: Mapping[InstrumentId, MarketState],
        risk: RiskParams,
        tally: Tally,
        *,
        may_add: bool,
    ) -> None:
        self._account = account
        self._instruments = instruments
        self._markets = markets
        self._risk = risk
        self._tally = tally
        self._may_add = may_add

    def retune(self, risk: RiskParams, *, may_add: bool) -> None:
        """Go by these parameters from now on."""
        self._risk, self._may_add = risk, may_add

    def place(self, command: PlaceOrder, now: int, closed: str) -> None:
        """Do what is asked, or say why not. `closed` says why no entry is taken; empty when entries are open."""
        rules = self._instruments.get(command.instrument)
        if rules is None:
            limit = ", ".join(sorted(self._instruments)[:10])
            unknown = failed("instrument_known", str(command.instrument), limit, "name one that is traded here")
            self._refuse(command.command_id, command.instrument, (unknown,))
            return
        place = place_of(command)
        known = passed("instrument_known", rules.id, "traded here")
        outcomes = (known, self._once(command), *terms_answers(command, place, rules, self._markets[rules.id]))
        if self._refuse(command.command_id, rules.id, outcomes, gate=not command.reduce_only):
            return
        if command.reduce_only:
            self._reduce(command, place, rules, outcomes, now)
        else:
            self._enter(command, place, rules, outcomes, now, closed)

    def recall(self, command: PlaceOrder, decisions: Sequence[Decision], now: int) -> None:
        """Take in what was decided then, when the market could be seen."""
        for decision in decisions:
            match decision:
                case Refused() | SignalAgreed():
                    self._account.sender.say(decision)
                case Approved():
                    adding = self._adding(command)
                    self._account.sender.place(decision, now)
                    self._tally.entered(command.instrument, now, is_addition=adding is not None)
                case Reducing():
                    self._account.sender.place(decision, now)
                case _:
                    pass

    def _reduce(
        self, command: PlaceOrder, place: Place, rules: Instrument, outcomes: tuple[Outcome, ...], now: int
    ) -> None:
        """Without the gate: it is not more than what is held, less what other orders of this kind close already."""
        held = self._account.ledger.held(rules.id)
        outcomes = (*outcomes, self._reduces(place, rules, held), self._not_closing(rules.id))
        if self._refuse(command.command_id, rules.id, outcomes):
            return
        cause = self._account.cause(rules.id, command.command_id, command.command_id)
        self._account.sender.say(SignalAgreed(command.command_id, outcomes))
        self._account.sender.place(by_hand(cause, held, place), now)

    def _enter(
        self,
        command: PlaceOrder,
        place: Place,
        rules: Instrument,
        outcomes: tuple[Outcome, ...],
        now: int,
        closed: str,
    ) -> None:
        """Through the gate, with its quantity as it is."""
        market, adding = self._markets[rules.id], self._adding(command)
        prices = prices_of(place, market, rules, self._risk.max_slippage_bps)
        outcomes = (*outcomes, self._same_side(command), levels_answer(command, prices, adding))
        if self._refuse(command.command_id, rules.id, outcomes, gate=True):
            return
        entry = Entry(
            opinion_of(command, rules, prices, now), command.side, rules, prices.expected, prices.worst,
            at_market=place.price is None, quantity=place.quantity, leg=Leg.MANUAL,
        )  # fmt: skip
        closing = self._account.exits.reason(rules.id)
        facts = self._account.standing.facts(
            entry, now, closed=closed, closing=closing, today=self._tally.today(), adding=adding
        )
        cleared = assess(entry, facts, self._risk)
        if not isinstance(cleared, Cleared):
            self._refuse(command.command_id, rules.id, (*outcomes, *cleared))
            return
        approved = approve(cleared, self._intent(command, place))
        self._account.sender.say(SignalAgreed(command.command_id, (*outcomes, *cleared.outcomes)))
        self._account.sender.place(approved, now)
        self._tally.entered(rules.id, now, is_addition=adding is not None)

    def cancel(self, command: CancelOrder, now: int) -> None:
        """Take an order off, or say why not."""
        order = self._account.blotter.get(command.client_order_id)
        if order is None:
            saw, remedy = f"no order {command.client_order_id[:64]!r} is remembered", "take the id of an open order"
            unknown = failed("order_known", saw, "an order of this desk", remedy)
            self._refuse(command.command_id, "", (unknown,))
            return
        outcomes = (passed("order_known", _named(order), "an order of this desk"), _alive(order), self._spare(order))
        if self._refuse(command.command_id, order.intent.instrument, outcomes):
            return
        self._account.sender.say(SignalAgreed(command.command_id, outcomes))
        self._account.sender.cancel(order, now, f"cancelled by {command.actor}: {command.reason}")

    def _once(self, command: PlaceOrder) -> Outcome:
        """A command that is told twice places one order."""
        name = client_order_id_of(self._account.name, command.command_id, Leg.MANUAL)
        if name in self._account.blotter:
            return failed("duplicate", f"command {command.command_id} placed {name}", "once", "nothing to do")
        return passed("duplicate", "new", "once")

    def _reduces(self, place: Place, rules: Instrument, held: Decimal) -> Outcome:
        if held == 0:
            remedy = "leave reduce_only out to open one"
            return failed("reduces", "flat", f"something held of {rules.symbol}", remedy)
        if held * place.side.sign > 0:
            saw = f"{place.side.value} with {'long' if held > 0 else 'short'} {held.copy_abs()}"
            return failed("reduces", saw, f"a {place.side.opposite.value}", "only the other side makes it smaller")
        others = sum((order.leaves for order in self._account.blotter.live(rules.id) if _closes(order)), Decimal(0))
        most = min(EXACT.subtract(held.copy_abs(), others), rules.max_quantity)
        saw = f"quantity {place.quantity}"
        limit = f"at most {most}: {held.copy_abs()} held, {others} in other orders that close it"
        if place.quantity < rules.min_quantity:
            return failed("reduces", saw, f"at least {rules.min_quantity} ({rules.symbol} LOT_SIZE)", "ask for more")
        if place.quantity > most:
            return failed("reduces", saw, limit, "ask for less, or cancel one of them")
        return passed("reduces", saw, limit)

    def _not_closing(self, instrument: InstrumentId) -> Outcome:
        closing = self._account.exits.reason(instrument)
        if closing:
            return failed("order_pending", f"closing: {closing}", "no exit under way", "wait until it is done")
        return passed("order_pending", "none", "no exit under way")

    def _same_side(self, command: PlaceOrder) -> Outcome:
        """What would reduce and then turn a position is two orders, of which the first needs no gate."""
        held = self._account.ledger.held(command.instrument)
        saw = "flat" if held == 0 else f"{'long' if held > 0 else 'short'} {held.copy_abs()}"
        limit = f"nothing held that a {command.side.value} closes"
        if held * command.side.sign < 0:
            return failed("same_side", saw, limit, "send it with reduce_only, and what opens the other side after that")
        return passed("same_side", saw, limit)

    def _adding(self, command: PlaceOrder) -> Adding | None:
        """The position that it would add to; None where there is none, or where positions are not added to."""
        guard = self._account.guard(command.instrument)
        if not self._may_add or guard is None or guard.side is command.side:
            return None
        if self._account.ledger.held(command.instrument) == 0:
            return None
        pile = self._tally.pile(command.instrument)
        return Adding(guard.stop, guard.target, pile.additions, pile.ts_last)

    def _spare(self, order: Order) -> Outcome:
        """A position keeps its stop and its target, and an exit under way is tried again whatever becomes of it."""
        held, leg = self._account.ledger.held(order.intent.instrument), order.intent.leg
        limit = "nothing that protects or closes a position"
        if held != 0 and leg in PROTECTIVE_LEGS:
            remedy = "close the position instead (reduce_only, or flatten); a new one would be placed at once"
            return failed("protects", f"the {leg.value} behind {held}", limit, remedy)
        if held != 0 and leg in EXITS:
            return failed("protects", f"the {leg.value} of {held}", limit, "wait for it; it would be sent again")
        return passed("protects", leg.value, limit)

    def _intent(self, command: PlaceOrder, place: Place) -> Intent:
        return Intent(
            client_order_id=client_order_id_of(self._account.name, command.command_id, Leg.MANUAL),
            account=self._account.name,
            instrument=command.instrument,
            leg=Leg.MANUAL,
            action=place,
            signal_id=command.command_id,
            strategy_id=MANUAL,
        )

    def _refuse(self, command_id: str, instrument: str, outcomes: tuple[Outcome, ...], *, gate: bool = False) -> bool:
        """Say no if one of the outcomes is; with `gate`, its checks are shown as not reached."""
        refused = refusal(MANUAL, instrument, command_id, outcomes)
        if refused is None:
            return False
        if gate:
            refused = msgspec.structs.replace(refused, outcomes=(*outcomes, *not_reached()))
        self._account.sender.say(refused)
        return True


def _closes(order: Order) -> bool:
    """Whether an order is on its way to close something, and not protection that waits."""
    return not order.enlarges and order.intent.leg not in PROTECTIVE_LEGS


def _alive(order: Order) -> Outcome:
    limit = "alive, and no cancel on its way"
    if not order.is_live:
        return failed("order_alive", order.status.value, limit, "nothing to do: it is over")
    if order.cancels:
        return failed("order_alive", f"{order.status.value}, {order.cancels} cancels sent", limit, "wait for the venue")
    return passed("order_alive", order.status.value, limit)


def _named(order: Order) -> str:
    return f"{order.intent.leg.value} {order.client_order_id}"
