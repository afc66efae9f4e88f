"""What the venue is asked, when, and that the desk is told a whole statement or none."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from petrosa.core.model.account import AccountStated, AccountUnclear, StatedOrder, StatedPosition
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.events import Event
from petrosa.core.model.findings import FindingKind
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Intent, Leg, OrderFilled, OrderStatus
from petrosa.errors import DataError, OutcomeUnknown, PetrosaError, RateLimited, VenueClosed
from petrosa.runtime.reconcile import AskedOf, Reconciler
from tests.kit.trading import PERPETUAL, Session
from tests.kit.true_venue import TrueVenue

KEY = PERPETUAL.id


class Scripted:
    """A `VenueAccount` over a venue that knows the truth. `fails` are raised in turn, when wallets are asked for."""

    def __init__(self, truth: TrueVenue) -> None:
        self.truth = truth
        self.fails: list[Exception] = []
        self.asked: list[str] = []
        self.since: list[int] = []

    def _answering(self, what: str) -> None:
        self.asked.append(what)
        if self.fails and what == "balances":
            raise self.fails.pop(0)

    async def orders(self) -> Sequence[StatedOrder]:
        self._answering("orders")
        return list(self.truth.open.values())

    async def order(self, intent: Intent) -> StatedOrder | None:
        self._answering(f"order {intent.leg.value}")
        return self.truth.orders.get(intent.client_order_id)

    async def positions(self) -> Sequence[StatedPosition]:
        self._answering("positions")
        return self.truth.statement().positions

    async def balances(self) -> Mapping[str, Decimal]:
        self._answering("balances")
        return {"USDT": self.truth.wallet}

    async def fills(self, instrument: InstrumentId, since: int) -> Sequence[OrderFilled]:
        self._answering("fills")
        self.since.append(since)
        return [fill for fill in self.truth.fills if fill.ts_event >= since]


class SessionClock:
    """The session's time."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def now(self) -> int:
        return self._session.now

    async def sleep_until(self, at: int) -> None:
        raise AssertionError(f"asked to sleep until {at}")


class Bench:
    """A session, the truth, and a reconciler that tells the session at once."""

    def __init__(self) -> None:
        self.session = Session()
        self.truth = TrueVenue(self.session)
        self.venue = Scripted(self.truth)
        self.told: list[Event] = []
        self.reports: list[str] = []
        self.is_full = False
        self.reconciler = self.made()

    def made(self, every_s: float = 0.0) -> Reconciler:
        ask = AskedOf(self.session.trader.books, (KEY,))
        clock = SessionClock(self.session)
        return Reconciler(
            self.venue, ask, self.tell, clock, every_s=every_s, soon_s=0.0, backoff_s=(0.0,), report=self.reports.append
        )

    def tell(self, event: Event) -> bool:
        if self.is_full:
            return False
        self.told.append(event)
        self.session.tell(event)
        return True

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.told]

    @asynccontextmanager
    async def running(self, reconciler: Reconciler | None = None) -> AsyncIterator[Reconciler]:
        found = reconciler or self.reconciler
        task = asyncio.create_task(found.run())
        try:
            yield found
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def until(reconciler: Reconciler, stated: int) -> None:
    async with asyncio.timeout(10):
        while reconciler.stated < stated:
            await asyncio.sleep(0)


async def test_a_desk_is_unclear_until_the_first_statement(bench: Bench) -> None:
    """The doubt is told before the first question."""
    async with bench.running() as reconciler:
        await until(reconciler, 1)
    assert ["AccountUnclear", "AccountStated"] == bench.kinds()[:2]
    assert "" == bench.session.trader.closed
    assert ["orders", "positions", "balances", "fills"] == bench.venue.asked[:4]


async def test_what_is_not_listed_is_asked_for_one_by_one(bench: Bench) -> None:
    """Unanswered orders too; what is listed is not."""
    bench.truth.entered()
    bench.session.later(10)
    gone = bench.truth.stops()[0].client_order_id
    bench.truth.end(gone)
    await bench.reconciler.once("test")
    stated = bench.told[-1]
    assert isinstance(stated, AccountStated)
    assert [gone] == [answer.client_order_id for answer in stated.answers]
    assert 1 == len([what for what in bench.venue.asked if what.startswith("order ")])
    assert 2 == len(bench.session.placed(Leg.STOP))


async def test_what_the_venue_does_not_know_is_missing(bench: Bench) -> None:
    """As an order that never arrived."""
    bench.session.signal()
    bench.session.later(10)
    await bench.reconciler.once("test")
    assert OrderStatus.REJECTED is bench.session.trader.orders[0].status


async def test_trades_are_told_before_the_statement_and_not_again(bench: Bench) -> None:
    """From the last statement on, with an overlap; those that are known are left out."""
    bench.session.signal()
    bench.truth.unclear()
    entry = bench.truth.leaving()[0]
    bench.truth.take(entry)
    bench.truth.fill(entry.client_order_id)
    await bench.reconciler.once("a gap")
    bench.truth.hear_all()
    bench.session.later(300)
    await bench.reconciler.once("periodic")
    assert ["OrderFilled", "AccountStated", "AccountStated"] == bench.kinds()
    assert (bench.truth.position, "") == (bench.session.trader.held(KEY), bench.session.trader.closed)
    bench.session.later(300)
    await bench.reconciler.once("periodic")
    assert [bench.session.now - 360 * NS_PER_SECOND] == bench.venue.since[-1:]


