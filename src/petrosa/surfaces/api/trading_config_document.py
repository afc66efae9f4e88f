"""What the OpenAPI document says of the configuration of trading."""

from typing import Any, Final

from petrosa.surfaces.api.strategy_config_document import (
    IF_MATCH,
    MERGES,
    READ_FAILURES,
    READS,
    WRITE_FAILURES,
    WRITES,
    ok_of,
    operation,
    query,
    text_of,
)
from petrosa.surfaces.configuration import (
    AUDIT_DEFAULT,
    AUDIT_MAX,
    AuditMetadata,
    AuditRecord,
    ChangeMetadata,
    ChangeRequest,
    ParameterSchema,
    ReturnRequest,
    StoreState,
    StrategyConfig,
)

ABOUT: Final = """What the trader goes by, while it runs: the sections `risk`, `signals` and `execution`.

It is stored, merged, versioned and audited as the configuration of a strategy is, under the id `trading`, and is for
the whole account: there is none for a symbol or a side. A change is a command in the desk's journal, from whose turn on
every part of the trader goes by it; orders, stops and opinions of before keep the terms on which they were made. Names
that end in `_fraction` are fractions (0.02 is 2 %). The old names `stop_loss_pct` and `take_profit_pct` are percent (2
is 2 %) and are stored as fractions; other old names that end in `_pct` are fractions already."""

_NONE: Final = "There is none: 404 says what can be set instead."


def paths() -> dict[str, Any]:
    """Every path with its operations."""
    root = "/api/v1/config"
    symbol = {"name": "symbol", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1},
              "description": "Refused, whichever."}  # fmt: skip
    read, schema = ok_of(StrategyConfig, StoreState, etag=True), ok_of(ParameterSchema, None, many=True)
    about = f"The merged values, each with its provenance; `version` and ETag are those of what is stored. {READS}"
    return {
        f"{root}/trading/schema": {
            "get": operation("get_trading_schema", "Show what may be set of trading.", _SCHEMA, schema, READ_FAILURES)
        },
        f"{root}/trading/defaults": {
            "get": operation("get_trading_defaults", "Show the defaults.", "", ok_of(None, None), READ_FAILURES)
        },
        f"{root}/trading": {
            "get": operation("get_trading", "Show what the trader goes by.", about, read, READ_FAILURES),
            "post": _change("set_trading", [], f"{MERGES} A table replaces the stored table. {WRITES}"),
            "delete": _delete("delete_trading", [], f"The layer below holds again. {WRITES}"),
        },
        f"{root}/trading/{{symbol}}": {
            "get": operation("get_trading_for_symbol", "Trading of a symbol.", _NONE, read, READ_FAILURES, [symbol]),
            "post": _change("set_trading_for_symbol", [symbol], _NONE),
            "delete": _delete("delete_trading_for_symbol", [symbol], _NONE),
        },
        f"{root}/history": {"get": _history()},
        f"{root}/rollback": {"post": _back("roll_back_trading", "Go back to an earlier version of trading.")},
        f"{root}/restore": {"post": _back("restore_trading", "Bring back what an audit record of trading tells of.")},
        f"{root}/health": {
            "get": operation("get_config_health", "Show how current what is held is.", READS, ok_of(StoreState, None),
                             READ_FAILURES)
        },
        "/signals/strategy/{strategy_id}/weight": {"post": _weigh()},
    }  # fmt: skip


_SCHEMA: Final = (
    "Type, bounds, unit, default, old names with what a value under one is multiplied by, and the environment's name of"
    " every parameter. What names code that is imported (signals.models) is set where a process is started, not here."
)


def _change(name: str, parameters: list[Any], text: str) -> dict[str, Any]:
    written = ok_of(StrategyConfig, ChangeMetadata, etag=True, nullable=True)
    asked = [*parameters, IF_MATCH]
    return operation(name, "Change what the trader goes by.", text, written, WRITE_FAILURES, asked, ChangeRequest)


def _delete(name: str, parameters: list[Any], text: str) -> dict[str, Any]:
    written = ok_of(StrategyConfig, ChangeMetadata, etag=True, nullable=True)
    asked = [query(one, text_of(one), required=one == "reason") for one in ("changed_by", "reason")]
    return operation(
        name, "Forget what is stored of trading.", text, written, WRITE_FAILURES, [*parameters, *asked, IF_MATCH]
    )


def _back(name: str, summary: str) -> dict[str, Any]:
    text = f"By `target_version` or `rollback_id`, as for a strategy, and without a symbol. {WRITES}"
    written = ok_of(StrategyConfig, ChangeMetadata, etag=True, nullable=True)
    return operation(name, summary, text, written, WRITE_FAILURES, [IF_MATCH], ReturnRequest)


def _history() -> dict[str, Any]:
    text = "Who changed what, when and why, with the stored parameters before and after. Page on with `before`."
    limit = {"type": "integer", "minimum": 1, "maximum": AUDIT_MAX, "default": AUDIT_DEFAULT}
    asked = [
        query("limit", limit, text="Most records."),
        query("before", {"type": "string", "maxLength": 200}, text="Only records older than this one."),
    ]
    ok = ok_of(AuditRecord, AuditMetadata, many=True)
    return operation("get_trading_history", "Show the changes of trading.", text, ok, (*READ_FAILURES, 422), asked)


def _weigh() -> dict[str, Any]:
    text = (
        "Stores one entry of `strategy_weights` and leaves the others: what the strategy's confidence counts when"
        " signals stand against each other. Send `Content-Type: application/json`, with `{}` or nothing. " + WRITES
    )
    name = {"name": "strategy_id", "in": "path", "required": True, "example": "orderbook_skew",
            "description": "Any strategy that signals come from, of this system or not.",
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,100}$"}}  # fmt: skip
    weight = {"type": "number", "minimum": 0, "maximum": 100}
    asked = [
        query("weight", weight, required=True, text="1 is what a strategy counts that is not named."),
        *(query(one, text_of(one), required=one == "reason") for one in ("changed_by", "reason")),
    ]
    written = ok_of(StrategyConfig, ChangeMetadata, etag=True, nullable=True)
    return operation(
        "weigh_strategy", "Set what a strategy counts in a conflict.", text, written, WRITE_FAILURES,
        [name, *asked, IF_MATCH],
    )  # fmt: skip
