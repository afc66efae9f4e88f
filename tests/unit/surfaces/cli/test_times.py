"""A time may be written as people write it, and is exact."""

import pytest

from petrosa.errors import UsageError
from petrosa.surfaces.cli.times import nanoseconds_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T03:04:05Z", 1_767_323_045_000_000_000),
        ("2026-01-02T03:04:05.678901Z", 1_767_323_045_678_901_000),
        ("2026-01-02 03:04:05", 1_767_323_045_000_000_000),
        ("2026-01-02T04:04:05+01:00", 1_767_323_045_000_000_000),
        ("1767323045678901234", 1_767_323_045_678_901_234),
    ],
)
def test_a_time_is_nanoseconds_utc(text: str, expected: int) -> None:
    """With or without an offset, to the last digit that was written."""
    assert expected == nanoseconds_of(text)


@pytest.mark.parametrize("text", ["", "yesterday", "03:04", "1767323045", "2026-13-01T00:00:00Z"])
def test_anything_else_is_answered_with_an_example(text: str) -> None:
    """Seconds are not taken for nanoseconds."""
    with pytest.raises(UsageError, match="write it like 2026-01-02T03:04:05"):
        nanoseconds_of(text)
