"""The plain loop: a recording through the same turns as everywhere else, as fast as it goes."""

import time
from collections.abc import Callable, Iterable, Sequence

from petrosa.backtest.source import Heard
from petrosa.core.model.events import Started, Warmup
from petrosa.core.model.market import MarketEvent
from petrosa.core.turns import Turns
from petrosa.ports import Journal

STARTED = Started("recording")
"""How a run on recorded data begins, in whatever loop it is turned."""


def run(
    batches: Iterable[Sequence[Heard]],
    turns: Turns,
    journal: Journal,
    checkpoint: Callable[[], bytes],
    started_at: int,
    history: Iterable[MarketEvent] = (),
) -> float:
    """Turn everything, then close the journal in order; `turns` records into it. Returns the seconds of turning alone.

    `started_at` is the time of the first fact, `checkpoint` gives everything after the last turn as JSON, `history` is
    what strategies warm up with. Marks are left as they are at the end: nothing is closed that the strategies would
    have kept.
    """

    def rotate_when_full() -> None:
        if journal.full:
            journal.rotate(turns.sequence, turns.now, checkpoint())

    begin(turns, journal, checkpoint, started_at, history)
    decide_s = 0.0
    for batch in batches:
        began = time.perf_counter()
        turns.markets(batch, rotate_when_full)
        decide_s += time.perf_counter() - began
    journal.finish(turns.sequence, turns.now)
    journal.sync()
    return decide_s


def begin(
    turns: Turns, journal: Journal, checkpoint: Callable[[], bytes], started_at: int,
    history: Iterable[MarketEvent] = (),
) -> None:  # fmt: skip
    """The first segment with its checkpoint, the turn that says so, and the past, which makes no signal."""
    journal.rotate(turns.sequence, turns.now, checkpoint())
    turns.other(STARTED, started_at)
    for fact in history:
        turns.other(Warmup(fact), started_at)
