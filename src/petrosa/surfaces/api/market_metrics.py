"""`/api/v1/metrics`: what the books say, symbol by symbol and all together. Read-only."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from petrosa.core.analytics.analyzer import TIMEFRAMES
from petrosa.core.model.market import InstrumentId
from petrosa.surfaces.access import Access, Scope
from petrosa.surfaces.api.guard import authorize
from petrosa.surfaces.api.market_metrics_paths import ABOUT, ROOT, SCHEMAS, paths
from petrosa.surfaces.api.market_table import BadQuery, TableQuery, page_of
from petrosa.surfaces.api.part import JSON, Part, failure
from petrosa.surfaces.market_metrics import Absence, MarketMetrics

RETRY_S: Final = "1"
DEFAULT_TIMEFRAME: Final = "5m"


NOT_BEGUN: Final = Absence(503, "NO_DATA_YET", "no market data has come yet; wait for the feed, /ready says how it is")


def market_metrics(metrics: Callable[[], MarketMetrics | None], access: Access) -> Part:
    """The four routes over one desk's market metrics, which are none until it hears the market."""
    routes = _Routes(metrics)

    def route(path: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
        async def endpoint(request: Request) -> Response:
            await authorize(request, Scope.READ, access)
            return await answer(request)

        return Route(ROOT + path, endpoint)

    return Part(
        "market-metrics",
        ABOUT,
        [
            route("/depth/{symbol:path}", routes.depth),
            route("/pressure/{symbol:path}", routes.pressure),
            route("/summary", routes.summary),
            route("/all", routes.all),
        ],
        paths(),
        SCHEMAS,
    )


class _Routes:
    """Answers, and the bytes of those whose symbol has not changed since: one a symbol and question."""

    def __init__(self, metrics: Callable[[], MarketMetrics | None]) -> None:
        self._metrics = metrics
        self._encode = msgspec.json.Encoder().encode
        self._known: dict[tuple[InstrumentId, str], tuple[tuple[int, int, int], bytes]] = {}

    async def depth(self, request: Request) -> Response:
        return self._answer(request, "")

    async def pressure(self, request: Request) -> Response:
        timeframe = request.query_params.get("timeframe", DEFAULT_TIMEFRAME)
        if timeframe in TIMEFRAMES:
            return self._answer(request, timeframe)
        return failure(
            422, "BAD_TIMEFRAME",
            f"timeframe = {timeframe[:40]!r}; it must be one of {', '.join(TIMEFRAMES)}",
            value=timeframe[:40], allowed=list(TIMEFRAMES),
        )  # fmt: skip

    async def summary(self, _request: Request) -> Response:
        metrics = await self._up_to_date()
        if isinstance(metrics, Absence):
            return _no(metrics)
        return Response(self._encode(metrics.summary()), media_type=JSON)

    async def all(self, request: Request) -> Response:
        try:
            query = TableQuery.of(request.query_params)
        except BadQuery as bad:
            return failure(422, "BAD_QUERY", str(bad), parameter=bad.parameter, value=bad.value)
        metrics = await self._up_to_date()
        if isinstance(metrics, Absence):
            return _no(metrics)
        return Response(self._encode(page_of(query, metrics.standings(), metrics.row)), media_type=JSON)

    def _answer(self, request: Request, timeframe: str) -> Response:
        """A symbol's book, or its pressure over a timeframe. A window is another one only in another second."""
        metrics = self._present()
        if isinstance(metrics, Absence):
            return _no(metrics)
        key = metrics.find(request.path_params["symbol"])
        if isinstance(key, Absence):
            return _no(key)
        revision = metrics.revision(key)
        if timeframe:
            revision = (0, 0, revision[2])
        known = self._known.get((key, timeframe))
        if known is None or known[0] != revision:
            report = metrics.pressure(key, timeframe) if timeframe else metrics.depth(key)
            known = self._known[key, timeframe] = revision, self._encode(report)
        return Response(known[1], media_type=JSON)

    async def _up_to_date(self) -> MarketMetrics | Absence:
        """Work the table out a few rows at a time, so that no turn waits for all of it."""
        metrics = self._present()
        if not isinstance(metrics, Absence):
            for _ in metrics.refresh():
                await asyncio.sleep(0)
        return metrics

    def _present(self) -> MarketMetrics | Absence:
        """The metrics, or why there are none."""
        metrics = self._metrics()
        return NOT_BEGUN if metrics is None else metrics.absent() or metrics


def _no(absence: Absence) -> Response:
    headers = {"Retry-After": RETRY_S} if absence.status == 503 else None
    return failure(absence.status, absence.code, absence.message, headers)
