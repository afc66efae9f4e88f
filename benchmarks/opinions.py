"""What each strategy takes of a core, per fact that it scores and per fact that it notes, on the small recording."""

import time
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from benchmarks.measure import Figure, NotHere, figure
from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.venues.replay.normalise import Normaliser
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.instruments import load_instruments
from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import MarketEvent
from petrosa.core.strategies.base import CatalogEntry, Noting
from petrosa.core.strategies.catalog import TICK

RECORDING = Path(__file__).parents[1] / "recordings" / "synthetic-usdm"
SYMBOL = "binance:usdm:BTCUSDT"


def run(rounds: int) -> list[Figure]:
    """Microseconds a fact, clocks read once for each run of facts of a kind."""
    if not RECORDING.is_dir():
        raise NotHere(f"there is no recording in {RECORDING}; run from a checkout")
    rules = load_instruments()
    instrument = next(one for key, one in rules.items() if key == SYMBOL)
    facts = [(now, event) for now, event in _facts() if event.instrument == instrument.id]
    runs = [(kind, list(group)) for kind, group in groupby(facts, key=lambda fact: type(fact[1]))]
    found = []
    for name, entry in TICK.items():
        kinds = [kind for kind in (entry.listens_to, *entry.notes) if any(kind is other for other, _ in runs)]
        times = [_once(entry, instrument, runs) for _ in range(rounds)]
        for kind in kinds:
            does = "scores" if kind is entry.listens_to else "notes"
            found.append(figure("", f"{name} {does} a {kind.__name__}", [each[kind] for each in times], "us"))
    return found


def _once(
    entry: CatalogEntry, instrument: Instrument, runs: Iterable[tuple[type, list[tuple[int, MarketEvent]]]]
) -> dict[type, float]:
    strategy, market = entry.build(entry.params()), MarketState(instrument, Tape(10 * NS_PER_SECOND))
    spent: dict[type, float] = {}
    counts: dict[type, int] = {}
    for kind, group in runs:
        if kind is entry.listens_to:
            take = strategy.evaluate
        elif kind in entry.notes and isinstance(strategy, Noting):
            take = strategy.note
        else:
            continue
        before = time.perf_counter_ns()
        for now, event in group:
            take(event, market, now)
        spent[kind] = spent.get(kind, 0.0) + time.perf_counter_ns() - before
        counts[kind] = counts.get(kind, 0) + len(group)
    return {kind: spent[kind] / counts[kind] / 1e3 for kind in spent}


def _facts() -> Iterator[tuple[int, MarketEvent]]:
    recording = Recording([RECORDING])
    normaliser = Normaliser(Parser("binance", recording.product, recording.symbols), load_instruments())
    for frames in recording.batches():
        yield from normaliser.feed(frames)
    yield from normaliser.flush()
