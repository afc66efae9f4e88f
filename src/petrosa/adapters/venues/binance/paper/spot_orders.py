"""Reads spot orders and order lists out of requests, and checks them against the symbol's filters."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.adapters.venues.binance.paper.market import PublicMarket
from petrosa.adapters.venues.binance.paper.numbers import ZERO
from petrosa.adapters.venues.binance.paper.orders import Order
from petrosa.adapters.venues.binance.paper.parameters import Parameters
from petrosa.adapters.venues.binance.paper.refusals import Refusal, filter_failure, missing, rejected, unwanted
from petrosa.adapters.venues.binance.paper.rules import (
    SPOT_ALGO_MAX,
    SPOT_OPEN_MAX,
    SPOT_TYPES,
    STP_MODES,
    SpotRules,
)
from petrosa.adapters.venues.binance.paper.spot_account import SpotAccount
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT
from petrosa.core.simulation.trigger import Trigger

PRICED: Final = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
TIMED: Final = frozenset({"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
CONDITIONAL: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
BASIS_POINT: Final = Decimal("0.0001")


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """An order as asked for, before it is one."""

    side: Side
    type: str
    quantity: Decimal
    price: Decimal = ZERO
    tif: str = "GTC"
    stop_price: Decimal = ZERO
    trailing_delta: int = 0
    quote_quantity: Decimal = ZERO
    stp: str = "EXPIRE_MAKER"
    client_id: str = ""


Named = Callable[[str], str]
"""How a parameter of a leg is called: `price` of the leg `above` is `abovePrice`."""


def plain_name(name: str) -> str:
    return name


def leg_name(leg: str) -> Named:
    return lambda name: leg + name[0].upper() + name[1:]


def read_terms(asked: Parameters, make_id: Callable[[], str]) -> Terms:
    """A single order. Raises `Refusal` for what is missing, unwanted, malformed or impossible."""
    side = Side[asked.choice("side", ("BUY", "SELL"))]
    kind = asked.choice("type", SPOT_TYPES)
    quote = asked.maybe_number("quoteOrderQty")
    if quote is not None:
        if kind != "MARKET":
            raise unwanted("quoteOrderQty")
        if "quantity" in asked:
            raise Refusal(-1128, "Combination of optional parameters invalid.")
    quantity = ZERO if quote is not None else asked.number("quantity")
    client_id = asked.client_id("newClientOrderId", make_id)
    return _leg(asked, plain_name, side, kind, quantity, client_id, quote or ZERO)


def read_leg(
    asked: Parameters, leg: str, side: Side, kind: str, quantity: Decimal, make_id: Callable[[], str]
) -> Terms:
    """One leg of an order list, whose parameters begin with the leg's name."""
    named = leg_name(leg)
    return _leg(asked, named, side, kind, quantity, asked.client_id(named("clientOrderId"), make_id), ZERO)


def _leg(
    asked: Parameters, named: Named, side: Side, kind: str, quantity: Decimal, client_id: str, quote: Decimal
) -> Terms:  # fmt: skip
    price = asked.maybe_number(named("price"))
    if kind in PRICED and price is None:
        raise missing(named("price"))
    if kind not in PRICED and price is not None:
        raise unwanted(named("price"))
    tif = asked.optional(named("timeInForce"))
    if kind in TIMED:
        if tif is None:
            raise missing(named("timeInForce"))
        if tif not in ("GTC", "IOC", "FOK"):
            raise Refusal(-1115, "Invalid timeInForce.")
    elif tif is not None:
        raise unwanted(named("timeInForce"))
    stop, delta = _conditions(asked, named, kind)
    if asked.maybe_number(named("icebergQty")):
        raise rejected("Iceberg orders are not supported for this symbol.")
    return Terms(
        side=side, type=kind, quantity=quantity, price=price or ZERO, tif=tif or "GTC", stop_price=stop,
        trailing_delta=delta, quote_quantity=quote, client_id=client_id,
        stp=_stp(asked),
    )  # fmt: skip


def _stp(asked: Parameters) -> str:
    mode = asked.text("selfTradePreventionMode", "EXPIRE_MAKER")
    if mode not in STP_MODES:
        raise Refusal(-1013, "This symbol does not allow the specified self-trade prevention mode.")
    return mode


