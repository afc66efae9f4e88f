"""What other parameters would have done: a recording under those that hold, and under others."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.backtest import rare_collection
from petrosa.apps.described import entry_of
from petrosa.apps.desk_bars import lengths_made
from petrosa.apps.journaling import code_version
from petrosa.apps.layers import RANKS, Given, Origin, split_symbol, with_symbol
from petrosa.apps.recorded import Input, open_recording
from petrosa.apps.recordings import on_its_venue, open_for
from petrosa.apps.settings import STORED, Settings
from petrosa.apps.wiring import Instruments, build_desk, build_exchange
from petrosa.backtest.source import peek
from petrosa.backtest.summary import pnl_of, position_lines
from petrosa.backtest.what_if import ParameterChange, Side, Watch, WhatIf, first_difference, turn_all
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Reading
from petrosa.core.signals.symbols import plain_symbol
from petrosa.core.strategies.base import CatalogEntry, ReplayHonesty
from petrosa.core.turns import Turns
from petrosa.errors import UsageError

FEW_SIGNALS: Final = 30
"""Below so many signals a side, their number says little even about this recording."""
CHANGES_MAX: Final = 50
"""Changed parameters that are listed, symbol by symbol: an answer must fit beside a stored change."""

Progress = Callable[[str], AbstractContextManager[None]]
"""Shows people what is being done, as long as it is done."""


def what_if(
    settings: Settings, strategy_id: str, sets: Sequence[str], paths: Sequence[str | Path], *,
    symbol: str = "", progress: Progress = lambda _: nullcontext(),
) -> WhatIf:  # fmt: skip
    """`compare` what holds with what would hold if `sets`, `name=value` of the strategy, were stored too.

    `symbol` lets them hold for that one only. Raises also `ConfigError` for parameters that cannot be.
    """
    changed = changed_settings(settings, entry_of(strategy_id), sets, plain_symbol(symbol))
    return compare(settings, changed, strategy_id, paths, symbol=symbol, progress=progress)


def compare(
    settings: Settings, changed: Settings, strategy_id: str, paths: Sequence[str | Path], *,
    symbol: str = "", progress: Progress = lambda _: nullcontext(),
) -> WhatIf:  # fmt: skip
    """Replay a recording under both settings, which differ in what is stored of the strategy.

    `symbol`: it differs for that one only. Nothing is written anywhere. Raises `UsageError` for a question that cannot
    be asked, `RecordingError` for the recording.
    """
    entry = entry_of(strategy_id)
    symbol = plain_symbol(symbol)
    recording, settings, instruments = open_for(settings, paths)
    changed = on_its_venue(changed, recording)
    symbols = [one.symbol for one in instruments.values() if entry.speaks_of(one)]
    if symbol and symbol not in symbols:
        said = ", ".join(symbols) or "no symbol that it speaks of"
        raise UsageError(f"{strategy_id} on {symbol}: the recording holds {said}; choose one of it")
    meant = [symbol] if symbol else symbols
    with progress("replaying with the parameters that hold"):
        before = _replay(settings, recording, instruments, Watch(strategy_id, symbol))
    with progress("replaying with the others"):
        after = _replay(changed, recording, instruments, Watch(strategy_id, symbol))
    heard = before.taken.counts.get(str(entry.listens_to.__struct_config__.tag), {})
    evaluations = sum(count for of, count in heard.items() if of in meant or entry.listens_to is Reading)
    changes = _changes(settings, changed, strategy_id, meant)
    answer = WhatIf(
        strategy_id=strategy_id, symbol=symbol, recording=recording.name, recording_sha256=recording.digest,
        code_version=code_version(), seconds=round(before.seconds, 3), evaluations=evaluations,
        changes=changes[:CHANGES_MAX], before=before.side, after=after.side,
        currency=settings.account.currency, first_difference=first_difference(before.watch, after.watch), caveats=(),
    )  # fmt: skip
    runs = any(one.strategies[strategy_id].is_enabled(name) for one in (settings, changed) for name in meant)
    unlisted = len(changes) - len(answer.changes)
    caveats = (*_overruled(settings, changed), *_caveats(entry, answer, runs=runs))
    caveats += (f"{unlisted} more changed parameters are not listed.",) if unlisted else ()
    return msgspec.structs.replace(answer, caveats=caveats)


def changed_settings(settings: Settings, entry: CatalogEntry, sets: Sequence[str], symbol: str = "") -> Settings:
    """The settings as they would be if these `name=value` were stored too, for all symbols or for one.

    Raises `UsageError` for something else than a parameter of the strategy, and `ConfigError` with a suggestion for a
    name that it does not have or a value that it cannot be.
    """
    if not sets:
        raise UsageError("nothing to compare; name a parameter, for example --set cooldown_seconds=60")
    stored = [item for item in settings.given if item.origin.kind == STORED]
    return settings.restored([*stored, *(_given(settings, entry, text, symbol) for text in sets)])


def _given(settings: Settings, entry: CatalogEntry, text: str, symbol: str) -> Given:
    name, equals, value = text.partition("=")
    name = name.strip().removeprefix("strategies.").removeprefix(f"{entry.strategy_id}.")
    if not equals or not name:
        raise UsageError(f"--set {text!r} is not name=value; for example --set cooldown_seconds=60")
    if "." in name:
        remedy = f"leave it out, or name a parameter of it (`petrosa config describe {entry.strategy_id}`)"
        if ".symbols." in f".{name}":
            remedy = "give the symbol with --symbol"
        raise UsageError(f"{name} is no parameter of {entry.strategy_id}; {remedy}")
    key = f"strategies.{entry.strategy_id}.{name}"
    alias = settings.merged.known.resolve(key)
    meant = with_symbol(alias.key, symbol) if symbol else alias.key
    return Given(meant, value, Origin(STORED, "by --set"), is_text=True, scale=alias.scale)


class _Replayed(NamedTuple):
    side: Side
    watch: Watch
    taken: Input
    seconds: float


def _replay(settings: Settings, recording: Recording, instruments: Instruments, watch: Watch) -> _Replayed:
    """One whole desk on the recording, as in a backtest, without a journal."""
    parts = build_desk(settings, instruments)
    exchange = build_exchange(settings, instruments)
    taken = open_recording(settings, recording, instruments, lengths=lengths_made(settings))
    started_at, batches = peek(taken.batches())
    turns = Turns(parts.desk, watch.take, exchange.submit, exchange)
    with rare_collection():
        turn_all(batches, turns, started_at)
    lines = position_lines(parts.trader.positions, parts.instruments, parts.markets)
    pnl = pnl_of(parts.trader, lines, parts.instruments, parts.markets, settings.account.currency)
    quiet = parts.strategist.quiet_counts.get(watch.strategy_id, {})
    return _Replayed(watch.side(quiet, pnl), watch, taken, (turns.now - started_at) / NS_PER_SECOND)


def _changes(
    before: Settings, after: Settings, strategy_id: str, symbols: Sequence[str]
) -> tuple[ParameterChange, ...]:
    """What is not the same, by symbol; once, with an empty symbol, where it is so on all of them."""
    by_symbol = {}
    for symbol in symbols:
        old, new = (_held(settings, strategy_id, symbol) for settings in (before, after))
        by_symbol[symbol] = [(name, old[name], new[name]) for name in old if old[name] != new[name]]
    first = next(iter(by_symbol.values()), [])
    if len(by_symbol) > 1 and all(one == first for one in by_symbol.values()):
        by_symbol = {"": first}
    return tuple(ParameterChange(symbol, *change) for symbol, changes in by_symbol.items() for change in changes)


def _held(settings: Settings, strategy_id: str, symbol: str) -> dict[str, object]:
    strategy = settings.strategies[strategy_id]
    return {
        "enabled": strategy.is_enabled(symbol),
        **{name: _plain(value) for name, value in msgspec.structs.asdict(strategy.for_symbol(symbol)).items()},
    }


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else msgspec.to_builtins(value)


def _overruled(before: Settings, after: Settings) -> list[str]:
    """Changes without effect, because a command line is stronger than what is stored."""
    was = [(item.key, item.value) for item in before.given if item.origin.kind == STORED]
    origins = after.merged.origins
    found = []
    for item in after.given:
        if item.origin.kind != STORED or (item.key, item.value) in was:
            continue
        key = item.key
        origin = origins.get(key) or origins[split_symbol(key)[0]]
        if origin.rank > RANKS[STORED]:
            found.append(f"{key} is given by {origin}, which is stronger than what is stored: storing changes nothing.")
    return found


def _caveats(entry: CatalogEntry, answer: WhatIf, *, runs: bool) -> list[str]:
    """What must be known before anybody believes the figures."""
    minutes, seconds = divmod(round(answer.seconds), 60)
    said = [
        f"{minutes} min {seconds} s of market say what the parameters do, not what they earn: another day is another "
        "market, and the simulated exchange is a model of one."
    ]
    kind = entry.listens_to.__struct_config__.tag
    if not answer.evaluations:
        said.append(f"The recording holds no {kind}, which {entry.strategy_id} listens to: it could not speak.")
    elif not runs:
        said.append(f"{entry.strategy_id} is not enabled on either side; compare with --set enabled=true.")
    else:
        most = max(sum(side.signals.values()) for side in (answer.before, answer.after))
        if most < FEW_SIGNALS:
            said.append(f"{most} signals a side at most: a difference of a few may be chance.")
    if not answer.changes:
        said.append("The parameters are the same on both sides.")
    if entry.replay_honesty is not ReplayHonesty.YES:
        said.append(f"A replay of {entry.strategy_id} is not what it would have done live: {entry.replay_note}")
    if entry.history != "none":
        said.append(f"Both sides begin with nothing and warm up first; it needs {entry.history}.")
    if answer.before.modelled_fills or answer.after.modelled_fills:
        said.append("Some fills are modelled: nobody traded there in the recording.")
    return said
