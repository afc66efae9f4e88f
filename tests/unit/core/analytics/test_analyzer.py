"""What an analyzer keeps of what it hears: windows of time, pressure, flows, and bounds on all of it."""

import tracemalloc

import pytest

from petrosa.core.analytics.analyzer import Liquidating
from petrosa.core.analytics.pressure import Lean
from petrosa.core.model.base import Side
from petrosa.core.model.market import Depth, FeedState
from tests.kit.books import BTC, LIQUIDATIONS, START, Heard, at, depth, liquidation
from tests.kit.instruments import instrument

KEY = BTC.id
ETH = instrument("ETHUSDT")
SOL = instrument("SOLUSDT")


@pytest.mark.parametrize("rate", [0.5, 1, 10, 33])
def test_a_window_is_of_time_at_any_rate_of_updates(rate: float) -> None:
    """After 100 s a minute has sixty samples, five have a hundred, whether books came ten times a second or seldom."""
    heard = Heard()
    for number in range(int(100 * rate) + 1):
        heard.book(50.0, number / rate)
    minute, five = (heard.analyzer.history(KEY, name, at(100)) for name in ("1m", "5m"))
    assert tuple(range(START + 41, START + 101)) == minute.window.seconds
    assert (60, 100) == (len(minute.window.pressures), len(five.window.pressures))


def test_a_hundred_updates_are_not_a_hundred_samples() -> None:
    """The example of the specification: a lean that lasts is bullish where it stands, and goes nowhere."""
    heard = Heard()
    for number in range(100):
        heard.tell(depth([(100.0, 2.0)], [(100.5, 1.0)]), number)
    history = heard.analyzer.history(KEY, "1m", heard.now)
    assert (60, Lean.BULLISH, Lean.NEUTRAL) == (len(history.window.pressures), history.level, history.trend.direction)
    assert [pytest.approx(100 / 3)] * 60 == list(history.window.pressures)
    assert 0.0 == history.trend.strength


def test_a_sample_is_the_book_at_the_end_of_its_second() -> None:
    """What came and went inside a second leaves no sample."""
    heard = Heard()
    for percent, seconds in ((10.0, 0.1), (90.0, 0.5), (20.0, 0.9), (30.0, 1.5), (0.0, 2.5)):
        heard.book(percent, seconds)
    assert pytest.approx((0.2, 0.3)) == heard.analyzer.history(KEY, "1m", heard.now).window.imbalances


def test_a_quiet_second_repeats_the_book_while_its_stream_is_live() -> None:
    """Nothing changed, so the book is what it was; while the stream is not alive nobody knows."""
    heard = Heard()
    heard.book(40.0, 0.0)
    heard.feed(FeedState.STALE, 5.5)
    heard.book(-40.0, 10.5)
    window = heard.analyzer.history(KEY, "1m", at(12)).window
    assert (*range(START + 1, START + 6), START + 11, START + 12) == window.seconds
    assert pytest.approx((0.4,) * 5 + (-0.4,) * 2) == window.imbalances
    assert pytest.approx((40.0,) * 5 + (-40.0,) * 2) == window.pressures


def test_pressure_is_what_an_imbalance_leaves_behind() -> None:
    """Ten seconds of 80, then a balanced book: half of it is left after a half-life of 4 s; imbalance is 0 at once."""
    heard = Heard(half_life_seconds=4.0)
    for second in range(10):
        heard.book(80.0, second)
    heard.book(0.0, 10.0)
    heard.book(0.0, 14.0)
    found = heard.analyzer.metrics(KEY, heard.now)
    assert found is not None
    assert (0.0, pytest.approx(40.0), Lean.BULLISH) == (found.book.imbalance, found.pressure, found.lean)


def test_pressure_between_two_samples_goes_on() -> None:
    """Half a second after the last whole one counts as half a second."""
    heard = Heard(half_life_seconds=0.5)
    heard.book(80.0, 0.0)
    heard.book(0.0, 1.0)
    heard.book(0.0, 1.5)
    found = heard.analyzer.metrics(KEY, heard.now)
    assert found is not None
    assert pytest.approx(40.0) == found.pressure


