"""A change of configuration is stored, told to the desk, in force on every replica, and in every replay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

import pytest

from petrosa.adapters.bus.nats import NatsBus
from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.adapters.wire.subjects import MARKET_STREAM
from petrosa.apps.configuration.service import ConfigService
from petrosa.apps.replay import replay_journal
from petrosa.apps.settings import load
from petrosa.surfaces.configuration import Act
from tests.kit.fleet import (
    SKEW,
    Replica,
    address,
    ask,
    change,
    configured,
    feed_until,
    post,
    turn_of,
    until,
    until_turned,
)
from tests.kit.mongo import mongo_server
from tests.kit.nats import Server
from tests.kit.services import TWIN, Process, published, run_feed, settings_of
from tests.kit.soak import sample

HELD_AT = 2_000
TTL_S = sample(2, 60)
LATE_S = 3.0
"""What a busy machine may add to the age of what is cached."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path / "broker-home")
    await made.start()
    yield made
    await made.stop()


@asynccontextmanager
async def another_process(home: Path) -> AsyncIterator[ConfigService]:
    """Somebody else who changes the store, and is on no bus."""
    documents = await SqliteDocuments.open(home / "documents.sqlite")
    try:
        yield await ConfigService.open(load(environ={}, home=str(home)), documents)
    finally:
        await documents.close()


async def messages_of(server: Server) -> int:
    bus = await NatsBus.connect(server.url)
    state = await bus.stream_state(MARKET_STREAM)
    await bus.close()
    assert state is not None
    return state.last


@pytest.mark.parametrize("store", ["sqlite", "mongo"])
async def test_three_replicas_have_a_change_within_a_second(server: Server, tmp_path: Path, store: str) -> None:
    """A threshold that is changed on one of three replicas is turned by all three desks within a second, is answered by
    each, and stands in three journals that replay identically; the one that was asked says at which turn."""
    home = tmp_path / "home"
    with mongo_server(tmp_path / "mongo") if store == "mongo" else nullcontext() as mongo:
        more = {} if mongo is None else {"MONGODB_URI": mongo.url}
        await feed_until(home, server.url, HELD_AT)
        fleet = await asyncio.gather(*(Replica.start(name, home, server.url, more) for name in "abc"))
        for threshold in (1.3, 1.5):
            changed, *took = await asyncio.gather(
                fleet[0].change(buy_threshold=threshold),
                *(until_turned(replica, buy_threshold=threshold) for replica in fleet),
            )
            assert max(took) < 1.0
            applied = changed["metadata"]["applied"]
            command = changed["metadata"]["audit_id"]
            assert ("applied", turn_of(fleet[0].folder, command).sequence) == (applied["state"], applied["sequence"])
            assert {command} == {replica.configured[-1].command_id for replica in fleet}
            assert [threshold] * 3 == [(await one.config())["data"]["parameters"]["buy_threshold"] for one in fleet]
        await run_feed(settings_of(home, server.url))
        results = [await replica.process.result() for replica in fleet]
        assert [await messages_of(server)] * 3 == [result["messages"] for result in results]
        for replica in fleet:
            assert [1.3, 1.5] == [one.seats[0].parameters["buy_threshold"] for one in replica.configured]
            assert replay_journal(replica.folder, recording=[TWIN]).identical


async def test_without_nats_a_change_comes_with_age(server: Server, tmp_path: Path) -> None:
    """While NATS is gone a change by another process is turned within the time that what is stored may be cached, with
    no restart; when NATS is back the rest of the market is turned, no message lost, and the journal replays."""
    home = tmp_path / "home"
    await feed_until(home, server.url, HELD_AT)
    more = {"PETROSA__STORE__CACHE_TTL_SECONDS": str(TTL_S)}
    replica = await Replica.start("a", home, server.url, more)
    await server.kill()
    async with another_process(home) as other:
        await other.change(SKEW, None, {"buy_threshold": 1.4}, Act("somebody", "NATS is away"))
        assert await until_turned(replica, buy_threshold=1.4) < TTL_S + LATE_S
        assert 1.4 == (await replica.config())["data"]["parameters"]["buy_threshold"]
    here = (await replica.change(sell_threshold=0.7))["metadata"]
    assert "applied" == here["applied"]["state"]
    assert any("not told" in warning for warning in here["warnings"])
    await server.start()
    await run_feed(settings_of(home, server.url))
    result = await replica.process.result()
    assert await messages_of(server) == result["messages"]
    assert ["somebody", "tester"] == [one.actor for one in replica.configured]
    assert replay_journal(replica.folder, recording=[TWIN]).identical
    made = sum(sum(counts.values()) for counts in result["signals"].values())
    assert made == result["published"] == len(await published(server.url))


