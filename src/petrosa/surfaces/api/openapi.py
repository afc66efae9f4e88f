"""The OpenAPI document, declared by hand; its schemas come from the structs that are really sent."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from petrosa import __version__
from petrosa.surfaces.api.part import REF, SECURITY, Part, answer
from petrosa.surfaces.observation import Check, Info, Readiness


class Health(msgspec.Struct, frozen=True):
    """The process is alive."""

    status: str


class Version(msgspec.Struct, frozen=True):
    """Which version of the program this is."""

    name: str
    version: str


class HealthReport(msgspec.Struct, frozen=True):
    """How the process is: `healthy`, or `degraded` where a part is not well. It is 200 either way; `/ready` is not."""

    status: str
    version: str
    components: dict[str, str]


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
VERSION: Final = Version("petrosa", __version__)
HEALTH: Final = HealthReport("degraded", __version__, {"feed": "no market data for 41.2 s, limit 30 s (BTCUSDT)",
                                                       "journal": "ok"})  # fmt: skip
METRICS: Final = """# HELP realtime_strategies_messages_processed_total Market messages processed.
# TYPE realtime_strategies_messages_processed_total counter
realtime_strategies_messages_processed_total 150000.0
"""


def document(parts: Sequence[Part]) -> dict[str, Any]:
    """The whole document as JSON values."""
    structs = list(dict.fromkeys(struct for part in parts for struct in part.schemas))
    _, schemas = msgspec.json.schema_components(structs, ref_template=REF)
    paths = {path: _tagged(item, part.tag) for part in parts for path, item in part.paths.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Petrosa",
            "version": __version__,
            "summary": "What a running desk says about itself, and what it can be told.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": part.tag, "description": part.about} for part in parts],
        "paths": {**paths, "/openapi.json": _tagged(_this_document(), parts[0].tag)},
        "components": {"schemas": schemas, "securitySchemes": SECURITY},
    }


def status_paths() -> dict[str, Any]:
    """The paths that every process serves."""
    ready = answer(Readiness, READY, "Every dependency is well.")
    not_ready = answer(Readiness, NOT_READY, "At least one dependency is not; the check's detail says what was found.")
    text = {"schema": {"type": "string"}, "example": METRICS}
    page = {"description": "HTML.", "content": {"text/html": {"schema": {"type": "string"}}}}
    return {
        "/healthz": _get("healthz", "Whether the process is alive.", {"200": answer(Health, Health("ok"), "It is.")}),
        "/ready": _get("ready", "Whether feed, bus and journal do their work.", {"200": ready, "503": not_ready}),
        "/metrics": _get(
            "metrics",
            "Counters and gauges for Prometheus.",
            {"200": {"description": "Text exposition format.", "content": {"text/plain": text}}},
        ),
        "/live": _get("live", "The same as /healthz.", {"200": answer(Health, Health("ok"), "It is.")}),
        "/health": _get("health", "How the process and its parts are.", {"200": answer(HealthReport, HEALTH, "Each.")}),
        "/version": _get("version", "Which version this is.", {"200": answer(Version, VERSION, "It.")}),
        "/docs": _get("docs", "This document as a page.", {"200": page}),
        "/info": _get("info", "What this process is.", {"200": answer(Info, INFO, "Version, profile, symbols.")}),
    }


def _this_document() -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return _get("openapi", "This document.", {"200": {"description": "OpenAPI 3.1.", "content": content}})


def _get(operation: str, summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    problem = answer(Problem, Problem("Not Found: GET /inf; /openapi.json lists what there is"), "Anything else.")
    return {"get": {"operationId": operation, "summary": summary, "responses": {**responses, "default": problem}}}


def _tagged(item: Mapping[str, Any], tag: str) -> dict[str, Any]:
    return {method: {**operation, "tags": [tag]} for method, operation in item.items()}
