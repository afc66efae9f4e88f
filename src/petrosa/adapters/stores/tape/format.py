"""A tape: segments `000001.tape`, … of compressed blocks, each whole or not there.

    block  = "PTB1", length of what follows the header (u32), CRC-32 of it (u32), zlib data
    zlib data unpacks to frames one after the other:
    frame  = sequence (u64), now (i64), arrival (i64), length of tag (u16), length of payload (u32), tag, payload

Integers are little-endian, times nanoseconds UTC. `sequence` is the last turn before the frame was dequeued, the tag
is `venue:market`. The digest is the SHA-256 of the unpacked frames in order, so how they were cut into blocks and
segments does not matter.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

SUFFIX: Final = ".tape"
MAGIC: Final = b"PTB1"
BLOCK_HEADER: Final = struct.Struct("<4sII")
FRAME_HEADER: Final = struct.Struct("<QqqHI")


class TapedFrame(NamedTuple):
    """One thing that was heard. `tag` is `venue:market`, `arrival` when the socket had it, `now` the desk's time."""

    sequence: int
    now: int
    arrival: int
    tag: str
    payload: bytes


def pack_block(frames: bytes) -> bytes:
    """A block holding packed frames. Level 1: three quarters of the gain for a fifth of the time."""
    packed = zlib.compress(frames, 1)
    return BLOCK_HEADER.pack(MAGIC, len(packed), zlib.crc32(packed)) + packed


def unpack_frames(frames: bytes) -> Iterator[TapedFrame]:
    offset = 0
    while offset < len(frames):
        sequence, now, arrival, tag_length, length = FRAME_HEADER.unpack_from(frames, offset)
        offset += FRAME_HEADER.size
        tag = frames[offset : offset + tag_length].decode()
        offset += tag_length
        yield TapedFrame(sequence, now, arrival, tag, frames[offset : offset + length])
        offset += length


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}{SUFFIX}"


def segment_numbers(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob(f"*{SUFFIX}") if path.stem.isdigit())
