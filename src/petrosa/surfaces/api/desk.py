"""A desk over HTTP: its account, prices, positions, orders and opinions; signals in; and the kill switch."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from petrosa.core.signals.symbols import plain_symbol
from petrosa.errors import LimitExceeded, PetrosaError
from petrosa.surfaces.access import Access, Actor, Scope
from petrosa.surfaces.api.desk_document import ABOUT, FILTERS, OFFSET_MAX, SCHEMAS, paths
from petrosa.surfaces.api.guard import Denied, authorize, read_body
from petrosa.surfaces.api.market_table import LIMIT, LIMIT_MAX, BadQuery, whole
from petrosa.surfaces.api.part import Part, failure, json_response
from petrosa.surfaces.desk_reader import DeskReader
from petrosa.surfaces.desk_rows import Paging
from petrosa.surfaces.kill_switch import FileHolds, KillAnswer, KillRequest, KillSwitch, NoDesk, ResumeRequest
from petrosa.surfaces.market_metrics import Absence
from petrosa.surfaces.trading import KEY_MAX, BadSignal, KeyReused, Trading, Verdict

NO_STORE: Final = {"Cache-Control": "no-store"}
NO_DESK: Final = "no desk turns here yet; ask again when /ready says that market data has come"
RETRY: Final = {**NO_STORE, "Retry-After": "1"}

_KEY: Final = re.compile(f"[!-~]{{1,{KEY_MAX}}}")
T = TypeVar("T")
_Answer = Callable[[Request, Actor], Awaitable[Response]]


def desk(reader: Callable[[], DeskReader | None], trading: Trading, switch: KillSwitch, access: Access) -> Part:
    """The routes over one desk; the reader is none until there is a desk."""
    routes = _Routes(reader, trading, switch)

    def route(path: str, scope: Scope, **by_method: _Answer) -> Route:
        async def endpoint(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            actor = await authorize(request, Scope.READ if method == "GET" else scope, access)
            try:
                return await by_method[method](request, actor)
            except (PetrosaError, BadQuery) as problem:
                return _refusal(problem)

        return Route(path, endpoint, methods=[*by_method])

    def listed(path: str) -> Route:
        return route(path, Scope.READ, GET=lambda request, actor: routes.listed(path[1:], request, actor))

    found = [
        route("/account", Scope.READ, GET=routes.account),
        route("/price/{symbol:path}", Scope.READ, GET=routes.price),
        *(listed(f"/{name}") for name in FILTERS),
        route("/positions/{symbol:path}", Scope.READ, GET=routes.position),
        route("/orders/{client_order_id}", Scope.READ, GET=routes.order),
        route("/trade", Scope.TRADE, POST=routes.trade),
        route("/trade/signal", Scope.TRADE, POST=routes.trade_one),
        route("/kill-switch", Scope.TRADE, GET=routes.switch_state, POST=routes.engage),
        route("/kill-switch/resume", Scope.ADMIN, POST=routes.resume),
    ]
    return Part("desk", ABOUT, found, paths(), SCHEMAS)


class _Routes:
    """One method a route; errors become answers in one place."""

    def __init__(self, reader: Callable[[], DeskReader | None], trading: Trading, switch: KillSwitch) -> None:
        self._reader = reader
        self._trading = trading
        self._switch = switch

    async def account(self, _request: Request, _actor: Actor) -> Response:
        return _ok(self._desk().account())

    async def price(self, request: Request, _actor: Actor) -> Response:
        reader = self._desk()
        key = reader.find(request.path_params["symbol"])
        return _found(key if isinstance(key, Absence) else reader.price(key))

    async def position(self, request: Request, _actor: Actor) -> Response:
        reader = self._desk()
        key = reader.find(request.path_params["symbol"])
        return _found(key if isinstance(key, Absence) else reader.position(key))

    async def order(self, request: Request, _actor: Actor) -> Response:
        wanted = request.path_params["client_order_id"]
        found = self._desk().order(wanted)
        text = f"no order {wanted[:40]!r} is remembered; ids are client_order_id of /orders, older ones in the journal"
        return _found(found or Absence(404, "ORDER_UNKNOWN", text))

    async def listed(self, name: str, request: Request, _actor: Actor) -> Response:
        """A page of one kind of rows."""
        given = request.query_params
        wanted = _wanted(given, FILTERS[name])
        limit, offset = whole(given, "limit", LIMIT, 1, LIMIT_MAX), whole(given, "offset", 0, 0, OFFSET_MAX)
        rows = [row for row in getattr(self._desk(), name)() if all(_is(row, *one) for one in wanted.items())]
        paging = Paging(len(rows), limit, offset, offset + limit < len(rows))
        return _ok({name: rows[offset : offset + limit], "paging": paging})

    async def trade(self, request: Request, actor: Actor) -> Response:
        return await self._trade(request, actor, only_one=False)

    async def trade_one(self, request: Request, actor: Actor) -> Response:
        return await self._trade(request, actor, only_one=True)

    async def _trade(self, request: Request, actor: Actor, *, only_one: bool) -> Response:
        key = _idempotency_key(request)
        answer = await self._trading.trade(await read_body(request), actor.name, key, only_one=only_one)
        is_pending = any(result.status is Verdict.PENDING for result in answer.results)
        return json_response(answer, 202 if is_pending else 200, NO_STORE)

    async def switch_state(self, _request: Request, _actor: Actor) -> Response:
        return _ok(self._switch.state())

    async def engage(self, request: Request, actor: Actor) -> Response:
        asked = await _body(request, KillRequest)
        return _done(await self._switch.engage(asked.level, actor.name, asked.reason))

    async def resume(self, request: Request, actor: Actor) -> Response:
        asked = await _body(request, ResumeRequest)
        return _done(await self._switch.resume(actor.name, asked.reason))

    def _desk(self) -> DeskReader:
        reader = self._reader()
        if reader is None:
            raise NoDesk(NO_DESK)
        return reader


def _ok(value: Any) -> Response:
    return json_response(value, 200, NO_STORE)


def _found(value: Any) -> Response:
    if isinstance(value, Absence):
        return failure(value.status, value.code, value.message, RETRY if value.status == 503 else NO_STORE)
    return _ok(value)


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


def _idempotency_key(request: Request) -> str:
    keys = request.headers.getlist("idempotency-key")
    key = keys[0].strip() if keys else ""
    if len(keys) > 1 or (keys and _KEY.fullmatch(key) is None):
        text = f"Idempotency-Key is not understood; send one, of 1 to {KEY_MAX} printable letters without spaces"
        raise Denied(400, "BAD_IDEMPOTENCY_KEY", text)
    return key


async def _body(request: Request, struct: type[T]) -> T:
    try:
        return msgspec.json.decode(await read_body(request), type=struct)
    except msgspec.ValidationError as problem:
        raise BadSignal("VALIDATION_ERROR", str(problem)) from None
    except (ValueError, RecursionError) as problem:
        raise BadSignal("MALFORMED_JSON", f"the body is not JSON: {str(problem)[:200]}") from None


def _refusal(problem: PetrosaError | BadQuery) -> Response:
    """How each kind of no is said."""
    text = str(problem)
    match problem:
        case BadQuery():
            return failure(422, "BAD_QUERY", text, NO_STORE, parameter=problem.parameter, value=problem.value)
        case BadSignal():
            status = 400 if problem.code == "MALFORMED_JSON" else 422
            return failure(status, problem.code, text, NO_STORE, index=problem.index)
        case KeyReused():
            return failure(422, "IDEMPOTENCY_KEY_REUSED", text, NO_STORE)
        case FileHolds():
            return failure(409, "KILL_FILE_PRESENT", text, NO_STORE)
        case LimitExceeded():
            return failure(429, "BUSY", text, RETRY)
        case NoDesk():
            return failure(503, "NO_DESK", text, RETRY)
        case _:
            raise problem
