"""What a consumer of the market stream makes of its messages: first whose market it is, then facts in order."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, NamedTuple

from petrosa.adapters.venues.replay.lines import Faults
from petrosa.adapters.venues.replay.normalise import Normaliser
from petrosa.adapters.wire.envelope import Begin, End, marker_of, unwrap
from petrosa.adapters.wire.feed_states import encode_feed_state
from petrosa.adapters.wire.frame import RawFrame
from petrosa.adapters.wire.progress import PROGRESS
from petrosa.adapters.wire.subjects import MARKET_STREAM, SIGNALS_STREAM, signal_subjects
from petrosa.apps.joined import Report
from petrosa.apps.parsing import market_parser
from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Instruments, choose_instruments, symbols_of
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import FeedState, FeedStateChanged, MarketEvent
from petrosa.errors import ConfigError, FrameError
from petrosa.ports import Bus, Message
from petrosa.surfaces.observation import Check

DUPLICATE_WINDOW_S = 300.0
BUS_STREAM: Final = "messages"
"""What a live stream of messages is called among the streams of an instrument."""
AHEAD_MAX: Final = 64
"""Messages opened before somebody turns them: less than two milliseconds of work at once."""


class Market(NamedTuple):
    """Whose market is on the stream. `begin` is none for a live feed, which has no beginning."""

    venue: str
    market: str
    instruments: Instruments
    begin: Begin | None

    @property
    def run(self) -> str:
        """The name of the run in message ids; live feeds are one run that never ends."""
        return self.begin.run if self.begin is not None else "live"


class Facts(NamedTuple):
    """What one message of the stream amounted to. `ended`: no message of this recording follows."""

    sequence: int
    heard: list[tuple[int, MarketEvent]]
    ended: bool = False


async def ensure_streams(settings: Settings, bus: Bus) -> None:
    """The two streams that join the processes, whoever comes first."""
    await bus.ensure_stream(MARKET_STREAM, [settings.nats.market_subject])
    subjects = [*signal_subjects(settings.nats.signal_subject), PROGRESS]
    await bus.ensure_stream(SIGNALS_STREAM, subjects, DUPLICATE_WINDOW_S)


@asynccontextmanager
async def open_market(
    settings: Settings, known: Instruments, bus: Bus, report: Report
) -> AsyncIterator["MarketStream"]:
    """Wait for the first message and read the stream: a recording from its beginning, a live feed from now on.

    What a live feed said of its streams before that is said again within seconds. Raises `ConfigError` for a symbol
    without rules.
    """
    subjects = [settings.nats.market_subject]
    messages = bus.consume(MARKET_STREAM, subjects=subjects)
    try:
        market = market_of(settings, known, await anext(messages))
        if market.begin is None:
            await messages.aclose()
            state = await bus.stream_state(MARKET_STREAM)
            messages = bus.consume(MARKET_STREAM, after=state.last if state is not None else 0, subjects=subjects)
        yield MarketStream(market, messages, report)
    finally:
        await messages.aclose()


def market_of(settings: Settings, known: Instruments, first: Message) -> Market:
    """Read off the first message: a recording says whose it is, for anything else the settings do."""
    try:
        begin = marker_of(first.data)
    except FrameError as problem:
        raise ConfigError(f"{problem}; is the feed of a newer version?") from None
    if not isinstance(begin, Begin):
        instruments = choose_instruments(settings, known, settings.feed.market, settings.feed.symbols)
        return Market(settings.feed.venue, settings.feed.market, instruments, None)
    if begin.venue != settings.feed.venue:
        raise ConfigError(f"the recording on the stream is of {begin.venue}, feed.venue is {settings.feed.venue}")
    instruments = choose_instruments(settings, known, begin.market, symbols_of(settings, begin.symbols))
    return Market(begin.venue, begin.market, instruments, begin)


class MarketStream:
    """Opens envelopes and normalises what is in them. `refused` counts by reason what was not used, and of each
    reason the first is reported in words. `tape` is shown every frame of this market before its facts are given.
    """

    def __init__(self, market: Market, messages: AsyncGenerator[Message, None], report: Report) -> None:
        self.market = market
        self.sequence = 0
        symbols = [one.symbol for one in market.instruments.values()]
        self._parser = market_parser(market.venue, market.market, symbols)
        # Arrivals on the stream are right already, so nothing is added to them.
        self._normaliser = Normaliser(self._parser, market.instruments, shift=0)
        self._messages = messages
        self._report = report
        self._unopened = Faults()
        self._told: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._heard_at = time.time_ns()
        self.tape: Callable[[RawFrame], None] | None = None

    @property
    def refused(self) -> Counter[str]:
        return self._unopened.counts + self._normaliser.errors + self._parser.skipped

    @property
    def gaps(self) -> dict[str, int]:
        """Gaps in the chain of book differences, by symbol."""
        return self._normaliser.gaps

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Facts by kind and symbol."""
        return self._normaliser.counts

    @property
    def behind_s(self) -> float:
        """How long before it is read the newest message was heard by its feed, or how long none has come."""
        return max(0.0, (time.time_ns() - self._heard_at) / NS_PER_SECOND)

    def check(self, limit_s: float) -> Check:
        """Whether a live market is read as it comes; a recording has no hurry."""
        if self.market.begin is not None or self.behind_s < limit_s:
            return Check("market stream", True, "read as it comes")
        return Check("market stream", False, f"the newest message is {self.behind_s:.1f} s old, limit {limit_s:g} s")

    async def next(self) -> Facts | None:
        """What the next message says; none when the bus was closed."""
        message = await anext(self._messages, None)
        if message is None:
            return None
        self.sequence = message.sequence
        facts = self._open(message)
        if not facts.heard:
            self._speak()
        return facts

    def _speak(self) -> None:
        for faults in (self._parser.first_skipped, self._unopened.first, self._normaliser.faults.first):
            for reason in [one for one in faults if one not in self._told]:
                self._told.add(reason)
                self._report(f"not used: {reason}, the first: {faults[reason]}")

    def _open(self, message: Message) -> Facts:
        try:
            marker = marker_of(message.data)
            if marker is not None:
                self._numbers.pop(message.subject, None)
                return Facts(message.sequence, [], isinstance(marker, End))
            frame, venue, market, number = unwrap(message.data)
        except FrameError as problem:
            self._unopened.add(problem.reason, f"message {message.sequence} is no envelope: {problem}")
            return Facts(message.sequence, [])
        ours = self.market
        if (venue or ours.venue, market or ours.market) != (ours.venue, ours.market):
            of = f"{venue or ours.venue}:{market or ours.market}"
            self._unopened.add("other_market", f"message {message.sequence} is of {of}, not {ours.venue}:{ours.market}")
            return Facts(message.sequence, [])
        frames = [frame]
        if ours.begin is None:
            self._heard_at = frame.arrival
            if number and self._missed(message.subject, number):
                frames = [*self._hole(frame.arrival), frame]
        if self.tape is not None:
            for one in frames:
                self.tape(one)
        return Facts(message.sequence, self._normaliser.feed(frames))

    def _missed(self, subject: str, number: int) -> int:
        """How many messages a live feed has sent on this subject since the last that came. It does not wait: what was
        not read in time is gone."""
        known = self._numbers.get(subject, number - 1)
        self._numbers[subject] = number
        missed = max(0, number - known - 1)
        if missed:
            self._unopened.counts["lost"] += missed - 1
            what = f"{missed} messages before number {number} of {subject} never came"
            self._unopened.add("lost", f"{what}; is this process, or NATS, too slow for its market?")
        return missed

    def _hole(self, arrival: int) -> list[RawFrame]:
        """Nobody knows of which instrument something is missing: no edge of any is to be believed across it."""
        told = [
            FeedStateChanged(key, arrival, arrival, BUS_STREAM, state, "messages were lost on the way")
            for key in self.market.instruments
            for state in (FeedState.STALE, FeedState.LIVE)
        ]
        return [RawFrame(arrival, encode_feed_state(one)) for one in told]


