"""A recording: files of raw frames, merged by arrival into the one order in which they were heard."""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

from petrosa.adapters.venues.replay.lines import Faults, frames, is_gzip
from petrosa.adapters.venues.replay.manifested import Manifested, manifested
from petrosa.adapters.wire.frame import RawFrame
from petrosa.adapters.wire.readings import is_reading
from petrosa.errors import RecordingError

SNIFFED_FRAMES: Final = 1_000
_STREAM: Final = re.compile(rb'\{"stream":"([^"@]+)@([^"]+)"')
_ARRIVAL: Final = itemgetter(0)

USDM_SIGNS: Final = (b'"pu":', b'"X":"', b'"e":"bookTicker"')
SPOT_SIGNS: Final = (b'"M":', b'"e":"depthUpdate"', b'"lastUpdateId"', b'"u":')
"""What only one product sends. Looked for in this order: a spot update is one that is not a futures update."""


class RecordedFile(NamedTuple):
    """One file, and what its first frames say about it. A file of outside readings has no symbols and no product."""

    path: Path
    first_arrival: int
    sha256: str
    symbols: tuple[str, ...]
    product: str | None

    @property
    def snapshot_symbol(self) -> str | None:
        """Whose a bare snapshot is: the file's only symbol, or the one its name begins with."""
        if len(self.symbols) == 1:
            return self.symbols[0]
        named = re.split(r"[_.\-]", self.path.name.upper())[0]
        return named if named in self.symbols else None


class Recording:
    """One or more files or folders (of `*.gz`). Names of files play no part in order or digest.

    Where a folder has a manifest its files must be as that says. `faults` counts what could not be read, and gaps that
    the manifest tells of. Raises `RecordingError`, with the remedy, when nothing can be.
    """

    def __init__(self, paths: Iterable[str | Path], product: str | None = None) -> None:
        given = [Path(path) for path in paths]
        kept = [found for path in given if path.is_dir() and (found := manifested(path)) is not None]
        files = [file for path in files_of(given) if (file := _sniffed(path, kept)) is not None]
        if not files:
            raise RecordingError("the recording holds no whole frame yet; wait until its recorder has written some")
        for one in kept:
            one.check({file.path.name: file.sha256 for file in files if file.path.parent == one.folder})
        self._remarks = [remark for one in kept for remark in one.remarks()]
        markets = {one.manifest.market for one in kept}
        self.files = tuple(sorted(files, key=lambda file: (file.first_arrival, file.sha256)))
        self.name = "+".join(path.resolve().name for path in given)
        self.symbols = tuple(sorted({symbol for file in files for symbol in file.symbols}))
        self.faults = Faults()
        self._product = product or (markets.pop() if len(markets) == 1 else None)

    @cached_property
    def product(self) -> str:
        """`spot` or `usdm`, read off the frames unless it was given."""
        found = sorted({file.product for file in self.files if file.product is not None})
        if self._product is not None:
            return self._product
        if len(found) == 1:
            return found[0]
        what = "mixes " + " and ".join(found) if found else "does not show whether it is spot or usdm"
        raise RecordingError(f"recording {self.name} {what}; give the files of one product, or name the product")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the only file, or of the files' SHA-256 in order: the same data, wherever it lies."""
        if len(self.files) == 1:
            return self.files[0].sha256
        return hashlib.sha256("".join(file.sha256 for file in self.files).encode()).hexdigest()

    def batches(self, size: int = 4_096) -> Iterator[list[RawFrame]]:
        """Every frame in order of arrival, at most `size` at a time. Counts its faults anew each time it is begun."""
        self.faults = Faults()
        for remark in self._remarks:
            self.faults.add(*remark)
        kept: list[RawFrame] = []
        for merged in self._merged():
            kept.extend(merged)
            full = len(kept) - len(kept) % size
            for start in range(0, full, size):
                yield kept[start : start + size]
            del kept[:full]
        if kept:
            yield kept

    def _merged(self) -> Iterator[list[RawFrame]]:
        """Blocks in which everything is in order and after everything before.

        Up to the earliest end of the blocks at hand nothing can be missing, provided that every file which begins
        before that is open. A stable sort keeps the files' order among equal arrivals.
        """
        unopened = list(self.files)
        opened: list[_Opened] = []
        while unopened or opened:
            if not opened:
                opened.append(self._open(unopened.pop(0)))
            opened = [file for file in opened if file.fill()]
            while unopened and opened and unopened[0].first_arrival <= min(file.horizon for file in opened):
                late = self._open(unopened.pop(0))
                if late.fill():
                    opened.append(late)
            if not opened:
                continue
            horizon = min(file.horizon for file in opened)
            merged = [frame for file in opened for frame in file.take(horizon)]
            if len(opened) > 1:
                merged.sort(key=_ARRIVAL)
            yield merged

    def _open(self, file: RecordedFile) -> "_Opened":
        return _Opened(frames(file.path, file.snapshot_symbol, self.faults))


