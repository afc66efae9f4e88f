"""The audit over HTTP: what a real run left, narrowed, paged and told signal by signal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from petrosa.adapters.stores.documents.memory import MemoryDocuments
from petrosa.apps.access import KeyedAccess
from petrosa.apps.auditing.reading import StoredAudit
from petrosa.apps.keys import KeyRing
from petrosa.ports import Write
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.audit_log import audit_log
from petrosa.surfaces.audit.projection import COLLECTION
from petrosa.surfaces.write_limit import WriteLimit
from tests.kit.audited import from_nothing, ran
from tests.kit.configured import Faulty
from tests.unit.surfaces.api.test_strategy_config import Still

Records = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """Every record of a run, by its key."""
    folder, _ = asyncio.run(ran(tmp_path_factory.mktemp("home")))
    return from_nothing(folder)


@asynccontextmanager
async def served(records: Records, store: MemoryDocuments | None = None) -> AsyncIterator[httpx.AsyncClient]:
    documents = store or MemoryDocuments()
    for key, document in records.items():
        await documents.write([Write(COLLECTION, key, document, 0)])
    access = KeyedAccess(KeyRing(MemoryDocuments()), WriteLimit(10, 300.0, lambda: 0.0))
    app = api(Still(), [audit_log(StoredAudit(documents), access)])
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client


async def ids(client: httpx.AsyncClient, query: str) -> list[str]:
    answer = await client.get(f"/audit?{query}")
    assert 200 == answer.status_code, answer.text
    return [record["id"] for record in answer.json()["records"]]


async def test_pages_are_the_whole_newest_first(records: Records) -> None:
    """Each record once, whatever the size of a page."""
    assert 20 < len(records)
    async with served(records) as client:
        found: list[str] = []
        query = "limit=7"
        while True:
            page = (await client.get(f"/audit?{query}")).json()
            found += [record["id"] for record in page["records"]]
            if page["next"] is None:
                break
            query = f"limit=7&before={page['next']}"
        assert sorted(records, reverse=True) == found


async def test_records_are_narrowed(records: Records) -> None:
    """By what they say, by time, and by all of it together."""
    async with served(records) as client:
        fills = [key for key in sorted(records, reverse=True) if records[key]["event"] == "order_filled"]
        assert fills[:200] == await ids(client, "event=order_filled&limit=200")
        one = records[fills[-1]]
        for name in ("strategy_id", "signal_id", "client_order_id", "run"):
            expected = [key for key in sorted(records, reverse=True) if records[key][name] == one[name]]
            assert expected[:200] == await ids(client, f"{name}={one[name]}&limit=200")
        assert fills[:1] == await ids(client, "event=order_filled&symbol=btc/usdt&limit=1")
        later = [key for key in fills if records[key]["ts_ns"] >= one["ts_ns"]]
        assert later == await ids(client, f"event=order_filled&since={one['timestamp']}&limit=200")
        assert [] == await ids(client, f"event=order_filled&until={one['ts_ns']}")


async def test_a_signal_is_told_from_its_first_word_to_its_last(records: Records) -> None:
    """Received, agreed, ordered, filled, protected: oldest first."""
    (signal, *_) = [one["signal_id"] for one in records.values() if one["event"] == "order_filled"]
    async with served(records) as client:
        story = (await client.get(f"/audit/signals/{signal}")).json()
        assert [key for key in sorted(records) if records[key]["signal_id"] == signal] == [
            record["id"] for record in story["records"]
        ]
        assert story["whole"]
        events = [record["event"] for record in story["records"]]
        assert ["signal_received", "signal_agreed", "order_placed"] == events[:3]
        assert {"order_filled", "protection_placed"} <= set(events)
        agreed, placed = story["records"][1:3]
        assert agreed["stop_loss"] == placed["stop_loss"] != None  # noqa: E711 - the three are compared
        assert 404 == (await client.get("/audit/signals/none")).status_code


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "since=yesterday", "colour=red", "before=x", "symbol=", "until=9",
              "event=" + "x" * 201]
)  # fmt: skip
async def test_what_cannot_be_asked_is_refused(query: str) -> None:
    """By name."""
    async with served({}) as client:
        answer = await client.get(f"/audit?{query}")
        assert (422, "BAD_QUERY") == (answer.status_code, answer.json()["error"]["code"])


async def test_a_store_that_is_away_or_damaged_is_said() -> None:
    """Nothing is made up."""
    faulty = Faulty()
    async with served({"01767323045120000000-a-000000000001-0000": {"event": 7}}, faulty) as client:
        assert 500 == (await client.get("/audit")).status_code
        faulty.is_away = True
        assert 503 == (await client.get("/audit")).status_code
        assert 503 == (await client.get("/audit/signals/x")).status_code
