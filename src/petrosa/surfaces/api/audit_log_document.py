"""What the OpenAPI document says of the audit."""

from typing import Any, Final

from petrosa.surfaces.api.openapi import Problem
from petrosa.surfaces.api.part import KEYED, NO_KEY, Failed, Failure, answer, no
from petrosa.surfaces.audit.reading import (
    FILTERS,
    LIMIT,
    LIMIT_MAX,
    STORY_MAX,
    AuditEntry,
    AuditLog,
    SignalStory,
)

ABOUT: Final = (
    "The audit of trading: the collection trade_audit_log of the document store, made of the journal. It follows the"
    " journal within a second or so; /ready says how far behind it is."
)
SCHEMAS: Final = (AuditEntry, AuditLog, SignalStory, Failure)
BEFORE: Final = r"[0-9]{20}-[^/]{1,100}-[0-9]{12}-[0-9]{4}"

_SIGNAL: Final = "6c1f0e9d8b7a49582716f5e4d3c2b1a0"
_KEY: Final = "01767323045120000000-5f3c2a9e-000000004711-0000"
_RECORD: Final = AuditEntry(
    id=_KEY, event="signal_refused", status="refused", signal_id=_SIGNAL, strategy_id="test", symbol="BTCUSDT",
    side="buy", quantity="0.001", price="50000.0",
    reason="confidence: saw 0.3, limit at least 0.5; wait for a clearer signal",
    timestamp="2026-01-02T03:04:05.120000Z", ts_ns=1_767_323_045_120_000_000, simulation_mode=True,
    run="20260102T030000-run", sequence=4711, metadata={"check": "confidence", "saw": "0.3", "limit": "at least 0.5"},
)  # fmt: skip
_FAILURES: Final = {
    "401": NO_KEY,
    "403": Failed("FORBIDDEN", "a page of 'http://x' may not ask http://127.0.0.1:8000; send a key", "A foreign page."),
    "404": Failed("SIGNAL_UNKNOWN", "the audit tells nothing of the signal 'x'; /audit lists what it does", "None."),
    "422": Failed("BAD_QUERY", "limit = '0' is no whole number from 1 to 200", "A parameter that cannot be."),
    "500": Failed("AUDIT_UNREADABLE", "document trade_audit_log/1 is no record of ours; remove it", "Damaged."),
    "503": Failed("STORE_UNAVAILABLE", "the document store does not answer; try again", "The store is away."),
}  # fmt: skip


def paths() -> dict[str, Any]:
    """The path items of both routes."""
    signal = {"name": "signal_id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1},
              "example": _SIGNAL}  # fmt: skip
    moment = {"type": "string", "minLength": 1, "maxLength": 40}
    asked = [
        *(_query(name, {"type": "string", "minLength": 1, "maxLength": 200}, f"Only records of this {name}.")
          for name in FILTERS),
        _query("since", moment, "Not older than this: ISO 8601, UTC unless it says otherwise, or nanoseconds."),
        _query("until", moment, "Older than this."),
        _query("before", {"type": "string", "pattern": f"^{BEFORE}$"}, "`next` of the page before."),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT}, "Most records."),
    ]  # fmt: skip
    told = SignalStory(_SIGNAL, (_RECORD,), whole=True)
    return {
        "/audit": {"get": _operation("list_audit", "Show what was traded, refused and commanded, newest first.", asked,
                                     answer(AuditLog, AuditLog((_RECORD,), _KEY), "Records."), "422")},
        "/audit/signals/{signal_id}": {
            "get": _operation("get_audit_of_signal", f"Tell all that a signal led to, at most {STORY_MAX} records.",
                              [signal], answer(SignalStory, told, "Oldest first."), "404")
        },
    }  # fmt: skip


def _operation(name: str, summary: str, parameters: list[Any], ok: dict[str, Any], *more: str) -> dict[str, Any]:
    problem = Problem("Method Not Allowed: PUT /audit; /openapi.json lists what there is")
    codes = ("401", "403", *more, "500", "503")
    responses = {"200": ok, **{code: no(_FAILURES[code]) for code in codes}}
    return {
        "operationId": name,
        "summary": summary,
        "security": KEYED,
        "parameters": parameters,
        "responses": {**responses, "default": answer(Problem, problem, "Anything else.")},
    }


def _query(name: str, schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": text}