@pytest.mark.parametrize(
    "problem",
    [OutcomeUnknown("no answer"), RateLimited("slow down", 0.0), VenueClosed("wrong key"), DataError("not JSON")],
)
async def test_a_venue_that_does_not_answer_is_asked_again(bench: Bench, problem: PetrosaError) -> None:
    """Never half a statement: until all of it is here the desk stays unclear."""
    bench.venue.fails = [problem, problem]
    async with bench.running() as reconciler:
        await until(reconciler, 1)
    assert ["AccountUnclear", "AccountStated"] == bench.kinds()[:2]
    stated = bench.told[1]
    assert isinstance(stated, AccountStated)
    assert "since the start" in stated.cause
    assert (2, 0) == (len(bench.reports), bench.reconciler.failures)


async def test_an_account_that_could_be_compared_no_more_is_unclear(bench: Bench) -> None:
    """After three failures in a row, once."""
    await bench.reconciler.once("test")
    bench.venue.fails = [OutcomeUnknown("away")] * 5
    async with bench.running() as reconciler:
        await until(reconciler, 2)
    doubts = [event.reason for event in bench.told if isinstance(event, AccountUnclear)]
    assert ["has not been compared", "has not answered 3 times"] == [
        "has not been compared" if "compared" in doubts[0] else "", doubts[1][10:34],
    ]  # fmt: skip
    assert 2 == len(doubts)


async def test_a_request_is_answered_before_the_next_is_due(bench: Bench) -> None:
    """With its cause; requests that come together are one."""
    reconciler = bench.made(every_s=3_600.0)
    async with bench.running(reconciler):
        await until(reconciler, 1)
        reconciler.request("the user stream was away")
        reconciler.request("a person asked")
        await until(reconciler, 2)
    stated = bench.told[-1]
    assert isinstance(stated, AccountStated)
    assert "the user stream was away; a person asked" == stated.cause
    assert 2 == reconciler.stated


async def test_what_was_seen_once_is_looked_at_again_soon(bench: Bench) -> None:
    """A difference may be a race: whether it is one is found out within seconds, not at the next round."""
    bench.truth.offset = Decimal(1)
    reconciler = bench.made(every_s=3_600.0)
    async with bench.running(reconciler):
        await until(reconciler, 2)
        assert [FindingKind.POSITION_DIFFERS] == [finding.kind for finding in bench.truth.findings()]
        for _ in range(20):
            await asyncio.sleep(0)
        assert 2 == reconciler.stated


async def test_an_order_without_an_answer_is_asked_about_again_soon(bench: Bench) -> None:
    """One that a dead process never sent is found out within seconds: until then nothing can be entered or closed."""
    bench.session.signal()
    reconciler = bench.made(every_s=3_600.0)
    async with bench.running(reconciler):
        await until(reconciler, 1)
        assert OrderStatus.SUBMITTED is bench.session.trader.orders[0].status
        bench.session.later(10)
        await until(reconciler, reconciler.stated + 1)
    assert OrderStatus.REJECTED is bench.session.trader.orders[0].status


async def test_nothing_is_said_of_an_order_that_may_still_arrive(bench: Bench) -> None:
    """It waits here, or is on the wire: that the venue does not know it means nothing yet."""
    bench.session.signal()
    bench.session.later(10)
    ask, clock = AskedOf(bench.session.trader.books, (KEY,)), SessionClock(bench.session)
    reconciler = Reconciler(bench.venue, ask, bench.tell, clock, may_arrive=lambda _: True)
    await reconciler.once("test")
    stated = bench.told[-1]
    assert isinstance(stated, AccountStated)
    assert () == stated.missing
    assert OrderStatus.UNKNOWN is bench.session.trader.orders[0].status


async def test_an_order_that_gets_no_answer_later_is_asked_about_soon(bench: Bench) -> None:
    """Not at the next round only: an exit that was lost leaves a position on spot without a stop for so long."""
    ask, clock = AskedOf(bench.session.trader.books, (KEY,)), SessionClock(bench.session)
    reconciler = Reconciler(bench.venue, ask, bench.tell, clock, every_s=3_600.0, soon_s=0.01)
    async with bench.running(reconciler):
        await until(reconciler, 1)
        bench.session.signal()
        bench.session.later(10)
        await until(reconciler, 2)
    assert OrderStatus.REJECTED is bench.session.trader.orders[0].status


async def test_a_desk_that_takes_nothing_is_told_nothing_more(bench: Bench) -> None:
    """It halts by itself; a statement without its trades would be wrong."""
    bench.truth.unclear()
    bench.truth.trade("web_1", Side.BUY, Decimal(1))
    bench.is_full = True
    await bench.reconciler.once("test")
    assert (0, []) == (bench.reconciler.stated, bench.told)
