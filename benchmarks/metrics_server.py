"""A process that hears 150 symbols in real time and serves their metrics: `python -m benchmarks.metrics_server RATE`.

Prints its address, serves until its standard input closes, and ends with how late it dealt with each book. With a rate
of 0 it has heard fifteen minutes and hears no more.
"""

import asyncio
import json
import sys
import time

import uvloop

from benchmarks.measure import latency
from benchmarks.metrics_desk import BOOKS_PER_SECOND, START_NS, SYMBOLS, MetricsDesk, books, filled
from petrosa.adapters.stores.documents.memory import MemoryDocuments
from petrosa.apps.access import access_over
from petrosa.apps.settings import load
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.market_metrics import market_metrics
from petrosa.surfaces.api.serve import serving
from petrosa.surfaces.desk_metrics import DeskMetrics
from petrosa.surfaces.observation import Info, Observation, Readiness

WARM_SECONDS = 900
TURNS_AT_ONCE = 16
"""Books that are dealt with before others may run: as many as the runtime's loop does in its two milliseconds."""


class Nothing:
    """The state of a process that nobody asks for it."""

    def observe(self) -> Observation:
        return Observation()

    def readiness(self) -> Readiness:
        return Readiness(True, ())

    def info(self) -> Info:
        raise NotImplementedError


async def hear(desk: MetricsDesk, rate: float, late: list[int]) -> None:
    """Books at due times that wait for nobody, in slices; the desk's time goes on where its history ended."""
    source, began, number, step = books(desk.symbols), time.monotonic_ns(), 0, 1e9 / rate
    while True:
        passed = time.monotonic_ns() - began
        due = int(passed / step)
        for _ in range(min(due - number, TURNS_AT_ONCE)):
            number += 1
            at = int(number * step)
            desk.handle(next(source), desk_time(at))
            late.append(time.monotonic_ns() - began - at)
        await asyncio.sleep(0 if due - number > 0 else 0.001)


def desk_time(passed: int) -> int:
    return START_NS + WARM_SECONDS * NS_PER_SECOND + passed


async def serve(rate: float) -> None:
    """Up until standard input closes."""
    desk = MetricsDesk(with_metrics=True)
    filled(desk, WARM_SECONDS)
    assert desk.analyzer is not None
    metrics = DeskMetrics(desk.analyzer, desk.instruments, lambda: desk.now, lambda: 0.0)
    late: list[int] = []
    part = market_metrics(lambda: metrics, access_over(load(environ={}), MemoryDocuments()))
    async with serving(api(Nothing(), [part]), "127.0.0.1", 0) as url:
        hearing = asyncio.create_task(hear(desk, rate, late)) if rate else None
        _say(url)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        if hearing is not None:
            hearing.cancel()
    _say(json.dumps({"books": len(late), **({} if not late else latency(late))}))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(serve(float(sys.argv[1]) if len(sys.argv) > 1 else float(SYMBOLS * BOOKS_PER_SECOND)))
