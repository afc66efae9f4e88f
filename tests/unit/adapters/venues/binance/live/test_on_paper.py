"""The live products against the paper exchange: every type of order is taken, and every answer is understood."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.venues.binance.live import rules, spot, usdm_choices
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.core.model.account import StatedOrder
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import (
    Intent,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from petrosa.core.model.positions import PositionSide
from petrosa.errors import VenueRefused
from tests.kit import live_orders as kit
from tests.kit.live_orders import PRODUCTS, SPOT_PRODUCT, USDM_PRODUCT, asked, cancel, found, order, placed, traded
from tests.kit.paper_venue import SPOT, USDM, PaperBench
from tests.kit.paper_venue import rules as paper_rules
from tests.kit.soak import examples

BUY, SELL = Side.BUY, Side.SELL
T = OrderType
RESTING = [
    ("limit", BUY, T.LIMIT, "96.00", None, {}),
    ("post-only", BUY, T.LIMIT, "96.00", None, {"tif": TimeInForce.GTX}),
    ("stop", SELL, T.STOP, None, "97.00", {}),
    ("stop-limit", SELL, T.STOP_LIMIT, "96.50", "97.00", {}),
    ("take-profit", SELL, T.TAKE_PROFIT, None, "103.00", {}),
    ("take-profit-limit", SELL, T.TAKE_PROFIT_LIMIT, "103.50", "103.00", {}),
    ("trailing stop", SELL, T.TRAILING_STOP, None, None, {"callback": "0.01"}),
    ("trailing stop that waits", SELL, T.TRAILING_STOP, None, "103.00", {"callback": "0.01"}),
]
SIZES = {SPOT: "0.5", USDM: "2"}
BOTH = pytest.mark.parametrize("on", [SPOT, USDM], ids=["spot", "usdm"])


@BOTH
@pytest.mark.parametrize(
    ("side", "kind", "price", "trigger", "more"), [row[1:] for row in RESTING], ids=[row[0] for row in RESTING]
)
def test_every_type_that_waits_is_taken_listed_found_and_cancelled(
    on: InstrumentId, side: Side, kind: OrderType, price: str | None, trigger: str | None, more: dict[str, Any]
) -> None:  # fmt: skip
    """Accepted and nothing else; the same in the list as when asked for alone; gone after its cancel."""
    bench, product = PaperBench(), PRODUCTS[on]
    intent = order(side, kind, SIZES[on], price, trigger, on=on, **more)
    (accepted,) = placed(bench, intent)
    assert isinstance(accepted, OrderAccepted)
    stated = found(bench, intent)
    assert stated is not None
    assert kit.opened(bench, product) == [stated]
    assert (OrderStatus.ACCEPTED, kind, side, Decimal(SIZES[on]), 0) == (
        stated.status, stated.type, stated.side, stated.quantity, stated.filled
    )  # fmt: skip
    assert (price, trigger) == tuple(None if p is None else f"{p:.2f}" for p in (stated.price, stated.trigger_price))
    ending = cancel(intent, conditional=kind.is_conditional)
    (end,) = product.cancelled(ending, asked(bench, product.cancel(ending)), kit.HEARD)
    assert isinstance(end, OrderCanceled)
    assert intent.client_order_id == end.client_order_id
    assert [] == kit.opened(bench, product)
    again = found(bench, intent)
    assert again is not None
    assert (OrderStatus.CANCELED, "CANCELED") == (again.status, again.reason)


def test_a_market_order_of_spot_is_answered_with_its_fills() -> None:
    """Two levels of the book: two fills, with the fee in what was bought. The reply's price of 0 is nobody's price."""
    bench = PaperBench()
    events = placed(bench, order(BUY, T.MARKET, "60", on=SPOT))
    assert [OrderAccepted, OrderFilled, OrderFilled] == [type(event) for event in events]
    fills = [event for event in events if isinstance(event, OrderFilled)]
    assert [("101", "50"), ("101.5", "10")] == [
        (f"{f.price:f}".rstrip("0").rstrip("."), f"{f.quantity.normalize():f}") for f in fills
    ]
    assert {"BTC"} == {fill.fee_asset for fill in fills}
    assert [(f.trade_id, f.price, f.quantity, f.fee) for f in traded(bench, SPOT)] == [
        (f.trade_id, f.price, f.quantity, f.fee) for f in fills
    ]  # fmt: skip


def test_what_an_immediate_order_does_not_get_expires_after_its_fills() -> None:
    bench = PaperBench()
    events = placed(bench, order(BUY, T.LIMIT, "60", "101.00", on=SPOT, tif=TimeInForce.IOC))
    assert [OrderAccepted, OrderFilled, OrderExpired] == [type(event) for event in events]


def test_a_futures_order_that_traded_is_only_accepted_and_its_trades_say_the_rest() -> None:
    """The answer has no trades, so it may not end the order; the trades and the query do."""
    bench = PaperBench()
    intent = order(BUY, T.LIMIT, "60", "101.00", tif=TimeInForce.IOC)
    assert [OrderAccepted] == [type(event) for event in placed(bench, intent)]
    stated, fills = found(bench, intent), traded(bench, USDM)
    assert stated is not None
    assert (OrderStatus.EXPIRED, 50) == (stated.status, stated.filled)
    assert (["p1"], 50) == ([fill.client_order_id for fill in fills], sum(fill.quantity for fill in fills))


def test_a_futures_order_that_got_nothing_ends_with_its_answer() -> None:
    events = placed(PaperBench(), order(BUY, T.LIMIT, "2", "100.00", tif=TimeInForce.IOC))
    assert [OrderAccepted, OrderExpired] == [type(event) for event in events]


@pytest.mark.parametrize(
    ("kind", "price", "status", "filled"),
    [(T.STOP, None, OrderStatus.FILLED, 2), (T.STOP_LIMIT, "99.50", OrderStatus.TRIGGERED, 0)],
)
def test_a_triggered_algo_order_is_found_as_what_its_trigger_made(
    kind: OrderType, price: str | None, status: OrderStatus, filled: int
) -> None:
    """The real order's status and fills, under the name and the type of the conditional one; listed once."""
    bench = PaperBench()
    placed(bench, order(BUY, T.MARKET, "2", name="entry"))
    stop = order(SELL, kind, "2", price, "97.0", name="stop", reduces=True)
    placed(bench, stop)
    bench.trade("97.00", quantity="0.001")
    stated = found(bench, stop)
    assert stated is not None
    assert (status, filled, kind, "stop", True) == (
        stated.status, stated.filled, stated.type, stated.client_order_id, stated.reduce_only
    )  # fmt: skip
    assert [one.client_order_id for one in kit.opened(bench, USDM_PRODUCT)] == ([] if filled else ["stop"])
    assert ["entry", "stop"][: 1 + bool(filled)] == [fill.client_order_id for fill in traded(bench, USDM)]


