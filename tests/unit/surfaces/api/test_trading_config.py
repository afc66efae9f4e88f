"""The configuration of trading over HTTP: as that of strategies, to the letter of its examples."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from petrosa.apps.access import KeyedAccess
from petrosa.apps.keys import KeyRing
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.strategy_config import strategy_config
from petrosa.surfaces.api.trading_config import trading_config
from petrosa.surfaces.api.trading_config_examples import TRADING_ANSWERS, TRADING_BODIES
from petrosa.surfaces.configuration import Applied
from petrosa.surfaces.write_limit import WriteLimit
from tests.kit.configured import Desk, Faulty, service
from tests.unit.surfaces.api.test_strategy_config import Still, holds

ROOT = "/api/v1/config"
WHY = {"changed_by": "alice", "reason": "less risk over the weekend"}
REFUSED = [name for name in TRADING_ANSWERS if name.endswith("_for_symbol")]


@asynccontextmanager
async def served() -> AsyncIterator[tuple[httpx.AsyncClient, Desk]]:
    store, desk = Faulty(), Desk()
    desk.answer = Applied("applied", 4711, {"risk.risk_fraction": "changed"})
    access = KeyedAccess(KeyRing(store), WriteLimit(1_000, 300.0, lambda: 0.0))
    configuration = await service(store, applying=desk)
    app = api(Still(), [strategy_config(configuration, access), trading_config(configuration, access)])
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client, desk


async def changed(client: httpx.AsyncClient, parameters: Any, status: int = 200) -> Any:
    answer = await client.post(f"{ROOT}/trading", json={"parameters": parameters, **WHY})
    assert status == answer.status_code, answer.text
    return answer.json()


async def test_every_example_is_what_is_really_answered() -> None:
    """The examples tell one story: requests, answers and their order; what there is not is 404."""
    async with served() as (client, _):
        document = (await client.get("/openapi.json")).json()
        found = {
            described["operationId"]: (method.upper(), path)
            for path, item in document["paths"].items()
            for method, described in item.items()
            if described["tags"] == ["trading configuration"]
        }
        assert set(TRADING_ANSWERS) == set(found)
        for operation, example in TRADING_ANSWERS.items():
            method, path = found[operation]
            sent: dict[str, Any] = {"params": WHY} if method == "DELETE" else {}
            if method == "POST":
                sent = {"json": TRADING_BODIES.get(operation, {})}
            if operation == "weigh_strategy":
                sent["params"] = {"weight": 1.5, **WHY}
            url = path.format(symbol="BTCUSDT/LONG", strategy_id="orderbook_skew")
            answer = await client.request(method, url, **sent)
            assert (404 if operation in REFUSED else 200) == answer.status_code, answer.text
            if operation not in REFUSED:
                holds(example, answer.json(), operation)


async def test_percent_and_fraction_are_told_apart() -> None:
    """Two old names are percent, the others are not; a stop of 60 is refused in the unit in which it was written."""
    async with served() as (client, _):
        made = await changed(client, {"stop_loss_pct": 3, "max_daily_loss_pct": 0.03, "risk.max_daily_trades": 7})
        parameters = made["data"]["parameters"]
        assert (0.03, 0.03, 7) == tuple(
            parameters[name]
            for name in ("default_stop_loss_fraction", "max_daily_loss_fraction", "max_trades_per_day")
        )  # fmt: skip
        refused = await changed(client, {"stop_loss_pct": 60}, 422)
        assert "stop_loss_pct = 60 (here 0.6) is out of bounds" in refused["error"]["message"]
        twice = await changed(client, {"stop_loss_pct": 3, "default_stop_loss_fraction": 0.03}, 422)
        assert "two names of default_stop_loss_fraction" in twice["error"]["message"]


async def test_what_cannot_be_is_refused_by_name() -> None:
    """An unknown name, one that would import code, values that contradict each other, a name that is no key."""
    async with served() as (client, desk):
        for parameters, said in (
            ({"risk_fracton": 0.01}, "did you mean risk_fraction?"),
            ({"models": {"ml_light": "os:system"}}, "unknown parameter models"),
            ({"signals.models": {"ml_light": "os:system"}}, "unknown parameter signals.models"),
            ({"confidence_weight_min": 0.9, "confidence_weight_max": 0.1}, "is above confidence_weight_max"),
            ({"strategy_weights": {"a.b": 1}}, "has the name 'a.b'"),
            ({"strategy_weights": {"a": 101}}, "out of bounds; write a table of values from 0 to 100"),
        ):
            assert said in (await changed(client, parameters, 422))["error"]["message"]
        assert [] == desk.told


async def test_a_weight_leaves_the_others() -> None:
    """Each is one entry of a table, which lies over that of the file, entry by entry."""
    async with served() as (client, desk):
        for name, weight in (("orderbook_skew", 2), ("elsewhere-1", 0), ("orderbook_skew", 0.5)):
            asked = {"weight": weight, **WHY}
            answer = await client.post(f"/signals/strategy/{name}/weight", params=asked, json={})
            assert 200 == answer.status_code, answer.text
        weights = answer.json()["data"]["parameters"]["strategy_weights"]
        assert {"orderbook_skew": 0.5, "elsewhere-1": 0} == weights
        assert {"orderbook_skew": 0.5, "elsewhere-1": 0} == desk.settings[-1].signals.strategy_weights
        for name, weight in (("orderbook_skew", "101"), ("orderbook_skew", "nan"), ("a.b", "1")):
            answer = await client.post(f"/signals/strategy/{name}/weight", params={"weight": weight, **WHY}, json={})
            assert 422 == answer.status_code, answer.text


async def test_one_route_validates_both() -> None:
    """A body with a strategy's id is about that, one without about trading."""
    async with served() as (client, _):
        for body, scope in (
            ({"parameters": {"risk_fraction": 0.001}}, "trading of the whole account"),
            ({"parameters": {"buy_threshold": 1.4}, "strategy_id": "orderbook_skew"}, "orderbook_skew on all symbols"),
        ):
            answer = (await client.post(f"{ROOT}/validate", json=body)).json()["data"]
            assert answer["validation_passed"]
            assert scope == answer["estimated_impact"]["affected_scope"]
        about = await client.post(f"{ROOT}/validate", json={"parameters": {"risk_fraction": 1}, "symbol": "BTCUSDT"})
        assert 404 == about.status_code
        assert "leave the symbol out" in about.text


async def test_trading_is_no_strategy() -> None:
    """Under its id there is nothing among the strategies, and it is not listed there."""
    async with served() as (client, _):
        assert 404 == (await client.get("/api/v1/strategies/trading/config")).status_code
        listed = (await client.get("/api/v1/strategies")).json()["data"]
        assert "trading" not in [one["strategy_id"] for one in listed]
