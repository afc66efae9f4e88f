"""From signal to order or refusal: conflicts, additions to positions, limits, and what must hold whatever comes."""

from decimal import Decimal
from typing import Any

import msgspec

from petrosa.core.desk import Checkpoint
from petrosa.core.market.state import MarketState
from petrosa.core.model.base import Side
from petrosa.core.model.commands import Flatten
from petrosa.core.model.events import SignalAgreed
from petrosa.core.model.market import BestQuote
from petrosa.core.model.orders import Leg
from petrosa.core.model.refusals import Refused
from petrosa.core.model.signals import Action, Signal
from petrosa.core.risk.params import RiskParams, Sizing
from petrosa.core.signals.models import Judgement, StrategyMode
from petrosa.core.signals.params import ConflictResolution, SameDirection, SignalParams
from petrosa.core.trader import Trader, TraderParams
from tests.kit.trading import PERPETUAL, SPOT, START, Session, place_of, signal

KEY = PERPETUAL.id
ADDING = TraderParams(
    signals=SignalParams(same_direction=SameDirection.ACCUMULATE),
    risk=RiskParams(max_position_fraction=0.6, max_accumulations=2),
)


def sell(session: Session, number: int, **changes: Any) -> None:
    """Another strategy says sell."""
    session.signal(Action.SELL, number, strategy_id=f"other-{number}", **changes)


def test_an_opposite_signal_that_loses_reverses_nothing() -> None:
    """The position stays as it is, and the refusal names the mode, both signals and both scores."""
    session = Session()
    session.entered()
    sell(session, 2, confidence=0.7)
    refused = session.last_refusal()
    assert ("conflict", []) == (refused.check, session.placed(Leg.EXIT))
    assert "sell 0.0700 (signal-2 of other-2, tick) against buy 0.0800 (signal-1 of skew, tick)" == refused.saw
    assert refused.limit.startswith("strongest_wins")


def test_an_opposite_signal_that_wins_reverses() -> None:
    """And so does any once the other opinion has run out."""
    session = Session()
    session.entered()
    sell(session, 2, confidence=0.9)
    assert 1 == len(session.placed(Leg.EXIT))
    other = Session()
    other.entered()
    other.later(300)
    sell(other, 2, confidence=0.6)
    assert 1 == len(other.placed(Leg.EXIT))


def test_an_agreed_close_withdraws_what_its_strategy_said() -> None:
    """After that an opposite opinion has nothing against it."""
    session = Session()
    session.entered()
    session.signal(Action.CLOSE, 2)
    session.fill(session.placed(Leg.EXIT)[0])
    session.settle()
    sell(session, 3, confidence=0.6)
    assert [Side.BUY, Side.SELL] == [place_of(intent).side for intent in session.placed(Leg.ENTRY)]


def test_a_person_releases_what_waits_for_review_by_flattening() -> None:
    """manual_review refuses; flatten clears the instrument's opinions, and the signal may be sent anew."""
    how = TraderParams(signals=SignalParams(conflict_resolution=ConflictResolution.MANUAL_REVIEW))
    session = Session(how)
    session.entered()
    sell(session, 2, confidence=0.9)
    assert "flatten the instrument" in session.last_refusal().message
    session.tell(Flatten("c1", "ann", "sell instead", KEY))
    sell(session, 3, confidence=0.9)
    assert "conflict" not in [
        outcome.check for outcome in session.last_refusal().outcomes if outcome.verdict.value == "failed"
    ]


def test_by_default_a_position_is_not_added_to() -> None:
    """One entry a position."""
    session = Session()
    session.entered()
    session.later(400)
    assert not session.added(2, strategy_id="momentum")
    failures = {o.check for o in session.last_refusal().outcomes if o.verdict.value == "failed"}
    assert {"order_pending", "existing_position"} == failures


def test_a_position_is_added_to_so_often_and_no_sooner() -> None:
    """Two additions 300 s apart; the refusal names the count and the time."""
    session = Session(ADDING)
    session.entered()
    found = []
    for number, pause in enumerate((299, 1, 299, 301, 301), 2):
        session.later(pause)
        found.append(session.added(number, strategy_id=f"s{number}"))
    assert [False, True, False, True, False] == found
    assert ["accumulation"] * 3 == session.refusals()
    assert "2 so far" in session.last_refusal().saw


