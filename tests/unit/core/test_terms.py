"""The terms of an order: a sentence for everything that cannot be."""

from decimal import Decimal
from typing import Any

import pytest

from petrosa.core.model.base import Side
from petrosa.core.model.orders import OrderType, Place, TimeInForce
from petrosa.core.model.terms import fault_of_terms
from tests.kit.trading import PERPETUAL, SPOT

D = Decimal


@pytest.mark.parametrize(
    ("kind", "given", "fault"),
    [
        ("market", {}, None),
        ("limit", {"price": D("100.1")}, None),
        ("stop", {"trigger_price": D(100)}, None),
        ("take_profit", {"trigger_price": D(100)}, None),
        ("stop_limit", {"price": D(100), "trigger_price": D(100)}, None),
        ("take_profit_limit", {"price": D(100), "trigger_price": D(100)}, None),
        ("trailing_stop", {"callback": D("0.1")}, None),
        ("trailing_stop", {"callback": D("0.001"), "trigger_price": D(100)}, None),
        ("limit", {}, "a limit order needs a price"),
        ("stop_limit", {"trigger_price": D(100)}, "a stop_limit order needs a price"),
        ("take_profit_limit", {"price": D(100)}, "a take_profit_limit order needs a trigger price"),
        ("stop", {}, "a stop order needs a trigger price"),
        ("market", {"price": D(100)}, "a market order takes no limit price, got 100"),
        ("trailing_stop", {"callback": D("0.1"), "price": D(1)}, "a trailing_stop order takes no limit price, got 1"),
        ("limit", {"price": D(100), "trigger_price": D(1)}, "a limit order takes no trigger price, got 1"),
        ("trailing_stop", {}, "a trailing_stop order needs a callback"),
        ("trailing_stop", {"callback": D(0)}, "callback 0 is not a fraction above 0, at most 0.1"),
        ("trailing_stop", {"callback": D("0.1001")}, "callback 0.1001 is not a fraction above 0, at most 0.1"),
        ("trailing_stop", {"callback": D("NaN")}, "callback NaN is not a fraction above 0, at most 0.1"),
        ("trailing_stop", {"callback": D("0.00125")}, "callback 0.00125 is not a multiple of 0.0001 (a basis point)"),
        ("stop", {"trigger_price": D(1), "callback": D("0.1")}, "a stop order takes no callback, got 0.1"),
        ("market", {"time_in_force": TimeInForce.GTX}, "a market order cannot be post-only (GTX)"),
        ("limit", {"price": D("100.05")}, "price 100.05 is not a multiple of the tick 0.1 (BTCUSDT PRICE_FILTER)"),
        ("stop", {"trigger_price": D(-1)}, "trigger price -1 must be above 0"),
        ("limit", {"price": D("1E+40")}, "price 1E+40 is not a multiple of the tick 0.1"),
        ("market", {"quantity": D("Infinity")}, "quantity Infinity must be above 0"),
        ("market", {"quantity": D("0.0005")}, "quantity 0.0005 is not a multiple of the step 0.001 (BTCUSDT LOT_SIZE)"),
    ],
)
def test_what_a_type_needs_and_what_it_takes_none_of(kind: str, given: dict[str, Any], fault: str | None) -> None:
    """Each sentence names the value and the limit."""
    place = Place(**{"side": Side.BUY, "type": OrderType(kind), "quantity": D("0.001"), **given})
    said = fault_of_terms(place, PERPETUAL)
    assert fault is said is None or (fault is not None and str(said).startswith(fault))


def test_on_spot_a_triggered_order_is_not_post_only() -> None:
    """Binance has no such order there; on futures it has, and a plain limit is post-only on both."""
    place = Place(Side.BUY, OrderType.STOP_LIMIT, D(1), D(100), D(100), TimeInForce.GTX)
    assert fault_of_terms(place, PERPETUAL) is None
    assert "a stop_limit order cannot be post-only (GTX) on spot; use GTC, IOC or FOK" == fault_of_terms(place, SPOT)
    assert fault_of_terms(Place(Side.BUY, OrderType.LIMIT, D(1), D(100), None, TimeInForce.GTX), SPOT) is None
