"""What a person may command, and what silence of the venue means."""

from decimal import Decimal

from petrosa.core.execution.params import EntryStyle, ExecutionParams
from petrosa.core.model.commands import CancelEntries, Flatten, PauseEntries, ResumeEntries, Shutdown
from petrosa.core.model.events import Halted, Started
from petrosa.core.model.market import FeedState, FeedStateChanged
from petrosa.core.model.orders import CancelRejected, Leg, OrderStatus, Reducing
from petrosa.core.model.signals import Action
from petrosa.core.risk.params import RiskParams
from petrosa.core.trader import TraderParams
from tests.kit.trading import OTHER, PERPETUAL, Session, place_of

KEY = PERPETUAL.id
PASSIVE = TraderParams(execution=ExecutionParams(entry=EntryStyle.PASSIVE))
PAUSE = PauseEntries("c1", "ann", "lunch")


def test_an_order_without_an_answer_is_unknown_and_blocks_its_instrument() -> None:
    """It counts as exposure and no time makes it disappear; only the venue's word does."""
    session = Session(instruments=(PERPETUAL, OTHER))
    session.signal()
    session.wait(5)
    assert (["order_unknown"], OrderStatus.UNKNOWN) == (session.alarms(), session.trader.orders[0].status)
    session.wait(3_600)
    session.quote(99.9, 100.1)
    session.signal(number=2)
    refused = session.last_refusal()
    assert ("order_pending", True) == (refused.check, refused.saw.endswith("unknown"))
    session.reject(session.placed(Leg.ENTRY)[0])
    session.signal(number=3)
    assert 2 == len(session.placed(Leg.ENTRY))


def test_an_unknown_order_counts_as_exposure_elsewhere() -> None:
    """What may still fill is at stake, whatever instrument the next signal is about."""
    params = TraderParams(risk=RiskParams(max_exposure_fraction=0.3))
    session = Session(params, (PERPETUAL, OTHER))
    session.signal()
    session.wait(6)
    session.signal(number=2, symbol="ETHUSDT")
    first, second = (place_of(intent) for intent in session.placed(Leg.ENTRY))
    assert first.price is not None
    assert second.price is not None
    assert first.quantity * first.price + second.quantity * second.price <= 3_000
    assert second.quantity * 2 < first.quantity


def test_a_cancel_without_effect_is_repeated_and_then_raises_an_alarm() -> None:
    """A venue that says no to a cancel of a live order, or nothing, is asked again, so often and no more."""
    session = Session(PASSIVE)
    session.signal()
    entry = session.placed(Leg.ENTRY)[0]
    session.accept(entry)
    session.tell(CancelEntries("c1", "ann", "test"))
    session.tell(CancelRejected("paper", KEY, entry.client_order_id, "busy", session.now, session.now))
    session.wait(60)
    assert ([entry.client_order_id] * 5, ["cancel_failed"]) == (session.cancelled(), session.alarms())
    cancels = [d.intent.client_order_id for d in session.decisions if isinstance(d, Reducing)]
    assert 5 == len(set(cancels))


def test_pause_and_resume() -> None:
    """Paused, no entry; exits and protection go on; resumed, entries again."""
    session = Session()
    session.entered()
    session.tell(PAUSE)
    session.signal(number=2)
    assert ("entries_open", "paused by ann: lunch") == (session.last_refusal().check, session.last_refusal().saw)
    session.signal(Action.CLOSE, 3)
    session.fill(session.placed(Leg.EXIT)[0], price="101")
    for name in session.cancelled():
        session.canceled(name)
    session.tell(ResumeEntries("c2", "ann", "back"))
    session.signal(number=4)
    assert 2 == len(session.placed(Leg.ENTRY))


def test_a_halt_latches_until_somebody_resumes() -> None:
    """No entry after `Halted`, whatever else happens, until `ResumeEntries`."""
    session = Session()
    session.tell(Halted("disk full"))
    session.signal()
    assert "halted: disk full" == session.last_refusal().saw
    session.tell(ResumeEntries("c2", "ann", "disk is empty again"))
    session.signal(number=2)
    assert 1 == len(session.placed(Leg.ENTRY))


def test_flatten_pauses_closes_and_sweeps() -> None:
    """Entries go, positions are closed at market, protection rests until they are, and is swept then."""
    session = Session(instruments=(PERPETUAL, OTHER))
    session.entered()
    session.tell(Flatten("c1", "ann", "enough"))
    (way_out,) = session.placed(Leg.FLATTEN)
    assert [] == session.cancelled()
    session.fill(way_out, price="99")
    assert 2 == len(session.cancelled())
    session.signal(number=2)
    assert "flattened by ann: enough" == session.last_refusal().saw


def test_flatten_tells_instruments_apart_in_its_order_ids() -> None:
    """One command closes several positions; each order has an id of its own."""
    session = Session(instruments=(PERPETUAL, OTHER))
    session.entered()
    session.signal(number=2, symbol="ETHUSDT")
    session.fill(session.placed(Leg.ENTRY)[1])
    session.tell(Flatten("c1", "ann", "enough"))
    assert 2 == len({intent.client_order_id for intent in session.placed(Leg.FLATTEN)})


def test_flatten_goes_past_an_exit_of_unknown_fate() -> None:
    """A person who wants out does not wait for an order that nobody answers for."""
    session = Session()
    session.entered()
    session.signal(Action.CLOSE, 2)
    session.wait(5)
    assert [] == session.placed(Leg.FLATTEN)
    session.tell(Flatten("c1", "ann", "enough"))
    assert 1 == len(session.placed(Leg.FLATTEN))


def test_shutdown_cancels_entries_and_leaves_protection() -> None:
    """A stopped desk has no entry out and every position still has its stop."""
    session = Session(PASSIVE)
    session.signal()
    entry = session.placed(Leg.ENTRY)[0]
    session.accept(entry)
    session.fill(entry, "1", "99.9")
    for leg in (Leg.STOP, Leg.TARGET):
        session.accept(session.placed(leg)[0])
    session.tell(Shutdown("c1", "signal 15", "stop"))
    assert [entry.client_order_id] == session.cancelled()
    session.canceled(entry.client_order_id)
    live = [order.intent.leg for order in session.trader.live_orders(KEY)]
    assert ([Leg.STOP, Leg.TARGET], Decimal(1)) == (live, session.trader.held(KEY))
    session.signal(number=2)
    assert "entries_open" == session.refusals()[-1]
    session.tell(Started("again"))
    assert "" == session.trader.closed


def test_shutdown_refuses_a_reversal_by_name() -> None:
    """A signal whose exit is under way ends as a refusal, not as nothing."""
    session = Session()
    session.entered()
    session.signal(Action.SELL, 2)
    session.tell(Shutdown("c1", "signal 15", "stop"))
    assert ("entries_open", "signal-2") == (session.last_refusal().check, session.last_refusal().signal_id)


def test_a_market_that_is_not_live_takes_no_entry_but_lets_go() -> None:
    """A stale feed refuses entries; what is held may still be closed."""
    session = Session()
    session.entered()
    session.tell(FeedStateChanged(KEY, session.now, session.now, "depth", FeedState.STALE, "quiet for 10 s"))
    session.signal(number=2)
    assert "feed_live" == session.last_refusal().check
    session.signal(Action.CLOSE, 3)
    assert 1 == len(session.placed(Leg.EXIT))