def test_protection_follows_the_larger_fill() -> None:
    """New stop and target of the whole size at the same levels, the old ones gone once the new ones rest."""
    session = Session(ADDING)
    session.entered()
    first = place_of(session.placed(Leg.STOP)[0])
    session.later(300)
    assert session.added(2, stop_loss=99.0, take_profit=101.0)
    held = session.trader.held(KEY)
    assert held > first.quantity
    resting = {order.intent.leg: order.place for order in session.trader.live_orders(KEY)}
    assert {Leg.STOP, Leg.TARGET} == set(resting)
    assert {held} == {place.quantity for place in resting.values()}
    assert first.trigger_price == resting[Leg.STOP].trigger_price


def test_an_addition_is_sized_by_the_stop_that_will_close_it() -> None:
    """Its own nearer stop would make it larger; what it loses at the position's stop is what may be risked."""
    session = Session(ADDING)
    session.entered()
    stop = place_of(session.placed(Leg.STOP)[0]).trigger_price
    session.later(300)
    session.added(2, stop_loss=99.5)
    addition = place_of(session.placed(Leg.ENTRY)[1])
    assert stop is not None
    assert addition.price is not None
    assert addition.quantity * (addition.price - stop) <= Decimal(50)


def test_an_addition_waits_until_what_is_held_is_protected() -> None:
    """A stop that the venue has not confirmed is still under way."""
    session = Session(ADDING)
    session.signal()
    session.fill(session.placed(Leg.ENTRY)[0])
    session.later(2)
    assert not session.added(2)
    assert "order_pending" == session.refusals()[-1]


def test_under_strongest_wins_only_a_stronger_opinion_adds() -> None:
    """Than all that stand on its side."""
    how = TraderParams(
        signals=SignalParams(same_direction=SameDirection.STRONGEST_WINS, conflict_window_seconds=3_600),
        risk=RiskParams(max_position_fraction=1),
    )
    session = Session(how)
    session.entered()
    session.later(300)
    assert not session.added(2, strategy_id="weak", confidence=0.8)
    assert "accumulation: saw buy 0.0800 (signal-1 of skew, tick) is not weaker" in session.last_refusal().message
    assert session.added(3, strategy_id="strong", confidence=0.9)


def test_the_exit_of_a_shared_position_counts_for_each_of_its_strategies() -> None:
    """Positions per strategy come back to zero, and their sum is the position at every moment."""
    session = Session(ADDING)
    session.entered()
    session.later(300)
    session.added(2, strategy_id="momentum")
    parts = session.trader.by_strategy(KEY)
    assert session.trader.held(KEY) == sum(parts.values())
    assert {"skew", "momentum"} == set(parts)
    session.signal(Action.CLOSE, 3)
    session.fill(session.placed(Leg.EXIT)[0], price="100")
    assert [0, 0] == list(session.trader.by_strategy(KEY).values())


def test_a_closed_position_begins_its_count_anew() -> None:
    """The next position may be added to as often as the first."""
    session = Session(ADDING)
    session.entered()
    for number in (2, 3):
        session.later(300)
        assert session.added(number)
    session.signal(Action.CLOSE, 4)
    session.fill(session.placed(Leg.EXIT)[0])
    session.settle()
    session.later(10)
    session.entered(number=5)
    session.later(300)
    assert session.added(6)


class Calm:
    """Agrees to what is not too sure of itself."""

    name = "calm-1"

    def judge(self, signal: Signal, market: MarketState | None, now: int) -> Judgement:
        return Judgement(signal.confidence < 0.9, 0.55, "calm" if signal.confidence < 0.9 else "too sure")


def test_a_signal_of_a_model_is_refused_without_and_agreed_with_one() -> None:
    """The lower confidence goes on to the checks and to the size."""
    session = Session()
    session.signal(strategy_mode="ml_light")
    assert ("strategy_mode", []) == (session.last_refusal().check, session.placed())
    params = TraderParams(risk=RiskParams(confidence_weight_min=0.5))
    session = Session(params)
    session.trader = Trader(session.account, {KEY: PERPETUAL}, session.markets, params, {StrategyMode.ML_LIGHT: Calm()})
    found = session.trader.on_signal(signal(strategy_mode="ml_light", confidence=0.8), START)
    agreed = next(decision for decision in found if isinstance(decision, SignalAgreed))
    sizing = next(outcome for outcome in agreed.outcomes if outcome.check == "sizing")
    assert "weight 0.55" in sizing.limit
    refused = session.trader.on_signal(signal(strategy_mode="ml_light", confidence=0.95, number=2), START)
    assert "ml_light: 0.5500, too sure" == next(d.saw for d in refused if isinstance(d, Refused))


