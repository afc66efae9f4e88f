"""What may be set of a strategy or of trading, read off its one declaration: the schema, the defaults, old names.

The schema is the one description of a parameter: the HTTP API, `config describe` and the strategies' pages show it.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from petrosa.apps import environment
from petrosa.apps.fields import Field, kind_of, plain
from petrosa.apps.layers import Known
from petrosa.core.execution.trader_params import TraderParams
from petrosa.core.risk.params import RiskParams
from petrosa.core.signals.params import SignalParams
from petrosa.core.strategies.base import Alias
from petrosa.core.strategies.catalog import CATALOG
from petrosa.surfaces.configuration import TRADING, ParameterSchema

ENABLED: Final = "enabled"
CONFIGURABLE: Final = (*CATALOG, TRADING)
"""Everything that a configuration is stored for."""

_UNITS: Final = {
    "_seconds": "s", "_ms": "ms", "_bps": "bps", "_percent": "%", "_pct": "%", "_hours": "h", "_fraction": "1 is 100 %",
}  # fmt: skip
"""Units by how names end; what else has one says so in its sentence."""
_SECTIONS: Final = ("risk", "signals", "execution")
_SECTION_OF: Final[Mapping[str, str]] = {
    name: section
    for section in _SECTIONS
    for name in TraderParams.__annotations__[section].__struct_fields__
    if (section, name) != ("signals", "models")  # names code that is imported; whoever starts a process decides that
}
"""The section of every parameter of trading; all of them share one list of names."""
_TRADING_ALIASES: Final[Mapping[str, Alias]] = {**RiskParams.ALIASES, **SignalParams.ALIASES}


def key_of(strategy_id: str, name: str) -> str:
    """The key of a parameter among all settings."""
    return f"{_SECTION_OF[name]}.{name}" if strategy_id == TRADING else f"strategies.{strategy_id}.{name}"


def written_key(strategy_id: str, written: str) -> str:
    """The key as it is written with any of a parameter's names; `spellings_of` must have the name."""
    if strategy_id != TRADING:
        return f"strategies.{strategy_id}.{written}"
    bare = written.rpartition(".")[2]
    alias = _TRADING_ALIASES.get(bare)
    return f"{_SECTION_OF[bare if alias is None else alias.target]}.{bare}"


def parameters_of(known: Known, strategy_id: str) -> dict[str, Field]:
    """The fields of all parameters by name: of a strategy `enabled` first, of trading the risk."""
    if strategy_id == TRADING:
        return {name: known.fields[f"{section}.{name}"] for name, section in _SECTION_OF.items()}
    prefix = f"strategies.{strategy_id}."
    return {key.removeprefix(prefix): field for key, field in known.fields.items() if key.startswith(prefix)}


def schema_of(known: Known, strategy_id: str) -> tuple[ParameterSchema, ...]:
    """Every parameter, in the order of declaration."""
    names = environment.names_of(known, CATALOG)
    spelled = {key: name for name, (key, scale) in reversed(names.items()) if scale == environment.ONE}
    fields = parameters_of(known, strategy_id)
    return tuple(_schema(strategy_id, name, field, spelled.get(field.key, "")) for name, field in fields.items())


def defaults_of(known: Known, strategy_id: str) -> dict[str, Any]:
    """What holds where nobody says anything."""
    return {name: plain(field.default) for name, field in parameters_of(known, strategy_id).items()}


def aliases_of(strategy_id: str) -> Mapping[str, Alias]:
    """The old names."""
    return _TRADING_ALIASES if strategy_id == TRADING else CATALOG[strategy_id].params.ALIASES


def spellings_of(known: Known, strategy_id: str) -> Mapping[str, str]:
    """Every name that a parameter goes by, and the parameter's own."""
    names = {name: name for name in parameters_of(known, strategy_id)}
    names |= {old: alias.target for old, alias in aliases_of(strategy_id).items()}
    if strategy_id == TRADING:  # also as in a file
        names |= {f"{_SECTION_OF[name]}.{spelled}": name for spelled, name in names.items()}
    return names


def on_change(strategy_id: str, name: str) -> Literal["keep state", "warm up again"]:
    """What changing a parameter does to the windows of a running strategy; a trader has none."""
    if strategy_id == TRADING:
        return "keep state"
    restarts = name == ENABLED or name in CATALOG[strategy_id].params.RESTARTS
    return "warm up again" if restarts else "keep state"


def _schema(strategy_id: str, name: str, field: Field, spelled: str) -> ParameterSchema:
    default = plain(field.default)
    return ParameterSchema(
        name=name,
        type=kind_of(field),
        description=field.description,
        values=field.limits,
        default=default,
        min=field.low,
        max=field.high,
        exclusive_min=field.low_open,
        exclusive_max=field.high_open,
        allowed_values=field.choices or None,
        example=default,
        unit=next((unit for end, unit in _UNITS.items() if name.endswith(end)), None),
        on_change=on_change(strategy_id, name),
        aliases={old: alias.factor for old, alias in aliases_of(strategy_id).items() if alias.target == name},
        environment=spelled,
    )
