"""Signals out: each once, after the market message that led to it and before the next, and how far they go."""

import time
from contextlib import aclosing
from typing import Final

from petrosa.adapters.wire.codec import encode_signal, receive_signal
from petrosa.adapters.wire.orders import encode_order
from petrosa.adapters.wire.progress import PROGRESS, Progress, encode_progress
from petrosa.adapters.wire.subjects import OLD_ORDERS, SIGNALS_STREAM
from petrosa.apps.joined import Report, persistently
from petrosa.apps.market_stream import Market
from petrosa.core.model.signals import Signal
from petrosa.errors import FrameError, InvariantError
from petrosa.ports import Bus

PROGRESS_EVERY: Final = 256
"""Market messages after which progress is told though no signal came."""
PROGRESS_EVERY_S: Final = 0.05


class Publisher:
    """What a strategies service says on the bus. `sequence` is the market message being turned, `ended` the last one's.

    In a recorded run a signal that is on the stream already is not published again, however long ago that was.
    """

    def __init__(self, bus: Bus, subject: str, market: Market, report: Report) -> None:
        self.sequence = 0
        self.ended = False
        self.published = 0
        self._bus = bus
        self._subject = subject
        self._run = market.run
        self._is_recorded = market.begin is not None
        self._report = report
        self._made: list[tuple[int, Signal]] = []
        self._known: set[str] = set()
        self._told = 0
        self._is_news = False
        self._told_at = time.monotonic()

    async def recall(self) -> None:
        """Learn which signals of this run were published before a restart."""
        state = await self._bus.stream_state(SIGNALS_STREAM) if self._is_recorded else None
        if state is None or state.last < state.first:
            return
        async with aclosing(self._bus.consume(SIGNALS_STREAM)) as messages:
            async for message in messages:
                if message.subject != PROGRESS:
                    self._remember(message.data)
                if message.sequence >= state.last:
                    return

    def made(self, signal: Signal) -> None:
        """A signal was made of the message being turned."""
        if signal.signal_id not in self._known:
            self._made.append((self.sequence, signal))
        self._is_news = True

    @property
    def owes(self) -> bool:
        """Whether something is to be said before the next message is turned."""
        if self._is_news or self.ended:
            return True
        many = self.sequence - self._told >= PROGRESS_EVERY
        return self._is_recorded and (many or time.monotonic() - self._told_at >= PROGRESS_EVERY_S)

    async def say(self) -> None:
        """Publish what was made, then how far that goes; waits for NATS as long as it is away."""
        if self.owes:
            await self.publish()
            self._is_news = False
            await self._tell_progress()

    async def publish(self) -> None:
        """Every signal that was made and is not on the stream."""
        while self._made:
            sequence, signal = self._made[0]
            data = self._message(signal, sequence)
            if data is not None:
                message_id = f"{self._run}:{signal.signal_id}"
                await persistently(
                    self._bus,
                    lambda data=data, name=message_id: self._bus.publish_durable(self._subject, data, name),  # type: ignore[misc]
                    self._report,
                )
                self.published += 1
            del self._made[0]

    def _remember(self, data: bytes) -> None:
        try:
            self._known.add(receive_signal(data, 0).signal.signal_id)
        except FrameError as problem:
            self._report(f"strategies: a message among the signals is none: {problem}")

    def _message(self, signal: Signal, sequence: int) -> bytes | None:
        """None for a signal that the old shape of orders has no words for."""
        try:
            if self._subject == OLD_ORDERS:
                return encode_order(signal)
            return encode_signal(signal, sequence if self._is_recorded else 0)
        except FrameError as problem:
            raise InvariantError(f"{signal.strategy_id} made a signal that no message can hold: {problem}") from None

    async def _tell_progress(self) -> None:
        """Say how far the signals go: after each signal, now and then, and at the end for good."""
        if not self._is_recorded:
            return
        self._told, self._told_at = self.sequence, time.monotonic()
        data = encode_progress(Progress(self._run, self.sequence, self.ended))
        if self.ended:
            name = f"{self._run}:end"
            await persistently(self._bus, lambda: self._bus.publish_durable(PROGRESS, data, name), self._report)
        else:
            await persistently(self._bus, lambda: self._bus.publish(PROGRESS, data), self._report)
