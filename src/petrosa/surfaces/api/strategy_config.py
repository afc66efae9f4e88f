"""The configuration of strategies over HTTP: what holds, what may be set, every change with who and why."""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from petrosa.errors import DataError, LimitExceeded, PetrosaError, StorageError, VersionConflict
from petrosa.surfaces.access import Access, Actor, Scope
from petrosa.surfaces.api.guard import Denied, authorize, read_body, require_once
from petrosa.surfaces.api.part import Part, failure, json_response
from petrosa.surfaces.api.strategy_config_document import ABOUT, SCHEMAS, paths
from petrosa.surfaces.configuration import (
    ANY_VERSION,
    AUDIT_DEFAULT,
    AUDIT_MAX,
    TRADING,
    Act,
    ActorName,
    Changed,
    ChangeRequest,
    Configuration,
    FieldError,
    InvalidParameters,
    NotThere,
    Reason,
    ReturnRequest,
    StaleVersion,
    Unreadable,
    ValidateRequest,
    WeightValue,
)

RETRY_S: Final = 5
"""When to try again what the store did not take."""
ROOT: Final = "/api/v1/strategies"
VALIDATE: Final = "/api/v1/config/validate"
NO_STORE: Final = {"Cache-Control": "no-store"}

_ETAG = re.compile(r'"(\d{1,15})"|(\d{1,15})')
T = TypeVar("T")
Answer = Callable[[Request, Actor], Awaitable[Response]]


def strategy_config(configuration: Configuration, access: Access) -> Part:
    """The part of the surface that shows and changes the configuration."""
    routes, route = ConfigRoutes(configuration, _strategy), partial(guarded, access)
    one = ROOT + "/{strategy_id}"
    both = {"GET": routes.config, "POST": routes.change, "DELETE": routes.delete}
    found = [
        route(ROOT, GET=routes.strategies),
        route(f"{ROOT}/cache/refresh", POST=routes.refresh),
        route(f"{one}/schema", GET=routes.schema),
        route(f"{one}/defaults", GET=routes.defaults),
        route(f"{one}/config", **both),
        route(f"{one}/config/{{symbol:path}}", **both),  # a symbol may be written with a slash
        route(f"{one}/audit", GET=routes.audit),
        route(f"{one}/rollback", POST=routes.roll_back),
        route(f"{one}/restore", POST=routes.restore),
        route(VALIDATE, POST=routes.validate),
    ]
    return Part("configuration", ABOUT, found, paths([one.strategy_id for one in configuration.strategies()]), SCHEMAS)


