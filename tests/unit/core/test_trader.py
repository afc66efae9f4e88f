"""Signals and account events in, decisions out."""

from decimal import ROUND_CEILING, Decimal, localcontext

import msgspec

from petrosa.core.desk import Checkpoint
from petrosa.core.execution.params import EntryStyle, ExecutionParams
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.commands import PauseEntries
from petrosa.core.model.events import SignalAgreed
from petrosa.core.model.orders import Approved, BalanceChanged, Leg, OrderStatus, Reducing
from petrosa.core.model.refusals import Verdict
from petrosa.core.model.signals import Action
from petrosa.core.risk.gate import STEPS
from petrosa.core.risk.params import RiskParams
from petrosa.core.trader import TraderParams
from tests.kit.trading import OTHER, PERPETUAL, SPOT, START, Session, place_of

KEY = PERPETUAL.id
PAUSE = PauseEntries("c1", "ann", "lunch")


def test_an_agreed_signal_says_why_before_its_order() -> None:
    """`SignalAgreed` with every check passed comes first, then the approved entry that names the signal."""
    session = Session()
    _, agreed, approved, *_ = session.signal()
    assert isinstance(agreed, SignalAgreed)
    assert isinstance(approved, Approved)
    assert agreed.signal_id == approved.intent.signal_id
    assert {Verdict.PASSED} == {outcome.verdict for outcome in agreed.outcomes}
    assert STEPS == tuple(outcome.check for outcome in agreed.outcomes[-len(STEPS) :])


def test_a_refused_signal_shows_what_the_gate_would_have_asked() -> None:
    """A weak signal is refused by its check; everything of the gate is shown as not reached."""
    session = Session()
    session.signal(confidence=0.3)
    refused = session.last_refusal()
    assert "confidence" == refused.check
    assert [(name, Verdict.NOT_REACHED) for name in STEPS] == [
        (outcome.check, outcome.verdict) for outcome in refused.outcomes[-len(STEPS) :]
    ]


def test_the_same_signal_is_acted_on_once() -> None:
    """However often it is delivered, it makes one order."""
    session = Session()
    session.signal()
    session.signal()
    assert (1, ["duplicate"]) == (len(session.placed()), session.refusals())


def test_a_signal_is_remembered_as_long_as_it_could_be_fresh() -> None:
    """After the maximum age it is refused as stale, so that its id may be forgotten."""
    session = Session()
    session.signal(confidence=0.3)
    session.wait(299)
    session.signal(at=START)
    session.wait(10)
    session.signal(at=START)
    assert ["confidence", "duplicate", "stale"] == session.refusals()


def test_hold_is_quietly_refused_with_its_reason() -> None:
    """An opinion that asks for nothing is no order and no alarm."""
    session = Session()
    session.signal(Action.HOLD)
    assert (["actionable"], []) == (session.refusals(), session.alarms())


def test_an_unknown_or_ambiguous_symbol_is_refused() -> None:
    """One instrument, or none."""
    session = Session(instruments=(PERPETUAL, SPOT))
    session.signal()
    session.signal(number=2, symbol="DOGEUSDT")
    session.signal(number=3, market="spot")
    assert ["symbol", "symbol"] == session.refusals()
    assert [SPOT.id] == [intent.instrument for intent in session.placed()]


def test_close_sells_what_is_held_and_nothing_more() -> None:
    """`close` is a reduce-only exit of the whole position; protection is swept when it has filled."""
    session = Session()
    session.entered()
    held = session.trader.held(KEY)
    agreed, exit_order, *_ = session.signal(Action.CLOSE, 2)
    assert (SignalAgreed, Reducing) == (type(agreed), type(exit_order))
    place = place_of(session.placed(Leg.EXIT)[0])
    assert (Side.SELL, held, True) == (place.side, place.quantity, place.reduce_only)
    session.fill(session.placed(Leg.EXIT)[0], price="101")
    protection = [intent.client_order_id for intent in session.placed(Leg.STOP, Leg.TARGET)]
    assert (Decimal(0), protection) == (session.trader.held(KEY), session.cancelled())


def test_close_without_a_position_is_refused_and_twice_is_once() -> None:
    """Nothing to close is a reason; a second close waits for the first."""
    session = Session()
    session.signal(Action.CLOSE)
    assert "position: saw flat, limit something to close; nothing to do: there is no position" == (
        session.last_refusal().message
    )
    session.entered(number=2)
    session.signal(Action.CLOSE, 3)
    session.signal(Action.CLOSE, 4)
    assert (1, "order_pending") == (len(session.placed(Leg.EXIT)), session.refusals()[-1])


