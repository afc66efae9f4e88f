"""The rule of access: who may do what, with a key and without."""

import asyncio

import pytest

from petrosa.apps.access import access_over
from petrosa.apps.settings import load
from petrosa.errors import AccessError, Forbidden, LimitExceeded, PetrosaError, StorageError, Unauthenticated
from petrosa.surfaces.access import Scope
from tests.kit.access import Guarded

HERE, ELSEWHERE = True, False


async def outcome(guarded: Guarded, token: str | None, is_loopback: bool, needed: Scope) -> str:
    """The actor's name, or the kind of the refusal."""
    try:
        return (await guarded.access.actor_of(token, is_loopback=is_loopback, needed=needed)).name
    except PetrosaError as problem:
        return type(problem).__name__


@pytest.mark.parametrize(
    ("is_loopback", "needed", "without_keys", "with_keys"),
    [
        (HERE, Scope.READ, "local", "local"),
        (HERE, Scope.CONFIG, "local", "Unauthenticated"),
        (HERE, Scope.TRADE, "local", "Unauthenticated"),
        (HERE, Scope.ADMIN, "local", "Unauthenticated"),
        (ELSEWHERE, Scope.READ, "anonymous", "Unauthenticated"),
        (ELSEWHERE, Scope.CONFIG, "Unauthenticated", "Unauthenticated"),
        (ELSEWHERE, Scope.TRADE, "Unauthenticated", "Unauthenticated"),
        (ELSEWHERE, Scope.ADMIN, "Unauthenticated", "Unauthenticated"),
    ],
)
async def test_without_a_key_it_matters_where_one_is_and_whether_there_are_keys(
    is_loopback: bool, needed: Scope, without_keys: str, with_keys: str
) -> None:
    """The whole table; a key that was revoked counts as one that is there."""
    guarded = Guarded()
    assert without_keys == await outcome(guarded, None, is_loopback, needed)
    await guarded.key()
    assert with_keys == await outcome(guarded, None, is_loopback, needed)
    await guarded.ring.revoke("alice")
    assert with_keys == await outcome(guarded, None, is_loopback, needed)


@pytest.mark.parametrize("is_loopback", [HERE, ELSEWHERE])
@pytest.mark.parametrize(
    ("scope", "may"),
    [
        (Scope.READ, {Scope.READ}),
        (Scope.CONFIG, {Scope.READ, Scope.CONFIG}),
        (Scope.TRADE, {Scope.READ, Scope.TRADE}),
        (Scope.ADMIN, set(Scope)),
    ],
)
async def test_a_key_may_what_its_scope_says_wherever_it_is_used(
    is_loopback: bool, scope: Scope, may: set[Scope]
) -> None:
    """Being on this machine adds nothing to a key."""
    guarded = Guarded()
    token = await guarded.key("alice", scope)
    found = {needed: await outcome(guarded, token, is_loopback, needed) for needed in Scope}
    assert {needed: "alice" if needed in may else "Forbidden" for needed in Scope} == found


async def test_a_missing_scope_is_named() -> None:
    """What is needed, and what the key has."""
    guarded = Guarded()
    token = await guarded.key("alice", Scope.READ)
    with pytest.raises(Forbidden, match="needs the scope config, and the key 'alice' has read"):
        await guarded.access.actor_of(token, is_loopback=HERE, needed=Scope.CONFIG)


@pytest.mark.parametrize("needed", [Scope.READ, Scope.CONFIG])
async def test_a_bad_key_is_never_taken_for_no_key(needed: Scope) -> None:
    """Even where no key would have been enough: whoever sends one means it."""
    assert "Unauthenticated" == await outcome(Guarded(), "pk_nonsense", HERE, needed)


async def test_the_first_key_made_elsewhere_closes_loopback_within_a_second() -> None:
    """A writer without a key is asked against what the store holds now."""
    guarded = Guarded()
    assert "local" == await outcome(guarded, None, HERE, Scope.CONFIG)
    await guarded.another_ring().create("alice", [Scope.CONFIG])
    guarded.hands.seconds += 1.0
    assert "Unauthenticated" == await outcome(guarded, None, HERE, Scope.CONFIG)


async def test_revocation_holds_in_the_middle_of_use() -> None:
    """A key in use by many at once: those before the revocation were let in, none after it is."""
    guarded = Guarded(writes=1_000)
    token = await guarded.key()
    order: list[str] = []

    async def use() -> None:
        order.append(await outcome(guarded, token, ELSEWHERE, Scope.CONFIG))

    async def revoke() -> None:
        await guarded.ring.revoke("alice")
        order.append("revoked")

    await asyncio.gather(*(use() for _ in range(50)), revoke(), *(use() for _ in range(50)))
    await asyncio.gather(*(use() for _ in range(50)))
    place = order.index("revoked")
    assert {"alice"} == set(order[:place])
    assert {"Unauthenticated"} == set(order[place + 1 :])


