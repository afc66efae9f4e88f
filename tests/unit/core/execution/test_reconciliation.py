"""An account compared with what the venue states: what is taken in, what is a finding, and what people do about it."""

from decimal import Decimal

import msgspec
import pytest

from petrosa.core.execution.reconcile import is_of_our_form
from petrosa.core.model.account import AccountStated, RulesStated
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.commands import CancelEntries
from petrosa.core.model.events import Started
from petrosa.core.model.findings import FindingKind, How
from petrosa.core.model.orders import (
    Leg,
    OrderAccepted,
    OrderStatus,
    OrderType,
    Place,
    client_order_id_of,
)
from petrosa.core.model.signals import Action
from tests.kit.trading import PERPETUAL, SPOT, START, Session
from tests.kit.true_venue import KEY, LIMIT, ONE, PERSON, TrueVenue, entry_of


def test_ids_of_our_form() -> None:
    """`p` and 31 characters of base32."""
    assert is_of_our_form(client_order_id_of("paper", "s", Leg.ENTRY))
    assert not is_of_our_form("p" + "0" * 31)
    assert not is_of_our_form(PERSON)


def test_an_unclear_account_takes_no_entry_and_opens_by_itself(session: Session, venue: TrueVenue) -> None:
    """The reason is in the refusal; the first clean statement that is asked for afterwards opens entries."""
    early = venue.statement()
    session.later(1)
    venue.unclear("starting")
    session.signal()
    assert "entries_open" == session.last_refusal().check
    assert "not reconciled: starting" == session.trader.closed
    session.tell(early)
    assert session.trader.closed
    venue.state()
    assert "" == session.trader.closed
    assert [False, True] == [said.is_clean for said in venue.said()]


def test_exits_and_protection_go_on_while_the_account_is_unclear(session: Session, venue: TrueVenue) -> None:
    """Nothing that makes a position smaller waits for a comparison."""
    venue.entered()
    venue.unclear()
    session.signal(Action.CLOSE, 9)
    assert 1 == len(session.placed(Leg.EXIT))


def test_a_clean_statement_after_a_clean_one_says_nothing(session: Session, venue: TrueVenue) -> None:
    """The first since a start is said, and whatever changes; nothing else comes into the journal."""
    venue.entered()
    venue.again(4)
    assert 1 == len(venue.said())
    assert () == session.tell(venue.statement())
    session.tell(Started("again"))
    venue.state()
    assert 2 == len(venue.said())


def test_an_unheard_acceptance_is_heard_from_the_statement(session: Session, venue: TrueVenue) -> None:
    """An order of unknown fate that the venue lists is alive, confirmed, and has its venue id."""
    session.signal()
    venue.take(venue.leaving()[0])
    venue.tell(heard=False)
    session.wait(6)
    assert OrderStatus.UNKNOWN is session.trader.orders[0].status
    venue.state()
    assert (OrderStatus.ACCEPTED, "v-0") == (session.trader.orders[0].status, session.trader.orders[0].venue_order_id)


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED])
def test_an_unheard_end_is_heard_from_the_answer(session: Session, venue: TrueVenue, status: OrderStatus) -> None:
    """What the venue says when it is asked for that order."""
    session.signal()
    venue.take(venue.leaving()[0])
    venue.end(entry_of(session).client_order_id, status)
    venue.tell(heard=False)
    session.wait(6)
    venue.state()
    assert status is session.trader.orders[0].status
    assert "" == session.trader.closed


def test_an_accepted_order_that_the_venue_rejected_later_is_over(session: Session, venue: TrueVenue) -> None:
    """As a stop whose trigger led to nothing: another one is placed at once."""
    venue.entered()
    venue.end(venue.stops()[0].client_order_id, OrderStatus.REJECTED)
    venue.state()
    venue.hear_all()
    assert [2, 1] == [len(session.placed(Leg.STOP)), len(venue.stops())]


