"""Events in, signals out: routing, edges, refusals, what is remembered and what is not; mirrors, prefixes and noise."""

import random
from collections.abc import Mapping

import msgspec
import pytest

from petrosa.core.model.base import Side
from petrosa.core.model.events import Decision, SignalMade, Warmup
from petrosa.core.model.market import BestQuote, BookGap, FeedState, FeedStateChanged
from petrosa.core.model.refusals import Refused
from petrosa.core.model.signals import Action, signal_id_of
from petrosa.core.strategies.base import StrategyParams
from petrosa.core.strategies.catalog import CANDLE, TICK
from petrosa.core.strategies.tick import (
    btc_dominance,
    cross_exchange_spread,
    iceberg_detector,
    orderbook_skew,
    spread_liquidity,
    ticker_velocity,
    trade_momentum,
)
from petrosa.core.strategist import Strategist, StrategyPlan
from petrosa.errors import ConfigError
from tests.kit.bars import bars
from tests.kit.strategy_market import (
    BTC,
    Timed,
    depth,
    market,
    mirrored,
    random_market,
    run,
    seconds,
    strategist_of,
    ticker,
    trade,
)

QUICK = orderbook_skew.Params(persistence_seconds=0.0, flow_guard=False)
SKEWED, EVEN = ([9.0], [1.0]), ([1.0], [1.0])


def skew_on(books: list[tuple[list[float], list[float]]], params: StrategyParams = QUICK) -> list[Decision]:
    """What the skew decides about books a second apart."""
    events: list[Timed] = [(seconds(n), depth(n, *book)) for n, book in enumerate(books)]
    return run({"orderbook_skew": params}, events)


def names(decisions: list[Decision]) -> list[str]:
    """`buy` or `sell` for a signal, the check for a refusal."""
    said = []
    for decision in decisions:
        match decision:
            case SignalMade():
                said.append(decision.signal.action.value)
            case Refused():
                said.append(decision.check)
    return said


def test_a_signal_has_every_documented_field() -> None:
    """Identity, names, prices, indicators and times are all there, and the id is a function of what is said."""
    (made,) = skew_on([SKEWED])
    assert isinstance(made, SignalMade)
    signal = made.signal
    assert signal_id_of("orderbook_skew", 1, BTC.id, "tick", seconds(0), Action.BUY) == signal.signal_id
    assert ("orderbook_skew", "orderbook_skew", "petrosa") == (signal.strategy_id, signal.strategy, signal.source)
    assert ("BTCUSDT", "binance", "usdm", "tick") == (signal.symbol, signal.venue, signal.market, signal.timeframe)
    assert (0.95, 59_999.5, 60_000.0, 0.001) == (
        signal.confidence, signal.price, signal.current_price, signal.quantity,
    )  # fmt: skip
    assert (seconds(0), seconds(0)) == (signal.ts_event, signal.ts_seen)
    assert 9.0 == signal.indicators["ratio"]
    assert all(outcome.limit for outcome in made.outcomes if outcome.check == "cooldown")


def test_one_edge_is_one_candidate() -> None:
    """A book that stays skewed is told once; after it was even it is told again, and then the cooldown refuses."""
    assert ["buy"] == names(skew_on([SKEWED] * 5))
    assert ["buy", "cooldown"] == names(skew_on([SKEWED, EVEN, SKEWED]))


def test_with_every_guard_off_every_event_beyond_the_threshold_is_a_signal() -> None:
    """Switched off, the guards are gone."""
    params = msgspec.structs.replace(QUICK, edge_trigger=False, cooldown_seconds=0.0)
    assert ["buy"] * 5 == names(skew_on([SKEWED] * 5, params))


def test_a_skew_must_stay_for_five_seconds() -> None:
    """By default the sixth book, five seconds on, is the first that counts."""
    params = orderbook_skew.Params(flow_guard=False)
    assert [] == names(skew_on([SKEWED] * 5, params))
    assert ["buy"] == names(skew_on([SKEWED] * 6, params))
    assert [] == names(skew_on([SKEWED] * 4 + [EVEN] + [SKEWED] * 4, params))


def test_quotes_without_trades_are_refused() -> None:
    """By default a skewed book that nobody trades on is a refusal with its reason."""
    (refused,) = skew_on([SKEWED] * 6, orderbook_skew.Params())
    assert isinstance(refused, Refused)
    assert ("flow_agrees", "no trade") == (refused.check, refused.saw)


