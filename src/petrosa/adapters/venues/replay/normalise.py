"""Frames in, the desk's stream of facts out: corrected times, checked books, and depth made where none was recorded."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final, Protocol, assert_never

import msgspec

from petrosa.adapters.venues.replay.lines import Faults
from petrosa.adapters.venues.replay.plausible import Prices, is_timely, least_lead, mistimed
from petrosa.adapters.wire.frame import RawFrame
from petrosa.core.market.book import BookChange, OrderBook
from petrosa.core.market.depth20 import DepthSampler
from petrosa.core.model.base import NEVER, NS_PER_MS
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import (
    BookDiff,
    BookGap,
    BookSnapshot,
    Depth,
    FeedState,
    FeedStateChanged,
    InstrumentId,
    MarketEvent,
    Reading,
    symbol_of,
)
from petrosa.errors import FrameError

STAMPED_FRAMES: Final = 1_000
"""Frames with a venue time from which the recorder's clock error is found."""

HELD_MAX: Final = 50_000
"""Facts held back at most while looking for stamped ones, for recordings that hardly have any."""

TOPICS_MAX: Final = 64
"""Topics counted by name, so that garbage cannot fill the memory."""

Stamped = tuple[int, MarketEvent]
"""(now, event): the desk's time, which never decreases, and the fact."""


class FrameParser(Protocol):
    """What turns a venue's frames into facts."""

    skipped: Counter[str]

    def parse(self, payload: bytes, ts_seen: int) -> MarketEvent | None:
        """None for a frame that is known and skipped; `ts_event` is `ts_seen` where the venue sends no time."""
        ...


class _Watched:
    """What is kept of one instrument: its book, the sampler of it, how many facts of each kind came, and the states of
    its streams."""

    __slots__ = ("book", "counts", "gaps", "prices", "sampler", "states")

    def __init__(self, instrument: Instrument, *, depth20: bool) -> None:
        self.book = OrderBook(instrument)
        self.sampler = DepthSampler(self.book) if depth20 else None
        self.counts: defaultdict[type[MarketEvent], int] = defaultdict(int)
        self.gaps = 0
        self.prices = Prices()
        self.states: dict[str, FeedState] = {}

    def repeats(self, event: FeedStateChanged) -> bool:
        """Whether a feed says again what it has said; else it is remembered."""
        known = self.states.get(event.stream)
        self.states[event.stream] = event.state
        return known is event.state


