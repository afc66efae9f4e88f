"""`petrosa feed`: a recording onto the market subject, frame by frame, at its own pace or as fast as it is taken.

Only the arrival is normalised (one shift for the whole recording); the frames are the venue's bytes. They go into a
durable stream that nobody else writes, so that a feed that was interrupted goes on where the stream ends, and a
consumer reads all of it whenever it comes.
"""

import math
import secrets
import time
from collections.abc import Iterable
from typing import Final

import msgspec

from petrosa.adapters.venues.replay.lines import Faults
from petrosa.adapters.venues.replay.normalise import Normaliser
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.wire.envelope import Begin, End, Wrapper, marker_of
from petrosa.adapters.wire.frame import RawFrame
from petrosa.adapters.wire.subjects import MARKET_STREAM, SIGNALS_STREAM
from petrosa.adapters.wire.times import iso_z
from petrosa.apps.joined import Report, persistently
from petrosa.apps.parsing import market_parser
from petrosa.apps.settings import Settings
from petrosa.apps.wiring import symbols_of
from petrosa.core.model.base import NS_PER_MS
from petrosa.errors import ConfigError, FrameError
from petrosa.ports import Bus
from petrosa.runtime.clocks import VirtualClock

BATCH: Final = 512
REPORT_EVERY_S: Final = 1.0


class FeedSummary(msgspec.Struct, frozen=True):
    """What a feed did. `resumed_from` frames were in the stream already; `refused` counts what was no frame."""

    run: str
    frames: int
    resumed_from: int
    refused: dict[str, int]
    shift_ns: int
    elapsed_s: float


async def feed(
    settings: Settings, recording: Recording, bus: Bus, *, fresh: bool = False, report: Report
) -> FeedSummary:
    """Publish a recording to its end. `fresh` forgets what the streams hold of another run.

    Raises `ConfigError` when the stream holds another recording and `fresh` is not set.
    """
    started = time.perf_counter()
    if fresh:
        for stream in (MARKET_STREAM, SIGNALS_STREAM):
            await bus.delete_stream(stream)
    await bus.ensure_stream(MARKET_STREAM, [settings.nats.market_subject])
    publisher = _Publisher(settings, recording, bus, report)
    resumed_from = await publisher.begin()
    for frames in recording.batches():
        await publisher.publish(frames)
    await publisher.end()
    refused = publisher.refused.counts + recording.faults.counts
    for reason, first in {**recording.faults.first, **publisher.refused.first}.items():
        report(f"feed: not used: {refused[reason]} {reason}, the first: {first}")
    return FeedSummary(
        run=publisher.run,
        frames=publisher.frames,
        resumed_from=min(resumed_from, publisher.frames),  # the end, if it was there, is no frame
        refused=dict(refused),
        shift_ns=publisher.shift,
        elapsed_s=time.perf_counter() - started,
    )


def arrival_shift(settings: Settings, recording: Recording) -> int:
    """What is added to every arrival of a recording: found as in a run in one process, from the same symbols."""
    parser = market_parser(settings.feed.venue, recording.product, symbols_of(settings, recording.symbols))
    normaliser = Normaliser(parser, {}, round(settings.feed.latency_ms * NS_PER_MS))
    for frames in recording.batches(1_000):
        normaliser.feed(frames)
        if normaliser.shift is not None:
            return normaliser.shift
    normaliser.flush()
    return normaliser.shift or 0


class _Publisher:
    """Writes the stream: message 1 is the beginning, message n + 1 frame n, the last one the end."""

    def __init__(self, settings: Settings, recording: Recording, bus: Bus, report: Report) -> None:
        self.run = f"{recording.digest[:12]}-{secrets.token_hex(4)}"
        self.shift = arrival_shift(settings, recording)
        self.refused = Faults()
        self._venue = settings.feed.venue
        self._recording = recording
        self._subject = settings.nats.market_subject
        self._bus = bus
        self._report = report
        self._wrapper = Wrapper(self._venue, recording.product)
        self._clock = VirtualClock(settings.feed.speed or math.inf)
        self._stored = 0
        self._pending: list[bytes] = []
        self._last = 0
        self._anchored = False
        self._reported = time.monotonic()

    @property
    def frames(self) -> int:
        """Frames of the recording so far, those that were in the stream already included."""
        return self._wrapper.sequence

    async def begin(self) -> int:
        """Write the beginning, or find the one that is there; returns how many frames are in the stream already."""
        state = await self._bus.stream_state(MARKET_STREAM) if self._bus.durable else None
        self._stored = state.last if state is not None else 0
        if state is not None and state.first > 1:  # a live feed's stream, which forgets
            raise self._holds_else()
        if self._stored:
            known = await self._known_beginning()
            self.run, self.shift = known.run, known.shift_ns
            self._report(f"going on with run {self.run} after message {self._stored}")
        else:
            recording = self._recording
            begin = Begin(self.run, self._venue, recording.product, recording.symbols, recording.digest, self.shift)
            await self._append([self._wrapper.mark(begin, time.time_ns())])
        return max(0, self._stored - 1)

    async def _known_beginning(self) -> Begin:
        stream = self._bus.consume(MARKET_STREAM)
        first = await anext(stream)
        await stream.aclose()
        try:
            begin = marker_of(first.data) if first.sequence == 1 else None
        except FrameError:
            begin = None
        if not isinstance(begin, Begin) or begin.digest != self._recording.digest:
            raise self._holds_else()
        return begin

    def _holds_else(self) -> ConfigError:
        return ConfigError(
            f"the stream {MARKET_STREAM} holds {self._stored} messages of something else than this recording;"
            " use a data directory and broker of its own for each run, or --fresh to forget what is there"
        )

    async def publish(self, frames: Iterable[RawFrame]) -> None:
        """Publish what is not in the stream yet, each frame when its time has come."""
        for arrival, payload in frames:
            heard = arrival + self.shift
            try:
                message = self._wrapper.wrap(RawFrame(heard, payload))
            except FrameError as problem:
                self.refused.add(problem.reason, str(problem))
                continue
            self._last = heard
            if self._wrapper.sequence < self._stored:
                continue
            await self._in_time(heard)
            self._pending.append(message)
            if len(self._pending) >= BATCH:
                await self._flush()
        await self._flush()

    async def _in_time(self, at: int) -> None:
        if not self._anchored:
            self._clock.start(at)
            self._anchored = True
        if self._clock.paced and at > self._clock.now():
            await self._flush()
            await self._clock.sleep_until(at)

    async def end(self) -> None:
        """Say that this was all, once."""
        if self._stored < self.frames + 2:
            await self._append([self._wrapper.mark(End(self.run, self.frames), self._last)])
        self._say()

    async def _flush(self) -> None:
        pending, self._pending = self._pending, []
        if pending:
            await self._append(pending)
            if time.monotonic() - self._reported > REPORT_EVERY_S:
                self._say()

    async def _append(self, messages: list[bytes]) -> None:
        after = self._stored
        self._stored = await persistently(
            self._bus, lambda: self._bus.append(MARKET_STREAM, self._subject, messages, after), self._report
        )

    def _say(self) -> None:
        self._reported = time.monotonic()
        self._report(f"feed: {self.frames:,} frames, recorded time {iso_z(self._last)}")
