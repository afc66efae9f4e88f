"""The examples of the desk's routes: tests decode every one of them as what the route answers or takes."""

from collections.abc import Mapping
from typing import Any, Final

from petrosa.surfaces.desk_rows import (
    AccountReport,
    FillsPage,
    OrderReport,
    OrdersPage,
    PositionReport,
    PositionsPage,
    PriceReport,
    RefusalsPage,
    SignalsPage,
)
from petrosa.surfaces.desk_state import DeskState, OpinionsPage, SignalsSummary
from petrosa.surfaces.kill_switch import KillAnswer, KillState
from petrosa.surfaces.orders import OrderAnswer
from petrosa.surfaces.reconciliation import ReconcileAnswer, ReconcileReport
from petrosa.surfaces.stops_health import StopsHealth
from petrosa.surfaces.trading import TradeAnswer

_AT: Final = "2026-01-02T03:04:05.120000Z"
_BTC: Final = {"symbol": "BTCUSDT", "instrument": "binance:usdm:BTCUSDT"}
_BY: Final = {"strategy_id": "test", "signal_id": "6c1f0e9d8b7a49582716f5e4d3c2b1a0"}
_ID: Final = "pf3k2m5q7a4c6e2g4i6k2m4o6q2s4u6w"
_ONE: Final = {"total": 1, "limit": 50, "offset": 0, "has_next": False}