@BOTH
def test_a_trailing_stop_begins_to_follow_at_its_price_and_fires_on_the_turn(on: InstrumentId) -> None:
    """Not at the fall before it was reached; 5 % below the highest print after."""
    bench = PaperBench()
    if on == USDM:
        placed(bench, order(BUY, T.MARKET, "2", name="entry"))
    trailing = order(SELL, T.TRAILING_STOP, SIZES[on], None, "103.00", on=on, callback="0.05", reduces=True)
    placed(bench, trailing)
    for price, filled in (("90.00", 0), ("104.00", 0), ("110.00", 0), ("105.00", 0), ("104.50", 1)):
        bench.trade(price, quantity="0.001")
        stated = found(bench, trailing)
        assert stated is not None
        assert filled == (stated.filled > 0)


def test_an_order_that_a_trigger_made_is_cancelled_as_a_plain_one() -> None:
    """The algo service says that it knows no such order any more."""
    bench = PaperBench()
    placed(bench, order(BUY, T.MARKET, "2", name="entry"))
    stop = order(SELL, T.STOP_LIMIT, "2", "99.50", "97.0", name="stop", reduces=True)
    placed(bench, stop)
    bench.trade("97.00", quantity="0.001")
    with pytest.raises(VenueRefused) as refused:
        asked(bench, USDM_PRODUCT.cancel(cancel(stop, conditional=True)))
    assert USDM_PRODUCT.is_unknown_order(refused.value.code)
    ending = cancel(stop)
    (end,) = USDM_PRODUCT.cancelled(ending, asked(bench, USDM_PRODUCT.cancel(ending)), kit.HEARD)
    assert ("stop", OrderCanceled) == (end.client_order_id, type(end))


def test_an_order_that_never_was_is_found_nowhere() -> None:
    bench = PaperBench()
    assert found(bench, order(BUY, T.LIMIT, "2", "96.0")) is None
    assert found(bench, order(SELL, T.STOP, "2", None, "97.0")) is None
    assert found(bench, order(BUY, T.LIMIT, "2", "96.0", on=SPOT)) is None


@BOTH
def test_the_same_order_twice_is_known_as_a_duplicate(on: InstrumentId) -> None:
    bench = PaperBench()
    for kind, price, trigger in ((T.LIMIT, "96.00", None), (T.STOP, None, "97.00")):
        intent = order(SELL if kind is T.STOP else BUY, kind, SIZES[on], price, trigger, on=on, name=kind.value)
        placed(bench, intent)
        with pytest.raises(VenueRefused) as refused:
            placed(bench, intent)
        assert PRODUCTS[on].is_duplicate(refused.value.code, refused.value.said)


