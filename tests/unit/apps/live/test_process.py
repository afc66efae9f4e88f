"""A live desk begins at the time at which its journal ended, and knows what the venue holds before anything else."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.apps import settings
from petrosa.apps.journaling import open_journal, run_file
from petrosa.apps.live.process import LiveProcess
from petrosa.apps.live.venue import topic
from petrosa.apps.wiring import build_trading
from petrosa.core.model.account import AccountStated
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.commands import Flatten, PauseEntries
from petrosa.core.model.events import Event, Halted, SignalReceived
from petrosa.core.model.market import BestQuote, FeedState, FeedStateChanged, instrument_id
from petrosa.core.model.orders import Approved, Liquidity, OrderFilled, Place, Reducing
from petrosa.errors import ConfigError, StorageError
from petrosa.runtime.inbox import TOLD_MAX
from petrosa.runtime.supervise import OnFailure
from petrosa.surfaces.kill_switch import Latch, Level, events_of
from tests.kit.disks import FullDisk
from tests.kit.instruments import instrument
from tests.kit.trading import signal

ACCOUNT = "paper"
HOUR = 3_600 * NS_PER_SECOND
Step = Callable[[], Coroutine[Any, Any, None]]


class Venue:
    """Takes orders, and answers nothing by itself."""

    def __init__(self) -> None:
        self.sent: list[Approved | Reducing] = []

    @property
    def gateway(self) -> "Venue":
        return self

    def submit(self, order: Approved | Reducing, now: int) -> None:
        self.sent.append(order)

    def settled(self) -> bool:
        return True

    async def drain(self) -> None:
        """Nothing is under way."""


class Desk:
    """A process on a folder, which runs until it is stopped."""

    def __init__(self, home: Path, *symbols: str, sets: tuple[str, ...] = ()) -> None:
        names = symbols or ("BTCUSDT",)
        loaded = settings.load(sets=["journal.tape=false", "http.enabled=false", *sets], environ={}, home=str(home))
        rules = [instrument(symbol=name, market="usdm") for name in names]
        parts = build_trading(loaded, {one.id: one for one in rules})
        self.said: list[str] = []
        self.latch = Latch()
        self.venue = Venue()
        folder = home / "journal"
        self.process = LiveProcess(
            loaded, parts, folder=folder, run_file=run_file(folder, "live"), topic_of=topic, crash=None,
            latch=self.latch, also=(self.latch.fold,),
        )  # fmt: skip

    def __enter__(self) -> "Desk":
        try:
            self.process.resume(self.said.append)
        except BaseException:
            self.process.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.close()

    async def live(self, *work: Step) -> None:
        """Run with these beside it, in this order, and stop in order after them."""

        async def beside() -> None:
            for one in work:
                await one()
            self.process.loop.stop("the test is over")

        await asyncio.wait_for(self.process.run(self.venue, [("test", beside, OnFailure.HALT)], self.said.append), 10.0)

    def tells(self, *events: Event) -> Step:
        async def tell() -> None:
            for event in events:
                self.process.tell(event)

        return tell

    async def settles(self) -> None:
        """Let the desk turn what it was told."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def stated(self) -> None:
        """The venue states that it holds nothing but money."""
        now = self.process.clock.now()
        self.process.tell(AccountStated(ACCOUNT, "a test", (), (), (), (), {"USDT": Decimal(10_000)}, now, now))
        await self.settles()

    async def enters(self, symbol: str = "BTCUSDT") -> None:
        """A signal for a market that is quoted: an order leaves."""
        now, key = self.process.clock.now(), instrument_id("binance", "usdm", symbol)
        self.process.turns.market(BestQuote(key, now, now, 1, 99.9, 50.0, 100.1, 50.0), now)
        opinion = signal(at=now, symbol=symbol, stop_loss=95.0, take_profit=110.0)
        self.process.tell(SignalReceived(opinion))
        await self.settles()
        assert self.venue.sent, [turn.decisions for turn in JournalReader(self.process.journal.folder).turns()][-1]

    async def filled(self) -> None:
        """The venue says twice that the order is filled."""
        now, intent = self.process.clock.now(), self.venue.sent[0].intent
        place = intent.action
        assert isinstance(place, Place)
        fill = OrderFilled(
            ACCOUNT, intent.instrument, intent.client_order_id, "1", Side.BUY, place.quantity, Decimal("100.1"),
            Decimal(0), "USDT", Liquidity.TAKER, now, now,
        )  # fmt: skip
        self.process.tell(fill)
        self.process.tell(fill)
        await self.settles()

    async def is_cut(self) -> None:
        """The process is gone in the middle of something."""
        raise MemoryError

    @property
    def events(self) -> list[Event]:
        return [turn.event for turn in JournalReader(self.process.journal.folder).turns() if turn.event is not None]

    @property
    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


async def cut(desk: Desk, *work: Step) -> None:
    """A desk that does this, and then is no more."""
    with desk, pytest.raises(MemoryError):
        await desk.live(*work, desk.is_cut)


async def test_nothing_that_was_due_happens_before_the_venue_has_spoken(tmp_path: Path) -> None:
    """An hour later the answer to an order is long overdue: it is not called unknown, nor is anything else done, until
    the venue has stated what it has."""
    first = Desk(tmp_path)
    await cut(first, first.stated, first.enters)
    before = len(first.kinds)
    with Desk(tmp_path) as second:
        second.process.clock.reached(second.process.clock.now() + HOUR)
        await second.live(second.settles, second.stated)
        kinds = second.kinds[before:]
    assert ["Started", "AccountUnclear", "RulesStated", "AccountStated", "TimerDue"] == kinds[:5]


