"""What must hold of the dispatcher whatever signals come, in whatever mode and order."""

from decimal import Decimal
from itertools import pairwise, permutations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.events import SignalAgreed
from petrosa.core.model.orders import Approved, Leg, Reducing
from petrosa.core.model.signals import Action, Signal
from petrosa.core.risk.params import RiskParams
from petrosa.core.signals.params import ConflictResolution, SameDirection, SignalParams
from petrosa.core.trader import TraderParams
from tests.kit.soak import examples
from tests.kit.trading import PERPETUAL, Session, signal

KEY = PERPETUAL.id

PRICES = st.sampled_from([90.0, 97.0, 99.0, 99.95, 100.0, 100.05, 101.0, 103.0, 110.0])
SIGNALS = st.builds(
    signal,
    st.sampled_from(Action),
    number=st.integers(1, 4),
    strategy_id=st.sampled_from(["a", "b", "c"]),
    confidence=st.sampled_from([0.3, 0.55, 0.7, 0.9]),
    timeframe=st.sampled_from(["tick", "1h", "soon"]),
    stop_loss=st.none() | PRICES,
    take_profit=st.none() | PRICES,
    indicators=st.sampled_from([{}, {"atr": 0.7}, {"atr": 40.0}]),
    strategy_mode=st.sampled_from(["deterministic", "deterministic", "ml_light"]),
)
MODES = st.builds(
    lambda conflict, same: TraderParams(
        signals=SignalParams(conflict_resolution=conflict, same_direction=same),
        risk=RiskParams(accumulation_cooldown_seconds=0, max_accumulations=2),
    ),
    st.sampled_from(ConflictResolution),
    st.sampled_from(SameDirection),
)


def answered(session: Session, said: Signal) -> bool:
    """Let a signal be heard and everything that leaves be filled; whether it was refused and nothing else decided."""
    stamped = msgspec.structs.replace(said, ts_event=session.now, ts_seen=session.now)
    decided = session.trader.on_signal(stamped, session.now)
    session.decisions.extend(decided)
    for _ in range(4):
        for order in session.trader.live_orders(KEY):
            if order.intent.leg in (Leg.ENTRY, Leg.EXIT):
                session.fill(order.intent, price="100")
        session.settle()
    return not any(isinstance(decision, Approved | Reducing | SignalAgreed) for decision in decided)


@examples(80)
@given(st.lists(SIGNALS, min_size=1, max_size=8), MODES)
def test_protection_is_always_on_the_other_side_and_a_refusal_changes_nothing(
    said: list[Signal], params: TraderParams
) -> None:
    """Whatever comes, in every mode: stops and targets close all that is held; a refusal moves no position."""
    session = Session(params)
    for number, one in enumerate(said):
        session.now += NS_PER_SECOND
        session.quote(99.9, 100.1)
        before = (session.trader.held(KEY), dict(session.trader.by_strategy(KEY)), session.trader.balances)
        refused = answered(session, msgspec.structs.replace(one, signal_id=f"{one.signal_id}-{number}"))
        after = (session.trader.held(KEY), dict(session.trader.by_strategy(KEY)), session.trader.balances)
        assert not refused or before == after
        held = session.trader.held(KEY)
        for order in session.trader.live_orders(KEY):
            assert (order.side is Side.SELL) == (held > 0)
            assert order.place.reduce_only
        stops = [order for order in session.trader.live_orders(KEY) if order.intent.leg is Leg.STOP]
        assert abs(held) == sum(order.leaves for order in stops)
    assert [] == session.alarms()


@examples(40)
@given(
    st.lists(
        st.tuples(st.sampled_from([Action.BUY, Action.SELL]), st.sampled_from([0.6, 0.7, 0.8])), min_size=2, max_size=4
    )
)
def test_the_order_of_same_instant_signals_does_not_choose_the_winner(said: list[tuple[Action, float]]) -> None:
    """Under strongest_wins the side that is held in the end is that of the strongest, in whatever order they came."""
    signals = [
        signal(action, number=number, strategy_id=f"s{number}", confidence=confidence)
        for number, (action, confidence) in enumerate(said)
    ]
    ends = set()
    for order in permutations(signals):
        session = Session()
        for one in order:
            answered(session, one)
        ends.add(session.trader.held(KEY) > 0)
    strongest = max(range(len(said)), key=lambda number: (said[number][1], -number))
    assert {said[strongest][0] is Action.BUY} == ends


@examples(40)
@given(
    st.lists(st.tuples(st.sampled_from([0.6, 0.8, 1.0]), st.integers(0, 400)), min_size=1, max_size=10),
    st.sampled_from([0.05, 0.3, 0.6, 2.0]),
    st.integers(1, 3),
)
def test_additions_never_exceed_their_caps(said: list[tuple[float, int]], most: float, times: int) -> None:
    """Not in number, not in notional at the mark, and never sooner than the cooldown."""
    risk = RiskParams(max_position_fraction=most, max_exposure_fraction=1, max_accumulations=times)
    session = Session(TraderParams(signals=SignalParams(same_direction=SameDirection.ACCUMULATE), risk=risk))
    entered: list[int] = []
    for number, (confidence, pause) in enumerate(said):
        session.later(pause)
        if session.added(number, confidence=confidence, strategy_id=f"s{number}"):
            entered.append(session.now)
    assert len(entered) <= 1 + times
    assert all(after - before >= 300 * NS_PER_SECOND for before, after in pairwise(entered))
    assert session.trader.held(KEY) * 100 <= 10_000 * Decimal(repr(min(most, 1.0)))
