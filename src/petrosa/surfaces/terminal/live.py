"""Redraws the screen while a run goes on: in place on a terminal, one plain line now and then anywhere else."""

import asyncio
from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.live import Live

from petrosa.surfaces.terminal.drawing import draw
from petrosa.surfaces.terminal.screen import Screen, plain_line

REDRAW_S: Final = 0.25
PLAIN_S: Final = 5.0


def is_plain(console: Console) -> bool:
    """Whether only plain lines should be written: no terminal, or `NO_COLOR` is set."""
    return not console.is_terminal or console.no_color


async def show(screen: Callable[[], Screen], console: Console, *, plain_every_s: float = PLAIN_S) -> None:
    """Show what `screen` gives until cancelled; the last state stays to be read."""
    if is_plain(console):
        await _lines(screen, console, plain_every_s)
        return
    with Live(draw(screen()), console=console, auto_refresh=False, screen=False, transient=False) as live:
        try:
            while True:
                await asyncio.sleep(REDRAW_S)
                live.update(draw(screen()), refresh=True)
        finally:
            live.update(draw(screen()), refresh=True)


async def _lines(screen: Callable[[], Screen], console: Console, every_s: float) -> None:
    try:
        while True:
            console.print(plain_line(screen()), soft_wrap=True, markup=False, highlight=False)
            await asyncio.sleep(every_s)
    finally:
        console.print(plain_line(screen()), soft_wrap=True, markup=False, highlight=False)
