"""Serves a `PaperVenue` over HTTP and WebSocket, on the paths that Binance's own hosts have.

Spot: `/api/v3`, `/sapi`, `/ws`, `/stream`, `/ws-api/v3`. USD-M: `/fapi`, `/public`, `/market`, `/private` with `/ws`
and `/stream` below, `/ws-fapi/v1`. Faults are set on `/petrosa/faults`, from this machine only.
"""

import asyncio
import ipaddress
from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from petrosa.adapters.venues.binance.paper.faults import Fault, FaultKind
from petrosa.adapters.venues.binance.paper.gate import Answer, Request
from petrosa.adapters.venues.binance.paper.market_socket import LIFE_S, Terms, market_socket
from petrosa.adapters.venues.binance.paper.refusals import REJECTED, Refusal
from petrosa.adapters.venues.binance.paper.sockets import private_socket, ws_api_socket
from petrosa.adapters.venues.binance.paper.venue import PaperVenue

JSON: Final = "application/json;charset=UTF-8"
BODY_MAX: Final = 1 << 20
METHODS: Final = ["GET", "POST", "PUT", "DELETE"]
UNKNOWN: Final = {"code": -1000, "msg": "Unknown error, please check your request or try again later."}
OVERLOADED: Final = {
    "code": -1008, "msg": "Request throttled by system-level protection. Reduce-only/close-position orders are exempt."
    " Please try again.",
}  # fmt: skip

Abort = Callable[[Scope], None]
"""Ends the connection of a request without an answer."""


def paper_app(
    venue: PaperVenue, clock: Callable[[], int], abort: Abort, *, socket_life_s: float = LIFE_S
) -> Starlette:  # fmt: skip
    """The whole surface over one venue. `socket_life_s` is how long a connection for market streams lasts."""
    rest = _Rest(venue, clock, abort)
    routes: list[Any] = [Route(f"/{root}/{{rest:path}}", rest) for root in ("api", "sapi", "fapi")]
    routes.append(Route("/petrosa/faults", _Faults(venue).everything, methods=["GET", "POST", "DELETE"]))
    routes.append(Route("/petrosa/faults/{number:int}", _Faults(venue).one, methods=["DELETE"]))
    for path, market in (("/ws-api/v3", "spot"), ("/ws-fapi/v1", "usdm")):
        if market in venue.markets:
            routes.append(WebSocketRoute(path, ws_api_socket(venue, market, clock)))
    return Starlette(routes=[*routes, *_stream_routes(venue, clock, socket_life_s)])


def _stream_routes(venue: PaperVenue, clock: Callable[[], int], life_s: float) -> list[WebSocketRoute]:
    """Market streams and user streams. Those of USD-M are told apart by path, as at the venue.

    Paths without a group are spot's; where there is no spot they are USD-M's old ones, on which only the public group
    speaks.
    """
    routes: list[WebSocketRoute] = []

    def add(prefix: str, market: str, group: str = "") -> None:
        for path, combined in (("/ws", False), ("/ws/{streams:path}", False), ("/stream", True)):
            served = market_socket(venue, Terms(market, combined, group, life_s), clock)
            routes.append(WebSocketRoute(prefix + path, served))

    add("", "spot") if "spot" in venue.markets else add("", "usdm", "public")
    if "usdm" in venue.markets:
        add("/public", "usdm", "public")
        add("/market", "usdm", "market")
        private = ("/private/ws", "/private/ws/{streams:path}", "/private/stream")
        routes.extend(WebSocketRoute(path, private_socket(venue, clock)) for path in private)
    return routes


