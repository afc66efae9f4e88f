"""Layers of configuration, merged key by key: the strongest that names a key decides it, and that is remembered."""

import difflib
import functools
from collections.abc import Iterable, Mapping
from decimal import Decimal, DecimalException
from typing import Any, Final, TypeVar

import msgspec

from petrosa.apps.fields import BadValue, Field, fields_of, from_text, from_value, is_mapping, item_field, nested
from petrosa.core.signals.symbols import plain_symbol
from petrosa.errors import ConfigError
from petrosa.surfaces.redaction import redact

S = TypeVar("S", bound=msgspec.Struct)


class Origin(msgspec.Struct, frozen=True):
    """Where a value came from. `kind` is default, file, environment, stored or a command line's option; `name` the
    file, the variable, or whose stored configuration (`all v3`, `BTCUSDT v2`)."""

    kind: str
    name: str = ""

    @property
    def rank(self) -> int:
        """How strong this layer is: a command line is stronger than anything."""
        return RANKS.get(self.kind, len(RANKS))

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".rstrip()


RANKS: Final[Mapping[str, int]] = {"default": 0, "file": 1, "environment": 2, "stored": 3}
DEFAULT: Final = Origin("default")


class Given(msgspec.Struct, frozen=True):
    """One value as somebody wrote it. Texts (environment, command line) are read by the type of their key."""

    key: str
    value: Any
    origin: Origin
    is_text: bool = False
    scale: Decimal = Decimal(1)


class Alias(msgspec.Struct, frozen=True):
    """An old name of a key. A number under the old name times `scale` is the value (percent to fraction, and so on)."""

    key: str
    scale: Decimal = Decimal(1)


class Known(msgspec.Struct, frozen=True):
    """What may be set: keys with their fields, and prefixes whose next part is free (`strategies.X.symbols`)."""

    fields: Mapping[str, Field]
    aliases: Mapping[str, Alias]

    def find(self, key: str) -> Field | None:
        """The field of a key, also of one entry of a mapping and of a strategy's value for one symbol."""
        if key in self.fields:
            return self.fields[key]
        general, symbol = split_symbol(key)
        if symbol and general in self.fields:
            return msgspec.structs.replace(self.fields[general], key=key)
        parent, _, name = key.rpartition(".")
        return item_field(self.fields[parent], name) if parent in self.fields else None

    def resolve(self, key: str) -> Alias:
        """The full key for what a person typed: short for a strategy (`orderbook_skew.top_levels`), or an old name; a
        symbol in it comes out in its one internal spelling.
        """
        key = key if key in self.fields or f"strategies.{key}" not in self.fields else f"strategies.{key}"
        general, symbol = split_symbol(f"strategies.{key}")
        if symbol and general in self.fields:
            key = f"strategies.{key}"
        general, symbol = split_symbol(key)
        alias = self.aliases.get(general) or self.aliases.get(f"strategies.{general}") or Alias(general)
        return Alias(with_symbol(alias.key, plain_symbol(symbol)), alias.scale) if symbol else alias

    def suggestion(self, key: str) -> str:
        """`did you mean …?` with the nearest keys, or how to see them all."""
        short = [name.removeprefix("strategies.") for name in self.fields] + [*self.fields, *self.aliases]
        near = difflib.get_close_matches(split_symbol(key)[0], short, n=1, cutoff=0.6)
        if not near:
            leaf = key.rpartition(".")[2]
            leaves = {name.rpartition(".")[2]: name for name in self.fields}
            near = [leaves[match] for match in difflib.get_close_matches(leaf, list(leaves), n=1, cutoff=0.75)]
        return f"did you mean {near[0]}?" if near else "`petrosa config show` lists every key"


class Merged(msgspec.Struct, frozen=True, dict=True):
    """The effective value of every key with its origin."""

    known: Known
    values: Mapping[str, Any]
    origins: Mapping[str, Origin]

    def build(self, struct: type[S], prefix: str, base: str = "") -> S:
        """A struct from its keys below `prefix`; keys that are not set there come from `base`, when given.

        Raises `ConfigError` when the values do not go together.
        """
        tree = _over(self.below(base) if base else {}, self.below(prefix))
        wanted = {field.encode_name for field in _declared(struct)}
        try:
            return _make(struct, {name: value for name, value in tree.items() if name in wanted})
        except (ValueError, TypeError, ConfigError) as problem:
            raise ConfigError(f"[{prefix}]: {problem} ({self._sources(prefix)})") from problem

    @functools.cached_property
    def _tree(self) -> dict[str, Any]:
        return nested(self.values)

    def below(self, prefix: str) -> dict[str, Any]:
        """The values of the keys below a prefix as a tree, empty when there are none."""
        node: Any = self._tree
        for folder in prefix.split("."):
            node = node.get(folder, {})
        return _over({}, node)

    def _sources(self, prefix: str) -> str:
        own = [f"{key} from {origin}" for key, origin in self.origins.items() if key.startswith(prefix + ".")]
        chosen = [text for text in own if not text.endswith("from default")]
        return "; ".join(chosen) or "all values are defaults"


