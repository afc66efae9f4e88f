"""The REST surface of a desk: what it answers, what it refuses and with which status, and that it trades once."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.core.model.events import SignalReceived
from petrosa.surfaces.access import Scope
from petrosa.surfaces.api.desk_document import FILTERS, SCHEMAS, paths
from petrosa.surfaces.api.desk_examples import ANSWERS, KILL, RESUME, SIGNAL
from petrosa.surfaces.api.guard import BODY_MAX
from petrosa.surfaces.kill_switch import KillRequest, Level, ResumeRequest, events_of
from petrosa.surfaces.trading import SIGNALS_MAX, SignalBody
from tests.kit.desk import BUY, Served, served


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as found:
        yield found


def received(folder: Path) -> list[SignalReceived]:
    """The signals in a journal."""
    return [turn.event for turn in JournalReader(folder).turns() if isinstance(turn.event, SignalReceived)]


def code_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


async def test_a_signal_becomes_an_order_a_fill_and_a_position(desk: Served) -> None:
    """Handed in as the specification's example, at the market's price; every list then knows of it."""
    answer = await desk.post("/trade", BUY)
    said = answer.json()
    assert (200, "agreed", 1) == (answer.status_code, said["status"], len(said["orders"]))
    order = said["orders"][0]
    assert (order, True) == (said["result"]["order_id"], said["result"]["stamped_on_arrival"])
    assert "submitted" == (await desk.get(f"/orders/{order}")).json()["status"]
    await desk.desk.move(2.0)
    filled = (await desk.get(f"/orders/{order}")).json()
    assert ("filled", filled["quantity"]) == (filled["status"], filled["filled"])
    position = (await desk.get("/positions/BTC/USDT:USDT")).json()
    assert ("long", filled["quantity"]) == (position["side"], position["quantity"])
    listed = {name: (await desk.get(f"/{name}?signal_id={said['signal_id']}")).json() for name in ("orders", "fills")}
    assert {"entry", "stop", "target"} == {one["leg"] for one in listed["orders"]["orders"]}
    assert [order] == [one["client_order_id"] for one in listed["fills"]["fills"]]
    account = (await desk.get("/account")).json()
    assert (1, "open", "") == (account["open_positions"], account["entries"], account["closed_because"])
    assert "stops resting 1 of 1" == account["stops"]
    health = (await desk.get("/positions/stops-health")).json()
    (stops,) = health["stops"]
    assert (1, 1, True, None, filled["quantity"]) == (
        health["positions"], health["protected"], stops["confirmed"], stops["since"], stops["covered"],
    )  # fmt: skip
    assert [("stop", "accepted"), ("target", "accepted")] == [(one["leg"], one["status"]) for one in stops["orders"]]
    assert [stops["stop"], stops["target"]] == [one["trigger_price"] for one in stops["orders"]]
    assert position["by_strategy"] == {"test": filled["quantity"]}


async def test_an_unstamped_signal_is_stamped_by_the_desk_and_audited_so(desk: Served, tmp_path: Path) -> None:
    """The time is the desk's; the journal says that it was given here, and a sender cannot say so itself."""
    now = desk.desk.turns.now
    await desk.post("/trade", {**BUY, "metadata": {"stamped_on_arrival": False, "note": "n"}})
    await desk.post("/trade", {**BUY, "timestamp": "2024-07-19T00:00:00Z", "metadata": {"stamped_on_arrival": True}})
    desk.desk.journal.sync()
    ours, theirs = (event.signal for event in received(tmp_path / "journal"))
    assert (now, {"stamped_on_arrival": True, "note": "n", "sent_by": "local"}) == (ours.ts_event, ours.metadata)
    assert (1_721_347_200_000_000_000, {"sent_by": "local"}) == (theirs.ts_event, theirs.metadata)


async def test_a_refusal_of_the_desk_is_an_answer(desk: Served) -> None:
    """200 with the check, what it saw, the limit and the remedy; it stands among the refusals."""
    answer = await desk.post("/trade", {**BUY, "price": 50_000})
    result = answer.json()["result"]
    assert (200, "rejected", "price_sane") == (answer.status_code, result["status"], result["check"])
    assert all(result[name] for name in ("saw", "limit", "remedy"))
    listed = (await desk.get("/refusals?check=price_sane")).json()["refusals"]
    assert [answer.json()["signal_id"]] == [row["signal_id"] for row in listed]
    assert [] == (await desk.get("/orders")).json()["orders"]


