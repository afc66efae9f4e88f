"""The configuration over HTTP answers what its document says, for every status, to the letter of the examples."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from petrosa.apps.access import KeyedAccess
from petrosa.apps.keys import KeyRing
from petrosa.surfaces.access import Scope
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.guard import BODY_MAX
from petrosa.surfaces.api.openapi import INFO, READY
from petrosa.surfaces.api.strategy_config import strategy_config
from petrosa.surfaces.api.strategy_config_document import SCHEMAS
from petrosa.surfaces.api.strategy_config_examples import ANSWERS, BODIES, FAILURES
from petrosa.surfaces.configuration import METADATA_BYTES_MAX
from petrosa.surfaces.observation import Info, Observation, Readiness
from petrosa.surfaces.write_limit import WriteLimit
from tests.kit.configured import Desk, Faulty, service

ONE = "/api/v1/strategies/orderbook_skew"
WHY = {"changed_by": "alice", "reason": "less noise"}


class Still:
    """A desk that says nothing of interest."""

    def observe(self) -> Observation:
        return Observation()

    def readiness(self) -> Readiness:
        return READY

    def info(self) -> Info:
        return INFO


class Served:
    """The part over a service whose clock and store are ours."""

    def __init__(self, client: httpx.AsyncClient, store: Faulty, ring: KeyRing, desk: Desk) -> None:
        self.client, self.store, self.ring, self.desk = client, store, ring, desk

    async def change(self, parameters: Any, path: str = f"{ONE}/config", **headers: str) -> httpx.Response:
        return await self.client.post(path, json={"parameters": parameters, **WHY}, headers=headers)


@asynccontextmanager
async def served(writes: int = 1_000) -> AsyncIterator[Served]:
    store, desk = Faulty(), Desk()
    ring = KeyRing(store)
    part = strategy_config(
        await service(store, applying=desk), KeyedAccess(ring, WriteLimit(writes, 300.0, lambda: 0.0))
    )
    transport = httpx.ASGITransport(app=api(Still(), [part]), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        yield Served(client, store, ring, desk)


def operations(document: Any) -> dict[str, tuple[str, str, Any]]:
    """Method, path and description by operation, of the configuration's part."""
    return {
        described["operationId"]: (method.upper(), path, described)
        for path, item in document["paths"].items()
        for method, described in item.items()
        if described["tags"] == ["configuration"]
    }


def holds(example: Any, actual: Any, where: str = "") -> None:
    """Assert that an example is in what was answered: all of its fields; of lists the first elements."""
    if isinstance(example, dict):
        assert isinstance(actual, dict), where
        assert example.keys() <= actual.keys(), where
        for name, value in example.items():
            holds(value, actual[name], f"{where}.{name}")
    elif isinstance(example, list) and example:
        assert isinstance(actual, list), where
        for index, value in enumerate(example):
            found = next((one for one in actual if isinstance(one, dict) and _same(value, one)), None)
            holds(value, actual[index] if found is None else found, f"{where}[{index}]")
    else:
        assert example == actual, where


def _same(example: Any, actual: Any) -> bool:
    return isinstance(example, dict) and any(
        name in example and example[name] == actual.get(name) for name in ("name", "id", "strategy_id")
    )


async def test_validating_is_limited_as_changing_is() -> None:
    """It costs as much; whatever only reads what is held is not."""
    async with served(writes=2) as at:
        body = {"strategy_id": "orderbook_skew", "parameters": {}}
        asked = [(await at.client.post("/api/v1/config/validate", json=body)).status_code for _ in range(3)]
        assert [200, 200, 429] == asked
        assert 200 == (await at.client.get(f"{ONE}/config")).status_code


async def test_every_example_is_what_is_really_answered() -> None:
    """The examples tell one story: requests, answers and their order."""
    async with served() as at:
        found = operations((await at.client.get("/openapi.json")).json())
        assert set(ANSWERS) == set(found)
        for operation in ANSWERS:
            method, path, described = found[operation]
            url = path.format(strategy_id="orderbook_skew", symbol="BTCUSDT")
            sent: dict[str, Any] = {"params": WHY} if method == "DELETE" else {}
            if method == "POST":
                sent = {"json": BODIES.get(operation, {})}
            answer = await at.client.request(method, url, **sent)
            assert 200 == answer.status_code, answer.text
            holds(ANSWERS[operation], answer.json(), operation)
            assert ANSWERS[operation] == described["responses"]["200"]["content"]["application/json"]["example"]


