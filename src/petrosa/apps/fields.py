"""Keys of the configuration: what each may hold, read off the structs that use the values.

A key is dotted (`risk.risk_fraction`). Whatever can be set is declared once, as a field of a msgspec struct with bounds
and a sentence; nothing here knows a key by name.
"""

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, Literal, get_origin, get_type_hints

import msgspec
from msgspec import inspect

TRUE_WORDS = frozenset({"true", "1", "yes", "on"})
FALSE_WORDS = frozenset({"false", "0", "no", "off"})


class Field(msgspec.Struct, frozen=True):
    """One key: its type, its default (`msgspec.NODEFAULT` when it must be given), its sentence and its bounds."""

    key: str
    type: Any
    default: Any
    description: str
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    choices: tuple[str, ...] = ()

    @property
    def limits(self) -> str:
        """What a person may write, in words: `a number from 0 to 1`, `one of a, b`."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        noun = _noun(self.type)
        low = "" if self.low is None else f" above {_plain(self.low)}" if self.low_open else f" from {_plain(self.low)}"
        high = (
            "" if self.high is None else f" below {_plain(self.high)}" if self.high_open else f" to {_plain(self.high)}"
        )
        if low and high:
            return f"{noun}{low} and{high}" if self.high_open else noun + low + high
        if low:
            return noun + low + ("" if self.low_open else " up")
        return noun + (" up" if high and not self.high_open else "") + high


class BadValue(ValueError):
    """A value that a key cannot hold; the message says what is wrong with it, without naming the key.

    `out_of_bounds` when its type is right.
    """

    def __init__(self, message: str, *, out_of_bounds: bool = False) -> None:
        super().__init__(message)
        self.out_of_bounds = out_of_bounds


def fields_of(struct: type[msgspec.Struct], prefix: str) -> Iterator[Field]:
    """Every key of a struct and of the structs in it, below `prefix`, in the order of declaration."""
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        key = f"{prefix}.{field.encode_name}" if prefix else field.encode_name
        type_ = hints[field.name]
        if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
            yield from fields_of(type_, key)
            continue
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        yield describe(key, type_, default)


def describe(key: str, type_: Any, default: Any) -> Field:
    """A field from its annotation; bounds and the sentence come out of `Meta`, wherever in the type it stands."""
    shape = inspect.type_info(type_)
    description = ""
    if isinstance(shape, inspect.Metadata):
        description = (shape.extra_json_schema or {}).get("description", "")
        shape = shape.type
    options = shape.types if isinstance(shape, inspect.UnionType) else (shape,)
    bounds: dict[str, Any] = {}
    for option in options:
        inner = option.type if isinstance(option, inspect.Metadata) else option
        if isinstance(option, inspect.Metadata) and not description:
            description = (option.extra_json_schema or {}).get("description", "")
        if isinstance(inner, inspect.DictType):
            inner = inner.value_type.type if isinstance(inner.value_type, inspect.Metadata) else inner.value_type
        if isinstance(inner, inspect.IntType | inspect.FloatType):
            bounds = _bounds(inner)
        elif isinstance(inner, inspect.EnumType):
            bounds["choices"] = tuple(str(member.value) for member in inner.cls)
        elif isinstance(inner, inspect.LiteralType):
            bounds["choices"] = tuple(str(value) for value in inner.values)
    return Field(key, type_, default, description, **bounds)


def item_field(field: Field, name: str) -> Field | None:
    """The key of one entry of a field that holds a mapping; none when it does not hold one."""
    shape = inspect.type_info(field.type)
    if isinstance(shape, inspect.Metadata):
        shape = shape.type
    if not isinstance(shape, inspect.DictType):
        return None
    value_type = (
        field.type.__args__[1] if not hasattr(field.type, "__metadata__") else field.type.__origin__.__args__[1]
    )
    inner = describe(f"{field.key}.{name}", value_type, msgspec.NODEFAULT)
    return msgspec.structs.replace(inner, description=inner.description or field.description)


def is_mapping(field: Field) -> bool:
    """Whether the field's value is a table with free keys. Asked of every key at every start: not by describing it."""
    type_ = getattr(field.type, "__origin__", field.type) if hasattr(field.type, "__metadata__") else field.type
    return get_origin(type_) in (dict, Mapping)


def kind_of(field: Field) -> Literal["bool", "int", "float", "string", "list", "table"]:
    """The kind of value in one word of a schema."""
    shapes = _shapes(field.type)
    return next((kind for shape, kind in _KINDS if shape in shapes), "string")


