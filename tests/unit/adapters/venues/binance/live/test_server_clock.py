"""The venue's clock is measured by the quickest answer, and a machine that is too wrong does not trade."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.venues.binance.live.server_clock import ServerClock
from petrosa.core.model.base import NS_PER_MS
from petrosa.errors import TransportError, VenueClosed

START = 1_800_000_000_000


class Bench:
    """A venue `ahead_ms` of this machine; each question takes its time there and its time back."""

    def __init__(self, ahead_ms: float, trips: list[tuple[float, float]]) -> None:
        self.wall_ms = float(START)
        self.ahead_ms = ahead_ms
        self.trips = list(trips)
        self.clock = ServerClock(lambda: round(self.wall_ms * NS_PER_MS))

    async def probe(self) -> int:
        there, back = self.trips.pop(0)
        self.wall_ms += there
        said = int(self.wall_ms + self.ahead_ms)
        self.wall_ms += back
        return said

    async def sync(self) -> None:
        await self.clock.sync(self.probe, probes=len(self.trips))


@pytest.mark.parametrize("ahead", [-3_000.0, -1.0, 0.0, 249.0, 9_000.0])
async def test_the_quickest_answer_measures(ahead: float) -> None:
    """Its middle is the best guess, and half of it what may be wrong about that."""
    bench = Bench(ahead, [(200, 1), (2, 2), (1, 300), (30, 30), (5, 5)])
    await bench.sync()
    assert ahead == pytest.approx(bench.clock.offset_ms, abs=0.51)
    assert 2.0 == bench.clock.uncertainty_ms
    assert START + ahead == pytest.approx(bench.clock.now_ms() - (bench.wall_ms - START), abs=1)


@given(
    st.floats(-9_000, 9_000), st.lists(st.tuples(st.floats(0, 500), st.floats(0, 500)), min_size=1, max_size=6)
)  # fmt: skip
async def test_it_is_never_further_off_than_it_says(ahead: float, trips: list[tuple[float, float]]) -> None:
    """However unequal the ways are; a millisecond more, since the venue tells no fractions."""
    bench = Bench(ahead, trips)
    await bench.sync()
    assert abs(bench.clock.offset_ms - ahead) <= bench.clock.uncertainty_ms + 1


async def test_a_clock_that_is_off_alarms_and_is_corrected() -> None:
    """Beyond 250 ms the operator hears of it; the time that goes to the venue is right."""
    bench = Bench(400, [(1, 1)])
    assert (False, float("inf")) == (bench.clock.is_synced, bench.clock.age_s)
    await bench.sync()
    assert (True, True) == (bench.clock.is_synced, bench.clock.is_alarming)
    bench.wall_ms += 30_000
    assert 30.0 == pytest.approx(bench.clock.age_s)
    bench.ahead_ms, bench.trips = 100, [(1, 1)]
    await bench.sync()
    assert not bench.clock.is_alarming


@pytest.mark.parametrize(("ahead", "said"), [(11_000, "11.0 s behind"), (-60_000, "60.0 s ahead of")])
async def test_a_machine_that_is_too_wrong_does_not_trade(ahead: float, said: str) -> None:
    """Its market times would be nonsense. What was measured before stays."""
    bench = Bench(ahead, [(1, 1)])
    with pytest.raises(VenueClosed, match=said):
        await bench.sync()
    assert (0.0, False) == (bench.clock.offset_ms, bench.clock.is_synced)


async def test_too_slow_an_answer_is_no_measure() -> None:
    bench = Bench(0, [(900, 900)])
    with pytest.raises(TransportError, match="known to 900 ms only"):
        await bench.sync()
    assert not bench.clock.is_synced


async def test_lost_questions_are_left_out() -> None:
    """One answer is enough; without any the reason comes through."""
    bench = Bench(50, [(1, 1)])
    answers: list[Callable[[], int] | None] = [None, lambda: 0, None]

    async def probe() -> int:
        if answers.pop() is None:
            raise TransportError("lost")
        return await bench.probe()

    await bench.clock.sync(probe, probes=3)
    assert 50 == pytest.approx(bench.clock.offset_ms, abs=0.51)
    answers = [None]
    with pytest.raises(TransportError, match="lost"):
        await bench.clock.sync(probe, probes=1)


async def test_a_clock_that_is_set_meanwhile_measures_nothing() -> None:
    """An answer before its question."""
    bench = Bench(0, [(-5_000, 1)])
    with pytest.raises(TransportError, match="is being set"):
        await bench.sync()
