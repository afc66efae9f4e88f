"""The HTTP surface. Everything it knows comes through the `ApiState` it is given, and the parts beside it."""

from collections.abc import Sequence
from typing import Final

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from petrosa import __version__
from petrosa.surfaces.api.guard import Denied, deny
from petrosa.surfaces.api.metrics import exposition
from petrosa.surfaces.api.openapi import VERSION, Health, HealthReport, Problem, Version, document, status_paths
from petrosa.surfaces.api.page import PAGE_HEADERS, page_of
from petrosa.surfaces.api.part import JSON, Failure, Part, failure, json_response
from petrosa.surfaces.observation import ApiState, Check, Info, Readiness

API: Final = "/api/"


def api(state: ApiState, parts: Sequence[Part] = ()) -> Starlette:
    """The routes over one process's state; no globals, so two desks can be served side by side."""
    parts = (_status(state), *parts)
    described = document(parts)
    openapi, page = msgspec.json.encode(described), page_of(described)

    async def describe(_request: Request) -> Response:
        return Response(openapi, media_type=JSON)

    async def docs(_request: Request) -> Response:
        return Response(page, media_type="text/html", headers=PAGE_HEADERS)

    own = [Route("/openapi.json", describe), Route("/docs", docs)]
    return Starlette(
        routes=[*(route for part in parts for route in part.routes), *own],
        exception_handlers={HTTPException: _problem, Denied: deny},
    )


def _status(state: ApiState) -> Part:
    """What every process says about itself."""
    metrics = exposition(state.observe)
    alive = msgspec.json.encode(Health("ok"))

    async def healthz(_request: Request) -> Response:
        return Response(alive, media_type=JSON)

    async def ready(_request: Request) -> Response:
        found = state.readiness()
        return json_response(found, 200 if found.ready else 503)

    async def scrape(_request: Request) -> Response:
        return Response(metrics(), headers={"content-type": CONTENT_TYPE_LATEST})

    async def health(_request: Request) -> Response:
        found = state.readiness()
        parts = {check.name: "ok" if check.ok else check.detail for check in found.checks}
        return json_response(HealthReport("healthy" if found.ready else "degraded", __version__, parts))

    async def version(_request: Request) -> Response:
        return json_response(VERSION)

    async def info(_request: Request) -> Response:
        return json_response(state.info())

    routes = [
        Route("/healthz", healthz),
        Route("/ready", ready),
        Route("/metrics", scrape),
        Route("/live", healthz),
        Route("/health", health),
        Route("/version", version),
        Route("/info", info),
    ]
    schemas = (Health, HealthReport, Version, Readiness, Check, Info, Problem, Failure)
    return Part("status", "What this process is and how it is.", routes, status_paths(), schemas)


async def _problem(request: Request, problem: Exception) -> Response:
    """Errors are JSON too, and say where to look."""
    status = problem.status_code if isinstance(problem, HTTPException) else 500
    detail = problem.detail if isinstance(problem, HTTPException) else "internal error"
    text = f"{detail}: {request.method} {request.url.path}; /openapi.json lists what there is"
    headers = problem.headers if isinstance(problem, HTTPException) else None
    if request.url.path.startswith(API):
        return failure(status, detail.upper().replace(" ", "_"), text, headers)
    return json_response(Problem(text), status, headers)
