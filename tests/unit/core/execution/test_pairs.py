"""Stops and targets on spot, where what rests locks the balance."""

from decimal import Decimal
from typing import Any

from petrosa.core.execution.params import ExecutionParams
from petrosa.core.model.base import Side
from petrosa.core.model.commands import PlaceOrder
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.orders import Intent, Leg, OrderType
from petrosa.core.model.signals import Action
from petrosa.core.trader import TraderParams
from tests.kit.trading import Session, instrument, place_of


def spot(**changes: Any) -> Instrument:
    return instrument(market="spot", short_allowed=False, **changes)


def begun(*fills: str, rules: Instrument | None = None, params: TraderParams | None = None) -> Session:
    """A buy on spot that has filled so far; nothing of its protection is confirmed."""
    session = Session(params, (rules or spot(),))
    session.signal()
    for quantity in fills:
        session.fill(session.placed(Leg.ENTRY)[0], quantity)
    return session


def held(session: Session) -> Decimal:
    return session.trader.held(session.rules.id)


def pairs(session: Session) -> list[tuple[Intent, Intent]]:
    """Every pair that left, oldest first."""
    return list(zip(session.placed(Leg.STOP), session.placed(Leg.TARGET), strict=True))


def cancelled(session: Session) -> list[str]:
    """The stops and targets that were asked to go, in order."""
    entries = [entry.client_order_id for entry in session.placed(Leg.ENTRY)]
    return [name for name in session.cancelled() if name not in entries]


def confirm(session: Session) -> None:
    """The venue has all that was placed."""
    for order in session.trader.live_orders(session.rules.id):
        if not order.is_confirmed:
            session.accept(order.intent)


def taken_off(session: Session) -> None:
    """The venue takes off the pairs that were asked to go or are replaced, both legs of each."""
    for order in list(session.trader.live_orders(session.rules.id)):
        if order.cancels or order.replaced_by:
            session.canceled(order.client_order_id)


def resting(session: Session) -> Decimal:
    """The quantity that lists lock."""
    lists = {o.place.list_id: o.leaves for o in session.trader.live_orders(session.rules.id) if o.place.list_id}
    return sum(lists.values(), Decimal(0))


def test_a_fill_is_followed_by_one_list_of_a_stop_and_a_target() -> None:
    """Both leave in one turn, under one name, for the same quantity, and only conditional market orders are in it."""
    session = begun("2")
    ((stop, target),) = [(place_of(a), place_of(b)) for a, b in pairs(session)]
    assert stop.list_id == target.list_id != ""
    assert (OrderType.STOP, OrderType.TAKE_PROFIT) == (stop.type, target.type)
    assert (Side.SELL, Side.SELL, Decimal(2), Decimal(2)) == (stop.side, target.side, stop.quantity, target.quantity)


def test_a_list_has_the_same_name_in_every_run_and_another_one_each_time() -> None:
    """The name is a function of cause, generation and attempt."""
    names = [[place_of(stop).list_id for stop, _ in pairs(begun("2", "2"))] for _ in range(2)]
    assert names[0] == names[1]
    assert 2 == len(set(names[0]))


def test_what_is_kept_of_the_bought_asset_as_fee_is_not_sold() -> None:
    """Sellable is what was filled less the commission, rounded down to the step."""
    session = Session(instruments=(spot(),))
    session.signal()
    session.fill(session.placed(Leg.ENTRY)[0], "2", fee="0.0015", fee_asset="BTC")
    assert Decimal("1.998") == place_of(session.placed(Leg.STOP)[0]).quantity == resting(session)


def test_a_growing_position_gets_one_more_pair_and_nothing_is_cancelled() -> None:
    """What rests stays; the pairs add up to what is held."""
    session = begun("2")
    confirm(session)
    session.fill(session.placed(Leg.ENTRY)[0], "3")
    assert [Decimal(2), Decimal(3)] == [place_of(stop).quantity for stop, _ in pairs(session)]
    assert [] == cancelled(session)
    confirm(session)
    assert {} == session.trader.unprotected
    assert Decimal(5) == resting(session)


def test_an_addition_too_small_to_rest_is_joined_with_what_rests() -> None:
    """The pair goes first, since its balance is locked; one for the whole follows when the venue has confirmed that."""
    session = begun("2")
    confirm(session)
    session.fill(session.placed(Leg.ENTRY)[0], "0.01")
    (_, target), *more = pairs(session)
    assert ([target.client_order_id], []) == (cancelled(session), more)
    taken_off(session)
    assert Decimal("2.01") == place_of(pairs(session)[-1][0]).quantity == resting(session)
    assert session.rules.id in session.trader.unprotected


