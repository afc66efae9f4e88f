"""A journal that was cut anywhere is turned again to exactly there, and what follows is new."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.backtest import run_backtest
from petrosa.apps.instruments import load_instruments
from petrosa.apps.recorded import open_recording
from petrosa.apps.retrace import Retrace
from petrosa.apps.settings import Settings
from petrosa.apps.wiring import build_desk, build_exchange, choose_instruments
from petrosa.core.model.market import MarketEvent
from petrosa.core.turns import Turns
from petrosa.ports import JournaledTurn
from tests.kit.services import TWIN, settings_of


def facts_of(settings: Settings) -> Iterator[tuple[int, MarketEvent]]:
    recording = Recording([TWIN])
    instruments = choose_instruments(settings, load_instruments(), "usdm", ("BTCUSDT", "ETHUSDT"))
    for batch in open_recording(settings, recording, instruments).batches():
        yield from batch


async def turned_again(
    settings: Settings, facts: list[tuple[int, MarketEvent]], journaled: list[JournaledTurn]
) -> tuple[int, list[int]]:
    """(the turn at which the retrace stood when it returned, the turns that it called new)."""
    instruments = choose_instruments(settings, load_instruments(), "usdm", ("BTCUSDT", "ETHUSDT"))
    exchange = build_exchange(settings, instruments)
    left = iter(facts)
    new: list[int] = []

    async def next_fact() -> tuple[int, MarketEvent]:
        return next(left)

    retrace = Retrace(journaled, journaled[-1].sequence, lambda sequence, *_: new.append(sequence), lambda *_: None)
    turns = Turns(build_desk(settings, instruments).desk, retrace.record, exchange.submit, exchange)
    await retrace.run(turns, next_fact)
    return turns.sequence, new


def test_a_cut_between_two_things_of_the_same_instant(tmp_path: Path) -> None:
    """A process died after the first of several answers that were due together: the others are not turned too early."""
    settings = settings_of(tmp_path, "")
    journal = run_backtest([TWIN], settings).journal
    turns = list(JournalReader(Path(journal.path)).turns())
    facts = list(facts_of(settings))
    cuts = [
        place + 1
        for place, (one, other) in enumerate(pairwise(turns))
        if one.now == other.now and one.event is not None and other.event is not None and place
    ]
    assert len(cuts) > 10
    for cut in cuts[:: len(cuts) // 8]:
        told = turns[:cut]
        assert (told[-1].sequence, []) == asyncio.run(turned_again(settings, facts, told))
