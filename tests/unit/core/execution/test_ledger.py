"""Positions, balances and profit from fills."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.execution.ledger import Ledger
from petrosa.core.execution.params import AccountParams
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import BalanceChanged, FundingPaid, Liquidity, OrderFilled
from tests.kit.soak import examples
from tests.kit.trading import PERPETUAL, SPOT, START, instrument

TEN_THOUSAND = {"USDT": Decimal(10_000)}
INVERSE = instrument(
    symbol="BTCUSD_PERP", quote="USD", settle="BTC", inverse=True, contract_size=Decimal(100), step=Decimal(1)
)


def ledger(*instruments: Instrument, balances: dict[str, Decimal] | None = None, currency: str = "USDT") -> Ledger:
    params = AccountParams(balances=TEN_THOUSAND if balances is None else balances, currency=currency)
    return Ledger(params, {rules.id: rules for rules in instruments or (PERPETUAL,)})


def fill(side: Side, quantity: str, price: str, rules: Instrument = PERPETUAL, **more: Any) -> OrderFilled:
    return OrderFilled(
        "paper", rules.id, "p1", more.get("trade_id", "t1"), side, Decimal(quantity), Decimal(price),
        Decimal(more.get("fee", "0")), more.get("fee_asset", "USDT"), Liquidity.TAKER, more.get("at", START), START,
    )  # fmt: skip


def buy(quantity: str, price: str, **more: Any) -> OrderFilled:
    return fill(Side.BUY, quantity, price, **more)


def sell(quantity: str, price: str, **more: Any) -> OrderFilled:
    return fill(Side.SELL, quantity, price, **more)


def test_a_position_grows_at_the_mean_and_shrinks_at_its_entry() -> None:
    """Two buys average; a sell realises gross profit against the average and leaves the entry alone."""
    books = ledger()
    books.fill(buy("1", "100", fee="0.05"), "skew", "s1")
    books.fill(buy("1", "110", fee="0.05"), "skew", "s1")
    after = books.fill(sell("0.5", "120", fee="0.03"), "skew", "s1")
    assert (Decimal("1.5"), Decimal(105), Decimal("7.5")) == (after.quantity, after.entry_price, after.realized)
    assert {"USDT": Decimal("0.13")} == books.fees == after.fees
    assert Decimal(10_000) + Decimal("7.5") - Decimal("0.13") == books.balances["USDT"]


def test_a_position_turns_through_zero_at_the_fills_price() -> None:
    """What closes realises, what is left over opens the other way at the price of the fill, for its strategy."""
    books = ledger()
    books.fill(buy("1", "100"), "skew", "s1")
    after = books.fill(sell("3", "90", at=START + 5), "momentum", "s2")
    assert (Decimal(-2), Decimal(90), Decimal(-10)) == (after.quantity, after.entry_price, after.realized)
    assert (START + 5, "momentum", "s2") == (after.ts_opened, after.strategy_id, after.signal_id)


def test_a_short_earns_when_the_price_falls() -> None:
    """The mirror of a long has the mirror of its profit."""
    long, short = ledger(), ledger()
    long.fill(buy("2", "100"), "", "")
    short.fill(sell("2", "100"), "", "")
    assert Decimal(10) == long.unrealized(PERPETUAL.id, Decimal(105))
    assert Decimal(-10) == short.unrealized(PERPETUAL.id, Decimal(105))
    assert Decimal(10) == short.fill(buy("2", "95"), "", "").realized


def test_fees_stay_apart_by_asset() -> None:
    """A fee in BNB is not added to one in USDT."""
    books = ledger()
    books.fill(buy("1", "100", fee="0.01", fee_asset="BNB"), "", "")
    books.fill(buy("1", "100", fee="0.05"), "", "")
    assert {"BNB": Decimal("0.01"), "USDT": Decimal("0.05")} == books.fees
    assert {"USDT": Decimal("9999.95"), "BNB": Decimal("-0.01")} == books.balances


def test_a_spot_fee_in_base_reduces_what_can_be_sold_and_dust_is_flat() -> None:
    """What the venue keeps is not held; what is left below one step cannot be sold and counts as nothing."""
    books = ledger(SPOT)
    after = books.fill(buy("1", "100", rules=SPOT, fee="0.0015", fee_asset="BTC"), "", "")
    assert (Decimal("0.9985"), Decimal("0.998")) == (after.quantity, books.held(SPOT.id))
    assert {"USDT": Decimal(9_900), "BTC": Decimal("0.9985")} == books.balances
    books.fill(sell("0.998", "100", rules=SPOT), "", "")
    assert (Decimal("0.0005"), Decimal(0)) == (books.positions[SPOT.id].quantity, books.held(SPOT.id))


def test_an_inverse_contract_earns_in_its_base() -> None:
    """100 contracts of 100 USD from 50,000 to 40,000 lose 0.05 BTC; the entry of two prices is their harmonic mean."""
    books = ledger(INVERSE, balances={"BTC": Decimal(1)}, currency="BTC")
    books.fill(buy("50", "50000", rules=INVERSE), "", "")
    assert Decimal("-0.025") == books.fill(sell("50", "40000", rules=INVERSE), "", "").realized
    assert Decimal("0.975") == books.balances["BTC"]
    books.fill(buy("50", "50000", rules=INVERSE), "", "")
    assert Decimal(40_000) == books.fill(buy("150", "37500", rules=INVERSE), "", "").entry_price


def test_what_the_venue_states_overrules_and_is_not_counted_twice() -> None:
    """A statement holds every fill up to its time, whichever of the two is heard first."""
    books = ledger()
    books.fill(buy("1", "100", at=START), "", "")
    books.fill(sell("1", "110", at=START + 1), "", "")
    books.state_balance(BalanceChanged("paper", "USDT", Decimal(20_000), "fill", START + 2, START))
    books.fill(buy("1", "100", fee="1", at=START + 2), "", "")
    assert Decimal(20_000) == books.balances["USDT"]
    books.fill(buy("1", "100", fee="1", at=START + 3), "", "")
    assert Decimal(19_999) == books.balances["USDT"]
    books.state_balance(BalanceChanged("paper", "USDT", Decimal(5), "late", START + 1, START))
    assert Decimal(19_999) == books.balances["USDT"]


def test_funding_is_booked_apart() -> None:
    """What a position pays or gets for being held is neither profit nor fee."""
    books = ledger()
    books.fund(FundingPaid("paper", PERPETUAL.id, "USDT", Decimal(-3), START, START))
    assert ({"USDT": Decimal(-3)}, Decimal(9_997), {}) == (books.funding, books.balances["USDT"], books.realized)


def test_equity_is_wallets_and_open_profit_or_unknown() -> None:
    """No price for an open position or for a debt means that equity is not known; an unpriced asset counts nothing."""
    books = ledger(PERPETUAL, SPOT)
    books.fill(buy("2", "100"), "", "")
    books.fill(buy("1", "100", rules=SPOT), "", "")
    prices: dict[InstrumentId, Decimal] = {PERPETUAL.id: Decimal(110), SPOT.id: Decimal(105)}
    assert Decimal(9_900) + 20 + 110 == books.equity(prices.get)
    assert books.equity({}.get) is None
    books.balances["AIRDROP"] = Decimal(5)
    assert Decimal(10_030) == books.equity(prices.get)
    books.balances["BNB"] = Decimal(-1)
    assert books.equity(prices.get) is None


FILLS = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(1, 5_000), st.integers(900, 1_100), st.sampled_from(["a", "b", "c"])),
    max_size=30,
)


@examples(100)
@given(fills=FILLS)
def test_a_position_is_the_sum_of_its_fills_and_so_is_the_money(
    fills: list[tuple[Side, int, int, str]],
) -> None:
    """Quantity is the signed sum, strategies add up to it, and cash flow is realised and open profit together."""
    books, flow, total = ledger(), Decimal(0), Decimal(0)
    for side, steps, ticks, strategy in fills:
        quantity, price = steps * PERPETUAL.step, ticks * PERPETUAL.tick
        books.fill(fill(side, str(quantity), str(price)), strategy, "")
        total += quantity * side.sign
        flow -= quantity * side.sign * price
    mark = Decimal(100)
    position = books.positions.get(PERPETUAL.id)
    assert total == (position.quantity if position else 0)
    assert total == sum(books.by_strategy(PERPETUAL.id).values(), Decimal(0))
    profit = books.realized.get("USDT", Decimal(0)) + books.unrealized(PERPETUAL.id, mark)
    assert abs(flow + total * mark - profit) < Decimal("1e-20")


@examples(50)
@given(fills=FILLS)
def test_the_mirrored_fills_make_the_mirrored_position(fills: list[tuple[Side, int, int, str]]) -> None:
    """Every side turned round: the position, its entry and its profit are the same with the sign turned round."""
    books, mirror = ledger(), ledger()
    for side, steps, ticks, strategy in fills:
        quantity, price = str(steps * PERPETUAL.step), str(ticks * PERPETUAL.tick)
        books.fill(fill(side, quantity, price), strategy, "")
        mirror.fill(fill(side.opposite, quantity, price), strategy, "")
    here, there = books.positions.get(PERPETUAL.id), mirror.positions.get(PERPETUAL.id)
    if here is None or there is None:
        return
    turned = (there.quantity.copy_negate(), there.entry_price, there.realized.copy_negate())
    assert (here.quantity, here.entry_price, here.realized) == turned


def test_a_restored_ledger_is_the_same() -> None:
    """Nothing is lost over a restart."""
    books = ledger(PERPETUAL, SPOT)
    books.fill(buy("2", "100", fee="0.1"), "skew", "s1")
    books.fill(buy("1", "100", rules=SPOT, fee="0.001", fee_asset="BTC"), "momentum", "s2")
    books.state_balance(BalanceChanged("paper", "USDT", Decimal(7), "fill", START + 1, START))
    again = ledger(PERPETUAL, SPOT)
    again.restore(books.snapshot())
    assert books.snapshot() == again.snapshot()


def test_profit_is_all_that_trading_made_and_no_deposit() -> None:
    """Realised, open, fees and funding, in the account's currency; unknown while a part has no price."""
    book = ledger()
    book.fill(buy("2", "100", fee="0.1"), "a", "s")
    book.fill(sell("1", "110", fee="0.1", trade_id="t2"), "a", "s")
    book.fund(FundingPaid("paper", PERPETUAL.id, "USDT", Decimal("-0.5"), START, START))
    book.state_balance(BalanceChanged("paper", "USDT", Decimal(50_000), "deposit", START, START))
    assert Decimal("10") + Decimal("5") - Decimal("0.2") - Decimal("0.5") == book.profit(lambda _: Decimal(105))
    assert book.profit(lambda _: None) is None
    book.fill(buy("1", "100", fee="0.01", fee_asset="BNB", trade_id="t3"), "a", "s")
    assert book.profit(lambda _: Decimal(105)) is None


def test_what_closes_more_than_one_strategy_holds_closes_what_the_others_hold() -> None:
    """First its own, then the others' in the order in which they came; the sum is the position."""
    book = ledger()
    for number, name in enumerate("abc"):
        book.fill(buy("1", "100", trade_id=f"b{number}"), name, "s")
    book.fill(sell("1.5", "100", trade_id="s1"), "b", "s")
    assert {"a": Decimal("0.5"), "b": Decimal(0), "c": Decimal(1)} == book.by_strategy(PERPETUAL.id)
    book.fill(sell("2.5", "100", trade_id="s2"), "b", "s")
    assert {"a": Decimal(0), "b": Decimal(-1), "c": Decimal(0)} == book.by_strategy(PERPETUAL.id)
    assert Decimal(-1) == book.held(PERPETUAL.id)
