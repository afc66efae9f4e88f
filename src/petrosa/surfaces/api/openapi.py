"""The OpenAPI document, declared by hand; its schemas come from the structs that are really sent."""

from typing import Any, Final

import msgspec

from petrosa import __version__
from petrosa.surfaces.observation import Check, Info, Readiness

REF: Final = "#/components/schemas/{name}"


class Health(msgspec.Struct, frozen=True):
    """The process is alive."""

    status: str


class Problem(msgspec.Struct, frozen=True):
    """What went wrong, complete: what happened and what to do."""

    error: str


NOT_READY: Final = Readiness(
    False,
    (
        Check("feed", False, "no market data for 41.2 s, limit 30 s (BTCUSDT)"),
        Check("bus", True, "connected to nats://127.0.0.1:4222"),
        Check("journal", True, "petrosa-data/runs/paper/journal is writable, 51,213 MB free"),
    ),
)
READY: Final = Readiness(True, (Check("feed", True, "youngest fact 0.1 s old"), *NOT_READY.checks[1:]))
INFO: Final = Info(
    name="petrosa",
    version=__version__,
    service="demo",
    profile="demo",
    account="paper",
    venue="simulated",
    simulated=True,
    strategies=("orderbook_skew", "trade_momentum", "ticker_velocity"),
    symbols=("BTCUSDT", "ETHUSDT"),
    started_at="2026-01-02T03:04:05Z",
    python="3.11.7",
    platform="Linux-6.1-x86_64",
)
METRICS: Final = """# HELP realtime_strategies_messages_processed_total Market messages processed.
# TYPE realtime_strategies_messages_processed_total counter
realtime_strategies_messages_processed_total 150000.0
"""


def document() -> dict[str, Any]:
    """The whole document as JSON values."""
    _, schemas = msgspec.json.schema_components([Health, Readiness, Info, Problem], ref_template=REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Petrosa",
            "version": __version__,
            "summary": "What a running desk says about itself. Read-only.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "http://127.0.0.1:8080"}],
        "paths": _paths(),
        "components": {"schemas": schemas},
    }


def _paths() -> dict[str, Any]:
    ready = _json(Readiness, READY, "Every dependency is well.")
    not_ready = _json(Readiness, NOT_READY, "At least one dependency is not; the check's detail says what was found.")
    text = {"schema": {"type": "string"}, "example": METRICS}
    return {
        "/healthz": _get("healthz", "Whether the process is alive.", {"200": _json(Health, Health("ok"), "It is.")}),
        "/ready": _get("ready", "Whether feed, bus and journal do their work.", {"200": ready, "503": not_ready}),
        "/metrics": _get(
            "metrics",
            "Counters and gauges for Prometheus.",
            {"200": {"description": "Text exposition format.", "content": {"text/plain": text}}},
        ),
        "/info": _get("info", "What this process is.", {"200": _json(Info, INFO, "Version, profile, symbols.")}),
        "/openapi.json": _get(
            "openapi",
            "This document.",
            {"200": {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}}},
        ),
    }


def _get(operation: str, summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    problem = _json(Problem, Problem("Not Found: GET /inf; /openapi.json lists what there is"), "Anything else.")
    return {"get": {"operationId": operation, "summary": summary, "responses": {**responses, "default": problem}}}


def _json(struct: type[msgspec.Struct], example: msgspec.Struct, text: str) -> dict[str, Any]:
    schema = {"$ref": REF.format(name=struct.__name__)}
    content = {"schema": schema, "example": msgspec.to_builtins(example)}
    return {"description": text, "content": {"application/json": content}}
