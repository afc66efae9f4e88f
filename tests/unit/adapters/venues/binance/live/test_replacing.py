"""An order that takes the place of another one in the same request, against the paper exchange."""

import pytest

from petrosa.core.model.base import Side
from petrosa.core.model.orders import OrderAccepted, OrderCanceled, OrderFilled, OrderType
from petrosa.errors import InvariantError, VenueRefused
from tests.kit import live_orders as kit
from tests.kit.live_orders import SPOT_PRODUCT, USDM_PRODUCT, found, order, placed
from tests.kit.paper_venue import SPOT, PaperBench

BUY, SELL = Side.BUY, Side.SELL
T = OrderType


def test_an_exit_of_spot_replaces_a_whole_list_and_its_answer_tells_all_of_it() -> None:
    """Both legs are cancelled, and what they locked is sold, in one request; a second one finds nothing to replace."""
    bench = PaperBench()
    placed(bench, order(BUY, T.MARKET, "2", name="entry", on=SPOT))
    stop = order(SELL, T.STOP, "1", trigger="97.00", on=SPOT, name="stop", list_id="l1", reduces=True)
    target = order(SELL, T.TAKE_PROFIT, "1", trigger="103.00", on=SPOT, name="target", list_id="l1", reduces=True)
    placed(bench, stop, target)
    way_out = order(SELL, T.MARKET, "1", on=SPOT, name="exit", reduces=True, replaces="stop")
    first, second, accepted, filled = placed(bench, way_out)
    assert {"stop", "target"} == {event.client_order_id for event in (first, second)}
    assert [OrderCanceled, OrderCanceled, OrderAccepted, OrderFilled] == [
        type(event) for event in (first, second, accepted, filled)
    ]
    assert [] == kit.opened(bench, SPOT_PRODUCT)
    again = order(SELL, T.MARKET, "1", on=SPOT, name="exit-2", reduces=True, replaces="stop")
    with pytest.raises(VenueRefused, match="-2022"):
        placed(bench, again)
    assert found(bench, again) is None


def test_futures_have_nothing_that_replaces() -> None:
    with pytest.raises(InvariantError, match="replaces stop"):
        USDM_PRODUCT.place([order(SELL, T.MARKET, "1", reduces=True, replaces="stop")])
