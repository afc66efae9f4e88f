"""Frames of a USD-M account's user stream, made by the paper exchange or written down, as news for the core."""

import json
from decimal import Decimal
from typing import Any

import pytest

from petrosa.adapters.venues.binance.live.triggered import HELD_MAX, JOINS_MAX
from petrosa.adapters.venues.binance.live.usdm_events import UsdmEvents
from petrosa.core.model.base import NS_PER_MS, Side
from petrosa.core.model.market import instrument_id
from petrosa.core.model.orders import (
    AccountEvent,
    BalanceChanged,
    FundingPaid,
    Liquidity,
    OrderAccepted,
    OrderCanceled,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderTriggered,
)
from petrosa.errors import DataError
from tests.kit.paper_venue import USDM, PaperBench

SEEN = 1_900_000_000_000_000_000
T = 1_800_000_000_123
NS = T * NS_PER_MS
WHERE = ("main", USDM)


def order(**more: Any) -> dict[str, Any]:
    """`ORDER_TRADE_UPDATE` of a limit order that was accepted, changed by what is given."""
    body = {
        "s": "BTCUSDT", "c": "p1", "S": "SELL", "o": "LIMIT", "f": "GTC", "q": "0.010", "p": "9910", "ap": "0",
        "sp": "0", "x": "NEW", "X": "NEW", "i": 8886774, "l": "0", "z": "0", "L": "0", "T": T, "t": 0, "b": "0",
        "a": "99.1", "m": False, "R": False, "wt": "CONTRACT_PRICE", "ot": "LIMIT", "ps": "BOTH", "cp": False,
        "rp": "0", "pP": False, "si": 0, "ss": 0, "V": "EXPIRE_TAKER", "pm": "NONE", "gtd": 0, "er": "0",
    }  # fmt: skip
    return {"e": "ORDER_TRADE_UPDATE", "E": T + 5, "T": T, "o": body | more}


def trade(**more: Any) -> dict[str, Any]:
    traded = {"x": "TRADE", "X": "PARTIALLY_FILLED", "l": "0.004", "L": "9910.1", "n": "0.0079", "N": "USDT", "t": 78}
    return order(**(traded | more))


def algo(status: str, actual: Any = "", **more: Any) -> dict[str, Any]:
    """`ALGO_UPDATE` of a stop that sells."""
    body = {
        "caid": "stop-1", "aid": 2148719, "at": "CONDITIONAL", "o": "STOP_MARKET", "s": "BTCUSDT", "S": "SELL",
        "ps": "BOTH", "f": "GTC", "q": "0.010", "X": status, "ai": actual, "ap": "0.0", "aq": "0", "act": "0",
        "tp": "9900", "p": "0", "V": "EXPIRE_MAKER", "wt": "MARK_PRICE", "pm": "NONE", "cp": False, "pP": False,
        "R": True, "tt": 0, "gtd": 0, "rm": "",
    }  # fmt: skip
    return {"e": "ALGO_UPDATE", "T": T, "E": T + 6, "o": body | more}


def wallet(reason: str, *symbols: str, change: str = "-1.5", total: str = "998.5") -> dict[str, Any]:
    rows = [{"s": symbol, "pa": "1", "ep": "100", "cr": "0", "up": "0", "mt": "isolated"} for symbol in symbols]
    body = {"m": reason, "B": [{"a": "USDT", "wb": total, "cw": total, "bc": change}], "P": rows}
    return {"e": "ACCOUNT_UPDATE", "E": T + 1, "T": T, "a": body}


def told(*events: dict[str, Any], reader: UsdmEvents | None = None) -> list[AccountEvent]:
    reading = reader or UsdmEvents("main")
    return [news for event in events for news in reading.read(json.dumps(event).encode(), SEEN).events]


def orders_of(news: list[AccountEvent]) -> list[OrderEvent]:
    return [one for one in news if not isinstance(one, BalanceChanged | FundingPaid)]


