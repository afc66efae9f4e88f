"""The summary counts turns as they were and values what is held at the last marks."""

from decimal import Decimal

import pytest

from petrosa.backtest.summary import Tally, mark_of, pnl_of, position_lines
from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.market import BestQuote, InstrumentId, MarkPrice
from petrosa.core.model.orders import Approved, Cancel, Intent, Leg, Reducing
from petrosa.core.model.positions import Position, PositionSide
from petrosa.core.model.refusals import failed, refusal
from tests.kit.toys import BTC, INSTRUMENT, START, fill, intent, trade


class Held:
    """An account with one position."""

    def __init__(self, quantity: str, fees: dict[str, Decimal]) -> None:
        self.positions = {
            BTC: Position(
                "toy", BTC, PositionSide.NET, Decimal(quantity), Decimal("64000.0"), Decimal("1.5"), fees, START, START
            )
        }
        self.realized = Decimal("1.5")
        self.fees = fees


def market(*, quote: bool = True, mark: float = 0.0) -> dict[InstrumentId, MarketState]:
    state = MarketState(INSTRUMENT, Tape(1))
    if quote:
        state.apply(BestQuote(BTC, START, START, 1, 64_100.0, 1.0, 64_100.1, 1.0), START)
    if mark:
        state.apply(MarkPrice(BTC, START, START, mark, mark, 0.0, 0), START)
    return {BTC: state}


def test_turns_are_counted_by_what_they_decided() -> None:
    """Orders are what was placed, not what was cancelled; refusals go by their first failed check."""
    tally = Tally()
    outcome = failed("cooldown", "1 s", "900 s")
    refused = refusal("toy", BTC, "s", (outcome, failed("other", "", "")))
    cancel = Intent("c", "toy", BTC, Leg.STOP, Cancel("o", "done"), "s", "toy")
    assert refused is not None
    tally.take(1, START, trade(1), (Approved(intent(1)), Reducing(intent(2)), Reducing(cancel), refused))
    tally.take(2, START, fill(intent(1), 1, START), ())
    assert (2, 1, 0, {"cooldown": 1}) == (tally.orders, tally.fills, tally.modelled_fills, tally.refusals)


def test_a_mark_price_goes_before_the_middle_of_the_quote() -> None:
    """A position is valued at the venue's mark, else at the quote's middle on the tick, else not at all."""
    assert Decimal("63000.5") == mark_of(market(mark=63_000.5)[BTC])
    assert Decimal("64100.0") == mark_of(market()[BTC])
    assert mark_of(market(quote=False)[BTC]) is None


def test_open_profit_is_signed_by_the_position() -> None:
    """A long gains and a short loses when the mark is above the entry; a flat position is not listed."""
    markets = market()
    profits = {
        quantity: position_lines(Held(quantity, {}).positions, {BTC: INSTRUMENT}, markets)[0].unrealized
        for quantity in ("0.5", "-0.5")
    }
    assert {"0.5": Decimal("50.00"), "-0.5": Decimal("-50.00")} == profits
    assert [] == position_lines(Held("0", {}).positions, {BTC: INSTRUMENT}, markets)


def test_fees_are_converted_where_there_is_a_price() -> None:
    """Fees in the base asset count at its mark; in an unknown asset the sum is not known, and says so."""
    instruments, markets = {BTC: INSTRUMENT}, market()
    account = Held("0.5", {"BTC": Decimal("0.001"), "USDT": Decimal(2)})
    lines = position_lines(account.positions, instruments, markets)
    pnl = pnl_of(account, lines, instruments, markets, "USDT")
    assert (Decimal("66.1000"), Decimal("50.00"), Decimal("1.5")) == (pnl.fees_converted, pnl.unrealized, pnl.realized)
    unknown = Held("0.5", {"BNB": Decimal("0.001")})
    assert pnl_of(unknown, lines, instruments, markets, "USDT").fees_converted is None


@pytest.mark.parametrize(
    ("exact", "shown"),
    [
        ("49.05330999999999999999999999999998", "49.05331"),
        ("-8.759464908489905168584853467151683", "-8.75946491"),
        ("1000.000000000001", "1000"),
        ("66.1000", "66.1000"),
        ("0", "0"),
    ],
)
def test_the_last_digits_of_a_quotient_are_not_shown(exact: str, shown: str) -> None:
    """A profit made of a mean price is shown to eight places; what was written out exactly stays as it was."""
    held = Held(Decimal(0), {})
    held.realized = Decimal(exact)
    assert shown == str(pnl_of(held, [], {}, {}, "USDT").realized)
