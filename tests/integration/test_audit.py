"""The audit is complete and holds nothing twice, whoever is killed: the store, or the process at any point."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from petrosa.adapters.bus.nats import NatsBus
from petrosa.adapters.stores.documents.mongo import MongoDocuments
from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.adapters.stores.journal.format import Turn, decode_decision, decode_event
from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.adapters.wire.subjects import EXECUTION_STREAM
from petrosa.apps.auditing.catching_up import catch_up, catch_up_run, unread_in
from petrosa.apps.auditing.live import Auditing
from petrosa.apps.auditing.saying import PLACE
from petrosa.apps.documents import open_documents
from petrosa.errors import StorageError
from petrosa.ports import Documents
from petrosa.surfaces.audit.execution import execution_event
from tests.kit.audited import assert_whole, from_nothing, quiet, ran, stored
from tests.kit.mongo import mongo_server
from tests.kit.nats import Server
from tests.kit.services import Process, run_all, run_feed, run_strategies, run_trade, settings_of
from tests.kit.soak import SOAKING, sample
from tests.kit.toys import PROVENANCE, RUN


def killed(folder: Path, file: Path, statement: int) -> str:
    """What a process said that was killed before this statement."""
    words = [sys.executable, "-m", "tests.kit.audited", str(folder), str(file), str(statement)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60).stdout.strip()


async def test_a_run_is_audited_while_it_goes(tmp_path: Path) -> None:
    """What `petrosa run` leaves behind is whole when it has ended."""
    folder, settings = await ran(tmp_path, "audit.enabled=true")
    documents = await open_documents(settings)
    assert len(from_nothing(folder)) > 100
    await assert_whole(documents, folder)
    await documents.close()


async def test_killed_before_any_statement(tmp_path: Path) -> None:
    """Whenever a process that writes the audit dies, the next goes on: complete, and nothing twice."""
    folder, _ = await ran(tmp_path)
    count = int(await asyncio.to_thread(killed, folder, tmp_path / "whole.sqlite", 0))
    points = range(1, count + 1) if SOAKING else sorted(random.Random(7).sample(range(1, count + 1), 6))
    for statement in points:
        file = tmp_path / f"{statement}.sqlite"
        assert "" == await asyncio.to_thread(killed, folder, file, statement)
        documents = await SqliteDocuments.open(file)
        assert len(await stored(documents)) < len(from_nothing(folder))
        await catch_up_run(documents, folder)
        await assert_whole(documents, folder)
        await documents.close()


@pytest.mark.parametrize("seed", range(sample(2, 20)))
async def test_a_desk_killed_at_a_random_point(tmp_path: Path, seed: int) -> None:
    """The journal of a killed run is told to its last whole line by whoever comes next."""
    point = f"journal.after_write:{random.Random(seed).randrange(20, 200)}"
    process = await Process.start(
        "run", "--recording", "synthetic-usdm", "--port", "0", "--speed", "0", home=tmp_path, url="", crash_at=point
    )
    await process.killed()
    settings = settings_of(tmp_path, "")
    (folder,) = settings.runs.iterdir()
    documents = await open_documents(settings)
    assert (await unread_in(settings))(folder) == 1
    assert await catch_up(documents, settings.runs, quiet) > 0
    await assert_whole(documents, folder)
    with max(folder.glob("*.journal")).open("ab") as torn:
        torn.write(b'{"record":"turn"')
    assert (await unread_in(settings))(folder) is None
    await documents.close()


def again(source: Path, journal: JournalWriter, since: int, until: int) -> None:
    """Write the turns (since, until] of one journal into another."""
    for _, record in JournalReader(source).records():
        if isinstance(record, Turn) and since < record.sequence <= until and bytes(record.input):
            decisions = [decode_decision(raw) for raw in record.decisions]
            journal.record(record.sequence, record.now, decode_event(record.input), decisions)
    journal.sync()


async def test_the_store_killed_in_the_middle(tmp_path: Path) -> None:
    """While it is away the desk goes on and stays ready; when it is back the audit is whole, each record once."""
    source, settings = await ran(tmp_path)
    told = [turn.sequence for turn in JournalReader(source).turns() if turn.event is not None]
    middle = told[len(told) // 2]
    with mongo_server(tmp_path / "mongo") as server:

        async def open_store() -> Documents:
            return await MongoDocuments.open(server.url, "petrosa", 1.0)

        journal = JournalWriter(tmp_path / "again", PROVENANCE, RUN)
        journal.rotate(0, 1, b"{}")
        auditing = Auditing(settings, journal, open_store, quiet)
        again(source, journal, 0, middle)
        following = asyncio.create_task(auditing.follow())
        while auditing.seen().behind and not following.done():
            await asyncio.sleep(0)
        server.kill()
        again(source, journal, middle, 1 << 62)
        with pytest.raises(StorageError):
            async with asyncio.timeout(30):
                await following
        check, seen = auditing.check(), auditing.seen()
        assert (True, True) == (check.ok, seen.is_away)
        assert f"{seen.behind} turns behind, which the journal keeps" in check.detail
        assert seen.behind > 10
        server.start()
        await auditing.finish()
        assert (0, False) == (auditing.seen().behind, auditing.seen().is_away)
        documents = await open_store()
        await assert_whole(documents, tmp_path / "again")
        await documents.close()
        journal.close()


async def test_a_store_that_never_comes(tmp_path: Path) -> None:
    """The end of a run does not wait for it longer than it is told, and says what is left and who writes it."""
    source, settings = await ran(tmp_path, seconds=5)
    journal = JournalWriter(tmp_path / "again", PROVENANCE, RUN)
    journal.rotate(0, 1, b"{}")
    again(source, journal, 0, 1 << 62)

    async def open_store() -> Documents:
        raise StorageError("it is away")

    said: list[str] = []
    auditing = Auditing(settings, journal, open_store, said.append)
    await auditing.finish()
    assert f"{auditing.seen().behind} turns are not in the store yet (it is away)" in said[0]
    journal.close()


async def heard(url: str) -> list[tuple[str, dict[str, object]]]:
    """Every execution event on the stream, by its subject."""
    bus = await NatsBus.connect(url)
    state = await bus.stream_state(EXECUTION_STREAM)
    assert state is not None
    found = []
    async for message in bus.consume(EXECUTION_STREAM):
        found.append((message.subject, msgspec.json.decode(message.data)))
        if message.sequence == state.last:
            break
    await bus.close()
    return found


async def test_execution_events_are_on_the_bus(server: Server, tmp_path: Path) -> None:
    """What the journal of trade says of orders, in order, under the strategy's name; a restart adds nothing, though it
    has forgotten how far it had come."""
    settings = settings_of(tmp_path, server.url)
    _, _, traded = await run_all(settings)
    folder = Path(traded.journal.path)
    events = [execution_event(record) for record in from_nothing(folder).values()]
    wanted = [
        (f"execution.events.{event.strategy_id}", msgspec.to_builtins(event)) for event in events if event is not None
    ]
    found = await heard(server.url)
    assert wanted == found
    assert {"placed", "filled", "rejected"} <= {event["event_type"] for _, event in found}
    (folder / PLACE).unlink()
    await run_trade(settings)
    assert wanted == await heard(server.url)


async def test_trade_killed_and_started_again(server: Server, tmp_path: Path) -> None:
    """One journal, one audit: whole after the restart, each record once, and every event on the bus."""
    settings = settings_of(tmp_path, server.url)
    await asyncio.gather(run_feed(settings), run_strategies(settings))
    killed_one = await Process.start(
        "trade", "--port", "0", home=tmp_path, url=server.url, crash_at="outbox.after_send:9"
    )
    await killed_one.killed()
    traded = await run_trade(settings)
    documents = await open_documents(settings)
    await assert_whole(documents, Path(traded.journal.path))
    await documents.close()
    wanted = [execution_event(record) for record in from_nothing(Path(traded.journal.path)).values()]
    assert [msgspec.to_builtins(event) for event in wanted if event] == [event for _, event in await heard(server.url)]
