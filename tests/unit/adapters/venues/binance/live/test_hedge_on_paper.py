"""The USD-M product in hedge mode against the paper exchange: entered, protected, left, told, and read back."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from petrosa.adapters.venues.binance.live.usdm import Usdm
from petrosa.adapters.venues.binance.live.usdm_events import UsdmEvents
from petrosa.adapters.venues.binance.live.user_frames import Read
from petrosa.core.model.base import Side
from petrosa.core.model.orders import BalanceChanged, Intent, OrderAccepted, OrderFilled, OrderTriggered, OrderType
from petrosa.core.model.positions import PositionSide
from petrosa.errors import VenueRefused
from tests.kit import live_orders as kit
from tests.kit.live_orders import USDM_PRODUCT, asked, order
from tests.kit.paper_venue import PaperBench, rules

BUY, SELL = Side.BUY, Side.SELL
T = OrderType
HEDGED = Usdm("main", rules()["usdm"], hedged=True)


def hedged() -> PaperBench:
    """An account that holds long and short apart."""
    bench = PaperBench()
    bench.call("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
    return bench


def hedge(bench: PaperBench, intent: Intent) -> Any:
    """What the answer to an order says; an order for the account in hedge mode."""
    return HEDGED.placed([intent], asked(bench, HEDGED.place([intent])), kit.HEARD)


def held(bench: PaperBench) -> dict[PositionSide, Decimal]:
    requests = HEDGED.account()
    stated = [position for one in requests for position in HEDGED.read_account(one, asked(bench, one))[1]]
    return {position.side: position.quantity for position in stated}


@pytest.mark.parametrize(("enter", "leave", "at"), [(BUY, SELL, PositionSide.LONG), (SELL, BUY, PositionSide.SHORT)])
def test_a_hedge_mode_account_is_entered_protected_and_left(enter: Side, leave: Side, at: PositionSide) -> None:
    """The desk's one position lives on its side; its stop and its exit are read back as reducing."""
    bench = hedged()
    assert [OrderAccepted] == [type(event) for event in hedge(bench, order(enter, T.MARKET, "2"))]
    assert {at: Decimal(2 * enter.sign)} == held(bench)
    stop = order(leave, T.STOP, "2", trigger="95.0" if leave is SELL else "105.0", name="p2", reduces=True)
    assert [OrderAccepted] == [type(event) for event in hedge(bench, stop)]
    (stated,) = [one for request in HEDGED.opened() for one in HEDGED.read_opened(request, asked(bench, request))]
    assert ("p2", True, T.STOP) == (stated.client_order_id, stated.reduce_only, stated.type)
    resting = order(leave, T.LIMIT, "2", "104.0" if leave is SELL else "96.0", name="p3", reduces=True)
    assert [OrderAccepted] == [type(event) for event in hedge(bench, resting)]
    assert [OrderAccepted] == [
        type(event) for event in hedge(bench, order(leave, T.MARKET, "2", name="p4", reduces=True))
    ]
    assert {} == held(bench)


def test_a_product_of_the_other_mode_is_refused() -> None:
    """-4061 both ways, before anything is held."""
    for bench, product in ((hedged(), USDM_PRODUCT), (PaperBench(), HEDGED)):
        with pytest.raises(VenueRefused) as refused:
            asked(bench, product.place([order(BUY, T.MARKET, "2")]))
        assert -4061 == refused.value.code
        assert {} == held(bench)


def news(bench: PaperBench) -> list[Read]:
    """What the reader of the user stream makes of everything that was told."""
    reader = UsdmEvents("main")
    return [reader.read(msgspec.json.encode(event), kit.HEARD) for event in bench.ears["usdm"].events]


def test_the_user_stream_of_a_hedge_mode_account_is_read() -> None:
    """A stop of the long side: its trigger, and its fill under its name."""
    bench = hedged()
    hedge(bench, order(BUY, T.MARKET, "2"))
    hedge(bench, order(SELL, T.STOP, "2", trigger="97.0", name="p2", reduces=True))
    bench.trade("97.00", quantity="0.001")
    events = [event for read in news(bench) for event in read.events]
    fills = [(one.client_order_id, one.side, one.quantity) for one in events if isinstance(one, OrderFilled)]
    assert [("p1", BUY, 2), ("p2", SELL, 2)] == fills
    assert ["p2"] == [one.client_order_id for one in events if isinstance(one, OrderTriggered)]


def test_a_liquidation_is_read_as_a_fill_that_nobody_asked_for() -> None:
    """The fill counts, the account is in doubt, and the empty wallet is told."""
    bench = PaperBench()
    asked(bench, USDM_PRODUCT.place([order(BUY, T.MARKET, "300")]))
    bench.wait()
    bench.usdm("BUY", "MARKET", quantity="700")
    bench.venue.usdm["demo"].ledger.exchange.account.change("USDT", Decimal(-99_000))
    bench.book("90.00", "90.20", size=1_000.0)
    bench.mark("90.0")
    read = news(bench)
    assert any("is a liquidation" in one.doubt for one in read)
    fills = [event for one in read for event in one.events if isinstance(event, OrderFilled)]
    assert sum(fill.quantity * fill.side.sign for fill in fills) == 0
    wallets = [event.total for one in read for event in one.events if isinstance(event, BalanceChanged)]
    assert 0 == wallets[-1]
    assert {} == held(bench)