def known_of(
    structs: Mapping[str, type[msgspec.Struct]], extra: Iterable[Field], aliases: Mapping[str, Alias]
) -> Known:
    """Everything that may be set, from the structs by section."""
    fields = {field.key: field for field in extra}
    for prefix, struct in structs.items():
        fields.update((field.key, field) for field in fields_of(struct, prefix))
    return Known(fields, aliases)


def merge(known: Known, given: Iterable[Given]) -> Merged:
    """The effective values; later ones win, and within a layer what is said of one symbol.

    What a weaker layer says of a symbol does not stand against what a stronger one says of all. Raises `ConfigError`
    naming every wrong key and value at once.
    """
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for declared in known.fields.values():
        if declared.default is not msgspec.NODEFAULT:
            _put_default(declared, values, origins)
    problems: list[str] = []
    spelled: dict[tuple[str, Origin], str] = {}
    for item in given:
        alias = known.resolve(item.key)
        key, field = alias.key, known.find(alias.key)
        if field is None:
            problems.append(f"unknown key {item.key} ({item.origin}); {known.suggestion(item.key)}")
            continue
        first = spelled.setdefault((key, _layer(item.origin)), item.key)
        if first != item.key:
            problems.append(f"{first} and {item.key} are two names of {key}, both given by {item.origin}; keep one")
            continue
        try:
            values[key] = read(field, item, alias.scale * item.scale)
            origins[key] = item.origin
        except BadValue as problem:
            problems.append(f"{key} = {redact(key, item.value)!r} ({item.origin}) {problem}")
    if problems:
        raise ConfigError("\n".join(problems))
    for key in [key for key in values if _is_overruled(key, origins)]:
        del values[key], origins[key]
    return Merged(known, values, origins)


def given_by_tables(known: Known, tables: Mapping[str, Any], origin: Origin, prefix: str = "") -> list[Given]:
    """A file's nested tables as single values; a table of a free-key field becomes one value an entry.

    A section without entries says nothing: its lines may all be comments.
    """
    found: list[Given] = []
    for name, value in tables.items():
        key = f"{prefix}.{name}" if prefix else name
        field = known.fields.get(key)
        if isinstance(value, dict) and value and (field is None or is_mapping(field)):
            found += given_by_tables(known, value, origin, key)
        elif value == {} and field is None and _is_section(known, key):
            continue
        else:
            found.append(Given(key, value, origin))
    return found


def _is_section(known: Known, key: str) -> bool:
    """Whether there are keys below this one, or below the strategy whose symbols it names."""
    start = key.partition(".symbols")[0] + "."
    return any(name.startswith(start) for name in known.fields)


def split_symbol(key: str) -> tuple[str, str]:
    """(`strategies.X.name`, `SYMBOL`) of `strategies.X.symbols.SYMBOL.name`; no symbol in any other key."""
    head, mark, rest = key.partition(".symbols.")
    symbol, dot, name = rest.partition(".")
    return (f"{head}.{name}", symbol) if mark and dot else (key, "")


def with_symbol(key: str, symbol: str) -> str:
    """The key of a strategy's value for one symbol."""
    head, _, name = key.rpartition(".")
    return f"{head}.symbols.{symbol}.{name}"


def read(field: Field, item: Given, scale: Decimal) -> Any:
    """The value in the unit of its key. Raises `BadValue`."""
    if scale == 1:
        return from_text(field, item.value) if item.is_text else from_value(field, item.value)
    try:
        scaled = Decimal(str(item.value).strip()) * scale
    except DecimalException:
        raise BadValue("is not a number") from None
    try:
        return from_text(field, str(scaled))
    except BadValue as problem:
        raise BadValue(f"(here {scaled.normalize():f}) {problem}", out_of_bounds=problem.out_of_bounds) from None


def _is_overruled(key: str, origins: Mapping[str, Origin]) -> bool:
    """Whether this is a value for one symbol and a stronger layer has one for all."""
    general, symbol = split_symbol(key)
    return bool(symbol) and general in origins and origins[general].rank > origins[key].rank


def _layer(origin: Origin) -> Origin:
    return Origin(origin.kind) if origin.kind != "file" else origin


def _put_default(field: Field, values: dict[str, Any], origins: dict[str, Origin]) -> None:
    entries = field.default if is_mapping(field) and field.default else None
    pairs = (
        [(f"{field.key}.{name}", value) for name, value in entries.items()] if entries else [(field.key, field.default)]
    )
    for key, value in pairs:
        if not is_mapping(field) or entries:
            values[key] = value
            origins[key] = DEFAULT


def _make(struct: type[S], tree: Mapping[str, Any]) -> S:
    names = {field.encode_name: field for field in _declared(struct)}
    made = {}
    for name, value in tree.items():
        type_ = names[name].type
        inner = isinstance(type_, type) and issubclass(type_, msgspec.Struct)
        made[names[name].name] = _make(type_, value) if inner and isinstance(value, Mapping) else value
    return struct(**made)


def _over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One tree over another, as a tree of its own: whoever gets it may keep what is in it."""
    result = dict(below)
    for name, value in above.items():
        old = result.get(name)
        is_tree = isinstance(value, dict)
        result[name] = _over(old if isinstance(old, dict) else {}, value) if is_tree else value
    return result


_declared = functools.cache(msgspec.structs.fields)
"""Fields of a struct; finding them out takes longer than all the rest of building one."""
