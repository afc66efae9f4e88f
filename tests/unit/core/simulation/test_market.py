"""The synthetic market: a book, flow and moods that hang together, and the same ones for the same seed."""

from collections import Counter
from itertools import islice, pairwise

import pytest

from petrosa.apps.instruments import load_instruments
from petrosa.core.market.book import BookChange, OrderBook
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BestQuote, BookDiff, BookSnapshot, MarkPrice, Ticker, Trade
from petrosa.core.simulation.market import START, Heard, SyntheticMarket

DEMO_SEED = 8
INSTRUMENTS = load_instruments()


def instruments(*symbols: str, market: str = "usdm") -> list[Instrument]:
    chosen = (one for one in INSTRUMENTS.values() if (one.venue, one.market) == ("binance", market))
    return [one for one in chosen if one.symbol in symbols]


def facts(seconds: float, *symbols: str, seed: int = DEMO_SEED, market: str = "usdm") -> list[Heard]:
    return list(SyntheticMarket(instruments(*symbols, market=market), seed).events(seconds))


def test_the_same_seed_gives_the_same_market_and_another_one_another() -> None:
    """Nothing but instruments, seed and start decides."""
    assert facts(20, "BTCUSDT") == facts(20, "BTCUSDT")
    assert facts(20, "BTCUSDT") != facts(20, "BTCUSDT", seed=9)


def test_an_instrument_does_not_depend_on_the_others_there_are() -> None:
    """BTCUSDT is the same alone and beside ETHUSDT."""
    both = [heard for heard in facts(20, "BTCUSDT", "ETHUSDT") if heard[1].instrument.endswith("BTCUSDT")]
    assert facts(20, "BTCUSDT") == both


def test_facts_come_in_order_of_time_a_constant_latency_after_they_happened() -> None:
    """Over all instruments, in whole milliseconds."""
    heard = facts(30, "BTCUSDT", "ETHUSDT", "SOLUSDT")
    assert all(first <= second for (first, _), (second, _) in pairwise(heard))
    assert {5 * NS_PER_MS} == {at - event.ts_event for at, event in heard}
    assert all(event.ts_event % NS_PER_MS == 0 for _, event in heard)


def test_it_goes_on_without_end_unless_told_how_long() -> None:
    """A generator, for a demo that runs until somebody stops it."""
    market = SyntheticMarket(instruments("BTCUSDT"), 1)
    assert 5_000 == len(list(islice(market.events(), 5_000)))


def test_a_start_between_steps_is_refused() -> None:
    """Depth is sampled at multiples of 100 ms, and so are the facts made."""
    with pytest.raises(ValueError, match="must be a multiple of 100 ms"):
        SyntheticMarket(instruments("BTCUSDT"), 1, start=START + 1)


@pytest.mark.parametrize("market", ["usdm", "spot"])
def test_differences_chain_and_rebuild_the_book_that_quotes_show(market: str) -> None:
    """No gap, never crossed, and wherever a quote and a difference end at one id they say the same."""
    instrument = instruments("BTCUSDT", market=market)[0]
    book, quotes, compared = OrderBook(instrument), {}, 0
    for _, event in facts(60, "BTCUSDT", market=market):
        if isinstance(event, BestQuote):
            assert event.bid < event.ask
            quotes[event.update_id] = event
        elif isinstance(event, BookSnapshot | BookDiff):
            assert BookChange.APPLIED is book.apply(event)
            assert not book.crossed
            quote = quotes.get(book.last_update_id)
            if quote is not None:
                compared += 1
                best = ((quote.bid, quote.bid_quantity), (quote.ask, quote.ask_quantity))
                assert best == (book.top(Side.BUY, 1)[0], book.top(Side.SELL, 1)[0])
    assert compared > 100
    assert min(book.depth(Side.BUY), book.depth(Side.SELL)) >= 20


def test_prints_meet_the_book() -> None:
    """Buyers print at the best offer or, eating levels, above it; sellers at the best bid or below."""
    quote: BestQuote | None = None
    prints = 0
    for _, event in facts(60, "BTCUSDT"):
        if isinstance(event, BestQuote):
            quote = event
        elif isinstance(event, Trade) and quote is not None:
            prints += 1
            if event.aggressor is Side.BUY:
                assert event.price >= quote.ask
            else:
                assert event.price <= quote.bid
    assert prints > 100


def test_prices_and_quantities_are_on_the_grid_of_the_instrument() -> None:
    """The float is the nearest one to the exact decimal, so that text and float are the same number."""
    instrument = instruments("ETHUSDT")[0]
    for _, event in facts(10, "ETHUSDT"):
        if isinstance(event, Trade):
            assert float(instrument.price(event.price)) == event.price
            assert float(instrument.quantity(event.quantity)) == event.quantity


def test_trade_ids_count_up_by_one() -> None:
    """As a venue's do, so that nothing looks lost."""
    ids = [event.trade_id for _, event in facts(60, "BTCUSDT") if isinstance(event, Trade)]
    assert all(after == before + 1 for before, after in pairwise(ids))


def test_the_streams_have_the_rates_of_the_real_ones_without_being_a_flood() -> None:
    """Ten differences and one ticker a second, a mark price every three, at most 60 facts a second in the mean."""
    heard = facts(300, "BTCUSDT", "ETHUSDT", "SOLUSDT")
    counts = Counter(type(event) for _, event in heard)
    assert counts[BookDiff] > 8_000
    assert (900, 300, 3) == (counts[Ticker], counts[MarkPrice], counts[BookSnapshot])
    assert len(heard) / 900 < 60


def test_spot_has_no_mark_price() -> None:
    """Nor funding."""
    assert not any(isinstance(event, MarkPrice) for _, event in facts(10, "BTCUSDT", market="spot"))


def test_order_flow_clusters_and_keeps_its_side() -> None:
    """Counts a second vary more than a Poisson's would, and a buy follows a buy more often than not."""
    seconds: Counter[int] = Counter()
    sides: list[Side] = []
    for at, event in facts(600, "BTCUSDT"):
        if isinstance(event, Trade):
            seconds[(at - START) // NS_PER_SECOND] += 1
            sides.append(event.aggressor)
    counts = [seconds[second] for second in range(600)]
    mean = sum(counts) / 600
    assert sum((count - mean) ** 2 for count in counts) / 600 > 2 * mean
    assert sum(first is second for first, second in pairwise(sides)) > 0.6 * len(sides)


def test_the_demo_has_a_burst_in_its_first_two_minutes() -> None:
    """Some instrument moves by more than half a percent within a minute."""
    last: dict[str, list[float]] = {}
    for _, event in facts(120, "BTCUSDT", "ETHUSDT", "SOLUSDT"):
        if isinstance(event, Ticker):
            last.setdefault(event.instrument, []).append(event.last)
    moves = [abs(prices[end] / prices[end - 60] - 1) for prices in last.values() for end in range(60, len(prices))]
    assert max(moves) > 0.005


def test_moods_do_not_run_away() -> None:
    """After ten minutes prices are within ten percent of where they began."""
    for seed in range(5):
        trades = [event for _, event in facts(600, "SOLUSDT", seed=seed) if isinstance(event, Trade)]
        assert abs(trades[-1].price / trades[0].price - 1) < 0.1
