"""What all strategies of bars promise, whatever they look for; a new one is held to it by being in the catalogue."""

import random
from functools import lru_cache
from math import inf, nan

import msgspec
import pytest

from petrosa.core.model.events import Decision, SignalMade
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet
from petrosa.core.strategies.catalog import CANDLE
from tests.kit.bars import bars, decisions_of, real_bars, signals_of, walk
from tests.kit.fired_bars import YEAR, left_out
from tests.kit.parameters import random_params
from tests.kit.soak import sample
from tests.kit.strategy_market import market

ENTRIES = list(CANDLE.values())
EVERY_ONE = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.strategy_id)
UNGUARDED = {"cooldown_seconds": 0.0, "cooldown_bars": 0, "edge_trigger": False, "min_confidence": 0.0}


@lru_cache
def real(length: int | None) -> list[Candle]:
    return real_bars("BTCUSDT_15m_364d", length)


def decides_the_same_on_a_part(entry: CatalogEntry, series: list[Candle]) -> int:
    """Cut short anywhere, it has decided up to there what it decided of the whole: nothing looks ahead."""
    whole = decisions_of(entry, series)
    for share in (0.3, 0.5, 0.9):
        part = decisions_of(entry, series[: round(len(series) * share)])
        assert whole[: len(part)] == part
        ended = series[round(len(series) * share) - 1].ts_seen
        assert [] == [one for one in whole[len(part) :] if isinstance(one, SignalMade) and one.signal.ts_seen <= ended]
    return len(whole)


@EVERY_ONE
def test_nothing_looks_ahead_on_a_walk(entry: CatalogEntry) -> None:
    for seed in range(sample(1, 20)):
        decides_the_same_on_a_part(entry, walk(seed, 1_200))


@EVERY_ONE
@pytest.mark.recordings
def test_nothing_looks_ahead_on_real_klines(entry: CatalogEntry) -> None:
    decides_the_same_on_a_part(entry, real(sample(1_500, None)))


@pytest.mark.recordings
@pytest.mark.parametrize("entry", sample(ENTRIES[::6], ENTRIES), ids=lambda entry: entry.strategy_id)
def test_in_a_year_of_real_bars_each_has_something_to_say(entry: CatalogEntry) -> None:
    """One that never speaks is one whose conditions contradict each other, or asks for what these bars do not tell."""
    assert signals_of(entry, real(None)) or left_out(entry, YEAR)


@EVERY_ONE
def test_levels_lie_on_their_sides(entry: CatalogEntry) -> None:
    """Stop, entry, target in this order for a buy, and the other way round for a sell: none is refused for them."""
    decided = decisions_of(entry, walk(7, sample(2_000, 40_000)), **UNGUARDED)
    assert [] == [one for one in decided if getattr(one, "check", "") in {"levels", "completeness"}]
    for signal in (one.signal for one in decided if isinstance(one, SignalMade)):
        if signal.stop_loss is not None and signal.take_profit is not None:
            sign = 1.0 if signal.action is Action.BUY else -1.0
            assert sign * signal.stop_loss < sign * signal.price < sign * signal.take_profit


@EVERY_ONE
def test_it_says_how_far_its_warm_up_is(entry: CatalogEntry) -> None:
    """Nothing but that until all bars are there, then something else; after a hole in the bars anew."""
    strategy, state, series = entry.build(entry.params()), market(), walk(3, 1_000)
    needed = strategy.warmup()[1]
    for n, bar in enumerate(series[: needed - 1], start=1):
        assert Quiet.WARMING_UP == strategy.evaluate(bar, state, bar.ts_seen)
        assert (n, needed) == strategy.warmup()
    assert Quiet.WARMING_UP != strategy.evaluate(series[needed - 1], state, series[needed - 1].ts_seen)
    strategy.evaluate(series[needed + 5], state, series[needed + 5].ts_seen)
    assert (1, needed) == strategy.warmup()


@EVERY_ONE
def test_the_same_bars_twice_get_the_same_decisions(entry: CatalogEntry) -> None:
    """There is no hidden state, no clock and no chance in it."""
    series = walk(4, 800)
    assert decisions_of(entry, series) == decisions_of(entry, series)


@EVERY_ONE
def test_what_restarts_is_a_parameter(entry: CatalogEntry) -> None:
    """A name that is no parameter would never be noticed."""
    assert entry.params.RESTARTS <= set(entry.params.__struct_fields__)


@EVERY_ONE
def test_a_retuned_strategy_says_what_one_with_these_parameters_from_the_beginning_does(entry: CatalogEntry) -> None:
    """Other parameters than those that restart it leave nothing behind in its windows."""
    for seed in range(sample(3, 60)):
        rng = random.Random(f"{entry.strategy_id} {seed}")
        first = random_params(rng, entry.strategy_id)
        kept = {name: getattr(first, name) for name in first.RESTARTS}
        then = random_params(rng, entry.strategy_id, **kept)
        always, retuned, state, series = entry.build(then), entry.build(first), market(), walk(seed, 700)
        for n, bar in enumerate(series):
            if n == 350:
                retuned.retune(then)
            answers = [one.evaluate(bar, state, bar.ts_seen) for one in (always, retuned)]
            if n >= 350:
                assert answers[0] == answers[1]
                if isinstance(answers[0], float) and abs(answers[0]) > 1.0:
                    assert always.candidate(bar, state, bar.ts_seen) == retuned.candidate(bar, state, bar.ts_seen)


@EVERY_ONE
def test_nothing_that_can_be_set_or_heard_raises(entry: CatalogEntry) -> None:
    """Any parameters, bars that no venue would send: a decision that the journal can hold and give back, or none."""
    prices, volumes = (5e-324, 1e-18, 1.0, 60_000.0, 1e12, 9e99, 1.7e308, inf, nan, 0.0, -1.0), (0.0, 5e-324, 1e15, nan)
    for seed in range(sample(3, 100)):
        rng = random.Random(f"{entry.strategy_id} {seed}")
        series = walk(seed, 500)
        for at in rng.sample(range(500), 12):
            low, price, high = sorted(rng.choices(prices, k=3))
            odd = {"open": price, "high": high, "low": low, "close": price, "volume": rng.choice(volumes)}
            series[at] = msgspec.structs.replace(series[at], **odd)
        values = msgspec.structs.asdict(random_params(rng, entry.strategy_id, **UNGUARDED))
        for decision in decisions_of(entry, series, **values):
            assert decision == msgspec.json.decode(msgspec.json.encode(decision), type=Decision)


@EVERY_ONE
def test_a_market_that_stands_still_is_nothing_to_speak_of(entry: CatalogEntry) -> None:
    """Whether nothing is traded, or much at one price."""
    for volume in (0.0, 5.0):
        assert [] == signals_of(entry, bars([(100.0, 100.0, 100.0, 100.0, volume)] * 400))
