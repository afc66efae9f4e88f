"""A trigger latches the kill switch once, by its name and with its figures, and again only after its cause was gone."""

from petrosa.apps.live.triggers import Lasting, PerMinute, Trigger, Triggers
from petrosa.surfaces.kill_switch import KillAnswer, KillState, Latch, Level, NoDesk, events_of


class Switch:
    """Latches at once, as a desk would."""

    def __init__(self, *, over: bool = False) -> None:
        self.latch = Latch()
        self.engaged: list[tuple[Level, str, str]] = []
        self.over = over

    async def engage(self, level: Level, actor: str, reason: str) -> KillAnswer:
        if self.over:
            raise NoDesk("it has ended")
        self.engaged.append((level, actor, reason))
        for event in events_of(level, "id", actor, reason):
            self.latch.fold(1, 1, event, ())
        state = KillState(engaged=True, level=level, engagements=(), waiting=(), file="", closed_because="")
        return KillAnswer(status="done", sequence=1, state=state)


class Value:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def clock(value: Value, limit: float = 100.0) -> Trigger:
    return Trigger("clock", Level.PAUSE_ENTRIES, value, limit, "the clock is {0:g} ms off, limit {1:g} ms")


async def test_a_cause_stops_the_desk_once() -> None:
    """However often it is looked at, and with what was seen in the reason."""
    value, switch = Value(), Switch()
    triggers = Triggers([clock(value)], switch)
    await triggers.look()
    value.now = 150.0
    await triggers.look()
    await triggers.look()
    assert [(Level.PAUSE_ENTRIES, "trigger:clock", "the clock is 150 ms off, limit 100 ms")] == switch.engaged


async def test_a_cause_that_comes_back_stops_it_again() -> None:
    """A person may have opened the switch in between."""
    value, switch = Value(), Switch()
    triggers = Triggers([clock(value)], switch)
    for value.now in (150.0, 0.0):
        await triggers.look()
    switch.latch = Latch()
    value.now = 200.0
    await triggers.look()
    assert 2 == len(switch.engaged)


async def test_a_level_that_holds_already_is_not_latched_again() -> None:
    """And one whose limit is 0 is off; one of a desk that has ended is of no matter."""
    value, switch = Value(), Switch()
    value.now = 150.0
    for event in events_of(Level.FLATTEN, "id", "me", "because"):
        switch.latch.fold(1, 1, event, ())
    await Triggers([clock(value)], switch).look()
    await Triggers([clock(value, 0.0)], Switch()).look()
    assert [] == switch.engaged
    await Triggers([clock(value)], Switch(over=True)).look()


def test_a_rate_looks_back_a_minute() -> None:
    """What is older does not count."""
    time, count = Value(), Value()
    rate = PerMinute(lambda: int(count()), time)
    seen = []
    for time.now, count.now in ((1.0, 5.0), (30.0, 8.0), (62.0, 8.0), (95.0, 9.0)):
        seen.append(rate())
    assert [5.0, 8.0, 3.0, 1.0] == seen


def test_how_long_something_lasts_is_counted_from_when_it_was_seen_first() -> None:
    """And from anew when it was gone in between."""
    time, so = Value(), Value()
    lasting = Lasting(lambda: so() > 0, time)
    seen = []
    for time.now, so.now in ((1.0, 0.0), (2.0, 1.0), (5.0, 1.0), (6.0, 0.0), (7.0, 1.0), (7.5, 1.0)):
        seen.append(lasting())
    assert [0.0, 0.0, 3.0, 0.0, 0.0, 0.5] == seen
