"""G16: what it costs to write a decision down before an order may leave, with and without waiting for the disk."""

import os
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec

from benchmarks.measure import Figure, Goal, figure, interleave, latency, percentile, rounded
from petrosa.adapters.stores.journal.format import Provenance, RunFile
from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.core.model.base import Side
from petrosa.core.model.events import Decision, SignalAgreed
from petrosa.core.model.market import InstrumentId, Trade
from petrosa.core.model.orders import Approved, Intent, Leg, OrderType, Place, TimeInForce
from petrosa.core.model.refusals import passed

TURNS = 400
INSTRUMENT = InstrumentId("binance:usdm:BTCUSDT")
FACT = Trade(INSTRUMENT, 1, 1, 64_000.0, 0.1, Side.BUY, 1)


def run(rounds: int) -> list[Figure]:
    """Turns that end in an intent, written by the journal of a run into a temporary folder."""
    samples: dict[str, list[list[int]]] = {}
    ways: dict[str, Callable[[], list[int]]] = {
        "page cache": lambda: _append(durable=False),
        "durable": lambda: _append(durable=True),
        "bare fdatasync": _bare,
    }

    def timed(name: str) -> Callable[[], float]:
        def once() -> float:
            taken = ways[name]()
            samples.setdefault(name, []).append(taken)
            return percentile(taken, 0.5) / 1e3

        return once

    medians = interleave(rounds, {name: timed(name) for name in ways})
    all_of = {name: [ns for taken in rounds_of for ns in taken] for name, rounds_of in samples.items()}
    p99 = [percentile(taken, 0.99) / 1e6 for taken in samples["durable"]]
    return [
        figure("G16", "append a turn with an intent, page cache", medians["page cache"], "us",
               aim=Goal(50), **latency(all_of["page cache"])),
        figure("G16", "append a turn with an intent, fdatasync, p50", medians["durable"], "us",
               stretch=Goal(200), **latency(all_of["durable"]),
               bare_fdatasync_p50_us=rounded(percentile(all_of["bare fdatasync"], 0.5) / 1e3)),
        figure("G16", "append a turn with an intent, fdatasync, p99", p99, "ms", aim=Goal(1.0),
               bare_fdatasync_p99_ms=rounded(percentile(all_of["bare fdatasync"], 0.99) / 1e6)),
        figure("G16", "durable append / bare write and fdatasync",
               [a / b for a, b in zip(medians["durable"], medians["bare fdatasync"], strict=True)], "ratio"),
    ]  # fmt: skip


def decisions(number: int) -> tuple[Decision, ...]:
    """What a turn that lets an order leave decides."""
    place = Place(Side.BUY, OrderType.LIMIT, Decimal("0.015"), Decimal("64001.5"), None, TimeInForce.IOC)
    intent = Intent(f"p{number:031d}", "paper", INSTRUMENT, Leg.ENTRY, place, f"{number:032x}", "orderbook_skew")
    outcomes = tuple(passed(f"check_{i}", "0.61 of 1", "at least 0.5 of 1") for i in range(12))
    return SignalAgreed(f"{number:032x}", outcomes), Approved(intent)


def _append(*, durable: bool) -> list[int]:
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        provenance = Provenance(
            code_version="bench", platform="bench", configuration=msgspec.Raw(b"{}"), instruments=()
        )
        writer = JournalWriter(Path(folder), provenance, RunFile(run_id="bench", started_at=""), durable=durable)
        writer.rotate(0, 0, b"{}")
        turns = [decisions(number) for number in range(1, TURNS + 1)]
        for number, decided in enumerate(turns, 1):
            before = time.perf_counter_ns()
            writer.record(number, number, FACT, decided)
            taken.append(time.perf_counter_ns() - before)
        writer.close()
    return taken


def _bare() -> list[int]:
    """The floor: as many bytes written and synced by hand."""
    line = msgspec.json.encode(decisions(1)) + b"\n"
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        descriptor = os.open(Path(folder) / "bare", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        for _ in range(TURNS):
            before = time.perf_counter_ns()
            os.write(descriptor, line)
            os.fdatasync(descriptor)
            taken.append(time.perf_counter_ns() - before)
        os.close(descriptor)
    return taken