def test_an_order_that_never_arrived_is_rejected_when_it_is_old_enough(session: Session, venue: TrueVenue) -> None:
    """Asked for by its id, and past the answer window; before that nothing is concluded."""
    session.signal()
    venue.leaving()
    session.wait(4)
    venue.state()
    assert OrderStatus.SUBMITTED is session.trader.orders[0].status
    session.wait(2)
    venue.state()
    order = session.trader.orders[0]
    assert (OrderStatus.REJECTED, True) == (order.status, "never reached" in order.reason)


def test_absence_from_a_list_alone_proves_nothing(session: Session, venue: TrueVenue) -> None:
    """An order that was not asked for one by one stays as it was."""
    session.signal()
    venue.leaving()
    session.wait(60)
    session.tell(msgspec.structs.replace(venue.statement(), missing=()))
    assert OrderStatus.UNKNOWN is session.trader.orders[0].status


def lost(session: Session, venue: TrueVenue) -> str:
    """A resting entry that the venue has forgotten."""
    session.signal()
    venue.take(venue.leaving()[0])
    venue.tell()
    name = entry_of(session).client_order_id
    venue.forgotten.add(name)
    return name


def test_an_accepted_order_is_lost_after_three_statements_over_a_minute(session: Session, venue: TrueVenue) -> None:
    """It stays alive and counted; somebody must look."""
    name = lost(session, venue)
    venue.again(2)
    assert [] == venue.findings()
    session.later(10)
    venue.state()
    assert [] == venue.findings()
    session.later(50)
    venue.state()
    found = venue.findings()[0]
    assert (FindingKind.ORDER_LOST, name) == (found.kind, found.target)
    assert ["order_lost"] == session.alarms()
    assert name in [order.client_order_id for order in session.trader.live_orders(KEY)]
    assert session.trader.closed.startswith("order_lost")


def test_a_lost_order_that_shows_up_again_was_not_lost(session: Session, venue: TrueVenue) -> None:
    """Its count begins anew."""
    name = lost(session, venue)
    venue.again(2)
    venue.forgotten.clear()
    venue.again(1)
    venue.forgotten.add(name)
    venue.again(2)
    assert [] == venue.findings()


@pytest.mark.parametrize("how", [How.ADOPT, How.FLATTEN, How.IGNORE])
def test_what_a_person_does_about_a_lost_order(session: Session, venue: TrueVenue, how: How) -> None:
    """Adopted it is over, flattened it is asked to go, ignored it stays known exposure."""
    name = lost(session, venue)
    venue.again(4)
    assert "" == venue.resolve(venue.findings()[0], how).refused
    order = next(order for order in session.trader.orders if order.client_order_id == name)
    assert (how is not How.ADOPT) == order.is_live
    assert ([name] if how is How.FLATTEN else []) == session.cancelled()
    assert (how is How.IGNORE) == (session.trader.closed == "")


def test_a_stop_that_the_venue_forgot_is_placed_again_at_once(session: Session, venue: TrueVenue) -> None:
    """A position is not left bare for three statements; two reduce-only stops are harmless."""
    venue.entered()
    session.later(30)
    venue.forgotten.add(venue.stops()[0].client_order_id)
    venue.state()
    venue.hear_all()
    assert 1 == len(venue.stops())
    assert "" == session.trader.closed


def test_a_forgotten_stop_that_rests_after_all_is_taken_off(session: Session, venue: TrueVenue) -> None:
    """Another rests in its place, so it is an orphan, and nobody is asked."""
    venue.entered()
    session.later(30)
    forgotten = venue.stops()[0].client_order_id
    venue.forgotten.add(forgotten)
    venue.state()
    venue.hear_all()
    venue.forgotten.clear()
    venue.again(2)
    assert session.cancelled()[-1] == forgotten
    venue.hear_all()
    venue.again(1)
    assert (1, [], "") == (len(venue.stops()), venue.findings(), session.trader.closed)


