"""Frames of a spot account's user stream, made by the paper exchange or written down, as news for the core."""

import json
from decimal import Decimal
from typing import Any

import pytest

from petrosa.adapters.venues.binance.live.spot_events import SpotEvents
from petrosa.core.model.base import NS_PER_MS, Side
from petrosa.core.model.orders import (
    AccountEvent,
    BalanceChanged,
    Liquidity,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
)
from petrosa.errors import DataError
from tests.kit.paper_venue import SPOT, PaperBench

SEEN = 1_900_000_000_000_000_000
T = 1_800_000_000_123

REPORT: dict[str, Any] = {
    "e": "executionReport", "E": T, "s": "BTCUSDT", "c": "p1", "S": "BUY", "o": "LIMIT", "f": "GTC", "q": "1.0",
    "p": "100.0", "P": "0.0", "F": "0.0", "g": -1, "C": "", "x": "NEW", "X": "NEW", "r": "NONE", "i": 4293153,
    "l": "0.0", "z": "0.0", "L": "0.0", "n": "0", "N": None, "T": T, "t": -1, "v": 3, "I": 8641984, "w": True,
    "m": False, "M": False, "O": T, "Z": "0.0", "Y": "0.0", "Q": "0.0", "W": T, "V": "NONE",
}  # fmt: skip
TRADE = REPORT | {
    "x": "TRADE", "X": "PARTIALLY_FILLED", "l": "0.4", "z": "0.4", "L": "99.5", "n": "0.0004", "N": "BTC", "t": 77,
    "m": True,
}  # fmt: skip
WHERE = ("main", SPOT)


def frame(event: dict[str, Any]) -> bytes:
    """As the WebSocket API sends it."""
    return json.dumps({"subscriptionId": 0, "event": event}).encode()


def told(*events: dict[str, Any]) -> list[AccountEvent]:
    reader = SpotEvents("main")
    return [news for event in events for news in reader.read(frame(event), SEEN).events]


def heard(bench: PaperBench) -> list[AccountEvent]:
    """Everything that the exchange has told of the demo account, read."""
    return told(*bench.ears["spot"].events)


def test_a_new_order_is_accepted_under_its_client_id() -> None:
    assert [OrderAccepted(*WHERE, "p1", "4293153", T * NS_PER_MS, SEEN)] == told(REPORT)


def test_a_trade_is_one_fill_with_its_fee_in_what_it_was_paid() -> None:
    fill = OrderFilled(
        *WHERE, "p1", "77", Side.BUY, Decimal("0.4"), Decimal("99.5"), Decimal("0.0004"), "BTC", Liquidity.MAKER,
        T * NS_PER_MS, SEEN,
    )  # fmt: skip
    assert [fill] == told(TRADE)


def test_a_fill_without_a_fee_names_no_asset() -> None:
    (fill,) = told(TRADE | {"n": "0", "N": None})
    assert isinstance(fill, OrderFilled)
    assert (Decimal(0), "") == (fill.fee, fill.fee_asset)


@pytest.mark.parametrize("own", ["", "null"])
def test_a_cancel_by_hand_is_of_the_order_it_names(own: str) -> None:
    (news,) = told(REPORT | {"x": "CANCELED", "X": "CANCELED", "C": own})
    assert OrderCanceled(*WHERE, "p1", "canceled", T * NS_PER_MS, SEEN) == news


def test_a_cancel_has_an_id_of_its_own_and_the_orders_beside_it() -> None:
    """So it is with a cancel-replace too."""
    (news,) = told(REPORT | {"x": "CANCELED", "X": "CANCELED", "c": "p1-cancel", "C": "p1"})
    assert OrderCanceled(*WHERE, "p1", "canceled", T * NS_PER_MS, SEEN) == news


