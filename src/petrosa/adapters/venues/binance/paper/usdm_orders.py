"""Reads USD-M orders and algo orders out of requests, and checks them against the symbol's filters."""

from decimal import Decimal
from typing import Final

from petrosa.adapters.venues.binance.paper.market import PublicMarket
from petrosa.adapters.venues.binance.paper.numbers import ZERO, ms
from petrosa.adapters.venues.binance.paper.orders import BOTH, AlgoOrder, Order
from petrosa.adapters.venues.binance.paper.parameters import Parameters
from petrosa.adapters.venues.binance.paper.refusals import (
    Refusal,
    missing,
    triggers_at_once,
    unwanted,
    use_algo_service,
)
from petrosa.adapters.venues.binance.paper.rules import (
    CONDITIONAL,
    STP_MODES,
    USDM_ALGO_MAX,
    USDM_OPEN_MAX,
    USDM_TIF,
    USDM_TYPES,
    UsdmRules,
)
from petrosa.adapters.venues.binance.paper.usdm_account import UsdmAccount
from petrosa.adapters.venues.binance.paper.usdm_algos import matched_price
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND, Side
from petrosa.core.model.instruments import EXACT
from petrosa.core.simulation.trigger import Trigger

PRICE_MATCHES: Final = (
    "NONE", "OPPONENT", "OPPONENT_5", "OPPONENT_10", "OPPONENT_20", "QUEUE", "QUEUE_5", "QUEUE_10", "QUEUE_20",
)  # fmt: skip
CLOSING: Final = frozenset({"STOP_MARKET", "TAKE_PROFIT_MARKET"})
GTD_LEAST_NS: Final = 600 * NS_PER_SECOND
GTD_MOST_MS: Final = 253_402_300_799_000
CALLBACK_LEAST, CALLBACK_MOST = Decimal("0.1"), Decimal(10)
PERCENT: Final = Decimal("0.01")


def read_order(asked: Parameters, market: PublicMarket, rules: UsdmRules, account: UsdmAccount, now: int) -> Order:
    """A plain order, checked. Raises -4120 for a conditional type: those belong to the algo service."""
    side = Side[asked.choice("side", ("BUY", "SELL"))]
    kind = asked.choice("type", USDM_TYPES)
    if kind in CONDITIONAL:
        raise use_algo_service()
    position_side, reduces = _position_side(asked, side, account)
    tif, good_till = _time_in_force(asked, kind == "LIMIT", now)
    price = _price(asked, market, side) if kind == "LIMIT" else ZERO
    if kind == "MARKET" and "price" in asked:
        raise unwanted("price")
    if sum(1 for _ in account.ledger.open(market.symbol)) >= USDM_OPEN_MAX:
        raise Refusal(-2025, "Reach max open order limit.")
    order = Order(
        id=account.ids.next(), client_id=asked.client_id("newClientOrderId", account.ids.name("paper")),
        instrument=market.instrument.id, symbol=market.symbol, side=side, type=kind, tif=tif,
        quantity=asked.number("quantity"), price=price, ts=now, ts_update=now, good_till=good_till,
        position_side=position_side, reduce_only=reduces, stp=_stp(asked),
    )  # fmt: skip
    check_order(order, market, rules)
    return order


def check_order(order: Order, market: PublicMarket, rules: UsdmRules) -> None:
    """The filters. Raises `Refusal` with the venue's code."""
    rules.check_quantity(order.quantity)
    if order.is_limit:
        rules.check_price(order.price)
        rules.check_distance(order.side, order.price, market.reference)
    price = order.price or market.reference
    if not order.reduce_only and price:
        rules.check_value(order.quantity, price)


def read_algo(asked: Parameters, market: PublicMarket, rules: UsdmRules, account: UsdmAccount, now: int) -> AlgoOrder:
    """A conditional order for the algo service, checked. Raises `Refusal`."""
    if asked.text("algoType") != "CONDITIONAL":
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    side = Side[asked.choice("side", ("BUY", "SELL"))]
    kind = asked.choice("type", tuple(CONDITIONAL))
    position_side, reduces = _position_side(asked, side, account)
    is_limit, trails = kind in ("STOP", "TAKE_PROFIT"), kind == "TRAILING_STOP_MARKET"
    closes = asked.boolean("closePosition")
    if closes and position_side != BOTH and not reduces:
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    tif, good_till = _time_in_force(asked, is_limit, now, "GTC")
    match = asked.choice("priceMatch", PRICE_MATCHES, "NONE")
    price = (asked.maybe_number("price") or ZERO) if is_limit and match != "NONE" else ZERO
    price = asked.number("price") if is_limit and match == "NONE" else price
    trigger, activation, callback = _trigger(asked, side, kind)
    order = AlgoOrder(
        id=account.ids.next(), client_id=asked.client_id("clientAlgoId", account.ids.name("algo")),
        instrument=market.instrument.id, symbol=market.symbol, side=side, type=kind, tif=tif,
        quantity=_quantity(asked, kind, closes), price=price, trigger_price=ZERO if trails else trigger.price or ZERO,
        trigger=trigger, ts=now, ts_update=now, price_match=match, close_position=closes,
        working_type=asked.choice("workingType", ("MARK_PRICE", "CONTRACT_PRICE"), "CONTRACT_PRICE"),
        price_protect=asked.boolean("priceProtect"), position_side=position_side, reduce_only=reduces,
        stp=_stp(asked), activation=activation, callback_pct=callback, good_till=good_till,
    )  # fmt: skip
    _check_algo(order, market, rules, account)
    return order


