"""What every document store promises, asked of the one in memory and of the one in a file."""

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from petrosa.adapters.stores.documents.memory import MemoryDocuments
from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.errors import DataError, StorageError, VersionConflict
from petrosa.ports import Documents, Versioned


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Documents]:
    made: Documents
    made = MemoryDocuments() if request.param == "memory" else await SqliteDocuments.open(tmp_path / "d" / "x.sqlite")
    yield made
    await made.close()


async def test_what_was_put_is_got(store: Documents) -> None:
    """A document comes back as it was put, with its version, and an unknown one is none."""
    document = {"text": "x", "n": 1, "f": 0.5, "yes": True, "no": None, "list": [1, {"a": 2}]}
    assert 1 == await store.put("config", "k", document)
    assert Versioned(1, document) == await store.get("config", "k")
    assert await store.get("config", "other") is None
    assert await store.get("other", "k") is None


async def test_versions_count_up(store: Documents) -> None:
    """Each put makes the next version and replaces the document whole."""
    assert [1, 2, 3] == [await store.put("c", "k", {"n": n, f"only{n}": n}) for n in range(3)]
    assert Versioned(3, {"n": 2, "only2": 2}) == await store.get("c", "k")


async def test_compare_and_set(store: Documents) -> None:
    """A put that expects another version than the stored one changes nothing and says both."""
    await store.put("c", "k", {"n": 1}, expected_version=0)
    with pytest.raises(VersionConflict, match="version 1, expected 0"):
        await store.put("c", "k", {"n": 2}, expected_version=0)
    with pytest.raises(VersionConflict, match="version 0, expected 7"):
        await store.put("c", "new", {"n": 2}, expected_version=7)
    assert 2 == await store.put("c", "k", {"n": 3}, expected_version=1)
    assert Versioned(2, {"n": 3}) == await store.get("c", "k")
    assert await store.get("c", "new") is None


async def test_concurrent_changes_lose_nothing(store: Documents) -> None:
    """Twenty writers that read, add one and compare-and-set, trying again on a conflict, add twenty."""

    async def add_one() -> None:
        while True:
            held = await store.get("c", "sum")
            version, total = (held.version, held.document["n"]) if held is not None else (0, 0)
            assert isinstance(total, int)
            try:
                await store.put("c", "sum", {"n": total + 1}, expected_version=version)
            except VersionConflict:
                continue
            return

    await asyncio.gather(*(add_one() for _ in range(20)))
    assert Versioned(20, {"n": 20}) == await store.get("c", "sum")


async def test_delete(store: Documents) -> None:
    """Deleting says whether there was something, and a new document under the key begins at version 1."""
    await store.put("c", "k", {})
    assert (True, False) == (await store.delete("c", "k"), await store.delete("c", "k"))
    assert await store.get("c", "k") is None
    assert 1 == await store.put("c", "k", {}, expected_version=0)


async def test_pages_by_key(store: Documents) -> None:
    """Pages are in the order of keys, begin after the last key of the page before, and never exceed two hundred."""
    for number in range(450):
        await store.put("c", f"{number:04}", {"n": number})
    await store.put("other", "0000", {"n": -1})
    pages: list[list[object]] = []
    after = ""
    while page := await store.find("c", limit=1000, after=after):
        pages.append([found.document["n"] for _, found in page])
        after = page[-1][0]
    assert [200, 200, 50] == [len(page) for page in pages]
    assert list(range(450)) == [n for page in pages for n in page]
    assert ["0003", "0004"] == [key for key, _ in await store.find("c", limit=2, after="0002")]
    assert [] == await store.find("c", limit=0)


async def test_find_by_fields(store: Documents) -> None:
    """Only documents whose fields all equal come; `true` is not 1, and an absent field is not null."""
    await store.put("c", "a", {"kind": "x", "n": 1})
    await store.put("c", "b", {"kind": "x", "n": True})
    await store.put("c", "d", {"kind": "x", "n": None})
    await store.put("c", "e", {"kind": "y", "n": 1.0})
    await store.put("c", "f", {"kind": "x"})

    async def keys(where: dict[str, object]) -> list[str]:
        return [key for key, _ in await store.find("c", where=where)]

    assert ["a"] == await keys({"kind": "x", "n": 1})
    assert ["a", "e"] == await keys({"n": 1})
    assert ["b"] == await keys({"n": True})
    assert ["d"] == await keys({"n": None})