def guarded(access: Access, path: str, **by_method: Answer) -> Route:
    """A route that asks who it is, and says every no of a `Configuration` in one way."""

    async def endpoint(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        reads = method == "GET" or path == VALIDATE
        needed = Scope.READ if reads else Scope.CONFIG
        actor = await authorize(request, needed, access, is_dear=path == VALIDATE)
        try:
            return await by_method[method](request, actor)
        except PetrosaError as problem:
            return _refusal(problem)

    return Route(path, endpoint, methods=[*by_method])


class ConfigRoutes:
    """One method a route and verb; `subject` is what a request is about, a strategy or trading."""

    def __init__(self, configuration: Configuration, subject: Callable[[Request], str]) -> None:
        self._configuration = configuration
        self._subject = subject

    async def strategies(self, _request: Request, _actor: Actor) -> Response:
        return _success(self._configuration.strategies(), self._configuration.state())

    async def schema(self, request: Request, _actor: Actor) -> Response:
        return _success(self._configuration.schema(self._subject(request)))

    async def defaults(self, request: Request, _actor: Actor) -> Response:
        return _success(self._configuration.defaults(self._subject(request)))

    async def config(self, request: Request, _actor: Actor) -> Response:
        found = self._configuration.config(self._subject(request), _symbol(request))
        return _success(found, self._configuration.state(), found.version)

    async def change(self, request: Request, actor: Actor) -> Response:
        asked = await _body(request, ChangeRequest)
        act = act_of(request, actor, asked.changed_by, asked.reason, asked.validate_only, asked.metadata)
        made = await self._configuration.change(self._subject(request), _symbol(request), asked.parameters, act)
        return _changed(made, act, asked.changed_by)

    async def delete(self, request: Request, actor: Actor) -> Response:
        query = request.query_params
        changed_by = _query("changed_by", query.get("changed_by"), ActorName | None)
        act = act_of(request, actor, changed_by, _query("reason", query.get("reason"), Reason))
        made = await self._configuration.delete(self._subject(request), _symbol(request), act)
        return _changed(made, act, changed_by)

    async def roll_back(self, request: Request, actor: Actor) -> Response:
        return await self._go_back(request, actor, self._configuration.roll_back)

    async def restore(self, request: Request, actor: Actor) -> Response:
        return await self._go_back(request, actor, self._configuration.restore)

    async def _go_back(
        self, request: Request, actor: Actor, back: Callable[[str, str | None, int | str, Act], Awaitable[Changed]]
    ) -> Response:
        asked = await _body(request, ReturnRequest)
        targets = [target for target in (asked.target_version, asked.rollback_id) if target is not None]
        if len(targets) != 1:
            raise _invalid("target_version", "name either target_version or rollback_id, and not both")
        act = act_of(request, actor, asked.changed_by, asked.reason, asked.validate_only, asked.metadata)
        return _changed(await back(self._subject(request), asked.symbol, targets[0], act), act, asked.changed_by)

    async def validate(self, request: Request, _actor: Actor) -> Response:
        asked = await _body(request, ValidateRequest)
        found = await self._configuration.validate(asked.strategy_id or TRADING, asked.symbol, asked.parameters)
        return _success(found, self._configuration.state())

    async def audit(self, request: Request, _actor: Actor) -> Response:
        query = request.query_params
        limit = query.get("limit", str(AUDIT_DEFAULT))
        if not (limit.isascii() and limit.isdigit() and len(limit) <= 4 and 1 <= int(limit) <= AUDIT_MAX):
            raise _invalid("limit", f"limit = {limit[:40]!r}; write a whole number from 1 to {AUDIT_MAX}")
        before = query.get("before", "")
        if len(before) > 200:
            raise _invalid("before", "before is no id of an audit record; take metadata.next of the page before")
        page = await self._configuration.audit(self._subject(request), query.get("symbol"), int(limit), before)
        return _success(page.records, page.metadata)

    async def health(self, _request: Request, _actor: Actor) -> Response:
        return _success(self._configuration.state())

    async def weigh(self, request: Request, actor: Actor) -> Response:
        query = request.query_params
        weight = _query("weight", query.get("weight"), WeightValue, strict=False)
        changed_by = _query("changed_by", query.get("changed_by"), ActorName | None)
        act = act_of(request, actor, changed_by, _query("reason", query.get("reason"), Reason))
        made = await self._configuration.weigh(_strategy(request), weight, act)
        return _changed(made, act, changed_by)

    async def refresh(self, _request: Request, _actor: Actor) -> Response:
        return _success(await self._configuration.refresh(), self._configuration.state())


def _success(data: Any, metadata: Any = None, version: int | None = None) -> Response:
    headers = NO_STORE if version is None else {**NO_STORE, "ETag": f'"{version}"'}
    return json_response({"success": True, "data": data, "error": None, "metadata": metadata}, 200, headers)


def _changed(made: Changed, act: Act, changed_by: str | None) -> Response:
    """The answer to a change; says so when the key's name stands in the audit and not the one that was sent."""
    metadata = made.metadata
    if changed_by is not None and changed_by != act.actor:
        warning = f"changed_by {changed_by!r} is not recorded: the key is that of {act.actor}"
        metadata = msgspec.structs.replace(metadata, warnings=(*metadata.warnings, warning))
    return _success(made.config, metadata, None if made.config is None else made.config.version)


def _refusal(problem: PetrosaError) -> Response:
    """How each kind of no is said."""
    text = str(problem)
    match problem:
        case InvalidParameters():
            errors = msgspec.to_builtins(problem.errors, enc_hook=str)
            return failure(422, "VALIDATION_ERROR", text, NO_STORE, errors=errors)
        case NotThere():
            return failure(404, "NOT_FOUND", text, NO_STORE)
        case StaleVersion():
            headers = {**NO_STORE, "ETag": f'"{problem.current}"'}
            return failure(412, "VERSION_MISMATCH", text, headers, current_version=problem.current)
        case VersionConflict():
            return failure(409, "CONFLICT", text, NO_STORE)
        case Unreadable():
            return failure(409, "STORED_UNREADABLE", text, NO_STORE)
        case DataError():
            return failure(422, "VALIDATION_ERROR", text, NO_STORE)
        case LimitExceeded():
            return failure(429, "BUSY", text, {**NO_STORE, "Retry-After": "1"})
        case StorageError():
            return failure(503, "STORE_UNAVAILABLE", text, {**NO_STORE, "Retry-After": str(RETRY_S)})
        case _:
            raise problem


def act_of(
    request: Request,
    actor: Actor,
    changed_by: str | None,
    reason: str,
    validate_only: bool = False,
    metadata: dict[str, Any] | None = None,
) -> Act:
    """Who does it and why, over which version; a key's own name stands above what the request says."""
    name = actor.name if actor.via != "loopback" else changed_by
    if name is None:
        raise _invalid("changed_by", "changed_by is needed without a key: say who changes this")
    by_key = {} if actor.via == "loopback" else {"key_id": actor.via}  # several keys may have had the name
    return Act(name, reason, _expected(request), validate_only, {**(metadata or {}), **by_key})


def _expected(request: Request) -> int | None:
    """The version that `If-Match` names: `"3"`, `3`, or `*` for whichever."""
    sent = request.headers.getlist("if-match")
    if not sent:
        return None
    text = sent[0].strip()
    if len(sent) == 1 and text == "*":
        return ANY_VERSION
    match = _ETAG.fullmatch(text)
    if len(sent) > 1 or match is None:
        raise Denied(
            400, "BAD_IF_MATCH", 'If-Match is not understood; send one ETag as it was got, for example "3", or *'
        )
    return int(match[1] or match[2])


async def _body(request: Request, struct: type[T]) -> T:
    """The body as this struct. Raises `Denied` 400 and 413, and `InvalidParameters`."""
    body = await read_body(request)
    try:
        decoded = msgspec.json.decode(body, type=struct)
        require_once(body)
        return decoded
    except msgspec.ValidationError as problem:
        raise _invalid(_place(str(problem)), str(problem)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Denied(400, "MALFORMED_JSON", f"the body is not JSON: {str(problem)[:200]}") from None


def _query(name: str, value: str | None, kind: Any, *, strict: bool = True) -> Any:
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as problem:
        wanted = f"{name} is needed" if value is None else f"{name}: {problem}"
        raise _invalid(name, wanted) from None


def _place(problem: str) -> str:
    """The field that a message speaks of: `Expected … - at `$.reason``."""
    found = re.search(r"`\$\.?([^`]*)`$|field `([^`]*)`", problem)
    return "" if found is None else found[2] or found[1] or ""


def _invalid(field: str, message: str) -> InvalidParameters:
    return InvalidParameters([FieldError(field, message, "VALIDATION_ERROR")])


def _strategy(request: Request) -> str:
    name = str(request.path_params["strategy_id"])
    if name == TRADING:
        raise NotThere("trading is no strategy; what the trader goes by is at /api/v1/config/trading")
    return name


def _symbol(request: Request) -> str | None:
    symbol = request.path_params.get("symbol")
    return None if symbol is None else str(symbol)
