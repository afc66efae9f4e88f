"""Stops and targets that rest behind what is held."""

from decimal import Decimal

from petrosa.core.execution.blotter import ORDERS_KEPT, Blotter
from petrosa.core.execution.lifecycle import WOULD_TRIGGER
from petrosa.core.execution.params import ExecutionParams
from petrosa.core.execution.protection import Guard, wanted
from petrosa.core.execution.reducing import Cause
from petrosa.core.model.base import Side
from petrosa.core.model.events import Halted, Started
from petrosa.core.model.orders import Leg, OrderType
from petrosa.core.model.signals import Action
from petrosa.core.risk.params import RiskParams
from petrosa.core.trader import TraderParams
from tests.kit.trading import OTHER, PERPETUAL, Session, fill_of, instrument, place_of

KEY = PERPETUAL.id


def test_nothing_rests_before_something_is_held() -> None:
    """Protection follows fills, not orders."""
    session = Session()
    session.signal()
    session.accept(session.placed(Leg.ENTRY)[0])
    assert [] == session.placed(Leg.STOP, Leg.TARGET)


def test_a_fill_is_followed_by_a_stop_and_a_target_of_its_size() -> None:
    """Both rest on the side opposite to the entry, reduce-only, with the quantity held."""
    session = Session()
    session.signal()
    entry = session.placed(Leg.ENTRY)[0]
    session.fill(entry, "2")
    stop, target = (place_of(session.placed(leg)[0]) for leg in (Leg.STOP, Leg.TARGET))
    assert (OrderType.STOP, Side.SELL, Decimal(2), Decimal("98.1"), True) == (
        stop.type, stop.side, stop.quantity, stop.trigger_price, stop.reduce_only,
    )  # fmt: skip
    assert (OrderType.TAKE_PROFIT, Side.SELL, Decimal(2), Decimal("105.1"), True) == (
        target.type, target.side, target.quantity, target.trigger_price, target.reduce_only,
    )  # fmt: skip


def test_a_larger_fill_rests_the_new_stop_before_the_old_one_goes() -> None:
    """When the position grows, the larger stop is placed first, and the smaller one goes when it is confirmed."""
    session = Session()
    session.signal()
    entry = session.placed(Leg.ENTRY)[0]
    session.fill(entry, "1")
    old = session.placed(Leg.STOP)[0]
    session.accept(old)
    session.fill(entry, "2")
    new = session.placed(Leg.STOP)[1]
    assert (1, Decimal(3)) == (new.generation, place_of(new).quantity)
    assert [] == session.cancelled()
    session.accept(new)
    assert [old.client_order_id] == session.cancelled()


def test_many_partial_fills_end_with_one_stop_of_the_whole() -> None:
    """However the fills and confirmations interleave, what rests in the end covers exactly what is held."""
    session = Session()
    session.signal()
    entry = session.placed(Leg.ENTRY)[0]
    for _ in range(5):
        session.fill(entry, "1")
    for intent in session.placed(Leg.STOP, Leg.TARGET):
        session.accept(intent)
    for name in session.cancelled():
        session.canceled(name)
    for leg in (Leg.STOP, Leg.TARGET):
        resting = [order for order in session.trader.live_orders(KEY) if order.intent.leg is leg]
        assert [Decimal(5)] == [order.leaves for order in resting]


def test_a_filled_stop_takes_the_target_with_it_and_the_other_way_round() -> None:
    """Whichever of the two closes the position, the other is cancelled."""
    for filled, other in ((Leg.STOP, Leg.TARGET), (Leg.TARGET, Leg.STOP)):
        session = Session()
        session.entered()
        session.trigger(session.placed(filled)[0])
        session.fill(session.placed(filled)[0], price="98")
        assert [session.placed(other)[0].client_order_id] == session.cancelled()
        session.canceled(session.cancelled()[0])
        assert [] == list(session.trader.live_orders(KEY))


def test_a_target_that_fills_in_part_makes_the_stop_smaller() -> None:
    """The stop is never larger than what is left."""
    session = Session()
    session.entered()
    held = session.trader.held(KEY)
    session.fill(session.placed(Leg.TARGET)[0], "3", "105.1")
    assert held - 3 == place_of(session.placed(Leg.STOP)[-1]).quantity
    assert 1 == len(session.placed(Leg.TARGET))


