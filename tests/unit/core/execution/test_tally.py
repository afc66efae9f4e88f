"""What a day has lost and entered, from midnight to midnight UTC."""

from decimal import Decimal

from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.orders import BalanceChanged, FundingPaid, Leg
from petrosa.core.model.refusals import Outcome
from petrosa.core.model.signals import Action
from petrosa.core.risk.params import RiskParams
from petrosa.core.trader import TraderParams
from tests.kit.trading import OTHER, PERPETUAL, START, Session, place_of

TO_MIDNIGHT = 86_400 - START // NS_PER_SECOND % 86_400
LOSING = TraderParams(risk=RiskParams(max_daily_loss_fraction=0.005, max_stop_distance_fraction=0.5))


def seen(session: Session, check: str) -> Outcome:
    """What a check answered to the last signal that was refused."""
    return next(outcome for outcome in session.last_refusal().outcomes if outcome.check == check)


def held(params: TraderParams = LOSING) -> Session:
    """A long position of the other instrument that may still be entered, bought at 100.1."""
    session = Session(params, (PERPETUAL, OTHER))
    session.entered()
    return session


def ask(session: Session, number: int) -> str:
    """The first check that refuses an entry of the second instrument; empty when it is taken."""
    before = len(session.refusals())
    session.quote(99.9, 100.1, OTHER)
    session.signal(Action.BUY, number, symbol="ETHUSDT", confidence=0.8)
    return "".join(session.refusals()[before:])


def test_an_open_loss_counts() -> None:
    """Nothing is realised, and yet the day has lost its half a percent."""
    session = held()
    quantity = place_of(session.placed(Leg.ENTRY)[0]).quantity
    session.quote(97.7, 97.9)
    assert "daily_loss" == ask(session, 2)
    lost = quantity * (Decimal("100.1") - Decimal("97.8"))
    assert f"{lost:.4f} USDT since 00:00 UTC" == seen(session, "daily_loss").saw
    session.quote(98.9, 99.1)
    assert "" == ask(session, 3)


def test_fees_and_funding_count_and_deposits_do_not() -> None:
    """A deposit makes no profit, and what was withdrawn is no loss."""
    session = Session(LOSING)
    session.signal()
    session.fill(session.placed(Leg.ENTRY)[0], "1", fee="30")
    session.tell(FundingPaid("paper", PERPETUAL.id, "USDT", Decimal(-20), session.now, session.now))
    session.tell(BalanceChanged("paper", "USDT", Decimal(1), "withdrawal", session.now + 1, session.now + 1))
    session.quote(100.0, 100.2)
    session.signal(number=2)
    assert "50.0000 USDT since 00:00 UTC" == seen(session, "daily_loss").saw


def test_the_next_day_begins_anew_at_the_prices_of_midnight() -> None:
    """A position that has lost yesterday is no loss of today; the timer opens the day when it begins."""
    session = held()
    session.quote(97.7, 97.9)
    session.wait(TO_MIDNIGHT - 1)
    session.quote(97.7, 97.9)
    assert "daily_loss" == ask(session, 2)
    session.wait(2)
    session.quote(97.2, 97.4)
    assert "" == ask(session, 3)
    assert session.timers["midnight"] == START + (TO_MIDNIGHT + 86_400) * NS_PER_SECOND


def test_nothing_wakes_at_midnight_while_all_is_flat() -> None:
    """The timer is not set again once nothing is held, and a fill sets it."""
    session = Session()
    assert "midnight" not in session.timers
    session.entered()
    assert START + TO_MIDNIGHT * NS_PER_SECOND == session.timers["midnight"]
    session.signal(Action.CLOSE, 2)
    session.fill(session.placed(Leg.EXIT)[0], price="100.1")
    session.wait(TO_MIDNIGHT)
    assert "midnight" not in session.timers


def test_a_day_that_begins_without_a_price_is_opened_when_there_is_one() -> None:
    """Until then its loss is not known, and entries are refused."""
    session = held()
    session.wait(TO_MIDNIGHT - 1)
    market = session.markets[PERPETUAL.id]
    market.forget()
    session.wait(2)
    assert ask(session, 2)
    assert "not known" == seen(session, "daily_loss").saw
    session.quote(97.7, 97.9)
    assert "" == ask(session, 3)


def test_entries_of_a_day_are_counted_and_forgotten() -> None:
    """The limit is of entries that left, and a new day has its own."""
    session = Session(TraderParams(risk=RiskParams(max_trades_per_day=1)), (PERPETUAL, OTHER))
    session.entered()
    assert "trades_per_day" == ask(session, 2)
    session.wait(TO_MIDNIGHT)
    session.quote(99.9, 100.1)
    assert "" == ask(session, 3)


def test_a_fee_that_has_no_price_makes_the_loss_unknown() -> None:
    """A missing fact refuses."""
    session = Session(balances={"USDT": Decimal(10_000), "BNB": Decimal(5)})
    session.signal()
    session.fill(session.placed(Leg.ENTRY)[0], "1", fee="0.01", fee_asset="BNB")
    session.signal(number=2)
    assert "not known" == seen(session, "daily_loss").saw
