"""So many writes at once, and all of them back after the cooldown."""

import pytest

from petrosa.errors import LimitExceeded
from petrosa.surfaces.write_limit import ACTORS_MAX, WriteLimit
from tests.kit.access import Hands


def spent(limit: WriteLimit, actor: str = "alice", tries: int = 100) -> int:
    """How many writes went through before the first refusal."""
    for count in range(tries):
        try:
            limit.spend(actor)
        except LimitExceeded:
            return count
    return tries


def test_ten_writes_are_allowed_and_the_eleventh_is_not() -> None:
    """It says who, how many, and when the next one is."""
    hands = Hands()
    limit = WriteLimit(10, 300.0, hands.monotonic)
    assert 10 == spent(limit)
    with pytest.raises(LimitExceeded, match=r"alice has made 10 writes, limit 10 in 300 s; .* in 30\.0 s") as caught:
        limit.spend("alice")
    assert 30.0 == pytest.approx(caught.value.retry_after_s)


def test_waiting_as_long_as_told_is_enough() -> None:
    """One write comes back after a tenth of the cooldown, all of them after the whole, and never more."""
    hands = Hands()
    limit = WriteLimit(10, 300.0, hands.monotonic)
    spent(limit)
    hands.seconds += 29.9
    assert 0 == spent(limit)
    hands.seconds += 0.1
    assert 1 == spent(limit)
    hands.seconds += 300.0
    assert 10 == spent(limit)
    hands.seconds += 1e9
    assert 10 == spent(limit)


def test_a_refusal_costs_nothing() -> None:
    """Whoever hammers does not push their own turn away."""
    hands = Hands()
    limit = WriteLimit(1, 10.0, hands.monotonic)
    limit.spend("alice")
    for _ in range(9):
        hands.seconds += 1.0
        assert 0 == spent(limit)
    hands.seconds += 1.0
    assert 1 == spent(limit)


def test_actors_do_not_share() -> None:
    """One who writes too much takes nothing from another."""
    limit = WriteLimit(3, 300.0, Hands().monotonic)
    assert [3, 3, 0] == [spent(limit, actor) for actor in ("alice", "bob", "alice")]


def test_the_actors_remembered_are_bounded() -> None:
    """The one whose last write is longest ago is forgotten, not one who writes now, however early they began."""
    limit = WriteLimit(2, 300.0, Hands().monotonic)
    for number in range(ACTORS_MAX):
        limit.spend(f"actor-{number}")
    limit.spend("actor-0")
    limit.spend("one too many")
    assert [0, 2, 1] == [spent(limit, actor) for actor in ("actor-0", "actor-1", "one too many")]
