"""A desk over HTTP: its account, prices, positions, orders and opinions; signals and orders in; the kill switch."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from petrosa.core.signals.symbols import plain_symbol
from petrosa.errors import PetrosaError
from petrosa.surfaces.access import Access, Actor, Scope
from petrosa.surfaces.api.desk_answers import NO_STORE, body_of, found, idempotency_key, ok, refusal, there
from petrosa.surfaces.api.desk_document import ABOUT, FILTERS, OFFSET_MAX, SCHEMAS, paths
from petrosa.surfaces.api.desk_orders import OrderRoutes
from petrosa.surfaces.api.desk_reconcile import ReconcileRoutes
from petrosa.surfaces.api.guard import authorize, read_body, require_once
from petrosa.surfaces.api.market_table import LIMIT, LIMIT_MAX, BadQuery, whole
from petrosa.surfaces.api.part import Part, json_response
from petrosa.surfaces.desk_reader import DeskReader
from petrosa.surfaces.desk_rows import Paging
from petrosa.surfaces.kill_switch import KillAnswer, KillRequest, KillSwitch, ResumeRequest
from petrosa.surfaces.market_metrics import Absence
from petrosa.surfaces.orders import Orders
from petrosa.surfaces.reconciliation import Reconciling
from petrosa.surfaces.trading import SignalStatus, Trading

_Answer = Callable[[Request, Actor], Awaitable[Response]]


def desk(
    reader: Callable[[], DeskReader | None],
    trading: Trading,
    orders: Orders,
    switch: KillSwitch,
    reconciling: Reconciling,
    access: Access,
) -> Part:
    """The routes over one desk; the reader is none until there is a desk."""
    routes, by_hand = _Routes(reader, trading, switch), OrderRoutes(reader, orders)
    compared = ReconcileRoutes(reconciling)

    def route(path: str, scope: Scope, **by_method: _Answer) -> Route:
        async def endpoint(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            actor = await authorize(request, Scope.READ if method == "GET" else scope, access)
            try:
                return await by_method[method](request, actor)
            except (PetrosaError, BadQuery) as problem:
                return refusal(problem)

        return Route(path, endpoint, methods=[*by_method])

    def listed(path: str) -> Route:
        return route(path, Scope.READ, GET=partial(routes.listed, path[1:]))

    served = [
        route("/account", Scope.READ, GET=routes.account),
        route("/price/{symbol:path}", Scope.READ, GET=routes.price),
        *(listed(f"/{name}") for name in FILTERS if name != "opinions"),
        route("/positions/stops-health", Scope.READ, GET=routes.stops_health),
        route("/positions/{symbol:path}", Scope.READ, GET=routes.position),
        route("/orders/{order_id}", Scope.TRADE, GET=by_hand.order, DELETE=by_hand.cancel),
        route("/signals/active", Scope.READ, GET=partial(routes.listed, "opinions")),
        route("/signals/summary", Scope.READ, GET=routes.signals_summary),
        route("/state", Scope.READ, GET=routes.state),
        route("/order", Scope.TRADE, POST=by_hand.place),
        route("/order/{symbol:path}/{order_id}", Scope.TRADE, GET=by_hand.order, DELETE=by_hand.cancel),
        route("/trade", Scope.TRADE, POST=routes.trade),
        route("/trade/signal", Scope.TRADE, POST=routes.trade_one),
        route("/kill-switch", Scope.TRADE, GET=routes.switch_state, POST=routes.engage),
        route("/kill-switch/resume", Scope.ADMIN, POST=routes.resume),
        route("/reconcile", Scope.TRADE, GET=compared.report, POST=compared.compare),
        route("/reconcile/{finding_id}", Scope.ADMIN, POST=compared.resolve),
    ]
    return Part("desk", ABOUT, served, paths(), SCHEMAS)


class _Routes:
    """One method a route; errors become answers in one place."""

    def __init__(self, reader: Callable[[], DeskReader | None], trading: Trading, switch: KillSwitch) -> None:
        self._reader = reader
        self._trading = trading
        self._switch = switch

    async def account(self, _request: Request, _actor: Actor) -> Response:
        return ok(there(self._reader()).account())

    async def price(self, request: Request, _actor: Actor) -> Response:
        reader = there(self._reader())
        key = reader.find(request.path_params["symbol"])
        return found(key if isinstance(key, Absence) else reader.price(key))

    async def position(self, request: Request, _actor: Actor) -> Response:
        reader = there(self._reader())
        key = reader.find(request.path_params["symbol"])
        return found(key if isinstance(key, Absence) else reader.position(key))

    async def stops_health(self, _request: Request, _actor: Actor) -> Response:
        return ok(there(self._reader()).stops_health())

    async def signals_summary(self, _request: Request, _actor: Actor) -> Response:
        return ok(there(self._reader()).signals_summary())

    async def state(self, request: Request, _actor: Actor) -> Response:
        """Of every symbol, or of the one that is asked for."""
        reader, given = there(self._reader()), request.query_params
        for name in given:
            if name != "symbol":
                raise BadQuery(name, given[name], f"unknown parameter {name[:40]!r}; there is symbol")
        if "symbol" not in given:
            return ok(reader.state())
        key = reader.find(given["symbol"])
        return found(key if isinstance(key, Absence) else reader.state(key))

    async def listed(self, name: str, request: Request, _actor: Actor) -> Response:
        """A page of one kind of rows."""
        given = request.query_params
        wanted = _wanted(given, FILTERS[name])
        limit, offset = whole(given, "limit", LIMIT, 1, LIMIT_MAX), whole(given, "offset", 0, 0, OFFSET_MAX)
        rows = [row for row in getattr(there(self._reader()), name)() if all(_is(row, *one) for one in wanted.items())]
        paging = Paging(len(rows), limit, offset, offset + limit < len(rows))
        return ok({name: rows[offset : offset + limit], "paging": paging})

    async def trade(self, request: Request, actor: Actor) -> Response:
        return await self._trade(request, actor, only_one=False)

    async def trade_one(self, request: Request, actor: Actor) -> Response:
        return await self._trade(request, actor, only_one=True)

    async def _trade(self, request: Request, actor: Actor, *, only_one: bool) -> Response:
        key = idempotency_key(request)
        body = await read_body(request)
        require_once(body)
        answer = await self._trading.trade(body, actor.name, key, only_one=only_one)
        is_pending = any(result.status is SignalStatus.PENDING for result in answer.results)
        return json_response(answer, 202 if is_pending else 200, NO_STORE)

    async def switch_state(self, _request: Request, _actor: Actor) -> Response:
        return ok(self._switch.state())

    async def engage(self, request: Request, actor: Actor) -> Response:
        asked = body_of(await read_body(request), KillRequest)
        return _done(await self._switch.engage(asked.level, actor.name, asked.reason))

    async def resume(self, request: Request, actor: Actor) -> Response:
        asked = body_of(await read_body(request), ResumeRequest)
        return _done(await self._switch.resume(actor.name, asked.reason))


def _done(answer: KillAnswer) -> Response:
    return json_response(answer, 202 if answer.sequence is None and answer.status != "done" else 200, NO_STORE)


def _wanted(given: Mapping[str, str], filters: Sequence[str]) -> dict[str, str]:
    """The filters of a query. Raises `BadQuery` for a name that is none, and for words that cannot be."""
    for name in given:
        if name not in (*filters, "limit", "offset"):
            known = ", ".join((*filters, "limit", "offset"))
            raise BadQuery(name, given[name], f"unknown parameter {name[:40]!r}; there are {known}")
    wanted = {name: given[name] for name in filters if name in given}
    for name, words in (("side", ("long", "short")), ("status", ("open", "all"))):
        if name in wanted and wanted[name] not in words:
            text = f"{name} = {wanted[name][:40]!r}; it must be one of {', '.join(words)}"
            raise BadQuery(name, wanted[name], text)
    if "symbol" in wanted:
        wanted["symbol"] = plain_symbol(wanted["symbol"])
    return wanted


def _is(row: msgspec.Struct, name: str, wanted: str) -> bool:
    """Whether a row passes one filter."""
    if name == "status":
        return wanted == "all" or bool(getattr(row, "is_open"))  # noqa: B009 - rows are of several kinds
    if name == "strategy_id" and hasattr(row, "by_strategy"):
        return wanted in row.by_strategy
    return bool(getattr(row, name) == wanted)
