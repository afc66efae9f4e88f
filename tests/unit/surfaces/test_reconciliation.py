"""What is measured, logged, audited and folded of a comparison with the venue."""

from decimal import Decimal

from structlog.testing import capture_logs

from petrosa.core.model.findings import How
from petrosa.core.model.orders import Leg, OrderStatus
from petrosa.surfaces.api.metrics import exposition
from petrosa.surfaces.audit.memory import Memory
from petrosa.surfaces.audit.projection import Projection
from petrosa.surfaces.decisions import DecisionLog
from petrosa.surfaces.observation import Observation
from petrosa.surfaces.readmodel import ReadModel
from petrosa.surfaces.reconciliation import State, reconciled_check, report_of, seen_of
from tests.kit.trading import Session
from tests.kit.true_venue import TrueVenue


def differing() -> tuple[Session, TrueVenue]:
    """A desk whose venue holds one more than it."""
    session = Session()
    venue = TrueVenue(session)
    venue.unclear("a test")
    venue.offset = Decimal(1)
    venue.again(2)
    return session, venue


def test_a_desk_that_nobody_compares_has_no_check_and_no_measure() -> None:
    """A simulated venue is never a reason to be not ready."""
    findings = Session().trader.findings
    assert (None, None) == (reconciled_check(findings), seen_of(findings, 0))
    assert State.NOT_COMPARED is report_of(findings).state


def test_readiness_and_metrics_name_what_differs() -> None:
    """Not ready until it is resolved; what is ignored is counted apart."""
    session, venue = differing()
    findings = session.trader.findings
    check, seen = reconciled_check(findings), seen_of(findings, session.now + 10**9)
    assert check is not None
    assert (False, True) == (check.ok, "the venue holds 1, our fills add up to 0" in check.detail)
    assert seen is not None
    text = exposition(lambda: Observation(reconciliation=seen, alarms_by_name={"position_differs": 1}))().decode()
    for line in (
        'petrosa_reconcile_findings{kind="position_differs"} 1.0', "petrosa_reconcile_clean 0.0",
        "petrosa_reconcile_age_seconds 1.0", 'petrosa_alarms_total{name="position_differs"} 1.0',
    ):  # fmt: skip
        assert line in text
    venue.resolve(venue.findings()[0], How.IGNORE)
    check, seen = reconciled_check(findings), seen_of(findings, session.now)
    assert check is not None
    assert seen is not None
    assert (True, 1, 0) == (check.ok, seen.ignored, seen.findings_by_kind["position_differs"])


def test_a_statement_is_folded_like_the_news_it_is() -> None:
    """An end that nobody had heard, and a fill that was adopted, are in the read model, the log and the audit."""
    session = Session()
    venue = TrueVenue(session)
    model, audit = ReadModel(), Projection("run", "tag", simulated=False, memory=Memory())
    session.signal()
    entry = session.placed(Leg.ENTRY)[0]
    venue.take(venue.leaving()[0])
    venue.end(entry.client_order_id)
    venue.offset = Decimal(1)
    venue.again(2)
    venue.resolve(venue.findings()[0], How.ADOPT)
    other, log, records = Session(), DecisionLog(), []
    with capture_logs() as lines:
        for number, (now, event) in enumerate(session.heard[1:]):
            made = other.desk.handle(event, now)
            model.fold(number, now, event, made)
            log.fold(number, now, event, made)
            records += [told.document for told in audit.fold(number, now, event, made)]
    assert OrderStatus.CANCELED is model.orders[entry.client_order_id].status
    assert (1, 1) == (model.fills, model.alarms_by_name["position_differs"])
    assert {"reconciled", "finding resolved"} <= {line["event"] for line in lines}
    told = [(record["event"], record["status"]) for record in records]
    assert {("order_cancelled", "cancelled"), ("command", "told"), ("finding_resolved", "done")} <= set(told)
    assert 1 == len([one for one in records if str(one["metadata"].get("trade_id", "")).startswith("adopt:")])
