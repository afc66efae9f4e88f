"""What exchangeInfo forbids is refused, and what it allows is taken: the filters that are shown are those that act."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.venues.binance.paper.refusals import Refusal, from_engine
from petrosa.adapters.venues.binance.paper.rules import SpotRules, UsdmRules
from petrosa.core.model.base import Side
from tests.kit.paper_venue import SPOT, USDM, rules
from tests.kit.soak import examples

SPOT_RULES = SpotRules(rules()["spot"][SPOT])
USDM_RULES = UsdmRules(rules()["usdm"][USDM])
REFERENCE = Decimal(100)
prices = st.decimals(min_value="0.001", max_value="2000000", places=3)
quantities = st.decimals(min_value="0.0000001", max_value="20000", places=7)


def shown(symbol: dict[str, Any], kind: str, name: str) -> Decimal:
    return Decimal(str(next(one for one in symbol["filters"] if one["filterType"] == kind)[name]))


def is_refused(*checks: Any) -> bool:
    try:
        for check, arguments in checks:
            check(*arguments)
    except Refusal:
        return True
    return False


@examples(100)
@given(price=prices, quantity=quantities)
def test_spot_filters_are_those_of_exchange_info(price: Decimal, quantity: Decimal) -> None:
    """Tick, step, bounds, notional and the distance from the reference price."""
    symbol = SPOT_RULES.describe()
    tick, step = shown(symbol, "PRICE_FILTER", "tickSize"), shown(symbol, "LOT_SIZE", "stepSize")
    allowed = (
        shown(symbol, "PRICE_FILTER", "minPrice") <= price <= shown(symbol, "PRICE_FILTER", "maxPrice")
        and price % tick == 0
        and shown(symbol, "LOT_SIZE", "minQty") <= quantity <= shown(symbol, "LOT_SIZE", "maxQty")
        and quantity % step == 0
        and shown(symbol, "NOTIONAL", "minNotional") <= price * quantity <= shown(symbol, "NOTIONAL", "maxNotional")
        and REFERENCE * shown(symbol, "PERCENT_PRICE_BY_SIDE", "bidMultiplierDown") <= price
        and price <= REFERENCE * shown(symbol, "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp")
    )
    refused = is_refused(
        (SPOT_RULES.check_price, (price,)),
        (SPOT_RULES.check_quantity, (quantity,)),
        (SPOT_RULES.check_value, (quantity, price)),
        (SPOT_RULES.check_distance, (price, REFERENCE)),
    )
    assert allowed is not refused


@examples(100)
@given(price=prices, quantity=quantities, side=st.sampled_from(Side))
def test_usdm_filters_are_those_of_exchange_info(price: Decimal, quantity: Decimal, side: Side) -> None:
    """The same, with the mark price as reference, and only on the side that could do harm."""
    symbol = USDM_RULES.describe()
    up, down = shown(symbol, "PERCENT_PRICE", "multiplierUp"), shown(symbol, "PERCENT_PRICE", "multiplierDown")
    allowed = (
        shown(symbol, "PRICE_FILTER", "minPrice") <= price <= shown(symbol, "PRICE_FILTER", "maxPrice")
        and price % shown(symbol, "PRICE_FILTER", "tickSize") == 0
        and shown(symbol, "LOT_SIZE", "minQty") <= quantity <= shown(symbol, "LOT_SIZE", "maxQty")
        and quantity % shown(symbol, "LOT_SIZE", "stepSize") == 0
        and price * quantity >= shown(symbol, "MIN_NOTIONAL", "notional")
        and (price <= REFERENCE * up if side is Side.BUY else price >= REFERENCE * down)
    )
    refused = is_refused(
        (USDM_RULES.check_price, (price,)),
        (USDM_RULES.check_quantity, (quantity,)),
        (USDM_RULES.check_value, (quantity, price)),
        (USDM_RULES.check_distance, (side, price, REFERENCE)),
    )
    assert allowed is not refused


@pytest.mark.parametrize(
    ("sentence", "spot", "usdm"),
    [("balance is insufficient: needs 1 BTC", -2010, -2019), ("margin is insufficient: needs 1", -2010, -2019),
     ("post-only at 1 would take liquidity at 1", -2010, -5022), ("no price of BTCUSDT has been seen", -2010, -4131),
     ("reduce-only buy of 1 makes nothing smaller", -2010, -2022), ("something new", -1013, -1013)],
)  # fmt: skip
def test_the_engines_no_has_a_number_of_the_venue(sentence: str, spot: int, usdm: int) -> None:
    """Spot and futures use different ones."""
    assert spot == from_engine(sentence, spot=True).code
    assert usdm == from_engine(sentence, spot=False).code
