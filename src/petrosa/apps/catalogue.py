"""Recordings by name: what `petrosa recordings` lists, and what stands where a recording is asked for."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.venues.replay.recording import Recording, looked_at
from petrosa.apps.settings import Settings
from petrosa.backtest.explain import utc
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.errors import RecordingError, UsageError

FOLDER: Final = "recordings"
SUFFIXES: Final = (".gz", ".jsonl")
"""How the name of a single file ends that may be a recording; in a folder only `*.gz` count."""
WHOLE_BYTES: Final = 64 * 1024 * 1024
"""How much of the listed files is read to their end without being asked to, all of them together."""


class Named(NamedTuple):
    """A recording that has a name. `place` says whose folder it lies in."""

    name: str
    path: Path
    place: str


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A recording as it is listed. What takes reading it whole is none where that was not done.

    `venue` is known of what has a manifest. `first_at` is the first arrival, uncorrected; `bytes` is on disk. `problem`
    says why it cannot be used by its name.
    """

    name: str
    place: str
    path: str
    venue: str = ""
    market: str | None = None
    symbols: tuple[str, ...] = ()
    first_at: str | None = None
    seconds: float | None = None
    frames: int | None = None
    bytes: int = 0
    digest: str | None = None
    problem: str = ""


def places_of(settings: Settings) -> list[tuple[Path, str]]:
    """The folders in which recordings have names: ours, the data directory's, and those of `feed.recordings`."""
    own = [(packaged_recordings(), "comes with Petrosa"), (settings.home / FOLDER, "data directory")]
    return own + [(Path(folder), "feed.recordings") for folder in settings.feed.recordings]


def packaged_recordings() -> Path:
    """The recordings that come with Petrosa: inside the package, or beside `src` in a checkout."""
    inside = Path(__file__).parents[1] / FOLDER
    return inside if inside.is_dir() else Path(__file__).parents[3] / FOLDER


def named(settings: Settings) -> list[Named]:
    """Every recording that has a name, each once, in the order of the places. Nothing is opened.

    Raises `RecordingError` for a folder of `feed.recordings` that cannot be read.
    """
    found: dict[Path, Named] = {}
    for folder, place in places_of(settings):
        for path in _inside(folder, must_be=place == "feed.recordings"):
            found.setdefault(path.resolve(), Named(_name_of(path), path, place))
    return list(found.values())


def resolve(settings: Settings, given: Sequence[str]) -> list[Path]:
    """The paths of recordings that were given by path or by name; where both are possible the path is meant.

    Raises `UsageError` for a name that nothing or more than one thing has.
    """
    return [_resolved(settings, text) for text in given]


def listed(settings: Settings, *, whole: bool = False) -> list[Listed]:
    """Every recording with what its first frames say; `whole` reads large ones to their end too."""
    entries = named(settings)
    left = WHOLE_BYTES
    rows = []
    for entry in entries:
        others = " and ".join(str(other.path) for other in entries if other.name == entry.name and other is not entry)
        problem = f"{others} has the same name; give the path" if others else ""
        row = _look(entry, problem, left=None if whole else left)
        left -= row.bytes if row.frames is not None else 0
        rows.append(row)
    return rows


def _inside(folder: Path, *, must_be: bool) -> Iterator[Path]:
    """What can be a recording directly in a folder."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as problem:
        if must_be:
            raise RecordingError(
                f"feed.recordings names {folder}: {problem.strerror}; name a folder that holds recordings"
            ) from problem
        return
    for path in paths:
        if path.name.startswith("."):
            continue
        if any(path.glob("*.gz")) if path.is_dir() else path.name.endswith(SUFFIXES):
            yield path


def _name_of(path: Path) -> str:
    """A folder's name; a file's without `.gz` and `.jsonl`."""
    if path.is_dir():
        return path.name
    return path.name.removesuffix(".gz").removesuffix(".jsonl") or path.name


def _resolved(settings: Settings, text: str) -> Path:
    path = Path(text)
    if path.exists() or len(path.parts) > 1 or text.endswith(SUFFIXES):
        return path
    entries = named(settings)
    meant = [entry.path for entry in entries if entry.name == text]
    if len(meant) == 1:
        return meant[0]
    if meant:
        places = " and ".join(str(one) for one in meant)
        raise UsageError(f"recording {text!r} could be {places}; give the path of one")
    near = difflib.get_close_matches(text, [entry.name for entry in entries], n=1)
    hint = f"did you mean {near[0]}?" if near else "`petrosa recordings` lists those that have names"
    raise UsageError(f"no recording {text!r}, neither a path nor a name; {hint}")


def _look(entry: Named, problem: str, *, left: int | None) -> Listed:
    """`left` is how many bytes may be read; none: all of them."""
    row = Listed(name=entry.name, place=entry.place, path=str(entry.path), problem=problem)
    try:
        files = looked_at([entry.path])
        size = sum(file.path.stat().st_size for file in files)
        products = {file.product for file in files} - {None}
        first = min(file.first_arrival for file in files)
        row = msgspec.structs.replace(
            row, bytes=size, first_at=utc(first), market="+".join(sorted(filter(None, products))) or None,
            venue="+".join(sorted({file.venue for file in files} - {""})),
            symbols=tuple(sorted({symbol for file in files for symbol in file.symbols})),
        )  # fmt: skip
        if left is None or size <= left:
            row = _read(entry, row, first)
        if len(products) != 1 or not row.symbols:
            said = "it does not show whose market it is" if not products else "it mixes spot and usdm"
            row = msgspec.structs.replace(row, problem=row.problem or f"{said}; no desk can run on it")
    except (RecordingError, OSError) as refused:
        row = msgspec.structs.replace(row, problem=str(refused))
    return row


def _read(entry: Named, row: Listed, first: int) -> Listed:
    recording = Recording([entry.path])
    frames, last = 0, first
    for batch in recording.batches():
        frames += len(batch)
        last = batch[-1].arrival
    seconds = round((last - first) / NS_PER_SECOND, 3)
    return msgspec.structs.replace(row, frames=frames, seconds=seconds, digest=recording.digest)
