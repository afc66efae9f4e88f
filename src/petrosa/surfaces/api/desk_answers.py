"""What the routes of a desk have in common: how a request is read, and how each kind of yes and no is said."""

import re
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from petrosa.errors import LimitExceeded, PetrosaError
from petrosa.surfaces.api.guard import Denied, require_once
from petrosa.surfaces.api.market_table import BadQuery
from petrosa.surfaces.api.part import failure, json_response
from petrosa.surfaces.desk_reader import DeskReader
from petrosa.surfaces.kill_switch import FileHolds, NoDesk
from petrosa.surfaces.market_metrics import Absence
from petrosa.surfaces.reconciliation import NoFinding, NotResolved, NoVenueAccount
from petrosa.surfaces.trading import KEY_MAX, BadSignal, KeyReused

NO_STORE: Final = {"Cache-Control": "no-store"}
NO_DESK: Final = "no desk turns here yet; ask again when /ready says that market data has come"
RETRY: Final = {**NO_STORE, "Retry-After": "1"}

_KEY: Final = re.compile(f"[!-~]{{1,{KEY_MAX}}}")
T = TypeVar("T")


def there(reader: DeskReader | None) -> DeskReader:
    """The desk, which has to be there. Raises `NoDesk`."""
    if reader is None:
        raise NoDesk(NO_DESK)
    return reader


def ok(value: Any) -> Response:
    return json_response(value, 200, NO_STORE)


def found(value: Any) -> Response:
    if isinstance(value, Absence):
        return failure(value.status, value.code, value.message, RETRY if value.status == 503 else NO_STORE)
    return ok(value)


def idempotency_key(request: Request) -> str:
    """The key of a request, empty for none. Raises `Denied` for one that cannot be."""
    keys = request.headers.getlist("idempotency-key")
    key = keys[0].strip() if keys else ""
    if len(keys) > 1 or (keys and _KEY.fullmatch(key) is None):
        text = f"Idempotency-Key is not understood; send one, of 1 to {KEY_MAX} printable letters without spaces"
        raise Denied(400, "BAD_IDEMPOTENCY_KEY", text)
    return key


def body_of(raw: bytes, struct: type[T]) -> T:
    """A body as what it has to be. Raises `BadSignal` for anything else, `Denied` for a field that is named twice."""
    require_once(raw)
    try:
        return msgspec.json.decode(raw, type=struct)
    except msgspec.ValidationError as problem:
        raise BadSignal("VALIDATION_ERROR", str(problem)) from None
    except (ValueError, RecursionError) as problem:
        raise BadSignal("MALFORMED_JSON", f"the body is not JSON: {str(problem)[:200]}") from None


def refusal(problem: PetrosaError | BadQuery) -> Response:
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
        case NoVenueAccount():
            return failure(409, "NO_VENUE_ACCOUNT", text, NO_STORE)
        case NoFinding():
            return failure(404, "FINDING_UNKNOWN", text, NO_STORE)
        case NotResolved():
            return failure(409, "NOT_RESOLVED", text, NO_STORE)
        case LimitExceeded():
            return failure(429, "BUSY", text, RETRY)
        case NoDesk():
            return failure(503, "NO_DESK", text, RETRY)
        case _:
            raise problem
