"""A strategy in words and tables, read off its declaration: what `config describe` prints and its page shows."""

import difflib
import inspect
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from petrosa.apps import environment
from petrosa.apps.fields import Field, plain
from petrosa.apps.settings import known_keys
from petrosa.core.strategies.base import CatalogEntry
from petrosa.core.strategies.catalog import CATALOG
from petrosa.errors import UsageError

RESTARTS: Final = "warm up again"
KEEPS: Final = "keep state"


class OtherName(msgspec.Struct, frozen=True):
    """Another name of a parameter; its value times `factor` is the parameter's."""

    name: str
    factor: float

    def __str__(self) -> str:
        return self.name if self.factor == 1.0 else f"{self.name} (times {self.factor:g})"


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter. `values` is what may be written, in words; `on_change` what a change at run time does."""

    name: str
    values: str
    default: Any
    on_change: str
    meaning: str
    environment: str
    aliases: tuple[OtherName, ...]

    @property
    def default_text(self) -> str:
        """The default as it would be written on a command line."""
        if isinstance(self.default, list):
            return ",".join(map(str, self.default))
        if isinstance(self.default, float):
            return f"{self.default:g}"
        return str(self.default).lower() if isinstance(self.default, bool) else str(self.default)


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
    parameters: tuple[Parameter, ...]


def entry_of(strategy_id: str) -> CatalogEntry:
    """A strategy's declaration. Raises `UsageError` with a suggestion when there is no such strategy."""
    if strategy_id in CATALOG:
        return CATALOG[strategy_id]
    near = difflib.get_close_matches(strategy_id, list(CATALOG), n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(CATALOG)}"
    raise UsageError(f"no strategy {strategy_id!r}; {hint}")


def describe(entry: CatalogEntry) -> Description:
    """A declaration as one value, with every parameter in the order in which it is declared."""
    known = known_keys()
    fields = [field for key, field in known.fields.items() if key.startswith(f"strategies.{entry.strategy_id}.")]
    fields.sort(key=lambda field: not field.key.endswith(".enabled"))
    names = environment.names_of(known, CATALOG)
    spelled = {key: name for name, (key, scale) in reversed(names.items()) if scale == environment.ONE}
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
        timeframe=entry.timeframe,
        enabled=entry.enabled,
        replay_honesty=entry.replay_honesty.value,
        replay_note=entry.replay_note,
        parameters=tuple(_parameter(entry, field, spelled) for field in fields),
    )


def _parameter(entry: CatalogEntry, field: Field, spelled: Mapping[str, str]) -> Parameter:
    name = field.key.removeprefix(f"strategies.{entry.strategy_id}.")
    restarts = name == "enabled" or name in entry.params.RESTARTS
    default = plain(field.default)
    return Parameter(
        name=name,
        values=field.limits,
        default=list(default) if isinstance(default, tuple) else default,
        on_change=RESTARTS if restarts else KEEPS,
        meaning=field.description,
        environment=spelled.get(field.key, ""),
        aliases=tuple(
            OtherName(old, alias.factor) for old, alias in entry.params.ALIASES.items() if alias.target == name
        ),
    )


def _kind(kind: type[msgspec.Struct]) -> str:
    return str(kind.__struct_config__.tag)