def test_a_filled_stop_takes_what_is_left_of_the_entry_with_it() -> None:
    """A rest of the entry that is still out would open again what the stop has just closed."""
    session = Session()
    session.signal()
    entry = session.placed(Leg.ENTRY)[0]
    session.fill(entry, "1")
    session.fill(session.placed(Leg.STOP)[0], price="98")
    assert entry.client_order_id in session.cancelled()


def test_a_fill_that_comes_after_the_sweep_is_protected_again() -> None:
    """A late fill of a cancelled entry is a position, and gets a stop with an id that was not used before."""
    session = Session()
    session.signal()
    entry = session.placed(Leg.ENTRY)[0]
    session.fill(entry, "1")
    for intent in session.placed(Leg.STOP, Leg.TARGET):
        session.accept(intent)
    session.fill(session.placed(Leg.STOP)[0], price="98")
    for name in session.cancelled():
        session.canceled(name)
    session.fill(entry, "2")
    stop = session.placed(Leg.STOP)[-1]
    assert (Decimal(2), Decimal("98.1"), 1) == (place_of(stop).quantity, place_of(stop).trigger_price, stop.generation)


def test_a_rejected_stop_is_tried_again_and_then_the_position_is_closed() -> None:
    """Attempts have ids of their own; after the bound an alarm is raised and all is sold at market."""
    session = Session()
    session.signal()
    session.fill(session.placed(Leg.ENTRY)[0])
    for attempt in range(3):
        stop = session.placed(Leg.STOP)[-1]
        assert attempt == stop.attempt
        session.reject(stop, "too many orders")
    assert 3 == len({stop.client_order_id for stop in session.placed(Leg.STOP)})
    (way_out,) = session.placed(Leg.FLATTEN)
    assert (OrderType.MARKET, session.trader.held(KEY)) == (place_of(way_out).type, place_of(way_out).quantity)
    assert ["stop_failed"] == session.alarms()
    session.fill(way_out)
    assert Decimal(0) == session.trader.held(KEY)


def test_a_stop_that_the_venue_takes_off_is_placed_again() -> None:
    """Not only a rejection: an expiry or a cancel that nobody asked for leaves the position naked too."""
    session = Session()
    session.entered()
    first = session.placed(Leg.STOP)[0]
    session.canceled(first.client_order_id, "venue maintenance")
    second = session.placed(Leg.STOP)[1]
    assert (0, 1) == (second.generation, second.attempt)


def test_a_stop_without_an_answer_raises_an_alarm_and_is_tried_again() -> None:
    """Silence about a stop is not a stop. The position is closed in the end if it stays silent."""
    session = Session()
    session.signal()
    session.fill(session.placed(Leg.ENTRY)[0])
    session.wait(3)
    assert ["unprotected_position"] == session.alarms()
    assert [0, 1] == [stop.attempt for stop in session.placed(Leg.STOP)]
    session.accept(session.placed(Leg.STOP)[0])
    assert [session.placed(Leg.STOP)[1].client_order_id] == session.cancelled()
    silent = Session()
    silent.signal()
    silent.fill(silent.placed(Leg.ENTRY)[0])
    silent.wait(12)
    assert 1 == len(silent.placed(Leg.FLATTEN))


def test_a_target_that_will_not_rest_leaves_the_stop_alone() -> None:
    """Without a target a position is whole; it is not closed for that."""
    session = Session()
    session.signal()
    session.fill(session.placed(Leg.ENTRY)[0])
    session.accept(session.placed(Leg.STOP)[0])
    for _ in range(3):
        session.reject(session.placed(Leg.TARGET)[-1])
    assert (["target_not_resting"], 3, 0) == (
        session.alarms(), len(session.placed(Leg.TARGET)), len(session.placed(Leg.FLATTEN)),
    )  # fmt: skip


