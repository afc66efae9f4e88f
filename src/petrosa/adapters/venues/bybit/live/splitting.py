"""Messages of Bybit that say several things, taken apart so that each frame is one fact; its bytes stay the venue's."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import msgspec

REMEMBERED: Final = 8_192
"""Trades of a stream remembered by id; a message has at most 1,024."""


class _Message(msgspec.Struct):
    topic: str
    ts: int
    data: tuple[msgspec.Raw, ...]
    type: str = "snapshot"


class _Named(msgspec.Struct):
    i: str


_message: Final = msgspec.json.Decoder(_Message).decode
_named: Final = msgspec.json.Decoder(_Named).decode


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


class Once:
    """Which trades of a stream have been told."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told: OrderedDict[str, None] = OrderedDict()

    def is_new(self, trade: msgspec.Raw) -> bool:
        """Raises `msgspec.MsgspecError` for a trade without an id."""
        name = _named(trade).i
        if name in self._told:
            return False
        self._told[name] = None
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return True
