"""A live feed onto NATS: frames in their order, each once, waiting in bounds while NATS is away."""

import asyncio
import time
from collections import Counter
from typing import Final

from petrosa.adapters.bus.nats import NatsBus
from petrosa.adapters.wire.envelope import Begin, marker_of
from petrosa.adapters.wire.subjects import MARKET_STREAM, SIGNALS_STREAM
from petrosa.apps.joined import Report, persistently
from petrosa.apps.listening.alone import Alone
from petrosa.apps.listening.subjects import Addressed, Subjects
from petrosa.apps.listening.venue import Listening
from petrosa.apps.settings import Settings
from petrosa.errors import ConfigError, FrameError, TransportError

AT_ONCE: Final = 128
"""Frames taken at a time: what is gone when the process dies between two of them."""
MB: Final = 1_000_000


class Publisher:
    """Takes what waits and publishes it. `published` counts messages, `unusable` what was no frame, by reason."""

    def __init__(self, settings: Settings, bus: NatsBus, heard: Listening, run: str, report: Report) -> None:
        """Raises `ConfigError` for a subject that nothing can be published on."""
        self.published = 0
        self.unusable: Counter[str] = Counter()
        self._settings = settings
        self._bus = bus
        self._heard = heard
        self._run = run
        self._report = report
        self._subjects = Subjects(settings, heard.symbols, heard.clock.now())
        self.alone = Alone(settings, bus, self._subjects.used, report)

    async def prepare(self, *, fresh: bool) -> None:
        """Wait for another feed to end, and have a stream that forgets.

        Raises `ConfigError` when it holds a recording that is not to be forgotten.
        """
        await self.alone.acquire()
        if fresh:
            for stream in (MARKET_STREAM, SIGNALS_STREAM):
                await self._bus.delete_stream(stream)
        elif await self._holds_recording():
            raise ConfigError(
                f"the stream {MARKET_STREAM} holds a recording, and who reads it would take a live market for more of"
                " it; use a broker of its own for each, or --fresh to forget what is there"
            )
        await self._bound()

    async def run(self) -> None:
        """Publish until what is listened to has ended and nothing waits any more. Raises `LeaseLost`."""
        keeping = asyncio.create_task(self.alone.run(), name="lease")
        keeping.add_done_callback(self._end_if_lost)
        try:
            await self._publish_all()
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    def _end_if_lost(self, keeping: asyncio.Task[None]) -> None:
        if not keeping.cancelled() and keeping.exception() is not None:
            self._heard.end("another feed took the place of this one")

    async def _publish_all(self) -> None:
        await self._publish(self._subjects.begin(self._run, self._heard.clock.now()))
        while frames := await self._heard.outgoing.take(AT_ONCE):
            await self.alone.may_publish()
            await self._publish(self._subjects.of(frames, self._unusable))

    def _unusable(self, problem: FrameError) -> None:
        self.unusable[problem.reason] += 1

    async def _publish(self, messages: list[Addressed]) -> None:
        try:
            await self._bus.publish_all(messages)
        except TransportError as problem:
            await self._wait_for_nats(problem)
            await self.alone.may_publish()  # another feed may have taken the place while NATS was away
            await persistently(self._bus, lambda: self._bus.publish_all(messages), self._report)
        self.published += len(messages)

    async def _wait_for_nats(self, problem: TransportError) -> None:
        """A server that comes back without its streams has one again before anything is published."""
        began = time.monotonic()
        self._report(f"feed: waiting for NATS, messages are kept up to {self._heard.capacity}: {problem}")
        await self._bus.wait_connected()
        await persistently(self._bus, self._bound, self._report)
        left_out = sum(self._heard.outgoing.drops.values())
        self._report(
            f"feed: NATS is back after {time.monotonic() - began:.1f} s; {len(self._heard.outgoing)} messages waited,"
            f" {left_out} were left out since the start"
        )

    async def _bound(self) -> None:
        if not self._bus.durable:
            return
        feed = self._settings.feed
        await self._bus.bound_stream(MARKET_STREAM, self._subjects.captured, feed.keep_seconds, feed.keep_mb * MB)

    async def _holds_recording(self) -> bool:
        state = await self._bus.stream_state(MARKET_STREAM)
        if state is None or state.last < state.first:
            return False
        messages = self._bus.consume(MARKET_STREAM)
        try:
            return isinstance(marker_of((await anext(messages)).data), Begin)
        except FrameError:
            return False
        finally:
            await messages.aclose()
