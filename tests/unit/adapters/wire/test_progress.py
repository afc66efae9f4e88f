"""How far the signals go, over the wire."""

import pytest

from petrosa.adapters.wire.progress import Progress, decode_progress, encode_progress
from petrosa.errors import FrameError


def test_round_trip() -> None:
    """Progress that crossed the wire says the same."""
    assert Progress("r1", 42, True) == decode_progress(encode_progress(Progress("r1", 42, True)))


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b'{"run":"r"}', b'{"run":"r","market_sequence":"x"}'])
def test_anything_else_is_named(data: bytes) -> None:
    """What is no progress is an error with a reason."""
    with pytest.raises(FrameError, match="progress_malformed"):
        decode_progress(data)
