"""Telling a desk and hearing of the turn; a desk that is busy is waited for, one that ends says so."""

from pathlib import Path

import msgspec
import pytest

from petrosa.apps.trading import KEYS_KEPT, WAITING_MAX
from petrosa.errors import LimitExceeded
from petrosa.surfaces.kill_switch import NoDesk
from petrosa.surfaces.trading import Verdict
from tests.kit.desk import BUY, MovedDesk

BODY = msgspec.json.encode(BUY)


def named(number: int) -> bytes:
    return msgspec.json.encode({**BUY, "signal_id": f"s-{number}"})


async def test_a_busy_desk_is_pending_and_asked_again(tmp_path: Path) -> None:
    """The answer does not wait for ever; the same key gets the decision once there is one."""
    desk = MovedDesk(tmp_path, answer_s=0.0)
    async with desk.running():
        await desk.move(10.0)
        first = await desk.control.trading.trade(BODY, "me", "k")
        await desk.move()
        again = await desk.control.trading.trade(BODY, "me", "k")
    assert (Verdict.PENDING, Verdict.AGREED) == (first.status, again.status)
    assert first.signal_id == again.signal_id


async def test_what_waits_is_bounded_and_an_end_is_said(tmp_path: Path) -> None:
    """A desk that turns nothing takes so many; whoever asks beyond, or waits when it ends, is told so."""
    desk = MovedDesk(tmp_path, answer_s=0.0)
    trading = desk.control.trading
    with desk.control.attached(desk.loop, desk.reader):
        desk.turns.now = 1
        for number in range(WAITING_MAX):
            assert Verdict.PENDING is (await trading.trade(named(number), "me", f"k-{number}")).status
        with pytest.raises(LimitExceeded, match="limit 256; send this one again"):
            await trading.trade(named(WAITING_MAX), "me", "")
    with pytest.raises(NoDesk, match="nothing was ordered for it"):
        await trading.trade(named(0), "me", "k-0")
    with pytest.raises(NoDesk, match="no desk turns here now"):
        await trading.trade(BODY, "me", "")
    desk.journal.close()


async def test_keys_that_are_remembered_are_bounded(tmp_path: Path) -> None:
    """The oldest is forgotten; the trader still knows its signal."""
    desk = MovedDesk(tmp_path)
    async with desk.running():
        await desk.move(10.0)
        trading = desk.control.trading
        body = msgspec.json.encode({**BUY, "confidence": 0.1})
        first = await trading.trade(body, "me", "k-0")
        for number in range(1, KEYS_KEPT + 1):
            await trading.trade(body, "me", f"k-{number}")
        again = await trading.trade(body, "me", "k-0")
    assert first.signal_id == again.signal_id
    assert (again.result is not None, "duplicate") == (True, again.result and again.result.check)