class _Rest:
    """An ASGI application for every REST path: faults before, the gate, faults after."""

    def __init__(self, venue: PaperVenue, clock: Callable[[], int], abort: Abort) -> None:
        self._venue = venue
        self._clock = clock
        self._abort = abort

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http = HttpRequest(scope, receive)
        method, path = http.method, http.url.path
        strikes = self._venue.faults.on_request
        if strikes(FaultKind.DROP, method, path):
            self._abort(scope)
            return
        refused = self._refused(method, path)
        if refused is not None:
            await refused(scope, receive, send)
            return
        try:
            body = await _body(http)
        except ClientDisconnect:  # gone before it had asked: nothing is done
            self._abort(scope)
            return
        late = strikes(FaultKind.LATENCY, method, path)
        if late is not None:  # it has arrived, and takes effect whatever becomes of its client
            await asyncio.sleep(late.delay_ms / 1000)
        answer = self._answer(http, body)
        kept_back = strikes(FaultKind.LATE_ANSWER, method, path)
        if kept_back is not None:
            await asyncio.sleep(kept_back.delay_ms / 1000)
        broken = strikes(FaultKind.ERROR_AFTER_ACCEPT, method, path)
        if broken is not None:
            answer = Answer(broken.status, {}, msgspec.json.encode(UNKNOWN))
        silent = strikes(FaultKind.SILENCE_AFTER_ACCEPT, method, path)
        if silent is not None:
            await _client_gone(receive, silent.delay_ms / 1000)
            self._abort(scope)
            return
        await _response(answer)(scope, receive, send)

    def _refused(self, method: str, path: str) -> Response | None:
        """A 429, 418 or 503 that somebody asked for, in which nothing is done."""
        if self._venue.faults.on_request(FaultKind.OVERLOADED, method, path):
            return _response(Answer(503, {}, msgspec.json.encode(OVERLOADED)))
        rejects = self._venue.faults.on_request(FaultKind.REJECT, method, path)
        if rejects is not None:
            return _response(Answer(400, {}, msgspec.json.encode(Refusal(rejects.code, REJECTED).body())))
        for kind, status in ((FaultKind.BANNED, 418), (FaultKind.RATE_LIMITED, 429)):
            fault = self._venue.faults.on_request(kind, method, path)
            if fault is not None:
                words = "Way too many requests; IP banned." if status == 418 else "Too many requests."
                body = msgspec.json.encode({"code": -1003, "msg": words})
                return _response(Answer(status, {"Retry-After": str(fault.retry_after_s)}, body))
        return None

    def _answer(self, http: HttpRequest, body: bytes) -> Answer:
        if len(body) > BODY_MAX:
            return Answer(413, {}, msgspec.json.encode(Refusal(-1130, "Request is too large.").body()))
        try:
            query, form = http.scope["query_string"].decode("ascii"), body.decode("utf-8")
        except UnicodeDecodeError:
            return Answer(
                400, {}, msgspec.json.encode(Refusal(-1100, "Illegal characters found in a parameter.").body())
            )
        address = http.client.host if http.client else ""
        now = self._clock()
        self._venue.advance(now)
        request = Request(http.method, http.url.path, query, form, http.headers.get("x-mbx-apikey"), address)
        old = self._venue.faults.on_request(FaultKind.OLD_SNAPSHOT, http.method, http.url.path)
        with self._venue.looking_back(old is not None):
            return self._venue.gate.answer(request, now)


async def _body(http: HttpRequest) -> bytes:
    """What was posted; of more than is taken only as much as shows that it is more."""
    body = bytearray()
    async for chunk in http.stream():
        body += chunk
        if len(body) > BODY_MAX:
            break
    return bytes(body)


async def _client_gone(receive: Receive, seconds: float) -> None:
    """Wait until the client has had enough, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, headers=dict(answer.headers), media_type=JSON)


class _Faults:
    """The control route: outside Binance's paths, and for this machine alone."""

    def __init__(self, venue: PaperVenue) -> None:
        self._faults = venue.faults

    async def everything(self, request: HttpRequest) -> Response:
        """GET lists, POST adds, DELETE clears."""
        if not _is_local(request):
            return _plain({"error": "faults are set from this machine only"}, 403)
        if request.method == "DELETE":
            self._faults.clear()
        elif request.method == "POST":
            try:
                fault = msgspec.json.decode(await request.body(), type=Fault)
            except msgspec.MsgspecError as problem:
                return _plain({"error": f"not a fault: {problem}"}, 400)
            added = self._faults.add(fault)
            if added is None:
                return _plain({"error": "there are too many faults; DELETE some"}, 409)
            return _plain(added, 201)
        return _plain(self._faults.all(), 200)

    async def one(self, request: HttpRequest) -> Response:
        """DELETE takes one away."""
        if not _is_local(request):
            return _plain({"error": "faults are set from this machine only"}, 403)
        number = request.path_params["number"]
        if not self._faults.remove(number):
            return _plain({"error": f"there is no fault {number}; GET /petrosa/faults lists them"}, 404)
        return _plain(self._faults.all(), 200)


def _is_local(request: HttpRequest) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _plain(value: object, status: int) -> Response:
    return Response(msgspec.json.encode(value), status, media_type=JSON)
