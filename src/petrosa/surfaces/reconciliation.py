"""What a desk knows of its venue's account: whether it was compared, what differs, and what can be done about it."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from petrosa.core.execution.findings import Findings
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.findings import Finding, FindingKind, How
from petrosa.errors import PetrosaError
from petrosa.surfaces.kill_switch import Reason
from petrosa.surfaces.observation import Check, ReconciliationSeen

FINDING_ID_MAX: Final = 64

_CANCEL: Final = {
    How.ADOPT: "make it an order of this desk: known exposure that the kill switch may cancel",
    How.FLATTEN: "cancel it",
    How.IGNORE: "leave it to whoever placed it; it stays counted as exposure",
}
REMEDIES: Final = {
    FindingKind.FOREIGN_ORDER: _CANCEL,
    FindingKind.UNREMEMBERED_ORDER: _CANCEL,
    FindingKind.DEAD_ORDER_RESTS: {**_CANCEL, How.ADOPT: "take it for alive again"},
    FindingKind.ORDER_LOST: {
        How.ADOPT: "take it for gone, as the venue says",
        How.FLATTEN: "ask the venue once more to cancel it",
        How.IGNORE: "go on; it stays counted as alive",
    },
    FindingKind.FILLS_MISSING: {
        How.ADOPT: "take the order for as filled as the venue says, at its limit or the mark",
        How.IGNORE: "go on with fewer fills than the venue has",
    },
    FindingKind.POSITION_DIFFERS: {
        How.ADOPT: "take the venue's quantity for ours, at its entry price, and guard it",
        How.FLATTEN: "take it for ours and close at market what is too much",
        How.IGNORE: "leave the difference to whoever made it; it stays counted as exposure",
    },
    FindingKind.WALLET_SHORT: {
        How.ADOPT: "take the wallet for what is held, at the mark",
        How.IGNORE: "go on with more in the books than in the wallet",
    },
}
"""What can be done about each kind, and what that does."""


class State(StrEnum):
    """How far the account is known."""

    NOT_COMPARED = "not_compared"
    """No venue is asked: this desk's venue is simulated, or the first comparison has not begun."""
    UNCLEAR = "unclear"
    """A comparison is due or under way; entries wait for it."""
    DIFFERS = "differs"
    """Findings are open; entries wait for somebody."""
    CLEAN = "clean"
    """Nothing differs but what is ignored."""


class ResolveRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do about a finding, and why."""

    how: How
    reason: Reason


class CompareRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the account shall be compared now."""

    reason: Reason


class FindingReport(msgspec.Struct, frozen=True, kw_only=True):
    """One difference. `ours` and `stated` are a signed position, a wallet, or what an order has filled."""

    finding_id: str
    kind: FindingKind
    instrument: str
    message: str
    ours: Decimal | None
    stated: Decimal | None
    entry_price: Decimal | None
    client_order_id: str
    ignored: bool
    can: Annotated[dict[str, str], Meta(description="What can be done about it, and what that does.")]


class ReconcileReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the last comparison left."""

    state: State
    closed_because: Annotated[str, Meta(description="Why entries wait for a comparison; empty while they do not.")]
    findings: tuple[FindingReport, ...]
    suspects: Annotated[int, Meta(description="Differences that were seen once and may be news on its way.")]
    compared_at: Annotated[datetime | None, Meta(description="When the last statement was asked for.")]


class ReconcileAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: `asked`; `done` at a turn of the desk's journal; or `waiting`: the desk will turn it soon.

    `booked` is the gross profit that an adoption has made at a price that was assumed, `difference` by how much the
    open profit is more by the venue's entry price than by ours; both in the settle asset.
    """

    status: str
    sequence: int | None = None
    trade_id: str = ""
    booked: Decimal | None = None
    difference: Decimal | None = None
    report: ReconcileReport


class NoVenueAccount(PetrosaError):
    """There is no venue to compare with."""


class NoFinding(PetrosaError):
    """No finding of this id is open."""


class NotResolved(PetrosaError):
    """The desk would not do that about a finding; the message says why."""


class Reconciling(Protocol):
    """The comparison of one desk with its venue."""

    def report(self) -> ReconcileReport: ...

    async def compare(self, actor: str, reason: str) -> ReconcileAnswer:
        """Ask the venue now. Raises `NoVenueAccount` where there is none, `NoDesk` when the desk has ended."""
        ...

    async def resolve(self, finding_id: str, how: How, actor: str, reason: str) -> ReconcileAnswer:
        """Do something about a finding. Raises `NoFinding`, `NotResolved`, and `NoDesk` where nothing turns."""
        ...


def report_of(findings: Findings) -> ReconcileReport:
    """What readers are told of it."""
    rows = tuple(_row(finding) for finding in findings)
    if not findings.born:
        state = State.NOT_COMPARED
    elif findings.unclear:
        state = State.UNCLEAR
    else:
        state = State.DIFFERS if findings.closed else State.CLEAN
    at = findings.stated_at
    return ReconcileReport(
        state=state,
        closed_because=findings.closed,
        findings=rows,
        suspects=findings.suspects,
        compared_at=datetime.fromtimestamp(at // NS_PER_SECOND, UTC) if at else None,
    )


def seen_of(findings: Findings, now: int) -> ReconciliationSeen | None:
    """What is measured of it; none where no venue is asked. `now` is the desk's time."""
    if not findings.born:
        return None
    counts = {kind.value: 0 for kind in FindingKind}
    for finding in findings:
        counts[finding.kind.value] += not finding.is_ignored
    age_ns = max(0, now - (findings.stated_at or findings.born))
    return ReconciliationSeen(
        findings_by_kind=counts,
        ignored=sum(finding.is_ignored for finding in findings),
        is_clean=not findings.closed,
        age_s=age_ns / NS_PER_SECOND,
    )


def reconciled_check(findings: Findings) -> Check | None:
    """Whether the account is known to be as our books say; none where no venue is asked."""
    if not findings.born:
        return None
    closed = findings.closed
    return Check("reconciled", not closed, closed or "our books are what the venue states")


def _row(finding: Finding) -> FindingReport:
    return FindingReport(
        finding_id=finding.finding_id,
        kind=finding.kind,
        instrument=finding.instrument,
        message=finding.message,
        ours=finding.ours,
        stated=finding.stated,
        entry_price=finding.price,
        client_order_id=finding.target,
        ignored=finding.is_ignored,
        can={how.value: text for how, text in REMEDIES[finding.kind].items()},
    )