def test_events_reach_only_who_listens() -> None:
    """A book goes to those who watch books, a trade to the momentum, a ticker to the velocity, a quote to nobody."""
    plans: dict[str, StrategyParams] = {name: entry.params() for name, entry in TICK.items()}
    strategist = strategist_of(plans, market())
    for event in (depth(0, *EVEN), trade(0), trade(1), ticker(0)):
        assert () == strategist.handle(event, event.ts_seen)
    assert () == strategist.handle(BestQuote(BTC.id, 0, 0, 1, 1.0, 1.0, 2.0, 1.0), 0)
    heard = {name: {k: n for k, n in counts.items() if n} for name, counts in strategist.quiet_counts.items()}
    assert {
        "orderbook_skew": {"below_threshold": 1},
        "trade_momentum": {"warming_up": 2},
        "ticker_velocity": {"warming_up": 1},
        "spread_liquidity": {"warming_up": 1},
        "iceberg_detector": {"below_threshold": 1},
        "btc_dominance": {"no_source": 1},
        "cross_exchange_spread": {"no_source": 1},
        "onchain_metrics": {"no_source": 1},
    } == heard


def test_other_instruments_are_nobodys() -> None:
    """A book of a symbol without a plan changes nothing."""
    other = msgspec.structs.replace(depth(0, *SKEWED), instrument="binance:usdm:ETHUSDT")
    assert () == strategist_of({"orderbook_skew": QUICK}, market()).handle(other, seconds(0))


def test_silence_is_counted_with_its_reason() -> None:
    """Empty, even and skewed books are counted apart, and a signal by its action."""
    state = market()
    strategist = strategist_of({"orderbook_skew": QUICK}, state)
    for at, book in enumerate([([], [1.0]), EVEN, SKEWED, ([1.0], [9.0])]):
        event = depth(at, *book)
        state.apply(event, event.ts_seen)
        strategist.handle(event, event.ts_seen)
    assert {"empty_book": 1, "below_threshold": 1} == {
        name: n for name, n in strategist.quiet_counts["orderbook_skew"].items() if n
    }
    assert {"buy": 1, "sell": 0} == strategist.signal_counts["orderbook_skew"]


@pytest.mark.parametrize(
    "trouble",
    [
        FeedStateChanged(BTC.id, seconds(1), seconds(1), "depth", FeedState.STALE, "no message for 10 s"),
        BookGap(BTC.id, seconds(1), seconds(1), 5, 9),
    ],
)
def test_no_data_no_entry(trouble: FeedStateChanged | BookGap) -> None:
    """While a feed is not live or the book has a hole, a candidate is refused by `feed_live`."""
    momentum = trade_momentum.Params(price_weight=0.0, quantity_weight=0.0, maker_weight=1.0)
    moves: list[Timed] = [(seconds(n), trade(n, 60_000 + n % 2)) for n in range(-20, 0)]
    events = [*moves, (seconds(1), trouble), (seconds(2), trade(2, side=Side.SELL))]
    assert ["buy", "feed_live"] == names(run({"trade_momentum": momentum}, events))


def test_a_feed_that_broke_off_ends_persistence() -> None:
    """Time without data is not time spent skewed."""
    params = orderbook_skew.Params(flow_guard=False)
    stale = FeedStateChanged(BTC.id, seconds(3), seconds(3), "depth", FeedState.STALE, "quiet")
    live = FeedStateChanged(BTC.id, seconds(4), seconds(4), "depth", FeedState.LIVE, "back")
    books: list[Timed] = [(seconds(at), depth(at, *SKEWED)) for at in (0, 5, 6, 9, 10)]
    events = sorted([*books, (seconds(3), stale), (seconds(4), live)], key=lambda timed: timed[0])
    (made,) = run({"orderbook_skew": params}, events)
    assert isinstance(made, SignalMade)
    assert seconds(10) == made.signal.ts_seen


def test_history_fills_windows_and_tells_nothing() -> None:
    """Warm-up makes no decision, counts nothing, and what was already so is no news afterwards."""
    plans = {"trade_momentum": trade_momentum.Params(), "orderbook_skew": QUICK}
    strategist = strategist_of(plans, market())
    for number in range(12):
        assert () == strategist.handle(Warmup(trade(number, 60_000 + number % 2)), seconds(number))
    assert () == strategist.handle(Warmup(depth(12, *SKEWED)), seconds(12))
    assert {("trade_momentum", BTC.id): (10, 10), ("orderbook_skew", BTC.id): (0, 0)} == strategist.warmup()
    assert () == strategist.handle(depth(13, *SKEWED), seconds(13))
    assert {0} == set(strategist.quiet_counts["trade_momentum"].values())


