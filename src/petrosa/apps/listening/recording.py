"""`petrosa record`: what a venue says, as it is heard, into a folder that backtests and feeds can read."""

import asyncio
import re
import time
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from petrosa import __version__
from petrosa.adapters.feeds.outlet import News, TradesLost, TradesUnknown
from petrosa.adapters.stores.recording.manifest import Gap, Manifest
from petrosa.adapters.stores.recording.writer import RecordingWriter
from petrosa.apps.joined import Report
from petrosa.apps.listening.serve import surrounded, until_ended, waits_on
from petrosa.apps.listening.status import ListeningStatus
from petrosa.apps.listening.venue import Listening, address_of, listening
from petrosa.apps.live.secret import reading_key
from petrosa.apps.settings import Settings, process_environment
from petrosa.apps.venues import BINANCE
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import BookGap, FeedState, FeedStateChanged, symbol_of
from petrosa.errors import UsageError

MB: Final = 1_000_000
AT_ONCE: Final = 4_096
LEAVES: Final = "writing what waits, closing the segment"
AWAY: Final = "a recorder begins here"
UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class RecordSummary(msgspec.Struct, frozen=True):
    """What was recorded: by this recorder, and in the folder as a whole."""

    folder: str
    recorded: int
    frames: int
    segments: int
    bytes: int
    gaps: int
    left_out: dict[str, int]
    events: dict[str, int]


class Recorder:
    """Takes what waits and writes it. `recorded` counts frames of this recorder, the feed's own words included."""

    def __init__(self, settings: Settings, heard: Listening, writer: RecordingWriter) -> None:
        self.recorded = 0
        self._every_s = settings.record.flush_seconds
        self._heard = heard
        self._writer = writer
        self._flushed = time.monotonic()
        self._down: dict[str, Gap] = {}
        heard.on_gap = self._note

    async def run(self) -> None:
        """Write until what is listened to has ended and nothing waits. Raises `StorageError`."""
        while True:
            try:
                async with asyncio.timeout(self._every_s):
                    frames = await self._heard.outgoing.take(AT_ONCE)
            except TimeoutError:
                await self._flush()
                continue
            if not frames:
                break
            for frame in frames:
                self._writer.append(frame.arrival, frame.payload)
            self.recorded += len(frames)
            if time.monotonic() - self._flushed >= self._every_s:
                await self._flush()
        for gap in self._down.values():
            self._writer.note(gap)
        await asyncio.to_thread(self._writer.close, self._heard.clock.now())

    async def _flush(self) -> None:
        """On the disk; a segment that is full is closed, and the next begins with states and books."""
        await asyncio.to_thread(self._writer.flush)
        self._flushed = time.monotonic()
        ended = self._writer.full()
        if ended is not None:
            await asyncio.to_thread(self._writer.close_segment, ended)
            self._heard.restate()
            self._heard.feed.ask_books(self._heard.symbols, "a segment begins")

    def _note(self, news: News) -> None:
        symbol, now = symbol_of(news.instrument), self._heard.clock.now()
        if isinstance(news, BookGap):
            why = "differences are missing in the chain"
            self._writer.note(Gap("book", symbol, now, why, first=news.expected, last=news.got))
        elif isinstance(news, TradesLost):
            stream = f"{symbol.lower()}@{news.stream}"
            self._writer.note(Gap("trades", stream, now, news.why, first=news.first, last=news.last))
        elif isinstance(news, TradesUnknown):
            stream = f"{symbol.lower()}@{news.stream}"
            self._writer.note(Gap("trades", stream, news.after, news.why, until_ns=news.before))
        else:
            self._note_state(f"{symbol.lower()}@{news.stream}", news, now)

    def _note_state(self, stream: str, news: FeedStateChanged, now: int) -> None:
        if news.state is not FeedState.LIVE:
            self._down.setdefault(stream, Gap("stream", stream, now, news.reason))
        elif (gap := self._down.pop(stream, None)) is not None:
            self._writer.note(msgspec.structs.replace(gap, until_ns=now))


async def record(settings: Settings, folder: Path, seconds: float | None, *, report: Report) -> RecordSummary:
    """Record until a signal of the system asks to stop, or for so long.

    Raises `ConfigError` before anything is written, `StorageError` when the disk takes no more.
    """
    async with AsyncExitStack() as stack:
        status = ListeningStatus(settings, "record")
        await surrounded(stack, settings, status, report)
        key = reading_key(process_environment())
        heard = await stack.enter_async_context(
            listening(settings, partial(_said, report), waits_on(status, report), key=key)
        )
        writer = RecordingWriter(
            folder, _about(settings, heard), segment_bytes=round(settings.record.segment_mb * MB),
            segment_ns=round(settings.record.segment_minutes * 60 * NS_PER_SECOND),
        )  # fmt: skip
        stack.callback(writer.abandon)
        if writer.repaired:
            report(f"record: {writer.repaired}")
        recorder = Recorder(settings, heard, writer)
        status.opened(heard, lambda: recorder.recorded)
        heard.doubt(AWAY)
        report(f"record: {', '.join(heard.symbols)}, {len(heard.feed.states)} streams, into {folder}")

        async def until() -> None:
            if seconds is not None:
                await asyncio.sleep(seconds)
                heard.end("the recorder ends, as long as was asked for")

        await until_ended(settings, "record", heard, status, recorder.run(), [("duration", until)], LEAVES, report)
        manifest = writer.manifest
        return RecordSummary(
            folder=str(folder),
            recorded=recorder.recorded,
            frames=manifest.frames,
            segments=len(manifest.segments),
            bytes=writer.size,
            gaps=len(manifest.gaps) + manifest.gaps_left_out,
            left_out=dict(heard.outgoing.drops),
            events=dict(heard.feed.counts),
        )


def seconds_of(text: str) -> float:
    """`90`, `90s`, `15m`, `2h`, `1d` in seconds. Raises `UsageError`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if found is None or not float(found[1]):
        raise UsageError(f"--for {text}: write how long, as 90s, 15m, 2h or 1d")
    return float(found[1]) * UNITS[found[2] or "s"]


def _about(settings: Settings, heard: Listening) -> Manifest:
    return Manifest(
        version=__version__,
        venue=settings.feed.venue,
        market=settings.feed.market,
        environment=heard.place if heard.venue == BINANCE else address_of(settings) or "live",
        symbols=tuple(sorted(heard.symbols)),
        streams=tuple(sorted({stream.partition("@")[2] for stream in heard.feed.states})),
        begun_ns=heard.clock.now(),
        instruments=tuple(heard.instruments[key] for key in sorted(heard.instruments)),
    )


def _said(report: Report, text: str) -> None:
    report(f"record: {text}")