def test_close_takes_back_an_entry_that_still_rests() -> None:
    """What has not been entered yet is not entered any more: the resting order goes, and nothing is sold."""
    session = Session(TraderParams(execution=ExecutionParams(entry=EntryStyle.PASSIVE)))
    session.signal()
    entry = session.placed(Leg.ENTRY)[0]
    session.accept(entry)
    agreed, *_ = session.signal(Action.CLOSE, 2)
    assert (SignalAgreed, [entry.client_order_id]) == (type(agreed), session.cancelled())
    assert [] == session.placed(Leg.EXIT)


def test_an_opposite_signal_leaves_first_and_enters_after_that() -> None:
    """Reversal: the exit is reduce-only, and the entry passes the gate when nothing of the old position is left."""
    session = Session()
    session.entered()
    session.signal(Action.SELL, 2)
    assert 1 == len(session.placed(Leg.ENTRY))
    session.fill(session.placed(Leg.EXIT)[0], price="99.9")
    assert 1 == len(session.placed(Leg.ENTRY))
    for name in session.cancelled():
        session.canceled(name)
    entry = session.placed(Leg.ENTRY)[1]
    assert ("signal-2", Side.SELL) == (entry.signal_id, place_of(entry).side)
    assert ["signal-1", "signal-2", "signal-2"] == session.agreed()
    session.fill(entry, price="99.9")
    stop = place_of(session.placed(Leg.STOP)[-1])
    assert (Side.BUY, True) == (stop.side, session.trader.held(KEY) < 0 < stop.quantity)


def test_a_reversal_that_takes_too_long_only_leaves() -> None:
    """A signal that is stale when the exit has filled is refused; the exit stays."""
    session = Session()
    session.entered()
    session.signal(Action.SELL, 2)
    session.accept(session.placed(Leg.EXIT)[0])
    session.wait(301)
    assert "stale" == session.refusals()[-1]
    session.fill(session.placed(Leg.EXIT)[0], price="99.9")
    for name in session.cancelled():
        session.canceled(name)
    assert (Decimal(0), 1) == (session.trader.held(KEY), len(session.placed(Leg.ENTRY)))


def test_a_reversal_meets_the_gate_as_it_is_then() -> None:
    """Entries that were paused while the exit was under way stay paused for it."""
    session = Session()
    session.entered()
    session.signal(Action.SELL, 2)
    session.tell(PAUSE)
    session.fill(session.placed(Leg.EXIT)[0], price="99.9")
    for name in session.cancelled():
        session.canceled(name)
    assert ("entries_open", Decimal(0)) == (session.refusals()[-1], session.trader.held(KEY))


def test_the_mirrored_signal_makes_the_mirrored_order() -> None:
    """A sell is a buy with every side turned round, in size, price distance, stop and target."""
    found = []
    for action, price in ((Action.BUY, "100.1"), (Action.SELL, "99.9")):
        session = Session()
        entry = session.entered(action, price=price)
        place = place_of(entry)
        stop, target = (place_of(session.placed(leg)[0]).trigger_price for leg in (Leg.STOP, Leg.TARGET))
        assert place.price is not None
        assert stop is not None
        assert target is not None
        away = [abs(level - 100) for level in (place.price, stop, target)]
        found.append((place.side.sign * place_of(session.placed(Leg.STOP)[0]).side.sign, away))
    assert -1 == found[0][0] == found[1][0]
    assert all(abs(here - there) <= Decimal("0.1") for here, there in zip(found[0][1], found[1][1], strict=True))


def test_spot_sells_only_what_it_holds() -> None:
    """A sell when flat is refused; a sell of a holding is an exit, and is no short after that."""
    session = Session(instruments=(SPOT,))
    session.signal(Action.SELL)
    assert ["no_short"] == session.refusals()
    session.signal(Action.BUY, 2)
    entry = session.placed(Leg.ENTRY)[0]
    session.fill(entry, fee="0.0015", fee_asset="BTC")
    held = session.trader.held(SPOT.id)
    assert Decimal("0.002") == place_of(entry).quantity - held
    session.signal(Action.SELL, 3)
    for order in list(session.trader.live_orders(SPOT.id)):
        session.canceled(order.client_order_id)
    way_out = session.placed(Leg.EXIT)[0]
    assert held == place_of(way_out).quantity
    session.fill(way_out, price="99.9")
    assert (1, Decimal(0)) == (len(session.placed(Leg.ENTRY)), session.trader.held(SPOT.id))


