"""The read model counts what happened and remembers the last of it, within bounds."""

from decimal import Decimal

from petrosa.core.model.base import Side
from petrosa.core.model.events import SignalReceived
from petrosa.core.model.orders import (
    Approved,
    BalanceChanged,
    Intent,
    Leg,
    OrderAccepted,
    OrderCanceled,
    OrderRejected,
    OrderStatus,
    OrderType,
    Place,
)
from petrosa.surfaces.readmodel import KEPT, ORDERS_KEPT, ReadModel
from tests.kit.story import ACCOUNT, BTC, ENTRY, SIGNAL, START, filled, refused, story, trade


def told() -> ReadModel:
    model = ReadModel()
    for turn in story():
        model.fold(*turn)
    return model


def test_the_counts_are_those_of_the_story() -> None:
    """One signal, one order, two fills of which one modelled, one refusal by name."""
    model = told()
    assert {"orderbook_skew": 1} == model.signals
    assert {("orderbook_skew", "buy"): 1} == model.signals_by_side
    assert {"cooldown": 1} == model.refusals
    assert {("trade_momentum", "cooldown"): 1} == model.refusals_by_strategy
    assert {"entry": 1} == model.orders_by_leg
    assert (2, 1, {"USDT": Decimal("0.10")}) == (model.fills, model.modelled_fills, model.fees)
    assert ["naked"] == [alarm.name for alarm in model.alarms]
    assert (6, START + 6) == (model.sequence, model.now)


def test_an_order_fills_by_its_fills() -> None:
    """Its status follows the sum of the fills, and a filled order is open no more."""
    model = ReadModel()
    seen = []
    for turn in story():
        model.fold(*turn)
        seen += [(row.status, row.filled) for row in model.orders.values()]
    assert [
        (OrderStatus.SUBMITTED, Decimal(0)),
        (OrderStatus.ACCEPTED, Decimal(0)),
        (OrderStatus.PARTIALLY_FILLED, Decimal("0.001")),
        (OrderStatus.FILLED, Decimal("0.004")),
    ] == seen[:4]
    assert [] == model.open_orders
    assert 1 == model.order_ends["filled"]


def test_a_fill_goes_back_to_its_signal() -> None:
    """Whoever sees a fill can ask which strategy wanted it."""
    assert [("orderbook_skew", "s1")] * 2 == [(row.strategy_id, row.signal_id) for row in told().recent_fills]


def test_a_fill_of_an_unknown_order_is_counted() -> None:
    """Money that moved is never left out, whatever was forgotten."""
    model = ReadModel()
    model.fold(1, START, filled(1, "1"), ())
    assert (1, "") == (model.fills, model.recent_fills[0].strategy_id)


def test_a_late_answer_takes_nothing_back() -> None:
    """Accepted after a fill, cancelled after the end: the order stays what it is."""
    model = told()
    id_ = ENTRY.client_order_id
    model.fold(7, START + 7, OrderAccepted(ACCOUNT, BTC.id, id_, "v1", START, START), ())
    model.fold(8, START + 8, OrderCanceled(ACCOUNT, BTC.id, id_, "late", START, START), ())
    assert OrderStatus.FILLED is model.orders[id_].status


def test_a_rejection_keeps_its_reason() -> None:
    """The venue's words are what a person needs."""
    model = ReadModel()
    model.fold(*story()[0])
    model.fold(2, START, OrderRejected(ACCOUNT, BTC.id, ENTRY.client_order_id, "margin", START, START), ())
    row = model.orders[ENTRY.client_order_id]
    assert (OrderStatus.REJECTED, "margin") == (row.status, row.reason)


def test_signals_of_another_process_and_balances_are_read() -> None:
    """A trading process has both from outside."""
    model = ReadModel()
    model.fold(1, START, SignalReceived(SIGNAL, 7), ())
    model.fold(2, START, BalanceChanged(ACCOUNT, "USDT", Decimal(99), "fee", START, START), ())
    assert ({"orderbook_skew": 1}, {"USDT": Decimal(99)}) == (model.signals, model.balances)


def test_a_year_is_as_big_as_an_hour() -> None:
    """Every row that comes in beyond the bound lets the oldest go; counts go on."""
    model = ReadModel()
    for number in range(KEPT + 50):
        model.fold(number, START + number, trade(START + number), (refused(signal_id=f"s{number}"),))
    assert (KEPT, KEPT + 50) == (len(model.recent_refusals), model.refusals["cooldown"])
    assert "s50" == model.recent_refusals[0].refusal.signal_id


def test_open_orders_are_forgotten_last() -> None:
    """What is over goes first, so that the table of open orders is whole."""
    model = ReadModel()
    for turn in story():
        model.fold(*turn)
    for number in range(ORDERS_KEPT):
        place = Place(Side.SELL, OrderType.STOP, Decimal(1), trigger_price=Decimal(2))
        model.fold(
            number, START, trade(START), (Approved(Intent(f"p{number}", ACCOUNT, BTC.id, Leg.STOP, place, "", "")),)
        )
    assert ORDERS_KEPT == len(model.open_orders) == len(model.orders)
    assert ENTRY.client_order_id not in model.orders
