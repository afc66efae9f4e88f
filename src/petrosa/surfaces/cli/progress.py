"""How far a long job is, on standard error: bars with rates and time left on a terminal, else a line now and then."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from petrosa.surfaces.cli.output import stderr

PLAIN_EVERY_S: Final = 5.0
DRAW_EVERY_S: Final = 0.2
LINES_MAX: Final = 12
"""More at once would not fit a terminal."""


class Line:
    """One thing that goes on: `done` of `total` rows. A total of 0 is not known."""

    def __init__(self, name: str, began: float) -> None:
        self.name = name
        self.began = began
        self.done = 0
        self.total = 0
        self.is_over = False


class Work:
    """Everything that goes on, in rows. `notice` is what is said beside it as long as it holds: a ban's countdown."""

    def __init__(self, title: str, unit: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.title = title
        self.unit = unit
        self.notice: Callable[[], str] = str
        self.lines: dict[str, Line] = {}
        self._clock = clock
        self._began = clock()

    def begin(self, name: str) -> Line:
        """A new line; the same name again goes on with its line."""
        line = self.lines.setdefault(name, Line(name, self._clock()))
        line.is_over = False
        return line

    @property
    def rate(self) -> float:
        """Rows a second since the beginning."""
        return sum(one.done for one in self.lines.values()) / max(1e-9, self._clock() - self._began)

    def text(self) -> str:
        """`klines: 1 of 3 done, 12,300 of 43,200 bars (28 %), 5,120 bars/s, 6 s left`."""
        over = sum(one.is_over for one in self.lines.values())
        done, total = (sum(getattr(one, name) for one in self.lines.values()) for name in ("done", "total"))
        parts = [f"{over} of {len(self.lines)} done", f"{done:,} {self.unit}"]
        if total > 0:
            parts[1] = f"{done:,} of {total:,} {self.unit} ({min(100, 100 * done // total)} %)"
        parts.append(f"{self.rate:,.0f} {self.unit}/s")
        if total > done and self.rate > 0:
            parts.append(f"{(total - done) / self.rate:,.0f} s left")
        notice = self.notice()
        return f"{self.title}: {', '.join([*parts, notice] if notice else parts)}"


@contextlib.asynccontextmanager
async def shown(
    work: Work, *, console: Console | None = None, every_s: float = PLAIN_EVERY_S
) -> AsyncIterator[Work]:  # fmt: skip
    """Show the work as long as the block runs, and how it stands at the end."""
    console = console or stderr()
    drawing = _draw(work, console) if console.is_terminal and not console.no_color else _say(work, console, every_s)
    task = asyncio.create_task(drawing)
    try:
        yield work
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if work.lines:
            console.print(work.text(), soft_wrap=True)


async def _say(work: Work, console: Console, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        if work.lines:
            console.print(work.text(), soft_wrap=True)


async def _draw(work: Work, console: Console) -> None:
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]:>9}"), TimeRemainingColumn(),
    )  # fmt: skip
    drawn: dict[str, TaskID] = {}
    with Progress(*columns, console=console, transient=True) as progress:
        whole = progress.add_task(work.title, total=None, rate="")
        while True:
            running = [one for one in work.lines.values() if not one.is_over][:LINES_MAX]
            for name in [name for name in drawn if name not in {one.name for one in running}]:
                progress.remove_task(drawn.pop(name))
            for line in running:
                task = drawn.setdefault(line.name, TaskID(-1))
                if task == -1:
                    task = drawn[line.name] = progress.add_task(line.name, total=None, rate="")
                progress.update(task, completed=line.done, total=line.total or None, rate=f"{line.done:,}")
            done, total = (sum(getattr(one, name) for one in work.lines.values()) for name in ("done", "total"))
            title = f"{work.title} {work.notice()}".strip()
            rate = f"{work.rate:,.0f}/s"
            progress.update(whole, description=title, completed=done, total=total or None, rate=rate)
            await asyncio.sleep(DRAW_EVERY_S)
