"""Examples of the configuration's requests and answers. Tests put the requests to the real service, one after the other
in this order, and find every example in what it answers."""

from collections.abc import Mapping
from typing import Any, Final

from petrosa.surfaces.api.part import NO_KEY, Failed

_AT: Final = "2026-01-02T03:04:05Z"
_STATE: Final = {"store": "ok", "read_at": _AT, "age_seconds": 0.0, "away_since": None, "problems": []}
_WHY: Final = {"changed_by": "alice", "reason": "less noise on thin books"}
_APPLIED: Final = {
    "state": "applied",
    "sequence": 4711,
    "changes": {"binance:usdm:BTCUSDT": "kept_state"},
    "detail": "",
}
_HIDDEN: Final = (
    "buy_threshold has a value of its own on BTCUSDT, which holds there; take it back there: null as the value of"
    " buy_threshold"
)


def _success(data: Any, metadata: Any) -> dict[str, Any]:
    return {"success": True, "data": data, "error": None, "metadata": metadata}


def _config(symbol: str | None, version: int, skew: float, source: str, detail: str) -> dict[str, Any]:
    return {
        "strategy_id": "orderbook_skew",
        "symbol": symbol,
        "parameters": {"enabled": True, "top_levels": 5, "buy_threshold": skew},
        "version": version,
        "source": "stored",
        "is_override": version > 0,
        "created_at": _AT if version else None,
        "updated_at": _AT if version else None,
        "provenance": {
            "top_levels": {"source": "default", "detail": ""},
            "buy_threshold": {"source": source, "detail": detail},
        },
    }


def _made(number: int, changed: list[str]) -> dict[str, Any]:
    return {
        "changed": changed,
        "audit_id": f"orderbook_skew:{number:012d}",
        "applied": _APPLIED,
        "warnings": [],
        "validate_only": False,
    }


BODIES: Final[Mapping[str, Any]] = {
    "validate_config": {"strategy_id": "orderbook_skew", "parameters": {"buy_treshold": 1.3, "top_levels": 50}},
    "set_config": {"parameters": {"buy_threshold": 1.3}, **_WHY},
    "set_config_for_symbol": {"parameters": {"buy_threshold": 1.4}, **_WHY},
    "roll_back": {"target_version": 1, **_WHY},
    "restore": {"rollback_id": "orderbook_skew:000000000003", **_WHY},
}
"""By operation."""

ANSWERS: Final[Mapping[str, Any]] = {
    "list_strategies": _success(
        [
            {
                "strategy_id": "orderbook_skew",
                "name": "Order book skew",
                "description": (
                    "More is bid than offered near the best price, or the other way round, and recent trades agree."
                ),
                "enabled": True,
                "has_global_config": False,
                "symbol_overrides": [],
                "parameter_count": 15,
            }
        ],
        _STATE,
    ),
    "get_schema": _success(
        [
            {
                "name": "top_levels",
                "type": "int",
                "description": "How many levels of each side are summed.",
                "values": "a whole number from 1 to 20",
                "default": 5,
                "min": 1.0,
                "max": 20.0,
                "exclusive_min": False,
                "exclusive_max": False,
                "allowed_values": None,
                "example": 5,
                "unit": None,
                "on_change": "keep state",
                "aliases": {},
                "environment": "ORDERBOOK_SKEW_TOP_LEVELS",
            }
        ],
        None,
    ),
    "get_defaults": _success({"enabled": True, "top_levels": 5, "buy_threshold": 1.2, "sell_threshold": 0.8}, None),
    "validate_config": _success(
        {
            "validation_passed": False,
            "errors": [
                {
                    "field": "buy_treshold",
                    "message": "unknown parameter buy_treshold; did you mean buy_threshold?",
                    "code": "UNKNOWN_PARAMETER",
                    "suggested_value": "buy_threshold",
                },
                {
                    "field": "top_levels",
                    "message": "top_levels = 50 is out of bounds; write a whole number from 1 to 20",
                    "code": "OUT_OF_RANGE",
                    "suggested_value": 20,
                },
            ],
            "warnings": [],
            "suggested_fixes": ["rename buy_treshold to buy_threshold", "set top_levels to 20"],
            "estimated_impact": {
                "risk_level": "low",
                "affected_scope": "orderbook_skew on all symbols",
                "parameter_count": 0,
            },
            "conflicts": [],
        },
        _STATE,
    ),
    "set_config": _success(_config(None, 1, 1.3, "stored all", "all v1"), _made(1, ["buy_threshold"])),
    "get_config": _success(_config(None, 1, 1.3, "stored all", "all v1"), _STATE),
    "set_config_for_symbol": _success(
        _config("BTCUSDT", 1, 1.4, "stored symbol", "BTCUSDT v1"), _made(2, ["buy_threshold"])
    ),
    "get_config_for_symbol": _success(_config("BTCUSDT", 1, 1.4, "stored symbol", "BTCUSDT v1"), _STATE),
    "delete_config_for_symbol": _success(
        _config("BTCUSDT", 0, 1.3, "stored all", "all v1"), _made(3, ["buy_threshold"])
    ),
    "restore": _success(_config("BTCUSDT", 3, 1.4, "stored symbol", "BTCUSDT v3"), _made(4, ["buy_threshold"])),
    "delete_config": _success(
        {**_config(None, 0, 1.2, "default", ""), "source": "default"}, _made(5, ["buy_threshold"])
    ),
    "roll_back": _success(
        _config(None, 3, 1.3, "stored all", "all v3"), {**_made(6, ["buy_threshold"]), "warnings": [_HIDDEN]}
    ),
    "get_audit": _success(
        [
            {
                "id": "orderbook_skew:000000000006",
                "config_id": "orderbook_skew",
                "strategy_id": "orderbook_skew",
                "symbol": None,
                "action": "CREATE",
                "old_parameters": None,
                "new_parameters": {"buy_threshold": 1.3},
                "version_before": 2,
                "version_after": 3,
                "changed_by": "alice",
                "changed_at": _AT,
                "reason": "less noise on thin books",
                "metadata": {"rolled_back_to": 1},
            }
        ],
        {"next": None, "problems": []},
    ),
    "refresh_cache": _success({"read_at": _AT, "applied": {}, "problems": []}, _STATE),
}
"""By operation, in the order in which they tell one story. Lists and tables are shortened."""


