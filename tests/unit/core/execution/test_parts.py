"""A position on derivatives that is larger than the venue's largest order: several stops and targets are behind it."""

from decimal import Decimal

from petrosa.core.execution.lifecycle import WOULD_TRIGGER
from petrosa.core.model.orders import Intent, Leg
from petrosa.core.model.signals import Action
from tests.kit.trading import Session, instrument, place_of

RULES = instrument(max_quantity=Decimal(30))


def large(extra: str = "50") -> Session:
    """Long 20 or so by an entry, and `extra` more that somebody else bought; the venue has confirmed all stops."""
    session = Session(instruments=(RULES,))
    session.entered()
    session.fill(session.placed(Leg.ENTRY)[0], extra, trade_id="others")
    settled(session)
    return session


def settled(session: Session) -> None:
    for _ in range(4):
        session.settle()


def held(session: Session) -> Decimal:
    return session.trader.held(RULES.id)


def resting(session: Session, leg: Leg) -> list[Intent]:
    """What waits on the venue, in the order in which it left."""
    return [order.intent for order in session.trader.live_orders(RULES.id) if order.intent.leg is leg]


def sizes(session: Session, leg: Leg) -> list[Decimal]:
    return [order.leaves for order in session.trader.live_orders(RULES.id) if order.intent.leg is leg]


def test_stops_and_targets_add_up_to_the_position_and_none_is_too_large() -> None:
    """What rested already stays, and the rest of it is divided."""
    session = large()
    for leg in (Leg.STOP, Leg.TARGET):
        assert held(session) == sum(sizes(session, leg))
        assert max(sizes(session, leg)) <= 30
        assert 3 == len(sizes(session, leg))
    assert {} == session.trader.unprotected


def test_the_ids_of_parts_are_the_same_in_every_run() -> None:
    """A function of cause, generation and attempt."""
    runs = [[intent.client_order_id for intent in large().placed(Leg.STOP, Leg.TARGET)] for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == len(runs[0])


def test_a_target_that_fills_makes_the_stops_smaller_new_before_old() -> None:
    """While the new part is not confirmed nothing is cancelled; then what is too much goes."""
    session = large()
    first = resting(session, Leg.TARGET)[0]
    before = len(session.cancelled())
    session.trigger(first)
    session.fill(first, "5", price="105")
    assert before == len(session.cancelled())
    assert {} == session.trader.unprotected
    settled(session)
    assert held(session) == sum(sizes(session, Leg.STOP))
    assert {} == session.trader.unprotected


def test_stops_that_are_set_off_together_are_left_to_their_work() -> None:
    """Each closes its own part; nothing is placed and nothing cancelled, whatever they have filled."""
    session = large()
    stops, placed = resting(session, Leg.STOP), len(session.placed())
    cancelled = len(session.cancelled())
    for stop in stops:
        session.trigger(stop)
    session.fill(stops[0], "3", price="98")
    session.fill(stops[1], price="98")
    assert (placed, cancelled) == (len(session.placed(Leg.ENTRY, Leg.STOP, Leg.EXIT, Leg.FLATTEN)) + 3, cancelled)
    session.fill(stops[2], price="98")
    session.fill(stops[0], place_of(stops[0]).quantity - 3, price="98")
    settled(session)
    assert (Decimal(0), [], []) == (held(session), sizes(session, Leg.STOP), sizes(session, Leg.TARGET))


def test_a_part_that_the_venue_takes_off_is_followed_by_one_of_its_size() -> None:
    """The others rest on."""
    session = large()
    stop = resting(session, Leg.STOP)[1]
    session.expire(stop, "taken off")
    again = session.placed(Leg.STOP)[-1]
    assert place_of(stop).quantity == place_of(again).quantity
    settled(session)
    assert {} == session.trader.unprotected


def test_parts_that_are_all_refused_are_tried_so_often_and_no_more() -> None:
    """Each failure of a part counts for all; then the position is closed, in slices."""
    session = Session(instruments=(RULES,))
    session.signal()
    session.fill(session.placed(Leg.ENTRY)[0], "80", trade_id="whole")
    tried = 0
    while tried < len(session.placed(Leg.STOP)) and not session.placed(Leg.FLATTEN):
        session.reject(session.placed(Leg.STOP)[tried])
        tried += 1
    assert tried <= 9
    assert "stop_failed" in session.alarms()
    assert Decimal(30) == place_of(session.placed(Leg.FLATTEN)[0]).quantity


def test_a_part_whose_level_is_passed_closes_the_position_at_once() -> None:
    session = Session(instruments=(RULES,))
    session.signal()
    session.fill(session.placed(Leg.ENTRY)[0], "80", trade_id="whole")
    session.reject(session.placed(Leg.STOP)[0], f"{WOULD_TRIGGER}: it is past it")
    assert "level_passed" in session.alarms()
    assert 1 == len(session.placed(Leg.FLATTEN))


def test_a_position_that_shrinks_to_one_order_is_behind_one() -> None:
    """As soon as one covers it all and is confirmed, the others go."""
    session = large("15")
    assert 2 == len(sizes(session, Leg.STOP))
    session.signal(Action.CLOSE, 2)
    session.fill(session.placed(Leg.EXIT)[0], "20", price="99")
    settled(session)
    assert [held(session)] == sizes(session, Leg.STOP)
    assert {} == session.trader.unprotected
