"""The lines of one recorded file: `<arrival ns> <frame>`, gzipped or plain, read in bounded blocks.

What cannot be read is counted by reason and never stops the rest: a line without an arrival number, a file that breaks
off in the middle, a compressed stream that is damaged from some point on.
"""

import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from operator import methodcaller
from pathlib import Path
from typing import Final

from petrosa.adapters.wire.frame import RawFrame
from petrosa.core.model.base import NEVER, NS_PER_SECOND

GZIP_MAGIC: Final = b"\x1f\x8b"
READ_BYTES: Final = 64 * 1024
BLOCK_BYTES: Final = 1024 * 1024
"""Text held at once per file; the longest line a file may have is twice that."""
LEAP_NS: Final = 60 * NS_PER_SECOND
"""A step of a clock back or ahead by no more than this is let be."""

STREAM: Final = b'{"stream":"'
_split = methodcaller("partition", b" ")


class Faults:
    """What could not be used, counted by reason, with the first case of each in words."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.first: dict[str, str] = {}

    def add(self, reason: str, message: str) -> None:
        self.counts[reason] += 1
        self.first.setdefault(reason, message)


def is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC


def text_blocks(path: Path, faults: Faults) -> Iterator[bytes]:
    """The text of a file in blocks that end at the end of a line, but for the last."""
    rest = b""
    complete = True
    for block in _inflated(path, faults) if is_gzip(path) else _plain(path):
        if not block:
            complete = False
            break
        head, newline, tail = (rest + block).rpartition(b"\n")
        if newline:
            yield head
            rest = tail
        elif len(tail) > 2 * BLOCK_BYTES:
            faults.add("line_too_long", f"{path.name}: a line of more than {2 * BLOCK_BYTES} bytes; is it a recording?")
            return
        else:
            rest = tail
    if rest.strip():
        if complete:
            yield rest
        else:
            faults.add(
                "truncated_line", f"{path.name}: the last line breaks off after {rest[:40].decode(errors='replace')!r}"
            )


def frames(path: Path, symbol: str | None, faults: Faults) -> Iterator[list[RawFrame]]:
    """The frames of a file in its own order, a block at a time; `symbol` is whose bare snapshots are."""
    last = 0
    for arrivals, payloads in _chunks(path, faults):
        if arrivals[0] < last or arrivals != sorted(arrivals):
            arrivals = _straightened(arrivals, last, path, faults)
        last = arrivals[-1]
        made = list(map(RawFrame._make, zip(arrivals, payloads, strict=True)))
        if not all(map(_has_stream, payloads)):
            made = [named for frame in made if (named := _name(frame, symbol, path, faults)) is not None]
        yield made


def _chunks(path: Path, faults: Faults) -> Iterator[tuple[list[int], list[bytes]]]:
    """Arrivals and frames of each block. Its last line is handed out with the next block, by which it can be judged."""
    arrivals: list[int] = []
    payloads: list[bytes] = []
    for block in text_blocks(path, faults):
        more, frames = _columns(block.split(b"\n"), path, faults)
        if len(arrivals) > 1:
            yield arrivals[:-1], payloads[:-1]
            arrivals, payloads = arrivals[-1:], payloads[-1:]
        arrivals += more
        payloads += frames
    if arrivals:
        yield arrivals, payloads


def _straightened(arrivals: list[int], last: int, path: Path, faults: Faults) -> list[int]:
    """Arrivals that never go back. A step back gets the arrival of the line before it.

    A leap, forwards or backwards, from which the lines after it come back is taken out: one wrong line must not carry
    the clock of the rest of a file with it.
    """
    fitting = _fitting(arrivals, last)
    current = last or next((arrival for arrival, fits in zip(arrivals, fitting, strict=True) if fits), arrivals[0])
    straight: list[int] = []
    for arrival, fits in zip(arrivals, fitting, strict=True):
        following = max(current, arrival) if fits or abs(arrival - current) <= LEAP_NS else current
        if following != arrival:
            message = f"arrival {arrival} does not fit the lines around it, and counts as {following}"
            faults.add("arrival_out_of_order", f"{path.name}: {message}; order in the file is kept")
        straight.append(following)
        current = following
    return straight


def _fitting(arrivals: list[int], last: int) -> list[bool]:
    """Which arrivals belong to the longest run from `last` on that never decreases (Fredman 1975)."""
    ends: list[int] = []
    chosen: list[int] = []
    before: list[int] = []
    for place, arrival in enumerate(arrivals):
        at = bisect_right(ends, arrival) if arrival >= last else -1
        before.append(chosen[at - 1] if at > 0 else -1)
        if at >= 0:
            ends[at : at + 1] = [arrival]
            chosen[at : at + 1] = [place]
    fitting = [False] * len(arrivals)
    place = chosen[-1] if chosen else -1
    while place >= 0:
        fitting[place] = True
        place = before[place]
    return fitting


_has_stream = methodcaller("startswith", STREAM)


def _plain(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def _inflated(path: Path, faults: Faults) -> Iterator[bytes]:
    """Inflate members one after the other; an empty block at the end says that the file broke off."""
    with path.open("rb") as file:
        inflate = zlib.decompressobj(wbits=31)
        source = file.read(READ_BYTES)
        while source:
            try:
                block = inflate.decompress(source, BLOCK_BYTES)
            except zlib.error as error:
                faults.add("damaged_gzip", f"{path.name}: {error}; what comes after is lost")
                yield b""
                return
            if block:
                yield block
            if inflate.eof:
                source = inflate.unused_data or file.read(READ_BYTES)
                inflate = zlib.decompressobj(wbits=31) if source else inflate
            else:
                source = inflate.unconsumed_tail or file.read(READ_BYTES)
        if not inflate.eof:
            faults.add("truncated_gzip", f"{path.name}: the file breaks off; everything before is used")
            yield b""


def _columns(lines: list[bytes], path: Path, faults: Faults) -> tuple[list[int], list[bytes]]:
    """Arrivals and frames of lines. The quick way first: almost every block is sound."""
    heads, _, payloads = zip(*map(_split, lines), strict=True)
    try:
        arrivals = list(map(int, heads))
        if b"".join(heads).isdigit() and min(arrivals) > 0 and max(arrivals) < NEVER and all(payloads):
            return arrivals, list(payloads)
    except ValueError:
        pass
    sound = [(int(head), payload) for head, payload in zip(heads, payloads, strict=True) if _is_sound(head, payload)]
    bad = [
        line
        for line, head, body in zip(lines, heads, payloads, strict=True)
        if line.strip() and not _is_sound(head, body)
    ]
    for line in bad:
        faults.add(
            "no_arrival",
            f"{path.name}: a line must be `<arrival ns> <frame>`, got {line[:60].decode(errors='replace')!r}",
        )
    return [arrival for arrival, _ in sound], [payload for _, payload in sound]


def _is_sound(head: bytes, payload: bytes) -> bool:
    return head.isdigit() and len(head) <= 19 and 0 < int(head) < NEVER and bool(payload)


def _name(frame: RawFrame, symbol: str | None, path: Path, faults: Faults) -> RawFrame | None:
    """Give a bare REST snapshot the name of a stream; anything else is left for the parser to refuse."""
    if frame.payload.startswith(STREAM) or b'"lastUpdateId"' not in frame.payload[:64]:
        return frame
    if symbol is None:
        faults.add(
            "snapshot_without_symbol", f"{path.name}: a snapshot in a file of several symbols; put one in each file"
        )
        return None
    name = symbol.lower().encode()
    return RawFrame(frame.arrival, b'{"stream":"' + name + b'@snapshot","data":' + frame.payload + b"}")
