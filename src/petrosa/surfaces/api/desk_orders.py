"""Orders by hand over HTTP: placed, looked at and taken off, each through the desk's own checks."""

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from petrosa.surfaces.access import Actor
from petrosa.surfaces.api.desk_answers import NO_STORE, body_of, found, idempotency_key, ok, there
from petrosa.surfaces.api.desk_document import REASON_MAX
from petrosa.surfaces.api.guard import read_body
from petrosa.surfaces.api.market_table import BadQuery
from petrosa.surfaces.api.part import json_response
from petrosa.surfaces.desk_reader import DeskReader
from petrosa.surfaces.desk_rows import OrderReport
from petrosa.surfaces.market_metrics import Absence
from petrosa.surfaces.orders import OrderAnswer, OrderBody, OrderResult, Orders, cancel_of, command_of
from petrosa.surfaces.trading import Verdict


class OrderRoutes:
    """One method a route; an order is named by its client order id or by the venue's."""

    def __init__(self, reader: Callable[[], DeskReader | None], orders: Orders) -> None:
        self._reader = reader
        self._orders = orders

    async def place(self, request: Request, actor: Actor) -> Response:
        key, raw = idempotency_key(request), await read_body(request)
        body, reader = body_of(raw, OrderBody), there(self._reader())
        instrument = reader.find(body.symbol)
        if isinstance(instrument, Absence):
            return found(instrument)
        command = command_of(body, instrument, actor.name, key)
        return self._answer(reader, await self._orders.place(command, key, raw))

    async def order(self, request: Request, _actor: Actor) -> Response:
        return found(self._named(request, there(self._reader())))

    async def cancel(self, request: Request, actor: Actor) -> Response:
        reader, reason = there(self._reader()), _reason(request)
        order = self._named(request, reader)
        if isinstance(order, Absence):
            return found(order)
        result = await self._orders.cancel(cancel_of(order.client_order_id, actor.name, reason))
        if result.client_order_id is None:
            result = msgspec.structs.replace(result, client_order_id=order.client_order_id)
        return self._answer(reader, result)

    def _named(self, request: Request, reader: DeskReader) -> OrderReport | Absence:
        """The one order that a path means."""
        wanted, symbol = request.path_params["order_id"], request.path_params.get("symbol")
        instrument = None if symbol is None else reader.find(symbol)
        if isinstance(instrument, Absence):
            return instrument
        named = reader.named(wanted, instrument)
        if len(named) == 1:
            return named[0]
        if named:
            where = ", ".join(order.instrument for order in named)
            text = f"order {wanted[:40]!r} is on {where}; ask /order/SYMBOL/{wanted[:40]}, or by client_order_id"
            return Absence(409, "ORDER_AMBIGUOUS", text)
        text = f"no order {wanted[:40]!r} is remembered; ids are those of /orders, older ones are in the journal"
        return Absence(404, "ORDER_UNKNOWN", text)

    def _answer(self, reader: DeskReader, result: OrderResult) -> Response:
        order = None if result.client_order_id is None else reader.order(result.client_order_id)
        answer = OrderAnswer(
            status=result.status, message=result.message, order=order, result=result, timestamp=reader.at
        )
        return json_response(answer, 202, NO_STORE) if result.status is Verdict.PENDING else ok(answer)


def _reason(request: Request) -> str:
    """Why an order is taken off."""
    given = request.query_params
    for name in given:
        if name != "reason":
            raise BadQuery(name, given[name], f"unknown parameter {name[:40]!r}; there is reason")
    reason = given.get("reason", "by hand")
    if not 1 <= len(reason) <= REASON_MAX:
        raise BadQuery("reason", reason[:40], f"reason has {len(reason)} letters; send 1 to {REASON_MAX}")
    return reason