def from_text(field: Field, text: str) -> Any:
    """A value written on a command line or in the environment. Lists are separated by commas."""
    text = text.strip()
    shape = _shapes(field.type)
    if inspect.BoolType in shape:
        word = text.lower()
        if word in TRUE_WORDS | FALSE_WORDS:
            return word in TRUE_WORDS
    if shape & {inspect.ListType, inspect.VarTupleType, inspect.SetType}:
        return from_value(field, [part.strip() for part in text.split(",") if part.strip()])
    if inspect.NoneType in shape and text.lower() in {"none", ""}:
        return None
    return _convert(field, text, strict=False)


def from_value(field: Field, value: Any) -> Any:
    """A value that already has a type, as TOML gives it."""
    return _convert(field, value, strict=True)


def plain(value: Any) -> Any:
    """A value as JSON shows it: exact numbers as text, enumerations as their words, lists as lists."""
    found = msgspec.to_builtins(value, str_keys=True)
    return list(found) if isinstance(found, tuple) else found


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """The tree of dotted keys: `{"a.b": 1}` is `{"a": {"b": 1}}`."""
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *folders, leaf = key.split(".")
        node = tree
        for folder in folders:
            node = node.setdefault(folder, {})
        node[leaf] = value
    return tree


def _convert(field: Field, value: Any, *, strict: bool) -> Any:
    if isinstance(value, float) or (isinstance(value, str) and _shapes(field.type) & _NUMBERS):
        _refuse_endless(field, value)
    try:
        result = msgspec.convert(value, field.type, strict=strict)
    except msgspec.ValidationError as problem:
        raise _bad(field, str(problem)) from None
    for item in result if isinstance(result, list | tuple | set | frozenset) else (result,):
        if isinstance(item, float | Decimal):
            _refuse_endless(field, item)
    return result


def _refuse_endless(field: Field, value: str | float | Decimal) -> None:
    """NaN and infinity pass many a comparison; they are no settings."""
    try:
        finite = math.isfinite(float(value))
    except ValueError:
        return
    if not finite:
        raise BadValue(f"is not a finite number; write {field.limits}")


def _bad(field: Field, problem: str) -> BadValue:
    if problem.startswith("Expected `") and (">" in problem or "<" in problem):
        return BadValue(f"is out of bounds; write {field.limits}", out_of_bounds=True)
    return BadValue(f"is not {field.limits}")


def _bounds(shape: inspect.IntType | inspect.FloatType) -> dict[str, Any]:
    low = shape.gt if shape.gt is not None else shape.ge
    high = shape.lt if shape.lt is not None else shape.le
    return {"low": low, "high": high, "low_open": shape.gt is not None, "high_open": shape.lt is not None}


def _shapes(type_: Any) -> set[type]:
    shape = inspect.type_info(type_)
    if isinstance(shape, inspect.Metadata):
        shape = shape.type
    options = shape.types if isinstance(shape, inspect.UnionType) else (shape,)
    return {type(option.type if isinstance(option, inspect.Metadata) else option) for option in options}


_NOUNS: tuple[tuple[type, str], ...] = (
    (inspect.BoolType, "true or false"),
    (inspect.IntType, "a whole number"),
    (inspect.FloatType, "a number"),
    (inspect.DecimalType, "a number"),
    (inspect.ListType, "a list"),
    (inspect.VarTupleType, "a list"),
    (inspect.SetType, "a list"),
    (inspect.DictType, "a table of values"),
)


_KINDS: Final[tuple[tuple[type, Literal["bool", "int", "float", "list", "table"]], ...]] = (
    (inspect.BoolType, "bool"),
    (inspect.IntType, "int"),
    (inspect.FloatType, "float"),
    (inspect.DecimalType, "float"),
    (inspect.ListType, "list"),
    (inspect.VarTupleType, "list"),
    (inspect.SetType, "list"),
    (inspect.DictType, "table"),
)

_NUMBERS = {inspect.IntType, inspect.FloatType, inspect.DecimalType}


def _noun(type_: Any) -> str:
    shapes = _shapes(type_)
    return next((noun for shape, noun in _NOUNS if shape in shapes), "a text")


def _plain(bound: float) -> str:
    return f"{bound:g}" if abs(bound) < 1e6 else f"{bound:.0f}"
