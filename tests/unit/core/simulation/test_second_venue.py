"""The second synthetic venue: it follows ours, apart in its episodes, and never disturbs the first."""

from collections.abc import Iterator
from math import log
from statistics import pstdev

import pytest

from petrosa.apps.instruments import load_instruments
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.core.model.market import BestQuote, MarketEvent, Reading, instrument_id
from petrosa.core.simulation.market import START, SyntheticMarket
from petrosa.core.simulation.second_venue import LAG_NS, NOISE, RATE, SIZES, SecondVenue

BTC = load_instruments()[instrument_id("binance", "usdm", "BTCUSDT")]
SECONDS = 240


def beside(seed: int) -> tuple[SecondVenue, list[tuple[int, MarketEvent]]]:
    venue = SecondVenue("coinbase", [BTC], seed, START)
    return venue, list(venue.beside(SyntheticMarket([BTC], seed).events(SECONDS)))


@pytest.fixture(scope="module")
def made() -> tuple[SecondVenue, list[tuple[int, MarketEvent]]]:
    return beside(3)


Made = tuple[SecondVenue, list[tuple[int, MarketEvent]]]


def test_facts_are_heard_in_order_and_ours_are_untouched(made: Made) -> None:
    """Take the readings out and it is the market alone."""
    heard = [at for at, _ in made[1]]
    assert heard == sorted(heard)
    assert list(SyntheticMarket([BTC], 3).events(SECONDS)) == [
        (at, event) for at, event in made[1] if not isinstance(event, Reading)
    ]


def test_the_same_seed_quotes_the_same(made: Made) -> None:
    """And another seed does not."""
    assert made[1] == beside(3)[1]
    assert made[0].episodes != beside(4)[0].episodes


def gaps(made: Made) -> Iterator[tuple[int, str, float]]:
    """(time, subject, distance from where it would be on a usual day, in %) of every quote."""
    mids: list[tuple[int, float]] = []
    rate = RATE
    for _, event in made[1]:
        if isinstance(event, BestQuote):
            mids.append((event.ts_event, (event.bid + event.ask) / 2))
        elif isinstance(event, Reading):
            middle = (event.values["bid"] + event.values["ask"]) / 2
            if event.subject == "USDT/USD":
                rate = middle
                yield event.ts_event, event.subject, 100 * log(middle / RATE)
            else:
                ours = next((mid for ts, mid in reversed(mids) if ts <= event.ts_event - LAG_NS), mids[0][1])
                yield event.ts_event, event.subject, 100 * log(middle / rate / ours)


def test_it_is_apart_in_its_episodes_and_nowhere_else(made: Made) -> None:
    """Outside the gap is a small noise; inside it is the episode's size, give or take that noise."""
    calm = []
    for at, subject, gap in gaps(made):
        inside = [one for one in made[0].episodes if one.subject == subject and one.start_ns <= at < one.end_ns]
        expected = 100 * log(1 + inside[0].percent / 100) if inside else 0.0
        assert gap == pytest.approx(expected, abs=100 * 5 * NOISE)
        calm += [] if inside else [gap]
    assert 0.5 * 100 * NOISE < pstdev(calm) < 1.5 * 100 * NOISE


def test_episodes_are_of_their_size(made: Made) -> None:
    """Each kind within its bounds, on either side, all of them there in four minutes."""
    for kind, (low, high) in SIZES.items():
        sizes = [one.percent for one in made[0].episodes if one.kind == kind]
        assert sizes
        assert all(low <= abs(size) <= high for size in sizes)


def test_a_quote_is_heard_a_moment_later(made: Made) -> None:
    """On the second there, 80 ms later here."""
    readings = [(at, one) for at, one in made[1] if isinstance(one, Reading)]
    assert {80 * NS_PER_MS} == {at - one.ts_event for at, one in readings}
    assert {0} == {one.ts_event % NS_PER_SECOND for _, one in readings}
