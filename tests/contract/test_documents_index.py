"""An index of a field changes no answer, in any store; it only changes how long the answer takes."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.errors import DataError, StorageError
from petrosa.ports import Documents

FIELDS = ("signal", "event", "who")
ROWS: Sequence[Mapping[str, object]] = (
    {"signal": "a", "event": "placed", "who": "x"},
    {"signal": "a", "event": "filled", "who": None},
    {"signal": "b", "event": "filled"},
    {"signal": 1, "event": True, "who": "1"},
    {"signal": "1", "event": "true", "who": 1},
    {"signal": None, "event": "filled", "who": 'it\'s "quoted" \\ and wide: ☃ 𝄞'},
    {"signal": "a\0b", "event": "placed", "who": ["a"]},
    {"signal": {"a": "a"}, "event": "placed", "who": "a"},
)
QUESTIONS: Sequence[Mapping[str, object]] = (
    {}, {"signal": "a"}, {"signal": "a", "event": "filled"}, {"event": "filled"}, {"who": None}, {"who": "1"},
    {"who": 1}, {"signal": "1"}, {"signal": 1}, {"event": True}, {"event": "true"}, {"signal": "no"}, {"other": "a"},
    {"who": ROWS[5]["who"]}, {"signal": "a\0b"}, {"signal": "a\ud800"}, {"signal": "a", "event": "filled", "who": None},
)  # fmt: skip


async def filled(store: Documents, collection: str) -> None:
    for number, row in enumerate(ROWS):
        await store.put(collection, f"k{number}", row)


async def answers(store: Documents, collection: str) -> list[object]:
    """Everything that can be asked, page by page of two, in both directions."""
    told: list[object] = []
    for where in QUESTIONS:
        for descending in (False, True):
            after = ""
            while page := await store.find(collection, where=where, limit=2, after=after, descending=descending):
                told.append([(key, found) for key, found in page])
                after = page[-1][0]
            told.append((dict(where), descending))
    return told


async def test_an_index_changes_no_answer(store: Documents) -> None:
    """Made before the documents or after them, twice, and beside a collection that has none."""
    await store.index("before", FIELDS)
    for collection in ("before", "after", "without"):
        await filled(store, collection)
    await store.index("after", FIELDS)
    await store.index("after", FIELDS)
    plain = await answers(store, "without")
    assert plain == await answers(store, "before") == await answers(store, "after")


async def test_an_index_follows_what_is_changed_and_deleted(store: Documents) -> None:
    """What was found under the old value is not any more."""
    await store.index("c", FIELDS)
    await filled(store, "c")
    await store.put("c", "k0", {"signal": "new"})
    await store.delete("c", "k1")
    assert [] == list(await store.find("c", where={"signal": "a"}))
    assert ["k0"] == [key for key, _ in await store.find("c", where={"signal": "new"})]


@pytest.mark.parametrize("field", ["", "a b", "a.b", "a'b", "$a", "x" * 65, "ä"])
async def test_a_field_that_not_every_store_can_index_is_refused(store: Documents, field: str) -> None:
    with pytest.raises(DataError, match="cannot be indexed"):
        await store.index("c", [field])


async def test_a_collection_of_any_name_can_have_one(store: Documents) -> None:
    """Names are no part of a statement."""
    for collection in ("it's", 'a"b', "a.b", "x; --"):
        await store.index(collection, ["who"])
        await store.put(collection, "k", {"who": "me"})
        assert ["k"] == [key for key, _ in await store.find(collection, where={"who": "me"})]


async def test_a_closed_store_makes_no_index(store: Documents) -> None:
    await store.close()
    with pytest.raises(StorageError, match="closed"):
        await store.index("c", ["who"])


async def test_the_file_looks_at_few_documents_of_many(tmp_path: Path) -> None:
    """By the index with the fewest, after another start too; counted by SQLite's own steps, not by a clock."""
    store = await SqliteDocuments.open(tmp_path / "d.sqlite")
    await store.index("c", FIELDS)
    await store.close()
    with sqlite3.connect(tmp_path / "d.sqlite") as file:
        rows = (("c", f"k{n:06d}", 1, b'{"signal":"s%d","event":"e%d"}' % (n // 10, n % 2)) for n in range(20_000))
        file.executemany("INSERT INTO documents VALUES (?, ?, ?, ?)", rows)
    file.close()
    store = await SqliteDocuments.open(tmp_path / "d.sqlite")
    try:
        last, both, all_of_it = [
            await counted(store, where) for where in ({"signal": "s1"}, {"event": "e1", "signal": "s1"}, {"no": "a"})
        ]
        assert last < 5 < both < all_of_it
    finally:
        await store.close()


async def counted(store: SqliteDocuments, where: Mapping[str, object]) -> int:
    """How many thousands of steps SQLite needs for a question that finds no more than a page."""
    steps = [0]
    connection = store._connection
    assert connection is not None
    await store._do(lambda: connection.set_progress_handler(lambda: steps.append(1), 1_000))
    await store.find("c", where=where)
    return sum(steps)
