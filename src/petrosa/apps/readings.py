"""What stands behind `petrosa readings`: sources by name, what they say written to a file, and such a file told."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from petrosa.adapters.outside.file import FileReadings, ReadingFile
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.wire.times import iso_z
from petrosa.core.model.market import Reading
from petrosa.errors import ConfigError, DataError, TransportError, UsageError
from petrosa.ports import Readings

if TYPE_CHECKING:
    from petrosa.adapters.outside.http import JsonOverHttp

QUOTED: Final = ("BTC/USD", "ETH/USD", "USDT/USD")
QUOTED_BYBIT: Final = ("BTC/USDT", "ETH/USDT")
TOPIC: Final = "quote"
STREAMED_S: Final = 1.0
"""How often what a venue's stream has said is taken: `persistent_spread_periods` counts what is taken."""
SUBJECTS_MAX: Final = 20
REMEMBERED_MAX: Final = 10_000
"""Readings remembered so that what a source repeats is written once."""

Report = Callable[[str], None]


class Source(NamedTuple):
    """A source that can be asked: how often that is worth while, by an address (empty: its own) and what about.

    `subjects` are what it is asked for where nothing else is said; none: it says what it says.
    """

    every_s: float
    make: Callable[[str, Sequence[str]], Readings]
    subjects: Sequence[str] = ()


class RecordSummary(msgspec.Struct, frozen=True):
    """What recording a source came to. `repeated` readings were in the file already; `failed` polls gave nothing."""

    source: str
    file: str
    polls: int
    failed: int
    written: int
    repeated: int


class ReadingLine(msgspec.Struct, frozen=True):
    """The readings of one source about one thing. Times are of the facts, not of when they were heard."""

    source: str
    topic: str
    subject: str
    values: tuple[str, ...]
    count: int
    first: str
    last: str


def _coinbase(address: str, subjects: Sequence[str]) -> Readings:
    from petrosa.adapters.outside import coinbase

    return coinbase.Coinbase(_http(address or coinbase.BASE_URL), subjects)


def _kraken(address: str, subjects: Sequence[str]) -> Readings:
    from petrosa.adapters.outside import kraken

    return kraken.Kraken(_http(address or kraken.BASE_URL), subjects)


def _coingecko(address: str, _: Sequence[str]) -> Readings:
    from petrosa.adapters.outside import coingecko

    return coingecko.CoinGecko(_http(address or coingecko.BASE_URL))


def _blockchain(address: str, _: Sequence[str]) -> Readings:
    from petrosa.adapters.outside import blockchain

    return blockchain.Blockchain(_http(address or blockchain.BASE_URL))


def source_of(venue: str, market: str) -> str:
    """What the best quotes of a venue's market are called."""
    return venue if market == "spot" else f"{venue}-{market}"


def _bybit(market: str) -> Callable[[str, Sequence[str]], Readings]:
    def make(address: str, subjects: Sequence[str]) -> Readings:
        from petrosa.adapters.venues.bybit.live.quotes import BybitQuotes

        return BybitQuotes(subjects, market, address)

    return make


SOURCES: Final[Mapping[str, Source]] = {
    "coinbase": Source(5.0, _coinbase, QUOTED),
    "kraken": Source(5.0, _kraken, QUOTED),
    "bybit": Source(STREAMED_S, _bybit("spot"), QUOTED_BYBIT),
    "bybit-linear": Source(STREAMED_S, _bybit("linear"), QUOTED_BYBIT),
    "coingecko": Source(600.0, _coingecko),
    "blockchain": Source(3_600.0, _blockchain),
}
"""Every source by name."""


def _http(address: str) -> "JsonOverHttp":
    from petrosa.adapters.outside.http import JsonOverHttp

    return JsonOverHttp(address)