async def test_several_signals_are_decided_in_their_order(desk: Served) -> None:
    """The shape with a list; what a request cannot choose is said, and what it must not is refused."""
    several = [BUY, {**BUY, "confidence": 0.1}, {**BUY, "action": "hold"}]
    answer = (await desk.post("/trade", {"signals": several, "conflict_resolution": "strongest_wins"})).json()
    assert ["agreed", "rejected", "rejected"] == [one["status"] for one in answer["results"]]
    assert ("mixed", 3, 1) == (answer["status"], answer["signals_processed"], len(answer["warnings"]))
    for wrong in ({"risk_management": False}, {"audit_logging": False}, {"signals": [BUY] * (SIGNALS_MAX + 1)}):
        assert (422, "VALIDATION_ERROR") == code_of(await desk.post("/trade", {"signals": [BUY], **wrong}))
    before = desk.desk.turns.sequence
    bad = await desk.post("/trade", {"signals": [BUY, {**BUY, "action": "jump"}]})
    assert (422, "SIGNAL_BAD_FIELD") == code_of(bad)
    assert "signals[1]" in bad.json()["error"]["message"]
    assert before == desk.desk.turns.sequence


@pytest.mark.parametrize(
    ("status", "code", "body"),
    [
        (400, "MALFORMED_JSON", b"{"),
        (400, "MALFORMED_JSON", b"\xff"),
        (400, "MALFORMED_JSON", json.dumps(BUY).encode()[:-1] + b', "quantity": 5}'),
        (413, "TOO_LARGE", b" " * (BODY_MAX + 1)),
        (422, "SIGNAL_NOT_FINITE", json.dumps({**BUY, "price": float("nan")}).encode()),
        (422, "SIGNAL_MISSING_FIELD", b"{}"),
        (422, "SIGNAL_BAD_FIELD", {**BUY, "confidence": 7}),
        (422, "SIGNAL_BAD_FIELD", {**BUY, "price": [1]}),
        (422, "SIGNAL_TIMESTAMP", {**BUY, "timestamp": "yesterday"}),
        (422, "VALIDATION_ERROR", {"signals": 3}),
        (422, "VALIDATION_ERROR", {"signals": []}),
    ],
)
async def test_what_cannot_be_read_is_the_callers_fault(desk: Served, status: int, code: str, body: Any) -> None:
    """4xx with the field; nothing reaches the desk."""
    before = desk.desk.turns.sequence
    assert (status, code) == code_of(await desk.post("/trade", body))
    assert before == desk.desk.turns.sequence


async def test_the_same_key_gets_the_first_answer(desk: Served, tmp_path: Path) -> None:
    """Also when ten ask at once; the desk hears the signal once. With another body the key is refused."""
    same = await asyncio.gather(*(desk.post("/trade", BUY, idempotency_key="k-1") for _ in range(10)))
    assert 1 == len({answer.content for answer in same})
    assert "agreed" == same[0].json()["status"]
    desk.desk.journal.sync()
    assert 1 == len(received(tmp_path / "journal"))
    other = await desk.post("/trade", {**BUY, "confidence": 0.9}, idempotency_key="k-1")
    assert (422, "IDEMPOTENCY_KEY_REUSED") == code_of(other)
    for key in ("", "with space", "k" * 129):
        assert (400, "BAD_IDEMPOTENCY_KEY") == code_of(await desk.post("/trade", BUY, idempotency_key=key))


async def test_a_key_names_a_signal_that_has_no_name(tmp_path: Path) -> None:
    """After a restart the same key makes the same signal, which the trader then knows; a name of its own stays."""
    ids = []
    for home in ("a", "b"):
        (tmp_path / home).mkdir()
        async with served(tmp_path / home) as desk:
            ids.append((await desk.post("/trade", BUY, idempotency_key="k-1")).json()["signal_id"])
            named = await desk.post("/trade", {**BUY, "signal_id": "mine"}, idempotency_key="k-2")
            assert "mine" == named.json()["signal_id"]
            again = await desk.post("/trade", {**BUY, "signal_id": ids[0]})
            assert "duplicate" == again.json()["result"]["check"]
    assert ids[0] == ids[1]


async def test_many_at_once_are_all_answered(desk: Served, tmp_path: Path) -> None:
    """Each by its own turn; the desk agrees to one entry and refuses the others by name."""
    bodies = [{**BUY, "signal_id": f"s-{number}"} for number in range(100)]
    answers = await asyncio.gather(*(desk.post("/trade/signal", body) for body in bodies))
    assert [f"s-{number}" for number in range(100)] == [answer.json()["signal_id"] for answer in answers]
    assert 100 == len({answer.json()["result"]["sequence"] for answer in answers})
    assert ["agreed"] == [one for answer in answers if (one := answer.json()["status"]) != "rejected"]


