"""Positions and fills compared with what the venue states: seen twice, adopted, closed, or left to somebody else."""

from decimal import Decimal

from petrosa.core.model.account import StatedPosition
from petrosa.core.model.base import Side
from petrosa.core.model.commands import ResolveFinding
from petrosa.core.model.findings import FindingKind, How
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import (
    Leg,
    OrderStatus,
    OrderType,
)
from petrosa.core.model.positions import PositionSide
from tests.kit.trading import Session, place_of
from tests.kit.true_venue import KEY, ONE, PERSON, TrueVenue, entry_of


def test_a_position_must_differ_twice(session: Session, venue: TrueVenue) -> None:
    """Once may be a fill on its way; an account that is unclear stays so until it was looked at again."""
    venue.entered()
    held = session.trader.held(KEY)
    venue.offset = ONE
    venue.unclear()
    venue.state()
    assert ([], "not reconciled: starting", 1) == (
        venue.findings(), session.trader.closed, session.trader.findings.suspects,
    )  # fmt: skip
    venue.state()
    found = venue.findings()[0]
    assert (FindingKind.POSITION_DIFFERS, held, held + 1) == (found.kind, found.ours, found.stated)
    assert str(held) in found.message
    assert str(held + 1) in found.message
    venue.offset = Decimal(0)
    venue.state()
    assert "" == session.trader.closed


def test_less_than_a_step_is_no_difference(session: Session, venue: TrueVenue) -> None:
    """Nothing could be done about it."""
    venue.offset = Decimal("0.0009")
    venue.again(3)
    assert [] == venue.findings()


def test_a_position_where_none_is_held_is_adopted_and_guarded(session: Session, venue: TrueVenue) -> None:
    """A fill with a name of its own, at the stated price, marked as modelled; the stop is at the default distance."""
    venue.offset = ONE
    venue.again(2)
    found = venue.findings()[0]
    said = venue.resolve(found, How.ADOPT)
    assert said.fill is not None
    assert (f"adopt:{found.finding_id}", True, Decimal(100)) == (
        said.fill.trade_id, said.fill.modelled, said.fill.price,
    )  # fmt: skip
    assert (ONE, Decimal(10_000)) == (session.trader.held(KEY), session.trader.balances["USDT"])
    venue.hear_all()
    venue.again(1)
    assert ([Decimal(98)], "", 1) == (
        [stop.trigger_price for stop in venue.stops()], session.trader.closed, len(venue.stops()),
    )  # fmt: skip


def test_the_same_difference_is_adopted_again_when_it_comes_again(session: Session, venue: TrueVenue) -> None:
    """Its fill has another name then, so it is counted."""
    for held in (1, 2):
        venue.offset += 1
        venue.again(2)
        venue.resolve(venue.findings()[0], How.ADOPT)
        venue.again(1)
        assert held == session.trader.held(KEY)
    assert "" == session.trader.closed


def test_a_smaller_position_is_adopted_with_the_profit_that_is_assumed(session: Session, venue: TrueVenue) -> None:
    """The stop follows what is held; what the books make of it is told."""
    venue.entered()
    held = session.trader.held(KEY)
    venue.offset = -held
    session.quote(109.9, 110.1)
    venue.again(2)
    said = venue.resolve(venue.findings()[0], How.ADOPT)
    assert (held * 10, Decimal(0)) == (said.booked, session.trader.held(KEY))
    venue.hear_all()
    venue.again(1)
    assert ({}, "") == (venue.open, session.trader.closed)


def test_a_finding_whose_figures_have_moved_is_not_acted_on(session: Session, venue: TrueVenue) -> None:
    """A fill came meanwhile that may be the difference: it is compared first."""
    venue.offset = ONE
    venue.again(2)
    found = venue.findings()[0]
    venue.trade(PERSON, Side.BUY, ONE)
    venue.tell()
    assert "is held now; ask for a new comparison" in venue.resolve(found, How.ADOPT).refused
    assert "no finding 'gone'" in venue.resolve("gone", How.ADOPT).refused
    assert ONE == session.trader.held(KEY)


def test_flatten_closes_the_difference_and_leaves_ours(session: Session, venue: TrueVenue) -> None:
    """At market, reduce-only; the stop is as large as what is left."""
    venue.entered()
    held = session.trader.held(KEY)
    venue.offset = ONE
    venue.again(2)
    assert "" == venue.resolve(venue.findings()[0], How.FLATTEN).refused
    venue.hear_all()
    venue.again(2)
    flatten = place_of(session.placed(Leg.FLATTEN)[0])
    assert (ONE, True, OrderType.MARKET) == (flatten.quantity, flatten.reduce_only, flatten.type)
    assert (held, held, [held]) == (session.trader.held(KEY), venue.position, [one.quantity for one in venue.stops()])
    assert "" == session.trader.closed


def test_flatten_closes_a_position_that_has_turned(session: Session, venue: TrueVenue) -> None:
    """All that the venue holds on the other side goes, with everything that rests."""
    venue.entered()
    venue.offset = -session.trader.held(KEY) - 1
    venue.again(2)
    venue.resolve(venue.findings()[0], How.FLATTEN)
    venue.hear_all()
    venue.again(2)
    assert (Decimal(0), Decimal(0), {}, "") == (
        session.trader.held(KEY), venue.position, venue.open, session.trader.closed,
    )  # fmt: skip


