"""The ledger lets go what fits, keeps a part for what is urgent, and believes the venue's count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.net.rate_limit import ORDERS, REQUESTS, WEIGHT, Ledger, Limit, Taken, Use
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.errors import InvariantError, RateLimited

MINUTE = 60 * NS_PER_SECOND
LIMITS = (Limit(WEIGHT, 1, "MINUTE", 100), Limit(ORDERS, 10, "SECOND", 10), Limit(ORDERS, 1, "DAY", 1_000))


class Bench:
    """A ledger and the venue's clock, at the beginning of a minute and of a day."""

    def __init__(self, limits: tuple[Limit, ...] = LIMITS) -> None:
        self.now = 20_000 * 86_400 * NS_PER_SECOND
        self.ledger = Ledger(limits, lambda: self.now)

    def wait(self, seconds: float) -> None:
        self.now += round(seconds * NS_PER_SECOND)

    def used(self, window: str = "1M") -> int:
        return {one.window: one.used for one in self.ledger.uses()}[window]

    def answered(self, weight: int = 1, orders: int = 0, **headers: str) -> None:
        taken = self.ledger.take(weight, orders)
        self.ledger.settle(taken, {f"X-MBX-{name.replace('_', '-')}": value for name, value in headers.items()})

    def refusal(self, weight: int = 1, orders: int = 0, *, urgent: bool = False) -> RateLimited:
        with pytest.raises(RateLimited) as refused:
            self.ledger.take(weight, orders, urgent=urgent)
        return refused.value


def test_what_does_not_fit_is_told_how_long_to_wait() -> None:
    """Until the window turns by the venue's clock; nothing of the refused is counted."""
    bench = Bench()
    bench.wait(20)
    bench.answered(80)
    assert 40.0 == bench.refusal().retry_after_s
    assert 80 == bench.used()
    bench.wait(39.999)
    bench.refusal()
    bench.wait(0.001)
    bench.ledger.take(80)


def test_a_fifth_is_kept_for_what_is_urgent() -> None:
    """Others stop at 80 of 100, urgent ones at 100; the same for orders."""
    bench = Bench()
    bench.ledger.take(80, 8)
    assert "80 used and 1 more > 80 for what is not urgent" in str(bench.refusal())
    assert "8 used and 1 more > 8" in str(bench.refusal(0, 1))
    bench.ledger.take(20, 2, urgent=True)
    assert "100 used and 1 more > 100;" in str(bench.refusal(urgent=True))
    assert Use(WEIGHT, "1M", 100, 100, 20) == bench.ledger.uses()[0]


def test_each_kind_is_counted_in_its_own_windows() -> None:
    """Ten seconds give orders back, the day does not; weight is of the minute. What costs nothing always fits."""
    bench = Bench()
    bench.answered(0, 8)
    bench.wait(10)
    assert (0, 8) == (bench.used("10S"), bench.used("1D"))
    bench.answered(80)
    bench.ledger.take(0)
    bench.ledger.take(0, 1)


def test_the_venues_count_wins() -> None:
    """Others use the same address: its number counts, up or down, with what is on its way on top."""
    bench = Bench()
    bench.answered(5, USED_WEIGHT_1M="70")
    assert 70 == bench.used()
    bench.ledger.take(4)
    bench.answered(5, USED_WEIGHT_1M="60")
    assert 64 == bench.used()
    bench.answered(0, 3, ORDER_COUNT_10S="1", ORDER_COUNT_1D="500")
    assert (1, 500) == (bench.used("10S"), bench.used("1D"))


def test_an_overtaken_answer_does_not_lower_the_count() -> None:
    bench = Bench()
    first, second = bench.ledger.take(5), bench.ledger.take(5)
    bench.ledger.settle(second, {"x-mbx-used-weight-1m": "30"})
    bench.ledger.settle(first, {"x-mbx-used-weight-1m": "25"})
    assert 30 == bench.used()


