"""The strategies of books on real recordings, against slow computations from the same facts, and on a calm market."""

from bisect import bisect_left
from collections.abc import Iterator
from math import exp
from pathlib import Path
from typing import Any

import pytest

from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.venues.replay.normalise import Normaliser
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.instruments import load_instruments
from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.events import SignalMade
from petrosa.core.model.market import Depth, InstrumentId, MarketEvent, Trade
from petrosa.core.model.signals import Signal
from petrosa.core.strategies.base import StrategyParams
from petrosa.core.strategies.catalog import CATALOG
from petrosa.core.strategies.tick import iceberg_detector, spread_liquidity
from petrosa.core.strategist import Strategist, StrategyPlan
from tests.kit.recordings import ROOT

from .conftest import Pass

RULES = load_instruments()


def facts_of(path: Path) -> Iterator[tuple[int, MarketEvent]]:
    recording = Recording([path])
    normaliser = Normaliser(Parser("binance", recording.product, recording.symbols), RULES)
    for frames in recording.batches():
        yield from normaliser.feed(frames)
    yield from normaliser.flush()


def signals_on(facts: list[tuple[int, Any]], name: str, params: StrategyParams) -> list[tuple[InstrumentId, Signal]]:
    """What a strategy says about every instrument of a recording."""
    keys = sorted({event.instrument for _, event in facts})
    markets = {key: MarketState(RULES[key], Tape(10 * NS_PER_SECOND)) for key in keys}
    strategist = Strategist(
        {key: RULES[key] for key in keys}, [StrategyPlan(name, key, params) for key in keys], markets
    )
    said = []
    for now, event in facts:
        markets[event.instrument].apply(event, now)
        made = [one.signal for one in strategist.handle(event, now) if isinstance(one, SignalMade)]
        said += [(event.instrument, signal) for signal in made]
    return said


@pytest.fixture(scope="module")
def facts(passed: Pass) -> list[tuple[int, Depth | Trade]]:
    """Books and trades of a real recording in the order in which they were heard."""
    told: list[tuple[int, Depth | Trade]] = [*passed.depths, *((one.ts_seen, one) for one in passed.trades)]
    return sorted(told, key=lambda fact: (fact[0], isinstance(fact[1], Depth)))


def figures(book: Depth) -> tuple[float, float, float]:
    bid, ask = book.bid_prices[0], book.ask_prices[0]
    return 2e4 * (ask - bid) / (ask + bid), sum(book.bid_quantities[:5]), sum(book.ask_quantities[:5])


@pytest.mark.recordings
def test_a_widening_is_one_by_the_books_themselves(facts: list[tuple[int, Depth | Trade]], passed: Pass) -> None:
    """Ratio to the mean of twenty seconds of books, speed and loss, from the list of books: each as signalled."""
    params = spread_liquidity.Params(spread_threshold_bps=0.0, cooldown_seconds=0.0)
    said = signals_on(facts, "spread_liquidity", params)
    assert len(said) >= (40 if passed.product == "spot" else 4)
    books = {key: [b for _, b in passed.depths if b.instrument == key] for key in {key for key, _ in said}}
    for key, signal in said:
        times = [book.ts_event for book in books[key]]
        at = bisect_left(times, signal.ts_event)
        second = signal.ts_event // NS_PER_SECOND
        stood = [figures(books[key][bisect_left(times, (second - n) * NS_PER_SECOND) - 1]) for n in range(20)]
        usual = [sum(values) / 20 for values in zip(*stood, strict=True)]
        spread, bids, asks = figures(books[key][at])
        before = figures(books[key][bisect_left(times, signal.ts_event - NS_PER_SECOND + 1) - 1])[0]
        assert signal.indicators["spread_ratio"] == pytest.approx(spread / usual[0], rel=1e-6)
        assert spread / usual[0] > 3.0
        assert spread / before > exp(0.5)
        lost = (1 - bids / usual[1], 1 - asks / usual[2])
        assert signal.indicators["depth_reduction"] == pytest.approx(max(lost), rel=1e-6)
        assert max(lost) > 0.5
        assert signal.action.value == ("sell" if lost[0] > lost[1] else "buy")


@pytest.mark.recordings
def test_an_iceberg_was_really_traded_at(facts: list[tuple[int, Depth | Trade]], passed: Pass) -> None:
    """What a level is said to have taken is no more than what takers of the other side traded at its price."""
    params = iceberg_detector.Params(min_refill_count=2, min_executed_ratio=1.0, cooldown_seconds=0.0)
    said = signals_on(facts, "iceberg_detector", params)
    assert len(said) >= 4
    for key, signal in said:
        level, side = signal.indicators["level"], signal.action.side
        traded = [
            one.quantity
            for one in passed.trades
            if (one.instrument, one.price) == (key, level)
            and one.aggressor is not side
            and one.ts_seen <= signal.ts_seen
        ]
        assert len(traded) >= 2
        assert signal.indicators["executed"] <= sum(traded) * (1 + 1e-9)
        assert signal.indicators["executed"] >= signal.indicators["mean_shown"]


@pytest.mark.recordings
def test_by_default_they_speak_seldom(facts: list[tuple[int, Depth | Trade]]) -> None:
    """On the tightest pairs there are: no torn book, and at most one iceberg in ten minutes, of two symbols."""
    said = {name: signals_on(facts, name, CATALOG[name].params()) for name in ("spread_liquidity", "iceberg_detector")}
    assert [] == said["spread_liquidity"]
    assert len(said["iceberg_detector"]) <= 1


@pytest.mark.parametrize("product", ["usdm", "spot"])
@pytest.mark.parametrize("name", ["spread_liquidity", "iceberg_detector"])
def test_a_market_without_hidden_orders_has_none(product: str, name: str) -> None:
    """Nobody hides an order or withdraws a side in the synthetic market, and with any spread nobody finds one."""
    facts = list(facts_of(ROOT / "recordings" / f"synthetic-{product}"))
    loose: dict[str, StrategyParams] = {
        "spread_liquidity": spread_liquidity.Params(spread_threshold_bps=0.0),
        "iceberg_detector": iceberg_detector.Params(),
    }
    assert [] == signals_on(facts, name, loose[name])
