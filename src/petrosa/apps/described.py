"""A strategy in words and tables, read off its declaration: what `config describe` prints and its page shows."""

import difflib
import inspect

import msgspec

from petrosa.apps.configuration.declarations import schema_of
from petrosa.apps.settings import known_keys
from petrosa.core.model.market import Candle
from petrosa.core.strategies.base import CatalogEntry
from petrosa.core.strategies.catalog import CATALOG
from petrosa.errors import UsageError
from petrosa.surfaces.configuration import ParameterSchema


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """All that a strategy's declaration says. `listens_to` and `notes` are kinds of facts, `formula` its docstring."""

    strategy_id: str
    version: int
    title: str
    summary: str
    formula: str
    fails_when: tuple[str, ...]
    listens_to: str
    notes: tuple[str, ...]
    reads: tuple[str, ...]
    bases: tuple[str, ...]
    companions: tuple[str, ...]
    history: str
    timeframe: str
    enabled: bool
    replay_honesty: str
    replay_note: str
    parameters: tuple[ParameterSchema, ...]


def entry_of(strategy_id: str) -> CatalogEntry:
    """A strategy's declaration. Raises `UsageError` with a suggestion when there is no such strategy."""
    if strategy_id in CATALOG:
        return CATALOG[strategy_id]
    near = difflib.get_close_matches(strategy_id, list(CATALOG), n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(CATALOG)}"
    raise UsageError(f"no strategy {strategy_id!r}; {hint}")


def describe(entry: CatalogEntry) -> Description:
    """A declaration as one value, with every parameter in the order in which it is declared."""
    return Description(
        strategy_id=entry.strategy_id,
        version=entry.version,
        title=entry.title,
        summary=entry.summary,
        formula=inspect.getdoc(entry.build) or "",
        fails_when=entry.fails_when,
        listens_to=_kind(entry.listens_to),
        notes=tuple(_kind(kind) for kind in entry.notes),
        reads=entry.reads,
        bases=entry.bases,
        companions=entry.companions,
        history=entry.history,
        timeframe=_timeframe(entry),
        enabled=entry.enabled,
        replay_honesty=entry.replay_honesty.value,
        replay_note=entry.replay_note,
        parameters=schema_of(known_keys(), entry.strategy_id),
    )


def default_text(parameter: ParameterSchema) -> str:
    """The default as it would be written on a command line."""
    default = parameter.default
    if isinstance(default, list):
        return ",".join(map(str, default))
    if isinstance(default, float):
        return f"{default:g}"
    return str(default).lower() if isinstance(default, bool) else str(default)


def old_names(parameter: ParameterSchema) -> list[str]:
    """Other names of a parameter, each with what its values are multiplied by."""
    return [name if factor == 1.0 else f"{name} (times {factor:g})" for name, factor in parameter.aliases.items()]


def _timeframe(entry: CatalogEntry) -> str:
    """Strategies of bars speak of the length of the bars that they were planned with."""
    if entry.listens_to is not Candle:
        return entry.timeframe
    return f"that of its bars: {', '.join(entry.timeframes) or 'any'}"


def _kind(kind: type[msgspec.Struct]) -> str:
    return str(kind.__struct_config__.tag)