class _Opened:
    """A file being read: the block at hand."""

    def __init__(self, blocks: Iterator[list[RawFrame]]) -> None:
        self._blocks = blocks
        self._frames: list[RawFrame] = []

    def fill(self) -> bool:
        """Whether there is a block at hand, the next one if need be."""
        while not self._frames:
            following = next(self._blocks, None)
            if following is None:
                return False
            self._frames = following
        return True

    @property
    def horizon(self) -> int:
        return self._frames[-1].arrival

    def take(self, until: int) -> list[RawFrame]:
        """Remove and return what arrived up to a time, that time included."""
        count = bisect_right(self._frames, until, key=_ARRIVAL)
        taken, self._frames = self._frames[:count], self._frames[count:]
        return taken


def _sniffed(path: Path, kept: list[Manifested]) -> RecordedFile | None:
    """None for a segment that has been begun, of which nothing is whole yet."""
    try:
        return sniff(path)
    except RecordingError:
        if any(path.parent == one.folder and one.is_open(path) for one in kept):
            return None
        raise


def files_of(paths: list[Path]) -> list[Path]:
    """The files of a recording, each once, in no order that matters. Raises `RecordingError` when there are none."""
    found: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(path.glob("*.gz"))
            if not inside:
                raise RecordingError(
                    f"recording {path} is a folder without *.gz files; give a folder of recorded files"
                )
        elif path.is_file():
            inside = [path]
        else:
            raise RecordingError(f"recording {path} does not exist; give a recorded file or a folder of *.gz files")
        found.update((file.resolve(), file) for file in inside)
    if not found:
        raise RecordingError("no recording given; give a recorded file or a folder of *.gz files")
    return list(found.values())


def sniff(path: Path, *, digest: bool = True) -> RecordedFile:
    """What the first frames of a file say, and its digest, for which all of it is read; empty when not asked for.

    Raises `RecordingError` for a file that holds no frames.
    """
    try:
        if path.stat().st_size == 0:
            raise RecordingError(f"recording {path} is empty; record or copy it again")
        if path.suffix == ".gz" and not is_gzip(path):
            raise RecordingError(f"recording {path} is named .gz and is not gzip; unpack or copy it again")
        sha256 = ""
        if digest:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        faults = Faults()
        first = list(islice((f for block in frames(path, "", faults) for f in block), SNIFFED_FRAMES))
    except OSError as error:
        raise RecordingError(
            f"recording {path} cannot be read: {error.strerror}; check the file and its rights"
        ) from error
    if not first:
        said = "; ".join(faults.first.values()) or "there is no line in it"
        raise RecordingError(f"recording {path} holds no frame ({said}); lines must be `<arrival ns> <frame>`")
    first_arrival = first[0].arrival
    first = [frame for frame in first if not is_reading(frame.payload)]
    names = [match for frame in first if (match := _STREAM.match(frame.payload)) is not None]
    symbols = sorted({match[1].decode(errors="replace").upper() for match in names if match[1]} - {""})
    return RecordedFile(path, first_arrival, sha256, tuple(symbols), _product(first))


def _product(first: list[RawFrame]) -> str | None:
    for frame in first:
        if b"@snapshot" in frame.payload[:64]:
            continue
        if any(sign in frame.payload for sign in USDM_SIGNS):
            return "usdm"
        if any(sign in frame.payload for sign in SPOT_SIGNS):
            return "spot"
    return None