async def test_nobody_shares_a_document(store: Documents) -> None:
    """Changing what one put or got does not change what is stored."""
    inner = [1]
    await store.put("c", "k", {"list": inner})
    inner.append(2)
    got = await store.get("c", "k")
    assert Versioned(1, {"list": [1]}) == got


AWKWARD = ["a'b", 'a"b', "%", "_", "日本", "💱", "a\nb", "é", "e\u0301", "\x7f", "Z", "z", " "]


async def test_awkward_names(store: Documents) -> None:
    """Names in any script, with quotes and wildcards, are told apart and ordered by their code points."""
    for name in AWKWARD:
        await store.put("c'%", name, {"name": name})
    assert sorted(AWKWARD) == [key for key, _ in await store.find("c'%")]
    assert sorted(AWKWARD) == [found.document["name"] for _, found in await store.find("c'%")]


@pytest.mark.parametrize(
    ("collection", "key", "document", "what"),
    [
        ("", "k", {}, "collection"),
        ("c", "", {}, "key"),
        ("c", "k" * 513, {}, "513 letters"),
        ("c", "a\0b", {}, "cannot be stored"),
        ("c", "\ud800", {}, "cannot be stored"),
        ("c", "k", {"x": math.nan}, "x = nan"),
        ("c", "k", {"x": [{"y": math.inf}]}, r"x\[0\].y = inf"),
        ("c", "k", {"x": object()}, "not JSON"),
        ("c", "k", {"x": "\ud800"}, "not JSON"),
        ("c", "k", {"x": "y" * 1_048_576}, "limit 1048576"),
    ],
)
async def test_bounds(store: Documents, collection: str, key: str, document: dict[str, object], what: str) -> None:
    """What cannot be kept faithfully is refused by name, and nothing is stored."""
    with pytest.raises(DataError, match=what):
        await store.put(collection, key, document)
    assert [] == await store.find("c")


async def test_closed(store: Documents) -> None:
    """After closing, which may be done twice, everything is refused."""
    await store.close()
    await store.close()
    with pytest.raises(StorageError, match="closed"):
        await store.get("c", "k")


async def test_sqlite_remembers(tmp_path: Path) -> None:
    """What was put is there when the file is opened again, and two openers see each other."""
    first = await SqliteDocuments.open(tmp_path / "x.sqlite")
    await first.put("c", "k", {"n": 1})
    second = await SqliteDocuments.open(tmp_path / "x.sqlite")
    assert Versioned(1, {"n": 1}) == await second.get("c", "k")
    await second.put("c", "k", {"n": 2}, expected_version=1)
    with pytest.raises(VersionConflict):
        await first.put("c", "k", {"n": 3}, expected_version=1)
    await first.close()
    await second.close()
    third = await SqliteDocuments.open(tmp_path / "x.sqlite")
    assert Versioned(2, {"n": 2}) == await third.get("c", "k")
    await third.close()


async def test_sqlite_on_a_path_that_cannot_be_written(tmp_path: Path) -> None:
    """A path below a file, and a file that is no database, are storage errors with the path and the remedy."""
    (tmp_path / "file").write_text("not a database, and long enough to be taken for one" * 40)
    with pytest.raises(StorageError, match="PETROSA_HOME"):
        await SqliteDocuments.open(tmp_path / "file" / "x.sqlite")
    with pytest.raises(StorageError, match="not a database"):
        await SqliteDocuments.open(tmp_path / "file")


async def test_sqlite_of_a_newer_version(tmp_path: Path) -> None:
    """A file of a schema that this version does not know is left alone."""
    store = await SqliteDocuments.open(tmp_path / "x.sqlite")
    await store._do(lambda: store._execute("PRAGMA user_version = 99").close())
    await store.close()
    with pytest.raises(StorageError, match="schema 99"):
        await SqliteDocuments.open(tmp_path / "x.sqlite")
