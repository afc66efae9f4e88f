"""How an entry is made: at which price, for how long."""

from decimal import Decimal
from typing import Final

from petrosa.core.execution.params import EntryStyle, ExecutionParams
from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.instruments import Instrument, Toward
from petrosa.core.model.orders import Intent, Leg, OrderType, Place, TimeInForce, client_order_id_of
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


def entry_intent(cleared: Cleared, account: str, now: int, params: ExecutionParams) -> Intent:
    """What the gate cleared, as an order: all of it, at the worst price it may have (or at market)."""
    signal, style = cleared.entry.signal, params.entry
    place = Place(
        side=cleared.entry.side,
        type=OrderType.MARKET if cleared.entry.at_market else OrderType.LIMIT,
        quantity=cleared.quantity,
        price=None if cleared.entry.at_market else cleared.worst,
        time_in_force=_TIME_IN_FORCE[style],
        ts_expire=now + round(params.passive_ttl_seconds * NS_PER_SECOND) if style.rests else None,
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
