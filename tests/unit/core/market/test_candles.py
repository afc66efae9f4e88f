"""Candles from trades."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.market.candles import FILL_MAX, CandleBuilder, interval_ns, open_time
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import Candle, Trade
from petrosa.errors import UsageError
from tests.kit.instruments import instrument
from tests.kit.soak import examples

INSTRUMENT = instrument()
MINUTE = 60 * NS_PER_SECOND
MONDAY = 1_723_420_800 * NS_PER_SECOND  # 2024-08-12 00:00 UTC


def trade(second: float, price: float, quantity: float, side: Side = Side.BUY, count: int = 1) -> Trade:
    at = MONDAY + int(second * NS_PER_SECOND)
    return Trade(INSTRUMENT.id, at, at + 5, price, quantity, side, 1, count)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("1m", 60), ("5m", 300), ("1h", 3_600), ("1d", 86_400), ("1w", 604_800), (" 90m ", 5_400)],
)
def test_intervals(text: str, seconds: int) -> None:
    """A number and a unit."""
    assert seconds * NS_PER_SECOND == interval_ns(text)


@pytest.mark.parametrize("text", ["", "m", "0m", "-1m", "1", "1M", "1 m", "1.5m", "1min", "999999m"])
def test_what_is_no_interval_says_how_to_write_one(text: str) -> None:
    """Months are not of one length, and nothing is guessed."""
    with pytest.raises(UsageError, match=r"write a whole number and s, m, h, d or w"):
        interval_ns(text)


def test_an_interval_has_a_longest() -> None:
    """Beyond a year there is nothing to build from trades."""
    with pytest.raises(UsageError, match="longer than 52w"):
        interval_ns("53w")


def test_open_times() -> None:
    """Bars open at multiples of the interval, weeks on Monday."""
    wednesday = MONDAY + 2 * 86_400 * NS_PER_SECOND + 3_723 * NS_PER_SECOND
    assert MONDAY == open_time(wednesday, interval_ns("1w"))
    assert MONDAY == open_time(MONDAY, interval_ns("1w"))
    assert MONDAY + 2 * 86_400 * NS_PER_SECOND == open_time(wednesday, interval_ns("1d"))
    assert MONDAY + 2 * 86_400 * NS_PER_SECOND + 3_720 * NS_PER_SECOND == open_time(wednesday, MINUTE)


def test_a_bar_closes_with_the_first_trade_of_a_later_one() -> None:
    """Prices in order of coming, volumes by aggressor, the count of single trades in aggregates."""
    builder = CandleBuilder(INSTRUMENT, MINUTE)
    given_trades = [trade(0, 10.0, 1.0), trade(1, 12.0, 2.0, Side.SELL, 3), trade(2, 9.0, 0.5), trade(59.9, 11.0, 0.25)]
    assert [(), (), (), ()] == [builder.add(one) for one in given_trades]
    last = given_trades[-1]
    expected = Candle(
        INSTRUMENT.id, last.ts_event, last.ts_seen, MINUTE, MONDAY, 10.0, 12.0, 9.0, 11.0, 3.75, 41.25, 6, 1.75
    )
    assert (expected,) == builder.add(trade(60, 11.5, 1.0))


def test_a_minute_without_a_trade_has_no_candle() -> None:
    """Two minutes of silence leave a hole of two minutes."""
    builder = CandleBuilder(INSTRUMENT, MINUTE)
    builder.add(trade(0, 10.0, 1.0))
    closed = builder.add(trade(180, 11.0, 1.0)) + builder.flush()
    assert [MONDAY, MONDAY + 3 * MINUTE] == [candle.ts_open for candle in closed]


def test_filling_repeats_the_close_without_volume() -> None:
    """Asked for, the hole is filled with bars in which nothing happened."""
    builder = CandleBuilder(INSTRUMENT, MINUTE, fill=True)
    builder.add(trade(0, 10.0, 1.0))
    builder.add(trade(30, 10.5, 1.0))
    closed = builder.add(trade(185, 11.0, 1.0))
    assert [MONDAY, MONDAY + MINUTE, MONDAY + 2 * MINUTE] == [candle.ts_open for candle in closed]
    assert [(10.5, 10.5, 10.5, 10.5, 0.0, 0.0, 0, 0.0)] * 2 == [
        (c.open, c.high, c.low, c.close, c.volume, c.quote_volume, c.trades, c.buy_volume) for c in closed[1:]
    ]


def test_time_closes_a_bar_as_a_trade_does() -> None:
    """Told that its time is over, a bar closes once; told earlier, it does not."""
    builder = CandleBuilder(INSTRUMENT, MINUTE, fill=True)
    builder.add(trade(0, 10.0, 1.0))
    assert () == builder.close(MONDAY + MINUTE - 1)
    assert 1 == len(builder.close(MONDAY + MINUTE))
    assert () == builder.close(MONDAY + 2 * MINUTE - 1)
    assert 1 == len(builder.close(MONDAY + 2 * MINUTE))
    assert () == builder.flush()


def test_a_late_trade_is_counted_and_left_out() -> None:
    """A candle that was given out does not change; within its bar a trade may come out of order."""
    builder = CandleBuilder(INSTRUMENT, MINUTE)
    builder.add(trade(30, 10.0, 1.0))
    builder.add(trade(10, 11.0, 1.0))
    builder.add(trade(61, 12.0, 1.0))
    builder.add(trade(59, 99.0, 1.0))
    assert 1 == builder.late
    assert [(12.0, 1)] == [(candle.high, candle.trades) for candle in builder.flush()]


def test_a_trade_after_its_bar_was_closed_by_time_is_late() -> None:
    """Closing by time closes for good."""
    builder = CandleBuilder(INSTRUMENT, MINUTE)
    builder.add(trade(1, 10.0, 1.0))
    builder.close(MONDAY + MINUTE)
    builder.add(trade(2, 10.0, 1.0))
    assert (1, ()) == (builder.late, builder.flush())


def test_an_absurd_hole_is_not_filled_without_end() -> None:
    """A mistaken time makes a bounded number of empty bars."""
    builder = CandleBuilder(INSTRUMENT, NS_PER_SECOND, fill=True)
    builder.add(trade(0, 10.0, 1.0))
    assert FILL_MAX + 1 == len(builder.add(trade(10 * FILL_MAX, 10.0, 1.0)))


def test_an_inverse_contract_turns_contracts_into_base() -> None:
    """Five contracts of 100 dollars at 50 dollars are worth 10 of the base currency."""
    inverse = msgspec.structs.replace(INSTRUMENT, inverse=True, contract_size=Decimal(100))
    builder = CandleBuilder(inverse, MINUTE)
    builder.add(trade(0, 50.0, 5.0))
    assert [(5.0, 10.0)] == [(candle.volume, candle.quote_volume) for candle in builder.flush()]


trades = st.lists(
    st.tuples(st.integers(0, 90_000), st.integers(1, 10_000_000), st.integers(1, 100_000_000), st.booleans()),
    max_size=60,
)


@examples(60)
@given(trades)
def test_sums_are_exact_whatever_the_trades(rows: list[tuple[int, int, int, bool]]) -> None:
    """Every bar's volumes are the exact decimal sums, rounded to a float once."""
    rows = sorted(rows, key=lambda row: row[0])
    builder = CandleBuilder(INSTRUMENT, MINUTE)
    closed: list[Candle] = []
    for millis, ticks, grains, buys in rows:
        side = Side.BUY if buys else Side.SELL
        closed.extend(
            builder.add(trade(millis / 10, float(Decimal(ticks) / 100), float(Decimal(grains) / 10**8), side))
        )
    closed.extend(builder.flush())
    expected: dict[int, list[Decimal]] = {}
    for millis, ticks, grains, buys in rows:
        price, quantity = Decimal(ticks) / 100, Decimal(grains) / 10**8
        sums = expected.setdefault(millis // 600 * MINUTE + MONDAY, [Decimal(0)] * 3)
        sums[0] += quantity
        sums[1] += quantity * price
        sums[2] += quantity if buys else 0
    assert {at: [float(value) for value in sums] for at, sums in expected.items()} == {
        candle.ts_open: [candle.volume, candle.quote_volume, candle.buy_volume] for candle in closed
    }
