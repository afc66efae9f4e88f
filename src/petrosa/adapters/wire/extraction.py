"""What an extractor tells when it has stored something: whoever reads the store may look.

    {"event_type":"extraction_completed","extraction_type":"klines","symbol":"BTCUSDT","period":"15m",
     "timestamp":"2026-01-02T03:15:02+00:00Z","success":true,"metrics":{…},"errors":[]}
    {"event_type":"batch_extraction_completed","extraction_type":"klines","symbols":["BTCUSDT","ETHUSDT"], …}

Its `timestamp`, which older extractors write with two zones, is not read: the store says what there is.
"""

from typing import Any, Final, NamedTuple

import msgspec

from petrosa.core.signals.symbols import plain_symbol
from petrosa.errors import FrameError

_KINDS: Final = frozenset({"extraction_completed", "batch_extraction_completed"})


class Extracted(NamedTuple):
    """Bars of these symbols were stored. `period` as the venue writes it; `market` is empty where nobody says."""

    symbols: tuple[str, ...]
    period: str
    market: str


class _Read(msgspec.Struct):
    event_type: str | None = None
    extraction_type: str | None = None
    symbol: str | None = None
    symbols: list[Any] | None = None
    period: str | None = None
    interval: str | None = None
    market: str | None = None
    success: bool | None = None


_decoder: Final = msgspec.json.Decoder(_Read, strict=False)


def decode_extraction(data: bytes) -> Extracted | None:
    """What was stored; none for an event of something else than bars, or of a failure.

    Raises `FrameError` with reason `extraction_malformed`.
    """
    try:
        read = _decoder.decode(data)
    except (ValueError, RecursionError) as problem:
        raise FrameError("extraction_malformed", f"{problem}; got {data[:80]!r}") from None
    if read.event_type not in _KINDS or not (read.extraction_type or "klines").startswith("klines"):
        return None
    # A batch of which a part has failed has stored the rest.
    if read.success is False and not read.symbols:
        return None
    named = [one for one in (read.symbol, *(read.symbols or ())) if isinstance(one, str) and one]
    period = read.period or read.interval or ""
    if not named or not period:
        raise FrameError("extraction_malformed", f"it names no symbol or no period; got {data[:80]!r}")
    return Extracted(tuple(plain_symbol(one) for one in named), period, read.market or "")
