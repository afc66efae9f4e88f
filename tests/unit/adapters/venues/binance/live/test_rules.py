"""exchangeInfo and commissions, filter by filter."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.venues.binance.live.rules import (
    FINEST,
    STANDARD,
    UNBOUNDED,
    commission,
    read_commission,
    read_rules,
    with_fees,
)
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.errors import DataError
from tests.kit.soak import examples

PRICE = {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"}
LOT = {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9000", "stepSize": "0.001"}


def symbol(*filters: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
        "isSpotTradingAllowed": True, "filters": [PRICE, LOT, *filters],
    } | changes  # fmt: skip


def read(*symbols: dict[str, Any], market: str = "spot") -> list[Instrument]:
    return list(read_rules(market, json.dumps({"symbols": symbols}).encode()).values())


@pytest.mark.parametrize(
    ("filters", "field", "value"),
    [
        ([], "tick", "0.01"), ([], "step", "0.001"), ([], "min_quantity", "0.001"), ([], "max_quantity", "9000"),
        ([], "min_notional", "0"), ([], "max_orders", None), ([], "max_conditional_orders", None),
        ([], "price_multiplier_up", None), ([], "price_multiplier_down", None),
        ([{"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "162.41903995", "stepSize": "0"}],
         "max_quantity", "162.419"),
        ([{"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "0", "stepSize": "0"}], "max_quantity", "9000"),
        ([{"filterType": "MARKET_LOT_SIZE", "minQty": "0.0015", "maxQty": "9", "stepSize": "0"}],
         "min_quantity", "0.002"),
        ([{"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "9", "stepSize": "0.01"}], "step", "0.01"),
        ([{"filterType": "NOTIONAL", "minNotional": "5", "maxNotional": "9000000"}], "min_notional", "5"),
        ([{"filterType": "MIN_NOTIONAL", "minNotional": "10"}], "min_notional", "10"),
        ([{"filterType": "MIN_NOTIONAL", "notional": "50"}], "min_notional", "50"),
        ([{"filterType": "PERCENT_PRICE", "multiplierUp": "1.05", "multiplierDown": "0.95"}],
         "price_multiplier_up", "1.05"),
        ([{"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "1.2", "bidMultiplierDown": "0.2",
           "askMultiplierUp": "5", "askMultiplierDown": "0.8"}], "price_multiplier_up", "1.2"),
        ([{"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "1.2", "bidMultiplierDown": "0.2",
           "askMultiplierUp": "5", "askMultiplierDown": "0.8"}], "price_multiplier_down", "0.8"),
        ([{"filterType": "PERCENT_PRICE", "multiplierUp": "0", "multiplierDown": "0"}], "price_multiplier_up", None),
        ([{"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200}], "max_orders", 200),
        ([{"filterType": "MAX_NUM_ORDERS", "limit": "200"}], "max_orders", 200),
        ([{"filterType": "MAX_NUM_ORDERS", "limit": 0}], "max_orders", None),
        ([{"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5}], "max_conditional_orders", 5),
        ([{"filterType": "ICEBERG_PARTS", "limit": 10}, {"filterType": "SOMETHING_NEW"}], "max_orders", None),
    ],
)  # fmt: skip
def test_each_filter_is_read(filters: list[dict[str, Any]], field: str, value: Any) -> None:
    (found,) = read(symbol(*filters))
    assert (Decimal(value) if isinstance(value, str) else value) == getattr(found, field)


def test_filters_that_are_switched_off_bound_nothing() -> None:
    off = [{k: v if k == "filterType" else "0" for k, v in one.items()} for one in (PRICE, LOT)]
    (found,) = read(symbol(filters=off))
    assert (FINEST, FINEST, FINEST, UNBOUNDED) == (
        found.tick, found.step, found.min_quantity, found.max_quantity
    )  # fmt: skip


@pytest.mark.parametrize(
    ("market", "changes"),
    [
        ("spot", {"status": "BREAK"}), ("spot", {"status": "HALT"}), ("spot", {"status": "CANCEL_ONLY"}),
        ("spot", {"isSpotTradingAllowed": False}), ("usdm", {"status": "SETTLING", "contractType": "PERPETUAL"}),
        ("usdm", {"contractType": "CURRENT_QUARTER"}), ("usdm", {}),
    ],
)  # fmt: skip
def test_what_is_not_traded_now_is_left_out(market: str, changes: dict[str, Any]) -> None:
    traded = symbol(symbol="ETHUSDT", contractType="PERPETUAL", marginAsset="USDT")
    assert ["ETHUSDT"] == [one.symbol for one in read(symbol(**changes), traded, market=market)]


def test_each_market_has_its_kind_of_instrument() -> None:
    (spot,) = read(symbol())
    (usdm,) = read(symbol(contractType="PERPETUAL", marginAsset="USDC"), market="usdm")
    assert ("binance:spot:BTCUSDT", False, "USDT") == (spot.id, spot.short_allowed, spot.settle)
    assert ("binance:usdm:BTCUSDT", True, "USDC") == (usdm.id, usdm.short_allowed, usdm.settle)
    assert (STANDARD["spot"], STANDARD["usdm"]) == (
        (spot.maker_fee_rate, spot.taker_fee_rate), (usdm.maker_fee_rate, usdm.taker_fee_rate)
    )  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [
        symbol({"filterType": "PERCENT_PRICE", "multiplierUp": "0.5", "multiplierDown": "0.1"}),
        symbol({"filterType": "NOTIONAL", "minNotional": "-5"}),
        symbol({"filterType": "NOTIONAL", "minNotional": "NaN"}),
        symbol({"filterType": "MARKET_LOT_SIZE", "maxQty": "0.0001"}),
        symbol({"minNotional": "5"}),
        {"symbol": "BTCUSDT"},
    ],
)
def test_rules_that_make_no_sense_are_no_rules(broken: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        read(broken)


GRID = st.sampled_from(["1", "0.1", "0.001", "0.00001", "5", "0.25", "1000"]).map(Decimal)
SIZE = st.decimals("0.0001", "100000", places=8)


@examples(100)
@given(step=GRID, least=SIZE, most=SIZE, market_most=SIZE)
def test_the_least_and_the_most_are_on_the_step_and_inside_the_filter(
    step: Decimal, least: Decimal, most: Decimal, market_most: Decimal
) -> None:
    lot = {"filterType": "LOT_SIZE", "minQty": str(least), "maxQty": str(most), "stepSize": str(step)}
    market = {"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": str(market_most), "stepSize": "0"}
    bound = min(most, market_most)
    if bound < step:
        with pytest.raises(DataError):
            read(symbol(filters=[PRICE, lot, market]))
        return
    (found,) = read(symbol(filters=[PRICE, lot, market]))
    assert 0 == EXACT.remainder(found.min_quantity, step) == EXACT.remainder(found.max_quantity, step)
    assert least <= found.min_quantity < max(least, step) + step
    assert bound - step < found.max_quantity <= bound


def test_commissions_are_what_is_paid_at_most() -> None:
    """Standard, special and tax together, with the dearer of buying and selling; a BNB discount is left aside."""
    rates = {"maker": "0.00000010", "taker": "0.00000020", "buyer": "0.00000030", "seller": "0.00000040"}
    body = {
        "symbol": "BTCUSDT", "standardCommission": rates, "specialCommission": rates, "taxCommission": rates,
        "discount": {"enabledForAccount": True, "enabledForSymbol": True, "discount": "0.75"},
    }  # fmt: skip
    fees = read_commission("spot", json.dumps(body).encode())
    assert (Decimal("0.0000015"), Decimal("0.0000018")) == fees
    del body["specialCommission"]
    assert (Decimal("0.0000010"), Decimal("0.0000012")) == read_commission("spot", json.dumps(body).encode())
    usdm = b'{"symbol":"BTCUSDT","makerCommissionRate":"-0.0001","takerCommissionRate":"0.0004"}'
    assert (Decimal("-0.0001"), Decimal("0.0004")) == read_commission("usdm", usdm)
    (instrument,) = read(symbol())
    assert fees == (with_fees(instrument, fees).maker_fee_rate, with_fees(instrument, fees).taker_fee_rate)
    assert {"/api/v3/account/commission", "/fapi/v1/commissionRate"} == {
        commission(market, "BTCUSDT").path for market in ("spot", "usdm")
    }  # fmt: skip