def test_what_is_not_there_cannot_be_flattened(session: Session, venue: TrueVenue) -> None:
    """A venue that holds less than we think has nothing to close."""
    venue.entered()
    venue.offset = -session.trader.held(KEY)
    venue.again(2)
    assert "adopt it instead" in venue.resolve(venue.findings()[0], How.FLATTEN).refused
    assert session.trader.closed.startswith("position_differs")


def test_an_ignored_position_survives_a_race(session: Session, venue: TrueVenue) -> None:
    """A difference of one is accepted and counted; another figure seen once takes nothing back, seen twice it does."""
    venue.offset = ONE
    venue.again(2)
    venue.resolve(venue.findings()[0], How.IGNORE)
    assert ("", Decimal(100)) == (session.trader.closed, session.trader.books.standing.exposures()[KEY])
    venue.offset = ONE + 1
    venue.again(1)
    assert "" == session.trader.closed
    venue.offset = ONE
    venue.again(1)
    assert "" == session.trader.closed
    venue.offset = ONE + 2
    venue.again(2)
    assert session.trader.closed.startswith("position_differs")


def test_a_position_that_is_not_traded_here_can_only_be_ignored(session: Session, venue: TrueVenue) -> None:
    """It is margin of the same account, so it counts, by its entry price."""
    venue.positions.append(StatedPosition("paper", InstrumentId("paper:usdm:XYZ"), PositionSide.NET, -ONE, Decimal(7)))
    venue.again(2)
    found = venue.findings()[0]
    for how in (How.ADOPT, How.FLATTEN):
        assert "not traded here" in venue.resolve(found, how).refused
    venue.resolve(found, How.IGNORE)
    assert Decimal(7) == session.trader.books.standing.exposures()[found.instrument]
    session.signal()
    assert 1 == len(session.placed(Leg.ENTRY))


def test_the_sides_of_a_hedge_mode_account_are_one_position(session: Session, venue: TrueVenue) -> None:
    """Long two and short two are none."""
    sides = [(PositionSide.LONG, Decimal(2)), (PositionSide.SHORT, Decimal(-2))]
    venue.positions = [StatedPosition("paper", KEY, side, quantity, Decimal(100)) for side, quantity in sides]
    venue.again(2)
    assert [] == venue.findings()


def test_fills_that_nobody_tells_are_a_finding_after_two_statements(session: Session, venue: TrueVenue) -> None:
    """The order stays alive meanwhile, whatever the venue says of its end: an end is not told before its fills."""
    session.signal()
    venue.take(venue.leaving()[0])
    name = entry_of(session).client_order_id
    venue.fill(name, Decimal("0.5"))
    venue.end(name)
    venue.tell(heard=False)
    session.later(10)
    venue.state(with_fills=False)
    assert ([], True) == (venue.findings(), session.trader.orders[0].is_live)
    venue.state(with_fills=False)
    found = {finding.kind: finding for finding in venue.findings()}
    assert {FindingKind.FILLS_MISSING, FindingKind.POSITION_DIFFERS} == set(found)
    missing, differs = found[FindingKind.FILLS_MISSING], found[FindingKind.POSITION_DIFFERS]
    assert "nothing on the venue to close" in venue.resolve(missing, How.FLATTEN).refused
    venue.resolve(missing, How.ADOPT)
    assert Decimal("0.5") == session.trader.held(KEY)
    assert "is held now" in venue.resolve(differs, How.ADOPT).refused
    venue.hear_all()
    venue.again(1, with_fills=False)
    assert ("", 1, OrderStatus.CANCELED) == (
        session.trader.closed, len(venue.stops()), session.trader.orders[0].status,
    )  # fmt: skip


def test_fills_of_a_gap_are_booked_once(session: Session, venue: TrueVenue) -> None:
    """Told again with every statement, they count once, and their position is guarded."""
    session.signal()
    venue.take(venue.leaving()[0])
    venue.fill(entry_of(session).client_order_id)
    venue.tell(heard=False)
    venue.unclear("the user stream was away")
    venue.state()
    venue.hear_all()
    venue.again(2)
    assert (venue.position, 1, "") == (session.trader.held(KEY), len(venue.stops()), session.trader.closed)


def test_an_order_that_lives_after_it_was_given_up_is_a_finding(session: Session, venue: TrueVenue) -> None:
    """A request that was on its way for longer than anybody waited: seen twice, then somebody must look."""
    session.signal()
    entry = venue.leaving()[0]
    session.wait(6)
    venue.state()
    venue.take(entry)
    venue.tell(heard=False)
    venue.again(1)
    assert [] == venue.findings()
    venue.again(1)
    assert [FindingKind.DEAD_ORDER_RESTS] == [finding.kind for finding in venue.findings()]
    venue.resolve(venue.findings()[0], How.ADOPT)
    venue.again(1)
    assert (OrderStatus.ACCEPTED, "") == (session.trader.orders[0].status, session.trader.closed)


def test_a_resolution_of_the_past_is_taken_in_again_without_a_market(session: Session, venue: TrueVenue) -> None:
    """What a journal holds of it says the price: nothing of the market is needed, and nothing is decided anew."""
    venue.entered()
    venue.offset = -session.trader.held(KEY)
    session.quote(109.9, 110.1)
    venue.again(2)
    other = Session(bid=0.0, ask=0.0)
    other.trader.restore(session.trader.snapshot())
    command = ResolveFinding("c", "ann", "gone", venue.findings()[0].finding_id, How.ADOPT)
    decided = session.tell(command)
    assert decided == other.trader.recall(command, decided, session.now)
    assert session.trader.snapshot() == other.trader.snapshot()
    assert session.trader.realized > 0