async def test_a_desk_that_never_heard_its_venue_ends_in_order(tmp_path: Path) -> None:
    """Asked to stop while it waits, it says so in its journal with a checkpoint; nothing that was due has happened."""
    first = Desk(tmp_path)
    await cut(first, first.stated, first.enters)
    before = len(first.kinds)
    with Desk(tmp_path) as second:
        second.process.clock.reached(second.process.clock.now() + HOUR)
        await second.live(second.settles)
        assert ["Started", "AccountUnclear", "RulesStated", "Shutdown"] == second.kinds[before:]
        assert 1 == len(second.venue.sent), "the entry that may rest is cancelled"
    with Desk(tmp_path) as third:
        assert any("and 0 turns after it" in line for line in third.said)


async def test_what_only_stops_goes_before_the_statement_and_the_rest_after_it(tmp_path: Path) -> None:
    """A pause is never too early. To close what the venue may not hold any more is, and so is a signal."""
    with Desk(tmp_path) as desk:
        told = (Flatten("f", "ana", "x"), SignalReceived(signal()), PauseEntries("p", "ana", "x"), Halted("y"))
        await desk.live(desk.tells(*told), desk.settles, desk.stated)
        kinds = desk.kinds[3:]
    assert ["PauseEntries", "Halted", "AccountStated", "Flatten", "SignalReceived", "Shutdown"] == kinds


async def test_a_full_disk_ends_a_desk_that_still_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the remedy, and nothing leaves."""
    small = partial(open_journal, opener=lambda path: FullDisk(path, 60_000))
    monkeypatch.setattr("petrosa.apps.live.process.open_journal", small)
    news = [PauseEntries(f"p{number}", "ana", "x" * 400) for number in range(200)]
    with Desk(tmp_path) as desk, pytest.raises(StorageError, match="nothing leaves any more"):
        await desk.live(desk.tells(*news), desk.settles)
    assert [] == desk.venue.sent


async def test_an_inbox_that_is_full_halts_the_desk(tmp_path: Path) -> None:
    """Whoever tells hears that it was not taken; there is no entry after it."""
    with Desk(tmp_path) as desk:
        taken: list[bool] = []

        async def floods() -> None:
            key = instrument_id("binance", "usdm", "BTCUSDT")
            news = FeedStateChanged(key, 0, 0, "trade", FeedState.LIVE, "x")
            taken.extend(desk.process.tell(news) for _ in range(TOLD_MAX + 1))

        await desk.live(desk.stated, floods)
        assert (TOLD_MAX, 1) == (taken.count(True), taken.count(False))
        assert 1 == desk.kinds.count("Halted")


async def test_the_latch_is_kept_by_a_checkpoint(tmp_path: Path) -> None:
    """A desk that was stopped in order has no turns to take in again, and is as latched as it was, by the same."""
    with Desk(tmp_path) as first:
        latched = events_of(Level.CANCEL_OPENS, "c", "trigger:feed", "no market data for 61 s")
        await first.live(first.stated, first.tells(*latched), first.settles)
    with Desk(tmp_path) as second:
        assert first.latch.engagements == second.latch.engagements
        assert ("trigger:feed", Level.CANCEL_OPENS) == (second.latch.engagements[0].actor, second.latch.level)


async def test_a_trade_that_is_told_twice_counts_once(tmp_path: Path) -> None:
    """By the venue's answer and by its stream; the second is no turn, so that nobody who reads turns counts it."""
    with Desk(tmp_path) as desk:
        await desk.live(desk.stated, desk.enters, desk.filled)
        assert (1, 1) == (desk.process.tally.fills, desk.process.model.fills)
        assert 1 == desk.kinds.count("OrderFilled")


async def test_decisions_of_then_stand_under_the_settings_of_now(tmp_path: Path) -> None:
    """An entry that today's limits would refuse was made: the desk starts, and guards what came of it."""
    first = Desk(tmp_path)
    await cut(first, first.stated, first.enters, first.filled)
    with Desk(tmp_path, sets=("risk.enabled=false", "risk.max_position_fraction=0.0001")) as second:
        trader = second.process.parts.trader
        assert first.process.parts.trader.positions == trader.positions
        assert [order.client_order_id for order in first.process.parts.trader.orders] == [
            order.client_order_id for order in trader.orders
        ]


@pytest.mark.parametrize("how", ["held", "crashed", "flat"])
async def test_a_symbol_that_is_left_out_is_not_forgotten(tmp_path: Path, how: str) -> None:
    """With anything open there, or with a journal that was cut, the desk refuses to start without it, and says how it
    may; a journal that ended in order with nothing open there is gone on from."""
    first = Desk(tmp_path, "BTCUSDT", "ETHUSDT")
    if how == "crashed":
        await cut(first, first.stated)
    else:
        with first:
            await first.live(first.stated, *([partial(first.enters, "ETHUSDT"), first.filled] if how == "held" else []))
    if how == "flat":
        with Desk(tmp_path) as second:
            await second.live(second.stated)
        return
    with pytest.raises(ConfigError, match=r"start with ETHUSDT in feed\.symbols too") as refused, Desk(tmp_path):
        raise AssertionError("it must not start")
    assert ("open position" in str(refused.value)) is (how == "held")
    with Desk(tmp_path, "BTCUSDT", "ETHUSDT", "SOLUSDT") as more:
        await more.live(more.stated)


async def test_time_goes_on_where_a_clock_was_set_back(tmp_path: Path) -> None:
    """The journal ends in an hour that has not come again: timers are counted from there, and it is said."""
    with Desk(tmp_path) as first:
        first.process.clock.reached(first.process.clock.now() + HOUR)
        await first.live(first.stated)
        ended = first.process.turns.now
    with Desk(tmp_path) as second:
        assert any("set back" in line for line in second.said)
        assert second.process.clock.now() >= ended
        await second.live(second.stated)
        assert second.process.turns.now > ended
