"""What is changed is stored with who and why, holds where it should, and is undone as it was done."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from petrosa.adapters.stores.documents.memory import MemoryDocuments
from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.apps.configuration.stored import AUDIT, FOR_ALL, FOR_SYMBOL
from petrosa.errors import VersionConflict
from petrosa.ports import Documents
from petrosa.surfaces.configuration import ANY_VERSION, Act, InvalidParameters, NotThere, StaleVersion
from tests.kit.configured import ALICE, SKEW, service


@pytest.fixture(params=["memory", "sqlite", "mongo"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Documents]:
    made: Documents
    if request.param == "memory":
        made = MemoryDocuments()
    elif request.param == "sqlite":
        made = await SqliteDocuments.open(tmp_path / "documents.sqlite")
    else:
        mongo_documents = pytest.importorskip("petrosa.adapters.stores.documents.mongo")
        url = request.getfixturevalue("mongo").url
        made = await mongo_documents.MongoDocuments.open(url, f"test-{uuid4().hex}")
    yield made
    await made.close()


def expecting(version: int) -> Act:
    return Act("alice", "less noise", expected_version=version)


async def test_a_life_of_a_configuration(store: Documents) -> None:
    """Created, changed, deleted, restored and rolled back: versions count up for ever, and every one has its record."""
    config = await service(store)
    await config.change(SKEW, None, {"top_levels": 3}, ALICE)
    await config.change(SKEW, None, {"buy_threshold": 1.3}, ALICE)
    await config.delete(SKEW, None, ALICE)
    await config.restore(SKEW, None, 3, ALICE)
    made = await config.roll_back(SKEW, None, 1, ALICE)
    assert made.config is not None
    assert (5, 3, 1.2) == (made.config.version, *(made.config.parameters[n] for n in ("top_levels", "buy_threshold")))
    records = (await config.audit(SKEW, None, 50, "")).records
    assert [
        ("UPDATE", 4, 5, {"top_levels": 3, "buy_threshold": 1.3}, {"top_levels": 3}, {"rolled_back_to": 1}),
        ("CREATE", 3, 4, None, {"top_levels": 3, "buy_threshold": 1.3}, {"restored_from": f"{SKEW}:000000000003"}),
        ("DELETE", 2, 3, {"top_levels": 3, "buy_threshold": 1.3}, None, {}),
        ("UPDATE", 1, 2, {"top_levels": 3}, {"top_levels": 3, "buy_threshold": 1.3}, {}),
        ("CREATE", 0, 1, None, {"top_levels": 3}, {}),
    ] == [
        (r.action, r.version_before, r.version_after, r.old_parameters, r.new_parameters, r.metadata) for r in records
    ]
    assert {("alice", "less noise", SKEW, None)} == {(r.changed_by, r.reason, r.config_id, r.symbol) for r in records}
    again = await service(store)
    assert made.config == again.config(SKEW, None)


async def test_the_documents_have_the_field_names_that_other_software_knows(store: Documents) -> None:
    """One document a scope, one record a change, in the collections of the existing services."""
    config = await service(store)
    await config.change(SKEW, None, {"top_levels": 3}, ALICE)
    await config.change(SKEW, "BTC/USDT:USDT", {"enabled": False}, ALICE)
    for_all, for_symbol = await store.get(FOR_ALL, SKEW), await store.get(FOR_SYMBOL, f"{SKEW}:BTCUSDT")
    assert for_all is not None
    assert for_symbol is not None
    names = {"strategy_id", "parameters", "version", "created_at", "updated_at", "created_by", "metadata"}
    assert (names, {*names, "symbol"}) == (for_all.document.keys(), for_symbol.document.keys())
    assert ({"enabled": False}, "BTCUSDT", 1) == tuple(
        for_symbol.document[name] for name in ("parameters", "symbol", "version")
    )
    assert [f"{SKEW}:000000000001", f"{SKEW}:000000000002"] == [key for key, _ in await store.find(AUDIT)]


async def test_what_was_read_must_still_be_so(store: Documents) -> None:
    """A change that expects another version changes nothing and says which there is."""
    config = await service(store)
    with pytest.raises(StaleVersion, match="expected to have something, and nothing is stored") as nothing:
        await config.change(SKEW, None, {"top_levels": 3}, expecting(ANY_VERSION))
    await config.change(SKEW, None, {"top_levels": 3}, expecting(0))
    await config.change(SKEW, None, {"top_levels": 4}, expecting(1))
    with pytest.raises(StaleVersion, match="expected to have version 1, and version 2 is stored") as old:
        await config.change(SKEW, None, {"top_levels": 5}, expecting(1))
    with pytest.raises(StaleVersion):
        await config.delete(SKEW, None, expecting(1))
    assert (0, 2) == (nothing.value.current, old.value.current)
    await config.delete(SKEW, None, expecting(ANY_VERSION))
    assert 3 == len((await config.audit(SKEW, None, 50, "")).records)


async def test_of_two_who_create_at_the_same_time_one_wins(store: Documents) -> None:
    """Also where nothing is stored: the count of changes is part of what is compared."""
    mine, other = await service(store), await service(store)
    draft = await mine._draft(mine._scope(SKEW, None), ALICE, lambda _: {"top_levels": 3}, {})
    await other.change(SKEW, None, {"top_levels": 4}, ALICE)
    await other.delete(SKEW, None, ALICE)
    with pytest.raises(VersionConflict):
        await mine._stored.write(draft.change)
    assert await store.get(FOR_ALL, SKEW) is None


async def test_two_processes_change_at_the_same_time(store: Documents) -> None:
    """Without `If-Match` both are made, one over the other; no version is given twice, none is left out."""
    services = [await service(store) for _ in range(2)]

    async def write(number: int) -> None:
        for turn in range(4):
            name = ("top_levels", "cooldown_seconds")[number]
            await services[number].change(SKEW, None, {name: 1 + turn + 10 * number}, ALICE)

    await asyncio.gather(write(0), write(1))
    records = (await services[0].audit(SKEW, None, 50, "")).records
    assert list(range(8, 0, -1)) == [record.version_after for record in records]
    assert {"top_levels": 4, "cooldown_seconds": 14.0} == records[0].new_parameters


async def test_symbols_have_versions_of_their_own(store: Documents) -> None:
    """And the records of one symbol are found among those of the strategy, page by page."""
    config = await service(store)
    for level in (3, 4, 5, 6):
        await config.change(SKEW, "BTCUSDT", {"top_levels": level}, ALICE)
        await config.change(SKEW, "ethusdt", {"top_levels": level}, ALICE)
    first = await config.audit(SKEW, "ETHUSDT", 3, "")
    assert first.metadata.next is not None
    second = await config.audit(SKEW, "ETHUSDT", 3, first.metadata.next)
    assert ([4, 3, 2], [1], None) == (
        [record.version_after for record in first.records],
        [record.version_after for record in second.records],
        second.metadata.next,
    )
    assert 8 == len((await config.audit(SKEW, None, 1000, "")).records)


async def test_a_layer_hides_another_key_by_key() -> None:
    """Command line over symbol over all over environment over default; each value says where it comes from."""
    config = await service(
        MemoryDocuments(), sets=["orderbook_skew.min_confidence=0.9"], environ={"ORDERBOOK_SKEW_BUY_THRESHOLD": "1.4"}
    )
    everywhere = {"sell_threshold": 0.7, "top_levels": 4, "min_confidence": 0.5}
    made = await config.change(SKEW, None, everywhere, ALICE)
    await config.change(SKEW, "BTCUSDT", {"top_levels": 3}, ALICE)
    found = config.config(SKEW, "btc/usdt")
    assert {
        "min_confidence": (0.9, "--set", ""),
        "top_levels": (3, "stored symbol", "BTCUSDT v1"),
        "sell_threshold": (0.7, "stored all", "all v1"),
        "buy_threshold": (1.4, "environment", "ORDERBOOK_SKEW_BUY_THRESHOLD"),
        "hysteresis": (0.1, "default", ""),
    } == {
        name: (found.parameters[name], found.provenance[name].source, found.provenance[name].detail)
        for name in ("min_confidence", "top_levels", "sell_threshold", "buy_threshold", "hysteresis")
    }
    assert "min_confidence is 0.9 by --set, which is stronger" in made.metadata.warnings[0]
    later = await config.change(SKEW, None, {"top_levels": 9}, ALICE)
    assert any("own on BTCUSDT, which holds there" in warning for warning in later.metadata.warnings)
    assert 3 == config.settings.strategies[SKEW].for_symbol("BTCUSDT").top_levels  # type: ignore[attr-defined]


async def test_null_takes_a_value_back() -> None:
    """The layer below holds again; with the last value the document goes."""
    config = await service(MemoryDocuments())
    await config.change(SKEW, None, {"top_levels": 3, "flow_guard": False}, ALICE)
    one = await config.change(SKEW, None, {"top_levels": None}, ALICE)
    assert one.config is not None
    assert (5, False) == (one.config.parameters["top_levels"], one.config.parameters["flow_guard"])
    await config.change(SKEW, None, {"flow_guard": None}, ALICE)
    assert (0, False) == (config.config(SKEW, None).version, config.config(SKEW, None).is_override)
    assert "DELETE" == (await config.audit(SKEW, None, 1, "")).records[0].action


async def test_an_old_name_is_stored_under_the_new_one() -> None:
    """With its unit converted; both at once contradict each other."""
    config = await service(MemoryDocuments())
    made = await config.change(SKEW, None, {"min_spread_percent": 0.2}, ALICE)
    assert made.config is not None
    assert (("max_spread_bps",), 20.0) == (made.metadata.changed, made.config.parameters["max_spread_bps"])
    with pytest.raises(InvalidParameters, match="are two names of max_spread_bps; keep one"):
        await config.change(SKEW, None, {"min_spread_percent": 0.2, "max_spread_bps": 20}, ALICE)


async def test_what_is_so_already_makes_no_version() -> None:
    """A repeated request changes nothing, tells nobody, and says so."""
    config = await service(MemoryDocuments())
    await config.change(SKEW, None, {"top_levels": 3}, ALICE)
    again = await config.change(SKEW, None, {"top_levels": 3}, ALICE)
    assert again.config is not None
    assert (1, None, ()) == (again.config.version, again.metadata.audit_id, again.metadata.changed)
    assert "nothing was changed" in again.metadata.warnings[0]


async def test_a_list_that_is_so_already_makes_no_version() -> None:
    """A list is compared as what the store gives back, not as what it is in memory."""
    config = await service(MemoryDocuments())
    for _ in range(2):
        made = await config.change("cross_exchange_spread", None, {"exchanges": ["kraken", "coinbase"]}, ALICE)
    assert made.config is not None
    assert (1, ["kraken", "coinbase"]) == (made.config.version, made.config.parameters["exchanges"])


async def test_validate_only_stores_nothing() -> None:
    """Not even a version; what would change is said."""
    store = MemoryDocuments()
    config = await service(store)
    made = await config.change(SKEW, None, {"top_levels": 3}, Act("alice", "try", validate_only=True))
    assert (None, ("top_levels",), True) == (made.config, made.metadata.changed, made.metadata.validate_only)
    assert ([], 5) == (list(await store.find(AUDIT)), config.config(SKEW, None).parameters["top_levels"])


WRONG: list[tuple[dict[str, Any], str, str, Any]] = [
    ({"buy_treshold": 1.3}, "UNKNOWN_PARAMETER", "did you mean buy_threshold?", "buy_threshold"),
    ({"symbols.BTCUSDT.top_levels": 3}, "UNKNOWN_PARAMETER", "unknown parameter", None),
    ({"top_levels": True}, "INVALID_TYPE", "is not a whole number from 1 to 20", None),
    ({"buy_threshold": True}, "INVALID_TYPE", "is not a number", None),
    ({"min_spread_percent": True}, "INVALID_TYPE", "is not", None),
    ({"flow_guard": 1}, "INVALID_TYPE", "is not true or false", None),
    ({"top_levels": "7"}, "INVALID_TYPE", "is not a whole number", 7),
    ({"top_levels": 2.5}, "INVALID_TYPE", "is not a whole number", None),
    ({"top_levels": [3]}, "INVALID_TYPE", "is not a whole number", None),
    ({"top_levels": 0}, "OUT_OF_RANGE", "is out of bounds; write a whole number from 1 to 20", 1),
    ({"buy_threshold": 10**40}, "OUT_OF_RANGE", "is out of bounds", 3.0),
    ({"buy_threshold": float("nan")}, "INVALID_TYPE", "nan is not a finite number", None),
    ({"buy_threshold": float("inf")}, "INVALID_TYPE", "inf is not a finite number", None),
    ({"min_spread_percent": "1e999999"}, "INVALID_TYPE", "is not a number", None),
    ({"hysteresis": 1}, "OUT_OF_RANGE", "from 0 and below 1", None),
    ({"buy_threshold": 1.0, "sell_threshold": 1.0}, "VALIDATION_ERROR", "must be above sell_threshold", None),
]


@pytest.mark.parametrize(("parameters", "code", "message", "suggested"), WRONG)
async def test_what_cannot_be_is_refused(parameters: dict[str, Any], code: str, message: str, suggested: Any) -> None:
    """With a code, the limit, and what to write instead; `validate` says the same without storing anything."""
    store = MemoryDocuments()
    config = await service(store)
    with pytest.raises(InvalidParameters) as refused:
        await config.change(SKEW, None, parameters, ALICE)
    (error,) = refused.value.errors
    assert (code, suggested) == (error.code, error.suggested_value)
    assert message in error.message
    assert (error,) == (await config.validate(SKEW, None, parameters)).errors
    assert [] == list(await store.find(AUDIT))


async def test_every_error_is_said_at_once() -> None:
    """And nothing of the request is stored."""
    config = await service(MemoryDocuments())
    with pytest.raises(InvalidParameters) as refused:
        await config.change(SKEW, None, {"top_levels": 0, "buy_treshold": 2, "flow_guard": False}, ALICE)
    assert ["top_levels", "buy_treshold"] == [error.field for error in refused.value.errors]
    assert config.config(SKEW, None).parameters["flow_guard"]


async def test_weights_sum() -> None:
    """Rules over several parameters hold over all layers together, and name what they speak of."""
    config = await service(MemoryDocuments())
    await config.change("trade_momentum", None, {"price_weight": 0.5, "maker_weight": 0.2}, ALICE)
    with pytest.raises(InvalidParameters, match=r"sum to 1\.1; they must sum to 1") as refused:
        await config.change("trade_momentum", "BTCUSDT", {"maker_weight": 0.3}, ALICE)
    assert "price_weight, quantity_weight, maker_weight" == refused.value.errors[0].field


async def test_a_deletion_must_leave_something_that_can_be() -> None:
    """What a symbol says may need what is said of all."""
    config = await service(MemoryDocuments())
    await config.change("trade_momentum", None, {"price_weight": 0.5, "maker_weight": 0.2}, ALICE)
    await config.change("trade_momentum", "BTCUSDT", {"maker_weight": 0.1, "quantity_weight": 0.4}, ALICE)
    with pytest.raises(InvalidParameters, match=r"sum to 0\.9"):
        await config.delete("trade_momentum", None, ALICE)
    assert 1 == config.config("trade_momentum", None).version


@pytest.mark.parametrize(
    ("act", "field"),
    [
        (Act("", "why"), "changed_by"),
        (Act("a" * 101, "why"), "changed_by"),
        (Act("alice", " "), "reason"),
        (Act("alice", "r" * 501), "reason"),
        (Act("alice", "two\nlines"), "reason"),
        (Act("alice", "why", metadata={"what_if": "x" * 16_384}), "metadata"),
        (Act("alice", "why", metadata={"what_if": object()}), "metadata"),
    ],
)
async def test_an_audit_needs_who_and_why(act: Act, field: str) -> None:
    """Bounded, visible, on one line; what is kept beside them is bounded too."""
    config = await service(MemoryDocuments())
    with pytest.raises(InvalidParameters) as refused:
        await config.change(SKEW, None, {"top_levels": 3}, act)
    assert [field] == [error.field for error in refused.value.errors]


async def test_an_audit_record_keeps_the_answer_of_a_what_if() -> None:
    """Whatever was given with the change is found with its record."""
    config = await service(MemoryDocuments())
    answer = {"what_if": {"signals_before": 12, "signals_after": 7}}
    await config.change(SKEW, None, {"top_levels": 3}, Act("alice", "tried it", metadata=answer))
    assert answer == (await config.audit(SKEW, None, 1, "")).records[0].metadata


async def test_an_audit_record_says_which_scope_is_put_back() -> None:
    """By its id no symbol need be named; another symbol than its own is a mistake."""
    config = await service(MemoryDocuments())
    await config.change(SKEW, "BTCUSDT", {"top_levels": 3}, ALICE)
    await config.change(SKEW, "BTCUSDT", {"top_levels": 4}, ALICE)
    made = await config.roll_back(SKEW, None, f"{SKEW}:000000000001", ALICE)
    assert made.config is not None
    assert ("BTCUSDT", 3, 3) == (made.config.symbol, made.config.version, made.config.parameters["top_levels"])
    for symbol, target in (("ETHUSDT", f"{SKEW}:000000000001"), (None, "nope"), ("BTCUSDT", 9), (None, "")):
        with pytest.raises(NotThere, match="its audit lists those there are"):
            await config.roll_back(SKEW, symbol, target, ALICE)


async def test_going_back_to_a_deletion_deletes() -> None:
    """And restoring the same record brings back what it took away."""
    config = await service(MemoryDocuments())
    await config.change(SKEW, None, {"top_levels": 3}, ALICE)
    await config.delete(SKEW, None, ALICE)
    await config.restore(SKEW, None, 2, ALICE)
    assert 3 == config.config(SKEW, None).parameters["top_levels"]
    await config.roll_back(SKEW, None, 2, ALICE)
    assert (5, 0) == (config.config(SKEW, None).parameters["top_levels"], config.config(SKEW, None).version)


@pytest.mark.parametrize(
    ("strategy_id", "symbol", "said"),
    [
        ("orderbok_skew", None, "did you mean orderbook_skew?"),
        ("nope", None, "there are orderbook_skew"),
        (SKEW, "", "write it as BTCUSDT"),
        (SKEW, "BTC USDT", "write it as BTCUSDT"),
        (SKEW, "a" * 500, "write it as BTCUSDT"),
    ],
)
async def test_what_is_no_scope_is_not_there(strategy_id: str, symbol: str | None, said: str) -> None:
    """With what there is."""
    with pytest.raises(NotThere, match=said):
        (await service(MemoryDocuments())).config(strategy_id, symbol)


async def test_nothing_stored_cannot_be_deleted() -> None:
    """It is said, not passed over."""
    with pytest.raises(NotThere, match="nothing is stored for orderbook_skew on BTCUSDT"):
        await (await service(MemoryDocuments())).delete(SKEW, "BTCUSDT", ALICE)


async def test_validate_says_what_a_change_would_touch() -> None:
    """Risk, scope, and who else has a say."""
    config = await service(MemoryDocuments(), sets=["orderbook_skew.top_levels=3"])
    found = await config.validate(SKEW, "ETHUSDT", {"top_levels": 4})
    assert (True, "low", 1) == (
        found.validation_passed,
        found.estimated_impact.risk_level,
        found.estimated_impact.parameter_count,
    )
    assert ["OVERRULED", "NOT_FOLLOWED"] == [conflict.conflict_type for conflict in found.conflicts]
    everywhere = await config.validate(SKEW, None, {"enabled": False})
    windows = await config.validate("ticker_velocity", "BTCUSDT", {"time_window": 90})
    assert ("high", "medium") == (everywhere.estimated_impact.risk_level, windows.estimated_impact.risk_level)