async def test_the_routes_and_the_document_are_the_same() -> None:
    """Path by path and method by method; every operation has words, and every reference leads somewhere."""
    async with served() as at:
        document = (await at.client.get("/openapi.json")).json()
        part = strategy_config(await service(at.store), KeyedAccess(at.ring, WriteLimit(1, 1.0, lambda: 0.0)))
    routes = {
        (route.path.replace(":path", ""), method)
        for route in part.routes
        for method in (route.methods or set()) - {"HEAD"}
    }
    found = operations(document)
    assert routes == {(path, method) for method, path, _ in found.values()}
    assert all(described["summary"] and len(described["description"]) > 50 for _, _, described in found.values())
    text = msgspec.json.encode(document).decode()
    there = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(re.findall(r'"\$ref":"([^"]+)"', text)) <= there
    assert {struct.__name__ for struct in SCHEMAS} <= document["components"]["schemas"].keys()


def asking(body: bytes, **headers: str) -> dict[str, Any]:
    return {"content": body, "headers": {"Content-Type": "application/json", **headers}}


REFUSED: list[tuple[int, str, str, str, dict[str, Any]]] = [
    (400, "MALFORMED_JSON", "POST", f"{ONE}/config", asking(b"{")),
    (400, "MALFORMED_JSON", "POST", f"{ONE}/config", asking(b'{"parameters":{"a":NaN},"reason":"x"}')),
    (400, "MALFORMED_JSON", "POST", f"{ONE}/config", asking(b"\xff")),
    (400, "MALFORMED_JSON", "POST", f"{ONE}/config", asking(b'{"parameters":{"a":' + b"[" * 60_000)),
    (400, "MALFORMED_JSON", "POST", f"{ONE}/config", asking(
        b'{"parameters":{"top_levels":3,"top_levels":4},"reason":"x","changed_by":"a"}')),
    (400, "MALFORMED_JSON", "POST", f"{ONE}/rollback", asking(
        b'{"target_version":1,"target_version":2,"reason":"x","changed_by":"a"}')),
    (422, "VALIDATION_ERROR", "POST", f"{ONE}/config", asking(
        b'{"parameters":{"top_levels":' + b"[" * 700 + b"]" * 700 + b'},"reason":"x","changed_by":"a"}')),
    (404, "NOT_FOUND", "GET", f"{ONE}/config/bt%C3%9Fusdt", {}),
    (400, "BAD_IF_MATCH", "POST", f"{ONE}/config", asking(b'{"parameters":{},"reason":"x","changed_by":"a"}') | {
        "headers": {"If-Match": "W/x", "Content-Type": "application/json"}}),
    (404, "NOT_FOUND", "GET", "/api/v1/strategies/orderbok_skew/schema", {}),
    (404, "NOT_FOUND", "GET", f"{ONE}/config/-", {}),
    (404, "NOT_FOUND", "GET", f"{ONE}/config/", {}),
    (404, "NOT_FOUND", "DELETE", f"{ONE}/config", {"params": WHY}),
    (404, "NOT_FOUND", "POST", f"{ONE}/rollback", {"json": {"target_version": 9, **WHY}}),
    (404, "NOT_FOUND", "POST", f"{ONE}/restore", {"json": {"rollback_id": "nope", **WHY}}),
    (404, "NOT_FOUND", "GET", "/api/v1/nothing", {}),
    (405, "METHOD_NOT_ALLOWED", "PUT", f"{ONE}/config", {}),
    (413, "TOO_LARGE", "POST", f"{ONE}/config", asking(b" " * (BODY_MAX + 1))),
    (415, "UNSUPPORTED_MEDIA_TYPE", "POST", f"{ONE}/config", {"content": b"{}"}),
    (422, "VALIDATION_ERROR", "POST", f"{ONE}/config", {"json": {"parameters": {"top_levels": 50}, **WHY}}),
    (422, "VALIDATION_ERROR", "POST", f"{ONE}/config", {"json": {"parameters": {"top_levels": 3}}}),
    (422, "VALIDATION_ERROR", "POST", f"{ONE}/config", {"json": {"parameters": {}, "reason": "x"}}),
    (422, "VALIDATION_ERROR", "POST", f"{ONE}/config", {"json": {"parameters": {}, "resaon": "x", **WHY}}),
    (422, "VALIDATION_ERROR", "POST", f"{ONE}/config", {"json": {
        "parameters": {"top_levels": 3}, "metadata": {"x": "y" * METADATA_BYTES_MAX}, **WHY}}),
    (422, "VALIDATION_ERROR", "POST", f"{ONE}/config", {"json": {
        "parameters": {"top_levels": 3}, "metadata": {"$x": 1}, **WHY}}),
    (422, "VALIDATION_ERROR", "DELETE", f"{ONE}/config", {"params": {"changed_by": "alice"}}),
    (422, "VALIDATION_ERROR", "POST", f"{ONE}/rollback", {"json": WHY}),
    (422, "VALIDATION_ERROR", "POST", f"{ONE}/rollback", {"json": {"target_version": 1, "rollback_id": "x", **WHY}}),
    (422, "VALIDATION_ERROR", "GET", f"{ONE}/audit", {"params": {"limit": "0"}}),
    (422, "VALIDATION_ERROR", "GET", f"{ONE}/audit", {"params": {"limit": "1001"}}),
    (422, "VALIDATION_ERROR", "GET", f"{ONE}/audit", {"params": {"before": "x" * 201}}),
    (422, "VALIDATION_ERROR", "POST", "/api/v1/config/validate", {"json": {"parameters": 3}}),
]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "method", "path", "sent"), REFUSED)
async def test_a_no_has_its_status_and_its_code(
    status: int, code: str, method: str, path: str, sent: dict[str, Any]
) -> None:
    """In the envelope, with a sentence; nothing is stored."""
    async with served() as at:
        answer = await at.client.request(method, path, **sent)
        body = answer.json()
        assert (status, code, False, None) == (
            answer.status_code,
            body["error"]["code"],
            body["success"],
            body["data"],
        ), answer.text
        assert [] == list(await at.store.find("strategy_config_audit"))


