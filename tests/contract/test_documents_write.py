"""What every document store promises of several changes in one call: all of them, or none."""

import asyncio
import math
from collections.abc import Sequence

import pytest

from petrosa.errors import DataError, VersionConflict
from petrosa.ports import Documents, Versioned, Write


async def everything(store: Documents, collection: str = "c") -> dict[str, Versioned]:
    return dict(await store.find(collection))


async def test_writes_of_several_documents(store: Documents) -> None:
    """One call puts, replaces and deletes in several collections, and says the new versions in its order."""
    await store.put("c", "old", {"n": 1})
    await store.put("c", "gone", {"n": 1})
    writes = [
        Write("d", "new", {"n": 2}, 0),
        Write("c", "gone", None, 1),
        Write("c", "old", {"n": 3}, 1),
        Write("c", "never", None),
        Write("a", "x", {}),
    ]
    assert (1, 0, 2, 0, 1) == await store.write(writes)
    assert {"old": Versioned(2, {"n": 3})} == await everything(store)
    assert ({"new": Versioned(1, {"n": 2})}, {"x": Versioned(1, {})}) == (
        await everything(store, "d"),
        await everything(store, "a"),
    )
    assert () == await store.write([])


@pytest.mark.parametrize(
    "bad",
    [
        Write("c", "z", {"n": 9}, 0),
        Write("c", "z", {"n": 9}, 2),
        Write("c", "z", None, 2),
        Write("c", "z", None, 0),
        Write("c", "new", {"n": 9}, 1),
        Write("c", "new", None, 1),
        Write("other", "new", {"n": 9}, 1),
    ],
)
@pytest.mark.parametrize("last", [True, False])
async def test_a_conflict_undoes_the_other_writes(store: Documents, bad: Write, last: bool) -> None:
    """When one document has not the version that was expected, nothing of the call is done, before it or after it."""
    await store.put("c", "a", {"n": 1})
    await store.put("c", "z", {"n": 1})
    good = [Write("c", "a", {"n": 2}, 1), Write("c", "b", {"n": 2}), Write("d", "k", {})]
    with pytest.raises(VersionConflict, match=f"{bad.collection}/{bad.key} has version"):
        await store.write([*good, bad] if last else [bad, *good])
    assert {"a": Versioned(1, {"n": 1}), "z": Versioned(1, {"n": 1})} == await everything(store)
    assert {} == await everything(store, "d") | await everything(store, "other")


async def test_a_document_that_cannot_be_undoes_the_others(store: Documents) -> None:
    """A document twice in one call, one that is not JSON, or too many of them: nothing is done."""
    good = Write("c", "a", {})
    wrong: list[tuple[Sequence[Write], str]] = [
        ([good, Write("c", "a", None)], "c/a is written twice"),
        ([good, Write("c", "b", {"x": math.nan})], "x = nan"),
        ([good, Write("c", "", {})], "key"),
        ([Write("c", str(n), {}) for n in range(101)], "101 writes at once, limit 100"),
    ]
    for writes, what in wrong:
        with pytest.raises(DataError, match=what):
            await store.write(writes)
    assert {} == await everything(store)
    assert (1,) * 100 == await store.write([Write("c", f"{n:03}", {}, 0) for n in range(100)])


async def test_that_nothing_is_there_can_be_asked(store: Documents) -> None:
    """Deleting with version 0 expected writes nothing and says that there is nothing; the key stays free."""
    assert (0, 1) == await store.write([Write("c", "absent", None, 0), Write("c", "k", {})])
    assert {"k": Versioned(1, {})} == await everything(store)
    assert 1 == await store.put("c", "absent", {}, expected_version=0)


async def test_concurrent_writers_of_two_documents(store: Documents) -> None:
    """Writers that move one from a to b at the same time, in either order, leave the sum as it was at every look."""
    await store.write([Write("c", "a", {"n": 100}), Write("c", "b", {"n": 100})])
    sums: list[object] = []

    async def move(swap: bool) -> None:
        while True:
            held = await everything(store)
            amounts = {key: found.document["n"] for key, found in held.items()}
            a, b = amounts["a"], amounts["b"]
            assert isinstance(a, int)
            assert isinstance(b, int)
            sums.append(a + b)
            writes = [
                Write("c", "a", {"n": a - 1}, held["a"].version),
                Write("c", "b", {"n": b + 1}, held["b"].version),
            ]
            try:
                await store.write(writes[::-1] if swap else writes)
            except VersionConflict:
                continue
            return

    await asyncio.gather(*(move(number % 2 == 0) for number in range(10)))
    assert {"a": Versioned(11, {"n": 90}), "b": Versioned(11, {"n": 110})} == await everything(store)
    assert {200} == set(sums)


async def test_concurrent_writers_who_expect_nothing(store: Documents) -> None:
    """Writers without an expected version all succeed, one after the other, and each write is there whole."""
    await asyncio.gather(*(store.write([Write("c", key, {"n": n}) for key in ("a", "b")]) for n in range(10)))
    found = await everything(store)
    assert [10, 10] == [found[key].version for key in ("a", "b")]
    assert found["a"].document == found["b"].document
