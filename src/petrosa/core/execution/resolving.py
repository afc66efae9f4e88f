"""What a person decides about a finding, carried out: adopt it, have it gone, or accept it."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from petrosa.core.execution.account import Account
from petrosa.core.execution.ledger import Mark
from petrosa.core.execution.lifecycle import Order, submitted
from petrosa.core.model.base import Side
from petrosa.core.model.commands import ResolveFinding
from petrosa.core.model.findings import Finding, FindingKind, FindingResolved, How
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Intent, Leg, Liquidity, OrderCanceled, OrderFilled, OrderStatus, Place

ZERO = Decimal(0)
ASK_AGAIN = "ask for a new comparison and look again: petrosa reconcile"


class _Done(msgspec.Struct, frozen=True):
    """What was done; `refused` says why nothing was."""

    refused: str = ""
    fill: OrderFilled | None = None
    booked: Decimal = ZERO
    difference: Decimal = ZERO


class Resolving:
    """Carries out `ResolveFinding`. What is refused changes nothing."""

    def __init__(self, account: Account, instruments: Mapping[InstrumentId, Instrument], mark: Mark) -> None:
        self._mark = mark
        self._account = account
        self._instruments = instruments

    def resolve(self, command: ResolveFinding, now: int) -> None:
        """Do what is said, and say what came of it."""
        findings = self._account.findings
        finding = findings.get(command.finding)
        if finding is None:
            gone = f"there is no finding {command.finding[:40]!r} any more; {ASK_AGAIN}"
            self._say(command, None, _Done(gone))
            return
        done = _Done()
        match command.how:
            case How.IGNORE:
                findings.ignore(finding)
            case How.ADOPT:
                done = self._adopt(finding, now)
            case How.FLATTEN:
                done = self._flatten(finding, command, now)
        if command.how is not How.IGNORE and not done.refused:
            findings.settle(finding, now)
        self._say(command, finding, done)

    def cancel(self, finding: Finding, now: int, reason: str) -> str:
        """Have an order taken off the venue that is not alive in our books. Returns why not, or nothing."""
        refused = self._take_in(finding, now)
        order = self._account.blotter.get(finding.target)
        if not refused and order is not None:
            self._account.sender.cancel(order, now, reason)
        return refused

    def _say(self, command: ResolveFinding, finding: Finding | None, done: _Done) -> None:
        self._account.sender.say(
            FindingResolved(
                command_id=command.command_id,
                actor=command.actor,
                reason=command.reason,
                finding_id=command.finding,
                how=command.how,
                refused=done.refused,
                finding=finding,
                fill=done.fill,
                booked=done.booked,
                difference=done.difference,
            )
        )

    def _adopt(self, finding: Finding, now: int) -> _Done:
        match finding.kind:
            case FindingKind.FOREIGN_ORDER | FindingKind.UNREMEMBERED_ORDER | FindingKind.DEAD_ORDER_RESTS:
                return _Done(self._take_in(finding, now))
            case FindingKind.ORDER_LOST:
                return _Done(self._give_up(finding, now))
            case FindingKind.FILLS_MISSING:
                return self._book_missing(finding, now)
            case FindingKind.POSITION_DIFFERS | FindingKind.WALLET_SHORT:
                return self._book_difference(finding, now)

    def _flatten(self, finding: Finding, command: ResolveFinding, now: int) -> _Done:
        why = f"flattened by {command.actor}: {command.reason}"
        match finding.kind:
            case FindingKind.FOREIGN_ORDER | FindingKind.UNREMEMBERED_ORDER | FindingKind.DEAD_ORDER_RESTS:
                return _Done(self.cancel(finding, now, why))
            case FindingKind.ORDER_LOST:
                return _Done(self._cancel_lost(finding, now, why))
            case FindingKind.POSITION_DIFFERS:
                return self._close(finding, command, now, why)
            case FindingKind.FILLS_MISSING | FindingKind.WALLET_SHORT:
                return _Done("there is nothing on the venue to close or cancel; adopt it: petrosa reconcile --adopt")

    def _take_in(self, finding: Finding, now: int) -> str:
        """Make an order of the venue one of ours, known exposure from now on. Returns why not, or nothing."""
        stated, blotter = finding.order, self._account.blotter
        if stated is None or finding.instrument not in self._instruments:
            return f"{finding.instrument} is not traded here; cancel the order on the venue, or ignore it"
        if not stated.client_order_id:
            return "the order has no client id to reach it by; cancel it on the venue, or ignore it"
        known = blotter.get(stated.client_order_id)
        if known is not None:
            if known.is_live:
                return f"the order is alive here by now; {ASK_AGAIN}"
            blotter.revive(stated.client_order_id)
            return ""
        place = Place(
            stated.side,
            stated.type,
            stated.quantity,
            stated.price,
            stated.trigger_price,
            reduce_only=stated.reduce_only,
        )
        intent = Intent(stated.client_order_id, stated.account, stated.instrument, Leg.MANUAL, place, "", "")
        taken = msgspec.structs.replace(
            submitted(intent, now),
            status=OrderStatus.ACCEPTED,
            filled=stated.filled,
            venue_order_id=stated.venue_order_id,
            average_price=stated.price or ZERO,
        )
        blotter.add(taken)
        return ""

    def _give_up(self, finding: Finding, now: int) -> str:
        """A lost order is gone, as the venue says."""
        order = self._live(finding)
        if order is None:
            return f"the order is over by now; {ASK_AGAIN}"
        why = "the venue does not know it; adopted"
        who = (order.intent.account, order.intent.instrument, order.client_order_id)
        self._account.on_order(OrderCanceled(*who, why, now, now), now)
        return ""

    def _cancel_lost(self, finding: Finding, now: int, why: str) -> str:
        order = self._live(finding)
        if order is None:
            return f"the order is over by now; {ASK_AGAIN}"
        self._account.sender.cancel(order, now, why)
        return ""

    def _live(self, finding: Finding) -> Order | None:
        order = self._account.blotter.get(finding.target)
        return order if order is not None and order.is_live else None

    def _book_missing(self, finding: Finding, now: int) -> _Done:
        """Take an order for as filled as the venue says, at its limit or the mark."""
        order = self._account.blotter.get(finding.target)
        if order is None or order.filled != finding.ours or finding.stated is None:
            return _Done(f"the order has moved since it was compared; {ASK_AGAIN}")
        price = order.place.price or order.place.trigger_price or self._mark(finding.instrument)
        if price is None:
            return _Done(f"{finding.instrument} has no price to book it at; wait for its market, then adopt it")
        quantity = EXACT.subtract(finding.stated, order.filled)
        fill = self._fill(finding, order.client_order_id, order.side, quantity, price, now)
        before = self._realized(finding.instrument)
        self._account.on_order(fill, now)
        return _Done(fill=fill, booked=EXACT.subtract(self._realized(finding.instrument), before))

    def _book_difference(self, finding: Finding, now: int) -> _Done:
        """Take the venue's quantity for ours, at the stated entry price, or the mark where it states none."""
        instrument, rules = finding.instrument, self._instruments.get(finding.instrument)
        if rules is None or finding.stated is None or finding.ours is None:
            return _Done(f"{instrument} is not traded here; close it on the venue, or ignore it")
        position = self._account.ledger.positions.get(instrument)
        held = position.quantity if position is not None else ZERO
        if held != finding.ours:
            was = f"{finding.ours} was held when it was compared, {held} is held now"
            return _Done(f"{was}; {ASK_AGAIN}")
        price = finding.price or self._mark(instrument)
        if price is None:
            return _Done(f"{instrument} has no price to book it at; wait for its market, then adopt it")
        change = EXACT.subtract(finding.stated, held)
        side = Side.BUY if change > 0 else Side.SELL
        fill = self._fill(finding, f"adopt:{finding.finding_id}", side, change.copy_abs(), price, now)
        before = self._realized(instrument)
        self._account.adopt(fill, now)
        after = self._account.ledger.positions[instrument]
        difference = ZERO
        if after.direction is not None and finding.price:
            difference = rules.profit(after.direction, after.quantity, finding.price, after.entry_price)
        return _Done(fill=fill, booked=EXACT.subtract(self._realized(instrument), before), difference=difference)

    def _close(self, finding: Finding, command: ResolveFinding, now: int, why: str) -> _Done:
        """Take the venue's quantity for ours, then close at market what is too much; what rests for it is swept."""
        ours, stated = finding.ours or ZERO, finding.stated or ZERO
        is_same_side = (ours > 0) == (stated > 0) and ours != 0
        if stated == 0 or (is_same_side and stated.copy_abs() < ours.copy_abs()):
            return _Done(f"the venue holds {stated}, less than our {ours}: there is nothing to close; adopt it instead")
        done = self._book_difference(finding, now)
        if not done.refused:
            cause = self._account.cause(finding.instrument, f"{command.command_id}|{finding.instrument}", "")
            keep = ours if is_same_side else ZERO
            self._account.exits.begin(cause, Leg.FLATTEN, why, now, anew=True, keep=keep)
            self._account.settle(finding.instrument, now)
        return done

    def _fill(
        self, finding: Finding, client_order_id: str, side: Side, quantity: Decimal, price: Decimal, now: int
    ) -> OrderFilled:
        """A fill that stands for the difference. It is of the statement's time, whose wallets hold it already."""
        at = self._account.findings.stated_at
        asset = self._instruments[finding.instrument].settle
        fill = OrderFilled(
            self._account.name, finding.instrument, client_order_id, f"adopt:{finding.finding_id}", side, quantity,
            price, ZERO, asset, Liquidity.TAKER, at, now, modelled=True,
        )  # fmt: skip
        if self._account.blotter.has_counted(fill):  # the same difference was adopted before, and is there again
            fill = msgspec.structs.replace(fill, trade_id=f"{fill.trade_id}:{at}")
        return fill

    def _realized(self, instrument: InstrumentId) -> Decimal:
        return self._account.ledger.realized.get(self._instruments[instrument].settle, ZERO)
