"""Times as other programs write them: ISO-8601 texts and epoch numbers, to and from nanoseconds UTC."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.errors import FrameError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_SECONDS: Final = (946_684_800, 4_102_444_800)
"""From 2000 to 2100: a number inside is seconds, a thousand times that milliseconds. Nothing else is a time."""


def iso_z(ts: int) -> str:
    """`2026-01-01T00:00:00.123456Z`: microseconds and a literal Z, as the socket client writes it. Digits are cut."""
    second, rest = divmod(ts, NS_PER_SECOND)
    return f"{_second_text(second)}.{rest // 1000:06d}Z"


@lru_cache(maxsize=64)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def parse_time(value: str | float, field: str, reason: str) -> int:
    """Nanoseconds UTC of a time in any spelling seen in the wild: `…Z`, an offset, `+00:00Z`, none, epoch s or ms.

    A text without an offset is UTC. Raises `FrameError(reason)` naming the field when it is not a time.
    """
    if isinstance(value, str):
        text = value.strip()
        if text.endswith("+00:00Z"):
            text = text[:-1]
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            ts = (moment - _EPOCH) // _MICROSECOND * 1000
        except (ValueError, OverflowError):
            raise _not_a_time(value, field, reason) from None
        return _in_range(ts, value, field, reason)
    for factor in (NS_PER_SECOND, NS_PER_MS):
        if _SECONDS[0] * NS_PER_SECOND <= value * factor <= _SECONDS[1] * NS_PER_SECOND:
            # Through microseconds, because a float has no room for the nanoseconds of an epoch.
            return round(value * (factor // 1000)) * 1000
    raise _not_a_time(value, field, reason)


def _in_range(ts: int, value: str, field: str, reason: str) -> int:
    if not _SECONDS[0] * NS_PER_SECOND <= ts <= _SECONDS[1] * NS_PER_SECOND:
        raise _not_a_time(value, field, reason)
    return ts


def _not_a_time(value: object, field: str, reason: str) -> FrameError:
    shown = repr(value)[:60]
    return FrameError(reason, f"{field} = {shown} is not a time between 2000 and 2100; send ISO-8601 UTC with a Z")
