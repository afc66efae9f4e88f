"""An exit on spot whose request or answer goes wrong: how long the position is without a stop, at the exchange."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from petrosa.core.model.commands import Flatten
from petrosa.core.model.events import Event, SignalReceived
from petrosa.core.model.signals import Action, Signal
from tests.kit.campaign import Campaign
from tests.kit.campaign_desk import LOOK_S
from tests.kit.campaign_exchange import CampaignExchange
from tests.kit.soak import sample

SYMBOL: Final = "BTCUSDT"
AS_SHIPPED: Final = (
    "execution.answer_deadline_seconds=5", "execution.unprotected_seconds=3",
    "execution.flatten_unprotected_seconds=15", "execution.exit_retry_seconds=1",
)  # fmt: skip
CALM_S: Final = 1.3
"""A position that has been flat or behind its stop for so long stays so: longer than the desk waits for an answer."""
BARE_S: Final = 0.5
"""Nothing but what a busy machine needs to put a list back; all but `thin_book` are never seen without a stop."""
FAULTS: Final[Sequence[dict[str, Any]]] = (
    {"kind": "drop"},
    {"kind": "error_after_accept"},
    {"kind": "silence_after_accept", "delay_ms": 400},
    {"kind": "reject", "code": -1013},
    {"kind": "overloaded"},
    {"kind": "latency", "delay_ms": 900},
    {"kind": "thin_book", "share": 0},
)


def close() -> Event:
    now = time.time_ns()
    return SignalReceived(Signal("the-exit", "chance-1", SYMBOL, Action.CLOSE, 0.9, 50_000.0, 0.01, 50_000.0, now, now))


def flatten() -> Event:
    return Flatten("the-exit", "a test", "everything goes")


@asynccontextmanager
async def trading(home: Path) -> AsyncIterator[Campaign]:
    """A desk on spot, with the bounds that it is shipped with."""
    async with CampaignExchange("spot").served() as exchange:
        one = Campaign(exchange, home, 1, *AS_SHIPPED)
        try:
            one.desk.begin()
            assert await one.until(lambda: one.desk.is_alive, 20.0)
            yield one
        finally:
            await one.desk.crash()


@asynccontextmanager
async def held(home: Path) -> AsyncIterator[Campaign]:
    """A desk whose one position rests behind its list."""
    async with trading(home) as one:
        await enter(one)
        yield one


async def enter(one: Campaign) -> None:
    """A position with all its protection."""
    await buy(one)
    assert await one.until(lambda: one._is_safe(SYMBOL) and one._is_quiet(), 10.0), (one.state(), one.refusals)


async def buy(one: Campaign) -> None:
    """A position; the first signals may come before the market has been heard."""
    for _ in range(40):
        now = time.time_ns()
        signal = Signal(
            f"entry-{now}", "chance-1", SYMBOL, Action.BUY, 0.9, 50_000.0, 0.01, 50_000.0, now, now,
            stop_loss_pct=0.01, take_profit_pct=0.02,
        )  # fmt: skip
        one.desk.tell(SignalReceived(signal))
        if await one.until(lambda: one.exchange.position(SYMBOL) > 0, 0.25):
            break
    assert one.exchange.position(SYMBOL) > 0, one.refusals


async def longest_bare(one: Campaign, timeout_s: float = 15.0) -> float:
    """Seconds for which the exchange had a position without a stop, the longest time in a row, until all is calm."""
    longest, since, calm = 0.0, 0.0, time.monotonic()
    end = calm + timeout_s
    while (now := time.monotonic()) < end and now - calm <= CALM_S:
        if one._is_safe(SYMBOL):
            since = 0.0
        else:
            since, calm = since or now, now
            longest = max(longest, now - since)
        await asyncio.sleep(LOOK_S)
    return round(longest, 3)


@pytest.mark.parametrize("leave", sample([close], [close, flatten]))
async def test_a_failing_exit_does_not_leave_its_position_bare(leave: Callable[[], Event], tmp_path: Path) -> None:
    """Whatever becomes of the request, the stop rests until the venue sells; if it finds no buyer, it rests again."""
    bare = await asyncio.gather(*(bare_for(fault, leave, tmp_path / fault["kind"]) for fault in FAULTS))
    told = dict(zip((fault["kind"] for fault in FAULTS), bare, strict=True))
    print(f"{leave.__name__}: seconds without a stop {told}")  # noqa: T201 - for who runs it with -s
    assert max(bare) <= BARE_S, told


async def bare_for(fault: dict[str, Any], leave: Callable[[], Event], home: Path) -> float:
    """Seconds without a stop, the longest in a row, of a position whose exit is struck by a fault."""
    async with held(home) as one:
        one.exchange.fault(method="POST", path="/api/v3/order", count=1, **fault)
        one.desk.tell(leave())
        assert await one.until(lambda: any(active.fired for active in one.exchange.venue.faults.all()), 5.0), fault
        return await longest_bare(one)


async def test_a_venue_that_replaces_no_order_of_a_list_is_left_by_cancelling_it(tmp_path: Path) -> None:
    """The position is sold at the second try, though the venue refuses every replacement there is."""
    async with held(tmp_path) as one:
        one.exchange.fault(method="POST", path="/api/v3/order/cancelReplace", kind="reject", code=-2022, count=100)
        one.desk.tell(close())
        rules = one.exchange.rules[SYMBOL]
        assert await one.until(lambda: one.exchange.position(SYMBOL) < rules.step, 10.0), one.state()
        assert await one.until(lambda: one.desk.trader.held(rules.id) == 0, 5.0), one.state()
        assert await longest_bare(one) <= BARE_S


@pytest.mark.parametrize("kind", ["drop", "overloaded"])
async def test_a_pair_whose_own_request_is_lost_is_placed_anew(kind: str, tmp_path: Path) -> None:
    """After as long as a position may be without a stop, though the first could still arrive."""
    async with trading(tmp_path) as one:
        one.exchange.fault(method="POST", path="/api/v3/orderList/oco", kind=kind, count=1)
        await buy(one)
        bare = await longest_bare(one)
        print(f"{kind}: {bare} s without a stop")  # noqa: T201 - for who runs it with -s
        assert 0 < bare <= 3.0 + BARE_S
        assert one._is_safe(SYMBOL)