def _check_algo(order: AlgoOrder, market: PublicMarket, rules: UsdmRules, account: UsdmAccount) -> None:
    if not order.close_position:
        rules.check_quantity(order.quantity)
    if order.trigger.price is not None:
        rules.check_price(order.trigger.price, "Stop price")
    if order.price:
        rules.check_price(order.price)
    value_at = order.price or order.trigger.price or market.reference
    if not (order.close_position or order.reduce_only) and value_at:
        rules.check_value(order.quantity, value_at)
    open_algos = account.algos.waiting()
    if any(one.client_id == order.client_id for one in open_algos):
        raise Refusal(-4116, "ClientOrderId is duplicated.")
    if len(open_algos) >= USDM_ALGO_MAX:
        raise Refusal(-4045, "Reach max stop order limit.")
    if order.close_position and any(
        one.close_position
        and (one.symbol, one.side, one.type, one.position_side)
        == (order.symbol, order.side, order.type, order.position_side)
        for one in open_algos
    ):
        raise Refusal(
            -4130, "An open stop or take profit order with GTE and closePosition in the direction is existing."
        )
    reference = market.reference if order.working_type == "MARK_PRICE" else market.last
    if reference and order.trigger.touched(reference):
        raise triggers_at_once()


def _quantity(asked: Parameters, kind: str, closes: bool) -> Decimal:
    if not closes:
        return asked.number("quantity")
    if kind not in CLOSING:
        raise Refusal(-4136, f"Target strategy invalid for orderType {kind},closePosition true")
    if "quantity" in asked:
        raise Refusal(-4137, "Quantity must be zero with closePosition equals true")
    if "reduceOnly" in asked:
        raise unwanted("reduceOnly")
    return ZERO


def _trigger(asked: Parameters, side: Side, kind: str) -> tuple[Trigger, Decimal, Decimal]:
    """(trigger, activation price, callback in percent)."""
    if kind != "TRAILING_STOP_MARKET":
        price = asked.number("triggerPrice")
        return Trigger(price=price, upward=(side is Side.BUY) is kind.startswith("STOP")), ZERO, ZERO
    callback = asked.number("callbackRate")
    if not CALLBACK_LEAST <= callback <= CALLBACK_MOST or EXACT.remainder(callback, CALLBACK_LEAST) != 0:
        raise Refusal(-2007, "Invalid callBack rate.")
    activation = asked.maybe_number("activatePrice")
    fraction = EXACT.multiply(callback, PERCENT)
    return Trigger(price=activation, upward=side is Side.BUY, callback=fraction), activation or ZERO, callback


def _price(asked: Parameters, market: PublicMarket, side: Side) -> Decimal:
    match = asked.choice("priceMatch", PRICE_MATCHES, "NONE")
    if match == "NONE":
        return asked.number("price")
    if "price" in asked:
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    return matched_price(market, side, match)


def _time_in_force(asked: Parameters, timed: bool, now: int, default: str | None = None) -> tuple[str, int]:
    """(time in force, good till ns); market orders have none."""
    if not timed:
        return "GTC", 0
    tif = asked.choice("timeInForce", USDM_TIF, default)
    if tif != "GTD":
        return tif, 0
    till = asked.maybe_integer("goodTillDate")
    if till is None:
        raise missing("goodTillDate")
    if not ms(now + GTD_LEAST_NS) < till < GTD_MOST_MS:
        raise Refusal(-5040, "The goodTillDate timestamp must be greater than the current time plus 600 seconds and "
                             "smaller than 253402300799000 (UTC 9999-12-31 23:59:59)")  # fmt: skip
    return tif, till * NS_PER_MS


def _position_side(asked: Parameters, side: Side, account: UsdmAccount) -> tuple[str, bool]:
    """(position side, whether the order can only reduce it)."""
    says_reduce = asked.boolean("reduceOnly")
    given = asked.optional("positionSide")
    position_side, reduces = account.check_side(given, side, says_reduce="reduceOnly" in asked)
    return position_side, reduces or says_reduce


def _stp(asked: Parameters) -> str:
    mode = asked.text("selfTradePreventionMode", "EXPIRE_MAKER")
    if mode not in STP_MODES:
        raise Refusal(-5039, "Invalid self trade prevention mode.")
    return mode
