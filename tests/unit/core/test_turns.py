"""The order in which things happen."""

from collections.abc import Sequence

import pytest

from petrosa.core.model.base import NEVER, Side
from petrosa.core.model.events import CancelTimer, Decision, Event, SetTimer, Started, TimerDue
from petrosa.core.model.market import MarketEvent, Trade, instrument_id
from petrosa.core.model.orders import AccountEvent, Approved, OrderAccepted, Reducing
from petrosa.core.turns import Turns

BTC = instrument_id("binance", "usdm", "BTCUSDT")


def trade(trade_id: int) -> Trade:
    return Trade(BTC, 0, 0, 100.0, 1.0, Side.BUY, trade_id)


def accepted(name: str) -> OrderAccepted:
    return OrderAccepted("paper", BTC, name, name, 0, 0)


class Script:
    """A desk that answers an event with what the script says, and remembers what it was told and when."""

    def __init__(self, answers: dict[Event, Sequence[Decision]] | None = None) -> None:
        self.answers = answers or {}
        self.told: list[tuple[int, Event]] = []

    def handle(self, event: Event, now: int) -> Sequence[Decision]:
        self.told.append((now, event))
        return self.answers.get(event, ())


class Answers:
    """A venue with a queue of (due, answer)."""

    def __init__(self, *queue: tuple[int, AccountEvent]) -> None:
        self.queue = list(queue)
        self.seen: list[tuple[int, MarketEvent]] = []

    def submit(self, order: Approved | Reducing, now: int) -> None:
        raise AssertionError("nothing is sent in these tests")

    def on_market(self, event: MarketEvent, now: int) -> None:
        self.seen.append((now, event))

    def next_due(self) -> int:
        return self.queue[0][0] if self.queue else NEVER

    def pop_due(self) -> AccountEvent:
        return self.queue.pop(0)[1]


def turns(desk: Script, venue: Answers | None = None) -> tuple[Turns, list[tuple[int, int, Event]]]:
    records: list[tuple[int, int, Event]] = []
    return Turns(desk, lambda s, n, e, _: records.append((s, n, e)), lambda *_: None, venue), records


def test_a_timer_fires_at_its_time_before_the_market_event_after_it() -> None:
    """A timer due at 15 is turned at 15, before the market event of 20."""
    desk = Script({trade(1): (SetTimer("t", 15),)})
    turning, _ = turns(desk)
    turning.market(trade(1), 10)
    turning.market(trade(2), 20)
    assert [(10, trade(1)), (15, TimerDue("t", 15)), (20, trade(2))] == desk.told


def test_a_timer_due_at_the_time_of_a_market_event_fires_first() -> None:
    """At the same instant a timer comes before the market."""
    desk = Script({trade(1): (SetTimer("t", 20),)})
    turning, _ = turns(desk)
    turning.market(trade(1), 10)
    turning.market(trade(2), 20)
    assert [trade(1), TimerDue("t", 20), trade(2)] == [event for _, event in desk.told]


def test_at_one_instant_the_venue_answers_before_the_timer() -> None:
    """Order is (due time, kind, sequence), and answers are the first kind."""
    desk = Script({trade(1): (SetTimer("t", 15),)})
    turning, _ = turns(desk, Answers((15, accepted("a")), (15, accepted("b")), (16, accepted("c"))))
    turning.market(trade(1), 10)
    turning.advance(17)
    expected = [(10, trade(1)), (15, accepted("a")), (15, accepted("b")), (15, TimerDue("t", 15)), (16, accepted("c"))]
    assert expected == desk.told


def test_a_replaced_timer_fires_once_and_a_cancelled_one_never() -> None:
    """Setting a timer again moves it; cancelling it removes it."""
    desk = Script({
        trade(1): (SetTimer("moved", 15), SetTimer("gone", 15)),
        trade(2): (SetTimer("moved", 25), CancelTimer("gone")),
    })  # fmt: skip
    turning, _ = turns(desk)
    turning.market(trade(1), 10)
    turning.market(trade(2), 12)
    turning.advance(30)
    assert [TimerDue("moved", 25)] == [event for _, event in desk.told if isinstance(event, TimerDue)]


def test_time_never_runs_backwards() -> None:
    """An event that claims an earlier time is turned at the time already reached."""
    desk = Script()
    turning, _ = turns(desk, Answers())
    turning.market(trade(1), 20)
    turning.market(trade(2), 10)
    assert [20, 20] == [now for now, _ in desk.told]


def test_a_batch_is_turned_as_its_events_are_one_by_one() -> None:
    """Timers, answers, times and numbers of a batch are those of the same events told one after the other."""
    heard = [(10, trade(1)), (20, trade(2)), (18, trade(3)), (40, trade(4))]

    def told(*, at_once: bool) -> tuple[list[tuple[int, Event]], list[tuple[int, int, Event]], int]:
        desk = Script({trade(1): (SetTimer("t", 15),), trade(3): (SetTimer("u", 30),)})
        turning, records = turns(desk, Answers((12, accepted("a")), (30, accepted("b"))))
        for batch in [heard] if at_once else [[item] for item in heard]:
            turning.markets(batch, lambda: None)
        return desk.told, records, turning.sequence

    assert told(at_once=False) == told(at_once=True)


def test_a_batch_stops_for_a_moment_after_each_turn_that_may_have_been_recorded() -> None:
    """`between` is called before the first event, and before the one after a decision, a timer or an answer."""
    desk = Script({trade(2): (SetTimer("t", 35),)})
    turning, records = turns(desk)
    seen: list[tuple[int, int]] = []
    batch = [(10 * number, trade(number)) for number in range(1, 7)]
    turning.markets(batch, lambda: seen.append((turning.sequence, len(records))))
    assert [(0, 0), (2, 1), (5, 2)] == seen


def test_every_turn_has_a_number_and_a_market_fact_without_consequence_is_not_recorded() -> None:
    """Sequence numbers count all turns; the recording or tape holds the market."""
    desk = Script({trade(2): (SetTimer("t", 30),)})
    turning, records = turns(desk)
    turning.other(Started("test"), 5)
    turning.market(trade(1), 10)
    turning.market(trade(2), 20)
    assert [(1, 5, Started("test")), (3, 20, trade(2))] == records


def test_a_desk_goes_on_from_a_snapshot_as_if_it_had_never_stopped() -> None:
    """Sequence, time and timers survive; the order of timers due together does too."""
    desk = Script({trade(1): (SetTimer("b", 15), SetTimer("a", 15), SetTimer("x", 14), CancelTimer("x"))})
    first, _ = turns(desk)
    first.market(trade(1), 10)
    again = Script()
    second, records = turns(again)
    second.restore(first.snapshot())
    second.market(trade(2), 20)
    assert [(2, 15, TimerDue("b", 15)), (3, 15, TimerDue("a", 15))] == records
    assert 4 == second.sequence
    assert second.next_due() == NEVER


@pytest.mark.parametrize("now", [10, 11])
def test_the_venue_learns_a_market_fact_before_the_desk_decides_on_it(now: int) -> None:
    """What the venue matched against an event can be heard from that event on, not before."""
    venue = Answers()
    desk = Script()
    turning, _ = turns(desk, venue)
    turning.market(trade(1), now)
    assert [(now, trade(1))] == venue.seen == desk.told