@pytest.mark.parametrize("count", ["", "-1", "many", "1e3", "9" * 400, "٣"])
def test_without_a_count_our_own_is_kept(count: str) -> None:
    """A request that was never answered, or not with a number, has cost what it costs."""
    bench = Bench()
    bench.answered(7, USED_WEIGHT_1M=count)
    bench.ledger.settle(bench.ledger.take(3))
    assert 10 == bench.used()


def test_a_count_from_across_the_minute_is_not_believed() -> None:
    """The answer's number may be the old minute's; the request is counted in the new one."""
    bench = Bench()
    bench.wait(59.9)
    taken = bench.ledger.take(5)
    bench.wait(0.2)
    assert 5 == bench.used()
    bench.ledger.settle(taken, {"X-MBX-USED-WEIGHT-1M": "99"})
    assert 5 == bench.used()


def test_a_pause_stops_everything_until_its_end() -> None:
    """429: urgent ones too, because going on brings the ban. A shorter pause does not shorten a longer one."""
    bench = Bench()
    bench.ledger.stop(7)
    bench.ledger.stop(2)
    refused = bench.refusal(urgent=True)
    assert (7.0, False) == (refused.retry_after_s, refused.is_ban)
    bench.wait(7)
    bench.ledger.take(1)


def test_a_ban_says_that_it_is_one() -> None:
    """418, and until when; after it everything goes on."""
    bench = Bench()
    bench.ledger.stop(120, is_ban=True)
    assert bench.now + 2 * MINUTE == bench.ledger.banned_until
    bench.wait(100)
    refused = bench.refusal(urgent=True)
    assert (20.0, True) == (refused.retry_after_s, refused.is_ban)
    bench.wait(20)
    bench.ledger.take(1)


def test_too_many_orders_stop_orders_only() -> None:
    """Cancels and questions go on."""
    bench = Bench()
    bench.ledger.stop(10, orders_only=True)
    bench.refusal(0, 1, urgent=True)
    bench.ledger.take(1)


def test_limits_are_learned_and_counts_stay() -> None:
    """A smaller limit of the venue holds at once; windows that it does not state are forgotten."""
    bench = Bench()
    bench.answered(30)
    bench.ledger.learn((Limit(WEIGHT, 1, "MINUTE", 40), Limit(REQUESTS, 5, "MINUTE", 10)))
    assert [(WEIGHT, 30, 40), (REQUESTS, 0, 10)] == [(one.kind, one.used, one.limit) for one in bench.ledger.uses()]
    bench.refusal(3)
    bench.answered(2)
    assert 1 == bench.used("5M")


def test_what_can_never_fit_is_our_own_mistake() -> None:
    """Waiting would be for ever."""
    with pytest.raises(InvariantError, match="can never fit into 80"):
        Bench().ledger.take(81)
    with pytest.raises(InvariantError, match="from 0 to below 1"):
        Ledger(LIMITS, lambda: 0, reserved=1.0)


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.booleans(), st.floats(0, 30)), max_size=60))
def test_no_minute_is_ever_overdrawn(steps: list[tuple[int, bool, bool, float]]) -> None:
    """Whatever is asked, answered or not: no more than the limit in a minute, and without urgency not the reserve."""
    bench = Bench((Limit(WEIGHT, 1, "MINUTE", 100),))
    minute, total, calm = 0, 0, 0
    waiting: list[Taken] = []
    for weight, urgent, answered, pause in steps:
        bench.wait(pause)
        if bench.now // MINUTE != minute:
            minute, total, calm = bench.now // MINUTE, 0, 0
        try:
            waiting.append(bench.ledger.take(weight, urgent=urgent))
        except RateLimited:
            continue
        total, calm = total + weight, calm + (0 if urgent else weight)
        assert total <= 100
        assert calm <= 80
        if answered:
            bench.ledger.settle(waiting.pop(0))
    for taken in waiting:
        bench.ledger.settle(taken)