def test_spot_is_bought_only_with_what_is_in_the_wallet() -> None:
    """Nothing is lent on spot, so quote currency caps the size, fee included."""
    params = TraderParams(risk=RiskParams(max_position_fraction=10, risk_fraction=0.05, max_exposure_fraction=10))
    session = Session(params, (SPOT,), {"USDT": Decimal(1_000), "BTC": Decimal(90)})
    session.signal()
    place = place_of(session.placed(Leg.ENTRY)[0])
    assert place.price is not None
    assert place.quantity * place.price * Decimal("1.0005") <= 1_000


def test_another_accounts_events_are_not_ours() -> None:
    """They change nothing and are told."""
    session = Session()
    session.tell(BalanceChanged("elsewhere", "USDT", Decimal(1), "deposit", START, START))
    assert (["foreign_account"], Decimal(10_000)) == (session.alarms(), session.trader.balances["USDT"])


def test_positions_per_strategy_are_the_sum_of_their_fills() -> None:
    """A stop's fill counts for the strategy that holds the position, so that it comes back to zero."""
    session = Session()
    session.entered()
    session.signal(Action.CLOSE, 2, strategy_id="momentum")
    session.fill(session.placed(Leg.EXIT)[0], "1", "101")
    assert {"skew": session.trader.held(KEY)} == session.trader.by_strategy(KEY)


def story() -> Session:
    """A run that leaves orders, positions, exits, reversals and timers behind."""
    session = Session()
    session.signal()
    session.fill(session.placed(Leg.ENTRY)[-1], "2")
    session.accept(session.placed(Leg.STOP)[0])
    session.fill(session.placed(Leg.ENTRY)[-1], "3")
    session.signal(Action.SELL, 2)
    session.wait(5)
    session.signal(Action.SELL, 2)
    session.fill(session.placed(Leg.EXIT)[-1], "1", "99")
    session.expire(session.placed(Leg.EXIT)[-1])
    session.tell(PAUSE)
    session.wait(400)
    session.fill(session.placed(Leg.EXIT)[-1], price="99")
    return session


def test_a_restored_trader_goes_on_exactly() -> None:
    """Stopped after any event, written as JSON and restored, it decides to the byte what it would have decided."""
    heard = story().heard
    whole = Session()
    decided = [msgspec.json.encode(whole.desk.handle(event, now)) for now, event in heard]
    assert len(heard) > 30
    for cut in range(1, len(heard), 3):
        before, after = Session(), Session()
        for now, event in heard[:cut]:
            before.desk.handle(event, now)
        state = msgspec.json.decode(msgspec.json.encode(before.desk.checkpoint()), type=Checkpoint)
        assert before.desk.checkpoint() == state
        after.desk.restore(state)
        assert decided[cut:] == [msgspec.json.encode(after.desk.handle(event, now)) for now, event in heard[cut:]]


def test_the_hosts_decimal_context_changes_nothing() -> None:
    """A host program that works with four digits and rounds up gets the same decisions to the byte."""
    usual = story()
    with localcontext() as context:
        context.prec, context.rounding = 4, ROUND_CEILING
        odd = story()
    assert msgspec.json.encode(usual.decisions) == msgspec.json.encode(odd.decisions)


def test_a_reversal_signal_without_an_event_time_does_not_stop_the_desk() -> None:
    """A producer that leaves one of the two stamps out is served by the other."""
    session = Session()
    session.entered()
    session.signal(Action.SELL, 2, ts_event=0)
    assert START + 300 * NS_PER_SECOND + 1 == session.timers[f"reversal:{KEY}"]


def test_an_instrument_that_is_not_configured_is_told_and_not_booked() -> None:
    """News of an order on it changes nothing here; a person must see that the account trades it."""
    session = Session()
    session.signal()
    entry = session.placed(Leg.ENTRY)[0]
    session.accept(msgspec.structs.replace(entry, instrument=OTHER.id))
    assert (["unknown_instrument"], OrderStatus.SUBMITTED) == (session.alarms(), session.trader.orders[0].status)


def test_a_second_reversal_refuses_the_first_by_name() -> None:
    """An entry that fills late, while a reversal waits for a cancel, is left by a new signal: both have an answer."""
    params = TraderParams(execution=ExecutionParams(entry=EntryStyle.PASSIVE))
    session = Session(params)
    session.signal()
    entry = session.placed(Leg.ENTRY)[0]
    session.accept(entry)
    half = place_of(entry).quantity / 2
    session.fill(entry, half, price="99.9")
    session.signal(Action.SELL, 2)
    session.fill(session.placed(Leg.EXIT)[0], price="99.9")
    assert Decimal(0) == session.trader.held(KEY)
    session.fill(entry, half, price="99.9")
    session.signal(Action.SELL, 3)
    assert "signal-2" == session.last_refusal().signal_id
