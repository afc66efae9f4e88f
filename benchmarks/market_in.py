"""Frames a core takes from a WebSocket, against `websockets` and `json` beside it: `petrosa feed`, and a desk."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.measure import Figure, Goal, figure, interleave, ratios
from benchmarks.servers import end, heard, nats_server, result, spawn

COUNT = 60_000
DESK = ("ours", "aiohttp", "raw", "reference")
FEED = {"feed": 60_000, "plain": 15_000, "light": 15_000}
"""Frames a second that the venue sends for four seconds: what keeps each busy without a backlog, so that none is left
out. `light` is the feed at the rate at which the other one is busy: it is woken for few frames at a time then."""
FEED_S = 4
WORDS = {
    "feed": "petrosa feed: frames per core to envelope on NATS, at 60,000/s",
    "plain": "the same, websockets, json, nats-py, at 15,000/s", "light": "petrosa feed at 15,000/s",
    "ours": "frames per core to fact and envelope, picows", "aiohttp": "the same, aiohttp",
    "raw": "frames per core, heard and no more", "reference": "the same, websockets and json",
}  # fmt: skip


def run(rounds: int) -> list[Figure]:
    """The mix of 40 % depth20, 50 % trades and 10 % tickers; a core is a second of the reader's CPU."""
    with nats_server() as nats:
        counts = {worker: rate * FEED_S for worker, rate in FEED.items()}
        feed, feed_last = _rates(rounds, counts, lambda worker: _bridged(worker, nats))
    desk, desk_last = _rates(rounds, dict.fromkeys(DESK, COUNT), _flooded)
    return [
        figure(
            "in", "petrosa feed: frames per core, ours / websockets and json", ratios(feed["feed"], feed["plain"]),
            "ratio", gate=Goal(4.0, at_least=True), stretch=Goal(5.0, at_least=True),
        ),
        figure(
            "in", "petrosa feed: the same, both at 15,000/s", ratios(feed["light"], feed["plain"]), "ratio",
            gate=Goal(2.5, at_least=True),
        ),
        figure(
            "in", "a desk: frames per core, ours / websockets and json", ratios(desk["ours"], desk["reference"]),
            "ratio", gate=Goal(3.0, at_least=True), stretch=Goal(5.0, at_least=True),
        ),
        *_absolute(feed, feed_last),
        *_absolute(desk, desk_last),
    ]  # fmt: skip


Rates = dict[str, list[float]]
Last = dict[str, dict[str, Any]]


def _rates(
    rounds: int, counts: Mapping[str, int], measured: Callable[[str], dict[str, Any]]
) -> tuple[Rates, Last]:  # fmt: skip
    """Frames per core in every round, and everything of the last one, where each worker has its number of frames.

    Raises `RuntimeError` when one was lost.
    """
    last: Last = {}

    def once(worker: str) -> Callable[[], float]:
        def measure() -> float:
            last[worker] = measured(worker)
            if last[worker]["received"] != counts[worker]:
                raise RuntimeError(f"{worker}: {last[worker]['received']} of {counts[worker]} frames arrived")
            return float(last[worker]["per_core"])

        return measure

    return interleave(rounds, {worker: once(worker) for worker in counts}), last


def _absolute(rates: Rates, last: Last) -> list[Figure]:
    return [
        figure("in", WORDS[name], values, "frames/s", **{key: last[name][key] for key in ("cpu_us", "wall_per_s")})
        for name, values in rates.items()
    ]


def _flooded(worker: str) -> dict[str, Any]:
    """One reader before a venue that writes as fast as it reads, in two processes."""
    return _before(("--kind", "mix", "--count", COUNT), lambda port: ("benchmarks.market_workers", worker, port, COUNT))


def _bridged(worker: str, nats: str) -> dict[str, Any]:
    """One bridge between a venue with a pace of its own and NATS, in three processes."""
    count, kind = FEED[worker] * FEED_S, "plain" if worker == "plain" else "feed"
    venue = ("--kind", "mix", "--count", count, "--rate", FEED[worker])
    return _before(venue, lambda port: ("benchmarks.feed_workers", kind, port, nats, count))


def _before(venue: Sequence[object], reader_at: Callable[[str], Sequence[object]]) -> dict[str, Any]:
    source = spawn("benchmarks.market_source", *venue)
    reader = None
    try:
        module, *words = reader_at(heard(source))
        reader = spawn(str(module), *words)
        return result(reader)
    finally:
        end(*(process for process in (source, reader) if process is not None))
