"""A fill counts once, however often a venue tells of it: by answer, by stream and by comparison."""

from decimal import Decimal
from pathlib import Path

from petrosa.apps.journaling import run_file
from petrosa.apps.live.process import LiveProcess
from petrosa.apps.live.venue import topic
from petrosa.apps.settings import load
from petrosa.apps.wiring import build_trading
from petrosa.core.model.base import Side
from petrosa.core.model.orders import Liquidity, OrderFilled
from petrosa.runtime.inbox import TOLD_MAX
from petrosa.surfaces.kill_switch import Latch
from tests.kit.paper_venue import USDM, rules

SETS = ("venue.environment=paper", "simulation.enabled=false", "account.account=demo", "journal.tape=false")


def opened(home: Path) -> LiveProcess:
    settings = load(sets=SETS, environ={}, home=str(home))
    folder = settings.runs / "a-desk"
    return LiveProcess(
        settings, build_trading(settings, rules()["usdm"]), folder=folder, run_file=run_file(folder, "live", tape=""),
        topic_of=topic, crash=None, latch=Latch(),
    )  # fmt: skip


def fill(trade_id: str, side: Side = Side.BUY) -> OrderFilled:
    return OrderFilled(
        "demo", USDM, f"somebody-{trade_id}", trade_id, side, Decimal("0.5"), Decimal(100), Decimal("0.01"), "USDT",
        Liquidity.TAKER, 1, 1,
    )  # fmt: skip


def test_a_fill_that_is_told_again_is_left_out(tmp_path: Path) -> None:
    """Before it is turned, and after; one of the other side is another one."""
    process = opened(tmp_path)
    assert all(process.tell(one) for one in (fill("1"), fill("1"), fill("1", Side.SELL)))
    assert 1 == process.fills_repeated
    process.parts.trader.books.blotter.apply(fill("2"))
    assert process.tell(fill("2"))
    assert 2 == process.fills_repeated
    process.close()


def test_a_fill_that_found_no_room_is_told_again(tmp_path: Path) -> None:
    """The desk halts then, and whoever tells it once more is not taken for a repetition."""
    process = opened(tmp_path)
    for number in range(TOLD_MAX):
        process.tell(fill(str(number)))
    assert not process.tell(fill("more"))
    assert not process.tell(fill("more"))
    assert 0 == process.fills_repeated
    process.close()