class Normaliser:
    """Turns batches of frames into (now, event).

    A stamp or a price that cannot be (`plausible`) is counted among `errors` and not handed out.

    Recorders' clocks are wrong by seconds, so arrival is shifted by one constant: minus the least (arrival − venue
    time) of the first 1,000 stamped frames, plus the feed's latency. Until then frames are held back. `shift` is given
    when arrivals are right already, and then nothing is added to it.

    A `Reading` belongs to no instrument and says nothing about the venue's clock; it is counted by its topic.

    What a feed says of its streams is handed out where it changes something.

    `depth20` makes a `Depth` from the built book at multiples of 100 ms of `now`, unless the venue sends its own.
    """

    def __init__(
        self, parser: FrameParser, instruments: Mapping[InstrumentId, Instrument],
        feed_latency_ns: int = 10 * NS_PER_MS, shift: int | None = None, depth20: bool = True,
    ) -> None:  # fmt: skip
        self.shift = shift
        self.faults = Faults()
        self._parser = parser
        self._latency = feed_latency_ns
        self._watched = {key: _Watched(one, depth20=depth20) for key, one in instruments.items()}
        self._readings: Counter[str] = Counter()
        self._held: list[Stamped] = []
        self._leads: list[int] = []
        self._now = 0
        self._due = NEVER

    @property
    def errors(self) -> Counter[str]:
        """Frames that could not be used, by reason."""
        return self.faults.counts

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Facts handed out, by kind and symbol; readings by topic."""
        made: dict[str, dict[str, int]] = {}
        for key, watched in self._watched.items():
            for kind, count in watched.counts.items():
                made.setdefault(str(kind.__struct_config__.tag), {})[symbol_of(key)] = count
        if self._readings:
            made[str(Reading.__struct_config__.tag)] = dict(self._readings)
        return made

    @property
    def gaps(self) -> dict[str, int]:
        """Gaps found, by symbol, for every symbol that has been heard."""
        return {symbol_of(key): watched.gaps for key, watched in self._watched.items() if watched.counts}

    def feed(self, frames: list[RawFrame]) -> list[Stamped]:
        """The facts in the next frames, in the order in which a desk is told."""
        if self.shift is not None:
            return self._take(frames, self.shift)
        for position, frame in enumerate(frames, start=1):
            self._hold(frame)
            if len(self._leads) == STAMPED_FRAMES or len(self._held) == HELD_MAX:
                out = self.flush()
                out.extend(self.feed(frames[position:]))
                return out
        return []

    def flush(self) -> list[Stamped]:
        """What is still held back when a recording has fewer stamped frames than it takes to know its shift."""
        if self.shift is None:
            self.shift = self._latency - least_lead(self._leads) if self._leads else 0
        held, self._held, self._leads = self._held, [], []
        out: list[Stamped] = []
        for arrival, event in held:
            ts_seen = arrival + self.shift
            self._admit(
                ts_seen, msgspec.structs.replace(event, ts_seen=ts_seen, ts_event=event.ts_event or ts_seen), out
            )
        return out

    def _hold(self, frame: RawFrame) -> None:
        """Parse with an arrival of 0, which is what facts without a venue time then carry."""
        event = self._parse(frame.payload, 0)
        if event is None:
            return
        self._held.append((frame.arrival, event))
        if event.ts_event and type(event) is not Reading:
            self._leads.append(frame.arrival - event.ts_event)

    def _parse(self, payload: bytes, ts_seen: int) -> MarketEvent | None:
        try:
            return self._parser.parse(payload, ts_seen)
        except FrameError as error:
            self.faults.add(error.reason, str(error))
            return None

    def _take(self, frames: list[RawFrame], shift: int) -> list[Stamped]:
        out: list[Stamped] = []
        parse, admit = self._parser.parse, self._admit
        for arrival, payload in frames:
            ts_seen = arrival + shift
            try:
                event = parse(payload, ts_seen)
            except FrameError as error:
                self.faults.add(error.reason, str(error))
                continue
            if event is not None:
                admit(ts_seen, event, out)
        return out

    def _admit(self, ts_seen: int, event: MarketEvent, out: list[Stamped]) -> None:
        watched = self._watched.get(event.instrument)
        sound = self._foreign(ts_seen, event) if watched is None else self._sound(watched, ts_seen, event)
        if sound is None or (watched is not None and type(sound) is FeedStateChanged and watched.repeats(sound)):
            return
        event = sound
        if ts_seen > self._now:
            self._now = ts_seen
        now = self._now
        if now >= self._due:
            self._sample(now, out)
        if watched is not None:
            kind = type(event)
            watched.counts[kind] += 1
            if kind is BookDiff or kind is BookSnapshot:
                self._change_book(watched, event, now, out)  # type: ignore[arg-type]
            elif kind is Depth:
                watched.sampler = None  # the venue's own is better than ours
        out.append((now, event))

    def _foreign(self, ts_seen: int, event: MarketEvent) -> MarketEvent | None:
        """A reading, if it can be; anything else that is of no instrument here is what nobody asked for."""
        if not isinstance(event, Reading):
            self.faults.add("unknown_instrument", f"{event.instrument} is not in the instruments file; add it there")
        elif not is_timely(event, ts_seen):
            self.faults.add(*mistimed(event, ts_seen))
        else:
            topic = event.topic if event.topic in self._readings or len(self._readings) < TOPICS_MAX else "other"
            self._readings[topic] += 1
            return event
        return None

    def _sound(self, watched: _Watched, ts_seen: int, event: MarketEvent) -> MarketEvent | None:
        """The fact if it can be, else none: counted, and told once. A book goes by its ids, so it keeps its chain."""
        if not is_timely(event, ts_seen):
            self.faults.add(*mistimed(event, ts_seen))
            if not isinstance(event, BookDiff | BookSnapshot):
                return None
            return msgspec.structs.replace(event, ts_event=ts_seen)
        doubt = watched.prices.doubt(event)
        if doubt:
            self.faults.add("absurd_price", doubt)
            return None
        return event

    def _change_book(self, watched: _Watched, event: BookDiff | BookSnapshot, now: int, out: list[Stamped]) -> None:
        off_tick = watched.book.off_tick
        result = watched.book.apply(event)
        sampler = watched.sampler
        if watched.book.off_tick > off_tick:
            self.faults.add(
                "off_tick",
                f"{event.instrument}: a level of the book is not on the tick; it is kept at its price, and no simulated"
                " order meets it. If there are many, correct the tick in the instruments file",
            )
        match result:
            case BookGap():
                watched.gaps += 1
                watched.counts[BookGap] += 1
                out.append((now, result))
                if sampler is not None:
                    sampler.cancel()
            case BookChange.APPLIED:
                if sampler is not None:
                    sampler.changed(now)
                    self._due = min(self._due, sampler.due)
            case BookChange.WAITING | BookChange.OLD:
                pass
            case _:
                assert_never(result)

    def _sample(self, now: int, out: list[Stamped]) -> None:
        """Make the depths that are due, earliest first, in the order of the instruments where they are due together."""
        due = [(one.sampler.due, one, one.sampler) for one in self._watched.values() if one.sampler is not None]
        for at, watched, sampler in sorted(due, key=lambda entry: entry[0]):
            if at > now:
                break
            crossed = sampler.crossed
            depth = sampler.sample()
            if depth is not None:
                watched.counts[Depth] += 1
                out.append((at, depth))
            elif sampler.crossed > crossed:
                self.faults.add(
                    "crossed_book", f"{sampler.book.instrument}: the built book is crossed; no depth was made of it"
                )
        self._due = min((sampler.due for _, _, sampler in due), default=NEVER)
