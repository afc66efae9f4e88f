"""What a process holds of the stored configuration, and what it answers from it while the store is asked or away."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from petrosa.apps.configuration.declarations import key_of, parameters_of
from petrosa.apps.configuration.stored import Scope, Slot, Slots, StoredConfig
from petrosa.apps.fields import is_mapping, plain
from petrosa.apps.layers import DEFAULT, Merged, Origin, split_symbol, with_symbol
from petrosa.apps.settings import STORED, Settings
from petrosa.core.strategies.catalog import CATALOG
from petrosa.errors import ConfigError
from petrosa.surfaces.configuration import TRADING, Conflict, Provenance, StrategyConfig

SHOWN_MAX: Final = 5


class Held(NamedTuple):
    """Settings with what is stored and believed, the documents behind it, and why others are not believed."""

    settings: Settings
    configs: Mapping[Scope, StoredConfig]
    problems: Mapping[Scope, str]
    read_at: datetime

    def with_slots(self, names: Collection[str], slots: Slots) -> "Held":
        """What holds after the documents of these strategies were read.

        A document that cannot be believed leaves what held before it; so does a strategy whose documents do not go
        together, or not with the file and the environment of this process.
        """
        held = self
        for name in names:
            try:
                held = held.with_strategy(name, slots)
            except ConfigError as problem:
                text = f"what is stored of {name} does not go together: {problem}"
                held = held._replace(problems={**held._problems_of_others(name), Scope(name, None): text})
        return held

    def with_strategy(self, name: str, slots: Slots) -> "Held":
        """What holds with these documents of a strategy. Raises `ConfigError` when they do not go together."""
        own = {scope: slot for scope, slot in slots.items() if scope.strategy_id == name}
        believed = {scope: slot.config for scope, slot in own.items() if slot.config is not None}
        problems = {scope: slot.problem for scope, slot in own.items() if slot.config is None}
        kept = {scope: self.configs[scope] for scope in problems if scope in self.configs}
        others = {scope: config for scope, config in self.configs.items() if scope.strategy_id != name}
        configs = {**others, **believed, **kept}
        problems = {**self._problems_of_others(name), **problems}
        if configs == self.configs:
            return self._replace(problems=problems)
        return self._replace(settings=restored(self.settings, configs), configs=configs, problems=problems)

    def slots(self) -> Slots:
        """The documents behind what holds."""
        return {scope: Slot(0, config) for scope, config in self.configs.items()}

    def _problems_of_others(self, name: str) -> dict[Scope, str]:
        return {scope: text for scope, text in self.problems.items() if scope.strategy_id != name}


def restored(settings: Settings, configs: Mapping[Scope, StoredConfig]) -> Settings:
    """Settings with these documents as their stored layers: for all symbols first, then for single ones."""
    ordered = sorted(configs.items(), key=lambda item: (item[0].symbol or "", item[0].strategy_id))
    return settings.restored(given for _, config in ordered for given in config.given)


def view_of(held: Held, scope: Scope) -> StrategyConfig:
    """What holds in a scope, each value with where it comes from."""
    values: dict[str, Any] = {}
    provenance: dict[str, Provenance] = {}
    strongest = Origin("default")
    for name in parameters_of(held.settings.merged.known, scope.strategy_id):
        key = effective_key(held.settings, scope, name)
        origin = _origin(held.settings.merged, key)
        values[name] = _value(held.settings.merged, key)
        provenance[name] = Provenance(_source(key, origin), origin.name)
        strongest = max(strongest, origin, key=lambda one: one.rank)
    config = held.configs.get(scope)
    return StrategyConfig(
        strategy_id=scope.strategy_id,
        symbol=scope.symbol,
        parameters=values,
        version=0 if config is None else config.version,
        source=strongest.kind,
        is_override=config is not None,
        created_at=None if config is None else config.created_at,
        updated_at=None if config is None else config.updated_at,
        provenance=provenance,
    )


def conflicts_of(held: Held, scope: Scope, names: Collection[str], followed: Collection[str]) -> tuple[Conflict, ...]:
    """What else has a say in these parameters, so that storing them does not do, or not everywhere, what it says."""
    found = [
        conflict
        for name in names
        for conflict in (_overruled(held.settings, scope, name), _overridden(held, scope, name))
        if conflict is not None
    ]
    if scope.symbol is not None and followed and scope.symbol not in followed:
        said = f"{scope.symbol} is not followed by this desk; what is stored waits for one that does"
        meant = f"this one follows {', '.join(sorted(followed)[:SHOWN_MAX])}"
        found.append(Conflict("petrosa", "NOT_FOLLOWED", said, meant))
    return tuple(found)


def effective_key(settings: Settings, scope: Scope, name: str) -> str:
    """The key whose value holds for a parameter in a scope."""
    general = key_of(scope.strategy_id, name)
    own = with_symbol(general, scope.symbol) if scope.symbol is not None else general
    return own if own in settings.merged.values else general


def strategies_that_differ(before: Settings, after: Settings) -> list[str]:
    """Strategies, and trading, of which something holds that did not."""
    differ = [name for name in CATALOG if before.strategies[name] != after.strategies[name]]
    is_same = (before.risk, before.signals, before.execution) == (after.risk, after.signals, after.execution)
    return differ if is_same else [*differ, TRADING]


def _value(merged: Merged, key: str) -> Any:
    """A value as JSON; a table from its entries."""
    if key in merged.values:
        return plain(merged.values[key])
    return plain(merged.below(key))


def _origin(merged: Merged, key: str) -> Origin:
    """The layer of a value; of a table the strongest that has an entry in it."""
    field = merged.known.fields.get(key)
    if key in merged.origins or field is None or not is_mapping(field):
        return merged.origins[key]
    entries = [origin for name, origin in merged.origins.items() if name.startswith(f"{key}.")]
    return max(entries, key=lambda one: one.rank, default=DEFAULT)


def _overruled(settings: Settings, scope: Scope, name: str) -> Conflict | None:
    """A layer above what is stored: a command line, or the stored value of the symbol under a general one of it."""
    key = effective_key(settings, scope, name)
    origin = _origin(settings.merged, key)
    if origin.kind == STORED or origin.rank < Origin(STORED).rank:
        return None
    said = f"{name} is {_value(settings.merged, key)} by {origin}, which is stronger than what is stored"
    return Conflict("petrosa", "OVERRULED", said, f"start the process without {origin.kind} for {name}")


def _overridden(held: Held, scope: Scope, name: str) -> Conflict | None:
    """Symbols whose own value hides one for all."""
    if scope.symbol is not None:
        return None
    merged, general = held.settings.merged, key_of(scope.strategy_id, name)
    start = f"strategies.{scope.strategy_id}.symbols."
    own = sorted(
        split_symbol(key)[1] for key in merged.values if key.startswith(start) and split_symbol(key)[0] == general
    )
    if not own:
        return None
    shown = ", ".join(own[:SHOWN_MAX]) + (f" and {len(own) - SHOWN_MAX} more" if len(own) > SHOWN_MAX else "")
    said = f"{name} has a value of its own on {shown}, which holds there"
    return Conflict("petrosa", "SYMBOL_OVERRIDE", said, f"take it back there: null as the value of {name}")


def _source(key: str, origin: Origin) -> str:
    if origin.kind != STORED:
        return origin.kind
    return "stored symbol" if split_symbol(key)[1] else "stored all"
