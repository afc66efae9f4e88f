"""The handle that everyone turns: with time, a venue that answers as told, and one in chaos."""

import random
from decimal import Decimal

import pytest

from petrosa.core.desk import Desk
from petrosa.core.execution.params import AccountParams
from petrosa.core.market.liquidations import Liquidated
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.events import (
    Alarm,
    DayOpened,
    Decision,
    Event,
    SignalAgreed,
    SignalMade,
    SignalReceived,
    Started,
    TimerDue,
    Warmup,
)
from petrosa.core.model.market import BestQuote, BookGap, BookSnapshot, Depth, Liquidation, Trade
from petrosa.core.model.orders import Approved, Leg
from petrosa.core.model.refusals import Refused
from petrosa.core.model.signals import Action
from petrosa.core.strategies.tick.orderbook_skew import Params
from petrosa.core.strategist import Strategist, StrategyPlan
from petrosa.core.trader import Trader, TraderParams
from petrosa.core.turns import Turns
from tests.kit.soak import sample
from tests.kit.trading import OTHER, PERPETUAL, START, Session, market_of, signal
from tests.kit.venue import Answer, FakeVenue

KEY = PERPETUAL.id


def depth(at: int, bids: float, asks: float) -> Depth:
    """Five levels a side round 100, each of these quantities."""
    prices = [100.0 + sign * (0.1 + 0.1 * level) for sign in (-1, 1) for level in range(5)]
    return Depth(KEY, at, at, 1, tuple(prices[:5]), (bids,) * 5, tuple(prices[5:]), (asks,) * 5)


def quote(at: int, bid: float = 99.9, ask: float = 100.1) -> BestQuote:
    return BestQuote(KEY, at, at, 1, bid, 1.0, ask, 1.0)


class Running:
    """A desk with a trader, turned in time beside a fake venue; keeps every decision."""

    def __init__(self, venue: FakeVenue, strategist: bool = False) -> None:
        self.markets = {KEY: market_of(PERPETUAL)}
        instruments = {KEY: PERPETUAL}
        plans = [StrategyPlan("orderbook_skew", KEY, EAGER)] if strategist else []
        self.venue = venue
        self.trader = Trader(AccountParams(), instruments, self.markets, TraderParams())
        self.desk = Desk(self.markets, Strategist(instruments, plans, self.markets), self.trader)
        self.decisions: list[Decision] = []
        self.turns = Turns(self.desk, self._record, venue.submit, venue)

    def _record(self, sequence: int, now: int, event: Event, decisions: object) -> None:
        assert isinstance(decisions, list | tuple)
        self.decisions.extend(decisions)


EAGER = Params(cooldown_seconds=0, persistence_seconds=0, flow_guard=False, max_spread_bps=50)


def test_a_book_becomes_a_protected_position() -> None:
    """From depth over signal, gate, entry and fill to a stop and a target that rest, in one run of turns."""
    run = Running(FakeVenue(), strategist=True)
    run.turns.market(depth(START, 1.0, 1.0), START)
    run.turns.market(depth(START + 1, 9.0, 1.0), START + 1)
    run.turns.advance(START + NS_PER_SECOND)
    assert [SignalMade, DayOpened, SignalAgreed, Approved] == [type(decision) for decision in run.decisions[:4]]
    legs = [intent.leg for intent in run.venue.sent]
    assert [Leg.ENTRY, Leg.STOP, Leg.TARGET] == legs
    assert run.venue.position == run.trader.held(KEY) > 0
    assert {Leg.STOP, Leg.TARGET} == {order.intent.leg for order in run.trader.live_orders(KEY) if order.is_confirmed}
    assert [] == [decision for decision in run.decisions if isinstance(decision, Alarm)]


def test_a_partial_entry_is_protected_as_far_as_it_went() -> None:
    """Half an entry has half a stop, and nothing of the entry is left."""
    run = Running(FakeVenue({Leg.ENTRY: Answer.PARTIAL}))
    run.turns.market(quote(START), START)
    run.turns.other(SignalReceived(signal()), START)
    run.turns.advance(START + NS_PER_SECOND)
    live = {order.intent.leg: order.leaves for order in run.trader.live_orders(KEY)}
    assert {Leg.STOP: run.venue.position, Leg.TARGET: run.venue.position} == live


def test_a_venue_that_takes_no_stop_ends_flat() -> None:
    """Whatever happens to stops, a position without one does not stay."""
    run = Running(FakeVenue({Leg.STOP: Answer.REJECT}))
    run.turns.market(quote(START), START)
    run.turns.other(SignalReceived(signal()), START)
    run.turns.advance(START + NS_PER_SECOND)
    assert (Decimal(0), Decimal(0)) == (run.venue.position, run.trader.held(KEY))
    assert [] == list(run.trader.live_orders(KEY))


@pytest.mark.parametrize("seed", range(sample(30, 800)))
def test_in_chaos_the_books_stay_true_and_no_position_stays_naked(seed: int) -> None:
    """Answers late, doubled, missing and out of order: the position is the sum of the fills, and ends protected."""
    chance = random.Random(seed)
    venue = FakeVenue(chaos=random.Random(seed + 1_000))
    run, now = Running(venue), START
    for number in range(60):
        now += chance.randrange(1, 8) * NS_PER_SECOND
        run.turns.market(quote(now), now)
        if chance.random() < 0.5:
            action = chance.choice([Action.BUY, Action.SELL, Action.CLOSE])
            run.turns.other(SignalReceived(signal(action, at=now, number=number)), now)
        if venue.resting and chance.random() < 0.4:
            venue.fill(chance.choice(sorted(venue.resting)))
    venue.chaos = None
    for _ in range(400):
        now += NS_PER_SECOND
        run.turns.market(quote(now), now)
    held = run.trader.held(KEY)
    assert venue.position == held == sum((f.quantity * f.side.sign for f in venue.fills), Decimal(0))
    assert sum(run.trader.by_strategy(KEY).values(), Decimal(0)) == held
    stops = [left for intent, left in venue.resting.values() if intent.leg is Leg.STOP]
    assert ([abs(held)] if held else []) == stops
    sides = {intent.action.side for intent, _ in venue.resting.values() if intent.leg is not Leg.ENTRY}  # type: ignore[union-attr]
    assert sides <= ({Side.SELL} if held > 0 else {Side.BUY} if held < 0 else set())
    ids = [intent.client_order_id for intent in venue.sent]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("seed", range(5))