async def test_a_changed_version_is_412_with_the_one_there_is() -> None:
    """`If-Match` and `ETag` are the version of what is stored for exactly this scope."""
    async with served() as at:
        tags = [(await at.client.get(f"{ONE}/config")).headers["etag"]]
        tags += [(await at.change({"top_levels": 3}, **{"If-Match": tags[0]})).headers["etag"]]
        tags += [(await at.change({"top_levels": 4}, **{"If-Match": "*"})).headers["etag"]]
        assert ['"0"', '"1"', '"2"'] == tags
        for answer in (
            await at.change({"top_levels": 5}, **{"If-Match": tags[1]}),
            await at.client.delete(f"{ONE}/config", params=WHY, headers={"If-Match": "1"}),
            await at.client.post(f"{ONE}/rollback", json={"target_version": 1, **WHY}, headers={"If-Match": '"7"'}),
        ):
            error = answer.json()["error"]
            assert (412, '"2"', FAILURES[412].code, 2) == (
                answer.status_code,
                answer.headers["etag"],
                error["code"],
                error["details"]["current_version"],
            )


async def test_errors_say_field_by_field_what_to_write() -> None:
    """Under `error.details.errors`, as the document shows it."""
    async with served() as at:
        answer = await at.change({"top_levels": 50})
        assert FAILURES[422].message == answer.json()["error"]["message"]
        assert FAILURES[422].details == answer.json()["error"]["details"]