FAILURES: Final[Mapping[int, Failed]] = {
    400: Failed(
        "MALFORMED_JSON",
        "the body is not JSON: Input data was truncated",
        "The body is not JSON, or (`BAD_IF_MATCH`) If-Match is no ETag: write it anew.",
    ),
    401: NO_KEY,
    403: Failed(
        "FORBIDDEN",
        "this needs the scope config, and the key 'grafana' has read; make one with petrosa keys create",
        "The key has not the scope, or a page of another site asks.",
    ),
    404: Failed(
        "NOT_FOUND",
        "there is no strategy 'orderbok_skew'; did you mean orderbook_skew?",
        "No such strategy, symbol, version or audit record; the message says what there is, or where to look.",
    ),
    409: Failed(
        "CONFLICT",
        "orderbook_skew on all symbols was changed 16 times by others meanwhile; read it and try again",
        "Others change the same strategy all the time: try again. Or (`STORED_UNREADABLE`) what is stored there cannot"
        " be believed: delete it, or put it right in the store.",
    ),
    412: Failed(
        "VERSION_MISMATCH",
        "orderbook_skew on all symbols was expected to have version 1, and version 2 is stored; read it again",
        "Another version is stored than If-Match expects: read it, decide anew.",
        {"current_version": 2},
    ),
    413: Failed("TOO_LARGE", "the body has more than 65536 bytes; send less", "The body is too large."),
    415: Failed(
        "UNSUPPORTED_MEDIA_TYPE",
        "Content-Type 'text/plain' is not taken; send application/json",
        "Send `Content-Type: application/json`.",
    ),
    422: Failed(
        "VALIDATION_ERROR",
        "top_levels = 50 is out of bounds; write a whole number from 1 to 20",
        "What was asked cannot be: `error.details.errors` says for each field what is wrong, with `suggested_value`.",
        {
            "errors": [
                {
                    "field": "top_levels",
                    "message": "top_levels = 50 is out of bounds; write a whole number from 1 to 20",
                    "code": "OUT_OF_RANGE",
                    "suggested_value": 20,
                }
            ]
        },
    ),
    429: Failed(
        "RATE_LIMITED",
        "alice has made 10 writes, limit 10 in 300 s; the next is allowed in 12.0 s (access.writes_per_key,"
        " access.write_cooldown_seconds)",
        "Too many writes of one actor, or (`BUSY`) too many at once: wait as long as `Retry-After` says, in seconds.",
    ),
    503: Failed(
        "STORE_UNAVAILABLE",
        "the document store petrosa-data/documents.sqlite does not answer: disk I/O error; see that the folder can be"
        " written and the disk has room, or choose another with PETROSA_HOME",
        "The store, or the keys in it, cannot be read or written. Nothing was changed, unless the message says that"
        " this is not known.",
    ),
}
"""By status."""
