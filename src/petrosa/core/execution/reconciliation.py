"""Comparing an account with what the venue states, in the turn of the statement: the venue wins, and people are asked.

In order: news of orders is taken in as if it had been heard; what is missing is judged; what cannot be explained
becomes a finding; wallets become the stated ones; then every position is looked at for its stop. Entries are closed
while the account is unclear or a finding is open; exits and protection go on all the time.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from petrosa.core.execution.account import Account
from petrosa.core.execution.ledger import Mark
from petrosa.core.execution.reconcile import (
    PROTECTIVE,
    UNANSWERED,
    YOUNG_NS,
    ZERO,
    finding_of_fills,
    finding_of_loss,
    finding_of_order,
    findings_of_positions,
    findings_of_wallets,
    news_of,
    news_of_missing,
)
from petrosa.core.execution.resolving import Resolving
from petrosa.core.model.account import AccountStated, AccountUnclear, RulesStated
from petrosa.core.model.commands import ResolveFinding
from petrosa.core.model.findings import Finding, FindingKind, Reconciled, WalletCorrected
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import BalanceChanged, OrderEvent

ORPHANS: Final = frozenset({FindingKind.DEAD_ORDER_RESTS, FindingKind.UNREMEMBERED_ORDER})


class Reconciliation:
    """What a trader does when it hears of the account as a whole. What outlives a turn is in `Account.findings`."""

    def __init__(
        self, account: Account, instruments: Mapping[InstrumentId, Instrument], answer_ns: int, mark: Mark
    ) -> None:
        self._account = account
        self._instruments = instruments
        self._answer_ns = answer_ns
        self._resolving = Resolving(account, instruments, mark)
        self._news: list[OrderEvent] = []

    def handle(self, event: AccountUnclear | AccountStated | RulesStated | ResolveFinding, now: int) -> None:
        """Take in what concerns the account as a whole."""
        match event:
            case AccountUnclear() if self._account.is_ours(event.account):
                self._account.findings.doubt(event.reason, now)
            case AccountStated() if self._account.is_ours(event.account):
                self._compare(event, now)
            case ResolveFinding():
                self._resolving.resolve(event, now)
            case RulesStated():
                self._account.go_by(event.instruments)
                if not self._account.findings.unclear:  # else the statement that is on its way sees to it
                    self._protect(now)
            case _:
                pass

    def _compare(self, event: AccountStated, now: int) -> None:
        findings, held = self._account.findings, self._held()
        findings.begin(now)
        seen = [*self._of_orders(event, now), *self._of_missing(event, now)]
        seen += findings_of_positions(event.positions, held, self._instruments)
        seen += findings_of_wallets(event.balances, held, self._instruments)
        new = findings.stated(seen, event.ts_event)
        for finding in [finding for finding in findings if self._is_orphan(finding, event)]:
            self._resolving.cancel(finding, now, "a stop of ours rests where nothing needs it")
            findings.drop(finding)
        for finding in new:
            if findings.get(finding.finding_id) is not None:
                text = f"{finding.message}; no entry until it is gone or resolved: petrosa reconcile"
                self._account.sender.alarm(finding.kind.value, f"{text} (finding {finding.finding_id})")
        wallets = self._correct(event, now)
        self._protect(now)
        self._say(event, wallets)

    def _held(self) -> dict[InstrumentId, Decimal]:
        return {key: position.quantity for key, position in self._account.ledger.positions.items()}

    def _of_orders(self, event: AccountStated, now: int) -> list[Finding]:
        """Take in the state of each order of ours that was stated; other orders and missing fills are findings."""
        found: list[Finding | None] = []
        blotter = self._account.blotter
        for stated in (*event.orders, *event.answers):
            order = blotter.get(stated.client_order_id)
            if order is not None and order.is_live and order.intent.instrument == stated.instrument:
                for news in news_of(order, stated, now):
                    self._hear(news, now)
                found.append(finding_of_fills(order, stated))
                self._account.cancel_again(order.client_order_id, now)
            elif not stated.status.is_terminal:
                found.append(finding_of_order(stated, order))
        return [finding for finding in found if finding is not None]

    def _hear(self, news: OrderEvent, now: int) -> None:
        """Take in news of an order as if the venue had told it, and keep it if it was news."""
        before = self._account.blotter.get(news.client_order_id)
        self._account.on_order(news, now)
        if self._account.blotter.get(news.client_order_id) != before:
            self._news.append(news)

    def _of_missing(self, event: AccountStated, now: int) -> list[Finding]:
        """Judge the orders that the venue was asked for one by one and does not know."""
        findings, found = self._account.findings, []
        findings.keep_absences(event.missing)
        for name in event.missing:
            order = self._account.blotter.get(name)
            if order is None or not order.is_live:
                continue
            news = news_of_missing(order, event.ts_event, self._answer_ns, now)
            if news is not None:
                self._hear(news, now)
            elif order.status not in UNANSWERED and event.ts_event - order.ts_submitted >= YOUNG_NS:
                times = findings.missing(name, event.ts_event)
                if times:
                    found.append(finding_of_loss(order, times))
        return found

    def _is_orphan(self, finding: Finding, event: AccountStated) -> bool:
        """Whether a finding is a stop or target of this desk that the venue has, and no position of ours or its own has
        any use for: it is taken off without asking."""
        stated = finding.order
        rules = self._instruments.get(finding.instrument)
        if finding.kind not in ORPHANS or stated is None or rules is None or not stated.type.is_conditional:
            return False
        order = self._account.blotter.get(finding.target)
        is_protective = order.intent.leg in PROTECTIVE if order is not None else stated.reduce_only
        if not is_protective:
            return False
        if self._account.ledger.held(finding.instrument) == 0:
            return _stated_quantity(event, rules) < rules.step
        is_sound = not any(_is_of_position(other) for other in self._account.findings if other.instrument == rules.id)
        return order is not None and is_sound and self._account.protection[finding.instrument].is_covered

    def _correct(self, event: AccountStated, now: int) -> tuple[WalletCorrected, ...]:
        """The stated wallets replace ours; one that is not stated is empty."""
        ledger = self._account.ledger
        known = (ledger.currency, *(asset for rules in self._instruments.values() for asset in _assets(rules)))
        corrected = []
        for asset in dict.fromkeys((*event.balances, *ledger.balances, *known)):
            stated, ours = event.balances.get(asset, ZERO), ledger.balances.get(asset, ZERO)
            told = BalanceChanged(event.account, asset, stated, "stated", event.ts_event, now)
            ledger.state_balance(told)
            if ledger.balances[asset] != ours:
                corrected.append(WalletCorrected(asset, ours, ledger.balances[asset]))
        return tuple(corrected)

    def _protect(self, now: int) -> None:
        """Look at every position for its stop, and at every flat instrument for what still rests."""
        for instrument in self._instruments:
            self._account.guard_all(instrument)
            self._account.settle(instrument, now)

    def _say(self, event: AccountStated, wallets: tuple[WalletCorrected, ...]) -> None:
        """Say what came of it, if that is another outcome than the last time."""
        findings = self._account.findings
        open_now, news, self._news = tuple(findings), tuple(self._news), []
        outcome = "|".join([findings.closed, *(f"{one.finding_id}:{one.is_ignored}" for one in open_now)])
        if findings.news(outcome or "clean") or wallets or news:
            self._account.sender.say(
                Reconciled(
                    account=event.account,
                    cause=event.cause,
                    findings=open_now,
                    is_clean=not findings.closed,
                    suspects=findings.suspects,
                    wallets=wallets,
                    ts_event=event.ts_event,
                    news=news,
                )
            )


def _stated_quantity(event: AccountStated, rules: Instrument) -> Decimal:
    """How much the venue holds of an instrument, unsigned; on spot, of its base asset."""
    if rules.market == "spot":
        return event.balances.get(rules.base, ZERO)
    total = ZERO
    for position in event.positions:
        if position.instrument == rules.id:
            total = EXACT.add(total, position.quantity.copy_abs())
    return total


def _assets(rules: Instrument) -> tuple[str, ...]:
    return (rules.base, rules.quote) if rules.market == "spot" else (rules.settle,)


def _is_of_position(finding: Finding) -> bool:
    return finding.kind in (FindingKind.POSITION_DIFFERS, FindingKind.WALLET_SHORT)
