"""Runs the services of a system over NATS: inside the test's own loop, or as the processes that a person starts."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from petrosa.adapters.bus.nats import NatsBus
from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.wire.codec import receive_signal
from petrosa.adapters.wire.progress import PROGRESS
from petrosa.adapters.wire.subjects import SIGNALS_STREAM
from petrosa.apps.configuration.live import live_configuration
from petrosa.apps.feed import FeedSummary, feed
from petrosa.apps.instruments import load_instruments
from petrosa.apps.settings import Settings, load
from petrosa.apps.strategies import StrategiesSummary, strategies
from petrosa.apps.trade import TradeSummary, trade
from petrosa.core.model.events import SignalMade, SignalReceived
from petrosa.core.model.signals import Signal
from petrosa.ports import JournaledTurn
from tests.kit.ending import ends_with_its_test
from tests.kit.recordings import ROOT

TWIN = ROOT / "recordings" / "synthetic-usdm"
UNHURRIED = "audit.finish_seconds=60"
"""The disk of a busy machine may take longer than a person would wait."""
OFTEN = (
    UNHURRIED,
    "feed.speed=0",
    "orderbook_skew.cooldown_seconds=10",
    "orderbook_skew.persistence_seconds=1",
    "trade_momentum.cooldown_seconds=10",
    "ticker_velocity.cooldown_seconds=10",
)
"""Settings under which the small recording makes some dozens of signals."""


def settings_of(home: Path, url: str, *sets: str) -> Settings:
    return load(sets=[*OFTEN, *sets], environ={"NATS_URL": url}, home=str(home))


def quiet(_: str) -> None:
    """Says nothing."""


async def run_feed(settings: Settings, recording: Path = TWIN, *, fresh: bool = False) -> FeedSummary:
    bus = await NatsBus.connect(settings.nats.url)
    try:
        return await feed(settings, Recording([recording]), bus, fresh=fresh, report=quiet)
    finally:
        await bus.close()


async def run_strategies(settings: Settings) -> StrategiesSummary:
    bus = await NatsBus.connect(settings.nats.url)
    try:
        async with live_configuration(settings, settings.feed.symbols, bus) as configuration:
            return await strategies(settings, load_instruments(), bus, configuration, report=quiet)
    finally:
        await bus.close()


async def run_trade(settings: Settings) -> TradeSummary:
    bus = await NatsBus.connect(settings.nats.url)
    try:
        return await trade(settings, load_instruments(), bus, report=quiet)
    finally:
        await bus.close()


async def run_all(settings: Settings) -> tuple[FeedSummary, StrategiesSummary, TradeSummary]:
    """The three at once, each with a connection of its own."""
    async with asyncio.timeout(60):
        return await asyncio.gather(run_feed(settings), run_strategies(settings), run_trade(settings))


async def published(url: str) -> list[Signal]:
    """Every signal on the stream, in order."""
    bus = await NatsBus.connect(url)
    state = await bus.stream_state(SIGNALS_STREAM)
    signals: list[Signal] = []
    if state is not None and state.last >= state.first:
        async for message in bus.consume(SIGNALS_STREAM):
            if message.subject != PROGRESS:
                signals.append(receive_signal(message.data, 1).signal)
            if message.sequence == state.last:
                break
    await bus.close()
    return signals


def turns_of(folder: Path | str) -> list[JournaledTurn]:
    return list(JournalReader(Path(folder)).turns())


def decisions_of(turns: list[JournaledTurn]) -> list[dict[str, Any]]:
    """Every decision as plain JSON, in order."""
    return [json.loads(decision) for turn in turns for decision in turn.decisions]


def intents_of(turns: list[JournaledTurn]) -> list[dict[str, Any]]:
    """What was to leave for the venue, in order."""
    return [decision["intent"] for decision in decisions_of(turns) if decision["kind"] in ("approved", "reducing")]


def received_ids(turns: list[JournaledTurn]) -> list[str]:
    """The ids of the signals that a trader was told, in order."""
    return [turn.event.signal.signal_id for turn in turns if isinstance(turn.event, SignalReceived)]


class Process:
    """A `petrosa` command as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls, *arguments: str, home: Path, url: str, crash_at: str = "", more: Mapping[str, str] | None = None
    ) -> "Process":
        environ: Mapping[str, str] = {
            **os.environ,
            "NATS_URL": url,
            "PETROSA_CRASH_AT": crash_at,
            "PYTHONPATH": os.pathsep.join(sys.path),
            **(more or {}),
        }
        chosen = [part for text in OFTEN for part in ("--set", text)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from petrosa.apps.main import main; main()", *arguments,
            "--home", str(home), *chosen, "--json", env=environ,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return cls(ends_with_its_test(process))

    async def said(self, text: str) -> str:
        """The line on standard error in which it has said this."""
        assert self._process.stderr is not None
        before = []
        async with asyncio.timeout(30):
            while line := (await self._process.stderr.readline()).decode():
                if text in line:
                    return line
                before.append(line)
        raise AssertionError(f"it never said {text!r}: {''.join(before)[-2000:]}")

    async def result(self) -> dict[str, Any]:
        """What it printed, once it has ended well."""
        out, err = await self._process.communicate()
        assert self._process.returncode == 0, err.decode()[-2000:]
        result: dict[str, Any] = json.loads(out)
        return result

    async def killed(self) -> None:
        """Return when it was killed by its crash point."""
        _, err = await self._process.communicate()
        assert self._process.returncode == -signal.SIGKILL, err.decode()[-2000:]

    def kill(self) -> None:
        self._process.kill()

    def terminate(self) -> None:
        self._process.terminate()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def gone(self) -> None:
        """Return when it has ended, however."""
        await self._process.communicate()


def made_signals(turns: list[JournaledTurn]) -> list[Signal]:
    """Signals that a journal says were made, in order."""
    return [
        msgspec.json.decode(decision, type=SignalMade).signal
        for turn in turns
        for decision in turn.decisions
        if b'"kind":"signal_made"' in decision[:24]
    ]
