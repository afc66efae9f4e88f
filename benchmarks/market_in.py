"""Frames a core takes from a WebSocket to facts and envelopes, against `websockets` and `json` beside it."""

from collections.abc import Callable
from typing import Any

from benchmarks.measure import Figure, Goal, figure, interleave, ratios
from benchmarks.servers import end, heard, result, spawn

COUNT = 60_000
WORKERS = ("ours", "aiohttp", "raw", "reference")


def run(rounds: int) -> list[Figure]:
    """Flooded with the mix of 40 % depth20, 50 % trades and 10 % tickers; a core is a second of the reader's CPU."""
    last: dict[str, dict[str, Any]] = {}

    def once(worker: str) -> Callable[[], float]:
        def measure() -> float:
            last[worker] = measured(worker, "mix", COUNT)
            if last[worker]["received"] != COUNT:
                raise RuntimeError(f"{worker}: {last[worker]['received']} of {COUNT} frames arrived")
            return float(last[worker]["per_core"])

        return measure

    rates = interleave(rounds, {worker: once(worker) for worker in WORKERS})
    words = {
        "ours": "frames per core to fact and envelope, picows", "aiohttp": "the same, aiohttp",
        "raw": "frames per core, heard and no more", "reference": "the same, websockets and json",
    }  # fmt: skip
    ratio = figure(
        "in", "frames per core, ours / websockets and json", ratios(rates["ours"], rates["reference"]), "ratio",
        gate=Goal(3.0, at_least=True), stretch=Goal(5.0, at_least=True),
    )  # fmt: skip
    rest = []
    for name in WORKERS:
        details = {key: last[name][key] for key in ("cpu_us", "wall_per_s")}
        rest.append(figure("in", words[name], rates[name], "frames/s", **details))
    return [ratio, *rest]


def measured(worker: str, kind: str, count: int) -> dict[str, Any]:
    """One reader before one venue, in two processes."""
    source = spawn("benchmarks.market_source", "--kind", kind, "--count", count)
    reader = None
    try:
        reader = spawn("benchmarks.market_workers", worker, heard(source), count)
        return result(reader)
    finally:
        end(*(process for process in (source, reader) if process is not None))