async def test_a_price_is_never_made_up(desk: Served) -> None:
    """Unknown is 404, not heard and too old are 503; otherwise the last trade with its age."""
    price = (await desk.get("/price/btcusdt")).json()
    assert ("last_trade", 0.0) == (price["source"], price["age_seconds"])
    assert (404, "SYMBOL_UNKNOWN") == code_of(await desk.get("/price/ABCUSDT"))
    desk.desk.silence_s = 31.0
    assert (503, "PRICE_STALE") == code_of(await desk.get("/price/BTCUSDT"))


async def test_lists_are_paged_and_filtered(desk: Served) -> None:
    """At most 200 rows; a filter that is none is refused by name."""
    for number in range(5):
        await desk.post("/trade", {**BUY, "signal_id": f"s-{number}", "confidence": 0.1})
    page = (await desk.get("/refusals?limit=2&offset=2&symbol=btc/usdt")).json()
    assert (["s-2", "s-1"], {"total": 5, "limit": 2, "offset": 2, "has_next": True}) == (
        [row["signal_id"] for row in page["refusals"]], page["paging"],
    )  # fmt: skip
    for query in ("limit=201", "limit=0", "offset=-1", "colour=red"):
        for name in FILTERS:
            path = "signals/active" if name == "opinions" else name
            assert (422, "BAD_QUERY") == code_of(await desk.get(f"/{path}?{query}"))
    assert (422, "BAD_QUERY") == code_of(await desk.get("/positions?side=up"))
    assert (404, "ORDER_UNKNOWN") == code_of(await desk.get("/orders/none"))
    assert "flat" == (await desk.get("/positions/BTCUSDT")).json()["side"]


async def test_what_signals_say_is_shown_while_it_counts(desk: Served) -> None:
    """An opinion for five minutes, the counts for the whole run, the state of every symbol or of one."""
    await desk.post("/trade", {**BUY, "signal_id": "s-1"})
    await desk.post("/trade", {**BUY, "signal_id": "s-2", "strategy_id": "other", "confidence": 0.1})
    (opinion,) = (await desk.get("/signals/active?symbol=BTC/USDT")).json()["opinions"]
    assert ("s-1", "buy", True, "BTCUSDT") == tuple(opinion[name] for name in ("signal_id", "side", "stands", "symbol"))
    assert [] == (await desk.get("/signals/active?strategy_id=other")).json()["opinions"]
    summary = (await desk.get("/signals/summary")).json()
    assert (2, 1, 1) == (summary["signals"], summary["refused"], summary["active_opinions"])
    assert {"signals": {"buy": 1}, "refused": {"confidence": 1}, "weight": 1.0} == summary["by_strategy"]["other"]
    await desk.desk.move()
    whole, one = (await desk.get("/state")).json(), (await desk.get("/state?symbol=btc/usdt")).json()
    assert whole["symbols"] == one["symbols"]
    assert ("long", 1, "open") == (one["symbols"][0]["side"], one["symbols"][0]["active_opinions"], one["entries"])
    assert (404, "SYMBOL_UNKNOWN") == code_of(await desk.get("/state?symbol=ABCUSDT"))
    assert (422, "BAD_QUERY") == code_of(await desk.get("/state?colour=red"))
    await desk.desk.move(301.0)
    assert [] == (await desk.get("/signals/active")).json()["opinions"]


async def test_the_kill_switch_latches_until_it_is_resumed(desk: Served) -> None:
    """Flatten closes what is held; no signal enters, the milder levels take nothing back, resuming opens."""
    await desk.post("/trade", BUY)
    await desk.desk.move(2.0)
    for level in ("flatten", "pause_entries", "cancel_opens"):
        answer = await desk.post("/kill-switch", {"level": level, "reason": "a test"})
        assert (200, "done", "flatten") == (answer.status_code, *_of(answer.json()))
    await desk.desk.move(2.0)
    assert [] == (await desk.get("/positions")).json()["positions"]
    assert [] == (await desk.get("/orders?status=open")).json()["orders"]
    refused = (await desk.post("/trade", BUY)).json()["result"]
    assert ("entries_open", True) == (refused["check"], "by local: a test" in refused["saw"])
    opened = await desk.post("/kill-switch/resume", {"reason": "done"})
    assert (200, "done", None) == (opened.status_code, *_of(opened.json()))
    assert "agreed" == (await desk.post("/trade", {**BUY, "signal_id": "after"})).json()["status"]


@pytest.mark.parametrize("level", Level)
async def test_a_level_is_on_disk_before_it_is_answered(desk: Served, level: Level) -> None:
    """A power cut after the answer takes nothing back."""
    before = desk.desk.journal.syncs
    await desk.post("/kill-switch", {"level": level, "reason": "a test"})
    told = len(events_of(level, "", "", ""))
    await desk.post("/kill-switch/resume", {"reason": "over"})
    assert before + told + 1 == desk.desk.journal.syncs


