"""What all document stores agree on: what a document may be, and when it is meant by a question."""

from collections.abc import Mapping
from typing import Final, cast

import msgspec

from petrosa.errors import DataError, VersionConflict

NAME_MAX: Final = 512
DOCUMENT_MAX: Final = 1_048_576
PAGE_MAX: Final = 200

_MISSING: Final = object()
_encoder: Final = msgspec.json.Encoder(decimal_format="string")
_decoder: Final = msgspec.json.Decoder(dict[str, object])


def encode(collection: str, key: str, document: Mapping[str, object]) -> bytes:
    """The JSON of a document. Raises `DataError` when it is none, or too large."""
    try:
        data = _encoder.encode(document)
        _refuse_non_finite(document, "")
    except (TypeError, ValueError, RecursionError) as problem:
        raise DataError(f"document {collection}/{key} is not JSON: {problem}") from None
    if len(data) > DOCUMENT_MAX:
        raise DataError(f"document {collection}/{key} has {len(data)} bytes, limit {DOCUMENT_MAX}; split it")
    return data


def decode(data: bytes) -> Mapping[str, object]:
    """A document of one's own, which nobody else can change."""
    return _decoder.decode(data)


def check_names(collection: str, key: str) -> None:
    """Raise `DataError` for a name that no store could keep."""
    for what, name in (("collection", collection), ("key", key)):
        if not 1 <= len(name) <= NAME_MAX:
            raise DataError(f"{what} {name[:40]!r} has {len(name)} letters; 1 to {NAME_MAX} are allowed")
        if "\0" in name or any("\ud800" <= letter <= "\udfff" for letter in name):
            raise DataError(f"{what} {name[:40]!r} holds a letter that cannot be stored")


def check_version(collection: str, key: str, stored: int, expected: int | None) -> None:
    """Raise `VersionConflict` when somebody else was here since the caller looked."""
    if expected is not None and expected != stored:
        raise VersionConflict(f"{collection}/{key} has version {stored}, expected {expected}; read it again")


def page_size(limit: int) -> int:
    """At most two hundred, whatever was asked for."""
    return max(0, min(limit, PAGE_MAX))


def is_meant(document: Mapping[str, object], where: Mapping[str, object] | None) -> bool:
    """Whether every field of `where` is there and equal; `true` is not 1, an absent field is not null."""
    return not where or all(_equal(document.get(field, _MISSING), value) for field, value in where.items())


def _equal(have: object, want: object) -> bool:
    return isinstance(have, bool) is isinstance(want, bool) and have == want


def _refuse_non_finite(value: object, path: str) -> None:
    """JSON has no NaN and no Infinity; writing null in their place would be a lie."""
    if isinstance(value, float) and value - value != 0.0:
        raise ValueError(f"{path.lstrip('.') or 'it'} = {value}")
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[object, object]", value).items():
            _refuse_non_finite(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _refuse_non_finite(inner, f"{path}[{index}]")
