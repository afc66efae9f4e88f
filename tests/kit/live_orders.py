"""Intents as a desk writes them, and requests of the live products asked of a paper exchange without a socket."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import msgspec

from petrosa.adapters.venues.binance.live.product import Product
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.spot import Spot
from petrosa.adapters.venues.binance.live.usdm import Usdm
from petrosa.core.model.account import StatedOrder
from petrosa.core.model.base import Side
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Cancel, Intent, Leg, OrderEvent, OrderFilled, OrderType, Place, TimeInForce
from petrosa.errors import VenueRefused
from tests.kit.paper_venue import SPOT, USDM, PaperBench, rules

ACCOUNT = "main"
SPOT_PRODUCT = Spot(ACCOUNT, rules()["spot"])
USDM_PRODUCT = Usdm(ACCOUNT, rules()["usdm"])
PRODUCTS: dict[InstrumentId, Product] = {SPOT: SPOT_PRODUCT, USDM: USDM_PRODUCT}
HEARD = 1_900_000_000_000_000_000


def order(
    side: Side, kind: OrderType, quantity: str, price: str | None = None, trigger: str | None = None, *,
    on: InstrumentId = USDM, name: str = "p1", tif: TimeInForce = TimeInForce.GTC, reduces: bool = False,
    callback: str | None = None, list_id: str = "", leg: Leg = Leg.ENTRY,
    replaces: str = "",
) -> Intent:  # fmt: skip
    """What a desk means to place."""
    place = Place(
        side=side, type=kind, quantity=Decimal(quantity), price=None if price is None else Decimal(price),
        trigger_price=None if trigger is None else Decimal(trigger), time_in_force=tif, reduce_only=reduces,
        callback=None if callback is None else Decimal(callback), list_id=list_id, replaces=replaces,
    )  # fmt: skip
    return Intent(name, ACCOUNT, on, leg, place, "signal", "strategy")


def cancel(placed: Intent, *, conditional: bool = False, name: str = "c1") -> Intent:
    """What a desk means to cancel."""
    action = Cancel(placed.client_order_id, "test", conditional)
    return Intent(name, ACCOUNT, placed.instrument, placed.leg, action, "signal", "strategy")


def asked(bench: PaperBench, request: Request) -> bytes:
    """The body that the exchange answers with. Raises `VenueRefused` for a no."""
    bench.wait()
    params: dict[str, Any] = dict(request.params)
    query = bench.signed(**params) if request.signed else urlencode(params)
    in_body = request.method in ("POST", "PUT")
    answer = bench.raw(request.method, request.path, "" if in_body else query, query if in_body else "")
    if answer.status != 200:
        refusal = msgspec.json.decode(answer.body)
        raise VenueRefused(refusal["code"], refusal["msg"])
    return answer.body


def placed(bench: PaperBench, *intents: Intent) -> list[OrderEvent]:
    """Place, and what the answer says."""
    product = PRODUCTS[intents[0].instrument]
    return list(product.placed(intents, asked(bench, product.place(intents)), HEARD))


def found(bench: PaperBench, intent: Intent) -> StatedOrder | None:
    """What became of an order: asked wherever it may be, and followed to where it is."""
    product = PRODUCTS[intent.instrument]
    for request in product.query(intent):
        try:
            answer = product.queried(asked(bench, request), intent.client_order_id)
            while isinstance(answer, Request):
                answer = product.queried(asked(bench, answer), intent.client_order_id)
        except VenueRefused as refused:
            if not product.is_unknown_order(refused.code):
                raise
        else:
            return answer
    return None


def opened(bench: PaperBench, product: Product) -> list[StatedOrder]:
    return [
        order for request in product.opened() for order in product.read_opened(request, asked(bench, request))
    ]  # fmt: skip


def traded(bench: PaperBench, instrument: InstrumentId) -> list[OrderFilled]:
    """Every trade of the account on an instrument, by the names that the venue has for its orders."""
    product = PRODUCTS[instrument]
    body = asked(bench, product.trades(instrument, 0, None))
    _, unnamed = product.read_trades(body, {}, HEARD)
    names = {}
    for one in unnamed:
        answer = product.queried(asked(bench, product.name_of(one)))
        assert isinstance(answer, StatedOrder)
        names[one] = answer.client_order_id
    fills, unnamed = product.read_trades(body, names, HEARD)
    assert [] == list(unnamed)
    return list(fills)
