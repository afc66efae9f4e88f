"""Orders by hand: what may leave, as it was asked for, what rests behind it, and every reason why not."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.commands import CancelOrder, PauseEntries, PlaceOrder
from petrosa.core.model.events import DayOpened, Decision, SignalAgreed
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Approved, Leg, OrderType, Reducing, TimeInForce, client_order_id_of
from petrosa.core.model.refusals import Refused, Verdict
from petrosa.core.model.signals import Action
from petrosa.core.risk.params import RiskParams
from petrosa.core.signals.params import SameDirection, SignalParams
from petrosa.core.trader import TraderParams
from tests.kit.trading import PERPETUAL, SPOT, Session, place_of

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
ADDING = TraderParams(
    signals=SignalParams(same_direction=SameDirection.ACCUMULATE), risk=RiskParams(accumulation_cooldown_seconds=0)
)


def order(session: Session, number: int = 1, **given: Any) -> Sequence[Decision]:
    """Ask for an order: a market buy of 1 unless told otherwise. Numbers may be texts.

    What is decided about it; that a day has begun is not about it.
    """
    exact = ("quantity", "price", "trigger_price", "callback", "stop_loss", "take_profit")
    fields: dict[str, Any] = {
        "command_id": f"c{number}", "actor": "ann", "reason": "asked", "instrument": session.rules.id,
        "side": BUY, "type": OrderType.MARKET, "quantity": "1", **given,
    }  # fmt: skip
    command = PlaceOrder(**{name: D(one) if name in exact else one for name, one in fields.items()})
    return [decision for decision in session.tell(command) if not isinstance(decision, DayOpened)]


def cancel(session: Session, client_order_id: str, number: int = 9) -> Sequence[Decision]:
    return session.tell(CancelOrder(f"c{number}", "ann", "asked", client_order_id))


def refused(decisions: Sequence[Decision]) -> Refused:
    """The one decision, which is a no."""
    (only,) = decisions
    assert isinstance(only, Refused)
    return only


def protected(session: Session) -> dict[Leg, tuple[Side, Decimal, Decimal | None]]:
    """What rests behind the position, as (side, quantity, trigger)."""
    found = [o for o in session.trader.live_orders(session.rules.id) if o.intent.leg in (Leg.STOP, Leg.TARGET)]
    return {o.intent.leg: (o.side, o.place.quantity, o.place.trigger_price) for o in found}


@pytest.mark.parametrize(
    ("given", "levels"),
    [
        ({}, ("98.1", "105.1")),
        ({"stop_loss": "99", "take_profit": "103"}, ("99", "103")),
        ({"type": OrderType.LIMIT, "price": "99.0"}, ("97.1", "103.9")),
        ({"type": OrderType.LIMIT, "price": "99.0", "time_in_force": TimeInForce.GTX}, ("97.1", "103.9")),
        ({"type": OrderType.STOP, "trigger_price": "102.0"}, ("100.0", "107.1")),
        ({"type": OrderType.STOP_LIMIT, "trigger_price": "102.0", "price": "102.1"}, ("100.0", "107.1")),
        ({"type": OrderType.TAKE_PROFIT, "trigger_price": "98.0"}, ("96.1", "102.9")),
        ({"type": OrderType.TAKE_PROFIT_LIMIT, "trigger_price": "98.0", "price": "98.0"}, ("96.1", "102.9")),
    ],
)
def test_an_order_leaves_as_it_was_asked_for_and_is_protected_when_it_fills(
    given: dict[str, Any], levels: tuple[str, str]
) -> None:
    """By the gate, with its own id; the stop and the target are those given, or the default distances."""
    session = Session()
    agreed, approved, *_ = order(session, **given)
    assert isinstance(agreed, SignalAgreed)
    assert isinstance(approved, Approved)
    intent, place = approved.intent, place_of(approved.intent)
    assert (Leg.MANUAL, "manual", "c1") == (intent.leg, intent.strategy_id, intent.signal_id)
    assert client_order_id_of("paper", "c1", Leg.MANUAL) == intent.client_order_id
    assert (BUY, given.get("type", OrderType.MARKET), D(1), False) == (
        place.side, place.type, place.quantity, place.reduce_only
    )  # fmt: skip
    for name in ("price", "trigger_price"):
        assert (D(given[name]) if name in given else None) == getattr(place, name)
    assert given.get("time_in_force", TimeInForce.GTC) is place.time_in_force
    session.accept(intent)
    session.fill(intent, price=given.get("price", "100.1"))
    stop, target = levels
    assert {Leg.STOP: (SELL, D(1), D(stop)), Leg.TARGET: (SELL, D(1), D(target))} == protected(session)
    assert {"manual": D(1)} == session.trader.by_strategy(PERPETUAL.id)


def test_every_check_stands_in_the_agreement() -> None:
    """Those of the order itself, then those of the gate; all of them passed."""
    session = Session()
    agreed = order(session)[0]
    assert isinstance(agreed, SignalAgreed)
    assert {Verdict.PASSED} == {one.verdict for one in agreed.outcomes}
    names = [one.check for one in agreed.outcomes]
    first = ["instrument_known", "duplicate", "terms", "trigger", "protection", "same_side", "levels", "entries_open"]
    assert first == names[:8]
    assert {"price_sane", "daily_loss", "sizing", "margin"} <= set(names)


@pytest.mark.parametrize(
    ("given", "check", "words"),
    [
        ({"instrument": InstrumentId("paper:usdm:XYZ")}, "instrument_known", "limit paper:usdm:BTCUSDT"),
        ({"type": OrderType.LIMIT}, "terms", "a limit order needs a price"),
        ({"quantity": "0.0001"}, "terms", "not a multiple of the step 0.001"),
        ({"type": OrderType.TRAILING_STOP, "callback": "0.2"}, "terms", "callback 0.2 is not a fraction above 0"),
        ({"type": OrderType.TRAILING_STOP, "callback": "0.01"}, "protection", "a trailing_stop that opens a position"),
        ({"type": OrderType.STOP, "trigger_price": "99"}, "trigger", "limit above the last price 100;"),
        ({"type": OrderType.TAKE_PROFIT, "trigger_price": "101"}, "trigger", "limit below the last price 100;"),
        ({"stop_loss": "100.5"}, "levels", "limit stop below and target above 100.1 to 100.2"),
        ({"take_profit": "100.2"}, "levels", "move take_profit to its side"),
        ({"side": SELL, "stop_loss": "99.5"}, "levels", "stop above and target below"),
        ({"stop_loss": "98.05"}, "protection", "stop_loss 98.05 is not a multiple of the tick 0.1"),
        ({"stop_loss": "1"}, "stop_distance", "99.0020% away, limit stop 0.1000% to 10.0000%"),
        ({"reduce_only": True}, "reduces", "saw flat"),
        ({"reduce_only": True, "stop_loss": "99"}, "protection", "none with reduce_only"),
        ({"type": OrderType.LIMIT, "price": "150"}, "price_sane", "between signal 150 and market 100"),
        ({"quantity": "1000"}, "sizing", "saw quantity 1000, limit at most"),
        ({"quantity": "0.001", "type": OrderType.LIMIT, "price": "99"}, "min_notional", "ask for more, or leave it"),
    ],
)
def test_what_cannot_be_is_refused_with_every_check(given: dict[str, Any], check: str, words: str) -> None:
    """The first failure names it; nothing leaves, and nothing is shrunk to fit."""
    session = Session()
    no = refused(order(session, **given))
    assert check == no.check
    assert words in no.message
    assert ("manual", "c1") == (no.strategy_id, no.signal_id)
    assert [] == session.placed()


def test_the_quantity_is_the_limits_or_nothing() -> None:
    """What the caps leave passes to the last step, and one step more is refused."""
    no = refused(order(Session(), quantity="900"))
    most = no.limit.removeprefix("at most ").partition(" ")[0]
    assert isinstance(order(Session(), quantity=most)[0], SignalAgreed)
    more = str(D(most) + PERPETUAL.step)
    assert "sizing" == refused(order(Session(), quantity=more)).check


def test_an_order_that_opens_waits_for_the_switch_and_one_that_closes_does_not() -> None:
    """Paused: the entry is refused, the exit leaves."""
    session = Session()
    session.entered()
    session.tell(PauseEntries("k", "ann", "news"))
    held = session.trader.held(PERPETUAL.id)
    assert isinstance(order(session, 1, side=SELL, quantity=str(held), reduce_only=True)[1], Reducing)
    flat = Session()
    flat.tell(PauseEntries("k", "ann", "news"))
    assert "entries_open" == refused(order(flat)).check


def test_a_command_that_is_told_twice_places_one_order() -> None:
    """By its id; the second is a duplicate."""
    session = Session()
    order(session)
    assert "duplicate" == refused(order(session)).check
    assert 1 == len(session.placed(Leg.MANUAL))


def test_only_one_thing_is_under_way_on_an_instrument() -> None:
    """A second order that could enlarge waits for the first."""
    session = Session()
    order(session, 1, type=OrderType.LIMIT, price="99")
    assert "order_pending" == refused(order(session, 2)).check


def test_a_position_is_added_to_only_where_positions_are() -> None:
    """With reject_duplicates it is refused; with accumulate it is protected as the position is."""
    refusing, adding = Session(), Session(ADDING)
    for session in (refusing, adding):
        session.entered()
    assert {"order_pending", "existing_position"} & {refused(order(refusing)).check}
    assert "levels" == refused(order(adding, 1, stop_loss="99")).check
    before = protected(adding)[Leg.STOP]
    order(adding, 2)
    entry = adding.placed(Leg.MANUAL)[-1]
    adding.accept(entry)
    adding.fill(entry)
    adding.settle()
    adding.settle()
    assert (before[0], before[1] + 1, before[2]) == protected(adding)[Leg.STOP]


def test_what_would_turn_a_position_is_two_orders() -> None:
    """A sell while long has to say that it closes."""
    session = Session()
    session.entered()
    no = refused(order(session, side=SELL))
    assert "same_side" == no.check
    assert "reduce_only" in no.message


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"type": OrderType.LIMIT, "price": "101.0"},
        {"type": OrderType.STOP, "trigger_price": "99.0"},
        {"type": OrderType.STOP_LIMIT, "trigger_price": "99.0", "price": "98.9"},
        {"type": OrderType.TAKE_PROFIT, "trigger_price": "101.0"},
        {"type": OrderType.TAKE_PROFIT_LIMIT, "trigger_price": "101.0", "price": "101.0"},
        {"type": OrderType.TRAILING_STOP, "callback": "0.01"},
        {"type": OrderType.TRAILING_STOP, "callback": "0.01", "trigger_price": "101.0"},
    ],
)
def test_every_type_can_make_a_position_smaller(given: dict[str, Any]) -> None:
    """Half of it; the stop is as large as what is left."""
    session = Session()
    session.entered()
    held = session.trader.held(PERPETUAL.id)
    half = PERPETUAL.quantity(held / 2)
    decided = order(session, side=SELL, quantity=str(half), reduce_only=True, **given)
    reducing = decided[1]
    assert isinstance(reducing, Reducing)
    place = place_of(reducing.intent)
    assert (SELL, half, True) == (place.side, place.quantity, place.reduce_only)
    session.accept(reducing.intent)
    session.fill(reducing.intent, price="101")
    session.settle()
    session.settle()
    assert held - half == session.trader.held(PERPETUAL.id)
    assert held - half == protected(session)[Leg.STOP][1]


def test_two_orders_that_close_are_not_more_than_what_is_held() -> None:
    """The second may only have what the first leaves."""
    session = Session()
    session.entered()
    held = session.trader.held(PERPETUAL.id)
    order(session, 1, side=SELL, quantity=str(held), reduce_only=True, type=OrderType.LIMIT, price="101")
    no = refused(order(session, 2, side=SELL, quantity="0.001", reduce_only=True))
    assert "reduces" == no.check
    assert f"at most 0.000: {held} held, {held} in other orders" in no.message
    buy = refused(order(session, 3, quantity="0.001", reduce_only=True))
    assert "limit a sell" in buy.message


def test_an_order_that_closes_goes_with_the_position() -> None:
    """The stop fills: what somebody placed to close it by hand is taken off, whatever the venue does with it."""
    session = Session()
    session.entered()
    held = session.trader.held(PERPETUAL.id)
    order(session, side=SELL, quantity=str(held), reduce_only=True, type=OrderType.LIMIT, price="101")
    closing = session.placed(Leg.MANUAL)[-1]
    session.accept(closing)
    session.fill(session.placed(Leg.STOP)[-1], price="98")
    assert closing.client_order_id in session.cancelled()


def test_on_spot_nothing_is_sold_that_is_not_held() -> None:
    """A sell that opens is refused where nothing is lent."""
    session = Session(instruments=(SPOT,))
    assert "no_short" == refused(order(session, side=SELL, quantity="0.1")).check


def test_an_entry_of_any_kind_is_cancelled_when_asked() -> None:
    """One by hand, and a passive one of a signal; the cancel names who and why."""
    session = Session()
    order(session, type=OrderType.LIMIT, price="99")
    (placed,) = session.placed(Leg.MANUAL)
    session.accept(placed)
    agreed, reducing, *_ = cancel(session, placed.client_order_id)
    assert isinstance(agreed, SignalAgreed)
    assert isinstance(reducing, Reducing)
    assert [placed.client_order_id] == session.cancelled()
    assert "order_alive" == refused(cancel(session, placed.client_order_id)).check
    session.canceled(placed.client_order_id)
    assert "saw canceled" in refused(cancel(session, placed.client_order_id)).message


def test_protection_is_not_cancelled_while_something_is_held() -> None:
    """The stop and the target stay; the remedy says what to do instead. Unknown orders are refused too."""
    session = Session()
    session.entered()
    for leg in (Leg.STOP, Leg.TARGET):
        no = refused(cancel(session, session.placed(leg)[-1].client_order_id))
        assert "protects" == no.check
        assert "close the position instead" in no.message
    session.signal(Action.CLOSE, 2)
    exit_id = session.placed(Leg.EXIT)[-1].client_order_id
    assert "protects" == refused(cancel(session, exit_id)).check
    assert "order_known" == refused(cancel(session, "nosuch")).check
    assert [] == session.cancelled()


def test_a_partly_filled_order_is_protected_and_its_rest_can_be_taken_off() -> None:
    """Half of a limit fills: its stop is as large as that half, and cancelling the rest leaves the stop."""
    session = Session()
    order(session, type=OrderType.LIMIT, price="99")
    (placed,) = session.placed(Leg.MANUAL)
    session.accept(placed)
    session.fill(placed, "0.5", price="99")
    session.settle()
    assert (SELL, D("0.5"), D("97.1")) == protected(session)[Leg.STOP]
    cancel(session, placed.client_order_id)
    session.canceled(placed.client_order_id)
    assert D("0.5") == protected(session)[Leg.STOP][1]


def test_a_stale_market_refuses_like_any_entry() -> None:
    """No price is made up: after a minute without a quote nothing opens, and closing goes on."""
    session = Session()
    session.entered()
    held = session.trader.held(PERPETUAL.id)
    session.now += 60 * NS_PER_SECOND
    assert isinstance(order(session, side=SELL, quantity=str(held), reduce_only=True)[0], SignalAgreed)
    late = Session()
    late.now += 60 * NS_PER_SECOND
    assert "price_fresh" == refused(order(late)).check
