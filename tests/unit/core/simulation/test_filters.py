"""The simulated venue's rules for prices far from the market."""

from decimal import Decimal

import pytest

from petrosa.core.model.base import Side
from petrosa.core.model.orders import OrderType, Place
from petrosa.core.simulation.filters import broken_rule
from tests.kit.trading import instrument

BANDED = instrument(price_multiplier_down=Decimal("0.9"), price_multiplier_up=Decimal("1.1"))


@pytest.mark.parametrize(
    ("price", "reference_ticks", "rule"),
    [
        ("90.0", 1_000, None),
        ("110.0", 1_000, None),
        ("89.9", 1_000, "price 89.9 < 0.9 × 100.0 (BTCUSDT PERCENT_PRICE)"),
        ("110.1", 1_000, "price 110.1 > 1.1 × 100.0 (BTCUSDT PERCENT_PRICE)"),
        ("500.0", 0, None),
    ],
)
def test_a_limit_outside_the_band_is_rejected(price: str, reference_ticks: int, rule: str | None) -> None:
    """Where the instrument has a band and a reference price is known."""
    place = Place(Side.BUY, OrderType.LIMIT, Decimal(1), Decimal(price))
    assert rule == broken_rule(place, BANDED, reference_ticks)
    assert broken_rule(place, instrument(), reference_ticks) is None
