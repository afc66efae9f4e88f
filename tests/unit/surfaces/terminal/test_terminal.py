"""The live view shows what there is, and is plain where it has to be."""

import asyncio
import contextlib
import io
from decimal import Decimal

from rich.console import Console

from petrosa.backtest.summary import PositionLine
from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Depth
from petrosa.surfaces.readmodel import ReadModel
from petrosa.surfaces.terminal.drawing import draw
from petrosa.surfaces.terminal.live import is_plain, show
from petrosa.surfaces.terminal.screen import Money, Screen, SymbolRow, plain_line, screen_of, symbol_row
from tests.kit.story import BTC, START, story, trade

NOW = START + 2 * NS_PER_SECOND


def market() -> MarketState:
    state = MarketState(BTC, Tape(10 * NS_PER_SECOND))
    state.apply(trade(START, 50_000.0), START)
    depth = Depth(BTC.id, START, START, 1, (49_999.0, 49_998.0), (3.0, 3.0), (50_001.0, 50_002.0), (2.0, 1.0))
    state.apply(depth, START)
    return state


def position(quantity: str, unrealized: str = "0.10") -> PositionLine:
    return PositionLine(
        instrument=BTC.id,
        quantity=Decimal(quantity),
        entry_price=Decimal("49900.02"),
        mark=Decimal("50000.0"),
        unrealized=Decimal(unrealized),
        realized=Decimal(0),
        fees={},
        strategy_id="orderbook_skew",
        signal_id="s1",
    )


def screen(alarm: str = "") -> Screen:
    model = ReadModel()
    for turn in story()[:3] + story()[4:5]:
        model.fold(*turn)
    return screen_of(
        model,
        banner="SIMULATED MARKET, profile demo",
        now=NOW,
        uptime_s=12.0,
        speed=60.0,
        url="http://127.0.0.1:8080",
        events=12345,
        symbols=[symbol_row(market(), NOW, position("0.001"))],
        money=Money("USDT", 10_000.5, 1.25, -0.75, {"USDT": "0.05"}),
        alarm=alarm,
    )


def drawn(what: Screen, width: int = 120) -> str:
    console = Console(file=io.StringIO(), record=True, width=width, force_terminal=True, color_system="truecolor")
    console.print(draw(what))
    return console.export_text()


def test_a_symbol_is_summed_up_in_a_row() -> None:
    """Spread in hundredths of a percent, skew of the levels, age in run time, open profit at the middle."""
    row = symbol_row(market(), NOW, position("0.001"))
    assert SymbolRow("BTCUSDT", 50_000.0, 0.4, 2.0, 2.0, "0.001", "49900", 0.1) == row


def test_a_flat_position_is_no_position() -> None:
    """And what was not seen yet is shown as nothing."""
    flat = symbol_row(market(), NOW, position("0"))
    unseen = symbol_row(MarketState(BTC, Tape(NS_PER_SECOND)), NOW, None)
    assert ("", 0.0) == (flat.quantity, flat.unrealized)
    assert SymbolRow("BTCUSDT", 0.0, 0.0, 0.0, 0.0) == unseen


def test_the_view_shows_the_way_from_price_to_profit() -> None:
    """The banner says that nothing is real; then prices, signals, refusals, orders, fills, money."""
    text = drawn(screen())
    shown = (
        "SIMULATED MARKET, profile demo", "http://127.0.0.1:8080", "12,345 events", "speed 60", "BTCUSDT", "50,000",
        "0.40", "2.00", "orderbook_skew", "0.81", "refused: cooldown", "cooldown: saw 12.0 s, limit 900 s",
        "partial", "50,001.5", "equity 10,000.50 USDT", "+1.25", "-0.75", "fees 0.05 USDT",
    )  # fmt: skip
    assert [] == [part for part in shown if part not in text]
    assert "ALARM" not in text


def test_an_alarm_is_on_the_screen() -> None:
    """What a person must know is not only in a log."""
    assert "ALARM BTCUSDT has no resting stop" in drawn(screen("BTCUSDT has no resting stop"))


def test_a_narrow_terminal_is_no_reason_to_fail() -> None:
    """Cut off, but drawn, and never wider than it is."""
    assert 60 >= max(len(line) for line in drawn(screen(), 60).splitlines())


def test_the_plain_line_says_the_same() -> None:
    """One line for logs and pipes."""
    assert (
        "SIMULATED MARKET, profile demo | 12 s, 12,345 events | BTCUSDT 50,000 | signals 1, refused 1, orders 1, "
        "fills 1 | BTCUSDT 0.001 | equity 10,000.50 USDT, realised +1.25, open -0.75"
    ) == plain_line(screen())


def test_no_terminal_or_no_colour_means_plain() -> None:
    """As the convention has it."""
    pipe = Console(file=io.StringIO())
    no_colour = Console(file=io.StringIO(), force_terminal=True, no_color=True)
    terminal = Console(file=io.StringIO(), force_terminal=True, no_color=False)
    assert [True, True, False] == [is_plain(console) for console in (pipe, no_colour, terminal)]


async def shown(console: Console, turns: int) -> str:
    """What is written while the loop goes round a few times."""
    task = asyncio.create_task(show(screen, console, plain_every_s=0.0))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_a_pipe_gets_whole_plain_lines() -> None:
    """No control characters, one line each, however long; the last state is the last line."""
    text = await shown(Console(file=io.StringIO(), width=40), 5)
    assert "\x1b" not in text
    assert {plain_line(screen())} == set(text.splitlines())


async def test_a_terminal_is_drawn_in_place_and_keeps_the_last_state() -> None:
    """When the run is over, the result can still be read."""
    text = await shown(Console(file=io.StringIO(), width=120, height=60, force_terminal=True, no_color=False), 5)
    assert "\x1b[" in text
    assert "SIMULATED MARKET" in text
