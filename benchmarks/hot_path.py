"""G3: messages a core can take through NATS, parser and strategies, against the plain way beside it."""

from collections.abc import Callable
from typing import Any

from benchmarks.measure import Figure, Goal, figure, interleave, ratios
from benchmarks.servers import measured, nats_server

COUNT = 60_000


def run(rounds: int) -> list[Figure]:
    """Flooded with the mix of 40 % depth20, 50 % trades and 10 % tickers; a core is a second of the worker's CPU."""
    last: dict[str, dict[str, Any]] = {}
    with nats_server() as url:

        def once(worker: str) -> Callable[[], float]:
            def measure() -> float:
                last[worker] = measured(url, worker, "mix", COUNT)
                if last[worker]["received"] != COUNT:
                    raise RuntimeError(f"{worker}: {last[worker]['received']} of {COUNT} messages arrived")
                return float(last[worker]["per_core"])

            return measure

        rates = interleave(rounds, {worker: once(worker) for worker in ("ours", "reference")})
    return [
        figure("G3", "hot path per core, mix, ours / nats-py and json", ratios(rates["ours"], rates["reference"]),
               "ratio", gate=Goal(1.3, at_least=True), stretch=Goal(1.8, at_least=True)),
        figure("G3", "hot path per core, mix, ours", rates["ours"], "messages/s", aim=Goal(20_000, at_least=True),
               cpu_us=last["ours"]["cpu_us"], wall_per_s=last["ours"]["wall_per_s"]),
        figure("G3", "hot path per core, mix, nats-py and json", rates["reference"], "messages/s",
               cpu_us=last["reference"]["cpu_us"], wall_per_s=last["reference"]["wall_per_s"]),
    ]  # fmt: skip
