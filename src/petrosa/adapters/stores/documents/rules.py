"""What all document stores agree on: what a document may be, and when it is meant by a question.

The rules are the narrowest of all stores, so that a document which one of them takes can move to any other.
"""

import re
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Final, NamedTuple

import msgspec

from petrosa.errors import DataError, VersionConflict
from petrosa.ports import Write

NAME_MAX: Final = 512
COLLECTION_BYTES_MAX: Final = 128
DOCUMENT_MAX: Final = 1_048_576
DEPTH_MAX: Final = 64
INT_MAX: Final = 2**63
PAGE_MAX: Final = 200
WRITES_MAX: Final = 100
RESERVED: Final = frozenset({"_id", "_version"})

_FIELD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_MISSING: Final = object()
_PLAIN: Final = frozenset({str, bool, NoneType})
"""What comes back as it was, whatever it is."""
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(dict[str, object])


class Change(NamedTuple):
    """A write that has passed the rules; `data` is the document's JSON, None to delete."""

    collection: str
    key: str
    data: bytes | None
    expected: int | None

    def version_after(self, stored: int) -> int:
        """The version it makes of the stored one (0: nothing there). Raises `VersionConflict` for an unexpected one."""
        if self.expected is not None and self.expected != stored:
            raise VersionConflict(
                f"{self.collection}/{self.key} has version {stored}, expected {self.expected}; read it again"
            )
        return 0 if self.data is None else stored + 1


def checked(writes: Sequence[Write]) -> tuple[Change, ...]:
    """The writes of one call, ready to be made. Raises `DataError` when any of them cannot be."""
    if len(writes) > WRITES_MAX:
        raise DataError(f"{len(writes)} writes at once, limit {WRITES_MAX}; split them")
    changes: dict[tuple[str, str], Change] = {}
    for collection, key, document, expected in writes:
        check_names(collection, key)
        if (collection, key) in changes:
            raise DataError(f"{collection}/{key} is written twice in one call; make it one write")
        data = None if document is None else encode(collection, key, document)
        changes[collection, key] = Change(collection, key, data, expected)
    return tuple(changes.values())


def encode(collection: str, key: str, document: Mapping[str, object]) -> bytes:
    """The JSON of a document. Raises `DataError` when it is none, too large, or not for every store."""
    try:
        plain = msgspec.to_builtins(document, str_keys=True)
        if not _is_faithful(plain):
            refuse_unfaithful(plain)
        data = _encoder.encode(plain)
    except (TypeError, ValueError, RecursionError) as problem:
        raise DataError(f"document {collection}/{key} is not JSON that can be kept: {problem}") from None
    if len(data) > DOCUMENT_MAX:
        raise DataError(f"document {collection}/{key} has {len(data)} bytes, limit {DOCUMENT_MAX}; split it")
    if reserved := RESERVED & plain.keys():
        names = ", ".join(sorted(reserved))
        raise DataError(f"document {collection}/{key} has a field {names}, which the store needs; choose another name")
    return data


def decode(data: bytes) -> Mapping[str, object]:
    """A document of one's own, which nobody else can change."""
    return _decoder.decode(data)


def check_names(collection: str, key: str) -> None:
    """Raise `DataError` for a name that no store could keep, or not every one."""
    for what, name in (("collection", collection), ("key", key)):
        if not 1 <= len(name) <= NAME_MAX:
            raise DataError(f"{what} {name[:40]!r} has {len(name)} letters; 1 to {NAME_MAX} are allowed")
        if "\0" in name or not (name.isascii() or is_text(name)):
            raise DataError(f"{what} {name[:40]!r} holds a letter that cannot be stored")
    if (size := len(collection.encode())) > COLLECTION_BYTES_MAX:
        raise DataError(f"collection {collection[:40]!r} has {size} bytes, limit {COLLECTION_BYTES_MAX}")
    if "$" in collection or collection.startswith("system.") or not all(collection.split(".")):
        raise DataError(
            f"collection {collection[:40]!r} cannot be stored everywhere: no $, no leading `system.`, and no empty part"
            " between dots"
        )


def check_fields(fields: Sequence[str]) -> None:
    """Raise `DataError` for a field that not every store can keep an index of."""
    for field in fields:
        if _FIELD.fullmatch(field) is None:
            raise DataError(f"field {field[:40]!r} cannot be indexed; up to 64 letters of a-z, A-Z, 0-9 and _ can")


def is_text(name: str) -> bool:
    """Whether it can be written in UTF-8: a lone surrogate cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def page_size(limit: int) -> int:
    """At most two hundred, whatever was asked for."""
    return max(0, min(limit, PAGE_MAX))


def is_meant(document: Mapping[str, object], where: Mapping[str, object] | None) -> bool:
    """Whether every field of `where` is there and equal; `true` is not 1, an absent field is not null."""
    return not where or all(_equal(document.get(field, _MISSING), value) for field, value in where.items())


def traces(where: Mapping[str, object] | None) -> list[bytes]:
    """Bytes that the JSON of every document meant by `where` holds: what lacks one need not be decoded.

    Texts, booleans and null are written in one way only; a number is not (1 and 1.0), so it leaves no trace.
    """
    found = []
    for field, value in (where or {}).items():
        if type(value) in (str, bool, NoneType):
            try:
                found.append(_encoder.encode({field: value})[1:-1])
            except ValueError:  # a lone surrogate: in no document, which decoding them will show
                continue
    return found


def refuse_unfaithful(value: object, path: str = "", depth: int = 0) -> None:
    """Raise `ValueError` naming the place of what would not come back as it was.

    JSON has no NaN and no Infinity, and writing null in their place would be a lie; other stores have numbers of 64
    bits, a limited depth, and names beginning with `$` that mean something else.
    """
    if isinstance(value, float) and value - value != 0.0:
        raise ValueError(f"{path or 'it'} = {value}")
    if isinstance(value, int) and not -INT_MAX <= value < INT_MAX:
        raise ValueError(f"{path} = {value} has more than 64 bits; write it as text")
    if isinstance(value, dict | list | tuple) and depth >= DEPTH_MAX:
        raise ValueError(f"{path[:80]}… is nested deeper than {DEPTH_MAX}; flatten it")
    if isinstance(value, dict):
        for name, inner in value.items():
            if name.startswith("$") or "\0" in name:
                raise ValueError(f"field {name[:40]!r} in {path or 'it'} begins with $ or holds a null; rename it")
            refuse_unfaithful(inner, f"{path}.{name}" if path else name, depth + 1)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            refuse_unfaithful(inner, f"{path}[{index}]", depth + 1)


def _is_faithful(value: object, depth: int = 0) -> bool:
    """Whether `refuse_unfaithful` has nothing to say: the same questions without the place, for many documents."""
    kind = type(value)
    if kind is dict and depth < DEPTH_MAX:
        mapping: dict[str, object] = value  # type: ignore[assignment]
        for name, inner in mapping.items():
            if name.startswith("$") or "\0" in name:
                return False
            if type(inner) not in _PLAIN and not _is_faithful(inner, depth + 1):
                return False
        return True
    if kind is list and depth < DEPTH_MAX:
        items: list[object] = value  # type: ignore[assignment]
        return all(type(inner) in _PLAIN or _is_faithful(inner, depth + 1) for inner in items)
    if kind is int:
        return -INT_MAX <= value < INT_MAX  # type: ignore[operator]
    return kind in _PLAIN or (kind is float and value - value == 0.0)  # type: ignore[operator]


def _equal(have: object, want: object) -> bool:
    return isinstance(have, bool) is isinstance(want, bool) and have == want