def test_an_order_is_accepted_filled_and_cancelled_under_its_client_id() -> None:
    fill = OrderFilled(
        *WHERE, "p1", "78", Side.SELL, Decimal("0.004"), Decimal("9910.1"), Decimal("0.0079"), "USDT", Liquidity.TAKER,
        NS, SEEN,
    )  # fmt: skip
    news = told(order(), trade(), order(x="CANCELED", X="CANCELED"))
    assert [
        OrderAccepted(*WHERE, "p1", "8886774", NS, SEEN),
        fill,
        OrderCanceled(*WHERE, "p1", "canceled", NS, SEEN),
    ] == news


def test_a_fill_without_commission_costs_nothing() -> None:
    event = trade(m=True)
    del event["o"]["n"], event["o"]["N"]
    (fill,) = told(event)
    assert isinstance(fill, OrderFilled)
    assert (Decimal(0), "", Liquidity.MAKER) == (fill.fee, fill.fee_asset, fill.liquidity)


def test_an_expired_order_says_why_when_the_venue_does() -> None:
    plain, with_reason = told(order(x="EXPIRED", X="EXPIRED"), order(x="EXPIRED", X="EXPIRED", er="3"))
    assert OrderExpired(*WHERE, "p1", "expired", NS, SEEN) == plain
    assert OrderExpired(*WHERE, "p1", "expired (reason 3)", NS, SEEN) == with_reason


@pytest.mark.parametrize("name", ["autoclose-1800000000", "adl_autoclose", "settlement_autoclose-1"])
@pytest.mark.parametrize("kind", ["TRADE", "CALCULATED"])
def test_a_liquidation_is_a_fill_under_the_name_that_the_venue_gave_it(name: str, kind: str) -> None:
    read = UsdmEvents("main").read(json.dumps(trade(c=name, x=kind)).encode(), SEEN)
    (fill,) = read.events
    assert isinstance(fill, OrderFilled)
    assert name == fill.client_order_id
    assert (kind == "CALCULATED") == bool(read.doubt)


def test_a_liquidation_that_says_nothing_of_a_fill_lets_the_account_be_asked() -> None:
    read = UsdmEvents("main").read(json.dumps(order(c="autoclose-1", x="CALCULATED")).encode(), SEEN)
    assert () == read.events
    assert "liquidation" in read.doubt


def test_an_order_that_somebody_changed_lets_the_account_be_asked() -> None:
    """We never amend."""
    read = UsdmEvents("main").read(json.dumps(order(x="AMENDMENT")).encode(), SEEN)
    assert () == read.events
    assert "p1" in read.doubt


def test_wallets_are_stated() -> None:
    assert [BalanceChanged("main", "USDT", Decimal("998.5"), "ORDER", NS, SEEN)] == told(wallet("ORDER", "BTCUSDT"))


@pytest.mark.parametrize(("symbols", "named"), [(("BTCUSDT",), "BTCUSDT"), ((), ""), (("BTCUSDT", "ETHUSDT"), "")])
def test_funding_is_paid_for_a_position_where_the_venue_names_it(symbols: tuple[str, ...], named: str) -> None:
    """Under cross margin it names none."""
    stated, paid = told(wallet("FUNDING_FEE", *symbols))
    assert isinstance(stated, BalanceChanged)
    instrument = instrument_id("binance", "usdm", named)
    assert FundingPaid("main", instrument, "USDT", Decimal("-1.5"), NS, SEEN) == paid


def test_a_funding_that_is_told_twice_is_paid_once() -> None:
    """It has no number; two positions of one asset leave two different wallets."""
    events = told(
        wallet("FUNDING_FEE"), wallet("FUNDING_FEE"), wallet("FUNDING_FEE", total="997.0"), reader=UsdmEvents("main")
    )
    assert 2 == sum(isinstance(event, FundingPaid) for event in events)


# conditional orders


def test_a_conditional_order_is_accepted_triggered_and_done() -> None:
    """What the trigger made tells of itself."""
    reader = UsdmEvents("main")
    news = told(
        algo("NEW"), algo("TRIGGERING"), algo("TRIGGERED", "77"), order(c="stop-1", i=77), trade(c="stop-1", i=77),
        algo("FINISHED", "77"), reader=reader,
    )  # fmt: skip
    assert [OrderAccepted, OrderTriggered, OrderAccepted, OrderFilled] == [type(one) for one in news]
    assert ["algo:2148719", "77"] == [one.venue_order_id for one in news if isinstance(one, OrderAccepted)]
    assert {"stop-1"} == {one.client_order_id for one in orders_of(news)}
    assert {"ALGO_UPDATE TRIGGERING": 1, "ALGO_UPDATE FINISHED": 1} == reader.counts