def test_a_fill_that_is_not_ours_is_held_and_guarded() -> None:
    """Somebody else's order on the account makes a position like any other, with the default stop and an alarm."""
    session = Session()
    session.signal()
    entry = session.placed(Leg.ENTRY)[0]
    foreign = fill_of(entry, "1", "100", "x1")
    renamed = type(foreign)(**{**{n: getattr(foreign, n) for n in foreign.__struct_fields__}, "client_order_id": "web"})
    session.tell(renamed)
    assert ["unknown_order"] == session.alarms()
    assert (Decimal(1), Decimal("98.0")) == (
        session.trader.held(KEY),
        place_of(session.placed(Leg.STOP)[0]).trigger_price,
    )


def test_a_position_turned_by_an_exit_is_closed() -> None:
    """Where a stop and an exit both fill, what they open the other way round is nobody's opinion, and goes."""
    session = Session()
    session.entered()
    stop, held = session.placed(Leg.STOP)[0], session.trader.held(KEY)
    session.signal(Action.CLOSE, 2)
    session.fill(session.placed(Leg.EXIT)[0], price="99")
    session.fill(stop, price="98")
    assert -held == session.trader.held(KEY)
    (way_out,) = session.placed(Leg.FLATTEN)
    assert (Side.BUY, held) == (place_of(way_out).side, place_of(way_out).quantity)
    assert "position_turned" in session.alarms()


def test_an_exit_that_fails_is_tried_again_with_pauses_and_halts_entries() -> None:
    """Exits never give up; after five failures in a row entries are over until somebody resumes."""
    session = Session(TraderParams(execution=ExecutionParams(max_exit_failures=2)))
    session.entered()
    session.signal(Action.CLOSE, 2)
    session.expire(session.placed(Leg.EXIT)[0], "no liquidity")
    assert 1 == len(session.placed(Leg.EXIT))
    session.wait(1)
    session.expire(session.placed(Leg.EXIT)[1], "no liquidity")
    assert ["exit_failed"] == session.alarms()
    assert isinstance(session.decisions[-1], Halted)
    session.wait(2)
    session.fill(session.placed(Leg.EXIT)[2], price="99")
    assert Decimal(0) == session.trader.held(KEY)
    session.signal(Action.BUY, 3)
    assert "entries_open" == session.refusals()[-1]


def test_a_position_larger_than_one_order_may_be_is_closed_in_slices() -> None:
    """The venue's largest order bounds each exit, and the next leaves when the last has filled."""
    rules = instrument(max_quantity=Decimal(30))
    session = Session(instruments=(rules,))
    session.entered()
    entry = session.placed(Leg.ENTRY)[0]
    held = session.trader.held(rules.id)
    session.fill(entry, "20", trade_id="late")
    session.signal(Action.CLOSE, 2)
    session.fill(session.placed(Leg.EXIT)[0], price="99")
    slices = [place_of(intent).quantity for intent in session.placed(Leg.EXIT)]
    assert [Decimal(30), held + 20 - 30] == slices


def test_a_stop_whose_level_is_passed_already_is_not_tried_again() -> None:
    """The market is past it: what it was for is done now, at market."""
    session = Session()
    session.signal()
    session.fill(session.placed(Leg.ENTRY)[0])
    session.reject(session.placed(Leg.STOP)[0], f"{WOULD_TRIGGER}: Order would immediately trigger.")
    assert (1, 1) == (len(session.placed(Leg.STOP)), len(session.placed(Leg.FLATTEN)))
    assert ["level_passed"] == session.alarms()


def test_a_target_that_is_reached_before_it_rests_is_taken_at_market() -> None:
    """The price that was hoped for is there."""
    session = Session()
    session.signal()
    session.fill(session.placed(Leg.ENTRY)[0])
    session.accept(session.placed(Leg.STOP)[0])
    session.reject(session.placed(Leg.TARGET)[0], WOULD_TRIGGER)
    assert (1, 1) == (len(session.placed(Leg.TARGET)), len(session.placed(Leg.FLATTEN)))


def patient(bound: float) -> Session:
    """A position whose stop is never answered, and would be tried again for longer than the bound."""
    session = Session(TraderParams(execution=ExecutionParams(flatten_unprotected_seconds=bound, max_stop_attempts=10)))
    session.signal()
    session.fill(session.placed(Leg.ENTRY)[0])
    return session


