"""What extractors of any generation tell, and what is no news of bars."""

import json
from typing import Any

import pytest

from petrosa.adapters.wire.extraction import Extracted, decode_extraction
from petrosa.errors import FrameError

ONE: dict[str, Any] = {
    "event_type": "extraction_completed",
    "extraction_type": "klines",
    "symbol": "BTCUSDT",
    "period": "15m",
    "timestamp": "2026-01-02T03:15:02.123456+00:00Z",
    "success": True,
    "metrics": {"records_fetched": 3, "records_written": 1, "duration_seconds": 0.2, "gaps_found": 0},
    "errors": [],
}


def event(**changed: Any) -> bytes:
    return json.dumps(ONE | changed).encode()


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, Extracted(("BTCUSDT",), "15m", "")),
        ({"market": "spot", "symbol": "BTC/USDT"}, Extracted(("BTCUSDT",), "15m", "spot")),
        ({"timestamp": 17, "errors": None, "metrics": []}, Extracted(("BTCUSDT",), "15m", "")),
        ({"extraction_type": "klines_gap_filling"}, Extracted(("BTCUSDT",), "15m", "")),
        ({"event_type": "batch_extraction_completed", "symbol": None, "symbols": ["BTCUSDT", "ethusdt", 7, None]},
         Extracted(("BTCUSDT", "ETHUSDT"), "15m", "")),
        ({"event_type": "batch_extraction_completed", "symbol": None, "symbols": ["BTCUSDT"], "success": False},
         Extracted(("BTCUSDT",), "15m", "")),
        ({"success": False}, None),
        ({"extraction_type": "funding"}, None),
        ({"event_type": "extraction_started"}, None),
        ({"event_type": None}, None),
    ],
)  # fmt: skip
def test_events(changed: dict[str, Any], found: Extracted | None) -> None:
    """Symbols and period are understood however they are told; a time with two zones hurts nobody."""
    assert found == decode_extraction(event(**changed))


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, event(symbol=None), event(period=""), event(symbols=3)]
)
def test_no_events(data: bytes) -> None:
    """What cannot be understood has a reason that is counted."""
    with pytest.raises(FrameError) as caught:
        decode_extraction(data)
    assert "extraction_malformed" == caught.value.reason
