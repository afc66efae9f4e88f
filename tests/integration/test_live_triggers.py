"""What stops a live desk by itself, from the cause at the venue to the latch that outlives the process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from petrosa.core.model.base import Side
from tests.kit.desk_here import DeskHere, desk_here
from tests.kit.paper_process import HandExchange, hand_exchange


@pytest.fixture
def exchange() -> Iterator[HandExchange]:
    with hand_exchange() as made:
        yield made


async def switch(desk: DeskHere) -> Any:
    return await desk.ask("/kill-switch")


async def engaged(desk: DeskHere) -> bool:
    return bool((await switch(desk))["engaged"])


async def test_a_trigger_latches_says_so_and_is_kept_over_a_restart(exchange: HandExchange, tmp_path: Path) -> None:
    """By its name and with its figures; only a person opens the switch again, and it stays open where it is opened
    after the cause was gone."""
    async with desk_here(tmp_path, exchange.url, "usdm", "triggers.clock_offset_ms=0.000001", ready=False) as desk:
        await desk.until(lambda: engaged(desk))
        state = await switch(desk)
        assert ("pause_entries", "trigger:clock") == (state["level"], state["engagements"][0]["actor"])
        assert "ms off the venue's, limit 1e-06 ms" in state["engagements"][0]["reason"]
        assert 'petrosa_trigger_fired{name="clock"} 1.0' in await desk.text("/metrics")
        await desk.stop()
    async with desk_here(tmp_path, exchange.url, "usdm") as desk:
        assert state["engagements"] == (await switch(desk))["engagements"]
        assert "rejected" == (await desk.trade("buy", stop_loss=49_000))["status"]
        assert 'petrosa_trigger_fired{name="clock"} 0.0' in await desk.text("/metrics")
        await desk.post("/kill-switch/resume", reason="the clock is right")
        assert not await engaged(desk)
        await desk.stop()
    async with desk_here(tmp_path, exchange.url, "usdm") as desk:
        assert not await engaged(desk)
        await desk.stop()


async def test_a_day_that_loses_too_much_is_flattened(exchange: HandExchange, tmp_path: Path) -> None:
    """The position is closed at the market, and the switch says why."""
    async with desk_here(tmp_path, exchange.url, "usdm", "triggers.daily_loss_fraction=0.001") as desk:
        assert "agreed" == (await desk.trade("buy", stop_loss=49_000))["status"]
        await desk.until(exchange.positions)
        exchange.move("49500")
        await desk.until(lambda: not exchange.positions())
        await desk.until(lambda: engaged(desk))
        state = await switch(desk)
        assert ("flatten", "trigger:daily-loss") == (state["level"], state["engagements"][-1]["actor"])
        await desk.until(lambda: not exchange.open_algos())
        await desk.stop()


async def test_an_account_that_is_not_heard_cancels_entries(exchange: HandExchange, tmp_path: Path) -> None:
    """An entry that rests is taken off, what it filled unheard is found and gets its stop; when the account's stream
    comes back the switch stays."""
    sets = ("triggers.stream_down_seconds=0.2", "execution.entry=passive")
    async with desk_here(tmp_path, exchange.url, "usdm", *sets) as desk:
        await desk.trade("buy", stop_loss=49_000)
        await desk.until(lambda: exchange.open_orders("usdm"))
        exchange.fault("overloaded", path="/fapi/v1/listenKey")
        exchange.fault("disconnect_stream", count=1)
        exchange.do(lambda market: market.trade("49990", 0.01, Side.SELL))
        await desk.until(lambda: engaged(desk))
        await desk.until(lambda: not exchange.open_orders("usdm"))
        await desk.until(exchange.open_algos)
        assert "trigger:user-stream" == (await switch(desk))["engagements"][-1]["actor"]
        exchange.clear_faults()
        await desk.until_ready()
        text = await desk.text("/metrics")
        assert "petrosa_user_stream_reconnects_total 1.0" in text
        assert 'petrosa_venue_orders_total{outcome="' in text
        assert 'petrosa_venue_limit_use{window="' in text
        await desk.stop()