def test_an_orphan_stop_of_ours_is_taken_off_a_flat_symbol(session: Session, venue: TrueVenue) -> None:
    """Also one that is not remembered, if the venue is flat too; with a position there it is a finding."""
    stop = Place(Side.SELL, OrderType.STOP, ONE, trigger_price=Decimal(90), reduce_only=True)
    name = client_order_id_of("paper", "another life", Leg.STOP)
    venue.rest(name, stop)
    venue.offset = ONE
    venue.state()
    assert ([FindingKind.UNREMEMBERED_ORDER], []) == ([one.kind for one in venue.findings()], session.cancelled())
    venue.offset = Decimal(0)
    venue.state()
    assert ([name], "") == (session.cancelled(), session.trader.closed)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (PERSON, FindingKind.FOREIGN_ORDER),
        (client_order_id_of("paper", "another life", Leg.ENTRY), FindingKind.UNREMEMBERED_ORDER),
    ],
)
def test_an_order_that_is_not_in_our_books_is_exposure(
    session: Session, venue: TrueVenue, name: str, kind: FindingKind
) -> None:
    """It closes entries, counts, and is never cancelled without being asked to."""
    venue.rest(name, LIMIT)
    venue.state()
    session.tell(CancelEntries("c", "ann", "not this one"))
    assert ([kind], []) == ([one.kind for one in venue.findings()], session.cancelled())
    session.signal()
    assert "entries_open" == session.last_refusal().check
    assert Decimal(90) == session.trader.books.standing.exposures()[KEY]
    venue.end(name)
    venue.state()
    assert ("", {}) == (session.trader.closed, session.trader.books.standing.exposures())


def test_a_foreign_order_that_is_adopted_is_one_of_ours(session: Session, venue: TrueVenue) -> None:
    """Known exposure: its fills are booked, and its position is guarded."""
    venue.rest(PERSON, LIMIT)
    venue.state()
    venue.resolve(venue.findings()[0], How.ADOPT)
    assert session.trader.closed.startswith("not reconciled: foreign_order")
    venue.again(1)
    assert ("", [PERSON]) == (session.trader.closed, [order.client_order_id for order in session.trader.orders])
    venue.fill(PERSON)
    venue.tell()
    venue.hear_all()
    assert (ONE, 1, []) == (session.trader.held(KEY), len(venue.stops()), session.alarms()[1:])


def test_a_foreign_order_that_is_flattened_is_cancelled(session: Session, venue: TrueVenue) -> None:
    """And tried again until the venue has taken it off."""
    venue.rest(PERSON, LIMIT)
    venue.state()
    venue.resolve(venue.findings()[0], How.FLATTEN)
    assert [PERSON] == session.cancelled()
    venue.hear_all()
    venue.again(1)
    assert ({}, "", 0) == (venue.open, session.trader.closed, len(session.trader.live_orders(KEY)))


def test_an_ignored_finding_is_ignored_until_it_changes(session: Session, venue: TrueVenue) -> None:
    """It opens entries and counts on; another price is another order."""
    venue.rest(PERSON, LIMIT)
    venue.state()
    venue.resolve(venue.findings()[0], How.IGNORE)
    venue.again(2)
    assert ("", Decimal(90)) == (session.trader.closed, session.trader.books.standing.exposures()[KEY])
    venue.rest(PERSON, msgspec.structs.replace(LIMIT, price=Decimal(91)))
    venue.state()
    assert session.trader.closed.startswith("foreign_order")


def test_stated_wallets_replace_ours_and_the_difference_is_told(session: Session, venue: TrueVenue) -> None:
    """Once; and a wallet that is not stated is empty."""
    venue.state()
    venue.wallet = Decimal("9876.5")
    venue.again(2)
    assert Decimal("9876.5") == session.trader.balances["USDT"]
    corrected = [said.wallets for said in venue.said() if said.wallets]
    assert [("USDT", Decimal(10_000), Decimal("9876.5"))] == [(one.asset, one.ours, one.stated) for (one,) in corrected]
    session.tell(msgspec.structs.replace(venue.statement(), balances={}))
    assert Decimal(0) == session.trader.balances["USDT"]


