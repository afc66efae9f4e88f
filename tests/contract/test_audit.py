"""The audit is the same in every store: complete, each record once, found by time, symbol and signal."""

import shutil
from pathlib import Path

import pytest

from petrosa.apps.auditing.catching_up import catch_up, catch_up_run
from petrosa.apps.auditing.following import Chunk, Follower, name_of
from petrosa.apps.auditing.store import WRITES_AT_ONCE, AuditStore, newest, places
from petrosa.errors import VersionConflict
from petrosa.ports import Documents
from petrosa.surfaces.audit.projection import COLLECTION, Entry
from tests.kit.audited import assert_whole, from_nothing, quiet, ran, stored

ALWAYS = (1 << 63) - 1


async def test_a_run_is_written_once(store: Documents, tmp_path: Path) -> None:
    """Everything that the journal amounts to; a second time there is nothing to do."""
    folder, settings = await ran(tmp_path)
    assert len(from_nothing(folder)) == await catch_up(store, settings.runs, quiet) > 100
    assert 0 == await catch_up(store, settings.runs, quiet)
    await assert_whole(store, folder)


async def test_a_broken_journal_does_not_keep_others_waiting(store: Documents, tmp_path: Path) -> None:
    """It is named, told as far as it goes, and the next run is whole."""
    folder, settings = await ran(tmp_path)
    broken = folder.parent / "a-broken-run"
    shutil.copytree(folder, broken)
    (broken / "run.json").write_text((folder / "run.json").read_text().replace("a-run", "a-broken-run"))
    path = broken / "000001.journal"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:50], *lines[51:]]))
    said: list[str] = []
    assert await catch_up(store, settings.runs, said.append) >= len(from_nothing(folder))
    assert "a-broken-run: segment 000001" in said[0]
    held = {key: one.document for key, one in (await stored(store)).items() if one.document["run"] == "a-run"}
    assert from_nothing(folder) == held


async def test_two_who_write_the_same_run(store: Documents, tmp_path: Path) -> None:
    """The second of them is told, and nothing is there twice."""
    folder, _ = await ran(tmp_path)
    name = name_of(folder)
    one, other = AuditStore(store, name), AuditStore(store, name)
    follower, late = Follower(folder, name, await one.place()), Follower(folder, name, await other.place())
    chunk, again = follower.next(), late.next()
    assert chunk is not None
    assert again is not None
    await one.write(chunk)
    with pytest.raises(VersionConflict):
        await other.write(again)
    follower.close()
    late.close()
    await catch_up_run(store, folder)
    await assert_whole(store, folder)


async def test_very_many_records_of_one_turn(store: Documents, tmp_path: Path) -> None:
    """More than one transaction holds; the place goes on with the last of them."""
    folder, _ = await ran(tmp_path, seconds=5)
    name = name_of(folder)
    audit = AuditStore(store, name)
    place = await audit.place()
    many = [Entry(f"{number:020d}", {"event": "toy"}) for number in range(2 * WRITES_AT_ONCE + 1)]
    await audit.write(Chunk(many, place))
    assert [name.tag] == list(await places(store))
    assert len(many) == len(await stored(store))
    await audit.write(Chunk([], place))


async def test_newest_first_by_time_symbol_and_signal(store: Documents, tmp_path: Path) -> None:
    """In pages of any size; the beginning of a span is in it, its end is not."""
    folder, settings = await ran(tmp_path)
    await catch_up(store, settings.runs, quiet)
    records = from_nothing(folder)
    backwards = list(reversed(records.items()))
    assert backwards == list(await newest(store, {}, since=0, until=ALWAYS, limit=10_000))
    assert backwards[:7] == list(await newest(store, {}, since=0, until=ALWAYS, limit=7))
    symbol = [one for one in backwards if one[1]["symbol"] == "ETHUSDT"]
    assert symbol == list(await newest(store, {"symbol": "ETHUSDT"}, since=0, until=ALWAYS, limit=10_000))
    filled = next(record for record in records.values() if record["event"] == "order_filled")
    story = await newest(store, {"signal_id": filled["signal_id"]}, since=0, until=ALWAYS, limit=100)
    assert {"signal_received", "signal_agreed", "order_placed", "order_filled"} <= {one[1]["event"] for one in story}
    middle = backwards[len(backwards) // 2][1]["ts_ns"]
    since = await newest(store, {}, since=middle, until=ALWAYS, limit=10_000)
    until = await newest(store, {}, since=0, until=middle, limit=10_000)
    assert (backwards, middle) == ([*since, *until], since[-1][1]["ts_ns"])
    assert [] == await newest(store, {"symbol": "XRPUSDT"}, since=0, until=ALWAYS, limit=10)
    assert COLLECTION == "trade_audit_log"
