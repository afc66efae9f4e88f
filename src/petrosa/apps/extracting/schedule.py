"""`petrosa extract run`: every bar soon after it has closed, and once a day a look for gaps; until it is stopped."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from petrosa.apps.extracting.jobs import Asked, extract, problems
from petrosa.apps.extracting.opening import Surroundings
from petrosa.apps.extracting.results import Summary
from petrosa.apps.settings import Settings
from petrosa.core.market.grid import DAY_NS, Grid, shown
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.errors import ConfigError, PetrosaError, UsageError
from petrosa.surfaces.cli.progress import Work

RETRY_S: Final = 30.0
"""After a round that came to nothing."""

Report = Callable[[str], None]


class Turn(msgspec.Struct, frozen=True):
    """When to wake (ns), for which intervals, and whether it is the day's look for gaps."""

    at: int
    intervals: tuple[str, ...]
    gaps: bool = False


class Served(msgspec.Struct):
    """What a run came to when it was stopped."""

    rounds: int = 0
    gap_passes: int = 0
    failed_rounds: int = 0
    bars_written: int = 0
    gaps_filled: int = 0


def next_turn(now: int, intervals: Sequence[str], gap_pass_minute: int | None) -> Turn:
    """What comes next after `now`: the next close of any interval, or the look for gaps where that is sooner.

    Where bars of `3d` close is left to the daily ones: they are asked for at midnight.
    """
    closes: dict[int, list[str]] = {}
    for interval in intervals:
        grid = Grid("1d" if interval == "3d" else interval)
        closes.setdefault(grid.after(grid.floor(now)), []).append(interval)
    at = min(closes)
    if gap_pass_minute is not None:
        today = now - now % DAY_NS + gap_pass_minute * 60 * NS_PER_SECOND
        passing = today if today > now else today + DAY_NS
        if passing < at:
            return Turn(passing, tuple(intervals), gaps=True)
        if passing == at:
            return Turn(at, tuple(closes[at]), gaps=True)
    return Turn(at, tuple(closes[at]))


class Runner:
    """Goes on until it is cancelled. What is late is done at once, and what was missed with it."""

    def __init__(
        self, settings: Settings, symbols: tuple[str, ...], intervals: tuple[str, ...], report: Report,
        surroundings: Surroundings, perform: Callable[[Asked], Awaitable[Summary]] | None = None,
    ) -> None:  # fmt: skip
        self.served = Served()
        self._settings = settings
        self._symbols = symbols
        self._intervals = intervals
        self._report = report
        self._surroundings = surroundings
        self._perform = perform or self._extract

    async def run(self) -> None:
        """First whatever is missing, then turn by turn. Raises `UsageError` and `ConfigError` of the first round."""
        now = self._surroundings.wall()
        ok = await self._round(self._asked("klines", self._intervals), is_first=True)
        while True:
            turn = next_turn(now, self._intervals, self._settings.extract.gap_pass_minute)
            if not ok and turn.at - now > RETRY_S * NS_PER_SECOND:
                turn = Turn(now + round(RETRY_S * NS_PER_SECOND), self._intervals)
            await self._wait_for(turn.at)
            now = max(turn.at, self._surroundings.wall())
            ok = await self._round(self._asked("klines", turn.intervals))
            if turn.gaps:
                ok = await self._round(self._asked("gaps", self._intervals)) and ok

    async def _wait_for(self, at: int) -> None:
        """Until a close, and a little longer."""
        extract = self._settings.extract
        late_s = extract.delay_seconds + self._surroundings.chance.uniform(0.0, extract.jitter_seconds)
        wait_s = (at - self._surroundings.wall()) / NS_PER_SECOND + late_s
        if wait_s > 0:
            await self._surroundings.pause(wait_s)

    def _asked(self, kind: str, intervals: tuple[str, ...]) -> Asked:
        return Asked(kind=kind, symbols=self._symbols, intervals=intervals, fill=kind == "gaps")

    async def _round(self, asked: Asked, *, is_first: bool = False) -> bool:
        """One job; whether it came to what it should. What failed is said, and comes again with the next turn."""
        served, summary = self.served, None
        try:
            summary = await self._perform(asked)
        except PetrosaError as problem:
            if is_first and isinstance(problem, UsageError | ConfigError):
                raise
            self._report(f"{asked.kind}: {problem}")
        served.gap_passes += asked.kind == "gaps"
        served.rounds += asked.kind == "klines"
        if summary is None:
            served.failed_rounds += 1
            return False
        served.bars_written += sum(one.written for one in summary.results)
        served.gaps_filled += sum(one.gaps_filled for one in summary.results)
        for line in problems(summary.results):
            self._report(line)
        self._report(told(asked, summary))
        served.failed_rounds += bool(summary.failed)
        return not summary.failed

    async def _extract(self, asked: Asked) -> Summary:
        work = Work(asked.kind, "bars", time.monotonic)
        return await extract(self._settings, asked, work=work, surroundings=self._surroundings)


def told(asked: Asked, summary: Summary) -> str:
    """A round in one line."""
    written = sum(one.written for one in summary.results)
    filled, found = (sum(getattr(one, name) for one in summary.results) for name in ("gaps_filled", "gaps_found"))
    until = max((one.until for one in summary.results), default="")
    return (
        f"{asked.kind} {','.join(asked.intervals)}: {len(summary.results)} series up to {until},"
        f" {written} bars written, {filled} of {found} gaps filled, {summary.requests} requests,"
        f" {summary.elapsed_s:.2f} s"
    )


async def serve(
    settings: Settings, symbols: tuple[str, ...], intervals: tuple[str, ...], *, report: Report,
    surroundings: Surroundings | None = None,
) -> Served:  # fmt: skip
    """Run until cancelled; returns what was done then."""
    runner = Runner(settings, symbols, intervals, report, surroundings or Surroundings())
    now = time.time_ns() // NS_PER_SECOND * NS_PER_SECOND
    report(f"extracting {','.join(intervals)} of {','.join(symbols)} since {shown(now)}")
    try:
        await runner.run()
    except asyncio.CancelledError:
        report("stopped; what was written stays")
    return runner.served
