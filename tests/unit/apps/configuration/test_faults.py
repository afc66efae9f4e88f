"""The store goes away, others write what cannot be, the desk does not answer: what is promised then."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from petrosa.adapters.stores.documents.memory import MemoryDocuments
from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.apps.configuration.service import WAITING_MAX
from petrosa.apps.configuration.stored import AUDIT, FOR_ALL, FOR_SYMBOL, UNREADABLE_MAX
from petrosa.errors import ConfigError, LimitExceeded, StorageError, VersionConflict
from petrosa.surfaces.configuration import Act, Applied, InvalidParameters, Unreadable
from tests.kit.configured import ALICE, AT, SKEW, Desk, Faulty, Town, service

GOOD: Mapping[str, Any] = {
    "strategy_id": SKEW,
    "parameters": {"top_levels": 7},
    "version": 4,
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00",
    "created_by": "ta-bot",
    "metadata": {},
    "something_of_theirs": 1,
}


async def test_while_the_store_is_away_nothing_changes_and_reads_go_on() -> None:
    """A change fails loudly; what was read last is answered and says since when; when it is back all is well."""
    store = Faulty()
    desk = Desk()
    config = await service(store, applying=desk)
    await config.change(SKEW, None, {"top_levels": 3}, ALICE)
    store.is_away = True
    for attempt in (
        config.change(SKEW, None, {"top_levels": 4}, ALICE),
        config.delete(SKEW, None, ALICE),
        config.roll_back(SKEW, None, 1, ALICE),
        config.refresh(),
        config.audit(SKEW, None, 50, ""),
    ):
        with pytest.raises(StorageError, match="is away"):
            await attempt
    assert (3, "away", AT, 1) == (
        config.config(SKEW, None).parameters["top_levels"],
        config.state().store,
        config.state().away_since,
        len(desk.told),
    )
    assert "is away" in config.state().problems[0]
    store.is_away = False
    made = await config.change(SKEW, None, {"top_levels": 4}, ALICE)
    assert made.config is not None
    assert (2, "ok") == (made.config.version, config.state().store)


async def test_a_store_that_is_away_at_the_start_is_no_start() -> None:
    """A desk on other parameters than those that were stored for it would be a mistake."""
    store = Faulty()
    store.is_away = True
    with pytest.raises(StorageError):
        await service(store)


async def test_a_write_whose_answer_is_lost_was_made() -> None:
    """Looking tells: the change is answered as what it is, once."""
    store, desk = Faulty(), Desk()
    config = await service(store, applying=desk)
    store.loses_answers = 1
    made = await config.change(SKEW, None, {"top_levels": 3}, ALICE)
    assert made.config is not None
    assert (1, 1, 1) == (made.config.version, len(desk.told), len(await store.find(AUDIT)))


async def test_a_write_of_which_nothing_is_known_says_so() -> None:
    """And how to find out; the next look takes over what is there."""
    store, desk = Faulty(), Desk()
    config = await service(store, applying=desk)
    store.loses_answers, store.dies_after_loss = 1, True
    with pytest.raises(StorageError, match=rf"version 1 is stored is not known: .* {SKEW}:000000000001"):
        await config.change(SKEW, None, {"top_levels": 3}, ALICE)
    assert (5, []) == (config.config(SKEW, None).parameters["top_levels"], desk.told)
    store.is_away = False
    await config.refresh()
    assert (3, [(SKEW, 1, "alice", "less noise", f"{SKEW}:000000000001")]) == (
        config.config(SKEW, None).parameters["top_levels"],
        desk.told,
    )


async def test_a_change_reaches_the_desk_and_the_town() -> None:
    """Once each, after it was stored, with who and why."""
    desk, town = Desk(), Town()
    config = await service(MemoryDocuments(), applying=desk, announce=town.announce)
    made = await config.change(SKEW, "BTCUSDT", {"top_levels": 3}, ALICE)
    assert desk.answer == made.metadata.applied
    assert ([(SKEW, 1, "alice", "less noise", f"{SKEW}:000000000001")], [(SKEW, 1)]) == (desk.told, town.heard)
    assert 3 == desk.settings[0].strategies[SKEW].for_symbol("BTCUSDT").top_levels  # type: ignore[attr-defined]


async def test_a_town_out_of_reach_is_a_warning() -> None:
    """The change is stored and applied all the same."""
    town = Town()
    town.is_reached = False
    config = await service(MemoryDocuments(), applying=Desk(), announce=town.announce)
    made = await config.change(SKEW, None, {"top_levels": 3}, ALICE)
    assert ("other processes were not told (NATS is away); they read it within a minute",) == made.metadata.warnings


@pytest.mark.parametrize("state", ["pending", "refused"])
async def test_what_the_desk_did_not_confirm_is_tried_again(state: Any) -> None:
    """It is said at once and until it is so; the same command is told, not another."""
    desk = Desk()
    desk.answer = Applied(state, detail="no answer in 1 s")
    config = await service(MemoryDocuments(), applying=desk)
    made = await config.change(SKEW, None, {"top_levels": 3}, ALICE)
    assert f"stored, but {SKEW} is not applied ({state}): no answer in 1 s" in made.metadata.warnings[0]
    assert [f"{SKEW} is not applied ({state}): no answer in 1 s"] == list(config.state().problems)
    desk.answer = Applied("applied", 5)
    refreshed = await config.refresh()
    assert ({SKEW: desk.answer}, (), desk.told[0]) == (refreshed.applied, refreshed.problems, desk.told[1])
    assert {} == (await config.refresh()).applied


async def test_another_process_is_heard_at_a_refresh() -> None:
    """With its actor, reason and version; only what differs is applied."""
    store, desk = MemoryDocuments(), Desk()
    mine, other = await service(store, applying=desk), await service(store)
    await other.change(SKEW, None, {"top_levels": 3}, Act("bob", "tests"))
    await other.change("trade_momentum", None, {"edge_trigger": True}, Act("bob", "the default, pinned"))
    refreshed = await mine.refresh()
    assert ([SKEW], [(SKEW, 1, "bob", "tests", f"{SKEW}:000000000001")]) == (list(refreshed.applied), desk.told)
    assert other.config(SKEW, None) == mine.config(SKEW, None)
    await other.delete(SKEW, None, Act("bob", "no more"))
    await mine.refresh(SKEW)
    assert (SKEW, 2, "bob", "no more", f"{SKEW}:000000000002") == desk.told[-1]


async def test_a_document_without_a_record_is_applied_as_what_it_is() -> None:
    """Somebody wrote to the store past everything: nobody is named, and that is said."""
    store, desk = MemoryDocuments(), Desk()
    config = await service(store, applying=desk)
    await store.put(FOR_ALL, SKEW, GOOD)
    await config.refresh()
    assert [(SKEW, 0, "unknown", "the store was changed without an audit record", f"{SKEW}:unrecorded")] == desk.told
    made = await config.change(SKEW, None, {"buy_threshold": 1.3}, ALICE)
    assert made.config is not None
    assert (5, 7) == (made.config.version, made.config.parameters["top_levels"])


BAD: list[tuple[Mapping[str, Any], str]] = [
    ({}, "missing required field `strategy_id`"),
    ({**GOOD, "parameters": [1]}, "Expected `object`, got `array`"),
    ({**GOOD, "version": 0}, "Expected `int` >= 1"),
    ({**GOOD, "version": "4"}, "Expected `int`, got `str`"),
    ({**GOOD, "created_at": "yesterday"}, "Invalid RFC3339"),
    ({**GOOD, "strategy_id": "trade_momentum"}, "it is for trade_momentum"),
    ({**GOOD, "symbol": "BTCUSDT"}, "it is for orderbook_skew on BTCUSDT"),
    ({**GOOD, "parameters": {"iceberg_weight": 0.6}}, "unknown parameter iceberg_weight"),
    ({**GOOD, "parameters": {"top_levels": 99}}, "top_levels = 99 is out of bounds"),
    ({**GOOD, "parameters": {"buy_threshold": 1.0, "sell_threshold": 1.0}}, "does not go together"),
]


@pytest.mark.parametrize(("document", "problem"), BAD)
async def test_what_cannot_be_believed_is_named(document: Mapping[str, Any], problem: str) -> None:
    """At the start with the remedy; later what held before holds on; a deletion puts it right."""
    store = MemoryDocuments()
    running = await service(store, applying=Desk())
    await running.change(SKEW, None, {"top_levels": 3}, ALICE)
    await store.put(FOR_ALL, SKEW, document)
    refreshed = await running.refresh()
    assert any(problem in text for text in refreshed.problems)
    assert 3 == running.config(SKEW, None).parameters["top_levels"]
    with pytest.raises(ConfigError, match=r"put the document right in the store|does not go together"):
        await service(store)
    lenient = await service(store, lenient=True)
    assert 5 == lenient.config(SKEW, None).parameters["top_levels"]
    deleted = await lenient.delete(SKEW, None, ALICE)
    assert deleted.config is not None
    assert (0, ()) == (deleted.config.version, lenient.state().problems)
    assert (await service(store)).config(SKEW, None) == deleted.config


async def test_nothing_is_built_on_what_cannot_be_read() -> None:
    """A change over it would look like a repair; the deletion keeps what was wrong with it in the audit."""
    store = MemoryDocuments()
    await store.put(FOR_ALL, SKEW, {"x": 1})
    config = await service(store, lenient=True)
    with pytest.raises(Unreadable, match="cannot be believed"):
        await config.change(SKEW, None, {"top_levels": 3}, ALICE)
    await config.delete(SKEW, None, ALICE)
    record = (await config.audit(SKEW, None, 1, "")).records[0]
    assert ("DELETE", None, True) == (
        record.action,
        record.old_parameters,
        "cannot be" in record.metadata["unreadable"],
    )


async def test_documents_of_other_strategies_are_not_ours_to_judge() -> None:
    """The collections are shared with services that have strategies of their own."""
    store = MemoryDocuments()
    await store.put(FOR_ALL, "golden_cross", {"anything": 1})
    await store.put(FOR_SYMBOL, "golden_cross:BTCUSDT", {"anything": 1})
    await store.put(FOR_SYMBOL, "no-key-of-ours", {"strategy_id": "golden_cross"})
    assert () == (await service(store)).state().problems


async def test_a_symbol_is_stored_under_its_one_spelling() -> None:
    """Another spelling in the store would be a second configuration of the same symbol."""
    store = MemoryDocuments()
    await store.put(FOR_SYMBOL, f"{SKEW}:btcusdt", {**GOOD, "symbol": "btcusdt"})
    with pytest.raises(ConfigError, match="is written BTCUSDT here"):
        await service(store)


async def test_an_unreadable_record_does_not_hide_the_others() -> None:
    """It is named and passed over; counting goes on after it."""
    store = MemoryDocuments()
    config = await service(store)
    await config.change(SKEW, None, {"top_levels": 3}, ALICE)
    await store.put(AUDIT, f"{SKEW}:000000000002", {"strategy_id": SKEW})
    made = await config.change(SKEW, None, {"top_levels": 4}, ALICE)
    page = await config.audit(SKEW, None, 50, "")
    assert (f"{SKEW}:000000000003", [2, 1]) == (made.metadata.audit_id, [r.version_after for r in page.records])
    assert f"{AUDIT}/{SKEW}:000000000002 is no audit record" in page.metadata.problems[0]
    await store.put(AUDIT, f"{SKEW}:zzz", {"strategy_id": SKEW})
    with pytest.raises(Unreadable, match="remove it from the store"):
        await config.change(SKEW, None, {"top_levels": 5}, ALICE)


async def test_a_version_is_never_given_twice() -> None:
    """Also when the records that would tell cannot be read; too many of those are a reason to stop."""
    store = MemoryDocuments()
    config = await service(store)
    for number in range(1, 4):
        await store.put(AUDIT, f"{SKEW}:{number:012d}", {"strategy_id": SKEW, "symbol": None})
    made = await config.change(SKEW, None, {"top_levels": 4}, ALICE)
    assert made.config is not None
    assert (4, f"{SKEW}:000000000004") == (made.config.version, made.metadata.audit_id)
    for number in range(1, UNREADABLE_MAX + 1):
        await store.put(AUDIT, f"{SKEW}:{number:012d}", {"strategy_id": SKEW, "symbol": "BTCUSDT"})
    with pytest.raises(Unreadable, match="cannot be read"):
        await config.change(SKEW, "BTCUSDT", {"top_levels": 5}, ALICE)


async def test_a_desk_that_fails_is_asked_again() -> None:
    """Whatever went wrong between the store and the desk, the next look at the store makes it good."""

    class Broken(Desk):
        async def apply(self, *_settings: Any, **_command: Any) -> Applied:
            raise RuntimeError("a mistake of ours")

    desk = Broken()
    config = await service(MemoryDocuments(), applying=desk)
    with pytest.raises(RuntimeError):
        await config.change(SKEW, None, {"top_levels": 3}, ALICE)
    assert [f"{SKEW} is not applied: it is under way"] == list(config.state().problems)
    config._applying = Desk()
    assert [SKEW] == list((await config.refresh()).applied)


async def test_too_many_at_once_are_refused() -> None:
    """What waits is bounded."""
    config = await service(Faulty())
    attempts = [config.change(SKEW, None, {"top_levels": 1 + n % 20}, ALICE) for n in range(WAITING_MAX + 5)]
    made = await asyncio.gather(*attempts, return_exceptions=True)
    refused = [answer for answer in made if isinstance(answer, LimitExceeded)]
    assert (5, WAITING_MAX) == (len(refused), config.config(SKEW, None).version)


async def test_a_race_of_writers_leaves_no_gap(tmp_path: Path) -> None:
    """Eight processes' services on one file, each with its own connection: every version once, every change recorded.

    Half of them compare what they read; they win or are told.
    """
    file = tmp_path / "documents.sqlite"
    stores = [await SqliteDocuments.open(file) for _ in range(8)]
    services = [await service(store) for store in stores]
    made: list[int] = []
    refused = 0

    async def write(number: int) -> None:
        nonlocal refused
        config = services[number]
        for turn in range(6):
            symbol = "BTCUSDT" if turn % 3 else None
            await config.refresh()
            version = config.config(SKEW, symbol).version if number % 2 else None
            act = Act(f"writer-{number}", f"turn {turn}", expected_version=version)
            try:
                answer = await config.change(SKEW, symbol, {"cooldown_seconds": 1 + 10 * number + turn}, act)
            except VersionConflict:
                refused += 1
            else:
                assert answer.config is not None
                made.append(answer.config.version)

    await asyncio.gather(*(write(number) for number in range(8)))
    records = (await services[0].audit(SKEW, None, 1000, "")).records
    by_scope = {
        symbol: [record.version_after for record in reversed(records) if record.symbol == symbol]
        for symbol in (None, "BTCUSDT")
    }
    assert 48 == len(records) + refused == len(made) + refused
    assert [f"{SKEW}:{n:012d}" for n in range(len(records), 0, -1)] == [record.id for record in records]
    assert all(list(range(1, len(versions) + 1)) == versions for versions in by_scope.values())
    assert all(
        after.old_parameters == before.new_parameters
        for symbol in by_scope
        for before, after in zip(*(lambda own: (own, own[1:]))(_of(records, symbol)), strict=False)
    )
    for store in stores:
        await store.close()


def _of(records: Any, symbol: str | None) -> list[Any]:
    return [record for record in reversed(records) if record.symbol == symbol]


async def test_metadata_that_no_store_can_keep_changes_nothing() -> None:
    """The store's own rule is said as it says it."""
    store = MemoryDocuments()
    config = await service(store)
    with pytest.raises((InvalidParameters, Exception), match=r"begins with \$"):
        await config.change(SKEW, None, {"top_levels": 3}, Act("alice", "why", metadata={"$set": 1}))
    assert ([], []) == (list(await store.find(FOR_ALL)), list(await store.find(AUDIT)))


async def test_no_more_symbols_are_stored_than_a_start_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many would stop every desk from starting, and nobody could delete it."""
    for module in ("drafting", "stored"):
        monkeypatch.setattr(f"petrosa.apps.configuration.{module}.SYMBOLS_MAX", 2)
    store = MemoryDocuments()
    config = await service(store)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        await config.change(SKEW, symbol, {"top_levels": 3}, ALICE)
    with pytest.raises(InvalidParameters, match="for 2 symbols already, limit 2; delete what is not traded"):
        await config.change(SKEW, "XRPUSDT", {"top_levels": 3}, ALICE)
    await config.change(SKEW, "ETHUSDT", {"top_levels": 4}, ALICE)
    await config.change("trade_momentum", "XRPUSDT", {"cooldown_seconds": 60}, ALICE)
    await config.delete(SKEW, "BTCUSDT", ALICE)
    await config.change(SKEW, "XRPUSDT", {"top_levels": 3}, ALICE)
    again = await service(store)
    assert 3 == again.settings.strategies[SKEW].for_symbol("XRPUSDT").top_levels
