"""Another venue beside a synthetic market: it quotes the same coins in dollars, a little late, and now and then apart.

Seeded and pure. Its mid is ours of a moment ago, times what a USDT costs there, times a small noise. On top come
episodes, each of a kind that a comparison of the two venues must tell from the others:

* `dislocation`: prices differ by 1.8 to 2.5 %, more than it costs to trade on both;
* `fees`: they differ by 0.75 to 1 %, which the fees of both venues eat up;
* `currency`: what a USDT costs differs from a dollar by 1.5 to 2.5 %, and so do the prices in dollars, alike.
"""

import math
import random
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BestQuote, InstrumentId, Reading
from petrosa.core.simulation.market import Heard

QUOTE_EVERY_NS: Final = NS_PER_SECOND
LAG_NS: Final = 300 * NS_PER_MS
"""How long ago our price was what theirs follows."""
READING_LATENCY_NS: Final = 80 * NS_PER_MS
"""From a quote there to our hearing it."""
QUOTES_KEPT: Final = 4_096

DISLOCATION, FEES, CURRENCY = "dislocation", "fees", "currency"
SIZES: Final = {DISLOCATION: (1.8, 2.5), FEES: (0.75, 1.0), CURRENCY: (1.5, 2.5)}
"""From and to, in %, of the episodes of each kind; either sign."""
LENGTHS_S: Final = (8.0, 15.0)
CALM_S: Final = (6.0, 14.0)

NOISE: Final = 1.5e-4
"""Standard deviation of the noise between the venues, as a fraction; half of it is gone after a second and a half."""
NOISE_KEPT: Final = 0.63
HALF_SPREAD: Final = 1e-4
RATE: Final = 0.9995
"""Dollars for a USDT on a usual day."""


class Episode(msgspec.Struct, frozen=True):
    """When and how far the venues were apart: positive where theirs is dearer, or a USDT costs more than usual."""

    subject: str
    kind: str
    start_ns: int
    end_ns: int
    percent: float


class SecondVenue:
    """Quotes of one other venue, in the order in which they are heard. `episodes` are those that have begun."""

    def __init__(self, source: str, instruments: Sequence[Instrument], seed: int, start: int) -> None:
        self.episodes: list[Episode] = []
        self._source = source
        self._due = start + QUOTE_EVERY_NS
        self._rate = _Gap(random.Random(f"{seed}:{source}:rate"), start, "USDT/USD", (CURRENCY,), self.episodes)
        self._mirrors: dict[InstrumentId, _Mirror] = {}
        for one in instruments:
            chance = random.Random(f"{seed}:{source}:{one.id}")
            gap = _Gap(chance, start, f"{one.base}/USD", (DISLOCATION, FEES), self.episodes)
            self._mirrors[one.id] = _Mirror(gap)

    def beside(self, events: Iterator[Heard]) -> Iterator[Heard]:
        """Our market's facts and the other venue's quotes, in order of when they are heard."""
        for heard, event in events:
            while self._due + READING_LATENCY_NS <= heard:
                yield from self._quotes(self._due)
                self._due += QUOTE_EVERY_NS
            if type(event) is BestQuote:
                self._mirrors[event.instrument].follow(event)
            yield heard, event

    def _quotes(self, now: int) -> Iterator[Heard]:
        rate = RATE * math.exp(self._rate.step(now))
        yield self._quote(now, "USDT/USD", rate, 5)
        for mirror in self._mirrors.values():
            mid = mirror.mid(now)
            gap = mirror.gap.step(now)
            if mid > 0.0:
                yield self._quote(now, mirror.gap.subject, mid * rate * math.exp(gap), 2)

    def _quote(self, now: int, subject: str, mid: float, digits: int) -> Heard:
        heard = now + READING_LATENCY_NS
        bid, ask = round(mid * (1.0 - HALF_SPREAD), digits), round(mid * (1.0 + HALF_SPREAD), digits)
        return heard, Reading(self._source, "quote", subject, now, heard, {"bid": bid, "ask": ask})


class _Mirror:
    """Our price of one instrument as the other venue follows it."""

    __slots__ = ("_mids", "gap")

    def __init__(self, gap: "_Gap") -> None:
        self.gap = gap
        self._mids: deque[tuple[int, float]] = deque(maxlen=QUOTES_KEPT)

    def follow(self, quote: BestQuote) -> None:
        self._mids.append((quote.ts_event, (quote.bid + quote.ask) / 2.0))

    def mid(self, now: int) -> float:
        """Our mid a moment ago; zero before there was one."""
        mids = self._mids
        while len(mids) > 1 and mids[1][0] <= now - LAG_NS:
            mids.popleft()
        return mids[0][1] if mids else 0.0


class _Gap:
    """How far something is from where it usually is: a noise that draws back, and one episode after the other."""

    __slots__ = ("_chance", "_episode", "_episodes", "_kinds", "_next", "_noise", "subject")

    def __init__(
        self, chance: random.Random, start: int, subject: str, kinds: tuple[str, ...], episodes: list[Episode]
    ) -> None:
        self.subject = subject
        self._chance = chance
        self._kinds = kinds
        self._episodes = episodes
        self._noise = 0.0
        self._episode = Episode(subject, "", start, start, 0.0)
        self._next = self._draw(start)

    def step(self, now: int) -> float:
        """The gap at the next quote, as a logarithm."""
        self._noise = NOISE_KEPT * self._noise + self._chance.gauss(0.0, NOISE * math.sqrt(1.0 - NOISE_KEPT**2))
        if now >= self._next.start_ns:
            self._episode = self._next
            self._episodes.append(self._episode)
            self._next = self._draw(self._episode.end_ns)
        inside = self._episode.start_ns <= now < self._episode.end_ns
        return self._noise + (math.log1p(self._episode.percent / 100.0) if inside else 0.0)

    def _draw(self, after: int) -> Episode:
        chance = self._chance
        kind = chance.choice(self._kinds)
        start = after + round(chance.uniform(*CALM_S)) * NS_PER_SECOND
        percent = chance.choice((-1.0, 1.0)) * round(chance.uniform(*SIZES[kind]), 3)
        return Episode(self.subject, kind, start, start + round(chance.uniform(*LENGTHS_S)) * NS_PER_SECOND, percent)
