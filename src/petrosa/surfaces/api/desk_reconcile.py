"""The comparison with the venue over HTTP: what it found, asked for anew, and its findings resolved."""

from starlette.requests import Request
from starlette.responses import Response

from petrosa.surfaces.access import Actor
from petrosa.surfaces.api.desk_answers import NO_STORE, body_of, ok
from petrosa.surfaces.api.guard import read_body
from petrosa.surfaces.api.part import json_response
from petrosa.surfaces.reconciliation import CompareRequest, ReconcileAnswer, Reconciling, ResolveRequest


class ReconcileRoutes:
    """One method a route."""

    def __init__(self, reconciling: Reconciling) -> None:
        self._reconciling = reconciling

    async def report(self, _request: Request, _actor: Actor) -> Response:
        return ok(self._reconciling.report())

    async def compare(self, request: Request, actor: Actor) -> Response:
        asked = body_of(await read_body(request), CompareRequest)
        return _done(await self._reconciling.compare(actor.name, asked.reason))

    async def resolve(self, request: Request, actor: Actor) -> Response:
        asked = body_of(await read_body(request), ResolveRequest)
        finding = request.path_params["finding_id"]
        return _done(await self._reconciling.resolve(finding, asked.how, actor.name, asked.reason))


def _done(answer: ReconcileAnswer) -> Response:
    return json_response(answer, 200 if answer.status == "done" else 202, NO_STORE)
