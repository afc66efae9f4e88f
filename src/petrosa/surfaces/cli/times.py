"""Times as people write them, and as they are kept: nanoseconds UTC."""

from datetime import UTC, datetime
from typing import Final

from petrosa.core.model.base import NS_PER_SECOND
from petrosa.errors import UsageError

NS_DIGITS: Final = 18
"""A whole number with this many digits or more is nanoseconds since 1970."""


def nanoseconds_of(text: str, option: str = "--at") -> int:
    """Reads ISO 8601 (`2026-01-02T03:04:05.678Z`; without an offset it is UTC) or whole nanoseconds.

    Raises `UsageError` with an example for anything else.
    """
    text = text.strip()
    if text.isdecimal() and len(text) >= NS_DIGITS:
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is no time; write it like 2026-01-02T03:04:05.678Z, or as whole nanoseconds since 1970"
        ) from None
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    whole = int(when.replace(microsecond=0).timestamp())
    return whole * NS_PER_SECOND + when.microsecond * 1_000
