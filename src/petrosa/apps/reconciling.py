"""The comparison of the desk in this process with its venue: asked for, and its findings resolved, over HTTP."""

import secrets
from collections.abc import Callable

from petrosa.apps.telling import Telling, turned
from petrosa.core.execution.findings import Findings
from petrosa.core.model.commands import ResolveFinding
from petrosa.core.model.findings import FindingResolved, How
from petrosa.surfaces.kill_switch import NoDesk
from petrosa.surfaces.reconciliation import (
    NoFinding,
    NotResolved,
    NoVenueAccount,
    ReconcileAnswer,
    ReconcileReport,
    report_of,
)

NO_DESK = "no desk turns here; ask again when /ready says that market data has come"


class DeskReconciling:
    """A `Reconciling`. Whoever composes a desk with a real venue says by `asks` how its venue is asked."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._findings = Findings()
        self._ask: Callable[[str], None] | None = None

    def attached(self, findings: Findings) -> None:
        """There is a desk now, and these are its findings."""
        self._findings = findings

    def asks(self, request: Callable[[str], None]) -> None:
        """A venue is asked by this, for a cause: see `runtime.reconcile.Reconciler.request`."""
        self._ask = request

    def report(self) -> ReconcileReport:
        return report_of(self._findings)

    async def compare(self, actor: str, reason: str) -> ReconcileAnswer:
        if self._ask is None:
            raise NoVenueAccount("the venue of this desk is simulated: there is no account to compare with")
        if not self._telling.is_open:
            raise NoDesk(NO_DESK)
        self._ask(f"asked by {actor}: {reason}")
        return ReconcileAnswer(status="asked", report=self.report())

    async def resolve(self, finding_id: str, how: How, actor: str, reason: str) -> ReconcileAnswer:
        if not self._telling.is_open:
            raise NoDesk(NO_DESK)
        if self._findings.get(finding_id) is None:
            raise NoFinding(f"there is no finding {finding_id[:40]!r}; GET /reconcile lists those there are")
        command = ResolveFinding(f"resolve-{secrets.token_hex(8)}", actor, reason, finding_id, how)
        turning = self._telling.tell(command)
        found = None if turning is None else await turned(turning)
        if found is None:
            return ReconcileAnswer(status="waiting", report=self.report())
        done = next(one for one in found.decisions if isinstance(one, FindingResolved))
        if done.refused:
            raise NotResolved(done.refused)
        if self._ask is not None and how is not How.IGNORE:
            self._ask(f"finding {finding_id} was resolved by {actor}")
        return ReconcileAnswer(
            status="done",
            sequence=found.sequence,
            trade_id="" if done.fill is None else done.fill.trade_id,
            booked=None if done.fill is None else done.booked,
            difference=None if done.fill is None else done.difference,
            report=self.report(),
        )