def test_a_position_without_a_confirmed_stop_is_closed_after_the_bound() -> None:
    """Stops of unknown fate are none. An alarm at each try, and then it is closed, for as long as that takes."""
    session = patient(10)
    session.wait(9.9)
    assert (["unprotected_position"] * 3, []) == (
        [name for name in session.alarms() if name != "order_unknown"], session.placed(Leg.FLATTEN),
    )  # fmt: skip
    session.wait(0.1)
    assert "naked_position" == session.alarms()[-1]
    session.expire(session.placed(Leg.FLATTEN)[0], "no liquidity")
    session.wait(1)
    assert 2 == len(session.placed(Leg.FLATTEN))


def test_the_bound_can_be_switched_off() -> None:
    """Then there are alarms, and nothing else."""
    session = patient(0)
    session.wait(25)
    assert ([], 8) == (session.placed(Leg.FLATTEN), session.alarms().count("unprotected_position"))


def test_the_time_without_a_stop_is_counted_from_when_it_began_and_anew_after_a_start() -> None:
    """A confirmed stop ends it; while nothing ran, nothing could be heard."""
    session = patient(10)
    begun = session.now
    session.wait(8)
    assert {KEY: begun} == session.trader.unprotected
    session.tell(Started("again"))
    session.wait(8)
    assert [] == session.placed(Leg.FLATTEN)
    session.accept(session.placed(Leg.STOP)[-1])
    assert {} == session.trader.unprotected
    session.wait(20)
    assert [] == session.placed(Leg.FLATTEN)


def test_what_should_rest_is_told_with_what_is_confirmed() -> None:
    """For each position: levels, quantity, the orders that may rest, and those that the venue has said it has."""
    session = Session()
    session.signal()
    session.fill(session.placed(Leg.ENTRY)[0], "2")
    stop, target = session.placed(Leg.STOP)[0], session.placed(Leg.TARGET)[0]
    session.accept(stop)
    found = session.trader.protection[KEY]
    assert (Side.SELL, Decimal(2), Decimal("98.1"), Decimal("105.1"), Decimal(2), 0) == (
        found.side, found.quantity, found.stop, found.target, found.covered, found.since,
    )  # fmt: skip
    assert [stop.client_order_id, target.client_order_id] == [order.client_order_id for order in found.orders]
    assert [stop.client_order_id] == [order.client_order_id for order in found.orders if order.is_confirmed]


def test_a_level_that_moves_is_worth_a_new_order_only_from_so_many_ticks() -> None:
    """A stop half a tick away is the same stop; one that has moved is placed anew before the old one goes."""
    session = Session()
    session.entered()
    rules, params = PERPETUAL, ExecutionParams(replace_ticks=3)
    orders = [order for order in session.trader.orders if order.intent.leg is Leg.STOP]
    held, blotter = session.trader.held(KEY), Blotter()
    cause = Cause("paper", KEY, "signal-1", "signal-1", "skew")
    for level, places in (("98.3", 0), ("98.4", 1), ("97.9", 0), ("97.8", 1)):
        plan = wanted(Guard(cause, Side.SELL, Decimal(level), None), held, rules, orders, blotter, session.now, params)
        assert (places, ()) == (len(plan.places), plan.cancels)


def test_ended_stops_of_a_held_position_are_not_forgotten() -> None:
    """Hundreds of other orders push out what nobody needs: a guard's own ended orders stay, bounded in number."""
    session = Session(TraderParams(risk=RiskParams(max_trades_per_day=10_000)), (PERPETUAL, OTHER))
    session.signal()
    entry = session.placed(Leg.ENTRY)[0]
    for _ in range(30):
        session.fill(entry, "0.1")
        session.accept(session.placed(Leg.STOP)[-1])
        session.settle()
    ended = session.placed(Leg.STOP)[-2]
    for number in range(2, ORDERS_KEPT + 40):
        session.quote(99.9, 100.1, OTHER)
        session.signal(number=number, symbol="ETHUSDT")
        session.expire(session.placed(Leg.ENTRY)[-1])
    assert ORDERS_KEPT >= len(session.trader.orders)
    kept = {order.client_order_id for order in session.trader.orders}
    assert ended.client_order_id in kept
    assert session.placed(Leg.STOP)[0].client_order_id not in kept
    session.fill(entry, "0.1")
    assert 30 == session.placed(Leg.STOP)[-1].generation
