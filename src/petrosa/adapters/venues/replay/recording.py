"""A recording: files of raw frames, merged by arrival into the one order in which they were heard."""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from functools import cached_property
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Final, NamedTuple

from petrosa.adapters.stores.recording.manifest import NAME as MANIFEST
from petrosa.adapters.venues.replay.lines import Faults, frames, is_gzip
from petrosa.adapters.venues.replay.manifested import Manifested, manifested
from petrosa.adapters.wire.frame import RawFrame
from petrosa.adapters.wire.readings import is_reading
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.errors import RecordingError

SNIFFED_FRAMES: Final = 1_000
_STREAM: Final = re.compile(rb'\{"stream":"([^"@]+)@([^"]+)"')
_ARRIVAL: Final = itemgetter(0)

USDM_SIGNS: Final = (b'"pu":', b'"X":"', b'"e":"bookTicker"')
SPOT_SIGNS: Final = (b'"M":', b'"e":"depthUpdate"', b'"lastUpdateId"', b'"u":')
"""What only one product sends. Looked for in this order: a spot update is one that is not a futures update."""
_UNSIGNED: Final = re.compile(rb'\{"stream":"[^"@]+@[^"]+","data":\{"topic":"')
"""How frames of Bybit begin, and Binance's never do. They do not show which market they are of: a manifest says it."""

Told = Iterator[list[RawFrame]]
"""Frames in the order of their arrival, in blocks."""
Telling = Callable[[Faults], Callable[[Told], Told]]
"""Makes what tells the frames of a venue in another way: called once for each reading, then with each file's blocks in
turn. What it cannot use goes to the faults."""


class RecordedFile(NamedTuple):
    """One file, and what its first frames say about it. A file of outside readings has no symbols and no product.

    In a folder with a manifest that says whose `venue` and which `product` it is; without one the venue is not known.
    """

    path: Path
    first_arrival: int
    sha256: str
    symbols: tuple[str, ...]
    product: str | None
    is_signed: bool = True
    """Whether its frames show of which market they are, if they are of one."""
    venue: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """(venue, market), each empty where it is not known."""
        return self.venue, self.product or ""

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
    the manifest tells of; `instruments` are the rules that manifests hold. Raises `RecordingError`, with the remedy,
    when nothing can be.
    """

    def __init__(self, paths: Iterable[str | Path], product: str | None = None) -> None:
        given = [Path(path) for path in paths]
        kept = _kept(given)
        files = _files(given, kept)
        for one in kept:
            one.check({file.path.name: file.sha256 for file in files if file.path.parent == one.folder})
        self._remarks = [remark for one in kept for remark in one.remarks()]
        self.instruments: Mapping[InstrumentId, Instrument] = {
            rules.id: rules for one in kept for rules in one.manifest.instruments
        }
        self.files = tuple(sorted(files, key=lambda file: (file.first_arrival, file.sha256)))
        self.name = "+".join(path.resolve().name for path in given)
        self.faults = Faults()
        self._product = product
        self._telling: Mapping[tuple[str, str], Telling] = {}

    @cached_property
    def places(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """The symbols of every (venue, market) in it. The venue is empty where no manifest says it."""
        found: dict[tuple[str, str], set[str]] = {}
        for file in self.files:
            if file.product is not None:
                found.setdefault(file.place, set()).update(file.symbols)
        return {place: tuple(sorted(found[place])) for place in sorted(found)}

    @property
    def symbols(self) -> tuple[str, ...]:
        """Of the markets that are told as they are."""
        return tuple(sorted({symbol for file in self._own for symbol in file.symbols}))

    def telling(self, others: Mapping[tuple[str, str], Telling]) -> "Recording":
        """The same recording with what is of these places told in another way."""
        found = copy(self)
        found.__dict__.pop("product", None)
        found._telling, found.faults = others, Faults()
        return found

    @property
    def _own(self) -> list[RecordedFile]:
        return [file for file in self.files if file.place not in self._telling]

    @cached_property
    def product(self) -> str:
        """`spot`, `usdm` or `linear`: as it was given, else as the manifest says, else as the frames show."""
        found = sorted({file.product for file in self._own if file.product is not None})
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
        told = {place: make(self.faults) for place, make in self._telling.items()}
        while unopened or opened:
            if not opened:
                opened.append(self._open(unopened.pop(0), told))
            opened = [file for file in opened if file.fill()]
            while unopened and opened and unopened[0].first_arrival <= min(file.horizon for file in opened):
                late = self._open(unopened.pop(0), told)
                if late.fill():
                    opened.append(late)
            if not opened:
                continue
            horizon = min(file.horizon for file in opened)
            merged = [frame for file in opened for frame in file.take(horizon)]
            if len(opened) > 1:
                merged.sort(key=_ARRIVAL)
            yield merged

    def _open(self, file: RecordedFile, told: Mapping[tuple[str, str], Callable[[Told], Told]]) -> "_Opened":
        blocks = frames(file.path, file.snapshot_symbol, self.faults)
        return _Opened(told[file.place](blocks) if file.place in told else blocks)


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


def looked_at(paths: Iterable[str | Path]) -> list[RecordedFile]:
    """The files of a recording with what their first frames and manifests say, no digests. Raises as `Recording`."""
    given = [Path(path) for path in paths]
    return _files(given, _kept(given), digest=False)


def _files(given: list[Path], kept: list[Manifested], *, digest: bool = True) -> list[RecordedFile]:
    files = [file for path in files_of(given) if (file := _sniffed(path, kept, digest=digest)) is not None]
    if not files:
        raise RecordingError("the recording holds no whole frame yet; wait until its recorder has written some")
    return files


def _kept(given: Iterable[Path]) -> list[Manifested]:
    return [found for path in given if path.is_dir() and (found := manifested(path)) is not None]


def _sniffed(path: Path, kept: list[Manifested], *, digest: bool) -> RecordedFile | None:
    """None for a segment that has been begun, of which nothing is whole yet."""
    mine = next((one for one in kept if one.folder.resolve() == path.resolve().parent), None)
    try:
        file = sniff(path, digest=digest)
    except RecordingError:
        if mine is not None and mine.is_open(path):
            return None
        raise
    if mine is None and not file.is_signed:
        mine = manifested(path.parent)
        if mine is None:
            raise RecordingError(
                f"recording {path} is of a venue whose frames do not say which market they are of; put {MANIFEST} of"
                " the folder that it was recorded into beside it"
            )
    if mine is None or not file.symbols:  # readings lie in any folder, and are of no venue
        return file
    return file._replace(venue=mine.manifest.venue, product=mine.manifest.market)


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
    is_signed = not any(_UNSIGNED.match(frame.payload) for frame in first)
    product = _product(first) if is_signed else None
    return RecordedFile(path, first_arrival, sha256, tuple(symbols), product, is_signed)


def _product(first: list[RawFrame]) -> str | None:
    for frame in first:
        if b"@snapshot" in frame.payload[:64]:
            continue
        if any(sign in frame.payload for sign in USDM_SIGNS):
            return "usdm"
        if any(sign in frame.payload for sign in SPOT_SIGNS):
            return "spot"
    return None
