"""`petrosa extract run`: every bar soon after its close, gaps once a day, whatever fails in between."""

import asyncio
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from petrosa.apps.extracting.jobs import Asked
from petrosa.apps.extracting.opening import Surroundings
from petrosa.apps.extracting.results import Result, Summary
from petrosa.apps.extracting.schedule import Runner, Turn, next_turn
from petrosa.apps.settings import load
from petrosa.errors import PetrosaError, TransportError, UsageError
from tests.kit.extraction import Time


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("now", "intervals", "minute", "turn"),
    [
        ("2026-01-01T00:00:00", ("1m",), None, Turn(at("2026-01-01T00:01:00"), ("1m",))),
        ("2026-01-01T00:14:59", ("1m", "15m"), None, Turn(at("2026-01-01T00:15:00"), ("1m", "15m"))),
        ("2026-01-01T01:59:59", ("1h",), 120, Turn(at("2026-01-01T02:00:00"), ("1h",), gaps=True)),
        ("2026-01-01T01:00:00", ("4h",), 120, Turn(at("2026-01-01T02:00:00"), ("4h",), gaps=True)),
        ("2026-01-01T02:00:00", ("1d",), 120, Turn(at("2026-01-02T00:00:00"), ("1d",))),
        ("2026-01-01T12:00:00", ("1w", "1M"), None, Turn(at("2026-01-05T00:00:00"), ("1w",))),
        ("2026-01-30T12:00:00", ("1M",), None, Turn(at("2026-02-01T00:00:00"), ("1M",))),
    ],
)
def test_what_comes_next(now: str, intervals: tuple[str, ...], minute: int | None, turn: Turn) -> None:
    """The nearest close, or the look for gaps."""
    assert turn == next_turn(at(now), intervals, minute)


class Venue:
    """Does what is asked, or raises; stops the run after so many jobs."""

    def __init__(self, time: Time, *answers: PetrosaError | None) -> None:
        self.time = time
        self.answers = [*answers]
        self.asked: list[tuple[str, tuple[str, ...], int]] = []

    async def __call__(self, asked: Asked) -> Summary:
        if not self.answers:
            raise asyncio.CancelledError
        self.asked.append((asked.kind, asked.intervals, self.time.ns))
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer
        result = Result(asked.kind, "usdm", "BTCUSDT", "1m", written=2, gaps_found=1, gaps_filled=1)
        return Summary(asked.kind, "usdm", "rest", False, [result], 1, 0, 0.1)


async def served(home: Path, begin: str, *answers: PetrosaError | None, at_gaps: str = "") -> tuple[Venue, Runner]:
    time = Time(at(begin) // 10**6)
    settings = load(sets=[f"extract.gap_pass_at={at_gaps}", "extract.jitter_seconds=0"], environ={}, home=str(home))
    venue = Venue(time, *answers)
    surroundings = Surroundings(time.now, time.pause, random.Random(1))
    runner = Runner(settings, ("BTCUSDT",), ("1m", "5m"), lambda _: None, surroundings, venue)
    with pytest.raises(asyncio.CancelledError):
        await runner.run()
    return venue, runner


async def test_what_is_missing_first_and_then_every_close(tmp_path: Path) -> None:
    """Two seconds after it, what has closed then and nothing else."""
    venue, runner = await served(tmp_path, "2026-01-01T00:03:30", None, None, None)
    assert [
        ("klines", ("1m", "5m"), at("2026-01-01T00:03:30")),
        ("klines", ("1m",), at("2026-01-01T00:04:02")),
        ("klines", ("1m", "5m"), at("2026-01-01T00:05:02")),
    ] == venue.asked
    assert (3, 6, 0) == (runner.served.rounds, runner.served.bars_written, runner.served.failed_rounds)


async def test_gaps_once_a_day(tmp_path: Path) -> None:
    """Beside the bars of that minute."""
    venue, runner = await served(tmp_path, "2026-01-01T01:59:30", None, None, None, at_gaps="02:00")
    assert ["klines", "klines", "gaps"] == [kind for kind, _, _ in venue.asked]
    assert (1, 3) == (runner.served.gap_passes, runner.served.gaps_filled)


async def test_what_fails_comes_again(tmp_path: Path) -> None:
    """With the next close, or half a minute later."""
    venue, runner = await served(tmp_path, "2026-01-01T00:03:10", TransportError("away"), None, None)
    assert [at(f"2026-01-01T00:0{text}") for text in ("3:10", "3:42", "4:02")] == [ts for _, _, ts in venue.asked]
    assert (1, 3) == (runner.served.failed_rounds, runner.served.rounds)


async def test_a_mistake_of_the_first_round_ends_it(tmp_path: Path) -> None:
    """A symbol that there is not; later ones, which a delisting makes, do not."""
    settings = load(environ={}, home=str(tmp_path))
    time = Time()

    async def refused(_: Asked) -> Summary:
        raise UsageError("no such symbol")

    surroundings = Surroundings(time.now, time.pause, random.Random(1))
    runner = Runner(settings, ("NOPE",), ("1m",), lambda _: None, surroundings, refused)
    with pytest.raises(UsageError, match="no such symbol"):
        await runner.run()
