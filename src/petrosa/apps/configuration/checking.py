"""Whether parameters can be, said for each one by itself; and what changing them would touch."""

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from petrosa.apps.configuration.declarations import on_change, parameters_of, spellings_of, written_key
from petrosa.apps.fields import BadValue, Field, from_text, is_mapping, kind_of, plain
from petrosa.apps.layers import DEFAULT, Given, Known, read
from petrosa.surfaces.configuration import TRADING, FieldError, Impact, InvalidParameters
from petrosa.surfaces.redaction import redact

SHOWN_MAX: Final = 80
ENTRY: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
"""What an entry of a table may be called: no more than can be a part of a key."""


class Edit(NamedTuple):
    """Checked values by the parameters' own names and units, as JSON, and the names that are taken back."""

    values: Mapping[str, Any]
    removed: frozenset[str]

    def over(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """What is stored after this edit."""
        return {name: value for name, value in {**stored, **self.values}.items() if name not in self.removed}


def check(known: Known, strategy_id: str, parameters: Mapping[str, Any]) -> tuple[Edit, tuple[FieldError, ...]]:
    """Every value by itself. What has an error is not in the edit."""
    fields, spellings = parameters_of(known, strategy_id), spellings_of(known, strategy_id)
    values: dict[str, Any] = {}
    removed: set[str] = set()
    errors: list[FieldError] = []
    spelled: dict[str, str] = {}
    for written, value in parameters.items():
        name = spellings.get(written)
        if name is None:
            errors.append(_unknown(written, spellings))
            continue
        if (first := spelled.setdefault(name, written)) != written:
            message = f"{first} and {written} are two names of {name}; keep one"
            errors.append(FieldError(written, message, "VALIDATION_ERROR"))
            continue
        if value is None:
            removed.add(name)
            continue
        try:
            values[name] = _value(known, written_key(strategy_id, written), fields[name], value)
        except BadValue as problem:
            errors.append(_bad(written, fields[name], value, problem))
    return Edit(values, frozenset(removed)), tuple(errors)


def checked(known: Known, strategy_id: str, parameters: Mapping[str, Any]) -> Edit:
    """The edit. Raises `InvalidParameters` naming every error."""
    edit, errors = check(known, strategy_id, parameters)
    if errors:
        raise InvalidParameters(errors)
    return edit


def contradiction(known: Known, strategy_id: str, problem: str) -> FieldError:
    """What does not go together, as the parameters' own rule says it; `field` holds the names that it speaks of."""
    words = problem.replace(",", " ").split()
    named = [name for name in parameters_of(known, strategy_id) if name in words]
    return FieldError(", ".join(named), problem, "VALIDATION_ERROR")


def impact_of(strategy_id: str, symbol: str | None, changed: Collection[str]) -> Impact:
    """What a change of these parameters would touch."""
    if strategy_id == TRADING:
        return Impact("high" if changed else "low", "trading of the whole account", len(changed))
    restarts = any(on_change(strategy_id, name) == "warm up again" for name in changed)
    scope = f"{strategy_id} on {symbol or 'all symbols'}"
    if not changed or (symbol is not None and not restarts):
        return Impact("low", scope, len(changed))
    return Impact("high" if symbol is None and restarts else "medium", scope, len(changed))


def fixes_of(errors: Iterable[FieldError]) -> tuple[str, ...]:
    """What to write instead, where that is known."""
    return tuple(
        f"rename {error.field} to {error.suggested_value}"
        if error.code == "UNKNOWN_PARAMETER"
        else f"set {error.field} to {_shown(error.suggested_value)}"
        for error in errors
        if error.suggested_value is not None
    )


def _value(known: Known, key: str, field: Field, value: Any) -> Any:
    alias = known.resolve(key)
    if isinstance(value, bool) and kind_of(field) != "bool":
        raise BadValue(f"is not {field.limits}")
    if isinstance(value, Mapping) and is_mapping(field):
        for name in value:
            if ENTRY.fullmatch(str(name)) is None:
                raise BadValue(f"has the name {str(name)[:40]!r}; write letters, digits, _ and -, at most 100")
    return plain(read(field, Given(key, value, DEFAULT), alias.scale))


def _unknown(written: str, spellings: Mapping[str, str]) -> FieldError:
    near = difflib.get_close_matches(written, list(spellings), n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted({*spellings.values()}))}"
    shown = written[:SHOWN_MAX]
    return FieldError(shown, f"unknown parameter {shown}; {hint}", "UNKNOWN_PARAMETER", near[0] if near else None)


def _bad(written: str, field: Field, value: Any, problem: BadValue) -> FieldError:
    message = f"{written} = {_shown(value, written)} {problem}"
    if problem.out_of_bounds:
        return FieldError(written, message, "OUT_OF_RANGE", _nearest(field, value))
    return FieldError(written, message, "INVALID_TYPE", _meant(field, value))


def _nearest(field: Field, value: Any) -> Any:
    """The bound that the value is beyond; none where the bound itself is not allowed or units differ."""
    if not isinstance(value, int | float):
        return None
    if field.low is not None and value < field.low and not field.low_open:
        return plain(type(field.default)(field.low))
    if field.high is not None and value > field.high and not field.high_open:
        return plain(type(field.default)(field.high))
    return None


def _meant(field: Field, value: Any) -> Any:
    """The value that a text stands for."""
    if not isinstance(value, str):
        return None
    try:
        return plain(from_text(field, value))
    except BadValue:
        return None


def _shown(value: Any, name: str = "") -> str:
    if isinstance(value, float):
        return f"{value:g}"
    try:
        text = msgspec.json.encode(redact(name, value), enc_hook=_as_text).decode()
    except (ValueError, RecursionError):
        text = "what JSON cannot hold"
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"


def _as_text(value: Any) -> str:
    return str(value) if isinstance(value, Decimal) else type(value).__name__