def test_an_expired_market_order_keeps_what_it_filled() -> None:
    """A thin book, or the price range rule: part is filled, the rest expires."""
    rest = REPORT | {"o": "MARKET", "x": "EXPIRED", "X": "EXPIRED", "eR": "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"}
    fill, end = told(TRADE | {"o": "MARKET"}, rest)
    assert isinstance(fill, OrderFilled)
    reason = "expired: EXECUTION_RULE_PRICE_RANGE_EXCEEDED"
    assert OrderExpired(*WHERE, "p1", reason, T * NS_PER_MS, SEEN) == end


def test_a_rejection_says_why() -> None:
    (news,) = told(REPORT | {"x": "REJECTED", "X": "REJECTED", "r": "INSUFFICIENT_BALANCES"})
    assert OrderRejected(*WHERE, "p1", "rejected: INSUFFICIENT_BALANCES", T * NS_PER_MS, SEEN) == news


def test_a_stop_that_is_rejected_when_it_fires_has_expired() -> None:
    """It had been accepted; as a rejection the core would take it for a repetition."""
    (news,) = told(REPORT | {"o": "STOP_LOSS", "x": "REJECTED", "X": "REJECTED", "r": "INSUFFICIENT_BALANCES"})
    assert isinstance(news, OrderExpired)
    assert "INSUFFICIENT_BALANCES" in news.reason


def test_a_stop_on_the_book_has_been_triggered() -> None:
    waiting = REPORT | {"o": "STOP_LOSS", "w": False}
    working = REPORT | {"o": "STOP_LOSS", "w": True}
    assert [OrderAccepted, OrderAccepted, OrderTriggered] == [type(news) for news in told(waiting, working)]


def test_self_trade_prevention_ends_an_order_or_does_not() -> None:
    reader = SpotEvents("main")
    over = reader.read(frame(REPORT | {"x": "TRADE_PREVENTION", "X": "EXPIRED_IN_MATCH"}), SEEN).events
    lives = reader.read(frame(REPORT | {"x": "TRADE_PREVENTION", "X": "PARTIALLY_FILLED"}), SEEN).events
    assert [OrderExpired] == [type(news) for news in over]
    assert () == lives
    assert 1 == reader.counts["self-trade prevented, order lives on"]


def test_balances_are_stated_with_what_is_locked() -> None:
    rows = [{"a": "USDT", "f": "90.5", "l": "9.5"}, {"a": "BTC", "f": "0", "l": "0"}]
    events = told({"e": "outboundAccountPosition", "E": T + 1, "u": T, "B": rows})
    assert [
        BalanceChanged("main", "USDT", Decimal("100.0"), "account", T * NS_PER_MS, SEEN),
        BalanceChanged("main", "BTC", Decimal(0), "account", T * NS_PER_MS, SEEN),
    ] == events


@pytest.mark.parametrize("kind", ["listStatus", "balanceUpdate", "externalLockUpdate", "somethingNew"])
def test_what_says_nothing_new_is_counted_by_name(kind: str) -> None:
    reader = SpotEvents("main")
    read = reader.read(frame({"e": kind, "E": T}), SEEN)
    assert ((), None, "") == read
    assert [kind] == [name.removeprefix("unknown event ") for name in reader.counts]


def test_a_reply_is_no_event() -> None:
    reader = SpotEvents("main")
    assert ((), None, "") == reader.read(b'{"id":"user-1","status":200,"result":{"subscriptionId":0}}', SEEN)
    assert {"reply": 1} == reader.counts


def test_the_end_of_the_stream_is_told() -> None:
    end = SpotEvents("main").read(frame({"e": "eventStreamTerminated", "E": T}), SEEN).end
    assert end is not None
    assert not end.planned


@pytest.mark.parametrize("message", [b'{"e":"serverShutdown","E":1}', b'{"event":{"e":"serverShutdown","E":1}}'])
def test_a_shutdown_that_is_announced_can_be_planned_for(message: bytes) -> None:
    end = SpotEvents("main").read(message, SEEN).end
    assert end is not None
    assert end.planned


