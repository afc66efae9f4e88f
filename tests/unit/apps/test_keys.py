"""Keys are made once, known by their hash, and worth nothing once they are revoked or expired."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from petrosa.apps import keys
from petrosa.apps.keys import COLLECTION, KEYS_MAX, READ_AGE_S, RETRY_S, SEARCH_S, TOKEN, WRITE_AGE_S
from petrosa.errors import StorageError, UsageError, VersionConflict
from petrosa.ports import Versioned
from petrosa.surfaces.access import Scope
from tests.kit.access import Fragile, Guarded


async def reads(guarded: Guarded, token: str) -> bool:
    return (await guarded.ring.find(token, writes=False))[0] is not None


async def writes(guarded: Guarded, token: str) -> bool:
    return (await guarded.ring.find(token, writes=True))[0] is not None


async def test_a_new_key_is_found_by_its_holder() -> None:
    """Under its name, with its scopes."""
    guarded = Guarded()
    key, why = await guarded.ring.find(await guarded.key("alice", Scope.TRADE, Scope.READ), writes=True)
    assert key is not None
    assert ("alice", (Scope.READ, Scope.TRADE), "") == (key.name, key.scopes, why)


async def test_the_secret_is_nowhere_in_the_store() -> None:
    """Only its SHA-256 is."""
    guarded = Guarded()
    match = TOKEN.fullmatch(await guarded.key())
    assert match is not None
    stored = await guarded.store.get(COLLECTION, "alice")
    assert stored is not None
    assert match[2] not in str(stored.document)
    assert hashlib.sha256(match[2].encode()).hexdigest() == stored.document["secret_sha256"]


async def test_two_keys_have_nothing_in_common() -> None:
    """Neither id nor secret."""
    guarded = Guarded()
    found = [TOKEN.fullmatch(await guarded.key(name)) for name in ("alice", "bob")]
    assert 4 == len({group for match in found if match for group in match.groups()})


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
        lambda token: token[:-1],
        lambda token: token + "0",
        lambda token: token.upper(),
        lambda token: token.replace("pk_", "pk-"),
        lambda token: "pk_" + "0" * 16 + token[19:],
        lambda token: token + "\n",
        lambda token: "",
        lambda token: "pk_" + "é" * 16 + token[19:],
    ],
)
async def test_what_is_not_the_key_is_no_key(change: object) -> None:
    """One letter more, less or other."""
    assert callable(change)
    guarded = Guarded()
    token = await guarded.key()
    assert await writes(guarded, token)
    assert not await writes(guarded, change(token))


async def test_the_comparison_takes_the_same_time_wherever_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes are compared, by the function that is made for it, for a wrong secret and for an unknown id."""
    compared: list[tuple[int, int]] = []

    def compare(a: str, b: str) -> bool:
        compared.append((len(a), len(b)))
        return a == b

    monkeypatch.setattr(keys.hmac, "compare_digest", compare)
    guarded = Guarded()
    token = await guarded.key()
    assert [True, False, False] == [
        await writes(guarded, presented) for presented in (token, token[:20] + "0" * 64, "pk_" + "0" * 16 + token[19:])
    ]
    assert [(64, 64)] * 3 == compared


async def test_an_expired_key_is_no_key() -> None:
    """From the second on that was said when it was made, without another look at the store."""
    guarded = Guarded()
    token = await guarded.key(lifetime=timedelta(days=1))
    guarded.hands.seconds = 86_399.0
    assert await reads(guarded, token)
    guarded.hands.seconds = 86_400.0
    assert (None, "it is expired") == await guarded.ring.find(token, writes=False)


async def test_a_revoked_key_is_no_key_at_once_here() -> None:
    """By name, by id or by the key itself; and once more is no error."""
    guarded = Guarded()
    for number, part in enumerate(
        (lambda token, name: name, lambda token, name: token[3:19], lambda token, name: token)
    ):
        token = await guarded.key(f"k{number}")
        assert await reads(guarded, token)
        first = await guarded.ring.revoke(part(token, f"k{number}"))
        assert (None, "it is revoked") == await guarded.ring.find(token, writes=False)
        guarded.hands.seconds += 5.0
        assert first == await guarded.ring.revoke(f"k{number}")


