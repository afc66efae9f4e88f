"""Why a frame of a venue is refused, by names that are counted."""

import re
from typing import Final

import msgspec

from petrosa.errors import FrameError

_RANGE: Final = re.compile(r"Expected `(float|int)` [<>]|out of range")


def refused(error: Exception, payload: bytes) -> FrameError:
    """What a decoder said of a frame, as one of our own refusals."""
    message = str(error)
    if isinstance(error, msgspec.ValidationError):
        reason = "absurd_value" if _RANGE.search(message) else "malformed"
    elif isinstance(error, msgspec.DecodeError):
        reason = "truncated" if "truncated" in message else "not_json"
    elif isinstance(error, UnicodeDecodeError):
        reason, message = "not_json", "not UTF-8"
    elif isinstance(error, RecursionError):
        reason, message = "malformed", "nested too deeply"
    else:
        reason, message = "truncated", "the stream's name does not end"
    return FrameError(reason, f"{message}; frame {shown(payload)}")


def shown(payload: bytes) -> str:
    """The beginning of a frame, short enough for a log line."""
    return repr(payload[:80].decode(errors="replace")) + ("…" if len(payload) > 80 else "")


def absurd(symbol: str, what: str, values: str) -> FrameError:
    return FrameError("absurd_value", f"{symbol}: {what} with {values} cannot be")


def crossed(symbol: str, bid: float, ask: float) -> FrameError:
    return FrameError("crossed_book", f"{symbol}: best bid {bid} is not below best offer {ask}")


def mismatch(stream: str, data: str) -> FrameError:
    return FrameError("symbol_mismatch", f"the stream is of {stream} and its data of {data[:40]!r}")
