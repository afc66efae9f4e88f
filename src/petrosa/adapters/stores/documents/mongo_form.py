"""Documents as MongoDB keeps them, and back; what other software wrote there is told in JSON too."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.objectid import ObjectId

from petrosa.adapters.stores.documents import rules
from petrosa.errors import DataError
from petrosa.ports import Versioned

VERSION: Final = "_version"


def as_kept(key: str, version: int, document: Mapping[str, object]) -> dict[str, Any]:
    """The document with its key and version in front, where people look first."""
    return {"_id": key, VERSION: version, **document}


def as_read(collection: str, key: str, found: Mapping[str, Any]) -> Versioned:
    """The document without key and version. Times come as RFC 3339 text, exact decimals and ids as text.

    Raises `DataError` for what other software put there and JSON cannot say.
    """
    version = version_of(collection, key, found)
    own = {name: value for name, value in found.items() if name not in rules.RESERVED}
    try:
        plain = msgspec.to_builtins(own, enc_hook=_plain)
        rules.refuse_unfaithful(plain)
    except (TypeError, ValueError) as problem:
        raise DataError(f"document {collection}/{key} was written by other software: {problem}") from None
    return Versioned(version, plain)


def version_of(collection: str, key: str, found: Mapping[str, Any]) -> int:
    """The version of what is there: 1 when other software wrote it. Raises `DataError` for one that is no version."""
    version = found.get(VERSION)
    if version is None:
        return 1
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise DataError(
            f"document {collection}/{key} has {VERSION} = {version!r}, which is no version; correct it there"
        )
    return int(version)


def _plain(value: Any) -> object:
    if isinstance(value, Int64):
        return int(value)
    if isinstance(value, ObjectId | Decimal128):
        return str(value)
    raise TypeError(f"it holds a {type(value).__name__}, which is not JSON")