async def test_a_key_revoked_elsewhere_writes_a_second_longer_and_reads_a_minute() -> None:
    """The two ages of knowledge."""
    guarded = Guarded()
    token = await guarded.key()
    reader, writer = guarded.another_ring(), guarded.another_ring()

    async def found() -> tuple[bool, bool]:
        by_reader, _ = await reader.find(token, writes=False)
        by_writer, _ = await writer.find(token, writes=True)
        return by_reader is not None, by_writer is not None

    assert (True, True) == await found()
    await guarded.ring.revoke("alice")
    assert (True, True) == await found()
    guarded.hands.seconds += WRITE_AGE_S
    assert (True, False) == await found()
    guarded.hands.seconds += READ_AGE_S - WRITE_AGE_S
    assert (False, False) == await found()


async def test_a_key_made_elsewhere_is_good_at_once() -> None:
    """What is not known is looked for, by many at the same time too."""
    guarded = Guarded()
    assert not await guarded.ring.is_configured(writes=False)
    token, _ = await guarded.another_ring().create("alice", [Scope.READ])
    assert {True} == set(await asyncio.gather(*(reads(guarded, token) for _ in range(9))))


async def test_a_flood_of_bad_keys_costs_a_look_a_second() -> None:
    """And hides a new key for no longer than that."""
    guarded = Guarded()
    await guarded.key("alice")
    before = guarded.store.searches
    for number in range(100):
        assert not await writes(guarded, f"pk_{number:016x}_{number:064x}")
    assert 1 == guarded.store.searches - before
    token, _ = await guarded.another_ring().create("bob", [Scope.READ])
    assert not await reads(guarded, token)
    guarded.hands.seconds += SEARCH_S
    assert await reads(guarded, token)


async def test_a_revocation_is_not_undone_by_a_look_that_was_under_way() -> None:
    """A reader that began to read before the revocation does not bring the key back."""
    entered, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Fragile):
        async def find(
            self, collection: str, *, where: Mapping[str, object] | None = None, limit: int = 200, after: str = ""
        ) -> Sequence[tuple[str, Versioned]]:
            found = await super().find(collection, where=where, limit=limit, after=after)
            entered.set()
            await go_on.wait()
            return found

    go_on.set()
    guarded = Guarded(Slow())
    token = await guarded.key()
    guarded.hands.seconds += READ_AGE_S
    entered.clear()
    go_on.clear()
    looking = asyncio.create_task(guarded.ring.find(token, writes=False))
    await entered.wait()
    revoking = asyncio.create_task(guarded.ring.revoke("alice"))
    go_on.set()
    assert (await looking)[0] is not None
    await revoking
    assert not await reads(guarded, token)


async def test_many_requests_make_one_look() -> None:
    """A hundred at once, after knowledge has grown old."""
    guarded = Guarded()
    token = await guarded.key()
    guarded.hands.seconds += READ_AGE_S
    before = guarded.store.searches
    assert {True} == set(await asyncio.gather(*(reads(guarded, token) for _ in range(100))))
    assert 1 == guarded.store.searches - before


async def test_while_the_store_is_away_known_keys_read_and_nobody_writes() -> None:
    """It is asked once a second, complained about once, and asked again when it is back."""
    guarded = Guarded()
    token = await guarded.key()
    guarded.store.is_away = True
    guarded.hands.seconds += READ_AGE_S
    before = guarded.store.searches
    with capture_logs() as logs:
        for _ in range(20):
            assert await reads(guarded, token)
            with pytest.raises(StorageError, match="away"):
                await writes(guarded, token)
        assert 1 == guarded.store.searches - before
        guarded.hands.seconds += RETRY_S
        assert await reads(guarded, token)
    assert (2, 1) == (guarded.store.searches - before, len(logs))
    guarded.store.is_away = False
    guarded.hands.seconds += RETRY_S
    assert await writes(guarded, token)


async def test_keys_that_were_never_read_are_not_guessed() -> None:
    """A start without the store knows nobody, and does not know whether there is anybody."""
    guarded = Guarded()
    guarded.store.is_away = True
    for asked in (guarded.ring.find(f"pk_{0:016x}_{0:064x}", writes=False), guarded.ring.is_configured(writes=False)):
        with pytest.raises(StorageError, match="away"):
            await asked