def test_a_venue_without_room_for_another_pair_gets_one_for_the_whole() -> None:
    """Five conditional orders are two pairs."""
    session = begun("1", "1", rules=spot(max_conditional_orders=5))
    confirm(session)
    session.fill(session.placed(Leg.ENTRY)[0], "1")
    assert 2 == len(cancelled(session))
    taken_off(session)
    confirm(session)
    assert [Decimal(1), Decimal(1), Decimal(3)] == [place_of(stop).quantity for stop, _ in pairs(session)]
    assert {} == session.trader.unprotected


def test_a_position_larger_than_an_order_rests_in_several_pairs() -> None:
    """None of them larger than the venue allows, none too small to rest."""
    session = begun("70", rules=spot(max_quantity=Decimal(30)))
    parts = [place_of(stop).quantity for stop, _ in pairs(session)]
    assert [Decimal("23.334"), Decimal("23.333"), Decimal("23.333")] == parts
    confirm(session)
    assert {} == session.trader.unprotected


def test_a_position_too_small_to_rest_anything_is_closed_after_the_bound() -> None:
    """Nothing is sent that the venue must refuse; the rest of the entry may come until then."""
    session = begun("0.02")
    assert [] == pairs(session)
    session.wait(15)
    assert Decimal("0.02") == place_of(session.placed(Leg.FLATTEN)[0]).quantity
    assert "naked_position" in session.alarms()


def test_a_shrinking_position_has_the_larger_pair_replaced_cancel_first() -> None:
    """What was sold elsewhere cannot be sold again: the pair goes, and one of the size follows its confirmation."""
    session = begun("5")
    confirm(session)
    session.signal(Action.CLOSE, 2)
    taken_off(session)
    session.fill(session.placed(Leg.EXIT)[0], "5", price="99")
    assert (Decimal(0), []) == (held(session), list(session.trader.live_orders(session.rules.id)))
    session = begun("2", "3")
    confirm(session)
    first = session.placed(Leg.STOP)[0]
    session.fill(first, "2", price="98")  # its target is not told of yet
    assert Decimal(3) == held(session)
    assert [session.placed(Leg.TARGET)[0].client_order_id] == cancelled(session)


def test_a_leg_that_is_set_off_may_take_the_other_with_it_in_any_order_of_news() -> None:
    """The end of one leg is no failure while the other works: nothing is placed, nothing is cancelled."""
    for filled, other in ((Leg.STOP, Leg.TARGET), (Leg.TARGET, Leg.STOP)):
        session = begun("2")
        confirm(session)
        at_work, gone = session.placed(filled)[0], session.placed(other)[0]
        session.expire(gone, "the other leg was set off")
        session.trigger(at_work)
        session.fill(at_work, "1", price="98")
        assert (1, [], {}) == (len(pairs(session)), cancelled(session), session.trader.unprotected)
        session.fill(at_work, "1", price="98")
        assert (Decimal(0), [], []) == (held(session), cancelled(session), session.alarms())


def test_a_list_that_is_refused_is_tried_again_then_without_its_target_then_not_at_all() -> None:
    """A target that cannot rest is not worth a stop; a stop that cannot rest is not worth a position."""
    session = begun("2")
    for attempt in range(3):
        stop, target = pairs(session)[-1]
        assert (0, attempt) == (stop.generation, stop.attempt)
        session.reject(stop)
        session.reject(target)
    assert ["target_not_resting"] == session.alarms()
    for attempt in range(3):
        alone = session.placed(Leg.STOP)[-1]
        assert ("", attempt) == (place_of(alone).list_id, alone.attempt)
        session.reject(alone)
    assert (6, 3, 1) == tuple(len(session.placed(leg)) for leg in (Leg.STOP, Leg.TARGET, Leg.FLATTEN))
    assert "stop_failed" in session.alarms()


def test_pairs_that_are_all_refused_are_tried_so_often_together_and_no_more() -> None:
    """Each failure of one counts for all of them: they are not tried for ever one after the other."""
    session = begun("70", rules=spot(max_quantity=Decimal(30)))
    tried = 0
    while tried < len(session.placed(Leg.STOP)) and not session.placed(Leg.FLATTEN):
        stop = session.placed(Leg.STOP)[tried]
        for order in list(session.trader.live_orders(session.rules.id)):
            if order.client_order_id == stop.client_order_id or order.place.list_id == place_of(stop).list_id != "":
                session.reject(order.intent)
        tried += 1
    assert tried <= 18
    assert "stop_failed" in session.alarms()


