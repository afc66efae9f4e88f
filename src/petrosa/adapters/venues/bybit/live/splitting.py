"""Messages of Bybit that say several things, taken apart so that each frame is one fact; its bytes stay the venue's."""

from collections.abc import Sequence
from typing import Final

import msgspec


class _Message(msgspec.Struct):
    topic: str
    ts: int
    data: tuple[msgspec.Raw, ...]
    type: str = "snapshot"


_message: Final = msgspec.json.Decoder(_Message).decode


def framed(stream: str, message: bytes) -> bytes:
    """A message under the name of its stream."""
    return b'{"stream":"%b","data":%b}' % (stream.encode(), message)


def single(message: bytes) -> Sequence[tuple[msgspec.Raw, bytes]]:
    """(what is said, a message that says this alone). Raises `msgspec.MsgspecError`."""
    whole = _message(message)
    if len(whole.data) == 1:
        return ((whole.data[0], message),)
    head = b'{"topic":%b,"type":%b,"ts":%d,"data":[' % (
        msgspec.json.encode(whole.topic), msgspec.json.encode(whole.type), whole.ts
    )  # fmt: skip
    return [(one, b"%b%b]}" % (head, bytes(one))) for one in whole.data]
