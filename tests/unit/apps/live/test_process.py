"""A live desk begins at the time at which its journal ended, and knows what the venue holds before anything else."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.apps import settings
from petrosa.apps.journaling import run_file
from petrosa.apps.live.process import LiveProcess
from petrosa.apps.live.venue import topic
from petrosa.apps.wiring import build_trading
from petrosa.core.model.account import AccountStated
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.commands import CancelEntries, Flatten, PauseEntries
from petrosa.core.model.events import Event, SetTimer, SignalReceived, TimerDue
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.orders import Approved, OrderFilled, Reducing
from petrosa.errors import ConfigError, JournalError, StorageError
from petrosa.runtime.supervise import OnFailure
from petrosa.surfaces.kill_switch import Latch, Level, events_of
from tests.kit.disks import FullDisk
from tests.kit.instruments import instrument
from tests.kit.trading import signal

ACCOUNT = "paper"


class Venue:
    """Takes orders, and answers nothing by itself."""

    def __init__(self) -> None:
        self.sent: list[Approved | Reducing] = []

    @property
    def gateway(self) -> "Venue":
        return self

    def submit(self, order: Approved | Reducing, now: int) -> None:  # noqa: ARG002
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
        self.process.resume(self.said.append)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.close()

    async def live(self, *work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run with these beside it, in this order, and stop in order after them."""

        async def beside() -> None:
            for one in work:
                await one()
            self.process.loop.stop("the test is over")

        await asyncio.wait_for(self.process.run(self.venue, [("test", beside, OnFailure.HALT)], self.said.append), 10.0)

    def tells(self, *events: Event) -> Callable[[], Coroutine[Any, Any, None]]:
        async def tell() -> None:
            for event in events:
                self.process.tell(event)

        return tell

    async def settles(self) -> None:
        """Let the desk turn what it was told."""
        for _ in range(20):
            await asyncio.sleep(0)

    @property
    def events(self) -> list[Event]:
        return [turn.event for turn in JournalReader(self.process.journal.folder).turns() if turn.event is not None]

    @property
    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


def statement(now: int) -> AccountStated:
    return AccountStated(ACCOUNT, "a test", (), (), (), (), {"USDT": Decimal(10_000)}, now, now)
