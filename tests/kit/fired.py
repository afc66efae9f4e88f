"""How often each strategy fired on a recording: asked, quiet, held back, refused, spoken. No trader, no orders."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.instruments import load_instruments
from petrosa.apps.journaling import code_version
from petrosa.apps.recorded import open_recording
from petrosa.apps.settings import load
from petrosa.apps.wiring import Instruments, build_markets, build_strategist, choose_instruments
from petrosa.backtest.source import Heard
from petrosa.backtest.what_if import turn_all
from petrosa.core.desk import Desk
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.events import Decision, Event, SignalMade
from petrosa.core.model.market import InstrumentId, Reading, reading_key
from petrosa.core.model.refusals import Refused
from petrosa.core.strategies.base import CatalogEntry
from petrosa.core.strategies.catalog import TICK
from petrosa.core.turns import Turns


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy on one symbol. `asked` facts: `quiet` by reason, `held_back` by edge or persistence, `candidates`.

    Of the candidates `refused`, by first failed check, and `signals`, by action, which with no cooldown were more.
    """

    asked: int
    quiet: dict[str, int]
    held_back: int
    candidates: int
    refused: dict[str, int]
    signals: dict[str, int]
    signals_without_cooldown: dict[str, int]


class Fired(msgspec.Struct, frozen=True, kw_only=True):
    """A recording, and what each strategy did on each of its symbols: `counts[strategy][symbol]`."""

    recording: str
    digest: str
    code_version: str
    seconds: float
    counts: dict[str, dict[str, Counts]]


class _Seen:
    """Counts decisions by strategy. `take` has the shape of `core.turns.Record`."""

    def __init__(self) -> None:
        self.signals: dict[str, Counter[str]] = {name: Counter() for name in TICK}
        self.refused: dict[str, Counter[str]] = {name: Counter() for name in TICK}
        self.quiet: dict[str, dict[str, int]] = {}

    def take(self, sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, SignalMade):
                self.signals[decision.signal.strategy_id][decision.signal.action.value] += 1
            elif isinstance(decision, Refused):
                self.refused[decision.strategy_id][decision.check] += 1


def measure(path: Path) -> Fired:
    """Every strategy on every symbol of a recording, on default settings and with no cooldown, whether or not it is
    enabled by default."""
    recording = Recording([path])
    settings = load(environ={})
    instruments = choose_instruments(settings, load_instruments(), recording.product, recording.symbols)
    heard = [fact for batch in open_recording(settings, recording, instruments).batches() for fact in batch]
    facts = Counter((type(event), event.instrument) for _, event in heard)
    counts: dict[str, dict[str, Counts]] = {name: {} for name in TICK}
    for key, instrument in instruments.items():
        usual = _turned(heard, instruments, instrument.symbol)
        eager = _turned(heard, instruments, instrument.symbol, "cooldown_seconds=0")
        for name, entry in TICK.items():
            if entry.speaks_of(instrument):
                counts[name][instrument.symbol] = _counts(name, _asked(entry, key, facts), usual, eager)
    return Fired(
        recording=recording.name,
        digest=recording.digest,
        code_version=code_version(),
        seconds=round((heard[-1][0] - heard[0][0]) / NS_PER_SECOND, 3),
        counts=counts,
    )


def _turned(heard: Sequence[Heard], instruments: Instruments, symbol: str, also: str = "") -> _Seen:
    """Every strategy on one symbol, with the markets of all of them in sight."""
    sets = [f"strategies.{name}.enabled=false" for name in TICK]
    sets += [f"strategies.{name}.symbols.{symbol}.enabled=true" for name in TICK]
    sets += [f"strategies.{name}.{also}" for name in TICK if also]
    markets = build_markets(instruments)
    strategist = build_strategist(load(sets=sets, environ={}), instruments, markets)
    seen = _Seen()
    turn_all([heard], Turns(Desk(markets, strategist), seen.take, lambda order, now: None), heard[0][0])
    seen.quiet = strategist.quiet_counts
    return seen


def _asked(entry: CatalogEntry, key: InstrumentId, facts: Counter[tuple[type, InstrumentId]]) -> int:
    if entry.listens_to is Reading:
        return sum(facts[Reading, reading_key(topic)] for topic in entry.reads)
    return facts[entry.listens_to, key]


def _counts(name: str, asked: int, usual: _Seen, eager: _Seen) -> Counts:
    quiet = {reason: count for reason, count in usual.quiet[name].items() if count}
    candidates = usual.signals[name].total() + usual.refused[name].total()
    return Counts(
        asked=asked,
        quiet=quiet,
        held_back=asked - sum(quiet.values()) - candidates,
        candidates=candidates,
        refused=dict(sorted(usual.refused[name].items())),
        signals=dict(sorted(usual.signals[name].items())),
        signals_without_cooldown=dict(sorted(eager.signals[name].items())),
    )