def test_reading_changes_nothing() -> None:
    """A market that is looked at ten times a second is the market that nobody looks at."""
    watched, left_alone = Heard(), Heard()
    for number in range(400):
        for heard in (watched, left_alone):
            heard.book((number * 37) % 101 - 50.0, number / 7)
            heard.trade(1.0 + number % 5, number / 7 + 0.01, Side.BUY if number % 3 else Side.SELL)
        watched.analyzer.metrics(KEY, watched.now)
    assert watched.analyzer.metrics(KEY, watched.now) == left_alone.analyzer.metrics(KEY, watched.now)
    assert watched.analyzer.history(KEY, "1m", watched.now) == left_alone.analyzer.history(KEY, "1m", watched.now)


def test_flows_are_summed_over_their_windows() -> None:
    """A trade is in the minute for sixty seconds, in five minutes for longer; by the taker's side."""
    heard = Heard()
    heard.book(0.0, 0.0)
    heard.trade(3.0, 0.5)
    heard.trade(1.0, 30.0, Side.SELL)
    for at_second, trades, imbalance in ((59.9, 2, 0.5), (60.0, 1, -1.0), (90.0, 0, None)):
        heard.book(0.0, at_second)
        found = heard.analyzer.metrics(KEY, heard.now)
        assert found is not None
        assert (trades, imbalance) == (found.trade_flow["1m"].trades, found.trade_flow["1m"].imbalance)
        assert (2, 0.5) == (found.trade_flow["5m"].trades, found.trade_flow["15m"].imbalance)


def test_order_flow_follows_the_best_quotes() -> None:
    """Three more bid for, then a better offer of one: 3 - 1; books say nothing to it once there are quotes."""
    heard = Heard()
    heard.book(0.0, 0.0)
    heard.quote(99.0, 5.0, 101.0, 4.0, 0.1)
    heard.quote(99.0, 8.0, 101.0, 4.0, 0.2)
    heard.book(80.0, 0.3)
    heard.quote(99.0, 8.0, 100.0, 1.0, 2.0)
    found = heard.analyzer.metrics(KEY, heard.now)
    assert found is not None
    assert ({"1m": 2.0, "5m": 2.0, "15m": 2.0}, True) == (found.order_flow, found.order_flow_of_quotes)


def test_without_quotes_order_flow_is_that_of_the_books() -> None:
    """From one unit a side to 1.5 bid and 0.5 offered: 0.5 + 0.5."""
    heard = Heard()
    heard.book(0.0, 0.0)
    heard.book(50.0, 0.1)
    found = heard.analyzer.metrics(KEY, heard.now)
    assert found is not None
    assert (pytest.approx(1.0), False) == (found.order_flow["1m"], found.order_flow_of_quotes)


def test_what_changed_while_nobody_listened_is_no_order_flow() -> None:
    """The first quotes after a break are compared with nothing."""
    heard = Heard()
    heard.book(0.0, 0.0)
    heard.quote(99.0, 5.0, 101.0, 4.0, 0.1)
    heard.feed(FeedState.DEAD, 1.0)
    heard.quote(120.0, 5.0, 121.0, 4.0, 9.0)
    heard.book(0.0, 9.1)
    found = heard.analyzer.metrics(KEY, heard.now)
    assert found is not None
    assert 0.0 == found.order_flow["1m"]


def test_a_book_with_a_gap_is_not_believed_until_the_next() -> None:
    """No metrics meanwhile; what was sampled before stays."""
    heard = Heard()
    heard.book(40.0, 0.0)
    heard.gap(2.5)
    assert (None, {}) == (heard.analyzer.metrics(KEY, heard.now), heard.analyzer.heard())
    heard.book(10.0, 4.5)
    assert heard.analyzer.metrics(KEY, heard.now) is not None
    assert (START + 1, START + 2, START + 5) == heard.analyzer.history(KEY, "1m", at(5)).window.seconds


def test_a_stale_symbol_goes_with_its_history() -> None:
    """Nothing heard of it for longer than the time to live, while others are."""
    heard = Heard((BTC, ETH), ttl_seconds=60.0)
    heard.book(40.0, 0.0)
    for second in range(62):
        heard.book(0.0, second, ETH)
    assert [ETH.id] == list(heard.analyzer.heard())
    with pytest.raises(KeyError):
        heard.analyzer.history(KEY, "15m", heard.now)