@pytest.mark.parametrize(
    ("status", "kind"), [("CANCELED", OrderCanceled), ("EXPIRED", OrderExpired), ("REJECTED", OrderExpired)]
)
def test_a_conditional_order_ends_without_an_order(status: str, kind: type) -> None:
    """Also when its trigger fired and there was no margin: it had been accepted, so it is not rejected but over."""
    (news,) = told(algo(status, rm="Margin is insufficient"))
    assert kind is type(news)
    assert "Margin is insufficient" in news.reason  # type: ignore[union-attr]


def test_fills_of_what_a_trigger_made_count_for_the_conditional_order() -> None:
    """Whatever the venue calls the order that it made."""
    news = told(algo("NEW"), algo("TRIGGERED", "77"), order(c="x-99", i=77), trade(c="x-99", i=77))
    assert {"stop-1"} == {one.client_order_id for one in orders_of(news)}


def test_fills_that_come_before_the_news_of_their_trigger_wait_for_it() -> None:
    reader = UsdmEvents("main")
    before = told(algo("NEW"), algo("TRIGGERING"), order(c="x-99", i=77), trade(c="x-99", i=77), reader=reader)
    assert [OrderAccepted] == [type(one) for one in before]
    assert reader.is_holding
    after = told(algo("TRIGGERED", 77), reader=reader)
    assert [OrderTriggered, OrderAccepted, OrderFilled] == [type(one) for one in after]
    assert {"stop-1"} == {one.client_order_id for one in orders_of(after)}
    assert not reader.is_holding


def test_nothing_waits_for_a_trigger_that_stays_where_it_is() -> None:
    """A trigger that never becomes an order has been seen at the venue."""
    reader = UsdmEvents("main")
    told(algo("NEW"), algo("TRIGGERING"), trade(c="p1", i=5), reader=reader)
    (fill,) = reader.release().events
    assert isinstance(fill, OrderFilled)
    assert "p1" == fill.client_order_id
    assert [OrderFilled] == [type(one) for one in told(trade(c="p1", i=5, t=79), reader=reader)]


def test_nothing_waits_that_cannot_be_what_a_trigger_made() -> None:
    """The other side, another symbol, a second later, a name that is known."""
    reader = UsdmEvents("main")
    told(algo("NEW"), algo("TRIGGERING"), reader=reader)
    others = (trade(S="BUY"), trade(s="ETHUSDT"), trade(T=T + 1_001), trade(c="stop-1"))
    assert [OrderFilled] * 4 == [type(one) for one in told(*others, reader=reader)]


def test_what_waits_goes_on_under_its_own_name_when_the_trigger_made_another() -> None:
    reader = UsdmEvents("main")
    told(algo("NEW"), algo("TRIGGERING"), trade(c="p1", i=5), reader=reader)
    news = told(algo("REJECTED", rm="no margin"), reader=reader)
    assert [OrderExpired, OrderFilled] == [type(one) for one in news]
    assert ["stop-1", "p1"] == [one.client_order_id for one in orders_of(news)]


def test_memory_is_bounded() -> None:
    """More triggers and more waiting than are remembered: the oldest go, no fill does."""
    reader = UsdmEvents("main")
    for number in range(JOINS_MAX + 100):
        told(algo("TRIGGERED", str(number + 1), caid=f"s{number}"), reader=reader)
    told(algo("TRIGGERING", caid="last"), reader=reader)
    fills = [
        one for number in range(2 * HELD_MAX) for one in told(trade(c="q", i=9_000_000, t=number + 1), reader=reader)
    ]
    fills += reader.release().events  # type: ignore[arg-type]
    assert [str(number + 1) for number in range(2 * HELD_MAX)] == [fill.trade_id for fill in fills]  # type: ignore[union-attr]


# the stream itself


