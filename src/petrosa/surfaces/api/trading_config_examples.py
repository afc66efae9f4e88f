"""Examples of the configuration of trading, which tests find in what the real service answers, in this order."""

from collections.abc import Mapping
from typing import Any, Final

_AT: Final = "2026-01-02T03:04:05Z"
_STATE: Final = {"store": "ok", "read_at": _AT, "age_seconds": 0.0, "away_since": None, "problems": []}
_WHY: Final = {"changed_by": "alice", "reason": "less risk over the weekend"}
_STOP: Final = "default_stop_loss_fraction"


def _success(data: Any, metadata: Any) -> dict[str, Any]:
    return {"success": True, "data": data, "error": None, "metadata": metadata}


def _config(version: int, risk: float, stop: float, weights: dict[str, float]) -> dict[str, Any]:
    where = {"source": "stored all", "detail": f"all v{version}"} if version else {"source": "default", "detail": ""}
    return {
        "strategy_id": "trading",
        "symbol": None,
        "parameters": {"risk_fraction": risk, _STOP: stop, "strategy_weights": weights},
        "version": version,
        "source": "stored" if version else "default",
        "is_override": version > 0,
        "created_at": _AT if version else None,
        "updated_at": _AT if version else None,
        "provenance": {"risk_fraction": where},
    }


def _made(number: int, *changed: str) -> dict[str, Any]:
    return {
        "changed": list(changed),
        "audit_id": f"trading:{number:012d}",
        "applied": {"state": "applied", "sequence": 4711, "changes": {"risk.risk_fraction": "changed"}, "detail": ""},
        "warnings": [],
        "validate_only": False,
    }


_FIRST: Final = _config(1, 0.0025, 0.015, {})
_WEIGHED: Final = _config(2, 0.0025, 0.015, {"orderbook_skew": 1.5})
_NOTHING: Final = _config(0, 0.005, 0.02, {})

TRADING_BODIES: Final[Mapping[str, Any]] = {
    "set_trading": {"parameters": {"risk_fraction": 0.0025, "stop_loss_pct": 1.5}, **_WHY},
    "set_trading_for_symbol": {"parameters": {"risk_fraction": 0.0025}, **_WHY},
    "roll_back_trading": {"target_version": 1, **_WHY},
    "restore_trading": {"rollback_id": "trading:000000000003", **_WHY},
}
"""By operation."""

TRADING_ANSWERS: Final[Mapping[str, Any]] = {
    "get_trading_schema": _success(
        [
            {
                "name": _STOP,
                "type": "float",
                "description": "Distance of the stop from the entry when the signal names none.",
                "values": "a number above 0 to 0.5",
                "default": 0.02,
                "min": 0.0,
                "max": 0.5,
                "exclusive_min": True,
                "exclusive_max": False,
                "allowed_values": None,
                "example": 0.02,
                "unit": "1 is 100 %",
                "on_change": "keep state",
                "aliases": {"stop_loss_pct": 0.01},
                "environment": "",
            }
        ],
        None,
    ),
    "get_trading_defaults": _success({"risk_fraction": 0.005, _STOP: 0.02, "min_confidence": 0.5}, None),
    "set_trading": _success(_FIRST, _made(1, _STOP, "risk_fraction")),
    "weigh_strategy": _success(_WEIGHED, _made(2, "strategy_weights")),
    "get_trading": _success(_WEIGHED, _STATE),
    "delete_trading": _success(_NOTHING, _made(3, _STOP, "risk_fraction", "strategy_weights")),
    "restore_trading": _success(
        _config(4, 0.0025, 0.015, {"orderbook_skew": 1.5}), _made(4, _STOP, "risk_fraction", "strategy_weights")
    ),
    "roll_back_trading": _success(_config(5, 0.0025, 0.015, {}), _made(5, "strategy_weights")),
    "get_trading_history": _success(
        [
            {
                "id": "trading:000000000005",
                "config_id": "trading",
                "strategy_id": "trading",
                "symbol": None,
                "action": "UPDATE",
                "old_parameters": {"strategy_weights": {"orderbook_skew": 1.5}},
                "new_parameters": {"risk_fraction": 0.0025, _STOP: 0.015},
                "version_before": 4,
                "version_after": 5,
                "changed_by": "alice",
                "changed_at": _AT,
                "reason": "less risk over the weekend",
                "metadata": {"rolled_back_to": 1},
            }
        ],
        {"next": None, "problems": []},
    ),
    "get_config_health": _success(_STATE, None),
    "get_trading_for_symbol": _success(_NOTHING, _STATE),
    "set_trading_for_symbol": _success(_NOTHING, _made(1, "risk_fraction")),
    "delete_trading_for_symbol": _success(_NOTHING, _made(1, "risk_fraction")),
}
"""By operation, in the order in which they tell one story; the last three are never answered so, but with 404."""
