"""The audit of trading over HTTP: what was traded, refused and commanded, newest first, and the story of a signal."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from petrosa.core.model.base import NEVER, NS_PER_SECOND
from petrosa.core.signals.symbols import plain_symbol
from petrosa.errors import DataError, StorageError
from petrosa.surfaces.access import Access, Scope
from petrosa.surfaces.api.audit_log_document import ABOUT, BEFORE, SCHEMAS, paths
from petrosa.surfaces.api.guard import authorize
from petrosa.surfaces.api.market_table import BadQuery, whole
from petrosa.surfaces.api.part import Part, failure, json_response
from petrosa.surfaces.audit.reading import FILTERS, LIMIT, LIMIT_MAX, AuditReading

NO_STORE: Final = {"Cache-Control": "no-store"}
NAMED: Final = (*FILTERS, "since", "until", "before", "limit")
LETTERS_MAX: Final = 200

_NANOSECONDS: Final = re.compile(r"[0-9]{18,19}")
_BEFORE: Final = re.compile(BEFORE)


def audit_log(audit: AuditReading, access: Access) -> Part:
    """The part of the surface that shows the audit."""

    async def records(request: Request) -> Response:
        await authorize(request, Scope.READ, access)
        try:
            return json_response(await audit.find(**_asked(request.query_params)), 200, NO_STORE)
        except (BadQuery, StorageError, DataError) as problem:
            return _refusal(problem)

    async def story(request: Request) -> Response:
        await authorize(request, Scope.READ, access)
        signal_id = str(request.path_params["signal_id"])
        try:
            told = await audit.story(signal_id)
        except (StorageError, DataError) as problem:
            return _refusal(problem)
        if not told.records:
            text = f"the audit tells nothing of the signal {signal_id[:80]!r}; /audit lists what it does"
            return failure(404, "SIGNAL_UNKNOWN", text, NO_STORE)
        return json_response(told, 200, NO_STORE)

    routes = [Route("/audit", records), Route("/audit/signals/{signal_id}", story)]
    return Part("audit", ABOUT, routes, paths(), SCHEMAS)


def _asked(given: Mapping[str, str]) -> dict[str, Any]:
    """The question of a query. Raises `BadQuery`."""
    for name, value in given.items():
        if name not in NAMED:
            raise BadQuery(name, value, f"unknown parameter {name[:40]!r}; there are {', '.join(NAMED)}")
        if not value or len(value) > LETTERS_MAX:
            raise BadQuery(name, value[:LETTERS_MAX], f"{name} has {len(value)} letters; write 1 to {LETTERS_MAX}")
    where = {name: given[name] for name in FILTERS if name in given}
    if "symbol" in where:
        where["symbol"] = plain_symbol(where["symbol"])
    before = given.get("before", "")
    if before and _BEFORE.fullmatch(before) is None:
        raise BadQuery("before", before, "before is no id of a record; take `next` of the page before")
    return {
        "where": where,
        "since": _time(given, "since", 0),
        "until": _time(given, "until", NEVER),
        "before": before,
        "limit": whole(given, "limit", LIMIT, 1, LIMIT_MAX),
    }


def _time(given: Mapping[str, str], name: str, otherwise: int) -> int:
    """Nanoseconds of ISO 8601, UTC where it names no offset, or of a whole number of them."""
    text = given.get(name)
    if text is None:
        return otherwise
    if _NANOSECONDS.fullmatch(text):
        return min(int(text), NEVER)
    try:
        when = datetime.fromisoformat(text)
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadQuery(name, text, f"{name} = {text[:40]!r} is no time; write it like 2026-01-02T03:04:05Z") from None
    since_1970 = when - datetime(1970, 1, 1, tzinfo=UTC)
    seconds = since_1970.days * 86_400 + since_1970.seconds
    return max(0, seconds * NS_PER_SECOND + since_1970.microseconds * 1_000)


def _refusal(problem: BadQuery | StorageError | DataError) -> Response:
    text = str(problem)
    match problem:
        case BadQuery():
            return failure(422, "BAD_QUERY", text, NO_STORE, parameter=problem.parameter, value=problem.value)
        case DataError():
            return failure(500, "AUDIT_UNREADABLE", text, NO_STORE)
        case _:
            return failure(503, "STORE_UNAVAILABLE", text, {**NO_STORE, "Retry-After": "5"})
