"""Closed bars of a stream: each once and in order, a hole filled from the venue, and no entry while there is one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

import msgspec

from petrosa.adapters.feeds.health import Health
from petrosa.adapters.feeds.outlet import News, Outlet
from petrosa.adapters.venues.binance.history.rows import Page
from petrosa.adapters.venues.binance.live.bars import OVERDUE_NS, TRIES_MAX, Bars, as_streamed
from petrosa.adapters.venues.binance.live.expected import RARE
from petrosa.adapters.venues.binance.parse import Parser
from petrosa.core.market.grid import Grid
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.core.model.history import Kline, Series
from petrosa.core.model.market import Candle, FeedState, FeedStateChanged, InstrumentId
from petrosa.errors import TransportError
from tests.kit.desk_bars import kline_frame

MINUTE = 60 * NS_PER_SECOND
START = 1_699_920_000 * NS_PER_SECOND
STREAM = "btcusdt@kline_1m"
KEY = InstrumentId("binance:usdm:BTCUSDT")
LIVE, STALE = FeedState.LIVE, FeedState.STALE


def bar(number: int) -> Kline:
    price, volume = Decimal(50_000 + number), Decimal(2)
    ts = START + number * MINUTE
    numbers = (price, price, price, price, volume, price, 3, volume / 2, price / 2)
    return Kline("usdm", "BTCUSDT", "1m", ts, ts + MINUTE, *numbers)


class Venue:
    """A stream of bars and what the venue answers about those of the past. `has` is which bars it lists."""

    def __init__(self, has: Sequence[int] = range(100_000), most: int = 499) -> None:
        self.now = START
        self.has = set(has)
        self.most = most
        self.away = False
        self.asked = 0
        self.passed: list[Candle] = []
        self.said: list[FeedState] = []
        self._parse = Parser("binance", "usdm", ["BTCUSDT"]).parse
        health = Health({STREAM: ("BTCUSDT", RARE)}, START)
        self.outlet = Outlet({STREAM: KEY}, health, self._offer, self._tell, lambda: self.now)
        self.bars = Bars("usdm", {STREAM: KEY}, self, self.outlet, lambda _seconds: asyncio.sleep(0))
        self.outlet.changed(health.link(STREAM, True, "connected", START))

    def hear(self, number: int, *, closed: bool = True) -> None:
        """A bar as it grows in the middle of its time, or as it closes."""
        self.now = max(self.now, START + number * MINUTE + (MINUTE if closed else MINUTE // 2))
        self.outlet.heard(STREAM, self.now)
        self.bars.hear(STREAM, kline_frame(bar(number), closed=closed).encode(), self.now)

    async def klines(self, series: Series, grid: Grid, since: int, until: int, horizon: int) -> Page:
        assert (Series("usdm", "BTCUSDT", "1m"), MINUTE) == (series, grid.step)
        assert until <= horizon
        self.asked += 1
        if self.away:
            raise TransportError("nobody answers")
        first, last = (since - START) // MINUTE, (until - START) // MINUTE
        found = [bar(number) for number in range(first, last) if number in self.has][: self.most]
        return Page(found, found[-1].ts_close if len(found) == self.most else until)

    @property
    def numbers(self) -> list[int]:
        return [(one.ts_open - START) // MINUTE for one in self.passed]

    def _offer(self, arrival: int, stream: str, frame: bytes) -> None:
        assert (self.now, STREAM) == (arrival, stream)
        candle = self._parse(frame, arrival)
        assert isinstance(candle, Candle)
        self.passed.append(candle)

    def _tell(self, news: News) -> None:
        assert isinstance(news, FeedStateChanged)
        self.said.append(news.state)


@asynccontextmanager
async def asking(venue: Venue) -> AsyncIterator[Callable[[Callable[[], bool]], object]]:
    """With what asks the venue running; what is given waits until something is so."""
    task = asyncio.create_task(venue.bars.run())

    async def until(is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not is_so():
                await asyncio.sleep(0)

    try:
        yield until
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_a_bar_is_handed_on_when_it_has_closed_and_once() -> None:
    venue = Venue()
    venue.bars.begin({STREAM: START})
    venue.hear(1, closed=False)
    venue.hear(1)
    venue.hear(1)
    venue.hear(2, closed=False)
    venue.hear(2)
    assert [1, 2] == venue.numbers
    assert 50_001 == venue.passed[0].close
    assert {"bar heard twice": 1} == venue.outlet.counts


def test_nothing_is_handed_on_before_the_past_is_known() -> None:
    venue = Venue()
    venue.hear(4)
    venue.hear(5)
    assert not venue.passed
    venue.bars.begin({STREAM: bar(4).ts_open})
    assert [5] == venue.numbers


def test_without_a_past_the_first_closed_bar_is_the_beginning() -> None:
    venue = Venue()
    venue.bars.begin({})
    venue.hear(4, closed=False)
    venue.hear(4)
    venue.hear(5)
    assert [4, 5] == venue.numbers
    assert 0 == venue.asked


async def test_what_was_missed_comes_before_what_was_heard() -> None:
    venue = Venue(most=3)
    async with asking(venue) as until:
        venue.bars.begin({STREAM: START})
        venue.hear(1)
        venue.hear(10)
        assert [1] == venue.numbers
        await until(lambda: len(venue.passed) == 10 and venue.said[-1] is LIVE)
    assert list(range(1, 11)) == venue.numbers
    assert [LIVE, STALE, LIVE] == venue.said
    assert {"bar filled": 9 - 1} == venue.outlet.counts


async def test_the_next_bar_as_it_grows_says_that_one_is_missing() -> None:
    venue = Venue()
    async with asking(venue) as until:
        venue.bars.begin({STREAM: START})
        venue.hear(2, closed=False)
        await until(lambda: venue.numbers == [1])
        venue.hear(2)
    assert [1, 2] == venue.numbers


async def test_a_bar_that_is_overdue_is_asked_for() -> None:
    venue = Venue()
    async with asking(venue) as until:
        venue.bars.begin({STREAM: START})
        venue.hear(1, closed=False)
        venue.now = bar(1).ts_close + OVERDUE_NS - 1
        venue.bars.look(venue.now)
        await asyncio.sleep(0)
        assert 0 == venue.asked
        venue.now += 1
        venue.bars.look(venue.now)
        await until(lambda: venue.numbers == [1])
        assert 1 == venue.asked


async def test_no_entry_while_the_venue_does_not_say_what_is_missing() -> None:
    venue = Venue()
    venue.away = True
    async with asking(venue) as until:
        venue.bars.begin({STREAM: START})
        venue.hear(3)
        await until(lambda: venue.asked > TRIES_MAX + 3)
        assert [LIVE, STALE] == venue.said
        assert not venue.passed
        venue.away = False
        await until(lambda: len(venue.passed) == 3 and venue.said[-1] is LIVE)
    assert [1, 2, 3] == venue.numbers


async def test_bars_that_the_venue_does_not_have_are_a_hole_that_is_counted() -> None:
    venue = Venue(has=[2, 5])
    async with asking(venue) as until:
        venue.bars.begin({STREAM: START})
        venue.hear(5)
        await until(lambda: len(venue.passed) == 2 and venue.said[-1] is LIVE)
    assert [2, 5] == venue.numbers
    assert 3 == venue.outlet.counts["bar that the venue does not have"]


async def test_a_bar_that_only_the_clock_expects_is_given_up_and_asked_for_again_later() -> None:
    venue = Venue(has=[])
    async with asking(venue) as until:
        venue.bars.begin({STREAM: START})
        venue.hear(1, closed=False)
        venue.now = bar(1).ts_close + OVERDUE_NS
        venue.bars.look(venue.now)
        await until(lambda: venue.asked == TRIES_MAX and venue.said[-1] is LIVE)
        venue.has = {1, 2}
        venue.now += MINUTE
        venue.bars.look(venue.now)
        await until(lambda: venue.numbers == [1, 2])


async def test_of_a_very_long_hole_the_newest_part_is_asked_for() -> None:
    venue = Venue()
    async with asking(venue) as until:
        venue.bars.begin({STREAM: START})
        venue.hear(5_000)
        await until(lambda: 5_000 in venue.numbers)
    assert list(range(3_001, 5_001)) == venue.numbers


def test_a_frame_that_cannot_be_read_is_left_to_whoever_parses_it() -> None:
    venue = Venue()
    venue.bars.begin({})
    frames: list[bytes] = []
    outlet = Outlet({STREAM: KEY}, venue.outlet.health, lambda _at, _stream, frame: frames.append(frame), venue._tell)
    bars = Bars("usdm", {STREAM: KEY}, venue, outlet)
    bars.hear(STREAM, b'{"stream":"btcusdt@kline_1m","data":{}}', START)
    assert 1 == len(frames)
    assert {"bar that cannot be read": 1} == outlet.counts


def test_what_is_filled_reads_as_what_is_streamed() -> None:
    parse = Parser("binance", "usdm", ["BTCUSDT"]).parse
    one = bar(7)
    filled, streamed = parse(as_streamed(STREAM, one, one.ts_close), 5), parse(kline_frame(one).encode(), 5)
    assert filled == streamed
    assert isinstance(filled, Candle)
    assert one.candle(KEY) == msgspec.structs.replace(filled, ts_seen=one.ts_close)
    assert 0 == filled.ts_event % NS_PER_MS