def test_what_the_specification_sends_becomes_what_it_describes() -> None:
    """Its example: 0.85 at 50,000 with a stop at 49,000 and a target at 51,500, by 2 % of the balance, floored."""
    session = Session(TraderParams(risk=RiskParams(sizing=Sizing.BALANCE)), bid=49_999.9, ask=50_000.0)
    session.signal(
        strategy_id="volume_surge_breakout", confidence=0.85, price=50_000.0, current_price=50_000.0, quantity=0.001,
        timeframe="15m", stop_loss=49_000.0, take_profit=51_500.0,
    )  # fmt: skip
    entry = session.placed(Leg.ENTRY)[0]
    session.fill(entry, price="50000")
    stop, target = (place_of(session.placed(leg)[0]) for leg in (Leg.STOP, Leg.TARGET))
    assert (Side.BUY, Decimal("0.003")) == (place_of(entry).side, place_of(entry).quantity)
    assert [(Side.SELL, Decimal(49_000)), (Side.SELL, Decimal(51_500))] == [
        (place.side, place.trigger_price) for place in (stop, target)
    ]


def test_the_specifications_default_levels_are_two_and_five_percent() -> None:
    """From the entry, when the signal names none."""
    session = Session(bid=49_999.9, ask=50_000.0)
    session.signal(price=50_000.0, current_price=50_000.0)
    session.fill(session.placed(Leg.ENTRY)[0], price="50000")
    levels = [place_of(session.placed(leg)[0]).trigger_price for leg in (Leg.STOP, Leg.TARGET)]
    assert [Decimal(49_000), Decimal(52_500)] == levels


def test_sides_and_symbols_that_are_switched_off_can_still_be_left() -> None:
    """A switch is for entries: what is held is closed, and the reversal ends there."""
    how = TraderParams(risk=RiskParams(enable_shorts=False))
    session = Session(how)
    session.entered()
    session.signal(Action.SELL, 2)
    session.fill(session.placed(Leg.EXIT)[0])
    session.settle()
    assert (Decimal(0), "trading_enabled") == (session.trader.held(KEY), session.refusals()[-1])
    nowhere = Session(TraderParams(risk=RiskParams(allowed_symbols=("ETHUSDT",))), (SPOT,))
    nowhere.signal()
    assert ["symbol_allowed"] == nowhere.refusals()


def story() -> Session:
    """Conflicts, an addition, a loss and a midnight."""
    session = Session(ADDING)
    session.entered()
    sell(session, 2, confidence=0.7)
    session.later(300)
    session.added(3, strategy_id="momentum")
    sell(session, 4, confidence=0.75)
    session.later(8_000)
    session.quote(98.9, 99.1)
    session.added(5, price=99.0)
    sell(session, 6, confidence=0.95, price=99.0)
    session.fill(session.placed(Leg.EXIT)[-1], price="99")
    session.settle()
    return session


def test_a_restored_trader_goes_on_exactly() -> None:
    """Stopped after any event, written as JSON and restored, it decides to the byte what it would have decided."""
    heard = story().heard
    whole = Session(ADDING)
    decided = [msgspec.json.encode(whole.desk.handle(event, now)) for now, event in heard]
    for cut in range(1, len(heard)):
        before, after = Session(ADDING), Session(ADDING)
        for now, event in heard[:cut]:
            before.desk.handle(event, now)
            if isinstance(event, BestQuote):  # the market is heard again by whoever starts
                after.desk.handle(event, now)
        state = msgspec.json.decode(msgspec.json.encode(before.desk.checkpoint()), type=Checkpoint)
        assert before.desk.checkpoint() == state
        after.desk.restore(state)
        assert decided[cut:] == [msgspec.json.encode(after.desk.handle(event, now)) for now, event in heard[cut:]]
