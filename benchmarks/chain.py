"""G5 and G6: from a tick's due time to its fill, through three processes joined by NATS and in one process."""

from collections.abc import Callable
from contextlib import ExitStack
from subprocess import Popen
from typing import Any

from benchmarks.measure import Figure, Goal, figure, interleave, ratios
from benchmarks.servers import end, heard, nats_server, result, spawn
from benchmarks.source import SIGNAL_EVERY

RATE = 2_000
SECONDS = 4
COUNT = RATE * SECONDS
WORKERS = "benchmarks.chain_workers"


def run(rounds: int) -> list[Figure]:
    """At 2,000 books a second, of which every fiftieth makes a signal, with and without waiting for the disk."""
    last: dict[str, list[dict[str, Any]]] = {}

    def timed(name: str, once: Callable[[], dict[str, Any]]) -> Callable[[], float]:
        def measure() -> float:
            found = once()
            if found["fills"] < COUNT // SIGNAL_EVERY // 2:
                raise RuntimeError(f"{name}: only {found['fills']} fills of {COUNT // SIGNAL_EVERY} signals")
            last.setdefault(name, []).append(found)
            return float(found["p50_us"])

        return measure

    p50 = interleave(
        rounds,
        {
            "three": timed("three", lambda: three_processes(durable=False)),
            "one": timed("one", lambda: one_process(durable=False)),
            "three durable": timed("three durable", lambda: three_processes(durable=True)),
            "one durable": timed("one durable", lambda: one_process(durable=True)),
        },
    )
    p99 = {name: [found["p99_us"] for found in rounds_of] for name, rounds_of in last.items()}
    fills = {name: rounds_of[-1]["fills"] for name, rounds_of in last.items()}
    sent = {name: [found["sent_p50_us"] for found in rounds_of] for name, rounds_of in last.items()}
    return [
        figure("G5", "three processes, p50", p50["three"], "us", aim=Goal(2_000), stretch=Goal(500), fills=fills),
        figure("G5", "three processes, p99", p99["three"], "us", aim=Goal(10_000), stretch=Goal(1_000)),
        figure("G5", "three processes, durable intents, p50", p50["three durable"], "us", aim=Goal(2_000)),
        figure("G5", "three processes, durable intents, p99", p99["three durable"], "us", aim=Goal(10_000)),
        figure("G5", "three processes, order leaves, p50", sent["three"], "us"),
        figure("G6", "one process / three processes, p50", ratios(p50["one"], p50["three"]), "ratio", gate=Goal(0.5)),
        figure("G6", "one process, p50", p50["one"], "us", stretch=Goal(100)),
        figure("G6", "one process, order leaves, p50", sent["one"], "us"),
        figure("G6", "one process, p99", p99["one"], "us", stretch=Goal(300)),
        figure("G6", "one process, durable intents, p50", p50["one durable"], "us"),
        figure("G6", "one process, durable intents, p99", p99["one durable"], "us"),
    ]


def one_process(*, durable: bool) -> dict[str, Any]:
    """A whole desk at the source."""
    source = spawn("benchmarks.source", "--count", COUNT, "--rate", RATE)
    desk = None
    try:
        port = heard(source)
        desk = spawn(WORKERS, "desk", "--port", port, "--count", COUNT, *(["--durable"] if durable else []))
        return result(desk)
    finally:
        end(*(process for process in (source, desk) if process is not None))


def three_processes(*, durable: bool) -> dict[str, Any]:
    """Feed, strategies and trade, on a new server, so that no stream holds anything of a run before."""
    with nats_server(jetstream=True) as url, ExitStack() as stack:

        def start(module: str, *arguments: object) -> "Popen[str]":
            process = spawn(module, *arguments)
            stack.callback(end, process)
            return process

        trade = start(WORKERS, "trade", "--url", url, *(["--durable"] if durable else []))
        strategies = start(WORKERS, "strategies", "--url", url, "--count", COUNT)
        port = heard(start("benchmarks.source", "--count", COUNT, "--rate", RATE))
        heard(trade)
        heard(strategies)
        start(WORKERS, "feed", "--url", url, "--port", port, "--count", COUNT)
        return result(trade)
