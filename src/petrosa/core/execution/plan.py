"""How an entry is made: at which price, for how long."""

from decimal import Decimal
from typing import Final, NamedTuple

from petrosa.core.execution.params import EntryStyle, ExecutionParams
from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.instruments import Instrument, Toward
from petrosa.core.model.orders import Intent, Leg, OrderType, Place, TimeInForce, client_order_id_of
from petrosa.core.model.refusals import Outcome, failed, passed
from petrosa.core.model.signals import Signal
from petrosa.core.risk.gate import Cleared

_TIME_IN_FORCE: Final = {
    EntryStyle.MARKETABLE: TimeInForce.IOC,
    EntryStyle.PASSIVE: TimeInForce.GTC,
    EntryStyle.MARKET: TimeInForce.GTC,
    EntryStyle.POST_ONLY: TimeInForce.GTX,
}


def entry_prices(
    side: Side, market: MarketState, instrument: Instrument, style: EntryStyle, max_slippage_bps: float
) -> tuple[Decimal | None, Decimal | None]:
    """(expected, worst) price of an entry; None where the market shows no such price.

    A marketable entry, and one at market, expects the best opposite price and goes up to `max_slippage_bps` beyond it,
    rounded so that it never goes farther; one that rests has the best own price and no other.
    """
    bid, ask = market.bid, market.ask
    if not 0.0 < bid < ask:
        return None, None
    if style.rests:
        own = instrument.price(bid, Toward.DOWN) if side is Side.BUY else instrument.price(ask, Toward.UP)
        return own, own
    slip = max_slippage_bps / 10_000.0
    if side is Side.BUY:
        expected = instrument.price(ask, Toward.UP)
        return expected, max(expected, instrument.price(ask * (1.0 + slip), Toward.DOWN))
    expected = instrument.price(bid, Toward.DOWN)
    if expected <= 0:
        return None, None
    return expected, min(expected, instrument.price(bid * (1.0 - slip), Toward.UP))


_TYPES: Final = {
    (False, False): OrderType.LIMIT,
    (True, False): OrderType.MARKET,
    (False, True): OrderType.STOP_LIMIT,
    (True, True): OrderType.STOP,
}
"""By whether it is at market, and whether it waits for a trigger."""

STOP_ENTRY: Final = "stop"
"""The `order_type` of a signal whose entry waits until the market reaches its price."""


class Terms(NamedTuple):
    """What an entry expects and the worst it takes; one that waits has its `trigger`, one that rests or waits an end.

    `outcome` is what was asked of a stop entry, none of any other.
    """

    expected: Decimal | None
    worst: Decimal | None
    trigger: Decimal | None = None
    ts_expire: int | None = None
    outcome: Outcome | None = None


def entry_terms(
    signal: Signal, side: Side, market: MarketState, instrument: Instrument, params: ExecutionParams,
    max_slippage_bps: float, now: int,
) -> Terms:  # fmt: skip
    """How the entry that a signal asks for is made now.

    A stop entry waits for the signal's price, rounded away from the market, and fills at most `max_slippage_bps` beyond
    it. Where the market is there already it is made at once, within the same bound; beyond the bound its moment has
    passed.
    """
    style = params.entry
    expected, worst = entry_prices(side, market, instrument, style, max_slippage_bps)
    if signal.order_type != STOP_ENTRY:
        end = now + round(params.passive_ttl_seconds * NS_PER_SECOND) if style.rests else None
        return Terms(expected, worst, ts_expire=end)
    touch, _ = entry_prices(side, market, instrument, EntryStyle.MARKETABLE, max_slippage_bps)
    if touch is None:
        return Terms(None, None)
    sign = side.sign
    beyond, short_of = (Toward.UP, Toward.DOWN) if side is Side.BUY else (Toward.DOWN, Toward.UP)
    trigger = instrument.price(signal.price, beyond)
    slipped = instrument.price(signal.price * (1.0 + sign * max_slippage_bps / 10_000.0), short_of)
    worst = slipped if sign * (slipped - trigger) > 0 else trigger
    end = signal.expires_at or now + round(params.stop_entry_ttl_seconds * NS_PER_SECOND)
    limit = f"{side.value} from {trigger} to {worst}"
    if end <= now:
        remedy = "nothing to do: its moment has passed"
        late = failed("stop_entry", f"it ended {(now - end) / NS_PER_SECOND:.3f} s ago", limit, remedy)
        return Terms(touch, worst, outcome=late)
    if sign * (touch - worst) > 0:
        gone = failed("stop_entry", f"market at {touch}", limit, "nothing to do: the market has run past the entry")
        return Terms(touch, worst, outcome=gone)
    reached = sign * (touch - trigger) >= 0 or (market.last > 0.0 and sign * (market.last - float(trigger)) >= 0.0)
    if reached:
        return Terms(touch, worst, outcome=passed("stop_entry", f"market at {touch}: entered at once", limit))
    return Terms(trigger, worst, trigger, end, passed("stop_entry", f"market at {touch}: waits", limit))


def entry_intent(cleared: Cleared, account: str, style: EntryStyle, ts_expire: int | None) -> Intent:
    """What the gate cleared, as an order: all of it, at the worst price it may have (or at market).

    One that waits for its trigger is a stop with that limit, so that it slips no farther than any other entry.
    """
    signal, trigger = cleared.entry.signal, cleared.entry.trigger
    at_market, waits = cleared.entry.at_market, trigger is not None
    place = Place(
        side=cleared.entry.side,
        type=_TYPES[at_market, waits],
        quantity=cleared.quantity,
        price=None if at_market else cleared.worst,
        trigger_price=trigger,
        time_in_force=TimeInForce.GTC if waits else _TIME_IN_FORCE[style],
        ts_expire=ts_expire,
    )
    return Intent(
        client_order_id=client_order_id_of(account, signal.signal_id, Leg.ENTRY),
        account=account,
        instrument=cleared.entry.instrument.id,
        leg=Leg.ENTRY,
        action=place,
        signal_id=signal.signal_id,
        strategy_id=signal.strategy_id,
    )
