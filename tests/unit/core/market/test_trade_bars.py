"""Bars made among the facts of a stream: whole ones alone, before the trade that closes them."""

import msgspec

from petrosa.core.market.trade_bars import Heard, TradeBars
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import BestQuote, Candle, Trade
from tests.kit.strategy_market import BTC

MINUTE = 60 * NS_PER_SECOND
START = 1_699_920_000 * NS_PER_SECOND
LATE = 10_000_000


def trade(seconds: float, number: int, price: float = 50_000.0) -> Heard:
    at = START + round(seconds * NS_PER_SECOND)
    return at + LATE, Trade(BTC.id, at, at + LATE, price, 0.5, Side.BUY, number)


def made(heard: list[Heard], *lengths: int, market: str = "usdm") -> list[Candle]:
    one = msgspec.structs.replace(BTC, market=market)
    bars = TradeBars({BTC.id: one}, lengths or (MINUTE,))
    return [event for _, event in bars.feed(heard) if isinstance(event, Candle)]


def opens(bars: list[Candle]) -> list[float]:
    return [(bar.ts_open - START) / MINUTE for bar in bars]


def test_the_bar_in_which_the_stream_begins_is_not_whole() -> None:
    heard = [trade(20 * number, number) for number in range(1, 15)]
    assert [1, 2, 3] == opens(made(heard))


def test_a_bar_stands_before_the_trade_that_closes_it_and_is_heard_with_it() -> None:
    bars = TradeBars({BTC.id: BTC}, (MINUTE,))
    out: list[Heard] = []
    for number in range(1, 10):
        out += bars.feed([trade(20 * number, number, 50_000.0 + number)])
    kinds = [type(event).__name__ for _, event in out]
    place = kinds.index("Candle")
    assert out[place][0] == out[place + 1][0]
    bar = out[place][1]
    assert isinstance(bar, Candle)
    assert (50_003, 50_005, 1.5) == (bar.open, bar.close, bar.volume)
    assert 2 == bars.made[BTC.id]


def test_a_stretch_without_a_trade_has_no_bar() -> None:
    heard = [trade(seconds, number) for number, seconds in enumerate((10, 70, 130, 310, 370), 1)]
    assert [1, 2, 5] == opens(made(heard))


def test_where_trades_were_missed_there_is_no_bar() -> None:
    """Neither that which was at work, to which they may belong, nor that in which they are known to be missing."""
    numbers = (1, 2, 3, 4, 5, 100, 101, 102, 103, 104)
    heard = [trade(30 * n, number) for n, number in enumerate(numbers)]
    assert [1, 3] == opens(made(heard))


def test_on_futures_some_ids_are_no_market_trades() -> None:
    numbers = (1, 2, 3, 5, 6, 9, 10, 11)
    heard = [trade(30 * n, number) for n, number in enumerate(numbers)]
    assert [1, 2] == opens(made(heard))
    assert [] == opens(made(heard, market="spot"))


def test_several_lengths_close_shortest_first() -> None:
    heard = [trade(20 * number, number) for number in range(1, 50)]
    bars = made(heard, 5 * MINUTE, MINUTE)
    assert [1, 5] == [bar.interval_ns // MINUTE for bar in bars if bar.ts_event >= START + 575 * NS_PER_SECOND][:2]


def test_the_venues_own_bars_are_not_made_again() -> None:
    own = Candle(BTC.id, START + MINUTE, START + MINUTE, MINUTE, START, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 1.0)
    heard = [trade(20, 1), (own.ts_event + LATE, own), *(trade(20 * number, number) for number in range(4, 20))]
    assert [own] == made(heard)


def test_what_is_of_another_instrument_passes() -> None:
    other = BestQuote("binance:usdm:ETHUSDT", START, START, 1, 1.0, 1.0, 2.0, 1.0)  # type: ignore[arg-type]
    assert [(START, other)] == TradeBars({BTC.id: BTC}, (MINUTE,)).feed([(START, other)])
