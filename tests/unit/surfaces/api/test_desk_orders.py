"""Orders by hand over HTTP: placed once, protected, taken off; what is refused, and whose fault it is."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.core.model.commands import CancelOrder, PlaceOrder
from petrosa.core.model.orders import OrderType
from petrosa.surfaces.access import Scope
from petrosa.surfaces.orders import SAME, UNHEARD
from tests.kit.desk import Served, served
from tests.unit.surfaces.api.test_desk import code_of

MARKET = {"symbol": "BTCUSDT", "side": "buy", "type": "market", "quantity": "0.010"}
LIMIT = {**MARKET, "type": "limit", "price": "63000.0", "reason": "a level"}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as found:
        yield found


async def placed(desk: Served, **changes: Any) -> dict[str, Any]:
    """What was answered to an order that was agreed to."""
    answer = await desk.post("/order", {**LIMIT, **changes})
    said: dict[str, Any] = answer.json()
    assert (200, "agreed") == (answer.status_code, said["status"]), said
    return said


async def taken_off(desk: Served, path: str, **headers: str) -> Any:
    return await desk.client.delete(desk.url + path, headers=headers)


async def test_an_order_is_placed_filled_and_protected(desk: Served) -> None:
    """As the specification's trade order; the answer has the verdict, the order, every check, and the desk's time."""
    said = await placed(desk, **{**MARKET, "stop_loss": 63_000, "take_profit": 66_000.5, "price": None})
    assert {"status", "message", "order", "result", "timestamp"} == set(said)
    order = said["order"]
    assert ("manual", "market", "0.010", "submitted") == (
        order["leg"], order["type"], order["quantity"], order["status"]
    )  # fmt: skip
    assert order["client_order_id"] == said["result"]["client_order_id"]
    assert {"passed"} == {one["verdict"] for one in said["result"]["checks"]}
    await desk.desk.move(2.0)
    listed = (await desk.get(f"/orders?signal_id={said['result']['command_id']}")).json()["orders"]
    triggers = {one["leg"]: Decimal(one["trigger_price"] or 0) for one in listed}
    assert {"manual": 0, "stop": 63_000, "target": Decimal("66000.5")} == triggers
    assert "0.010" == (await desk.get("/positions/BTCUSDT")).json()["quantity"]
    assert {"manual": "0.010"} == (await desk.get("/positions/BTCUSDT")).json()["by_strategy"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"type": "market"}, "market"),
        ({"type": "LIMIT", "side": "BUY", "price": "63000"}, "limit"),
        ({"type": "limit", "target_price": 63_000, "time_in_force": "GTX"}, "limit"),
        ({"type": "stop", "stop_price": "65000"}, "stop"),
        ({"type": "stop_limit", "trigger_price": "65000", "price": "65010"}, "stop_limit"),
        ({"type": "take_profit", "stop_price": "63000"}, "take_profit"),
        ({"type": "take_profit_limit", "stop_price": "63000", "price": "63000"}, "take_profit_limit"),
    ],
)
async def test_every_type_can_open_under_either_name_of_its_fields(desk: Served, body: Any, kind: str) -> None:
    """`amount` for `quantity`, `target_price` for `price`, `stop_price` for `trigger_price`; numbers or texts."""
    said = await placed(desk, **{"price": None, "quantity": None, "amount": 0.01, **body})
    assert (kind, "0.01") == (said["order"]["type"], said["order"]["quantity"])


async def test_a_position_is_closed_by_hand_with_every_type(desk: Served) -> None:
    """A trailing stop too; what would be more than is held is refused, not shrunk."""
    await placed(desk, **{**MARKET, "price": None, "quantity": "0.035"})
    await desk.desk.move(2.0)
    sell = {"side": "sell", "quantity": "0.005", "reduce_only": True, "price": None}
    more = (
        {"type": "limit", "price": "65000"}, {"type": "stop", "stop_price": "63500"},
        {"type": "stop_limit", "stop_price": "63500", "price": "63490"}, {"type": "take_profit", "stop_price": "65000"},
        {"type": "take_profit_limit", "stop_price": "65000", "price": "65000"},
        {"type": "trailing_stop", "callback": 0.01}, {"type": "market"},
    )  # fmt: skip
    assert set(OrderType) == {OrderType((await placed(desk, **{**sell, **one}))["order"]["type"]) for one in more}
    await desk.desk.move(2.0)
    assert "0.030" == (await desk.get("/positions/BTCUSDT")).json()["quantity"]
    no = (await desk.post("/order", {**LIMIT, **sell, "type": "market"})).json()
    assert ("rejected", "reduces") == (no["status"], no["result"]["check"])
    assert "0.030 held, 0.030 in other orders that close it" in no["result"]["limit"]


async def test_a_refusal_of_the_desk_is_an_answer(desk: Served) -> None:
    """200 with the check, what it saw, the limit, the remedy, and the checks that were not reached."""
    answer = await desk.post("/order", {**LIMIT, "price": "63000.05"})
    said = answer.json()
    assert (200, "rejected", None, "terms") == (
        answer.status_code, said["status"], said["order"], said["result"]["check"]
    )  # fmt: skip
    assert said["message"] == said["result"]["message"]
    assert "price 63000.05 is not a multiple of the tick 0.1" in said["message"]
    assert {"passed", "failed", "not_reached"} == {one["verdict"] for one in said["result"]["checks"]}
    paused = await desk.post("/kill-switch", {"level": "pause_entries", "reason": "news"})
    assert 200 == paused.status_code
    assert "entries_open" == (await desk.post("/order", LIMIT)).json()["result"]["check"]


@pytest.mark.parametrize(
    ("status", "code", "body"),
    [
        (400, "MALFORMED_JSON", b"{"),
        (422, "VALIDATION_ERROR", {}),
        (422, "VALIDATION_ERROR", []),
        (422, "VALIDATION_ERROR", {**LIMIT, "side": "both"}),
        (422, "VALIDATION_ERROR", {**LIMIT, "type": "oco"}),
        (422, "VALIDATION_ERROR", {**LIMIT, "quantity": "many"}),
        (422, "VALIDATION_ERROR", {**LIMIT, "quantity": None}),
        (422, "VALIDATION_ERROR", {**LIMIT, "amount": "0.02"}),
        (422, "VALIDATION_ERROR", {**LIMIT, "simulate": True}),
        (422, "VALIDATION_ERROR", {**LIMIT, "reason": ""}),
        *((422, "VALIDATION_ERROR", {**LIMIT, name: 1}) for name in UNHEARD),
        (404, "SYMBOL_UNKNOWN", {**LIMIT, "symbol": "ABCUSDT"}),
    ],
)
async def test_what_cannot_be_read_is_the_callers_fault(desk: Served, status: int, code: str, body: Any) -> None:
    """Nothing of it reaches the desk."""
    assert (status, code) == code_of(await desk.post("/order", body))
    assert () == desk.desk.trader.orders


@pytest.mark.parametrize("number", ["NaN", "-1", "1e400", "1E-400", "Infinity", "0", 1e300, "9" * 60])
async def test_no_number_is_too_odd_to_be_answered(desk: Served, number: Any) -> None:
    """In any field: a refusal, not a failure."""
    for names in (*SAME, ("stop_loss",), ("take_profit",), ("callback",)):
        for kind in ("limit", "stop_limit", "trailing_stop"):
            body = {**LIMIT, "type": kind, names[0]: number}
            said = (await desk.post("/order", body)).json()
            assert "rejected" == said["status"], (names, kind)


async def test_the_same_key_places_one_order(desk: Served, tmp_path: Path) -> None:
    """Asked twice it is answered twice, and with another body it is not; the command is once in the journal."""
    first, again = [(await desk.post("/order", LIMIT, idempotency_key="k-1")).json() for _ in range(2)]
    assert first["result"] == again["result"]
    other = await desk.post("/order", {**LIMIT, "quantity": "0.02"}, idempotency_key="k-1")
    assert (422, "IDEMPOTENCY_KEY_REUSED") == code_of(other)
    assert (400, "BAD_IDEMPOTENCY_KEY") == code_of(await desk.post("/order", LIMIT, idempotency_key="a b"))
    assert 1 == len(desk.desk.trader.orders)
    (told,) = [turn.event for turn in JournalReader(tmp_path / "journal").turns() if isinstance(turn.event, PlaceOrder)]
    assert ("local", "a level") == (told.actor, told.reason)


async def test_a_key_is_known_after_a_restart(tmp_path: Path) -> None:
    """The desk has the order under the same id, so it is a duplicate, not a second one."""
    ids = set()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        async with served(tmp_path / folder) as desk:
            said = (await desk.post("/order", LIMIT, idempotency_key="k-1")).json()
            ids.add((said["result"]["command_id"], said["order"]["client_order_id"]))
            desk.desk.control.orders._kept.clear()
            no = (await desk.post("/order", LIMIT, idempotency_key="k-1")).json()
            assert ("rejected", "duplicate") == (no["status"], no["result"]["check"])
    assert 1 == len(ids)


async def test_an_order_is_found_and_taken_off_by_either_id(desk: Served, tmp_path: Path) -> None:
    """With its symbol, however that is written, or without."""
    for number, path in enumerate(("/orders/{}", "/order/BTCUSDT/{}", "/order/BTC/USDT:USDT/{}")):
        order = (await placed(desk))["order"]
        await desk.desk.move(2.0)
        known = (await desk.get(f"/orders/{order['client_order_id']}")).json()
        name = known["venue_order_id"] if number else known["client_order_id"]
        assert (await desk.get(path.format(name))).json() == known
        answer = await taken_off(desk, path.format(name) + "?reason=enough")
        assert (200, "agreed") == (answer.status_code, answer.json()["status"])
        assert answer.json()["order"]["client_order_id"] == known["client_order_id"]
        await desk.desk.move(2.0)
        assert "canceled" == (await desk.get(path.format(name))).json()["status"]
        late = (await taken_off(desk, path.format(name))).json()
        assert ("rejected", "order_alive") == (late["status"], late["result"]["check"])
    told = [turn.event for turn in JournalReader(tmp_path / "journal").turns() if isinstance(turn.event, CancelOrder)]
    assert {"enough", "by hand"} == {one.reason for one in told}


async def test_protection_is_not_taken_off(desk: Served) -> None:
    """The verdict says what to do instead, and the stop rests on."""
    await placed(desk, **{**MARKET, "price": None})
    await desk.desk.move(2.0)
    (stop,) = (await desk.get("/orders?leg=stop")).json()["orders"]
    answer = await taken_off(desk, f"/orders/{stop['client_order_id']}")
    said = answer.json()
    assert (200, "rejected", "protects") == (answer.status_code, said["status"], said["result"]["check"])
    assert "close the position instead" in said["result"]["remedy"]
    assert said["order"]["is_open"]


async def test_what_is_not_there_is_404(desk: Served) -> None:
    """An order, a symbol, and an order of another symbol; a query that is none is 422."""
    order = (await placed(desk))["order"]["client_order_id"]
    for path, code in (
        ("/orders/nosuch", "ORDER_UNKNOWN"), ("/order/BTCUSDT/nosuch", "ORDER_UNKNOWN"),
        (f"/order/ABCUSDT/{order}", "SYMBOL_UNKNOWN"),
    ):  # fmt: skip
        assert (404, code) == code_of(await desk.get(path))
        assert (404, code) == code_of(await taken_off(desk, path))
    assert (422, "BAD_QUERY") == code_of(await taken_off(desk, f"/orders/{order}?why=so"))
    assert (422, "BAD_QUERY") == code_of(await taken_off(desk, f"/orders/{order}?reason="))


async def test_who_may_do_what(desk: Served) -> None:
    """Looking with any key, placing and taking off with `trade`."""
    reader, trader = await desk.key("reader", Scope.READ), await desk.key("trader", Scope.TRADE)
    assert 403 == (await desk.post("/order", LIMIT, x_api_key=reader)).status_code
    said = (await desk.post("/order", LIMIT, x_api_key=trader)).json()
    order = said["order"]["client_order_id"]
    assert 200 == (await desk.get(f"/orders/{order}", **{"x-api-key": reader})).status_code
    headers = {"x-api-key": reader}
    assert 403 == (await taken_off(desk, f"/orders/{order}", **headers)).status_code
    assert 401 == (await taken_off(desk, f"/orders/{order}")).status_code
    headers = {"x-api-key": trader}
    assert 200 == (await taken_off(desk, f"/orders/{order}", **headers)).status_code


async def test_without_a_desk_nothing_is_taken(tmp_path: Path) -> None:
    """503 before there is one, and after it has ended."""
    async with served(tmp_path, turns=False) as desk:
        for answer in (await desk.post("/order", LIMIT), await taken_off(desk, "/orders/x")):
            assert (503, "NO_DESK") == code_of(answer)
        async with desk.desk.running():
            await desk.desk.move(10.0)
            order = (await placed(desk))["order"]["client_order_id"]
        for answer in (await desk.post("/order", LIMIT), await taken_off(desk, f"/orders/{order}")):
            assert (503, "NO_DESK") == code_of(answer)
