"""How far a job is: a plain line now and then, bars where there is a terminal."""

import asyncio
import io

from rich.console import Console

from petrosa.surfaces.cli.progress import Work, shown


class Clock:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def work() -> Work:
    clock = Clock()
    made = Work("klines", "bars", clock)
    one, other = made.begin("BTCUSDT 1m"), made.begin("ETHUSDT 1m")
    one.done, one.total, one.is_over = 1_000, 1_000, True
    other.done, other.total = 500, 2_000
    clock.s = 3.0
    return made


def test_a_line_says_how_far_how_fast_and_how_long() -> None:
    assert "klines: 1 of 2 done, 1,500 of 3,000 bars (50 %), 500 bars/s, 3 s left" == work().text()


def test_what_has_no_known_end_says_no_end() -> None:
    made = work()
    for line in made.lines.values():
        line.total = 0
    made.notice = lambda: "banned by the venue"
    assert "klines: 1 of 2 done, 1,500 bars, 500 bars/s, banned by the venue" == made.text()


async def test_plain_lines_where_there_is_no_terminal() -> None:
    """While it goes on, and at the end."""
    text = io.StringIO()
    async with shown(work(), console=Console(file=text, width=200), every_s=0.001):
        while text.getvalue().count("\n") < 3:
            await asyncio.sleep(0)
    lines = text.getvalue().splitlines()
    assert {"klines: 1 of 2 done, 1,500 of 3,000 bars (50 %), 500 bars/s, 3 s left"} == set(lines)


async def test_bars_on_a_terminal() -> None:
    """One for the whole and one for each that goes on."""
    text = io.StringIO()
    console = Console(file=text, width=120, force_terminal=True, color_system="standard", _environ={"TERM": "xterm"})
    made = work()
    async with shown(made, console=console):
        while "ETHUSDT 1m" not in text.getvalue():
            await asyncio.sleep(0)
        made.lines["ETHUSDT 1m"].is_over = True
    assert "500/s" in text.getvalue()
    assert "BTCUSDT 1m" not in text.getvalue()
