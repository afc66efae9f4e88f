"""What every document store promises, asked of the one in memory, the one in a file and the one on a server."""

import asyncio
import math
import sqlite3
from pathlib import Path

import pytest

from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.errors import DataError, StorageError, VersionConflict
from petrosa.ports import Documents, Versioned, Write


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


async def fill(store: Documents, count: int) -> None:
    for start in range(0, count, 100):
        await store.write([Write("c", f"{n:04}", {"n": n}) for n in range(start, min(start + 100, count))])
    await store.put("b", "0000", {"n": -1})
    await store.put("d", "0000", {"n": -1})


async def paged(store: Documents, descending: bool) -> list[list[object]]:
    pages: list[list[object]] = []
    after = ""
    while page := await store.find("c", limit=1000, after=after, descending=descending):
        pages.append([found.document["n"] for _, found in page])
        after = page[-1][0]
    return pages


async def test_pages_by_key(store: Documents) -> None:
    """Pages are in the order of keys, begin after the last key of the page before, and never exceed two hundred."""
    await fill(store, 450)
    pages = await paged(store, descending=False)
    assert [200, 200, 50] == [len(page) for page in pages]
    assert list(range(450)) == [n for page in pages for n in page]
    assert ["0003", "0004"] == [key for key, _ in await store.find("c", limit=2, after="0002")]
    assert [] == await store.find("c", limit=0)


async def test_pages_backwards(store: Documents) -> None:
    """Descending pages begin at the end, go on before the last key of the page before, and miss and repeat nothing."""
    await fill(store, 450)
    pages = await paged(store, descending=True)
    assert [200, 200, 50] == [len(page) for page in pages]
    assert list(range(449, -1, -1)) == [n for page in pages for n in page]
    assert ["0001", "0000"] == [key for key, _ in await store.find("c", after="0002", descending=True)]
    assert ["0002"] == [key for key, _ in await store.find("c", limit=1, after="00020", descending=True)]
    assert [] == await store.find("c", after="0000", descending=True)


async def test_pages_of_what_is_meant(store: Documents) -> None:
    """A page holds as many as were asked for of those that are meant, also when most are not."""
    await store.write([Write("c", f"{n:04}", {"n": n, "even": n % 2 == 0, "list": [n % 10]}) for n in range(100)])
    found = await store.find("c", where={"even": True}, limit=3, after="0011")
    assert ["0012", "0014", "0016"] == [key for key, _ in found]
    found = await store.find("c", where={"list": [7]}, limit=2, after="0090", descending=True)
    assert ["0087", "0077"] == [key for key, _ in found]
    assert [] == await store.find("c", where={"list": 7})


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


WHERE: list[tuple[dict[str, object], list[str]]] = [
    ({"a.b": 1}, ["dot"]),
    ({"a.b": "x"}, ["dots"]),
    ({"": "x"}, ["empty"]),
    ({"quote": 'a"\\b\0\n'}, ["quote"]),
    ({"table": {"y": 2, "x": 1}}, ["table"]),
    ({"f": 0.1}, ["float"]),
    ({"text": "1"}, ["text"]),
    ({"text": "\ud800"}, []),
    ({"$text": "1"}, []),
    ({"big": 2**63 - 1}, ["big"]),
    ({"big": 2**80}, []),
]


async def test_find_by_odd_fields(store: Documents) -> None:
    """Dots, dollars, quotes, tables and large numbers in a question mean themselves and nothing else."""
    await store.write(
        [
            Write("c", "big", {"big": 2**63 - 1}),
            Write("c", "dot", {"a.b": 1, "a": {"b": 2}}),
            Write("c", "dots", {"a.b": "x"}),
            Write("c", "empty", {"": "x"}),
            Write("c", "float", {"f": 0.1, "a": {"b": 1}, "b": {"b": "x"}}),
            Write("c", "quote", {"quote": 'a"\\b\0\n'}),
            Write("c", "table", {"table": {"x": 1, "y": 2}}),
            Write("c", "text", {"text": "1"}),
            Write("c", "within", {"inner": {"text": "1", "": "x"}, "list": ["1"]}),
        ]
    )
    for where, expected in WHERE:
        assert expected == [key for key, _ in await store.find("c", where=where)], where


async def test_nobody_shares_a_document(store: Documents) -> None:
    """Changing what one put or got does not change what is stored."""
    inner = [1]
    await store.put("c", "k", {"list": inner})
    inner.append(2)
    got = await store.get("c", "k")
    assert Versioned(1, {"list": [1]}) == got


def nest(depth: int) -> object:
    return [nest(depth - 1)] if depth > 1 else []


FAITHFUL: dict[str, object] = {
    "a.b": {"c.d": 1, "e$": 2, "": 3},
    "": "empty",
    "ints": [0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)],
    "floats": [0.1, 1.0, -0.0, 5e-324, 1.7976931348623157e308, 2.0**53],
    "texts": ["", "\0", "💱", "é", "e\u0301", '"', "\\", "2026-01-01T00:00:00Z"],
    "inner": {"_id": 1, "_version": 2, "deep": nest(60)},
    "rest": [True, False, None, [], {}, [[]], [{}]],
    "z": 1,
    "y": 2,
}


async def test_values_come_back_as_they_were(store: Documents) -> None:
    """Each value with its type and every field in its order, however odd its name."""
    await store.put("c.d-e", "k", FAITHFUL)
    got = await store.get("c.d-e", "k")
    assert got is not None
    assert repr(FAITHFUL) == repr(got.document)
    assert [repr(FAITHFUL)] == [repr(found.document) for _, found in await store.find("c.d-e")]


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
        ("c", "k", {"x": 2**63}, "64 bits"),
        ("c", "k", {"x": -(2**63) - 1}, "64 bits"),
        ("c", "k", {"x": {"$y": 1}}, r"'\$y' in x begins with"),
        ("c", "k", {"a\0": 1}, "holds a null"),
        ("c", "k", {"_id": 1}, "a field _id"),
        ("c", "k", {"_version": 1, "_id": 2}, "a field _id, _version"),
        ("c", "k", {"x": nest(64)}, "deeper than 64"),
        ("c$", "k", {}, "cannot be stored everywhere"),
        ("c..d", "k", {}, "cannot be stored everywhere"),
        ("system.c", "k", {}, "cannot be stored everywhere"),
        ("é" * 65, "k", {}, "130 bytes, limit 128"),
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
    with pytest.raises(StorageError, match="closed"):
        await store.find("c")
    with pytest.raises(StorageError, match="closed"):
        await store.write([Write("c", "k", {})])


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


async def test_a_file_that_is_no_store_says_what_to_do(tmp_path: Path) -> None:
    """A full disk is not the remedy for a damaged file."""
    (tmp_path / "x.sqlite").write_bytes(b"no database at all, and longer than the head of one " * 20)
    with pytest.raises(StorageError, match=r"not a database; .* put a copy of it back, or move it away"):
        await SqliteDocuments.open(tmp_path / "x.sqlite")


async def test_a_file_that_another_keeps_locked_says_so(tmp_path: Path) -> None:
    """Whoever has it must end, or be waited for."""
    ours = await SqliteDocuments.open(tmp_path / "x.sqlite", busy_s=0.0)
    other = sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageError, match=r"locked; another process"):
        await ours.put("c", "k", {})
    other.close()
    assert 1 == await ours.put("c", "k", {})
    await ours.close()
