"""Secrets never reach a log line, a table or an answer: one rule for all of them."""

import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "•••"

SECRET_NAME = re.compile(
    r"(secret|password|passwd|passphrase|token|api_?key|private_?key|credential|seed_phrase)", re.I
)
KEY_SECRET = re.compile(r"\b(?P<id>pk_[0-9a-f]{16})_[0-9a-f]+", re.I)
URL_USERINFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?:[^/\s]+|[^\s,]+)@", re.I)
"""Up to the last @ of the host's part; a password with a slash in it makes that part longer than it should be."""
URL_OPTION = re.compile(
    r"(?P<name>[?&](?:[^=&\s]*(?:secret|password|token|api_?key|credential)[^=&\s]*|authMechanismProperties)=)[^&\s]+",
    re.I,
)


def redact(name: str, value: Any) -> Any:
    """The value as it may be shown under this name.

    Hidden for a secret; a text without the secrets of an address and without the secret half of an API key.
    """
    if SECRET_NAME.search(name) and value not in (None, "", False, True):
        return HIDDEN
    if isinstance(value, str):
        text = URL_OPTION.sub(rf"\g<name>{HIDDEN}", URL_USERINFO.sub(rf"\g<scheme>{HIDDEN}@", value))
        return KEY_SECRET.sub(rf"\g<id>_{HIDDEN}", text)
    if isinstance(value, Mapping):
        return {key: redact(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(name, inner) for inner in value]
    return value