@pytest.mark.parametrize(
    "event",
    [
        REPORT | {"x": "REPLACED"},
        TRADE | {"l": "0"},
        TRADE | {"l": "-1"},
        TRADE | {"L": "NaN"},
        TRADE | {"n": "Infinity"},
        TRADE | {"t": -1},
        TRADE | {"S": "HOLD"},
        TRADE | {"l": "many"},
        {"e": "executionReport", "s": "BTCUSDT"},
        {"e": "outboundAccountPosition", "u": T, "B": [{"a": "USDT", "f": "NaN", "l": "0"}]},
    ],
)
def test_what_must_be_counted_and_cannot_be_read_is_refused(event: dict[str, Any]) -> None:
    """Never guessed, never left out in silence."""
    with pytest.raises(DataError):
        told(event)


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"\xff\xfe", b'{"event":[1]}', b'{"event":{"e":7}}', b"[" * 9999]
)
def test_what_is_no_message_is_refused(payload: bytes) -> None:
    with pytest.raises(DataError):
        SpotEvents("main").read(payload, SEEN)


def test_the_paper_exchange_tells_an_order_from_its_birth_to_its_end() -> None:
    """Accepted, filled by the venue's trade ids, and cancelled under the order's own id."""
    bench = PaperBench()
    made = bench.spot_limit("BUY", "60", "101.0", newClientOrderId="p1")
    bench.call("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="p1")
    news = [one for one in heard(bench) if not isinstance(one, BalanceChanged)]
    assert [OrderAccepted, OrderFilled, OrderCanceled] == [type(one) for one in news]
    assert {"p1"} == {one.client_order_id for one in news if not isinstance(one, BalanceChanged)}  # type: ignore[union-attr]
    fills = [one for one in news if isinstance(one, OrderFilled)]
    assert Decimal(made["executedQty"]) == sum(fill.quantity for fill in fills)
    trades = bench.call("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    assert [str(trade["id"]) for trade in trades] == [fill.trade_id for fill in fills]
    assert [Decimal(trade["commission"]) for trade in trades] == [fill.fee for fill in fills]


def test_the_balances_of_the_paper_exchange_are_the_accounts() -> None:
    bench = PaperBench()
    bench.spot_limit("BUY", "2", "101.0")
    bench.spot_limit("BUY", "1", "98.0")
    stated = {one.asset: one.total for one in heard(bench) if isinstance(one, BalanceChanged)}
    account = bench.call("GET", "/api/v3/account")
    assert {row["asset"]: Decimal(row["free"]) + Decimal(row["locked"]) for row in account["balances"]} == stated


def test_a_stop_of_the_paper_exchange_is_accepted_triggered_and_filled() -> None:
    bench = PaperBench()
    bench.spot("SELL", "STOP_LOSS", quantity="0.5", stopPrice="97.0", newClientOrderId="s1")
    bench.book("96.00", "97.00")
    bench.trade("96.50")
    kinds = [type(one) for one in heard(bench) if not isinstance(one, BalanceChanged)]
    assert [OrderAccepted, OrderAccepted, OrderTriggered, OrderFilled] == kinds


def test_the_other_leg_of_a_list_ends_with_the_first() -> None:
    bench = PaperBench()
    bench.call(
        "POST", "/api/v3/orderList/oco", symbol="BTCUSDT", side="SELL", quantity="0.5", aboveType="TAKE_PROFIT",
        aboveStopPrice="105", aboveClientOrderId="target", belowType="STOP_LOSS", belowStopPrice="95",
        belowClientOrderId="stop",
    )  # fmt: skip
    bench.book("94.00", "95.00")
    bench.trade("94.50")
    ends = {one.client_order_id: type(one) for one in heard(bench) if not isinstance(one, BalanceChanged)}  # type: ignore[union-attr]
    assert {"target": OrderExpired, "stop": OrderFilled} == ends
