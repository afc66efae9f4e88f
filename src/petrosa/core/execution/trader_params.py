"""What a trader goes by, all of it together: the unit in which it is told to go on with other parameters."""

from collections.abc import Mapping
from typing import Any

import msgspec

from petrosa.core.execution.params import ExecutionParams
from petrosa.core.risk.params import RiskParams
from petrosa.core.signals.params import SignalParams
from petrosa.errors import ConfigError


class TraderParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a trader goes by: which signals it hears, what it risks, how it works orders."""

    signals: SignalParams = msgspec.field(default_factory=SignalParams)
    risk: RiskParams = msgspec.field(default_factory=RiskParams)
    execution: ExecutionParams = msgspec.field(default_factory=ExecutionParams)


def params_from(parameters: Mapping[str, Any]) -> TraderParams:
    """The parameters of a command, checked against every bound. Raises `ConfigError`."""
    try:
        return msgspec.convert(parameters, TraderParams)
    except msgspec.ValidationError as problem:
        raise ConfigError(str(problem)) from None


def differing(before: TraderParams, after: TraderParams) -> tuple[str, ...]:
    """The names whose values are not the same, as `section.name`, in the order of declaration."""
    return tuple(
        f"{section}.{name}"
        for section in TraderParams.__struct_fields__
        for name in getattr(before, section).__struct_fields__
        if getattr(getattr(before, section), name) != getattr(getattr(after, section), name)
    )
