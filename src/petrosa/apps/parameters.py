"""Parameters from files, environment and command line: aliases resolved, bounds kept, every complaint complete."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from petrosa.core.strategies.base import Alias
from petrosa.errors import ConfigError

P = TypeVar("P", bound=msgspec.Struct)


def params_from(values: Mapping[str, object], params: type[P], *, where: str) -> P:
    """The parameter struct that `values` asks for; what is not named keeps its default.

    Texts are read as what the parameter is ("5", "0.1", "true"). `where` is the section that a complaint names, for
    example `orderbook_skew`. Raises `ConfigError` for an unknown name (with a suggestion), a value of the wrong kind
    or out of bounds, a parameter given under two names, and parameters that contradict each other.
    """
    aliases: Mapping[str, Alias] = getattr(params, "ALIASES", {})
    fields = {field.name: field for field in msgspec.structs.fields(params)}
    chosen: dict[str, object] = {}
    named: dict[str, str] = {}
    for name, value in values.items():
        alias = aliases.get(name)
        target = alias.target if alias is not None else name
        if target not in fields:
            raise ConfigError(_unknown(name, where, [*fields, *aliases]))
        if target in named:
            raise ConfigError(f"{where}: {named[target]} and {name} are the same parameter; set one of them")
        named[target] = name
        try:
            chosen[target] = _value(value, fields[target].type, alias)
        except msgspec.ValidationError as error:
            raise ConfigError(_refused(f"{where}.{name}", value, alias, fields[target], error)) from None
    try:
        return params(**chosen)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None


def _value(value: object, kind: object, alias: Alias | None) -> object:
    if alias is not None:
        # Twelve digits: 0.1 % is 10 basis points, whatever 0.1 is in binary.
        value = float(f"{msgspec.convert(value, float, strict=False) * alias.factor:.12g}")
    converted: object = msgspec.convert(value, kind, strict=False)
    return converted


def _refused(
    name: str, value: object, alias: Alias | None, field: msgspec.structs.FieldInfo, error: msgspec.ValidationError
) -> str:
    meant = f" (times {alias.factor:g} is {alias.target})" if alias is not None else ""
    default = f"; the default is {field.default}" if field.default is not msgspec.NODEFAULT else ""
    return f"{name} = {value!r}{meant}: {str(error)[:1].lower()}{str(error)[1:]}{default}"


def _unknown(name: str, where: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
    return f"{where}: unknown parameter {name!r}; {hint}"