def open_source(name: str, base_url: str = "", subjects: Sequence[str] = ()) -> tuple[Readings, float]:
    """A source by name, and how often it is worth asking, in seconds.

    Raises `UsageError` for subjects that it cannot be asked for, `ConfigError` where the library that it is asked with
    is not installed.
    """
    source = SOURCES[name]
    library, extra = ("aiohttp", "live") if name.startswith("bybit") else ("httpx", "outside")
    if find_spec(library) is None:
        raise ConfigError(f"asking {name} needs {library}; install it with: pip install 'petrosa[{extra}]'")
    if subjects and not source.subjects:
        raise UsageError(f"{name} says what it says; leave --subjects out")
    wrong = [subject for subject in subjects if not _is_pair(subject)]
    if wrong or len(subjects) > SUBJECTS_MAX:
        what = f"subject {wrong[0]!r}" if wrong else f"{len(subjects)} subjects"
        raise UsageError(f"{what}; give at most {SUBJECTS_MAX} pairs as BTC/USD")
    if base_url and not base_url.startswith(("http://", "https://")):
        raise UsageError(f"--base-url {base_url!r}; an address begins with http:// or https://")
    return source.make(base_url, subjects or source.subjects), source.every_s


async def record(
    source: Readings, file: ReadingFile, *, every_s: float, count: int, stopped: asyncio.Event, report: Report
) -> RecordSummary:
    """Ask and write until `count` polls are done (0: until stopped). A poll that fails is told and the next one comes.

    Raises `StorageError` when the file takes nothing, and what the last poll raised when none gave anything.
    """
    known: dict[tuple[str, str, str, int], dict[str, float]] = {}
    polls = failed = written = repeated = 0
    problem: TransportError | DataError | None = None
    while not stopped.is_set():
        polls += 1
        try:
            readings = await _poll(source, stopped)
            fresh = [one for one in readings if _is_news(one, known)]
            file.append(fresh)
        except (TransportError, DataError) as caught:
            problem, failed = caught, failed + 1
            report(f"poll {polls}: {caught}")
        else:
            written, repeated = written + len(fresh), repeated + len(readings) - len(fresh)
            for one in fresh:
                report(text_of(one))
        if polls == count:
            break
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), every_s)
    if problem is not None and failed == polls:
        raise problem
    return RecordSummary(source.source, str(file.path), polls, failed, written, repeated)


async def told(paths: Sequence[str | Path], report: Report) -> list[ReadingLine]:
    """What readings are in files, by source, topic and subject. Raises `RecordingError` for what is no recording."""
    recording = Recording(paths)
    file = FileReadings(recording.batches())
    lines: dict[tuple[str, str, str], ReadingLine] = {}
    while readings := await file.poll():
        for one in readings:
            _count(lines, one)
    refused = file.refused + recording.faults.counts
    for reason, first in {**file.first, **recording.faults.first}.items():
        report(f"not used: {refused[reason]} {reason}, the first: {first}")
    return [lines[key] for key in sorted(lines)]


def text_of(reading: Reading) -> str:
    """A reading as a line for people."""
    values = " ".join(f"{name}={value:.12g}" for name, value in reading.values.items())
    return f"{iso_z(reading.ts_event)} {reading.source} {reading.topic} {reading.subject} {values}"


async def _poll(source: Readings, stopped: asyncio.Event) -> Sequence[Reading]:
    """What a source says; nothing when it is told to stop before it has answered."""
    asked, stop = asyncio.create_task(_asked(source)), asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait((asked, stop), return_when=asyncio.FIRST_COMPLETED)
        return asked.result() if asked.done() else ()
    finally:
        for task in (asked, stop):
            task.cancel()
        await asyncio.gather(asked, stop, return_exceptions=True)


async def _asked(source: Readings) -> Sequence[Reading]:
    return await source.poll()


def _count(lines: dict[tuple[str, str, str], ReadingLine], one: Reading) -> None:
    key = (one.source, one.topic, one.subject)
    at = iso_z(one.ts_event)
    line = lines.get(key) or ReadingLine(*key, values=(), count=0, first=at, last=at)
    names = (*line.values, *[name for name in one.values if name not in line.values])
    lines[key] = msgspec.structs.replace(
        line, values=names, count=line.count + 1, first=min(line.first, at), last=max(line.last, at)
    )


def _is_news(reading: Reading, known: dict[tuple[str, str, str, int], dict[str, float]]) -> bool:
    """Whether this has not been said before; remembers it."""
    key = (reading.source, reading.topic, reading.subject, reading.ts_event)
    if known.get(key) == reading.values:
        return False
    known[key] = reading.values
    if len(known) > REMEMBERED_MAX:
        del known[next(iter(known))]
    return True


def _is_pair(subject: str) -> bool:
    base, slash, quote = subject.partition("/")
    return bool(slash) and all(part.isascii() and part.isalnum() and len(part) <= 16 for part in (base, quote))