def _conditions(asked: Parameters, named: Named, kind: str) -> tuple[Decimal, int]:
    stop, delta = asked.maybe_number(named("stopPrice")), asked.maybe_integer(named("trailingDelta"))
    if kind not in CONDITIONAL:
        for name, value in (("stopPrice", stop), ("trailingDelta", delta)):
            if value is not None:
                raise unwanted(named(name))
        return ZERO, 0
    if stop is None and delta is None:
        raise Refusal(-1102, "A mandatory parameter was not sent, was empty/null, or malformed. "
                             "One of 'stopPrice' or 'trailingDelta' is required.")  # fmt: skip
    return stop or ZERO, delta or 0


def check_terms(terms: Terms, rules: SpotRules, market: PublicMarket, account: SpotAccount) -> None:
    """The filters, in the order of exchangeInfo. Raises -1013."""
    reference = market.last or market.reference
    for price in (terms.price, terms.stop_price):
        if price:
            rules.check_price(price)
    if terms.type in PRICED:
        rules.check_price(terms.price)
        rules.check_distance(terms.price, reference)
    if not terms.quote_quantity:
        rules.check_quantity(terms.quantity)
        value_at = terms.price or terms.stop_price or reference
        if value_at:
            rules.check_value(terms.quantity, value_at, market=terms.type == "MARKET")
    elif terms.quote_quantity < rules.instrument.min_notional:
        raise filter_failure("NOTIONAL")
    if terms.trailing_delta:
        rules.check_delta(terms.trailing_delta)
    _check_counts(terms, account, market.symbol)


def _check_counts(terms: Terms, account: SpotAccount, symbol: str) -> None:
    known = list(account.ledger.open(symbol))
    if len(known) >= SPOT_OPEN_MAX:
        raise filter_failure("MAX_NUM_ORDERS")
    if terms.type in CONDITIONAL and sum(order.type in CONDITIONAL for order in known) >= SPOT_ALGO_MAX:
        raise filter_failure("MAX_NUM_ALGO_ORDERS")


def make_order(terms: Terms, market: PublicMarket, account: SpotAccount, now: int, list_id: int = -1) -> Order:
    """The order that the terms mean; one by value gets its quantity from what is shown now."""
    quantity = terms.quantity
    if terms.quote_quantity:
        quantity = _quantity_for(terms, market, account)
    return Order(
        id=account.ids.next(), client_id=terms.client_id, instrument=market.instrument.id, symbol=market.symbol,
        side=terms.side, type=terms.type, tif=terms.tif, quantity=quantity, price=terms.price, ts=now, ts_update=now,
        stop_price=terms.stop_price, trailing_delta=terms.trailing_delta, quote_quantity=terms.quote_quantity,
        stp=terms.stp, list_id=list_id, trigger=_trigger(terms),
    )  # fmt: skip


def _trigger(terms: Terms) -> Trigger | None:
    if terms.type not in CONDITIONAL:
        return None
    if terms.trailing_delta:  # whatever its type, a buy is set off by a rise from the lowest, a sell by a fall
        callback = EXACT.multiply(Decimal(terms.trailing_delta), BASIS_POINT)
        return Trigger(
            price=terms.stop_price or None, upward=terms.side is Side.BUY, callback=callback,
            on_its_side=terms.type.startswith("STOP_LOSS"),
        )  # fmt: skip
    upward = (terms.side is Side.BUY) is terms.type.startswith("STOP_LOSS")
    return Trigger(price=terms.stop_price or None, upward=upward)


def _quantity_for(terms: Terms, market: PublicMarket, account: SpotAccount) -> Decimal:
    """The largest quantity whose value, walking what is shown, is not above the value asked for."""
    instrument = market.instrument
    reference = market.reference
    if not reference:
        raise rejected("Market is closed.")
    wanted = instrument.quantity_steps(EXACT.divide(terms.quote_quantity, reference)) * 2 + 1
    budget = EXACT.divide(terms.quote_quantity, EXACT.multiply(instrument.tick, instrument.step))
    steps = 0
    for piece in account.ledger.exchange.takeable(instrument.id, terms.side, None, wanted):
        take = min(piece.steps, int(budget // piece.ticks))
        steps += take
        budget -= take * piece.ticks
        if take < piece.steps:
            break
    quantity = EXACT.multiply(instrument.step, Decimal(steps))
    if quantity < instrument.min_quantity:
        raise filter_failure("LOT_SIZE")
    return quantity