def test_a_symbol_that_comes_back_begins_anew() -> None:
    """Alone in its silence, so nobody else's book dropped it."""
    heard = Heard(ttl_seconds=60.0)
    heard.book(80.0, 0.0)
    heard.book(-40.0, 61.0)
    found = heard.analyzer.metrics(KEY, at(62))
    assert found is not None
    assert pytest.approx(-40.0) == found.pressure
    assert (START + 62,) == heard.analyzer.history(KEY, "15m", at(62)).window.seconds


def test_the_symbol_heard_longest_ago_makes_room() -> None:
    """Least recently heard, not first followed; and it is counted."""
    heard = Heard((BTC, ETH, SOL), max_symbols=2)
    heard.book(0.0, 0.0, BTC)
    heard.book(0.0, 1.0, ETH)
    heard.book(0.0, 2.0, BTC)
    heard.book(0.0, 3.0, SOL)
    assert ({BTC.id, SOL.id}, 1) == (set(heard.analyzer.heard()), heard.analyzer.evicted)


def test_a_started_process_knows_nothing_of_before() -> None:
    """As everything else of the market."""
    heard = Heard()
    heard.book(0.0, 0.0)
    heard.analyzer.forget()
    assert {} == heard.analyzer.heard()


def test_trades_of_a_symbol_without_a_book_are_not_kept() -> None:
    """A symbol is followed from its first book on, so names alone cannot fill memory."""
    heard = Heard()
    heard.trade(1.0, 0.0)
    heard.quote(99.0, 5.0, 101.0, 4.0, 0.1)
    heard.feed(FeedState.LIVE, 0.2)
    assert {} == heard.analyzer.heard()


def test_memory_is_taken_once_and_is_small() -> None:
    """150 symbols with their fifteen minutes, after a thousand seconds of books, quotes and trades: under 20 MB."""
    many = [instrument(f"COIN{number}USDT") for number in range(150)]
    tracemalloc.start()
    heard = Heard(many)
    for second in range(0, 1_000, 20):
        for rules in many:
            heard.book(second % 50, second, rules)
            heard.trade(1.0, second, rules=rules)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 20_000_000 > taken


def test_the_book_itself_is_kept_and_not_a_copy() -> None:
    """Hearing a book costs no walk over its levels."""

    class Untouchable(tuple[float, ...]):
        def __iter__(self) -> None:  # type: ignore[override]
            raise AssertionError("a book was walked through where it was heard")

    heard = Heard()
    heard.quote(99.0, 5.0, 101.0, 4.0, 0.0)
    book = depth([(99.0, 1.0)], [(101.0, 1.0)])
    levels = (Untouchable((99.0,)), Untouchable((1.0,)), Untouchable((101.0,)), Untouchable((1.0,)))
    heard.tell(Depth(book.instrument, book.ts_event, book.ts_seen, 1, *levels), 0.1)
    assert {KEY} == set(heard.analyzer.heard())


def test_liquidations_are_unknown_until_they_are_told_and_zero_from_then_on() -> None:
    """A stream that is live and silent says that nothing was liquidated; one that broke off says nothing."""
    heard = Heard()
    heard.book(50.0, 0)
    assert (None, False) == told(heard)
    heard.feed(FeedState.LIVE, 1, LIQUIDATIONS)
    heard.tell(liquidation(Side.SELL, 2.0, 100.0, filled_at=99.0), 3)
    heard.book(50.0, 70)
    found, _ = told(heard)
    assert isinstance(found, Liquidating)
    assert at(1) == found.since
    assert {"1m": 0.0, "5m": 198.0, "15m": 198.0} == {name: one.long_notional for name, one in found.windows.items()}
    heard.feed(FeedState.DEAD, 71, LIQUIDATIONS)
    assert (None, True) == told(heard)


def told(heard: Heard) -> tuple[Liquidating | None, bool]:
    metrics = heard.analyzer.metrics(KEY, heard.now)
    assert metrics is not None
    return metrics.liquidated, metrics.liquidations_lost


def test_a_liquidation_is_news_of_its_symbol() -> None:
    """Whoever has read the metrics has to read them again."""
    heard = Heard()
    heard.book(50.0, 0)
    before = heard.analyzer.revision(KEY, heard.now)
    heard.tell(liquidation(Side.BUY, 1.0, 100.0), 0.5)
    assert before != heard.analyzer.revision(KEY, heard.now)
