"""The signals' stream as a trader reads it: ahead of the market, and held back until the market has come as far."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from contextlib import aclosing
from typing import Final

from petrosa.adapters.wire.codec import Received, receive_signal
from petrosa.adapters.wire.progress import PROGRESS, decode_progress
from petrosa.adapters.wire.subjects import SIGNALS_STREAM, signal_subjects
from petrosa.apps.joined import Report
from petrosa.core.model.events import SignalReceived
from petrosa.errors import FrameError
from petrosa.ports import Bus, Message

WAITING_MAX: Final = 10_000
PATIENCE_S: Final = 5.0


class SignalStream:
    """Signals after a sequence, each with the market message that led to it.

    `refused` counts what was no signal, by reason. `reached` is the market message up to which every signal is here.
    With `tell` (a live market) signals do not wait for the market: they are handed on as they come.
    """

    def __init__(self, bus: Bus, subject: str, run: str, after: int, now: Callable[[], int], report: Report) -> None:
        self.after = after
        self.reached = 0
        self.received = 0
        self.refused: Counter[str] = Counter()
        self.tell: Callable[[SignalReceived], object] | None = None
        self._bus = bus
        self._subjects = [*signal_subjects(subject), PROGRESS]
        self._run = run
        self._now = now
        self._report = report
        self._is_done = False
        self._waiting: deque[tuple[int, SignalReceived]] = deque()
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def read(self) -> None:
        """Read for ever, from where the last reading stopped; waits while very many signals wait to be turned."""
        async with aclosing(self._bus.consume(SIGNALS_STREAM, after=self.after, subjects=self._subjects)) as messages:
            async for message in messages:
                await self._room.wait()
                self._take(message)
                self.after = max(self.after, message.sequence)
                self._changed.set()

    def due(self, market_sequence: int) -> list[SignalReceived]:
        """Signals that a market up to this message led to, and those of producers that do not say, in order."""
        taken: list[SignalReceived] = []
        while self._waiting and self._waiting[0][0] <= market_sequence:
            taken.append(self._waiting.popleft()[1])
        self._room.set()
        return taken

    @property
    def quiet_until(self) -> int:
        """The market message up to which nothing else is to be turned than the market itself."""
        return min(self.reached, self._waiting[0][0]) if self._waiting else self.reached

    async def until(self, market_sequence: int) -> None:
        """Return when every signal of the market up to this message is here."""
        while self.reached < market_sequence and not self._is_done:
            self._changed.clear()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._changed.wait()
            except TimeoutError:
                self._report(
                    f"trade: the market is at message {market_sequence}, signals are known up to {self.reached};"
                    " is `petrosa strategies` running?"
                )

    def _take(self, message: Message) -> None:
        try:
            if message.subject == PROGRESS:
                self._progress(message.data)
                return
            received: Received = receive_signal(message.data, self._now())
        except FrameError as problem:
            self.refused[problem.reason] += 1
            self._report(f"trade: message {message.sequence} is not a signal: {problem}")
            return
        self.received += 1
        event = SignalReceived(received.signal, message.sequence)
        if self.tell is not None:
            self.tell(event)
            return
        self._waiting.append((received.market_sequence, event))
        if len(self._waiting) >= WAITING_MAX:
            self._room.clear()

    def _progress(self, data: bytes) -> None:
        progress = decode_progress(data)
        if progress.run == self._run:
            self.reached = max(self.reached, progress.market_sequence)
            self._is_done = self._is_done or progress.done