class Ahead:
    """Reads a stream a little ahead of whoever turns it, so that what has come can be had without waiting.

    Ends after the last message of a recording, and when the bus is closed. A reading that failed raises in `get`.
    """

    def __init__(self, stream: MarketStream) -> None:
        self._stream = stream
        self._facts: deque[Facts] = deque()
        self._came = asyncio.Event()
        self._room = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Ahead":
        self._reading = asyncio.create_task(self._read(), name="market")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._reading is not None
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    def at_hand(self) -> Facts | None:
        """The next message where it has come."""
        return self._facts.popleft() if self._facts else None

    async def get(self) -> Facts | None:
        """The next message, however long it takes; none when there will be no more."""
        assert self._reading is not None
        while not self._facts and not self._reading.done():
            self._room.set()
            self._came.clear()
            await self._came.wait()
        if not self._facts:
            self._reading.result()
            return None
        return self._facts.popleft()

    async def _read(self) -> None:
        """Fill up whenever it has become empty: half full would be a task's turn for half the messages."""
        facts = self._facts
        try:
            while (read := await self._stream.next()) is not None:
                facts.append(read)
                self._came.set()
                if read.ended:
                    return
                if len(facts) >= AHEAD_MAX:
                    self._room.clear()
                    await self._room.wait()
        finally:
            asyncio.get_running_loop().call_soon(self._came.set)  # when this task counts as done