def test_every_signal_ends_as_one_order_or_one_refusal(seed: int) -> None:
    """A published signal is never lost: it is agreed to or refused by name, and each entry has one signal."""
    chance, venue = random.Random(seed), FakeVenue()
    run, now = Running(venue), START
    for number in range(80):
        now += chance.randrange(1, 3) * NS_PER_SECOND
        run.turns.market(quote(now), now)
        action = chance.choice(list(Action))
        run.turns.other(SignalReceived(signal(action, at=now, number=number)), now)
    agreed = {decision.signal_id for decision in run.decisions if isinstance(decision, SignalAgreed)}
    refused = [decision.signal_id for decision in run.decisions if isinstance(decision, Refused)]
    assert {f"signal-{number}" for number in range(80)} == agreed | set(refused)
    assert len(refused) == len(set(refused))
    entries = [decision.intent.signal_id for decision in run.decisions if isinstance(decision, Approved)]
    assert len(entries) == len(set(entries))


def test_quiet_facts_share_one_empty_answer() -> None:
    """A market fact without consequence costs no allocation, with or without parts that listen."""
    alone = Desk({KEY: market_of(PERPETUAL)})
    full = Running(FakeVenue(), strategist=True).desk
    print_ = Trade(KEY, START, START, 100.0, 1.0, Side.BUY, 1)
    assert alone.handle(print_, START) is full.handle(print_, START) is alone.handle(quote(START), START)
    assert () == alone.handle(SignalReceived(signal()), START) == alone.handle(TimerDue("answer:p1", START), START)


def test_a_fact_of_an_instrument_that_is_not_followed_is_counted() -> None:
    """It changes nothing, and somebody can see that it came."""
    desk = Desk({KEY: market_of(PERPETUAL)})
    desk.handle(Trade(OTHER.id, START, START, 100.0, 1.0, Side.BUY, 1), START)
    assert 1 == desk.unheard


def test_a_start_forgets_the_market_and_keeps_the_money() -> None:
    """Windows and quotes start empty; positions, orders and remembered signals do not."""
    session = Session()
    session.entered()
    held = session.trader.held(KEY)
    session.tell(Started("again"))
    view = session.desk.view("BTCUSDT")
    assert view is not None
    assert (None, None, held) == (view.bid, view.last, view.quantity)
    session.signal(number=2)
    assert "equity_known" == session.refusals()[-1]


def test_history_makes_no_fresh_price() -> None:
    """A quote that warms up is as old as it is: nothing is entered on it."""
    session = Session(bid=0.0, ask=0.0)
    session.now = START + 60 * NS_PER_SECOND
    session.tell(Warmup(quote(START)))
    session.signal()
    assert ["price_fresh"] == session.refusals()


def test_a_view_is_what_a_reader_wants() -> None:
    """Prices, spread, skew, ages, position, orders and profit of one instrument; nothing known is None."""
    session = Session()
    entry = session.entered()
    session.tell(depth(session.now, 3.0, 2.0))
    session.tell(Trade(KEY, session.now, session.now, 101.0, 1.0, Side.BUY, 1))
    session.now += 5
    session.tell(BookSnapshot(KEY, session.now, session.now, 2, (), ()))
    view = session.desk.view("BTC/USDT:USDT")
    assert view is not None
    assert view == session.desk.view(KEY)
    assert (101.0, 99.9, 100.1, 1.5, 5, 5) == (
        view.last, view.bid, view.ask, view.skew_ratio, view.last_age_ns, view.quote_age_ns,
    )  # fmt: skip
    assert view.spread_bps == pytest.approx(20.0)
    assert [Leg.STOP, Leg.TARGET] == [order.intent.leg for order in view.orders]
    assert view.position is not None
    assert (view.quantity, view.quantity * Decimal("-0.1")) == (view.position.quantity, view.unrealized)
    assert {entry.strategy_id: view.quantity} == view.by_strategy
    session.tell(BookGap(KEY, session.now, session.now, 3, 9))
    gone = session.desk.view("BTCUSDT")
    assert gone is not None
    assert (False, None) == (gone.book_is_whole, gone.skew_ratio)
    assert session.desk.view("DOGEUSDT") is None


def test_a_view_shows_what_the_venue_liquidated_of_late_and_none_while_nobody_tells() -> None:
    """No decision follows from it, and no price: the quote is as old as it was."""
    session = Session()
    session.tell(quote(session.now))
    before = session.desk.view(KEY)
    assert before is not None
    assert before.liquidated is None
    session.now += NS_PER_SECOND
    decided = len(session.decisions)
    session.tell(Liquidation(KEY, session.now, session.now, Side.SELL, 2.0, 90.0, 95.0))
    view = session.desk.view(KEY)
    assert view is not None
    assert (decided, Liquidated(190.0, 0.0, 1, 0)) == (len(session.decisions), view.liquidated)
    assert (before.bid, before.last, NS_PER_SECOND) == (view.bid, view.last, view.quote_age_ns)