_ACCOUNT: Final = {
    "account": "paper", "account_type": "simulated", "currency": "USDT", "equity": "10002.4175",
    "balances": {"USDT": "9999.9915"},
    "pnl": {
        "currency": "USDT", "realized": "0", "unrealized": "2.426", "fees": {"USDT": "0.0085"},
        "fees_converted": "0.0085",
    },
    "open_positions": 1, "open_orders": 2, "stops": "stops resting 1 of 1", "entries": "open", "closed_because": "",
    "at": _AT,
}  # fmt: skip
_PRICE: Final = {
    **_BTC, "price": "64250.1", "source": "last_trade", "bid": "64250.0", "ask": "64250.1", "mark": "64248.7",
    "age_seconds": 0.12, "feed": "live", "timestamp": _AT,
}  # fmt: skip
_POSITION: Final = {
    **_BTC, "side": "long", "quantity": "0.020", "entry_price": "64127.4", "mark": "64248.7", "unrealized": "2.426",
    "realized": "0", "fees": {"USDT": "0.0085"}, "by_strategy": {"test": "0.020"}, **_BY,
    "opened_at": _AT, "changed_at": _AT, "orders": [_ID],
}  # fmt: skip
_RESTING: Final = {
    "client_order_id": _ID, "venue_order_id": "18", "leg": "stop", "status": "accepted", "trigger_price": "62844.8",
    "quantity": "0.020", "confirmed": True,
}  # fmt: skip
_STOPS: Final = {
    "positions": 1, "protected": 1, "summary": "stops resting 1 of 1", "at": _AT,
    "stops": [{
        **_BTC, "side": "long", "quantity": "0.020", "covered": "0.020", "confirmed": True, "stop": "62844.8",
        "target": "67333.8", "since": None, "unprotected_seconds": 0.0, "orders": [_RESTING],
    }],
}  # fmt: skip
_ORDER: Final = {
    "client_order_id": _ID, "venue_order_id": "17", **_BTC, **_BY, "leg": "entry", "side": "buy", "type": "limit",
    "quantity": "0.020", "price": "64282.2", "trigger_price": None, "time_in_force": "IOC", "reduce_only": False,
    "status": "filled", "is_open": False, "filled": "0.020", "average_price": "64127.4", "stop": "62844.8",
    "target": "67333.8", "reason": "", "sent_at": _AT,
}  # fmt: skip
_SIGNAL: Final = {
    "at": _AT, "event_at": _AT, **_BY, "symbol": "BTCUSDT", "action": "buy", "confidence": 0.8, "price": 64250.1,
    "timeframe": "tick", "stop_loss": None, "take_profit": None, "source": "", "indicators": {},
    "metadata": {"sent_by": "local", "stamped_on_arrival": True},
}  # fmt: skip
_OPINION: Final = {
    **_BY, **_BTC, "timeframe": "tick", "side": "buy", "score": 0.08, "stands": True, "said_at": _AT, "heard_at": _AT,
}  # fmt: skip
_SUMMARY: Final = {
    "signals": 12, "refused": 4, "refusals_by_check": {"confidence": 4}, "active_opinions": 1,
    "by_strategy": {"test": {"signals": {"buy": 12}, "refused": {"confidence": 4}, "weight": 1.0}},
    "conflict_resolution": "strongest_wins", "timeframe_resolution": "higher_timeframe_wins",
    "same_direction": "reject_duplicates", "at": _AT,
}  # fmt: skip
_DESK_STATE: Final = {
    "account": "paper", "entries": "open", "closed_because": "", "at": _AT,
    "symbols": [{
        **_BTC, "price": "64250.1", "price_age_seconds": 0.12, "feed": "live", "side": "long", "quantity": "0.020",
        "open_orders": 2, "active_opinions": 1,
    }],
}  # fmt: skip
_FILL: Final = {
    "at": _AT, "client_order_id": _ID, "trade_id": "t9", **_BTC, **_BY, "side": "buy", "quantity": "0.020",
    "price": "64127.4", "fee": "0.0085", "fee_asset": "USDT", "liquidity": "taker", "modelled": False,
}  # fmt: skip
_REFUSAL: Final = {
    "at": _AT, **_BY, "symbol": "BTCUSDT", "check": "confidence", "saw": "0.3", "limit": "at least 0.5",
    "message": "confidence: saw 0.3, limit at least 0.5; wait for a clearer signal",
}  # fmt: skip
_SENT: Final = {
    "client_order_id": _ID, "instrument": _BTC["instrument"], "leg": "entry", "side": "buy", "type": "limit",
    "quantity": "0.020", "price": "64282.2",
}  # fmt: skip
_RESULT: Final = {
    "signal_id": _BY["signal_id"], "status": "filled", "message": "agreed, 1 order left, filled 0.020 at 64127.4",
    "orders": [_SENT], "order_id": _ID, "fill_price": "64127.4", "quantity": "0.020", "fees": {"USDT": "0.0085"},
    "check": None, "saw": None, "limit": None, "remedy": None, "event_at": _AT,
    "stamped_on_arrival": True, "sequence": 4711,
}  # fmt: skip
_TRADE: Final = {
    "message": "agreed, 1 order left, filled 0.020 at 64127.4", "status": "agreed", "signals_processed": 1,
    "signal_id": _BY["signal_id"],
    "result": _RESULT, "results": [_RESULT], "orders": [_ID], "warnings": [],
}  # fmt: skip
_MANUAL: Final = {
    **_ORDER, "strategy_id": "manual", "signal_id": "order-6c1f0e9d8b7a49582716f5e4d3c2b1a0", "leg": "manual",
    "type": "stop_limit", "price": "64400.0", "trigger_price": "64390.0", "time_in_force": "GTC",
    "status": "submitted", "is_open": True, "filled": "0", "average_price": None, "venue_order_id": "",
}  # fmt: skip
_PLACED: Final = {
    "command_id": _MANUAL["signal_id"], "status": "agreed", "message": "agreed, the order left",
    "client_order_id": _ID, "check": None, "saw": None, "limit": None, "remedy": None,
    "checks": [
        {"check": "terms", "verdict": "passed", "saw": "stop_limit",
         "limit": "what a stop_limit order of BTCUSDT is made of", "remedy": ""}
    ],
    "sequence": 4711,
}  # fmt: skip
_DECIDED: Final = {
    "status": "agreed", "message": "agreed, the order left", "order": _MANUAL, "result": _PLACED, "timestamp": _AT,
}  # fmt: skip
_CANCELLED: Final = {
    **_DECIDED, "message": "agreed, a cancel left",
    "result": {**_PLACED, "command_id": "cancel-0b2a49582716f5e4d3c2b1a06c1f0e9d", "message": "agreed, a cancel left"},
}  # fmt: skip
_STATE: Final = {
    "engaged": True, "level": "flatten",
    "engagements": [{"level": "flatten", "actor": "local", "reason": "the feed is wrong", "at": _AT}],
    "waiting": [], "file": "", "closed_because": "flattened by local: the feed is wrong",
}  # fmt: skip
_OPEN: Final[Mapping[str, Any]] = {
    "engaged": False, "level": None, "engagements": [], "waiting": [], "file": "", "closed_because": ""
}  # fmt: skip
_FINDING: Final = {
    "finding_id": "6f1d0c2b9a8e7d54", "kind": "position_differs", "instrument": "binance:usdm:BTCUSDT",
    "message": "binance:usdm:BTCUSDT: the venue holds 0.030, our fills add up to 0.020", "ours": "0.020",
    "stated": "0.030", "entry_price": "64127.4", "client_order_id": "", "ignored": False,
    "can": {
        "adopt": "take the venue's quantity for ours, at its entry price, and guard it",
        "flatten": "take it for ours and close at market what is too much",
        "ignore": "leave the difference to whoever made it; it stays counted as exposure",
    },
}  # fmt: skip
_DIFFERS: Final = {
    "state": "differs", "closed_because": "position_differs (...; finding 6f1d0c2b9a8e7d54); see petrosa reconcile",
    "findings": [_FINDING], "suspects": 0, "compared_at": "2026-01-02T03:04:05Z",
}  # fmt: skip
_UNCLEAR: Final = {
    "state": "unclear", "findings": [], "suspects": 0, "compared_at": "2026-01-02T03:04:05Z",
    "closed_because": "not reconciled: position_differs of binance:usdm:BTCUSDT was resolved and is compared again",
}  # fmt: skip
_ASKED: Final = {
    "status": "asked", "sequence": None, "trade_id": "", "booked": None, "difference": None, "report": _DIFFERS
}  # fmt: skip
_RESOLVED: Final = {
    "status": "done", "sequence": 4714, "trade_id": "adopt:6f1d0c2b9a8e7d54", "booked": "0", "difference": "0",
    "report": _UNCLEAR,
}  # fmt: skip

