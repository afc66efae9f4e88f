"""What a recording is long enough for, seen without decoding it: from when to when, and the streams that bars need."""

import re
from typing import Final, NamedTuple

from petrosa.adapters.venues.replay.lines import Faults, text_blocks
from petrosa.adapters.venues.replay.recording import Recording

_NAMED: Final = re.compile(rb'\{"stream":"([^"@]{1,40})@(kline_\w{2,3}|trade|aggTrade)"')


class Heard(NamedTuple):
    """Streams of one symbol (`trade`, `kline_1m`), and when its files begin and end (arrival, ns)."""

    streams: frozenset[str]
    first: int
    last: int


def survey(recording: Recording) -> dict[str, Heard]:
    """What was recorded, by symbol; it takes reading everything once. Arrivals are as the recorder wrote them."""
    found: dict[str, Heard] = {}
    for file in recording.files:
        streams: set[tuple[str, str]] = set()
        last = file.first_arrival
        for block in text_blocks(file.path, Faults()):
            streams |= {(name.decode().upper(), kind.decode()) for name, kind in set(_NAMED.findall(block))}
            last = max(last, _arrival(block[block.rfind(b"\n") + 1 :]))
        for symbol in file.symbols:
            known = found.get(symbol, Heard(frozenset(), file.first_arrival, last))
            kinds = known.streams | {kind for name, kind in streams if name == symbol}
            found[symbol] = Heard(kinds, min(known.first, file.first_arrival), max(known.last, last))
    return found


def _arrival(line: bytes) -> int:
    head = line[:20].partition(b" ")[0]
    return int(head) if head.isdigit() else 0