async def test_after_nats_was_away_the_store_is_read(server: Server, tmp_path: Path) -> None:
    """What was changed while nobody could be told is in force as soon as NATS is back, long before it is old."""
    home = tmp_path / "home"
    await feed_until(home, server.url, HELD_AT)
    replica = await Replica.start("a", home, server.url)
    await server.kill()
    async with another_process(home) as other:
        await other.change(SKEW, None, {"buy_threshold": 1.4}, Act("somebody", "NATS is away"))
    assert [] == replica.configured
    await server.start()
    assert await until_turned(replica, buy_threshold=1.4) < 30
    replica.process.terminate()
    assert replica.folder == Path((await replica.process.result())["journal"]["path"])
    assert replay_journal(replica.folder, recording=[TWIN]).identical


async def test_changes_while_a_recording_runs(tmp_path: Path) -> None:
    """`petrosa run` takes changes while it runs, says at which turn each was applied, and its journal replays."""
    process = await Process.start(
        "run", "--recording", str(TWIN), "--speed", "60", "--port", "0", home=tmp_path, url="",
        more={"PETROSA__ACCESS__WRITES_PER_KEY": "10000"},
    )  # fmt: skip
    url = address(await process.said("HTTP on "))
    turns = []
    for threshold in (1.3, 1.5, 1.7):
        applied = (await change(url, buy_threshold=threshold))["metadata"]["applied"]
        assert "applied" == applied["state"]
        turns.append(applied["sequence"])
    result = await process.result()
    folder = Path(result["journal"]["path"])
    commands = configured(folder)
    assert [1.3, 1.5, 1.7] == [command.seats[0].parameters["buy_threshold"] for command in commands]
    assert turns == [turn_of(folder, command.command_id).sequence for command in commands]
    assert replay_journal(folder).identical


KILLS = [(count, steps) for count in sample((2,), (1, 2, 3, 5, 8)) for steps in sample((12,), (0, 3, 6, 9, 12, 20, 40))]


@pytest.mark.parametrize(("count", "steps"), [*KILLS, (2, None)])
async def test_a_replica_killed_among_changes(server: Server, tmp_path: Path, count: int, steps: int | None) -> None:
    """A replica that is killed so many steps into a change (None: after its answer) goes on in its journal with what is
    stored: what it had turned stays where it was, what it had not is told at the start, and both lives replay."""
    home = tmp_path / "home"
    await feed_until(home, server.url, HELD_AT)
    replica = await Replica.start("a", home, server.url)
    for number in range(count - 1):
        await replica.change(buy_threshold=1.3 + number / 10)
    asking = asyncio.create_task(replica.change(buy_threshold=2.5))
    if steps is None:
        await asking
    for _ in range(steps or 0):
        await asyncio.sleep(0)
    replica.process.kill()
    await replica.process.killed()
    await asyncio.gather(asking, return_exceptions=True)
    before = [one.command_id for one in replica.configured]

    again = await Replica.start("a", home, server.url)
    held = (await again.config())["data"]["parameters"]["buy_threshold"]
    await run_feed(settings_of(home, server.url))
    result = await again.process.result()
    after = again.configured
    assert before == [one.command_id for one in after][: len(before)]
    if after:
        assert {held} == {seat.parameters["buy_threshold"] for seat in after[-1].seats}
    async with another_process(home) as store:
        assert held == store.config(SKEW, None).parameters["buy_threshold"]
    assert replay_journal(again.folder, recording=[TWIN]).identical
    assert await messages_of(server) == result["messages"]


async def test_a_desk_goes_on_without_its_store(server: Server, tmp_path: Path) -> None:
    """While the store is away the desk turns its market with what was read last, reads of the configuration say since
    when, writes are refused with 503, and `/ready` says so and stays ready for work; when it is back it is read."""
    home = tmp_path / "home"
    with mongo_server(tmp_path / "mongo") as mongo:
        more = {
            "MONGODB_URI": mongo.url,
            "MONGODB_TIMEOUT_MS": "500",
            "PETROSA__STORE__CACHE_TTL_SECONDS": "1",
        }
        await feed_until(home, server.url, HELD_AT)
        replica = await Replica.start("a", home, server.url, more)
        await replica.change(buy_threshold=1.3)
        mongo.kill()

        async def is_noticed() -> bool:
            state = (await replica.config())["metadata"]
            return bool(state["store"] == "away")

        await until(is_noticed)
        refused = await post(
            f"{replica.url}/api/v1/strategies/{SKEW}/config",
            {"parameters": {"buy_threshold": 1.9}, "reason": "no", "changed_by": "tester"},
        )
        assert (503, 1.3) == (refused.status_code, (await replica.config())["data"]["parameters"]["buy_threshold"])
        check = next(
            one for one in (await ask(f"{replica.url}/ready"))["checks"] if one["name"] == "configuration store"
        )
        assert check["ok"]
        assert "away since" in check["detail"]
        mongo.start()

        async def is_back() -> bool:
            return not await is_noticed()

        await until(is_back)
        await run_feed(settings_of(home, server.url))
        result = await replica.process.result()
    assert await messages_of(server) == result["messages"]
    assert [1.3] == [one.seats[0].parameters["buy_threshold"] for one in replica.configured]
    assert replay_journal(replica.folder, recording=[TWIN]).identical
