"""What may be set of a strategy, read off its one declaration: the schema, the defaults, old names.

The schema is the one description of a parameter: the HTTP API, `config describe` and the strategies' pages show it.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

from petrosa.apps import environment
from petrosa.apps.fields import Field, kind_of, plain
from petrosa.apps.layers import Known
from petrosa.core.strategies.catalog import CATALOG
from petrosa.surfaces.configuration import ParameterSchema

ENABLED: Final = "enabled"

_UNITS: Final = {"_seconds": "s", "_ms": "ms", "_bps": "bps", "_percent": "%", "_pct": "%", "_hours": "h"}
"""Units by how names end; what else has one says so in its sentence."""


def parameters_of(known: Known, strategy_id: str) -> dict[str, Field]:
    """The fields of a strategy's parameters by name, `enabled` first."""
    prefix = f"strategies.{strategy_id}."
    return {key.removeprefix(prefix): field for key, field in known.fields.items() if key.startswith(prefix)}


def schema_of(known: Known, strategy_id: str) -> tuple[ParameterSchema, ...]:
    """Every parameter of a strategy, in the order of declaration."""
    names = environment.names_of(known, CATALOG)
    spelled = {key: name for name, (key, scale) in reversed(names.items()) if scale == environment.ONE}
    fields = parameters_of(known, strategy_id)
    return tuple(_schema(strategy_id, name, field, spelled.get(field.key, "")) for name, field in fields.items())


def defaults_of(known: Known, strategy_id: str) -> dict[str, Any]:
    """What holds where nobody says anything."""
    return {name: plain(field.default) for name, field in parameters_of(known, strategy_id).items()}


def spellings_of(known: Known, strategy_id: str) -> Mapping[str, str]:
    """Every name that a parameter of a strategy goes by, and the parameter's own."""
    names = {name: name for name in parameters_of(known, strategy_id)}
    return {**names, **{old: alias.target for old, alias in CATALOG[strategy_id].params.ALIASES.items()}}


def on_change(strategy_id: str, name: str) -> Literal["keep state", "warm up again"]:
    """What changing a parameter does to the windows of a running strategy."""
    restarts = name == ENABLED or name in CATALOG[strategy_id].params.RESTARTS
    return "warm up again" if restarts else "keep state"


def _schema(strategy_id: str, name: str, field: Field, spelled: str) -> ParameterSchema:
    default = plain(field.default)
    aliases = CATALOG[strategy_id].params.ALIASES
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
        aliases={old: alias.factor for old, alias in aliases.items() if alias.target == name},
        environment=spelled,
    )
