"""A desk is told of a change through its inbox, and what it says of it comes from its journal's turn."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.apps.configuration.desk import TOLD_MAX, DeskApplying, answer_of, differences
from petrosa.apps.settings import Settings, load
from petrosa.apps.wiring import build_markets, build_strategist
from petrosa.core.desk import Desk
from petrosa.core.model.commands import Configure
from petrosa.core.model.events import Alarm
from petrosa.core.strategist import Strategist
from petrosa.core.turns import Turns
from petrosa.runtime.clocks import VirtualClock
from petrosa.runtime.inbox import Heard, VirtualInbox
from petrosa.runtime.loop import Loop
from petrosa.runtime.observed import Observed
from petrosa.surfaces.configuration import Applied
from tests.kit.toys import INSTRUMENT, PROVENANCE, RUN, market

SKEW = "orderbook_skew"
INSTRUMENTS = {INSTRUMENT.id: INSTRUMENT}


def settings(*sets: str) -> Settings:
    return load(sets=sets, environ={}, home="unused")


class Running:
    """A desk with strategies whose market is open until `end`; `hold` keeps it from turning what it is told."""

    def __init__(self, folder: Path) -> None:
        self.applying = DeskApplying()
        self.more = asyncio.Event()
        markets = build_markets(INSTRUMENTS)
        self.strategist: Strategist = build_strategist(settings(), INSTRUMENTS, markets)
        self.journal = JournalWriter(folder, PROVENANCE, RUN)
        record = self.journal.record

        def recorded(*turn: object) -> None:
            record(*turn)  # type: ignore[arg-type]
            self.applying.record(*turn)  # type: ignore[arg-type]

        self.turns = Turns(Desk(markets, self.strategist), recorded, lambda _order, _now: None)
        self.inbox = VirtualInbox(self._batches(), VirtualClock(), Observed())
        self.loop = Loop(self.turns, self.inbox, VirtualClock(), self.journal, lambda: b"{}", Observed())
        self.applying.attach(self.loop, self.strategist, INSTRUMENTS)

    async def _batches(self) -> AsyncIterator[Sequence[Heard]]:
        yield market(3)
        await self.more.wait()

    async def apply(self, command_id: str, *sets: str) -> Applied:
        return await self.applying.apply(
            settings(*sets), SKEW, version=7, actor="alice", reason="why", command_id=command_id
        )


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    made = Running(tmp_path)
    turning = asyncio.create_task(made.loop.run())
    while made.turns.sequence < 3:
        await asyncio.sleep(0)
    yield made
    made.more.set()
    made.inbox.close()
    await turning
    made.journal.close()


async def test_a_change_is_turned_while_no_market_comes(running: Running) -> None:
    """The answer names the turn and what the change did, and the turn was on disk before the answer."""
    synced = running.journal.syncs
    applied = await running.apply("c-1", f"{SKEW}.buy_threshold=1.3")
    assert Applied("applied", 4, {str(INSTRUMENT.id): "kept state"}) == applied
    assert synced + 1 == running.journal.syncs
    assert 1.3 == running.strategist.parameters(SKEW)[0].parameters["buy_threshold"]


async def test_what_a_desk_has_is_not_told_again(running: Running) -> None:
    """No command, no turn."""
    assert ("applied", None) == ((one := await running.apply("c-1")).state, one.sequence)
    await running.apply("c-2", f"{SKEW}.buy_threshold=1.3")
    before = running.turns.sequence
    assert "applied" == (await running.apply("c-3", f"{SKEW}.buy_threshold=1.3")).state
    assert before == running.turns.sequence


def test_what_a_desk_says_against_it_is_the_answer() -> None:
    """Its own words come back, with the turn that says them; a desk without strategies says nothing at all."""
    said = Alarm("configuration_refused", "buy_threshold 0.1 must be above sell_threshold 0.8")
    assert Applied("refused", 9, detail=said.message) == answer_of(9, (said,))
    assert Applied("refused", 9, detail="this desk has nothing that goes by these parameters") == answer_of(9, ())


@pytest.fixture
def still(tmp_path: Path) -> Iterator[Running]:
    """A desk whose loop does not run."""
    made = Running(tmp_path)
    yield made
    made.journal.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("petrosa.apps.configuration.desk.ANSWER_S", 0.0)


@pytest.mark.usefixtures("impatient")
async def test_a_desk_that_does_not_answer_is_waited_for_later(still: Running) -> None:
    """The change is pending, is not told twice under its id, and its turn is known when it is asked for again."""
    assert "pending" == (await still.apply("c-1", f"{SKEW}.buy_threshold=1.3")).state
    assert "pending" == (await still.apply("c-1", f"{SKEW}.buy_threshold=1.3")).state
    taken = await still.inbox.take(0)
    assert taken is not None
    assert ["c-1"] == [event.command_id for event in taken.told if isinstance(event, Configure)]
    still.journal.rotate(0, 0, b"{}")
    still.turns.other(taken.told[0], 0)
    assert ("applied", 1) == ((one := await still.apply("c-1", f"{SKEW}.buy_threshold=1.3")).state, one.sequence)


@pytest.mark.usefixtures("impatient")
async def test_taking_back_what_was_not_turned_yet_is_told_too(still: Running) -> None:
    """What is on its way would else be in force against what is stored."""
    await still.apply("c-1", f"{SKEW}.buy_threshold=1.3")
    await still.apply("c-2")
    taken = await still.inbox.take(0)
    assert taken is not None
    assert ["c-1", "c-2"] == [event.command_id for event in taken.told if isinstance(event, Configure)]


@pytest.mark.usefixtures("impatient")
async def test_those_who_wait_are_bounded(still: Running) -> None:
    """One more than there may be is pending at once and not told."""
    for number in range(TOLD_MAX + 1):
        last = await still.apply(f"c-{number}", f"{SKEW}.buy_threshold={1.3 + number / 1000}")
    assert last.detail.startswith(f"{TOLD_MAX} changes wait")
    taken = await still.inbox.take(0)
    assert taken is not None
    assert TOLD_MAX == len(taken.told)


@pytest.mark.usefixtures("impatient")
async def test_changes_that_later_ones_overtook_are_not_waited_for_for_ever(still: Running) -> None:
    """Nobody asks for their answers any more; once they are turned there is room again."""
    for number in range(TOLD_MAX):
        await still.apply(f"c-{number}", f"{SKEW}.buy_threshold={1.3 + number / 1000}")
    taken = await still.inbox.take(0)
    assert taken is not None
    still.journal.rotate(0, 0, b"{}")
    for event in taken.told:
        still.turns.other(event, 0)
    await still.apply("c-new", f"{SKEW}.buy_threshold=1.9")
    taken = await still.inbox.take(0)
    assert taken is not None
    assert ["c-new"] == [event.command_id for event in taken.told if isinstance(event, Configure)]


async def test_nobody_waits_for_a_desk_that_has_ended(still: Running) -> None:
    """Whoever waits is told at once, and so is whoever comes later."""
    waiting = asyncio.create_task(still.apply("c-1", f"{SKEW}.buy_threshold=1.3"))
    await asyncio.sleep(0)
    still.applying.detach()
    assert "no_desk" == (await waiting).state
    assert "no_desk" == (await still.apply("c-2")).state


def test_a_desk_that_goes_on_is_told_what_differs() -> None:
    """Only strategies of which something differs; after it nothing does."""
    markets = build_markets(INSTRUMENTS)
    strategist = build_strategist(settings(), INSTRUMENTS, markets)
    wanted = settings("trade_momentum.enabled=false")
    told = differences(wanted, strategist, INSTRUMENTS, 17)
    assert [("start-17-trade_momentum", "trade_momentum")] == [(one.command_id, one.strategy_id) for one in told]
    for command in told:
        strategist.configure(command)
    assert [] == differences(wanted, strategist, INSTRUMENTS, 18)