def test_a_start_forgets_windows_and_keeps_cooldowns() -> None:
    """After `forget` the edge is new again and the windows are empty, but the cooldown still runs."""
    state = market()
    strategist = strategist_of({"orderbook_skew": QUICK, "trade_momentum": trade_momentum.Params()}, state)
    strategist.handle(trade(0), seconds(0))
    strategist.handle(trade(0.1), seconds(0.1))
    assert ["buy"] == names(list(strategist.handle(depth(0.2, *SKEWED), seconds(0.2))))
    strategist.forget()
    assert (0, 10) == strategist.warmup()["trade_momentum", BTC.id]
    assert ["cooldown"] == names(list(strategist.handle(depth(1, *SKEWED), seconds(1))))


def test_a_restart_remembers_cooldowns() -> None:
    """A checkpoint carries the time of the last signal into another process."""
    before, after = (strategist_of({"orderbook_skew": QUICK}, market()) for _ in range(2))
    before.handle(depth(0, *SKEWED), seconds(0))
    state = before.snapshot()
    after.restore(msgspec.json.decode(msgspec.json.encode(state), type=type(state)))
    assert ["cooldown"] == names(list(after.handle(depth(10, *SKEWED), seconds(10))))
    assert state == after.snapshot()


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (StrategyPlan("orderbook_skw", BTC.id, QUICK), "unknown strategy 'orderbook_skw'; there are orderbook_skew"),
        (StrategyPlan("trade_momentum", BTC.id, QUICK), "trade_momentum: parameters of another strategy"),
        (StrategyPlan("orderbook_skew", "binance:spot:X", QUICK), "unknown instrument binance:spot:X"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused(plan: StrategyPlan, message: str) -> None:
    """A plan names what exists, or the start fails with the remedy."""
    with pytest.raises(ConfigError, match=message):
        Strategist({BTC.id: BTC}, [plan], {BTC.id: market()})


def test_a_plan_is_there_once() -> None:
    """The same strategy twice on one instrument would have two windows and two cooldowns."""
    plan = StrategyPlan("orderbook_skew", BTC.id, QUICK)
    with pytest.raises(ConfigError, match="planned twice on binance:usdm:BTCUSDT"):
        Strategist({BTC.id: BTC}, [plan, plan], {BTC.id: market()})


LIVELY: Mapping[str, StrategyParams] = {
    "orderbook_skew": orderbook_skew.Params(
        cooldown_seconds=5, persistence_seconds=0.2, buy_threshold=1.25, sell_threshold=0.8
    ),
    "trade_momentum": trade_momentum.Params(cooldown_seconds=5),
    "ticker_velocity": ticker_velocity.Params(
        cooldown_seconds=5, buy_threshold=0.1, sell_threshold=-0.1, min_price_change=0.0, min_t_statistic=1.0,
        min_volume_change=0.1, time_window=30,
    ),
    "spread_liquidity": spread_liquidity.Params(
        cooldown_seconds=1, lookback_ticks=5, sample_seconds=0.5, spread_threshold_bps=1, min_depth_reduction_pct=0.3,
        persistence_threshold_seconds=2,
    ),
    "iceberg_detector": iceberg_detector.Params(cooldown_seconds=5),
    "btc_dominance": btc_dominance.Params(
        cooldown_seconds=5, base_confidence_high=0.75, base_confidence_low=0.75, max_age_minutes=1_440, window_hours=12
    ),
    "cross_exchange_spread": cross_exchange_spread.Params(cooldown_seconds=5),
}  # fmt: skip
"""Settings under which a random market of ten minutes makes dozens of signals, or several of a slow strategy.

Skew's thresholds are reciprocal, those of the dominance as far from 55 either way.
"""

ONE_SIDED: Mapping[str, str] = {
    "onchain_metrics": "buys where a chain is used more, sells where coins flow to exchanges: two formulas, no mirror",
}
"""Strategies of which a mirrored market is no question, and why."""


CHECK_NAMES = ("cooldown", "flow_agrees", "confidence", "feed_live", "levels", "completeness")


def test_every_strategy_stands_before_the_mirror() -> None:
    """A strategy of a stream without lively settings here would never be mirrored, cut short or repeated."""
    assert set(TICK) == set(LIVELY) | set(ONE_SIDED)
    assert set() == set(LIVELY) & set(ONE_SIDED)


@pytest.mark.market
@pytest.mark.parametrize("name", list(LIVELY))
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_mirrored_market_gets_the_mirrored_decisions(name: str, seed: int) -> None:
    """With p to c²/p and sides swapped: as many decisions, at the same times, opposite, as confident within 1e-9."""
    events = random_market(seed)
    plain, mirror = run({name: LIVELY[name]}, events), run({name: LIVELY[name]}, mirrored(events))
    opposite = {"buy": "sell", "sell": "buy"}
    assert [opposite.get(said, said) for said in names(plain)] == names(mirror)
    pairs = [(a.signal, b.signal) for a, b in zip(plain, mirror, strict=True) if isinstance(a, SignalMade)]
    assert len(pairs) >= 4
    assert {"buy", "sell"} == set(names(plain)) - set(CHECK_NAMES)
    for a, b in pairs:
        assert a.ts_event == b.ts_event
        assert a.confidence == pytest.approx(b.confidence, abs=1e-9)


@pytest.mark.market
@pytest.mark.parametrize("seed", [4, 5])
def test_a_prefix_of_the_market_gets_the_same_decisions_up_to_there(seed: int) -> None:
    """Nothing decided depends on what comes later."""
    events = random_market(seed)
    whole = run(LIVELY, events)
    assert len(whole) > 20
    for share in (0.3, 0.7):
        part = run(LIVELY, events[: round(len(events) * share)])
        assert whole[: len(part)] == part


@pytest.mark.market
def test_the_same_market_twice_gets_the_same_decisions() -> None:
    """There is no hidden state, no clock and no chance in it."""
    events = random_market(6)
    assert run(LIVELY, events) == run(LIVELY, events)


def test_noise_does_not_make_it_talk() -> None:
    """Ten minutes of random books, 9 in 10 of them skewed: one candidate per edge that stayed, few signals."""
    rng = random.Random(9)
    events: list[Timed] = []
    for tenth in range(6_000):
        at = tenth / 10
        events.append((seconds(at), trade(at, side=rng.choice((Side.BUY, Side.SELL)))))
        quantities = [[rng.expovariate(1.0) for _ in range(5)] for _ in range(2)]
        events.append((seconds(at), depth(at, *quantities)))
    assert len(run({"orderbook_skew": orderbook_skew.Params()}, events)) <= 5
    unguarded = orderbook_skew.Params(persistence_seconds=0, edge_trigger=False, cooldown_seconds=0, flow_guard=False)
    assert len(run({"orderbook_skew": unguarded}, events)) > 4_000


def test_history_that_is_not_over_is_looked_at_when_it_is() -> None:
    """The bar in which a desk begins: taken in before the one after it, and not before."""
    series = bars([100.0 + n for n in range(22)], "1m")
    plan = StrategyPlan("doji_reversal", BTC.id, CANDLE["doji_reversal"].params(), timeframes=("1m",))
    strategist = Strategist({BTC.id: BTC}, [plan], {BTC.id: market()})
    begun = series[19].ts_open + 1
    for bar in series[:20]:
        strategist.handle(Warmup(bar), begun)
    assert {("doji_reversal", BTC.id): (19, 20)} == strategist.warmup()
    strategist.handle(series[20], series[20].ts_event)
    assert {("doji_reversal", BTC.id): (20, 20)} == strategist.warmup()
    assert 0 == strategist.quiet_counts["doji_reversal"]["out_of_order"]


def test_a_bar_that_is_heard_after_all_counts_once() -> None:
    series = bars([100.0 + n for n in range(22)], "1m")
    plan = StrategyPlan("doji_reversal", BTC.id, CANDLE["doji_reversal"].params(), timeframes=("1m",))
    strategist = Strategist({BTC.id: BTC}, [plan], {BTC.id: market()})
    for bar in series[:20]:
        strategist.handle(Warmup(bar), series[19].ts_open + 1)
    for bar in series[19:21]:
        strategist.handle(bar, bar.ts_event)
    assert 0 == strategist.quiet_counts["doji_reversal"]["out_of_order"]
