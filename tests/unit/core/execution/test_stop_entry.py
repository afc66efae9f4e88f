"""An entry that waits until the market reaches its price: where, for how long, and what guards it then."""

from decimal import Decimal

import pytest

from petrosa.core.execution.params import EntryStyle, ExecutionParams
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.commands import CancelEntries
from petrosa.core.model.orders import Leg, OrderType, Place, TimeInForce
from petrosa.core.model.refusals import Verdict
from petrosa.core.model.signals import Action
from petrosa.core.risk.params import RiskParams
from petrosa.core.trader import TraderParams
from tests.kit.trading import START, Session, instrument, place_of

END = START + 600 * NS_PER_SECOND


def session(entry: EntryStyle = EntryStyle.MARKETABLE, **execution: object) -> Session:
    params = ExecutionParams(entry=entry, **execution)  # type: ignore[arg-type]
    return Session(TraderParams(execution=params, risk=RiskParams(max_slippage_bps=20.0)))


def asked(
    price: float = 101.0, action: Action = Action.BUY, ends: int | None = END, told: Session | None = None
) -> Session:
    """A session at 99.9 / 100.1 in which a strategy has asked for a stop entry at this price."""
    here = told if told is not None else session()
    buys = action is Action.BUY
    here.signal(
        action, price=price, order_type="stop", expires_at=ends,
        stop_loss=98.0 if buys else 102.0, take_profit=105.0 if buys else 95.0,
    )  # fmt: skip
    return here


def entry_of(here: Session) -> Place:
    (intent,) = here.placed(Leg.ENTRY)
    return place_of(intent)


def test_it_waits_on_the_venue_and_slips_no_farther_than_any_other_entry() -> None:
    """A stop-limit from the signal's price to `max_slippage_bps` beyond it, until the signal's end."""
    place = entry_of(asked(100.53))
    assert (OrderType.STOP_LIMIT, Side.BUY, TimeInForce.GTC, END) == (
        place.type, place.side, place.time_in_force, place.ts_expire
    )  # fmt: skip
    assert (Decimal("100.6"), Decimal("100.7")) == (place.trigger_price, place.price)


def test_a_sell_waits_for_the_fall() -> None:
    """The mirror: the trigger rounds down, the limit lies below it."""
    place = entry_of(asked(99.47, Action.SELL))
    assert (OrderType.STOP_LIMIT, Side.SELL) == (place.type, place.side)
    assert (Decimal("99.4"), Decimal("99.3")) == (place.trigger_price, place.price)


def test_where_entries_are_at_market_it_is_a_stop_without_a_limit() -> None:
    """As every entry of that style; it is sized by the worst price that it is reckoned with."""
    plain, capped = entry_of(asked(told=session(EntryStyle.MARKET))), entry_of(asked())
    assert (OrderType.STOP, None, Decimal("101.0")) == (plain.type, plain.price, plain.trigger_price)
    assert capped.quantity == plain.quantity


def test_a_market_that_is_there_already_is_entered_at_once_within_the_same_bound() -> None:
    """An ask of 100.1 has reached 100.0: a limit at 100.2 that fills now or not at all."""
    place = entry_of(asked(100.0))
    assert (OrderType.LIMIT, TimeInForce.IOC, None, None) == (
        place.type, place.time_in_force, place.trigger_price, place.ts_expire
    )  # fmt: skip
    assert Decimal("100.2") == place.price


def test_a_market_that_has_run_past_it_is_not_run_after() -> None:
    """An ask of 100.1 is beyond 99.8 and 20 bps."""
    refused = asked(99.8).last_refusal()
    assert ("stop_entry", "market at 100.1", "buy from 99.8 to 99.9") == (refused.check, refused.saw, refused.limit)
    assert refused.outcomes[-1].verdict is Verdict.NOT_REACHED


def test_a_signal_whose_entry_has_ended_is_refused() -> None:
    """However fresh the signal is."""
    refused = asked(ends=START - NS_PER_SECOND).last_refusal()
    assert ("stop_entry", "it ended 1.000 s ago") == (refused.check, refused.saw)


def test_it_ends_when_its_bars_are_over() -> None:
    """If the venue does not end it we do; without an end of its own it has `stop_entry_ttl_seconds`."""
    here = asked()
    (intent,) = here.placed(Leg.ENTRY)
    here.accept(intent)
    here.wait(599)
    assert [] == here.cancelled()
    here.wait(1)
    assert [intent.client_order_id] == here.cancelled()
    assert START + 60 * NS_PER_SECOND == entry_of(asked(ends=None, told=session(stop_entry_ttl_seconds=60))).ts_expire


def test_what_fills_is_guarded_at_once() -> None:
    """It triggers, fills a part, and a stop of that size rests at the signal's level."""
    here = asked()
    (intent,) = here.placed(Leg.ENTRY)
    here.accept(intent)
    here.quote(100.9, 101.0)
    here.trigger(intent)
    here.fill(intent, "0.5", "101.0")
    (stop,) = here.placed(Leg.STOP)
    assert (Decimal("0.5"), Decimal("98.0")) == (place_of(stop).quantity, place_of(stop).trigger_price)


def test_while_it_waits_it_is_exposure_and_the_next_signal_is_told_so() -> None:
    """One order under way on an instrument."""
    here = asked()
    here.accept(here.placed(Leg.ENTRY)[0])
    here.signal(number=2)
    assert "order_pending" == here.last_refusal().check


def test_a_close_and_whoever_cancels_entries_takes_it_off() -> None:
    """It would enlarge the position, so it goes with the other entries."""
    for tell in ("close", "cancel"):
        here = asked()
        (intent,) = here.placed(Leg.ENTRY)
        here.accept(intent)
        if tell == "close":
            here.signal(Action.CLOSE, number=2)
        else:
            here.tell(CancelEntries("c-1", "somebody", "for the night"))
        assert [intent.client_order_id] == here.cancelled()


def test_it_may_be_far_from_a_market_that_is_where_the_signal_saw_it() -> None:
    """3 % above is where a daily bar ends; what must be near is the market and what the signal saw of it."""
    assert Decimal("103.0") == entry_of(asked(103.0)).trigger_price
    here = session()
    here.signal(price=103.0, current_price=97.0, order_type="stop", stop_loss=95.0, take_profit=110.0)
    assert "price_sane" == here.last_refusal().check


def test_it_counts_among_the_orders_that_wait_for_a_trigger() -> None:
    """A venue with room for two conditional orders has none for the entry, its stop and its target."""
    here = Session(instruments=(instrument(max_conditional_orders=2),))
    refused = asked(told=here).last_refusal()
    assert ("order_count", "3 orders, 3 of them conditional, with this entry") == (refused.check, refused.saw)


@pytest.mark.parametrize("order_type", [None, "market", "limit", "stop_limit"])
def test_any_other_order_type_leaves_the_entry_to_the_engine(order_type: str | None) -> None:
    """Producers send all sorts; only `stop` changes when an entry is made."""
    here = session()
    here.signal(order_type=order_type)
    place = entry_of(here)
    assert (OrderType.LIMIT, None) == (place.type, place.trigger_price)