PAIRS = [
    (T.STOP, "97.00", None), (T.STOP_LIMIT, "97.00", "96.50"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "trigger", "price"), PAIRS)
@pytest.mark.parametrize("stop_first", [True, False])
def test_two_orders_of_one_list_rest_together_and_end_together(
    kind: OrderType, trigger: str, price: str | None, stop_first: bool
) -> None:
    """Each accepted under its own name, whichever is named first; the cancel of one ends both."""
    bench = PaperBench()
    stop = order(SELL, kind, "0.5", price, trigger, on=SPOT, name="stop", list_id="s1", reduces=True)
    target = order(SELL, T.TAKE_PROFIT, "0.5", None, "103.00", on=SPOT, name="target", list_id="s1", reduces=True)
    events = placed(bench, *((stop, target) if stop_first else (target, stop)))
    assert {("stop", OrderAccepted), ("target", OrderAccepted)} == {(e.client_order_id, type(e)) for e in events}
    stated = kit.opened(bench, SPOT_PRODUCT)
    assert ({"stop", "target"}, 1) == ({o.client_order_id for o in stated}, len({o.list_id for o in stated}))
    ending = cancel(stop, conditional=True)
    ends = SPOT_PRODUCT.cancelled(ending, asked(bench, SPOT_PRODUCT.cancel(ending)), kit.HEARD)
    assert {("stop", OrderCanceled), ("target", OrderCanceled)} == {(e.client_order_id, type(e)) for e in ends}


def test_the_leg_of_a_pair_that_fires_fills_and_the_other_is_gone() -> None:
    bench = PaperBench()
    legs = [
        order(SELL, T.STOP, "0.5", None, "97.00", on=SPOT, name="stop", list_id="s1"),
        order(SELL, T.TAKE_PROFIT, "0.5", None, "103.00", on=SPOT, name="target", list_id="s1"),
    ]
    placed(bench, *legs)
    bench.trade("103.00", quantity="0.001")
    stop, target = (found(bench, leg) for leg in legs)
    assert stop is not None
    assert target is not None
    assert (OrderStatus.EXPIRED, OrderStatus.FILLED) == (stop.status, target.status)
    assert ["target"] == [fill.client_order_id for fill in traded(bench, SPOT)]


@BOTH
def test_everything_of_an_instrument_is_cancelled(on: InstrumentId) -> None:
    bench, product = PaperBench(), PRODUCTS[on]
    placed(bench, order(BUY, T.LIMIT, SIZES[on], "96.00", on=on, name="limit"))
    placed(bench, order(SELL, T.STOP, SIZES[on], None, "97.00", on=on, name="stop"))
    assert 2 == len(kit.opened(bench, product))
    for request in product.cancel_all(on):
        asked(bench, request)
    assert [] == kit.opened(bench, product)
    listed = [o for request in product.history(on) for o in product.read_opened(request, asked(bench, request))]
    assert 2 == len(listed)


def test_the_account_is_stated() -> None:
    """Spot wallets with what is locked, assets of ours also at 0; futures wallets and positions."""
    bench = PaperBench()
    placed(bench, order(SELL, T.LIMIT, "0.5", "150.00", on=SPOT))
    placed(bench, order(SELL, T.MARKET, "2"))
    balances = {}
    positions = []
    for product in (SPOT_PRODUCT, USDM_PRODUCT):
        for request in product.account():
            wallets, held = product.read_account(request, asked(bench, request))
            balances[request.path] = wallets
            positions += held
    assert {"BTC": Decimal(1), "USDT": Decimal(100_000)} == dict(balances["/api/v3/account"])
    assert Decimal(100_000) > balances["/fapi/v3/account"]["USDT"] > Decimal(99_000)
    assert [(USDM, PositionSide.NET, Decimal(-2), Decimal(99))] == [
        (p.instrument, p.side, p.quantity, p.entry_price) for p in positions
    ]  # fmt: skip


def test_trades_go_on_from_a_trade_id() -> None:
    bench = PaperBench()
    for name in ("a", "b", "c"):
        placed(bench, order(BUY, T.MARKET, "2", name=name))
    second = int(traded(bench, USDM)[1].trade_id)
    rest, unnamed = USDM_PRODUCT.read_trades(asked(bench, USDM_PRODUCT.trades(USDM, 0, second)), {}, kit.HEARD)
    assert ([], 2) == (list(rest), len(unnamed))


