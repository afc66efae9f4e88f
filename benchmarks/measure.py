"""Rounds, medians and percentiles, and what a measured figure consists of."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec


class NotHere(Exception):
    """A benchmark cannot run here for want of something that nobody must have: skipped with this reason."""


class Goal(NamedTuple):
    """A limit on a figure. Ratios are gates; an absolute figure has a goal only where the documents give it one."""

    at: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        return value >= self.at if self.at_least else value <= self.at

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.at:g}"


class Figure(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One measured thing, and whether its limits were met. Only a `gate` can fail a run: it is a ratio.

    An `aim` is an absolute limit, which a busy or slow machine may miss; a `stretch` is what we are after.
    """

    goal: str
    name: str
    value: float
    unit: str
    lowest: float | None = None
    highest: float | None = None
    gate: str | None = None
    gate_met: bool | None = None
    aim: str | None = None
    aim_met: bool | None = None
    stretch: str | None = None
    stretch_met: bool | None = None
    details: dict[str, Any] = {}


def figure(
    goal: str,
    name: str,
    values: Sequence[float],
    unit: str,
    *,
    gate: Goal | None = None,
    aim: Goal | None = None,
    stretch: Goal | None = None,
    **details: Any,
) -> Figure:
    """The median of the rounds with its range, held against its limits."""
    value = statistics.median(values)
    return Figure(
        goal=goal,
        name=name,
        value=rounded(value),
        unit=unit,
        lowest=rounded(min(values)),
        highest=rounded(max(values)),
        gate=str(gate) if gate else None,
        gate_met=gate.met(value) if gate else None,
        aim=str(aim) if aim else None,
        aim_met=aim.met(value) if aim else None,
        stretch=str(stretch) if stretch else None,
        stretch_met=stretch.met(value) if stretch else None,
        details=details,
    )


def rounded(value: float) -> float:
    """Four significant digits: what is beyond them is noise."""
    return float(f"{value:.4g}")


def interleave(rounds: int, functions: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Run each function once a round, every other round in reverse order, so that a drift of the machine hits all."""
    results: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(rounds):
        names = list(functions)
        for name in names if number % 2 == 0 else reversed(names):
            results[name].append(functions[name]())
    return results


def ratios(ours: Sequence[float], reference: Sequence[float]) -> list[float]:
    """Ours over the reference, round by round."""
    return [a / b for a, b in zip(ours, reference, strict=True)]


def cpu_ns_each(work: Callable[[], object], count: int) -> float:
    """CPU nanoseconds of this process per item of a work that handles `count` of them."""
    before = time.process_time_ns()
    work()
    return (time.process_time_ns() - before) / count


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def latency(values_ns: Sequence[float]) -> dict[str, float]:
    """p50, p99, p99.9 and the worst, in microseconds."""
    ordered = sorted(values_ns)
    return {
        "p50_us": rounded(percentile(ordered, 0.5) / 1e3),
        "p99_us": rounded(percentile(ordered, 0.99) / 1e3),
        "p999_us": rounded(percentile(ordered, 0.999) / 1e3),
        "max_us": rounded(ordered[-1] / 1e3),
    }