ANSWERS: Final[Mapping[str, tuple[type, Any]]] = {
    "account": (AccountReport, _ACCOUNT),
    "price": (PriceReport, _PRICE),
    "positions": (PositionsPage, {"positions": [_POSITION], "paging": _ONE}),
    "stops_health": (StopsHealth, _STOPS),
    "position": (PositionReport, _POSITION),
    "orders": (OrdersPage, {"orders": [_ORDER], "paging": _ONE}),
    "order": (OrderReport, _ORDER),
    "order_of_symbol": (OrderReport, _ORDER),
    "place": (OrderAnswer, _DECIDED),
    "cancel": (OrderAnswer, _CANCELLED),
    "cancel_of_symbol": (OrderAnswer, _CANCELLED),
    "signals": (SignalsPage, {"signals": [_SIGNAL], "paging": _ONE}),
    "opinions": (OpinionsPage, {"opinions": [_OPINION], "paging": _ONE}),
    "signals_summary": (SignalsSummary, _SUMMARY),
    "state": (DeskState, _DESK_STATE),
    "fills": (FillsPage, {"fills": [_FILL], "paging": _ONE}),
    "refusals": (RefusalsPage, {"refusals": [_REFUSAL], "paging": _ONE}),
    "trade": (TradeAnswer, _TRADE),
    "trade_signal": (TradeAnswer, _TRADE),
    "kill_switch": (KillState, _STATE),
    "engage": (KillAnswer, {"status": "done", "sequence": 4712, "state": _STATE}),
    "reconcile": (ReconcileReport, _DIFFERS),
    "compare": (ReconcileAnswer, _ASKED),
    "resolve": (ReconcileAnswer, _RESOLVED),
    "resume": (KillAnswer, {"status": "done", "sequence": 4713, "state": _OPEN}),
}
"""By operation: the struct and one of it."""

SIGNAL: Final = {
    "strategy_id": "test", "symbol": "BTCUSDT", "action": "buy", "confidence": 0.8, "price": 50000, "quantity": 0.001,
}  # fmt: skip
ORDER: Final = {
    "symbol": "BTCUSDT", "side": "buy", "type": "limit", "quantity": "0.020", "price": "50000.0",
    "time_in_force": "GTC", "reduce_only": False, "stop_loss": "49000.0", "take_profit": "52500.0",
    "reason": "the level of last week",
}  # fmt: skip
KILL: Final = {"level": "flatten", "reason": "the feed is wrong"}
RESUME: Final = {"reason": "the feed is right again"}
COMPARE: Final = {"reason": "an order was moved by hand"}
RESOLVE: Final = {"how": "adopt", "reason": "bought by hand, and wanted"}
