"""Secrets never reach a log line, a table or an answer: one rule for all of them."""

import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "•••"

SECRET_NAME = re.compile(
    r"(secret|password|passwd|passphrase|token|api_?key|private_?key|credential|seed_phrase)", re.I
)
URL_USERINFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?:[^/\s]+|[^\s,]+)@", re.I)
"""Up to the last @ of the host's part; a password with a slash in it makes that part longer than it should be."""
URL_OPTION = re.compile(
    r"(?P<name>[?&](?:[^=&\s]*(?:secret|password|token|api_?key|credential)[^=&\s]*|authMechanismProperties)=)[^&\s]+",
    re.I,
)


def redact(name: str, value: Any) -> Any:
    """The value as it may be shown under this name: hidden for a secret; an address without its secrets."""
    if SECRET_NAME.search(name) and value not in (None, "", False, True):
        return HIDDEN
    if isinstance(value, str):
        return URL_OPTION.sub(rf"\g<name>{HIDDEN}", URL_USERINFO.sub(rf"\g<scheme>{HIDDEN}@", value))
    if isinstance(value, Mapping):
        return {key: redact(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(name, inner) for inner in value]
    return value
