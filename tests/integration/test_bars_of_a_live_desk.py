"""A desk on the paper exchange with a strategy of bars: it warms up, hears a bar close, and its entry waits there."""

import asyncio
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.apps.replay import replay_journal
from petrosa.apps.settings import load
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.events import Warmup
from petrosa.core.model.history import Kline
from petrosa.errors import ConfigError
from tests.kit.analysis import store_bars
from tests.kit.desk_here import DeskHere, desk_here
from tests.kit.paper_process import HandExchange, hand_exchange

SECONDS = (
    "desk.strategies=doji_reversal", "strategies.doji_reversal.enabled=true", "ta.timeframes=1s", "ta.history_bars=10",
    "strategies.doji_reversal.entry_expiry_bars=20", "journal.tape=true",
    "account.balances.USDT=100000.00000000", "account.balances.BTC=1.00000000",
)  # fmt: skip


@pytest.fixture
def exchange() -> Iterator[HandExchange]:
    with hand_exchange() as made:
        yield made


async def remembered(home: Path, bars: int = 60) -> None:
    """A store with the seconds up to now, all at one price."""
    now = time.time_ns() // NS_PER_SECOND * NS_PER_SECOND
    price, volume = Decimal(50_000), Decimal(1)
    made = []
    for back in range(bars, 0, -1):
        ts = now - back * NS_PER_SECOND
        numbers = (price, price, price, price, volume, price, 1, volume / 2, price / 2)
        made.append(Kline("spot", "BTCUSDT", "1s", ts, ts + NS_PER_SECOND, *numbers))
    await store_bars(load(environ={}, home=str(home)), made)


async def doji(exchange: HandExchange) -> None:
    """A second that ends where it began, below the average, after going 100 down and 100 up."""
    exchange.move("49900")
    await asyncio.sleep(1.05 - time.time() % 1.0)  # the exchange's clock is the wall's
    for price in ("49900", "49800", "50000", "49900"):
        exchange.move(price)


def stops(exchange: HandExchange) -> list[dict[str, Any]]:
    return [one for one in exchange.open_orders("spot") if one["type"].startswith("STOP_LOSS")]


def told(desk: DeskHere, kind: type) -> list[Any]:
    return [turn.event for turn in JournalReader(desk.journal).turns() if isinstance(turn.event, kind)]


async def test_a_closed_bar_leads_to_an_entry_that_waits_at_the_venue(exchange: HandExchange, tmp_path: Path) -> None:
    await remembered(tmp_path)
    async with desk_here(tmp_path, exchange.url, "spot", *SECONDS) as desk:
        await desk.until(lambda: desk.line("bars: warmed up with"))
        warm = [one.event for one in told(desk, Warmup)]
        assert len(warm) >= 30
        assert [one.ts_open for one in warm] == sorted({one.ts_open for one in warm}), "each once, oldest first"
        await doji(exchange)
        await desk.until(lambda: stops(exchange))
        (order,) = stops(exchange)
        assert ("BUY", Decimal(50_000)) == (order["side"], Decimal(order["stopPrice"]))
        ready = await desk.ask("/ready")
        assert ready["ready"], ready
        await desk.stop()
    assert 1 == len(desk.decided("signal_made"))
    journal = desk.journal
    async with desk_here(tmp_path, exchange.url, "spot", *SECONDS) as again:
        await again.until(lambda: again.line("bars: warmed up with"))
        bars_before = len(told(again, Warmup))
        assert bars_before > len(warm), "the past is told anew"
        await asyncio.to_thread(exchange.move, "49900")
        await again.until_ready()
        await again.stop()
    assert 1 == len(again.decided("signal_made")), "a bar that was spoken on is history now"
    assert not exchange.open_orders("spot")
    report = replay_journal(journal)
    assert report.identical, report.difference


async def test_a_venue_without_a_past_leaves_the_strategy_warming_up(exchange: HandExchange, tmp_path: Path) -> None:
    async with desk_here(tmp_path, exchange.url, "spot", *SECONDS) as desk:
        line = await desk.until(lambda: desk.line("bars: warmed up with"))
        assert "doji_reversal on BTCUSDT warming up" in line
        assert line.endswith("of 20")
        (check,) = [one for one in (await desk.ask("/ready"))["checks"] if one["name"] == "strategies of bars"]
        assert "warming up" in check["detail"]


async def test_futures_have_no_bars_of_a_second(exchange: HandExchange, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="futures have none of a second"):
        async with desk_here(tmp_path, exchange.url, "usdm", *SECONDS):
            pass