def test_the_rules_that_the_exchange_tells_are_its_own() -> None:
    """What was read equals what the exchange applies, with the account's fee rates."""
    bench = PaperBench()
    for market, request in (
        ("spot", spot.info(["BTCUSDT"])),
        ("usdm", Request("GET", "/fapi/v1/exchangeInfo", signed=False)),
    ):
        ((key, theirs),) = paper_rules()[market].items()
        read = PRODUCTS[key].rules(asked(bench, request))[key]
        fees = rules.read_commission(market, asked(bench, rules.commission(market, "BTCUSDT")))
        read = rules.with_fees(read, fees)
        for name in ("tick", "step", "min_quantity", "max_quantity", "min_notional", "base", "quote", "settle",
                     "maker_fee_rate", "taker_fee_rate"):  # fmt: skip
            assert getattr(theirs, name) == getattr(read, name), name
        assert (read.price_multiplier_down, read.max_orders) in ((Decimal("0.5"), 200), (Decimal("0.95"), 200))
        assert read.short_allowed is (market == "usdm")


def test_what_a_futures_account_is_set_to_is_read_and_set() -> None:
    bench = PaperBench()
    assert usdm_choices.read_position_mode(asked(bench, usdm_choices.position_mode())) is False
    asked(bench, usdm_choices.set_leverage(USDM, 7))
    choice = usdm_choices.read_margin_choice(USDM, asked(bench, usdm_choices.margin_choice(USDM)))
    assert (7, False) == choice
    with pytest.raises(VenueRefused) as refused:
        asked(bench, usdm_choices.set_margin_mode(USDM, isolated=False))
    assert usdm_choices.is_set_already(refused.value.code)


def test_a_listen_key_is_opened_and_prolonged_until_somebody_closes_it() -> None:
    bench = PaperBench()
    key = usdm_choices.read_listen_key(asked(bench, usdm_choices.open_listen_key()))
    assert key == usdm_choices.read_listen_key(asked(bench, usdm_choices.prolong_listen_key()))
    asked(bench, Request("DELETE", usdm_choices.LISTEN_KEY, signed=False))
    with pytest.raises(VenueRefused) as refused:
        asked(bench, usdm_choices.prolong_listen_key())
    assert -1125 == refused.value.code


# whatever passes the filters of an instrument


def _on(instrument: Instrument, low: str, high: str) -> st.SearchStrategy[str]:
    """Prices on the tick between two."""
    ticks = st.integers(int(Decimal(low) / instrument.tick), int(Decimal(high) / instrument.tick))
    return ticks.map(lambda n: f"{n * instrument.tick:f}")


@st.composite
def orders(draw: st.DrawFn) -> Intent:
    """Any order whose quantity and prices pass the filters: on the grids, valued enough, within 4 % of 100."""
    key = draw(st.sampled_from([SPOT, USDM]))
    instrument = paper_rules()[key.split(":")[1]][key]
    side, kind = draw(st.sampled_from(list(Side))), draw(st.sampled_from(list(OrderType)))
    priced = kind in (T.LIMIT, T.STOP_LIMIT, T.TAKE_PROFIT_LIMIT)
    trails = kind is T.TRAILING_STOP
    waits = kind.is_conditional and (not trails or draw(st.booleans()))
    prices = [draw(_on(instrument, "96", "104")) if there else None for there in (priced, waits)]
    lowest = min([Decimal(96), *(Decimal(price) for price in prices if price is not None)])
    least = instrument.quantity_steps(EXACT.divide(instrument.min_notional, lowest)) + 1
    most = min(instrument.quantity_steps(instrument.max_quantity), 40_000)
    steps = draw(st.integers(least, max(least, most)))
    tifs = [TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]
    if kind is T.LIMIT or (priced and key == USDM):
        tifs.append(TimeInForce.GTX)
    return order(
        side, kind, f"{steps * instrument.step:f}", *prices, on=key, tif=draw(st.sampled_from(tifs)),
        callback=f"{draw(st.integers(1, 50)) / 1000:.3f}" if trails else None,
        name=draw(st.from_regex(r"p[a-z2-7]{31}", fullmatch=True)), reduces=draw(st.booleans()),
    )  # fmt: skip


FATE = (-2010, -2019, -2021, -2022, -5021, -5022)
"""Balance, margin, a trigger that is passed, nothing to reduce, post-only and fill-or-kill: not what was written."""


@examples(150)
@given(orders())
def test_an_order_that_passes_the_filters_is_never_refused_for_how_it_is_written(intent: Intent) -> None:
    """And once it is taken it is found, with the terms that it was meant to have."""
    bench = PaperBench()
    try:
        placed(bench, intent)
    except VenueRefused as refused:
        if refused.code not in FATE:
            raise
        return
    stated = found(bench, intent)
    assert isinstance(stated, StatedOrder)
    place = intent.action
    assert (place.side, place.type, place.quantity) == (stated.side, stated.type, stated.quantity)  # type: ignore[union-attr]
    if stated.status is OrderStatus.ACCEPTED:
        assert (place.price, place.trigger_price) == (stated.price, stated.trigger_price)  # type: ignore[union-attr]