def test_a_list_whose_level_is_passed_already_is_not_tried_again() -> None:
    """Whichever leg it is: the price that the position was to be closed at has been reached."""
    session = begun("2")
    for leg in pairs(session)[0]:
        session.reject(leg, "would trigger immediately: Stop price would trigger immediately.")
    assert (1, Decimal(2)) == (len(pairs(session)), place_of(session.placed(Leg.FLATTEN)[0]).quantity)
    assert ["level_passed"] == session.alarms()


def test_an_exit_takes_the_place_of_the_pair_in_one_request_and_nothing_is_placed_in_between() -> None:
    """Nothing is cancelled: the venue takes the pair off and sells, or does neither."""
    session = begun("2")
    confirm(session)
    session.signal(Action.CLOSE, 2)
    (stop, target), (way_out,) = pairs(session)[0], session.placed(Leg.EXIT)
    assert ([], stop.client_order_id) == (cancelled(session), place_of(way_out).replaces)
    session.canceled(target.client_order_id)
    session.canceled(stop.client_order_id)
    assert (Decimal(2), 1) == (place_of(way_out).quantity, len(pairs(session)))
    session.fill(way_out, price="99")
    assert Decimal(0) == held(session)


def test_a_slice_is_what_its_pair_locked_and_what_nothing_locks() -> None:
    """Two pairs of 2 and 3: two slices of 2 and 3."""
    session = begun("2", "3")
    confirm(session)
    session.signal(Action.CLOSE, 2)
    first = session.placed(Leg.EXIT)[-1]
    taken_off(session)
    session.fill(first, price="99")
    second = session.placed(Leg.EXIT)[-1]
    assert [Decimal(2), Decimal(3)] == [place_of(one).quantity for one in (first, second)]
    assert [place_of(one).replaces for one in (first, second)] == [stop.client_order_id for stop, _ in pairs(session)]


def test_a_pair_that_is_not_confirmed_is_cancelled_before_the_exit_leaves() -> None:
    """A venue that has not said that it has it could not replace it."""
    session = begun("2")
    session.signal(Action.CLOSE, 2)
    stop, target = pairs(session)[0]
    assert ([target.client_order_id], []) == (cancelled(session), session.placed(Leg.EXIT))
    session.canceled(target.client_order_id)
    assert [] == session.placed(Leg.EXIT)
    session.canceled(stop.client_order_id)
    (way_out,) = session.placed(Leg.EXIT)
    assert ("", Decimal(2)) == (place_of(way_out).replaces, place_of(way_out).quantity)


def test_a_leg_that_the_venue_leaves_is_cancelled_by_itself() -> None:
    """Where two orders are not linked, the stop is the last to go."""
    session = begun("2")
    session.signal(Action.CLOSE, 2)
    stop, target = pairs(session)[0]
    session.canceled(target.client_order_id)
    session.wait(5)
    assert [target.client_order_id, stop.client_order_id] == cancelled(session)


def test_an_exit_that_is_refused_leaves_the_pair_where_it_is_and_is_tried_another_way() -> None:
    """Where the venue could not take the pair off it placed nothing; one that replaces no list will not do so later."""
    session = begun("2")
    confirm(session)
    session.signal(Action.CLOSE, 2)
    session.reject(session.placed(Leg.EXIT)[0], "-2022: Order cancel-replace failed.")
    assert ({}, 1) == (session.trader.unprotected, len(pairs(session)))
    session.wait(1)
    assert ([pairs(session)[0][1].client_order_id], 1) == (cancelled(session), len(session.placed(Leg.EXIT)))
    taken_off(session)
    assert (1, 2) == (len(pairs(session)), len(session.placed(Leg.EXIT)))
    assert "" == place_of(session.placed(Leg.EXIT)[1]).replaces
    session.fill(session.placed(Leg.EXIT)[1], price="99")
    assert (Decimal(0), []) == (held(session), session.alarms())


def test_a_pair_that_went_for_an_exit_that_was_refused_rests_again_at_once() -> None:
    """However often: to have been replaced is no failure of a pair, and the next exit takes its place in turn."""
    session = begun("2")
    confirm(session)
    session.signal(Action.CLOSE, 2)
    for tries in range(1, 6):
        taken_off(session)
        session.reject(session.placed(Leg.EXIT)[-1], "-2021: Order cancel-replace partially failed.")
        assert (tries + 1, tries) == (len(pairs(session)), len(session.placed(Leg.EXIT)))
        confirm(session)
        assert {} == session.trader.unprotected
        session.wait(60)
    taken_off(session)
    session.fill(session.placed(Leg.EXIT)[-1], price="99")
    assert (Decimal(0), "unprotected_position" in session.alarms()) == (held(session), False)