async def test_a_halt_leaves_positions_and_their_stops(desk: Served) -> None:
    """And closes entries under the name of a halt."""
    await desk.post("/trade", BUY)
    await desk.desk.move(2.0)
    state = (await desk.post("/kill-switch", {"level": "halt", "reason": "odd fills"})).json()["state"]
    assert ["pause_entries", "cancel_opens", "halt"] == [one["level"] for one in state["engagements"]]
    assert "halted: odd fills (by local)" == state["closed_because"]
    assert {"stop", "target"} == {row["leg"] for row in (await desk.get("/orders?status=open")).json()["orders"]}


def _of(answer: Any) -> tuple[str, str | None]:
    return answer["status"], answer["state"]["level"]


async def test_who_may_do_what(desk: Served) -> None:
    """Reading with any key, trading and stopping with `trade`, opening with `admin`; stopping is never too often."""
    reader, trader = await desk.key("reader", Scope.READ), await desk.key("trader", Scope.TRADE)
    admin = await desk.key("admin", Scope.ADMIN)
    stop, go = {"level": "pause_entries", "reason": "r"}, {"reason": "r"}
    asked = [("/trade", BUY), ("/kill-switch", stop), ("/kill-switch/resume", go)]
    for token, statuses in ((reader, [403, 403, 403]), (trader, [200, 200, 403]), (admin, [200, 200, 200])):
        assert statuses == [(await desk.post(path, body, x_api_key=token)).status_code for path, body in asked]
        assert 200 == (await desk.get("/account", **{"x-api-key": token})).status_code
    assert [401] * 3 == [(await desk.post(path, body)).status_code for path, body in asked]
    assert {200} == {(await desk.post("/kill-switch", stop, x_api_key=trader)).status_code for _ in range(20)}
    assert "trader" == (await desk.get("/kill-switch")).json()["engagements"][0]["actor"]
    form = await desk.client.post(desk.url + "/kill-switch", content=b"level=halt", headers={"x-api-key": trader})
    assert (415, "UNSUPPORTED_MEDIA_TYPE") == code_of(form)


async def test_a_kill_switch_that_is_not_understood_is_refused(desk: Served) -> None:
    """With the words of what is wrong; the desk goes on."""
    for body in ({"level": "stop", "reason": "r"}, {"level": "halt"}, {"level": "halt", "reason": ""}, []):
        assert (422, "VALIDATION_ERROR") == code_of(await desk.post("/kill-switch", body))
    assert (400, "MALFORMED_JSON") == code_of(await desk.post("/kill-switch", b"halt"))
    assert "" == desk.desk.trader.closed


async def test_before_there_is_a_desk(tmp_path: Path) -> None:
    """Nothing is known and nothing traded: 503. A kill switch is taken, and the desk is told it first of all."""
    async with served(tmp_path, turns=False) as desk:
        for path in ("/account", "/price/BTCUSDT", "/orders"):
            assert (503, "NO_DESK") == code_of(await desk.get(path))
        assert (503, "NO_DESK") == code_of(await desk.post("/trade", BUY))
        assert (503, "NO_DESK") == code_of(await desk.post("/kill-switch/resume", {"reason": "r"}))
        answer = await desk.post("/kill-switch", {"level": "pause_entries", "reason": "early"})
        assert (202, ["pause_entries"]) == (answer.status_code, answer.json()["state"]["waiting"])
        async with desk.desk.running():
            await desk.desk.move(10.0)
            assert "paused by local: early" == (await desk.get("/account")).json()["closed_because"]
        for path, body in (("/trade", BUY), ("/kill-switch", {"level": "halt", "reason": "late"})):
            assert (503, "NO_DESK") == code_of(await desk.post(path, body))


async def test_the_document_describes_every_route(desk: Served) -> None:
    """Each path and method is there, and each example is what it is said to be."""
    document = (await desk.get("/openapi.json")).json()
    routes = desk.desk.control.part(None).routes  # type: ignore[arg-type]
    served_ = {(route.path_format, method) for route in routes for method in route.methods or () if method != "HEAD"}
    assert served_ == {(path, method.upper()) for path, item in paths().items() for method in item}
    assert {struct.__name__ for struct in SCHEMAS} <= set(document["components"]["schemas"])
    for struct, example in ANSWERS.values():
        made = msgspec.convert(example, struct, strict=False)
        assert msgspec.json.decode(msgspec.json.encode(made)).keys() == example.keys()
        assert set(example) == {field.name for field in msgspec.structs.fields(struct)}
    for kind, example in ((SignalBody, SIGNAL), (KillRequest, KILL), (ResumeRequest, RESUME)):
        assert msgspec.convert(example, kind)  # type: ignore[type-var]
