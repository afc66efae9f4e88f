"""Whether the messages of one book go on from each other; what does not is mended by subscribing once more."""

from enum import Enum
from typing import Final

import msgspec

from petrosa.adapters.feeds.face import BookHealth
from petrosa.adapters.venues.bybit.wire import UpdateId
from petrosa.core.model.market import InstrumentId

SNAPSHOT: Final = "snapshot"


class _Ids(msgspec.Struct, gc=False):
    u: UpdateId


class _Book(msgspec.Struct, gc=False):
    type: str
    ts: int
    data: _Ids


_decode: Final = msgspec.json.Decoder(_Book).decode


class Step(Enum):
    """What a message means."""

    BEGINS = "begins"
    GOES_ON = "goes on"
    OLD = "is known"
    GAP = "does not go on"
    WAITS = "waits for a snapshot"


class Book:
    """One book's chain: a snapshot, or `u` of 1, begins it, a delta goes on where `u` is one more."""

    __slots__ = ("expected", "gaps", "got", "instrument", "last", "since", "snapshots", "stream", "ts_ms", "whole")

    def __init__(self, stream: str, instrument: InstrumentId) -> None:
        self.stream = stream
        self.instrument = instrument
        self.whole = False
        self.last = self.since = self.gaps = self.snapshots = 0
        self.expected = self.got = self.ts_ms = 0
        """Of the last gap: which id, which one came, and when."""

    @property
    def health(self) -> BookHealth:
        return BookHealth(self.whole, self.since, self.last, self.gaps, self.snapshots)

    def hear(self, message: bytes, now: int) -> Step:
        """Raises `msgspec.MsgspecError` for a message that cannot be read."""
        found = _decode(message)
        number = found.data.u
        if found.type == SNAPSHOT or number == 1:
            self.since = self.since if self.whole else now
            self.whole, self.last = True, number
            self.snapshots += 1
            return Step.BEGINS
        if not self.whole:
            return Step.WAITS
        if number <= self.last:
            return Step.OLD
        if number == self.last + 1:
            self.last = number
            return Step.GOES_ON
        self.expected, self.got, self.ts_ms = self.last + 1, number, found.ts
        self.gaps += 1
        self.lose(now)
        return Step.GAP

    def lose(self, now: int) -> None:
        """It is not known any more."""
        if self.whole:
            self.whole, self.since = False, now
