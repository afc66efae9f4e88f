"""The read-only HTTP surface. Everything it knows comes through the `ApiState` it is given."""

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from petrosa.surfaces.api.metrics import exposition
from petrosa.surfaces.api.openapi import Health, Problem, document
from petrosa.surfaces.observation import ApiState

JSON = "application/json"


def api(state: ApiState) -> Starlette:
    """The routes over one process's state; no globals, so two desks can be served side by side."""
    metrics = exposition(state.observe)
    openapi = msgspec.json.encode(document())
    alive = msgspec.json.encode(Health("ok"))

    async def healthz(_request: Request) -> Response:
        return Response(alive, media_type=JSON)

    async def ready(_request: Request) -> Response:
        found = state.readiness()
        return Response(msgspec.json.encode(found), 200 if found.ready else 503, media_type=JSON)

    async def scrape(_request: Request) -> Response:
        return Response(metrics(), headers={"content-type": CONTENT_TYPE_LATEST})

    async def info(_request: Request) -> Response:
        return Response(msgspec.json.encode(state.info()), media_type=JSON)

    async def describe(_request: Request) -> Response:
        return Response(openapi, media_type=JSON)

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/ready", ready),
            Route("/metrics", scrape),
            Route("/info", info),
            Route("/openapi.json", describe),
        ],
        exception_handlers={HTTPException: _problem},
    )


async def _problem(request: Request, problem: Exception) -> Response:
    """Errors are JSON too, and say where to look."""
    status = problem.status_code if isinstance(problem, HTTPException) else 500
    detail = problem.detail if isinstance(problem, HTTPException) else "internal error"
    text = f"{detail}: {request.method} {request.url.path}; /openapi.json lists what there is"
    headers = problem.headers if isinstance(problem, HTTPException) else None
    return Response(msgspec.json.encode(Problem(text)), status, headers=headers, media_type=JSON)