async def test_writes_are_limited_and_reads_are_not() -> None:
    """For the actor behind a key and for whoever has none; what is refused by scope costs no write."""
    guarded = Guarded(writes=2)
    assert ["local", "local", "LimitExceeded"] == [await outcome(guarded, None, HERE, Scope.CONFIG) for _ in range(3)]
    token = await guarded.key()
    assert "Forbidden" == await outcome(guarded, token, HERE, Scope.TRADE)
    assert ["alice", "alice", "LimitExceeded"] == [await outcome(guarded, token, HERE, Scope.CONFIG) for _ in range(3)]
    assert {"alice"} == {await outcome(guarded, token, HERE, Scope.READ) for _ in range(100)}
    guarded.hands.seconds += 150.0
    assert "alice" == await outcome(guarded, token, HERE, Scope.CONFIG)


async def test_trading_and_stopping_are_never_too_often() -> None:
    """What needs `trade` costs no write of the configuration, and is let in when none is left."""
    guarded = Guarded(writes=1)
    assert {"local"} == {await outcome(guarded, None, HERE, Scope.TRADE) for _ in range(50)}
    assert ["local", "LimitExceeded"] == [await outcome(guarded, None, HERE, Scope.CONFIG) for _ in range(2)]
    assert "local" == await outcome(guarded, None, HERE, Scope.TRADE)


async def test_a_new_key_of_the_same_name_has_no_new_writes() -> None:
    """The limit is the actor's, so changing a key is no way round it."""
    guarded = Guarded(writes=1)
    assert "alice" == await outcome(guarded, await guarded.key(), HERE, Scope.CONFIG)
    await guarded.ring.revoke("alice")
    assert "LimitExceeded" == await outcome(guarded, await guarded.key(), HERE, Scope.CONFIG)


async def test_without_the_store_this_machine_reads_and_nobody_writes() -> None:
    """What does not depend on keys does not wait for them."""
    guarded = Guarded()
    guarded.store.is_away = True
    assert ["local", "StorageError", "StorageError"] == [
        await outcome(guarded, None, HERE, Scope.READ),
        await outcome(guarded, None, HERE, Scope.CONFIG),
        await outcome(guarded, None, ELSEWHERE, Scope.READ),
    ]


async def test_no_refusal_holds_the_secret() -> None:
    """Whatever is wrong with a key, no message repeats it."""
    guarded = Guarded(writes=1)
    token = await guarded.key("alice", Scope.CONFIG)
    presented = [token[:-1], token[:-1] + "g", token, token, f"{token} "]
    said = []
    for attempt in presented:
        for needed in (Scope.CONFIG, Scope.TRADE):
            try:
                await guarded.access.actor_of(attempt, is_loopback=HERE, needed=needed)
            except (AccessError, StorageError) as problem:
                said.append(str(problem))
    assert 8 < len(said)
    assert [] == [text for text in said if token[20:40] in text]


async def test_the_limit_comes_from_the_settings() -> None:
    """By the names that the environment already has."""
    guarded = Guarded()
    loaded = load([], [], {"CONFIG_RATE_LIMIT_PER_AGENT": "1", "CONFIG_RATE_LIMIT_COOLDOWN": "7"})
    access = access_over(loaded, guarded.store, guarded.hands.monotonic)
    await access.actor_of(None, is_loopback=HERE, needed=Scope.CONFIG)
    with pytest.raises(LimitExceeded, match="limit 1 in 7 s"):
        await access.actor_of(None, is_loopback=HERE, needed=Scope.CONFIG)


async def test_the_line_at_the_start_says_which_rule_holds() -> None:
    """No key, some keys, or a store that does not say."""
    guarded = Guarded()
    assert (
        "no key is configured: only this machine may change the configuration; make one with petrosa keys create"
        == await guarded.access.rule()
    )
    await guarded.key("alice")
    await guarded.key("bob")
    await guarded.ring.revoke("bob")
    assert "1 of 2 keys are active" in await guarded.access.rule()
    guarded.store.is_away = True
    assert "nobody may change the configuration over HTTP until" in await guarded.access.rule()


async def test_a_keyless_writer_elsewhere_is_told_the_way() -> None:
    """The command that makes a key is in the refusal."""
    with pytest.raises(
        Unauthenticated, match="only this machine may change anything; make one with petrosa keys create"
    ):
        await Guarded().access.actor_of(None, is_loopback=ELSEWHERE, needed=Scope.CONFIG)