def test_an_expired_listen_key_ends_the_stream() -> None:
    end = UsdmEvents("main").read(b'{"e":"listenKeyExpired","E":1,"listenKey":"k"}', SEEN).end
    assert end is not None
    assert not end.planned


def test_a_shutdown_that_is_announced_can_be_planned_for() -> None:
    end = UsdmEvents("main").read(b'{"e":"serverShutdown","E":1}', SEEN).end
    assert end is not None
    assert end.planned


def test_events_of_a_combined_stream_are_the_same() -> None:
    wrapped = {"stream": "key", "data": trade()}
    assert [OrderFilled] == [type(one) for one in told(wrapped)]


@pytest.mark.parametrize("kind", ["TRADE_LITE", "ACCOUNT_CONFIG_UPDATE", "MARGIN_CALL", "somethingNew"])
def test_what_says_nothing_new_is_counted_by_name(kind: str) -> None:
    reader = UsdmEvents("main")
    assert [] == told({"e": kind, "E": T}, reader=reader)
    assert [kind] == [name.removeprefix("unknown event ") for name in reader.counts]


@pytest.mark.parametrize(
    "event",
    [
        order(x="SOMETHING"), trade(l="0"), trade(L="NaN"), trade(n="NaN"), trade(t=0), trade(S="HOLD"),
        algo("SOMETHING"), {"e": "ORDER_TRADE_UPDATE", "o": {}}, {"e": "ALGO_UPDATE", "T": T, "o": []},
        wallet("ORDER", total="NaN"), wallet("FUNDING_FEE", change="Infinity"), wallet("ORDER", total="much"),
    ],
)  # fmt: skip
def test_what_must_be_counted_and_cannot_be_read_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        told(event)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"\xff", b'{"data":[1]}', b'{"e":7}', b"[" * 9999])
def test_what_is_no_message_is_refused(payload: bytes) -> None:
    with pytest.raises(DataError):
        UsdmEvents("main").read(payload, SEEN)


# what the paper exchange tells


def heard(bench: PaperBench) -> list[AccountEvent]:
    return told(*bench.ears["usdm"].events, reader=UsdmEvents("main"))


def test_the_fills_of_the_paper_exchange_are_its_trades() -> None:
    bench = PaperBench()
    bench.usdm("BUY", "MARKET", quantity="60", newClientOrderId="p1")
    bench.usdm_limit("SELL", "1", "103.0", newClientOrderId="p2")
    bench.call("DELETE", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="p2")
    news = orders_of(heard(bench))
    fills = [one for one in news if isinstance(one, OrderFilled)]
    trades = bench.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert [(str(row["id"]), Decimal(row["qty"]), Decimal(row["commission"])) for row in trades] == [
        (fill.trade_id, fill.quantity, fill.fee) for fill in fills
    ]
    assert [OrderAccepted, OrderCanceled] == [type(one) for one in news if one.client_order_id == "p2"]


def test_a_stop_of_the_paper_exchange_fills_under_its_own_name() -> None:
    """The exchange tells the fill before it says that the trigger has made an order, as Binance does."""
    bench = PaperBench()
    bench.usdm("BUY", "MARKET", quantity="1", newClientOrderId="p1")
    bench.algo("SELL", "STOP_MARKET", quantity="1", triggerPrice="95", reduceOnly="true", clientAlgoId="stop")
    bench.book("94.00", "95.00")
    bench.trade("94.50")
    kinds = [type(one) for one in orders_of(heard(bench)) if one.client_order_id == "stop"]
    assert [OrderAccepted, OrderAccepted, OrderFilled, OrderTriggered] == kinds


def test_funding_of_the_paper_exchange_is_paid() -> None:
    bench = PaperBench()
    bench.usdm("BUY", "MARKET", quantity="1")
    bench.mark("100.00", rate=0.001, next_funding=bench.now + 1_000_000_000)
    bench.wait(2.0)
    bench.mark("100.00", rate=0.001, next_funding=bench.now + 8 * 3_600 * 1_000_000_000)
    paid = [one for one in heard(bench) if isinstance(one, FundingPaid)]
    assert [Decimal("-0.1")] == [one.amount for one in paid]
