"""What the OpenAPI document says of the configuration, for people and for agents that read nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from petrosa.surfaces.api.part import JSON, KEYED, REF, no
from petrosa.surfaces.api.strategy_config_examples import ANSWERS, BODIES, FAILURES
from petrosa.surfaces.api.trading_config_examples import TRADING_ANSWERS, TRADING_BODIES
from petrosa.surfaces.configuration import (
    AUDIT_DEFAULT,
    AUDIT_MAX,
    AuditMetadata,
    AuditRecord,
    ChangeMetadata,
    ChangeRequest,
    ParameterSchema,
    Refreshed,
    ReturnRequest,
    StoreState,
    StrategyConfig,
    StrategyListed,
    ValidateRequest,
    Validation,
)

SCHEMAS: Final = (
    StrategyListed,
    ParameterSchema,
    StrategyConfig,
    StoreState,
    ChangeMetadata,
    AuditRecord,
    AuditMetadata,
    Refreshed,
    Validation,
    ChangeRequest,
    ReturnRequest,
    ValidateRequest,
)

ABOUT: Final = """The parameters of strategies, while they run.

What holds is merged key by key: `--set` > stored for the symbol > stored for all > environment > file > default; every
value says where it comes from. A change is stored first, together with who, why, before and after, and then applied by
the running desk at a turn of its journal. Start with `GET /api/v1/strategies`, read a strategy's `schema`, try a change
with `validate_only` or `POST /api/v1/config/validate`, then make it with `If-Match` set to the `ETag` that you read.
Every answer is `{success, data, error, metadata}`; a no has a stable `error.code` and says what to do."""

WRITES: Final = (
    "Needs a key with the scope `config`, or a request from this machine while no key exists; then `changed_by` is"
    " needed. `reason` always is. Stored first, with its audit record, then applied: `metadata.applied` says at which"
    " turn (`sequence`) or why not yet. Nothing is stored when the answer is not 200, except where a 503 says that this"
    " is not known. `metadata.warnings` says what keeps the stored value from holding, for example `--set`."
)
MERGES: Final = (
    "Only the named parameters change; null takes a stored one back, so that the layer below holds again. Units, bounds"
    " and what a change does to a running strategy (`keep state`, `warm up again`) are in the schema. Old names are"
    " understood and stored under the new ones. What is stored already makes no version."
)
READS: Final = "While the store is away this answers from what was read last, and `metadata` says so."
_ANSWERS: Final = {**ANSWERS, **TRADING_ANSWERS}
_BODIES: Final = {**BODIES, **TRADING_BODIES}
READ_FAILURES: Final = (401, 403, 404, 503)
WRITE_FAILURES: Final = (400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 503)

_SYMBOL: Final = {
    "name": "symbol",
    "in": "path",
    "required": True,
    "description": "BTCUSDT, btcusdt, BTC/USDT or BTC/USDT:USDT.",
    "schema": {"type": "string", "minLength": 2, "maxLength": 40},
    "example": "BTCUSDT",
}
IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": 'The ETag that was read ("0": nothing is stored), or *; 412 when another version is stored by now.',
    "schema": {"type": "string", "pattern": r'^("[0-9]{1,15}"|\*)$'},
    "example": '"1"',
}


def paths(strategy_ids: Sequence[str]) -> dict[str, Any]:
    """Every path with its operations."""
    strategy = {
        "name": "strategy_id",
        "in": "path",
        "required": True,
        "description": "As `GET /api/v1/strategies` lists them.",
        "schema": {"type": "string", "enum": list(strategy_ids)},
        "example": strategy_ids[0],
    }
    one = "/api/v1/strategies/{strategy_id}"
    return {
        "/api/v1/strategies": {"get": _list()},
        "/api/v1/strategies/cache/refresh": {"post": _refresh()},
        f"{one}/schema": {"get": _schema(strategy)},
        f"{one}/defaults": {"get": _defaults(strategy)},
        f"{one}/config": _config("", "all symbols", [strategy]),
        f"{one}/config/{{symbol}}": _config("_for_symbol", "one symbol", [strategy, _SYMBOL]),
        f"{one}/audit": {"get": _audit(strategy)},
        f"{one}/rollback": {"post": _back("roll_back", strategy)},
        f"{one}/restore": {"post": _back("restore", strategy)},
        "/api/v1/config/validate": {"post": _validate()},
    }


def _list() -> dict[str, Any]:
    summary = "List the strategies and what is stored for each."
    return operation("list_strategies", summary, READS, ok_of(StrategyListed, StoreState, many=True), (401, 403, 503))


def _schema(strategy: Any) -> dict[str, Any]:
    text = (
        "Type, bounds, default, unit, old names, and what changing it does to a running strategy. Never changes while"
    )
    text += " a process runs. Next: `defaults`, or `config` for what holds."
    summary = "Show what may be set of a strategy."
    ok = ok_of(ParameterSchema, None, many=True)
    return operation("get_schema", summary, text, ok, READ_FAILURES, [strategy])


def _defaults(strategy: Any) -> dict[str, Any]:
    text = "The values that hold where no file, environment, store or command line says otherwise."
    ok = ok_of(None, None)
    return operation("get_defaults", "Show the defaults of a strategy.", text, ok, READ_FAILURES, [strategy])


def _config(suffix: str, scope: str, parameters: list[Any]) -> dict[str, Any]:
    read = ok_of(StrategyConfig, StoreState, etag=True)
    written = ok_of(StrategyConfig, ChangeMetadata, etag=True, nullable=True)
    asked = [query(name, text_of(name), required=name == "reason") for name in ("changed_by", "reason")]
    get = f"The merged values for {scope}, each with its provenance; `version` and ETag are those of what is stored for"
    get += f" exactly this scope. {READS}"
    delete = f"The layer below holds again. 404 when nothing is stored. {WRITES}"
    return {
        "get": operation(f"get_config{suffix}", f"Show what holds for {scope}.", get, read, READ_FAILURES, parameters),
        "post": operation(
            f"set_config{suffix}",
            f"Change parameters for {scope}.",
            f"{MERGES} {WRITES}",
            written,
            WRITE_FAILURES,
            [*parameters, IF_MATCH],
            ChangeRequest,
        ),
        "delete": operation(
            f"delete_config{suffix}",
            f"Forget what is stored for {scope}.",
            delete,
            written,
            WRITE_FAILURES,
            [*parameters, *asked, IF_MATCH],
        ),
    }


def _audit(strategy: Any) -> dict[str, Any]:
    text = (
        "Who changed what, when and why, with the stored parameters before and after; also what was rolled back or"
        " restored (`metadata`). Page on with `before` = `metadata.next`. A record's `id` is what `rollback` and"
        " `restore` take as `rollback_id`. Read from the store: 503 while it is away."
    )
    limit = {"type": "integer", "minimum": 1, "maximum": AUDIT_MAX, "default": AUDIT_DEFAULT}
    asked = [
        query("symbol", {"type": "string", "maxLength": 40}, text="Only changes for this symbol."),
        query("limit", limit, text="Most records."),
        query("before", {"type": "string", "maxLength": 200}, text="Only records older than this one."),
    ]
    ok = ok_of(AuditRecord, AuditMetadata, many=True)
    return operation("get_audit", "Show a strategy's changes.", text, ok, (*READ_FAILURES, 422), [strategy, *asked])


def _back(name: str, strategy: Any) -> dict[str, Any]:
    summary, text = {
        "roll_back": (
            "Go back to an earlier version.",
            "Stores what was stored after that version as a new version; going back to a deletion deletes.",
        ),
        "restore": (
            "Bring back what an audit record tells of.",
            "Stores the parameters of that record as a new version; of a deletion, those that it took away.",
        ),
    }[name]
    text = f"{text} With `rollback_id` the record says for which symbol. {WRITES}"
    written = ok_of(StrategyConfig, ChangeMetadata, etag=True, nullable=True)
    return operation(name, summary, text, written, WRITE_FAILURES, [strategy, IF_MATCH], ReturnRequest)


def _refresh() -> dict[str, Any]:
    text = (
        "Reads what is stored again, as every process does by itself each minute and when another one announces a"
        " change; lets the desk have what has changed. Send `Content-Type: application/json`, with `{}` or nothing."
    )
    ok = ok_of(Refreshed, StoreState)
    failures = (401, 403, 415, 429, 503)
    return operation("refresh_cache", "Read the store again.", text, ok, failures)


def _validate() -> dict[str, Any]:
    text = (
        "Says for each parameter what is wrong and what to write instead, what else has a say in it (`conflicts`), and"
        " what the change would touch. Stores nothing; counts as a write all the same, for it costs as"
        " much. 422 only for a body that is no such question; a"
        " body without `strategy_id` asks about the configuration of trading."
    )
    ok = ok_of(Validation, StoreState)
    failures = (400, 401, 403, 404, 413, 415, 422, 429, 503)
    return operation("validate_config", "Ask whether a change would be taken.", text, ok, failures, (), ValidateRequest)


def operation(
    name: str,
    summary: str,
    text: str,
    ok: Mapping[str, Any],
    failures: Sequence[int],
    parameters: Sequence[Any] = (),
    body: type[msgspec.Struct] | None = None,
) -> dict[str, Any]:
    """An operation with its example, its failures and who may ask."""
    content = {**ok["content"][JSON], "example": _ANSWERS[name]}
    described: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "description": text,
        "security": KEYED,
        "parameters": list(parameters),
        "responses": {
            "200": {**ok, "content": {JSON: content}},
            **{str(code): no(FAILURES[code]) for code in failures},
        },
    }
    if body is not None:
        schema = {"$ref": REF.format(name=body.__name__)}
        described["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": schema, "example": _BODIES[name]}},
        }
    return described


def ok_of(
    struct: type[msgspec.Struct] | None,
    metadata: type[msgspec.Struct] | None,
    *,
    many: bool = False,
    etag: bool = False,
    nullable: bool = False,
) -> dict[str, Any]:
    """The answer that is no failure, in its envelope."""
    data: dict[str, Any] = {"type": "object"} if struct is None else _ref(struct)
    data = {"type": "array", "items": data} if many else data
    data = {"anyOf": [data, {"type": "null"}]} if nullable else data
    shape = {
        "success": {"const": True},
        "data": data,
        "error": {"type": "null"},
        "metadata": {"type": "null"} if metadata is None else _ref(metadata),
    }
    schema = {"type": "object", "required": [*shape], "properties": shape}
    described: dict[str, Any] = {"description": "It is so.", "content": {JSON: {"schema": schema}}}
    if etag:
        said = {"description": "Version of what is stored for exactly this scope.", "schema": {"type": "string"}}
        described["headers"] = {"ETag": said}
    return described


def query(name: str, schema: Any, *, required: bool = False, text: str = "") -> dict[str, Any]:
    described = {"name": name, "in": "query", "required": required, "schema": schema}
    return {**described, "description": text} if text else described


def text_of(name: str) -> dict[str, Any]:
    """The schema of a text of a change, so that a query is held to what a body is."""
    _, components = msgspec.json.schema_components([ChangeRequest], ref_template=REF)
    found: dict[str, Any] = components["ChangeRequest"]["properties"][name]
    if "anyOf" in found:
        found = next(option for option in found["anyOf"] if option.get("type") == "string")
    return {key: value for key, value in found.items() if key != "default"}


def _ref(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": REF.format(name=struct.__name__)}