def test_a_spot_wallet_that_is_short_is_a_finding() -> None:
    """Less of the asset than our fills add up to; more may be somebody else's."""
    session = Session(instruments=(SPOT,))
    venue = TrueVenue(session)
    venue.entered()
    held = session.trader.held(SPOT.id)
    venue.offset = ONE
    venue.again(2)
    assert [] == venue.findings()
    venue.offset = -ONE
    venue.again(2)
    found = venue.findings()[0]
    assert (FindingKind.WALLET_SHORT, held, held - 1) == (found.kind, found.ours, found.stated)
    assert "nothing on the venue" in venue.resolve(found, How.FLATTEN).refused
    assert "" == venue.resolve(found, How.ADOPT).refused
    assert held - 1 == session.trader.held(SPOT.id)
    venue.hear_all()
    venue.again(1)
    assert "" == session.trader.closed


def test_another_account_is_not_compared(session: Session, venue: TrueVenue) -> None:
    """It is an alarm, and nothing changes."""
    session.tell(msgspec.structs.replace(venue.statement(), account="other", balances={}))
    assert (["foreign_account"], Decimal(10_000)) == (session.alarms(), session.trader.balances["USDT"])


def test_rules_that_are_stated_hold_from_then_on(session: Session, venue: TrueVenue) -> None:
    """For markets and trader, over a restart too; a position that was dust is guarded when it is none any more."""
    coarse = msgspec.structs.replace(PERPETUAL, min_quantity=Decimal(5), step=ONE)
    session.tell(RulesStated((coarse,), START))
    venue.trade(PERSON, Side.BUY, Decimal(2))
    venue.tell()
    assert (Decimal(0), ONE) == (session.trader.held(KEY), session.markets[KEY].instrument.step)
    other = Session()
    other.trader.restore(session.trader.snapshot())
    assert (Decimal(0), coarse) == (other.trader.held(KEY), other.markets[KEY].instrument)
    session.tell(RulesStated((PERPETUAL, SPOT), START))
    venue.hear_all()
    assert (Decimal(2), [Decimal(2)]) == (session.trader.held(KEY), [stop.quantity for stop in venue.stops()])


def test_rules_do_not_allow_what_settings_forbid() -> None:
    """A desk that must not sell short does not because the venue would let it."""
    session = Session(instruments=(msgspec.structs.replace(PERPETUAL, short_allowed=False),))
    session.tell(RulesStated((PERPETUAL,), START))
    assert not session.markets[KEY].instrument.short_allowed


def test_the_time_from_which_trades_are_asked_for(session: Session, venue: TrueVenue) -> None:
    """The last statement and an overlap, a wide one while something differs; never before the desk heard of a venue,
    nor before a statement that was adopted."""
    findings = session.trader.findings
    venue.state()
    second = NS_PER_SECOND
    assert START == findings.since(KEY, 60 * second, 3600 * second)
    session.wait(100)
    venue.state()
    assert START + 40 * second == findings.since(KEY, 60 * second, 3600 * second)
    venue.offset = ONE
    venue.state()
    assert START == findings.since(KEY, 60 * second, 3600 * second)
    venue.state()
    venue.resolve(venue.findings()[0], How.ADOPT)
    assert START + 100 * second == findings.since(KEY, 60 * second, 3600 * second)


def test_a_statement_survives_json(venue: TrueVenue) -> None:
    """As it stands in a journal."""
    venue.rest(PERSON, LIMIT)
    stated = venue.statement()
    assert stated == msgspec.json.decode(msgspec.json.encode(stated), type=AccountStated)
    assert isinstance(venue.news[0], OrderAccepted)
