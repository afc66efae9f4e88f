"""G10 and G12: a million trades through a whole desk, against a loop that computes about as much by itself.

Ours is `Turns`, `Desk`, one strategy, risk, execution, the simulated exchange and a journal in the page cache, on facts
that are decoded already. The reference is `benchmarks.reference.plain_backtest`: no orders, no checks, no latency.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks import tape
from benchmarks.measure import Figure, Goal, figure, interleave
from benchmarks.reference import plain_backtest
from benchmarks.servers import end, result, spawn
from benchmarks.strategies import others_off
from petrosa.adapters.stores.journal.writer import open_buffered
from petrosa.apps import settings as configuration
from petrosa.apps.backtest import rare_collection
from petrosa.apps.instruments import load_instruments
from petrosa.apps.journaling import open_journal, provenance_of, record_to, run_file
from petrosa.apps.wiring import build_desk, build_exchange, checkpoint_of
from petrosa.backtest.run import run as run_plain_loop
from petrosa.backtest.summary import Tally
from petrosa.core.model.market import MarketEvent
from petrosa.core.turns import Turns

COUNT = 1_000_000
SETTINGS = (
    "strategies.orderbook_skew.enabled=false",
    "strategies.ticker_velocity.enabled=false",
    "strategies.trade_momentum.cooldown_seconds=180",
    *others_off(),
)
BATCH = 4_096


def run(rounds: int) -> list[Figure]:
    """Rates are events per CPU second; the memory is that of a process that makes its tape as it goes."""
    plain = list(tape.trades(COUNT))
    decoded = list(tape.heard(COUNT))
    tallies: list[Tally] = []

    def ours() -> float:
        seconds, tally = backtest([decoded])
        tallies.append(tally)
        return COUNT / seconds

    def reference() -> float:
        before = time.process_time()
        plain_backtest(plain)
        return COUNT / (time.process_time() - before)

    with rare_collection():
        rates = interleave(rounds, {"ours": ours, "reference": reference})
    shares = [a / b for a, b in zip(rates["ours"], rates["reference"], strict=True)]
    last = tallies[-1]
    if not last.fills:
        raise RuntimeError("the backtest filled nothing, so its speed means nothing")
    return [
        figure("G10", "backtest of 1M trades, one strategy / plain loop", shares, "ratio",
               gate=Goal(0.15, at_least=True), stretch=Goal(0.4, at_least=True)),
        figure("G10", "backtest of 1M trades, one strategy", rates["ours"], "trades/s",
               signals=sum(sum(counts.values()) for counts in last.signals.values()), orders=last.orders,
               fills=last.fills, refusals=dict(last.refusals)),
        figure("G10", "plain loop", rates["reference"], "trades/s"),
        *_memory(),
    ]  # fmt: skip


def backtest(batches: Iterable[list[tuple[int, MarketEvent]]]) -> tuple[float, Tally]:
    """CPU seconds of one run, and what it came to."""
    settings = configuration.load(sets=SETTINGS, environ={})
    known = load_instruments(None)
    instruments = {tape.BITCOIN: known[tape.BITCOIN]}
    parts, exchange, tally = build_desk(settings, instruments), build_exchange(settings, instruments), Tally()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        journal = open_journal(
            settings, path, provenance_of(settings, instruments), run_file(path, "bench"), durable=False,
            opener=open_buffered,
        )  # fmt: skip
        turns = Turns(parts.desk, record_to(journal.record, tally.take), exchange.submit, exchange)
        before = time.process_time()
        run_plain_loop(batches, turns, journal, lambda: checkpoint_of(turns, parts.desk, exchange), tape.START)
        spent = time.process_time() - before
        journal.close()
    return spent, tally


def _memory() -> list[Figure]:
    process = spawn("benchmarks.backtest", "memory")
    try:
        found = result(process)
    finally:
        end(process)
    return [
        figure("G12", "peak memory of a backtest of 1M trades", [found["peak_mb"]], "MB", aim=Goal(250),
               stretch=Goal(150), peak_mb_after_a_tenth=found["tenth_mb"]),
    ]  # fmt: skip


def _batches(count: int) -> Iterable[list[tuple[int, MarketEvent]]]:
    batch: list[tuple[int, MarketEvent]] = []
    for item in tape.heard(count):
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def _peak_mb() -> float:
    """Not `ru_maxrss`, which a process inherits from the one that started it."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1e3


def main() -> None:
    """The measured process: a tenth first, to see whether memory grows with the length of the tape."""
    backtest(_batches(COUNT // 10))
    tenth = _peak_mb()
    backtest(_batches(COUNT))
    sys.stdout.write(json.dumps({"tenth_mb": tenth, "peak_mb": _peak_mb()}) + "\n")


if __name__ == "__main__":
    main()
