"""A desk brought to where another stood, from its memory alone, stands there exactly and goes on as the other does."""

import random
from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.model.commands import Configure, SeatParameters
from petrosa.core.model.events import Configured, Started
from petrosa.core.signals.params import ConflictResolution, SameDirection
from tests.kit.recalled import EAGER, KEY, STEPS, Life, Step, encode, recalled
from tests.kit.soak import examples, sample
from tests.kit.trading import START

MAKES = list(product((False, True), SameDirection, ConflictResolution))


def steps_of(seed: int, count: int) -> list[Step]:
    chance = random.Random(seed)
    return [(chance.choice(STEPS), chance.randrange(1_000)) for _ in range(count)]


def lived(seed: int, steps: list[Step]) -> Life:
    strategist, same, conflict = MAKES[seed % len(MAKES)]
    return Life(seed, strategist=strategist, same=same, conflict=conflict).live(steps)


def stands_as_it_stood(life: Life, since: int) -> None:
    """After every turn, so a cut at any of them is tried."""
    for one, desk, turns in recalled(life, since):
        assert (one.sequence, one.desk) == (one.sequence, encode(desk.checkpoint()))
        assert one.time == encode(turns.snapshot())


@pytest.mark.market
@pytest.mark.parametrize("seed", range(sample(24, 480)))
def test_memory_alone_makes_the_same_desk(seed: int) -> None:
    """From nothing and from checkpoints on the way: orders, fills, guards, reversals, opinions, days and timers."""
    life = lived(seed, steps_of(seed, 400))
    stands_as_it_stood(life, -1)
    for since in random.Random(seed).sample(range(len(life.past)), 2):
        stands_as_it_stood(life, since)


@given(st.integers(0, 23), st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 999)), max_size=60))
@examples(60)
def test_whatever_happens(seed: int, steps: list[Step]) -> None:
    """The same of histories that nobody thought of."""
    stands_as_it_stood(lived(seed, steps), -1)


@pytest.mark.market
@pytest.mark.parametrize("seed", range(sample(24, 240)))
def test_what_comes_after_is_decided_the_same(seed: int) -> None:
    """Cut before each start of the process in a long life: what the desk hears after it leads to the same decisions."""
    life = lived(seed, steps_of(seed, 300))
    starts = {one.heard - 1 for one in life.past if isinstance(one.event, Started)}
    for one, desk, _ in recalled(life, -1):
        if one.heard not in starts:
            continue
        restored = life.another()
        restored.restore(desk.checkpoint())
        for now, event, decisions in life.heard[one.heard :]:
            assert list(decisions) == list(restored.handle(event, now))
        assert life.past[-1].desk == encode(restored.checkpoint())


def test_a_change_is_recalled_by_a_desk_that_was_built_with_it() -> None:
    """The stored settings of now hold it already; what it changed then is not asked again."""
    life = Life(1, strategist=True, same=SameDirection.ACCUMULATE, conflict=ConflictResolution.STRONGEST_WINS)
    parameters = {**msgspec.to_builtins(EAGER), "cooldown_seconds": 77.0}
    change = Configure("c1", "alice", "calmer", "orderbook_skew", 2, (SeatParameters(KEY, True, parameters),))
    decided = life.another().handle(change, START)
    later = life.another()
    later.handle(change, START)
    assert decided == later.recall(change, decided, START)
    assert decided != later.handle(change, START)
    assert isinstance(decided[0], Configured)
