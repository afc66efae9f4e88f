"""G14: market metrics of 150 symbols while they are heard, what keeping them costs the strategies, and what memory."""

import gc
import time
import tracemalloc
from subprocess import PIPE, Popen
from typing import Any

from benchmarks.measure import Figure, Goal, cpu_ns_each, figure, interleave, ratios
from benchmarks.metrics_desk import BOOKS_PER_SECOND, START_NS, SYMBOLS, MetricsDesk, filled, mixed
from benchmarks.metrics_load import ROUTES
from benchmarks.servers import end, heard, result, spawn
from petrosa.core.analytics.analyzer import DepthAnalyzer
from petrosa.core.analytics.params import MetricsParams
from petrosa.core.model.base import NS_PER_SECOND

FRAMES = 20_000
STEP_NS = 266_667
"""Time between two frames of the desk: two in five are books, so that there are 1,500 of those a second."""
REQUESTS = 1_200
PER_SECOND = 100.0
RATE = SYMBOLS * BOOKS_PER_SECOND


def run(rounds: int) -> list[Figure]:
    """Cost to the strategies, answers while 1,500 books a second are heard, answers of an idle process, memory."""
    # A ratio so near to 1 drowns in the noise of a few rounds.
    return [*_throughput(3 * rounds), *_answers(rounds), _memory()]


def throughput(frames: int, rounds: int) -> dict[str, list[float]]:
    """Frames a second of CPU, from bytes to decisions, with and without market metrics."""

    def once(with_metrics: bool) -> float:
        desk = MetricsDesk(with_metrics=with_metrics)
        ready = mixed(desk.symbols, frames)
        filled(desk, 2)

        def work() -> None:
            for number, frame in enumerate(ready):
                desk.handle(frame, START_NS + 2 * NS_PER_SECOND + number * STEP_NS)

        gc.collect()
        return 1e9 / cpu_ns_each(work, frames)

    return interleave(rounds, {"with": lambda: once(True), "without": lambda: once(False)})


def memory(symbols: int) -> int:
    """Bytes that an analyzer holds after fifteen minutes of so many symbols, beyond what the desk has without it."""
    desk = MetricsDesk(with_metrics=False, symbols=symbols)
    filled(desk, 1)
    tracemalloc.start()
    analyzer = DepthAnalyzer(MetricsParams())
    for market in desk.markets.values():
        assert market.depth is not None
        for second in range(901):
            analyzer.hear(market.depth, market, START_NS + second * NS_PER_SECOND)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken


def _throughput(rounds: int) -> list[Figure]:
    found = throughput(FRAMES, rounds)
    name = f"strategies on {SYMBOLS} symbols"
    return [
        figure("G14", f"{name}, with metrics / without", ratios(found["with"], found["without"]), "ratio",
               gate=Goal(0.9, at_least=True)),
        figure("G14", f"{name}, with metrics", found["with"], "messages/s"),
    ]  # fmt: skip


def _answers(rounds: int) -> list[Figure]:
    busy, idle, alone = [], [], []
    for _ in range(min(rounds, 3)):
        busy.append(_asked(RATE))
        idle.append(_asked(0))
        alone.append(_unasked(RATE))
    found = []
    for name in ROUTES:
        what = f"{name}, {SYMBOLS} symbols, {RATE:,} books/s"
        found.append(figure("G14", f"{what}: p50", [one[name]["p50_us"] for one in busy], "us"))
        p99 = [one[name]["p99_us"] / 1e3 for one in busy]
        found.append(
            figure("G14", f"{what}: p99", p99, "ms", gate=Goal(50), max_us=[one[name]["max_us"] for one in busy])
        )
        still = [one[name]["p50_us"] for one in idle]
        found.append(figure("G14", f"{name}, idle: p50", still, "us", stretch=Goal(150) if name == "depth" else None))
        found.append(
            figure("G14", f"{name}, idle: p99", [one[name]["p99_us"] / 1e3 for one in idle], "ms", aim=Goal(5))
        )
    asked, unasked = [one["server"]["p99_us"] for one in busy], [one["p99_us"] for one in alone]
    found.append(
        figure("G14", f"a book's p99 at {PER_SECOND:g} requests/s / at none", ratios(asked, unasked), "ratio",
               aim=Goal(2), asked_us=asked, unasked_us=unasked)
    )  # fmt: skip
    return found


def _asked(rate: float) -> dict[str, Any]:
    """A serving process and one that asks; what either measured."""
    server = _server(rate)
    load = None
    try:
        url = heard(server)
        load = spawn("benchmarks.metrics_load", url, "--requests", REQUESTS, "--rate", PER_SECOND, "--symbols", SYMBOLS)
        found = result(load)
        return found | {"server": _stopped(server)}
    finally:
        end(*(process for process in (server, load) if process is not None))


def _unasked(rate: float) -> dict[str, Any]:
    """A serving process that nobody asks, for as long."""
    server = _server(rate)
    try:
        heard(server)
        time.sleep(REQUESTS / PER_SECOND)
        return _stopped(server)
    finally:
        end(server)


def _server(rate: float) -> "Popen[str]":
    return spawn("benchmarks.metrics_server", rate, stdin=PIPE)


def _stopped(server: "Popen[str]") -> dict[str, Any]:
    assert server.stdin is not None
    server.stdin.close()
    return result(server)


def _memory() -> Figure:
    held = memory(SYMBOLS) / 1e6
    return figure("G14", f"memory of the metrics of {SYMBOLS} symbols", [held], "MB", gate=Goal(100))
