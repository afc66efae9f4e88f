"""What a person allows: sides, symbols, entries and losses a day, additions, margin, a share of the book."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.refusals import Outcome, Verdict, passed
from petrosa.core.risk.facts import Adding, Entry, Facts, Today
from petrosa.core.risk.limits import (
    accumulation,
    daily_loss,
    liquidity_known,
    margin,
    symbol_allowed,
    trades_per_day,
    trading_enabled,
)
from petrosa.core.risk.params import RiskParams
from petrosa.core.risk.sizing import Size
from petrosa.errors import ConfigError
from tests.kit.soak import examples
from tests.kit.trading import SPOT, START
from tests.unit.core.risk.test_gate import entry, facts

SELL, BUY = entry(Side.SELL), entry()
ADDING = Adding(Decimal(98), Decimal(105), 1, START - 301 * NS_PER_SECOND)


def today(loss: str | None = "0", trades: int = 0, equity: str | None = "10000") -> Facts:
    def exact(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    return facts(today=Today(exact(equity), exact(loss), trades))


def said(outcome: Outcome) -> str:
    if outcome.verdict is Verdict.PASSED:
        return "passed"
    return f"{outcome.check}: {outcome.saw}; {outcome.limit}; {outcome.remedy}"


@pytest.mark.parametrize(
    ("asked", "off", "words"),
    [
        (BUY, {"enabled": False}, "risk.enabled = false"),
        (BUY, {"enable_longs": False}, "risk.enable_longs = false"),
        (SELL, {"enable_shorts": False}, "risk.enable_shorts = false"),
        (BUY, {"enable_shorts": False}, "passed"),
        (SELL, {"enable_longs": False}, "passed"),
    ],
)
def test_entries_and_their_sides_can_be_switched_off(asked: Entry, off: dict[str, Any], words: str) -> None:
    """A switch is for its side, and one for both."""
    assert words in said(trading_enabled(asked, facts(), RiskParams(**off)))


@pytest.mark.parametrize("name", ["BTCUSDT", "BTC/USDT:USDT", "paper:usdm:BTCUSDT"])
def test_only_allowed_symbols_are_entered(name: str) -> None:
    """Named as symbol, as ccxt writes it, or as instrument; an empty list allows all."""
    assert "passed" == said(symbol_allowed(BUY, facts(), RiskParams(allowed_symbols=(name, "X"))))
    assert "passed" == said(symbol_allowed(BUY, facts(), RiskParams()))
    refused = said(symbol_allowed(BUY, facts(), RiskParams(allowed_symbols=("ETHUSDT",))))
    assert "symbol_allowed: BTCUSDT; ETHUSDT; add it to risk.allowed_symbols if it may be traded" == refused


def test_a_day_has_so_many_entries() -> None:
    """The next one after that is refused."""
    params = RiskParams(max_trades_per_day=3)
    assert "passed" == said(trades_per_day(BUY, today(trades=2), params))
    assert said(trades_per_day(BUY, today(trades=3), params)).startswith("trades_per_day: 3 since 00:00 UTC; 3; ")


def test_a_days_loss_is_measured_by_what_the_day_began_with() -> None:
    """At the limit it is refused, below it is not, and an unknown loss refuses."""
    assert "passed" == said(daily_loss(BUY, today("499.99"), RiskParams()))
    assert "passed" == said(daily_loss(BUY, today("-3000"), RiskParams()))
    assert said(daily_loss(BUY, today("500"), RiskParams())).startswith(
        "daily_loss: 500.0000 USDT since 00:00 UTC; below 500.0000 USDT; wait for the next day"
    )
    for unknown in (today(None), today(equity=None), today(equity="0")):
        assert said(daily_loss(BUY, unknown, RiskParams())).startswith("daily_loss: not known; below 5.00%")


@examples(100)
@given(
    st.decimals("-1e6", "1e6", places=2), st.decimals("0", "1e6", places=2), st.floats(0.0001, 1), st.integers(1, 10**6)
)
def test_who_has_lost_more_is_never_let_in_before_who_has_lost_less(
    loss: Decimal, more: Decimal, fraction: float, equity: int
) -> None:
    """The gate of the daily loss is monotone: in the loss, and in the limit."""
    params = RiskParams(max_daily_loss_fraction=fraction)
    less = daily_loss(BUY, today(str(loss), equity=str(equity)), params)
    greater = daily_loss(BUY, today(str(loss + more), equity=str(equity)), params)
    stricter = daily_loss(BUY, today(str(loss), equity=str(equity)), RiskParams(max_daily_loss_fraction=fraction / 2))
    for harder in (greater, stricter):
        assert not (harder.verdict is Verdict.PASSED and less.verdict is Verdict.FAILED)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "passed"),
        ({"count": 3}, "accumulation: 3 so far"),
        ({"ts_last": START - 299 * NS_PER_SECOND}, "299.000 s since the last entry; 3 additions, 300 s apart"),
        ({"rival": "buy 0.0900 (signal-1 of skew, tick)"}, "buy 0.0900 (signal-1 of skew, tick) is not weaker"),
    ],
)
def test_an_addition_is_not_one_too_many_nor_too_soon(changes: dict[str, Any], words: str) -> None:
    """Nor by a weaker opinion; an entry that adds to nothing is none."""
    adding = msgspec.structs.replace(ADDING, **changes)
    assert words in said(accumulation(BUY, facts(adding=adding), RiskParams()))
    assert "passed" == said(accumulation(BUY, facts(), RiskParams(max_accumulations=1)))


def test_margin_for_the_order_and_its_fee_is_free() -> None:
    """At margin_leverage: 1,000 at 10 takes 100 and a fee of 0.5; what positions take is not free."""
    size = Size(Decimal(10), Decimal(1_000), passed("sizing"))
    for collateral, margined, words in (
        ("100.5", "0", "passed"),
        ("100.49", "0", "margin: 100.4900 USDT free; 100.5000 USDT for the order and its fee; close something"),
        ("200.5", "1000", "passed"),
        ("200.49", "1000", "margin: 100.4900 USDT free"),
    ):
        known = facts(collateral=Decimal(collateral), margined=Decimal(margined))
        assert said(margin(size, BUY, known, RiskParams())).startswith(words)
    assert said(margin(size, BUY, facts(margined=None), RiskParams())).startswith("margin: not known")


def test_on_spot_all_of_it_is_paid() -> None:
    """Fee included."""
    size = Size(Decimal(10), Decimal(1_000), passed("sizing"))
    asked = entry(rules=SPOT)
    assert "passed" == said(margin(size, asked, facts(spendable=Decimal("1000.5")), RiskParams()))
    refused = said(margin(size, asked, facts(spendable=Decimal("1000.49")), RiskParams()))
    assert refused.startswith("margin: 1000.4900 USDT free; 1000.5000 USDT")


def test_a_share_of_the_book_needs_a_book() -> None:
    """Off it asks nothing; on, a book that shows nothing refuses."""
    share = RiskParams(max_liquidity_fraction=0.1)
    assert "passed" == said(liquidity_known(BUY, facts(liquidity=None), RiskParams()))
    assert "passed" == said(liquidity_known(BUY, facts(liquidity=Decimal(2)), share))
    for nothing in (None, Decimal(0)):
        assert said(liquidity_known(BUY, facts(liquidity=nothing), share)).startswith("liquidity_known: not known")


def test_bounds_of_the_weight_are_in_order() -> None:
    """The least above the largest is an error of configuration."""
    with pytest.raises(ConfigError, match=r"confidence_weight_min = 1 is above confidence_weight_max = 0\.5"):
        RiskParams(confidence_weight_max=0.5)
