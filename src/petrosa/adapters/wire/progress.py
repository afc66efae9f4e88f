"""How far a strategies service has come in the market stream, told in the stream of its signals.

Signals and progress share one durable stream, so whoever has read progress n has read every signal that the market up
to message n led to. A trader of a recorded run waits for it: its market time never runs ahead of the signals.
"""

from typing import Final

import msgspec

from petrosa.errors import FrameError

PROGRESS: Final = "petrosa.progress.strategies"


class Progress(msgspec.Struct, frozen=True):
    """Every signal of messages up to `market_sequence` has been published; `done` when no more will come."""

    run: str
    market_sequence: int
    done: bool = False


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Progress)


def encode_progress(progress: Progress) -> bytes:
    return _encoder.encode(progress)


def decode_progress(data: bytes) -> Progress:
    """Raises `FrameError` for what is no progress message."""
    try:
        return _decoder.decode(data)
    except ValueError as problem:
        raise FrameError("progress_malformed", f"{problem}; got {data[:80]!r}") from None