async def test_while_the_store_is_away_writes_are_503_and_reads_say_so() -> None:
    """Nothing has changed when it is back."""
    async with served() as at:
        await at.change({"top_levels": 3})
        at.store.is_away = True
        refused = await at.change({"top_levels": 4})
        assert (503, "5", FAILURES[503].code) == (
            refused.status_code,
            refused.headers["retry-after"],
            refused.json()["error"]["code"],
        )
        read = (await at.client.get(f"{ONE}/config")).json()
        assert (3, "away", "2026-01-02T03:04:05Z") == (
            read["data"]["parameters"]["top_levels"],
            read["metadata"]["store"],
            read["metadata"]["away_since"],
        )
        refresh = await at.client.post("/api/v1/strategies/cache/refresh", json={})
        assert (503, 503) == ((await at.client.get(f"{ONE}/audit")).status_code, refresh.status_code)
        at.store.is_away = False
        assert 1 == (await at.client.get(f"{ONE}/config")).json()["data"]["version"]
        assert 200 == (await at.client.post("/api/v1/strategies/cache/refresh", json={})).status_code
        assert "ok" == (await at.client.get(f"{ONE}/config")).json()["metadata"]["store"]


async def test_what_is_stored_and_cannot_be_read_is_409() -> None:
    """Until it is deleted."""
    async with served() as at:
        await at.store.put("strategy_configs_global", "orderbook_skew", {"x": 1})
        refused = await at.change({"top_levels": 4})
        assert (409, "STORED_UNREADABLE") == (refused.status_code, refused.json()["error"]["code"])
        assert 200 == (await at.client.delete(f"{ONE}/config", params=WHY)).status_code


async def test_with_a_key_its_name_is_recorded() -> None:
    """Whatever the body says; without the scope it is 403, without a key 401, too often 429."""
    async with served(writes=1) as at:
        key, _ = await at.ring.create("deploy", [Scope.CONFIG])
        reader, _ = await at.ring.create("grafana", [Scope.READ])
        assert 401 == (await at.change({"top_levels": 3})).status_code
        assert 403 == (await at.change({"top_levels": 3}, Authorization=f"Bearer {reader}")).status_code
        body = {"parameters": {"top_levels": 3}, "metadata": {"key_id": "somebody's"}, **WHY}
        bearer = {"Authorization": f"Bearer {key}"}
        made = (await at.client.post(f"{ONE}/config", json=body, headers=bearer)).json()
        assert "changed_by 'alice' is not recorded: the key is that of deploy" in made["metadata"]["warnings"]
        record = (await at.client.get(f"{ONE}/audit")).json()["data"][0]
        assert ("deploy", key.split("_")[1]) == (record["changed_by"], record["metadata"]["key_id"])
        refused = await at.change({"top_levels": 4}, Authorization=f"Bearer {key}")
        assert (429, "RATE_LIMITED") == (refused.status_code, refused.json()["error"]["code"])
        assert "retry-after" in refused.headers


@pytest.mark.parametrize("symbol", ["BTCUSDT", "btcusdt", "BTC/USDT", "BTC/USDT:USDT", "BTC%2FUSDT"])
async def test_a_symbol_may_be_written_as_people_write_it(symbol: str) -> None:
    """All of them are one symbol."""
    async with served() as at:
        made = await at.change({"top_levels": 3}, f"{ONE}/config/{symbol}")
        assert ("BTCUSDT", 200) == (made.json()["data"]["symbol"], made.status_code)
        listed = (await at.client.get("/api/v1/strategies")).json()["data"][0]
        assert ["BTCUSDT"] == listed["symbol_overrides"]


async def test_validate_only_answers_null() -> None:
    """And what would have changed."""
    async with served() as at:
        body = {"parameters": {"top_levels": 3}, "validate_only": True, **WHY}
        made = (await at.client.post(f"{ONE}/config", json=body)).json()
        assert (None, ["top_levels"], True) == (
            made["data"],
            made["metadata"]["changed"],
            made["metadata"]["validate_only"],
        )


async def test_answers_are_never_kept_by_a_cache() -> None:
    """What holds may be another in a moment."""
    async with served() as at:
        answers = [await at.client.get(f"{ONE}/config"), await at.change({"top_levels": 99}), await at.change({})]
        assert {"no-store"} == {answer.headers["cache-control"] for answer in answers}
