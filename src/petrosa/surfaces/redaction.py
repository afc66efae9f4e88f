"""Secrets never reach a log line, a table or an answer: one rule for all of them."""

import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "•••"

SECRET_NAME = re.compile(
    r"(secret|password|passwd|passphrase|token|api_?key|private_?key|credential|seed_phrase)", re.I
)
URL_USERINFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/@\s]+@", re.I)


def redact(name: str, value: Any) -> Any:
    """The value as it may be shown under this name: hidden for a secret, without user and password for an address."""
    if SECRET_NAME.search(name) and value not in (None, "", False, True):
        return HIDDEN
    if isinstance(value, str):
        return URL_USERINFO.sub(rf"\g<scheme>{HIDDEN}@", value)
    if isinstance(value, Mapping):
        return {key: redact(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(name, inner) for inner in value]
    return value
