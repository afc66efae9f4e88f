"""Recorded calls of real private endpoints: our client asks the same, and reads the recorded answers the same.

The recordings are of another client. Every one of them is either made here, with what differs on purpose beside it, or
listed with the reason why we do not make it.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest

from petrosa.adapters.venues.binance.live import usdm_choices
from petrosa.adapters.venues.binance.live.product import ALGO
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.rules import read_rules
from petrosa.adapters.venues.binance.live.spot import Spot
from petrosa.adapters.venues.binance.live.usdm import Usdm
from petrosa.core.model.account import StatedOrder
from petrosa.core.model.base import NS_PER_MS, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId, instrument_id
from petrosa.core.model.orders import Liquidity, OrderAccepted, OrderCanceled, OrderStatus, OrderType, TimeInForce
from petrosa.core.model.positions import PositionSide
from tests.kit.live_orders import ACCOUNT, HEARD, cancel, order
from tests.kit.recordings import recordings_dir

pytestmark = pytest.mark.recordings

BUY, SELL = Side.BUY, Side.SELL
T = OrderType


def recorded(name: str) -> Any:
    return json.loads((recordings_dir() / "exchange-exam" / name).read_text())


@cache
def instruments(market: str) -> Mapping[InstrumentId, Instrument]:
    """What the recorded exchangeInfo says that we may trade."""
    listed = recorded("binance_exchange_info.json")
    mine = [one for name, one in listed.items() if (":" in name) is (market == "usdm") and not name.endswith("ETH:ETH")]
    return read_rules(market, json.dumps({"symbols": [one for one in mine if "status" in one]}).encode())


def spot() -> Spot:
    return Spot(ACCOUNT, instruments("spot"))


def usdm(*, hedged: bool = False) -> Usdm:
    return Usdm(ACCOUNT, instruments("usdm"), hedged)


def key(market: str, symbol: str) -> InstrumentId:
    return instrument_id("binance", market, symbol)


LTC, SLTC, BTC = key("usdm", "LTCUSDT"), key("spot", "LTCUSDT"), key("usdm", "BTCUSDT")


# what is asked


class Asked(NamedTuple):
    """Our request; `ours` and `theirs` are parameters that only one of us sends, each with why."""

    request: Request
    ours: Mapping[str, str] = {}
    theirs: Mapping[str, str] = {}


IDS = ("newClientOrderId", "clientAlgoId")
"""Made up by each client. On the algo service the recorded one sent a name that it does not know."""

NOT_COMPARED = ("timestamp", "recvWindow", "signature", *IDS)
PLAINLY = {
    "timeInForce": "GTC, which is what the venue takes when nothing is said: what is meant is said",
    "workingType": "the last price, which is what the venue takes when nothing is said",
}
TIMELESS = {"workingType": PLAINLY["workingType"]}


def _placed(product: Spot | Usdm, *args: Any, **more: Any) -> Request:
    return product.place([order(*args, **more)])


def _weird() -> Request:
    """Numbers as another program has them, made exact by the instrument."""
    rules = instruments("spot")[SLTC]
    quantity, price = rules.quantity(0.4234234234), rules.price(55.324242343)
    return _placed(spot(), BUY, T.LIMIT, f"{quantity:f}", f"{price:f}", on=SLTC)


def ours() -> dict[tuple[str, str], Asked]:
    """By method and description of the recording."""
    return {
        ("cancelOrderWithClientOrderId", "cancel order with clientOrderId"): Asked(
            usdm().cancel(cancel(order(BUY, T.LIMIT, "1", "50", on=LTC, name="myid123")))
        ),
        ("createOrder", "Spot market buy order"): Asked(
            _placed(spot(), BUY, T.MARKET, "0.2", on=SLTC),
            ours={"quantity": "sizes are in the base asset: risk has counted them"},
            theirs={"quoteOrderQty": "as above"},
        ),
        ("createOrder", "Spot limit buy order"): Asked(_placed(spot(), BUY, T.LIMIT, "0.2", "50", on=SLTC)),
        ("createOrder", "Spot limit buy with postOnly"): Asked(
            _placed(spot(), BUY, T.LIMIT, "0.2", "50", on=SLTC, tif=TimeInForce.GTX)
        ),
        ("createOrder", "spot order with weird price/amount"): Asked(_weird()),
        ("createOrder", "Swap market buy order"): Asked(_placed(usdm(), BUY, T.MARKET, "0.1", on=LTC)),
        ("createOrder", "Swap limit buy with triggerPrice"): Asked(
            _placed(usdm(), BUY, T.STOP_LIMIT, "0.21", "51", "101", on=LTC), ours=PLAINLY
        ),
        ("createOrder", "linear swap conditional createOrder"): Asked(
            _placed(usdm(), BUY, T.STOP_LIMIT, "0.002", "102000", "100000", on=BTC), ours=PLAINLY
        ),
        ("createOrder", "Swap limit buy with reduce only (closing short position)"): Asked(
            _placed(usdm(), BUY, T.LIMIT, "0.2", "60", on=LTC, reduces=True)
        ),
        ("createOrder", "Swap trailingPercent order"): Asked(
            _placed(usdm(), SELL, T.TRAILING_STOP, "0.11", on=BTC, reduces=True, callback="0.05"), ours=TIMELESS
        ),
        ("createOrder", "swap hedged reduceOnly market buy order"): Asked(
            _placed(usdm(hedged=True), BUY, T.MARKET, "0.01", on=BTC, reduces=True)
        ),
        ("cancelAllOrders", "Spot cancelAllOrders"): Asked(spot().cancel_all(SLTC)[0]),
        ("cancelAllOrders", "Swap cancelAllOrders"): Asked(usdm().cancel_all(LTC)[0]),
        ("cancelAllOrders", "Linear swap trigger cancel all orders"): Asked(usdm().cancel_all(BTC)[1]),
        ("fetchBalance", "Spot fetch balance"): Asked(
            spot().account()[0], ours={"omitZeroBalances": "an asset that is not stated is 0; the answer is a page"}
        ),
        ("fetchBalance", "Swap fetchBalance"): Asked(usdm().account()[0]),
        ("fetchPositions", "fetch default positions"): Asked(usdm().account()[1]),
        ("fetchPositions", "fetch account positions"): Asked(usdm().account()[0]),
        ("fetchOrders", "Spot fetchOrders"): Asked(spot().history(SLTC)[0]),
        ("fetchOrders", "Swap fetchOrders"): Asked(usdm().history(LTC)[0]),
        ("fetchOrders", "linear swap conditional fetchOrders"): Asked(usdm().history(BTC)[1]),
        ("fetchOpenOrders", "linear swap conditional fetchOpenOrders"): Asked(
            Usdm(ACCOUNT, {BTC: instruments("usdm")[BTC]}).opened()[1]
        ),
        ("setLeverage", "Swap linear setLeverage"): Asked(usdm_choices.set_leverage(LTC, 5)),
    }


NOT_MADE = {
    ("createOrder", "spot +selfTradePrevention +iceberg"): "no order of ours hides a part of itself",
    ("createOrder", "Spot limit buy with test endpoint"): "what would happen is tried on the paper exchange or demo",
    ("createOrder", "swap order with priceMatch"): "a price that the venue chooses is none that risk has looked at",
    ("createOrder", "swap trigger bbo order"): "a price that the venue chooses is none that risk has looked at",
    ("createOrder", "spot create a trailing limit stop loss order"): "a trailing stop of ours becomes a market order",
    ("createOrder", "spot create a trailing limit take profit order"): "a trailing stop of ours becomes a market order",
    ("createOrder", "spot trailingPercent market buy order with stopLossOrTakeProfit param"):
        "without a price to begin at it is a STOP_LOSS with us, which the price sets off in the same way",
    ("cancelOrder", "linear swap conditional cancelOrder"): "an order of ours is called off by the id that we gave it",
    ("setPositionMode", "Swap linear setPositionMode"): "it is read and never changed: it is the whole account's",
    ("createOrders", "Swap createOrders"): "each intent leaves alone, and has an answer of its own",
    ("cancelOrders", "cancelOrders with clientOrderIds"): "each cancel leaves alone, and has an answer of its own",
    ("cancelOrders", "Swap cancelOrders"): "each cancel leaves alone, and has an answer of its own",
}  # fmt: skip
ELSEWHERE = {
    "/dapi/": "COIN-M futures: not a market of ours",
    "/eapi/": "options: not a market of ours",
    "/papi/": "portfolio margin: not an account of ours",
    "/sapi/": "margin, savings and funding wallets: not an account of ours",
}


class Row(NamedTuple):
    """A recorded request."""

    name: tuple[str, str]
    path: str
    params: dict[str, str]
    is_private: bool


def rows() -> list[Row]:
    found = []
    for row in recorded("binance_requests.json"):
        url = urlsplit(row["url"])
        params = dict(parse_qsl(url.query)) | dict(parse_qsl(row["body"] or ""))
        found.append(Row((row["method"], row["description"]), url.path, params, "signature" in params))
    return found


def is_elsewhere(row: Row) -> bool:
    return any(part in row.path for part in ELSEWHERE)


def test_every_recorded_request_is_made_or_has_its_reason() -> None:
    """Of the private ones on our two markets, each is in one table and none is in two; no table has more."""
    mine = [row.name for row in rows() if row.is_private and not is_elsewhere(row)]
    assert sorted(mine) == sorted([*ours(), *NOT_MADE])
    assert len(mine) > 30
    public = [row for row in rows() if not row.is_private and not is_elsewhere(row)]
    assert all(row.name[0] in PUBLIC for row in public)


PUBLIC = ("fetchOHLCV", "fetchFundingRateHistory", "fetchTrades", "fetchOrderBook", "fetchTicker")
"""Market data: `test_public_client.py`."""


@pytest.mark.parametrize("name", [*ours()], ids=lambda name: name[1])
def test_what_is_asked_is_what_was_recorded(name: tuple[str, str]) -> None:
    """The same method, path and parameters; what differs is what the table says, and no more."""
    row = next(row for row in rows() if row.name == name and row.is_private and not is_elsewhere(row))
    asked = ours()[name]
    assert row.path == asked.request.path
    assert METHODS.get(name[0], "GET") == asked.request.method
    theirs = {k: v for k, v in row.params.items() if k not in NOT_COMPARED}
    mine = {k: v for k, v in asked.request.params.items() if k not in NOT_COMPARED}
    assert (set(asked.theirs), set(asked.ours)) == (set(theirs) - set(mine), set(mine) - set(theirs))
    assert {k: theirs[k] for k in theirs.keys() & mine.keys()} == {k: mine[k] for k in theirs.keys() & mine.keys()}


METHODS = {
    "createOrder": "POST", "setLeverage": "POST", "setPositionMode": "POST", "cancelOrder": "DELETE",
    "cancelAllOrders": "DELETE", "cancelOrderWithClientOrderId": "DELETE",
}  # fmt: skip


def test_the_rules_of_recorded_symbols() -> None:
    """The most that may be sent is what a market order may be; a symbol that is settling is none."""
    btc, spot_btc = instruments("usdm")[BTC], instruments("spot")[key("spot", "BTCUSDT")]
    assert (Decimal(120), Decimal("0.001"), Decimal("0.10"), 50, 200) == (
        btc.max_quantity, btc.min_quantity, btc.tick, btc.min_notional, btc.max_orders
    )  # fmt: skip
    assert (Decimal("0.95"), Decimal("1.05"), True) == (
        btc.price_multiplier_down, btc.price_multiplier_up, btc.short_allowed
    )  # fmt: skip
    assert (Decimal("162.41903"), Decimal("0.00001"), Decimal("0.01"), 5, 200, 5) == (
        spot_btc.max_quantity, spot_btc.step, spot_btc.tick, spot_btc.min_notional, spot_btc.max_orders,
        spot_btc.max_conditional_orders,
    )  # fmt: skip
    assert key("usdm", "SNTUSDT") not in instruments("usdm")
    assert LTC in instruments("usdm")


# what is answered

STATUSES = {"open": OrderStatus.ACCEPTED, "closed": OrderStatus.FILLED}
READ = {
    ("createOrder", "spot +selfTradePrevention +iceberg"),
    ("createOrder", "createOrder conditional linear swap"),
    ("fetchOrder", "Fetch spot closed order"),
    ("fetchOpenOrders", "Fetch spot open orders"),
    ("fetchOpenOrders", "fetchOpenOrders linear swap conditional"),
    ("fetchPositions", "Fetch linear positions without symbols"),
    ("fetchPositions", "Fetch linear positions using account endnpoint"),
    ("fetchMyTrades", "Spot private trade"),
    ("fetchBalance", "Spot balance"),
    ("cancelOrder", "cancelOrder linear swap conditional"),
}
DELISTED = "account endpoint delisted market with zero leverage and zero notional does not crash (issue #29244)"
NOT_READ = {
    ("fetchMyTrades", "spot porfolioMargin private trade"): "portfolio margin",
    ("fetchBalance", "fetch papi balance"): "portfolio margin",
    ("fetchPositions", DELISTED):
        "cut by hand: its wallets have no balance; we read positions from positionRisk",
    ("fetchOHLCV", "Spot OHLCV with since and limit"): "public",
    ("fetchOHLCV", "swap ohlcv"): "public",
    ("fetchOrderBook", "spot orderbook"): "public",
    ("fetchTicker", "public spot ticker"): "public",
}  # fmt: skip


def answer(method: str, description: str) -> tuple[bytes, Any]:
    """What the venue answered, and what the other client made of it."""
    assert (method, description) in READ
    row = next(
        row for row in recorded("binance_responses.json")
        if (row["method"], row["description"]) == (method, description)
    )  # fmt: skip
    return json.dumps(row["http_response"]).encode(), row["parsed"]


def test_every_recorded_answer_is_read_or_has_its_reason() -> None:
    listed = [(row["method"], row["description"]) for row in recorded("binance_responses.json")]
    assert sorted(listed) == sorted([*READ, *NOT_READ])


def same_order(stated: StatedOrder, parsed: Any) -> None:
    """Ours and theirs say the same of an order."""
    assert (parsed["id"], parsed["clientOrderId"]) == (
        stated.venue_order_id.removeprefix(ALGO), stated.client_order_id
    )  # fmt: skip
    assert (parsed["side"], STATUSES[parsed["status"]]) == (stated.side.value, stated.status)
    assert (parsed["amount"], parsed["filled"]) == (float(stated.quantity), float(stated.filled))
    assert parsed["lastUpdateTimestamp"] * NS_PER_MS == stated.ts_event
    assert parsed["triggerPrice"] == (None if stated.trigger_price is None else float(stated.trigger_price))
    assert ("limit" in stated.type.value) is (parsed["type"] == "limit")
    if parsed["type"] == "limit":
        assert parsed["price"] == float(stated.price or 0)


def test_the_answer_to_a_new_spot_order() -> None:
    body, parsed = answer("createOrder", "spot +selfTradePrevention +iceberg")
    intent = order(BUY, T.LIMIT, "0.05", "241", on=key("spot", "SOLUSDT"), name=parsed["clientOrderId"])
    (accepted,) = spot().placed([intent], body, HEARD)
    assert isinstance(accepted, OrderAccepted)
    assert (parsed["id"], parsed["timestamp"] * NS_PER_MS) == (accepted.venue_order_id, accepted.ts_event)
    assert (0, "open") == (parsed["filled"], parsed["status"])


def test_the_answer_to_a_new_conditional_order() -> None:
    """Accepted under a name that no trade has; asked for, the same order."""
    body, parsed = answer("createOrder", "createOrder conditional linear swap")
    intent = order(BUY, T.STOP_LIMIT, "0.002", "102000", "100000", on=BTC, name=parsed["clientOrderId"])
    (accepted,) = usdm().placed([intent], body, HEARD)
    assert isinstance(accepted, OrderAccepted)
    assert (f"{ALGO}{parsed['id']}", parsed["timestamp"] * NS_PER_MS) == (accepted.venue_order_id, accepted.ts_event)
    stated = usdm().queried(body)
    assert isinstance(stated, StatedOrder)
    same_order(stated, parsed)


def test_a_closed_order() -> None:
    """Of a market order the price is 0: it has none."""
    body, parsed = answer("fetchOrder", "Fetch spot closed order")
    stated = spot().queried(body)
    assert isinstance(stated, StatedOrder)
    same_order(stated, parsed)
    assert stated.price is None


def test_open_orders() -> None:
    for product, path, description in (
        (spot(), "/api/v3/openOrders", "Fetch spot open orders"),
        (usdm(), "/fapi/v1/openAlgoOrders", "fetchOpenOrders linear swap conditional"),
    ):  # fmt: skip
        body, parsed = answer("fetchOpenOrders", description)
        (stated,) = product.read_opened(Request("GET", path), body)
        same_order(stated, parsed[0])


def test_positions() -> None:
    body, (parsed,) = answer("fetchPositions", "Fetch linear positions without symbols")
    balances, (position,) = usdm().read_account(Request("GET", "/fapi/v3/positionRisk"), body)
    assert {} == balances
    assert (BTC, PositionSide.NET) == (position.instrument, position.side)
    assert (parsed["contracts"], parsed["entryPrice"]) == (float(position.quantity), float(position.entry_price))


def test_wallets_of_futures() -> None:
    """What they took the margin from: wallets by asset, without the profit of open positions."""
    body, (parsed,) = answer("fetchPositions", "Fetch linear positions using account endnpoint")
    balances, positions = usdm().read_account(Request("GET", "/fapi/v3/account"), body)
    theirs = {row["asset"]: Decimal(row["walletBalance"]) for row in json.loads(body)["assets"]}
    assert ((), theirs) == (positions, balances)
    assert parsed["info"]["crossWalletBalance"] == str(balances["USDT"])


def test_my_trades() -> None:
    body, (parsed,) = answer("fetchMyTrades", "Spot private trade")
    fills, unnamed = spot().read_trades(body, {}, HEARD)
    assert ([], [f"LTCUSDT:{parsed['order']}"]) == (list(fills), list(unnamed))
    ((fill,), _) = spot().read_trades(body, {unnamed[0]: "mine"}, HEARD)
    assert ("mine", parsed["id"], parsed["side"]) == (fill.client_order_id, fill.trade_id, fill.side.value)
    assert (parsed["price"], parsed["amount"]) == (float(fill.price), float(fill.quantity))
    assert parsed["fee"] == {"cost": float(fill.fee), "currency": fill.fee_asset}
    assert (parsed["timestamp"] * NS_PER_MS, Liquidity.TAKER) == (fill.ts_event, fill.liquidity)
    assert "taker" == parsed["takerOrMaker"]


def test_balances_of_spot() -> None:
    """The same totals, and 0 for the assets of our instruments that the answer leaves out."""
    body, parsed = answer("fetchBalance", "Spot balance")
    balances, _ = spot().read_account(Request("GET", "/api/v3/account"), body)
    assert parsed["total"] == {asset: float(balances[asset]) for asset in parsed["total"]}
    assert Decimal(0) == balances["USDT"]


def test_the_cancel_of_a_conditional_order() -> None:
    body, parsed = answer("cancelOrder", "cancelOrder linear swap conditional")
    ending = cancel(order(BUY, T.STOP, "1", None, "9", on=BTC, name=parsed["clientOrderId"]), conditional=True)
    (end,) = usdm().cancelled(ending, body, HEARD)
    assert (OrderCanceled, parsed["clientOrderId"]) == (type(end), end.client_order_id)