async def test_a_revocation_of_unknown_outcome_lets_nobody_in_on_old_knowledge() -> None:
    """The put failed, or only its answer: until the store answers, the key does not even read."""

    class Torn(Fragile):
        async def put(
            self, collection: str, key: str, document: Mapping[str, object], *, expected_version: int | None = None
        ) -> int:
            version = await super().put(collection, key, document, expected_version=expected_version)
            if "revoked_at" in document and document["revoked_at"] is not None:
                self.is_away = True
                raise StorageError("the connection broke before the answer")
            return version

    guarded = Guarded(Torn())
    token = await guarded.key()
    assert await reads(guarded, token)
    with pytest.raises(StorageError):
        await guarded.ring.revoke("alice")
    with pytest.raises(StorageError):
        await reads(guarded, token)


@pytest.mark.parametrize(
    "name", ["", "A", "a b", "x" * 65, "local", "anonymous", "pk_x", "0123456789abcdef", "ä", "a\n", "a/b"]
)
async def test_a_name_is_checked(name: str) -> None:
    """It stands in audits and in the command line, and is mistaken for nobody else."""
    with pytest.raises(UsageError, match="is no name for a key"):
        await Guarded().ring.create(name, [Scope.READ])


async def test_a_key_without_a_scope_is_refused() -> None:
    """It would be good for nothing."""
    with pytest.raises(UsageError, match="name one of read, config, trade, admin"):
        await Guarded().ring.create("alice", [])


async def test_a_name_is_used_once_at_a_time() -> None:
    """Until its key is revoked or has expired; then the new key is good and the old one stays worthless."""
    guarded = Guarded()
    first = await guarded.key("alice")
    with pytest.raises(UsageError, match="petrosa keys revoke alice"):
        await guarded.key("alice")
    await guarded.ring.revoke("alice")
    second = await guarded.key("alice", lifetime=timedelta(days=1))
    guarded.hands.seconds += 86_400.0
    third = await guarded.key("alice")
    assert [False, False, True] == [await writes(guarded, token) for token in (first, second, third)]
    assert ["alice"] == [key.name for key in await guarded.ring.all()]


async def test_two_processes_cannot_make_one_name() -> None:
    """One wins, the other is told to look again; there is one key."""
    guarded = Guarded()
    made = await asyncio.gather(
        *(guarded.another_ring().create("alice", [Scope.READ]) for _ in range(8)), return_exceptions=True
    )
    assert 1 == sum(isinstance(result, tuple) for result in made)
    assert {True} == {isinstance(result, tuple | UsageError | VersionConflict) for result in made}
    assert 1 == len(await guarded.ring.all())


async def test_a_name_that_is_not_there_cannot_be_revoked() -> None:
    """The message says where the names are, and holds no secret."""
    with pytest.raises(UsageError, match="petrosa keys list") as caught:
        await Guarded().ring.revoke(f"pk_{7:016x}_{'ab' * 32}")
    assert "abab" not in str(caught.value)


async def test_the_number_of_keys_is_bounded() -> None:
    """The limit names itself and the way out, and that way is one."""
    guarded = Guarded()
    template = stored_key("x")
    for number in range(KEYS_MAX):
        await guarded.store.put(COLLECTION, f"k{number}", template | {"name": f"k{number}", "id": f"{number:016x}"})
    with pytest.raises(UsageError, match=f"there are {KEYS_MAX} keys, limit {KEYS_MAX}"):
        await guarded.key("alice")
    await guarded.ring.revoke("k7")
    assert await writes(guarded, await guarded.key("k7"))
    assert (KEYS_MAX, KEYS_MAX) == await guarded.ring.census()


def stored_key(name: str) -> dict[str, object]:
    return {
        "id": "0" * 16,
        "name": name,
        "secret_sha256": "0" * 64,
        "scopes": ["read"],
        "created_at": "2026-01-01T00:00:00Z",
    }


@pytest.mark.parametrize(
    "damage",
    [
        {"scopes": ["root"]},
        {"name": "bob"},
        {"secret_sha256": "short"},
        {"created_at": "2026-01-01T00:00:00"},
        {"id": 1},
    ],
)
async def test_a_damaged_key_is_worthless_and_still_counts(damage: dict[str, object]) -> None:
    """It is logged by name; the others are as good as before; and it does not open what keys have closed."""
    guarded = Guarded()
    await guarded.store.put(COLLECTION, "alice", stored_key("alice") | damage)
    with capture_logs() as logs:
        assert await guarded.ring.is_configured(writes=True)
    assert ["alice" in log["problem"] for log in logs] == [True]
    assert await writes(guarded, await guarded.key("carol"))
    assert (1, 2) == await guarded.ring.census()