def test_protection_rests_again_while_nobody_knows_of_an_exit() -> None:
    """If the exit has sold, the venue refuses it; if it has not, the position is not bare until somebody knows."""
    session = begun("2")
    confirm(session)
    session.signal(Action.CLOSE, 2)
    taken_off(session)
    (way_out,) = session.placed(Leg.EXIT)
    session.wait(1)
    assert (2, 1) == (len(pairs(session)), len(session.placed(Leg.EXIT)))
    session.fill(way_out, price="99")
    for leg in pairs(session)[1]:
        session.reject(leg)
    assert (Decimal(0), 2) == (held(session), len(pairs(session)))


def test_a_pair_of_which_nobody_knows_whether_it_was_replaced_is_left_alone() -> None:
    """It rests as far as anybody has said, and the exit may have sold: nothing is placed and nothing cancelled."""
    session = begun("2")
    confirm(session)
    session.signal(Action.CLOSE, 2)
    session.wait(4)
    assert ("order_unknown" in session.alarms(), 1, []) == (True, len(pairs(session)), cancelled(session))
    session.reject(session.placed(Leg.EXIT)[0], "never reached the venue")
    session.wait(1)
    taken_off(session)
    session.fill(session.placed(Leg.EXIT)[1], price="99")
    assert (Decimal(0), 2) == (held(session), len(session.placed(Leg.EXIT)))


def test_an_exit_does_not_wait_for_ever_for_what_locks_the_balance() -> None:
    """After the deadline of an answer it leaves; the venue refuses it or not."""
    session = begun("2")
    session.signal(Action.CLOSE, 2)
    session.wait(4)
    assert [] == session.placed(Leg.EXIT)
    session.wait(1)
    assert 1 == len(session.placed(Leg.EXIT))


def test_a_limit_order_by_hand_that_has_begun_to_fill_makes_way_for_an_exit() -> None:
    """It may rest for ever, and locks what the exit has to sell."""
    session = begun("2")
    confirm(session)
    terms = {"type": OrderType.LIMIT, "quantity": Decimal(1), "price": Decimal(101), "reduce_only": True}
    command = PlaceOrder("hand-1", "a person", "a test", session.rules.id, Side.SELL, **terms)
    session.tell(command)
    (by_hand,) = session.placed(Leg.MANUAL)
    session.accept(by_hand)
    session.fill(by_hand, "0.4", price="101")
    confirm(session)
    session.signal(Action.CLOSE, 2)
    replaced = []
    for _ in range(2):
        way_out = session.placed(Leg.EXIT)[-1]
        replaced.append(place_of(way_out).replaces)
        taken_off(session)
        session.fill(way_out, price="99")
    assert (Decimal(0), True) == (held(session), by_hand.client_order_id in replaced)


def test_a_stop_that_is_selling_already_is_not_cancelled_by_an_exit() -> None:
    """It does what the exit would."""
    session = begun("2")
    confirm(session)
    stop, target = pairs(session)[0]
    session.trigger(stop)
    session.expire(target)
    session.signal(Action.CLOSE, 2)
    session.fill(stop, price="98")
    assert ([], [], Decimal(0)) == (cancelled(session), session.placed(Leg.EXIT), held(session))


def test_a_pair_without_an_answer_is_placed_anew_and_whichever_comes_second_is_refused() -> None:
    """After as long as a position may be without a stop: the balance is locked once."""
    session = begun("2")
    session.wait(2)
    assert 1 == len(pairs(session))
    session.wait(1)
    (first, second) = pairs(session)
    assert ({Decimal(2)}, []) == ({place_of(leg).quantity for leg in second}, cancelled(session))
    for leg in second:
        session.accept(leg)
    for leg in first:
        session.reject(leg, "Account has insufficient balance for requested action.")
    session.wait(60)
    assert ({}, 2, []) == (session.trader.unprotected, len(pairs(session)), cancelled(session))


def test_a_pair_that_rests_after_all_where_the_wallet_holds_more_ends_the_newer_one() -> None:
    """Both were taken: one of them goes as soon as that is known."""
    session = begun("2")
    session.wait(3)
    confirm(session)
    assert [pairs(session)[1][1].client_order_id] == cancelled(session)
    taken_off(session)
    assert (Decimal(2), {}) == (resting(session), session.trader.unprotected)


def test_pairs_that_are_never_answered_are_tried_so_often_and_then_the_position_is_closed() -> None:
    session = begun("2", params=TraderParams(execution=ExecutionParams(flatten_unprotected_seconds=8)))
    session.wait(7)
    assert (3, []) == (len(pairs(session)), cancelled(session))
    session.wait(1)
    assert "naked_position" in session.alarms()
    taken_off(session)
    assert 1 == len(session.placed(Leg.FLATTEN))
