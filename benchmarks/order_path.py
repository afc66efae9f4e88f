"""G7: from a signal to the bytes of its order, on a desk in one process before the paper exchange in another."""

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import Figure, Goal, figure, interleave, percentile, ratios, rounded
from benchmarks.order_desk import Way
from benchmarks.order_signals import RATE
from benchmarks.servers import end, heard, nats_server, result, spawn

SECONDS = 5
COUNT = RATE * SECONDS
FIRST = 14
"""Left out: the first of each symbol and action pay for imports and connections."""
WORKERS = "benchmarks.order_workers"
Found = dict[str, Any]


def run(rounds: int) -> list[Figure]:
    """At 100 signals a second, every one an entry or an exit, each entry protected, the journal synced."""
    found: dict[str, list[Found]] = {}

    def timed(name: str, way: Callable[[], Found]) -> Callable[[], float]:
        def once() -> float:
            one = way()
            if len(one["ways"]) < COUNT // 4:
                raise RuntimeError(f"{name}: {len(one['ways'])} orders of {COUNT} signals; refused {one['refused']}")
            found.setdefault(name, []).append(one)
            return _late(one, "made" if name in {"http", "nats"} else "told", 0.99)

        return once

    p99 = interleave(
        rounds,
        {
            "own": timed("own", lambda: measure("own")),
            "store away": timed("store away", lambda: measure("own", store_away=True)),
            "http": timed("http", lambda: measure("http")),
            "nats": timed("nats", _over_nats),
        },
    )
    p50 = {
        name: [_late(one, "made" if name in {"http", "nats"} else "told", 0.5) for one in of_rounds]
        for name, of_rounds in found.items()
    }
    orders = {name: [len(one["ways"]) for one in of_rounds] for name, of_rounds in found.items()}
    stops = {name: [percentile(one["stops"], 0.99) / 1e6 for one in found[name]] for name in ("own", "store away")}
    return [
        figure("G7", "signal told to order written, p50", p50["own"], "ms", orders=orders["own"]),
        figure("G7", "signal told to order written, p99", p99["own"], "ms", aim=Goal(10), stretch=Goal(5)),
        *(figure("G7", f"… of it {name}, p50", [_part(one, *ends) for one in found["own"]], "ms")
          for name, ends in PARTS.items()),
        figure("G7", "fill told to stop written, p99", stops["own"], "ms", aim=Goal(10)),
        figure("G7", "the same, the store locked: signal, p99", p99["store away"], "ms", aim=Goal(10)),
        figure("G7", "the same, the store locked: stop, p99", stops["store away"], "ms", aim=Goal(10)),
        figure("G7", "the store locked / not, signal, p99", ratios(p99["store away"], p99["own"]), "ratio"),
        figure("G7", "POST sent to order written, p50", p50["http"], "ms", orders=orders["http"]),
        figure("G7", "POST sent to order written, p99", p99["http"], "ms", aim=Goal(10)),
        figure("G7", "published on JetStream to order written, p50", p50["nats"], "ms", orders=orders["nats"]),
        figure("G7", "published on JetStream to order written, p99", p99["nats"], "ms", aim=Goal(10)),
    ]  # fmt: skip


PARTS = {
    "in the inbox": ("told", "taken"),
    "turning and writing the journal": ("taken", "recorded"),
    "waiting for the disk": ("sync",),
    "gateway, signing and the client": ("recorded", "written"),
}


def measure(way: str, *, store_away: bool = False) -> Found:
    """One round on a new exchange and a new desk. `way` is own, http or the server of NATS."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:

        def start(*words: object) -> Any:
            process = spawn(WORKERS, *words)
            stack.callback(end, process)
            return process

        exchange = heard(start("venue"))
        desk = start("desk", "--url", exchange, "--home", folder, "--way", way, "--count", COUNT)
        if store_away:
            said = json.loads(heard(desk))
            with locked(Path(folder) / "documents.sqlite"):
                return result(desk)
        said = json.loads(heard(desk))
        if way != "own":
            role, url = ("http", said["url"]) if way == "http" else ("nats", way)
            start(role, "--url", url, "--prices", json.dumps(said["prices"]), "--count", COUNT)
        return result(desk)


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Somebody else writes to the store, and does not end."""
    with closing(sqlite3.connect(store, isolation_level=None, timeout=30.0)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def _over_nats() -> Found:
    with nats_server(jetstream=True) as url:
        return measure(url)


def _ways(found: Found) -> list[Way]:
    return [Way(*one) for one in found["ways"][FIRST:]]


def _late(found: Found, since: str, share: float) -> float:
    """How late requests are written, in ms."""
    return percentile([one.written - getattr(one, since) for one in _ways(found)], share) / 1e6


def _part(found: Found, begin: str, stop: str = "") -> float:
    """The median of one part of the way, in ms; turning without the wait for the disk within it."""
    if not stop:
        return rounded(median(getattr(one, begin) for one in _ways(found)) / 1e6)
    inner = [one.sync if stop == "recorded" else 0 for one in _ways(found)]
    taken = [getattr(one, stop) - getattr(one, begin) for one in _ways(found)]
    return rounded(median(a - b for a, b in zip(taken, inner, strict=True)) / 1e6)
