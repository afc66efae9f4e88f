"""The venue's own rules, asked before an order leaves."""

from decimal import Decimal
from typing import Any

import pytest

from petrosa.core.model.refusals import Outcome, Verdict, passed
from petrosa.core.risk.filters import on_grid, order_count, price_band
from petrosa.core.risk.params import RiskParams
from petrosa.core.risk.sizing import Size
from petrosa.errors import ConfigError
from tests.kit.trading import instrument
from tests.unit.core.risk.test_gate import entry, facts

PARAMS = RiskParams()


def said(outcome: Outcome) -> str:
    return "passed" if outcome.verdict is Verdict.PASSED else f"{outcome.saw}; {outcome.limit}"


@pytest.mark.parametrize(
    ("down", "up", "mark", "words"),
    [
        (None, None, None, "passed"),
        ("0.95", "1.05", "100", "passed"),
        ("0.95", "1.05", "95", "price 100.1; 90.25 to 99.75 (BTCUSDT PERCENT_PRICE)"),
        ("0.99", None, "102", "price 100.1; 100.98 to any (BTCUSDT PERCENT_PRICE)"),
        (None, "1.001", "99", "price 100.1; 0 to 99.099 (BTCUSDT PERCENT_PRICE)"),
        ("0.95", "1.05", None, "mark not known; 0.95 to 1.05 × mark (BTCUSDT PERCENT_PRICE)"),
    ],
)
def test_a_price_is_within_the_venues_band(down: str | None, up: str | None, mark: str | None, words: str) -> None:
    """Where the instrument has one; without a mark it refuses."""
    rules = instrument(
        price_multiplier_down=None if down is None else Decimal(down),
        price_multiplier_up=None if up is None else Decimal(up),
    )
    known = facts(mark=None if mark is None else Decimal(mark))
    assert words == said(price_band(entry(rules=rules), known, PARAMS))


@pytest.mark.parametrize(
    ("limits", "alive", "words"),
    [
        ({}, (500, 500), "passed"),
        ({"max_orders": 3}, (0, 0), "passed"),
        ({"max_orders": 3}, (1, 0), "4 orders, 2 of them conditional, with this entry; 3 orders, any conditional"),
        ({"max_conditional_orders": 10}, (20, 8), "passed"),
        ({"max_conditional_orders": 10}, (20, 9), "23 orders, 11 of them conditional, with this entry; any orders, 10"),
    ],
)
def test_there_is_room_for_an_entry_and_what_rests_behind_it(
    limits: dict[str, int], alive: tuple[int, int], words: str
) -> None:
    """An entry without room for its stop would leave a position bare."""
    known = facts(orders=alive[0], conditional_orders=alive[1])
    assert said(order_count(entry(rules=instrument(**limits)), known, PARAMS)).startswith(words)


def test_a_size_off_the_grid_does_not_leave() -> None:
    """Sizing rounds; this proves it before the venue does."""
    for quantity, words in (("0.005", "passed"), ("0.0055", "0.0055 at 100.1; step 0.001 (LOT_SIZE), tick 0.1")):
        size = Size(Decimal(quantity), Decimal(1), passed("sizing"))
        assert said(on_grid(size, entry(), facts(), PARAMS)).startswith(words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"price_multiplier_down": Decimal("1.1")}, "price multipliers 1.1 and None"),
        ({"price_multiplier_up": Decimal("0.9")}, "price multipliers None and 0.9"),
        ({"max_orders": 0}, "max_orders = 0"),
        ({"max_conditional_orders": -1}, "max_conditional_orders = -1"),
    ],
)
def test_filters_that_cannot_be_are_errors_of_configuration(changes: dict[str, Any], words: str) -> None:
    """The message names the instrument, the value and what it must be."""
    with pytest.raises(ConfigError, match=words):
        instrument(**changes)
