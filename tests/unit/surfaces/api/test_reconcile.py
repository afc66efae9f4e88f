"""The comparison with the venue over HTTP: what differs, who may ask and resolve, and what is said no to."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.core.model.account import AccountStated, AccountUnclear, StatedPosition
from petrosa.core.model.commands import ResolveFinding
from petrosa.core.model.findings import FindingKind, How
from petrosa.core.model.positions import PositionSide
from petrosa.surfaces.access import Scope
from petrosa.surfaces.reconciliation import REMEDIES
from tests.kit.desk import BUY, Served, served
from tests.kit.toys import BTC

WHY = {"reason": "a test"}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as found:
        yield found


async def told(desk: Served, held: str = "0.5") -> None:
    """The venue states a position that nobody here has traded, twice."""
    now = desk.desk.turns.now
    position = StatedPosition("paper", BTC, PositionSide.NET, Decimal(held), Decimal(64_000))
    positions = (position,) if Decimal(held) else ()
    desk.desk.inbox.tell(AccountUnclear("paper", "a test"))
    for _ in range(2):
        stated = AccountStated("paper", "test", (), (), (), positions, {"USDT": Decimal(10_000)}, now + 1, now + 1)
        desk.desk.inbox.tell(stated)
    await desk.desk.move()


def code_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_every_kind_says_what_can_be_done() -> None:
    """All but what the desk would refuse."""
    assert set(FindingKind) == set(REMEDIES)
    assert {How.ADOPT, How.IGNORE} <= set.intersection(*(set(how) for how in REMEDIES.values()))


async def test_a_desk_whose_venue_is_simulated_has_nothing_to_compare(desk: Served) -> None:
    """And says so."""
    report = (await desk.get("/reconcile")).json()
    assert ("not_compared", [], None) == (report["state"], report["findings"], report["compared_at"])
    assert (409, "NO_VENUE_ACCOUNT") == code_of(await desk.post("/reconcile", WHY))
    assert (404, "FINDING_UNKNOWN") == code_of(await desk.post("/reconcile/abc", {"how": "adopt", **WHY}))


async def test_a_difference_is_shown_and_adopted(desk: Served, tmp_path: Path) -> None:
    """Entries are refused until it is; the command with its actor and reason is in the journal before the answer."""
    asked: list[str] = []
    desk.desk.control.reconciling.asks(asked.append)
    await told(desk)
    report = (await desk.get("/reconcile")).json()
    finding = report["findings"][0]
    assert ("differs", "position_differs", "0", "0.5") == (
        report["state"], finding["kind"], finding["ours"], finding["stated"],
    )  # fmt: skip
    assert {"adopt", "flatten", "ignore"} == set(finding["can"])
    assert "entries_open" == (await desk.post("/trade", BUY)).json()["result"]["check"]
    answer = await desk.post(f"/reconcile/{finding['finding_id']}", {"how": "adopt", **WHY})
    said = answer.json()
    assert (200, "done", f"adopt:{finding['finding_id']}") == (answer.status_code, said["status"], said["trade_id"])
    assert ("unclear", [f"finding {finding['finding_id']} was resolved by local"]) == (said["report"]["state"], asked)
    commands = [turn.event for turn in JournalReader(tmp_path / "journal").turns()]
    assert [("local", "a test")] == [(one.actor, one.reason) for one in commands if isinstance(one, ResolveFinding)]
    position = (await desk.get("/positions/BTCUSDT")).json()
    assert ("long", "0.5") == (position["side"], position["quantity"])
    assert (404, "FINDING_UNKNOWN") == code_of(
        await desk.post(f"/reconcile/{finding['finding_id']}", {"how": "adopt", **WHY})
    )


async def test_what_the_desk_will_not_do_is_a_conflict(desk: Served) -> None:
    """With its words."""
    await desk.post("/trade", BUY)
    await desk.desk.move(2.0)
    await told(desk, "0")
    finding = (await desk.get("/reconcile")).json()["findings"][0]
    answer = await desk.post(f"/reconcile/{finding['finding_id']}", {"how": "flatten", **WHY})
    assert (409, "NOT_RESOLVED") == code_of(answer)
    assert "nothing to close; adopt it instead" in answer.json()["error"]["message"]


async def test_a_comparison_is_asked_for(desk: Served) -> None:
    """With who asked and why."""
    asked: list[str] = []
    desk.desk.control.reconciling.asks(asked.append)
    answer = await desk.post("/reconcile", WHY)
    assert (202, "asked", ["asked by local: a test"]) == (answer.status_code, answer.json()["status"], asked)


async def test_who_may_do_what(desk: Served) -> None:
    """Reading needs read, asking trade, resolving admin."""
    desk.desk.control.reconciling.asks(lambda cause: None)
    keys = {scope: await desk.key(scope.value, scope) for scope in Scope}
    may = {
        scope: [
            (await desk.get("/reconcile", **{"X-API-Key": key})).status_code,
            (await desk.post("/reconcile", WHY, X_API_Key=key)).status_code,
            (await desk.post("/reconcile/abc", {"how": "ignore", **WHY}, X_API_Key=key)).status_code,
        ]
        for scope, key in keys.items()
    }
    assert {
        Scope.READ: [200, 403, 403], Scope.CONFIG: [200, 403, 403], Scope.TRADE: [200, 202, 403],
        Scope.ADMIN: [200, 202, 404],
    } == may  # fmt: skip


@pytest.mark.parametrize("body", [{"how": "forget", "reason": "x"}, {"how": "adopt", "reason": ""}, {"how": "adopt"}])
async def test_a_resolution_that_is_not_understood_is_refused(desk: Served, body: Any) -> None:
    """Nothing is told to the desk."""
    assert (422, "VALIDATION_ERROR") == code_of(await desk.post("/reconcile/abc", body))


async def test_before_there_is_a_desk(tmp_path: Path) -> None:
    """Nothing can be resolved."""
    async with served(tmp_path, turns=False) as desk:
        desk.desk.control.reconciling.asks(lambda cause: None)
        assert "not_compared" == (await desk.get("/reconcile")).json()["state"]
        for path, body in (("/reconcile", WHY), ("/reconcile/abc", {"how": "adopt", **WHY})):
            assert (503, "NO_DESK") == code_of(await desk.post(path, body))
