"""Parameters that change on the way: whatever they are, nothing breaks, and what was seen before still counts."""

import math
import random

import msgspec
import pytest

from petrosa.core.model.base import Side
from petrosa.core.model.commands import Configure, SeatParameters
from petrosa.core.model.events import Configured, Decision, SignalMade
from petrosa.core.model.market import Depth, MarketEvent, Reading
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import StrategyParams
from petrosa.core.strategies.catalog import TICK
from petrosa.core.strategist import Strategist
from tests.kit.parameters import random_params
from tests.kit.soak import sample
from tests.kit.strategy_market import BTC, START, Timed, market, random_market, seconds, strategist_of, trade

NO_GUARDS = {"cooldown_seconds": 0.0, "persistence_seconds": 0.0, "edge_trigger": False, "min_confidence": 0.0}
TALKATIVE = {
    "ticker_velocity": {"volume_confirmation": False, "min_t_statistic": 0.0, "buy_threshold": 0.1, "min_points": 2},
    "iceberg_detector": {"min_executed_ratio": 0.0, "persistence_threshold_seconds": 1.0, "anchor_seconds": 2.0},
    "btc_dominance": {"max_age_minutes": 1_440.0, "window_hours": 12, "high_threshold": 60.0, "low_threshold": 50.0},
}  # fmt: skip
"""What makes a strategy speak in so short a market."""
NEVER = 2**62
Said = tuple[int, Action, float, float]
PRICES = (1e-18, 1e-9, 0.1, 60_000.0, 1e12)
QUANTITIES = (5e-324, 1e-300, 1e-9, 1.0, 1e15)
ABSURD = (math.nan, math.inf, -math.inf, 0.0, -0.0, -1.0, 5e-324, 1e-308, 1.0, 50.0, 6e4, 1e24, 1.7e308)
NAMES = (
    "bid", "ask", "share_pct", "active_addresses", "transaction_volume_usd", "hash_rate_ths", "exchange_inflow",
    "exchange_outflow",
)  # fmt: skip


def told(strategist: Strategist, name: str, params: StrategyParams, *, enabled: bool = True) -> None:
    seat = SeatParameters(BTC.id, enabled, msgspec.to_builtins(params))
    (decided,) = strategist.configure(Configure("c", "alice", "why", name, 1, (seat,)))
    assert isinstance(decided, Configured)


def signals(name: str, first: StrategyParams, then: StrategyParams, events: list[Timed], at: int) -> list[Said]:
    """Signals from `at` on of a strategy that has other parameters from then on."""
    state = market()
    strategist = strategist_of({name: first}, state)
    made: list[Said] = []
    for now, event in events:
        if now >= at:
            told(strategist, name, then)
        state.apply(event, now)
        said = [decision.signal for decision in strategist.handle(event, now) if isinstance(decision, SignalMade)]
        made += [(now, signal.action, signal.price, signal.confidence) for signal in said if now >= at]
    return made


@pytest.mark.market
@pytest.mark.parametrize("name", list(TICK))
def test_a_retuned_strategy_says_what_one_with_these_parameters_from_the_beginning_does(name: str) -> None:
    """The windows are the same. It may say less for a while: what was judged by the old ones has to be shown again."""
    seen = 0
    for seed in range(sample(3, 40)):
        rng = random.Random(f"{name} {seed}")
        fixed = {**NO_GUARDS, **TALKATIVE.get(name, {})}
        first = random_params(rng, name, **fixed)
        kept = {field: getattr(first, field) for field in first.RESTARTS}
        then = random_params(rng, name, **{**fixed, **kept})
        events, at, settled = random_market(seed, 180), seconds(60), seconds(120)
        always = signals(name, then, then, events, at)
        retuned = signals(name, first, then, events, at)
        assert set(retuned) <= set(always)
        assert [one for one in always if one[0] >= settled] == [one for one in retuned if one[0] >= settled]
        seen += len(always)
    assert seen > 0 or name == "onchain_metrics"  # the market of this test has no chain


def strange(rng: random.Random, now: int) -> MarketEvent:
    """What no venue and no source would say, as far as the wire lets it through, and readings beyond that."""
    if rng.random() < 0.3:
        return trade((now - START) / 1e9, rng.choice(PRICES), rng.choice(QUANTITIES), rng.choice(list(Side)))
    if rng.random() < 0.4:
        bid, levels = rng.choice(PRICES), rng.randint(0, 3)
        prices, quantities = [1.0 - n * 1e-4 for n in range(levels)], tuple(rng.choices(QUANTITIES, k=levels))
        bids, asks = tuple(bid * p for p in prices), tuple(bid * (2.0001 - p) for p in prices)
        return Depth(BTC.id, now, now, 1, bids, quantities, asks, quantities[::-1])
    topic, subject = rng.choice([("quote", "BTC/USD"), ("quote", "USDT/USD"), ("dominance", "BTC"), ("onchain", "BTC")])
    values = {name: rng.choice(ABSURD) for name in NAMES}
    stamp = rng.choice([0, now, now - 36 * 3_600 * 10**9, NEVER])
    return Reading(rng.choice(["coinbase", "kraken", "binance"]), topic, subject, stamp, now, values)


def test_nothing_that_can_be_set_or_heard_raises() -> None:
    """Any parameters, any time, any fact: a decision that the journal can hold and give back, or none."""
    for seed in range(sample(4, 200)):
        rng, state = random.Random(seed), market()
        strategist = strategist_of({name: random_params(rng, name) for name in TICK}, state)
        for now, event in random_market(seed, 30):
            heard = [event] if rng.random() < 0.8 else [event, strange(rng, now)]
            for one in heard:
                state.apply(one, now)
                for decision in strategist.handle(one, now):
                    assert decision == msgspec.json.decode(msgspec.json.encode(decision), type=Decision)
            if rng.random() < 0.05:
                name = rng.choice(list(TICK))
                told(strategist, name, random_params(rng, name), enabled=rng.random() < 0.9)
