"""G4: how late a depth20 message is dealt with, counted from when it was due, at rates that a feed may have."""

from typing import Any

from benchmarks.measure import Figure, Goal, figure, interleave
from benchmarks.servers import measured, nats_server

RATES = (1_000, 5_000, 10_000)
SECONDS = 3


def run(rounds: int) -> list[Figure]:
    """Each rate with our strategy process and with a reader that does nothing, which is the floor."""
    found: list[Figure] = []
    with nats_server() as url:
        for rate in RATES:
            found += _at(url, rate, rounds)
    return found


def _at(url: str, rate: int, rounds: int) -> list[Figure]:
    taken: dict[str, list[dict[str, Any]]] = {"ours": [], "raw": []}

    def once(worker: str) -> float:
        taken[worker].append(measured(url, worker, "depth20", rate * SECONDS, rate))
        return float(taken[worker][-1]["p50_us"])

    interleave(rounds, {"ours": lambda: once("ours"), "raw": lambda: once("raw")})
    ours, floor = taken["ours"], taken["raw"]

    def over_floor(key: str) -> list[float]:
        return [mine[key] / least[key] for mine, least in zip(ours, floor, strict=True)]

    lost = [float(rate * SECONDS - one["received"] + one["dropped"]) for one in ours]
    name = f"depth20 at {rate:,}/s"
    top = rate == max(RATES)
    return [
        figure("G4", f"{name}: lost", lost, "messages", gate=Goal(0)),
        figure("G4", f"{name}: p50", [one["p50_us"] for one in ours], "us"),
        figure("G4", f"{name}: p99", [one["p99_us"] for one in ours], "us",
               p999_us=max(one["p999_us"] for one in ours), max_us=max(one["max_us"] for one in ours)),
        figure("G4", f"{name}: p50 / bare reader", over_floor("p50_us"), "ratio", gate=Goal(2.0) if top else None,
               bare_p50_us=[one["p50_us"] for one in floor]),
        figure("G4", f"{name}: p99 / bare reader", over_floor("p99_us"), "ratio", gate=Goal(5.0) if top else None,
               bare_p99_us=[one["p99_us"] for one in floor]),
        figure("G4", f"{name}: CPU of the process", [one["cpu_share"] for one in ours], "cores",
               aim=Goal(0.7) if top else None, stretch=Goal(0.5) if top else None),
    ]  # fmt: skip
