"""The same run as one process makes, as feed, strategies and trade around a NATS server of its own."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.broker import start_broker
from petrosa.apps.documents import documents_file
from petrosa.apps.feed import FeedSummary
from petrosa.apps.joined import Report
from petrosa.apps.journaling import new_run_folder
from petrosa.apps.recordings import on_its_venue
from petrosa.apps.services import serve_feed, serve_strategies, serve_trade
from petrosa.apps.settings import Settings
from petrosa.apps.strategies import StrategiesSummary
from petrosa.apps.trade import TradeSummary
from petrosa.errors import InvariantError

T = TypeVar("T")

LEAVE_S = 5.0
"""How long feed and strategies may take to end once trade has."""


class OverNats(msgspec.Struct, frozen=True):
    """What each service came to; none for one that was stopped before the recording was over."""

    nats_url: str
    feed: FeedSummary | None
    strategies: StrategiesSummary | None
    trade: TradeSummary


async def run_over_nats(settings: Settings, paths: Sequence[str | Path], command: str, *, report: Report) -> OverNats:
    """Start a server in a folder of its own, and the three services on it; trade's end is the end.

    Raises what the services raise, `ConfigError` when there is no server program.
    """
    settings = on_its_venue(settings, Recording(paths))
    folder = new_run_folder(settings.runs, command)
    async with AsyncExitStack() as stack:
        broker = await start_broker(folder)
        stack.push_async_callback(broker.stop)
        report(f"NATS on {broker.url}, everything of this run is in {folder}")
        nats = msgspec.structs.replace(settings.nats, url=broker.url)
        store = settings.store
        if not store.is_mongo:  # what is stored in the data directory holds here as in one process
            store = msgspec.structs.replace(store, url=f"sqlite:{documents_file(settings).resolve()}")
        loaded = msgspec.structs.replace(settings, home=folder, nats=nats, store=store)
        return await _together(loaded, paths, broker.url, report)


async def _together(settings: Settings, paths: Sequence[str | Path], url: str, report: Report) -> OverNats:
    trade = _task("trade", serve_trade(settings, report=report))
    strategies = _task("strategies", serve_strategies(settings, report=report, catches_signals=False))
    feed = _task("feed", serve_feed(settings, paths, fresh=False, report=report))
    tasks: list[asyncio.Task[Any]] = [trade, strategies, feed]
    try:
        waiting = set(tasks)
        while not trade.done():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        await asyncio.wait(tasks, timeout=LEAVE_S)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if trade.cancelled():
        raise InvariantError("the trade service was cancelled, and nobody asked for that")
    return OverNats(url, _result(feed), _result(strategies), trade.result())


def _task(name: str, service: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    return asyncio.create_task(service, name=name)


def _result(task: asyncio.Task[T]) -> T | None:
    return None if task.cancelled() or task.exception() is not None else task.result()
