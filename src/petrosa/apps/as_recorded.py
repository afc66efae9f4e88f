"""The frames of a recording as they are, on their way to whoever subscribes: only their times are moved to now."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from petrosa.adapters.venues.replay.recording import Recording
from petrosa.core.model.base import NS_PER_MS

NAMED: Final = re.compile(rb'\{"stream":"([^"]+)","data":(.*)\}\s*', re.DOTALL)
SNAPSHOT: Final = b"@snapshot"
TIMES: Final = re.compile(rb'"([ETtOC])":(\d{13})(?=[,}])')
"""Times in what Binance streams: milliseconds since 1970. Ids are shorter."""


class Relayed(NamedTuple):
    """An event of a stream, without what a combined connection puts round it."""

    market: str
    stream: str
    data: bytes

    def moved(self, wall: Callable[[int], int]) -> "Relayed":
        """The same event at other times; `wall` says for a time of the recording (ns) what it is now."""

        def at(found: re.Match[bytes]) -> bytes:
            return b'"%b":%d' % (found[1], wall(int(found[2]) * NS_PER_MS) // NS_PER_MS)

        return self._replace(data=TIMES.sub(at, self.data))


def relayed(recording: Recording, market: str, symbols: Iterable[str], shift: int) -> Iterator[tuple[int, Relayed]]:
    """(when heard, event) of everything that was recorded of some symbols, but for snapshots: those are asked for.

    `shift` corrects arrivals, as the facts of the same recording were corrected.
    """
    served = tuple(f"{symbol.lower()}@".encode() for symbol in symbols)
    for batch in recording.batches():
        for arrival, payload in batch:
            found = NAMED.fullmatch(payload)
            if found is not None and found[1].startswith((*served, b"!")) and not found[1].endswith(SNAPSHOT):
                yield arrival + shift, Relayed(market, found[1].decode(), found[2])
