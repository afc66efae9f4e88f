"""The description of the desk's routes."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from petrosa.surfaces.api.desk_examples import ANSWERS, COMPARE, KILL, ORDER, RESOLVE, RESUME, SIGNAL
from petrosa.surfaces.api.market_table import LIMIT, LIMIT_MAX
from petrosa.surfaces.api.openapi import Problem
from petrosa.surfaces.api.part import JSON, KEYED, REF, Failed, Failure, answer, no
from petrosa.surfaces.kill_switch import KillRequest, ResumeRequest
from petrosa.surfaces.orders import OrderBody
from petrosa.surfaces.reconciliation import FINDING_ID_MAX, CompareRequest, ResolveRequest
from petrosa.surfaces.trading import KEY_MAX, SignalBody, SignalsBody

ABOUT: Final = (
    "One desk: what it holds, what it was told and what it decided; signals are handed in here as on the signals' "
    "subject, orders are placed and taken off by hand, and the kill switch is here. Times are the desk's: in a run of "
    "a recording, the recording's."
)
OFFSET_MAX: Final = 1_000_000
REASON_MAX: Final = 500
FILTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "positions": ("symbol", "strategy_id", "side"),
    "orders": ("symbol", "strategy_id", "signal_id", "leg", "status"),
    "signals": ("symbol", "strategy_id", "signal_id"),
    "fills": ("symbol", "strategy_id", "signal_id", "client_order_id"),
    "refusals": ("symbol", "strategy_id", "signal_id", "check"),
    "opinions": ("symbol", "strategy_id", "signal_id"),
}
"""The lists, and by what each can be narrowed."""
SCHEMAS: Final[tuple[type[msgspec.Struct], ...]] = (
    *dict.fromkeys(struct for struct, _ in ANSWERS.values()), SignalBody, SignalsBody, OrderBody, KillRequest,
    ResumeRequest, CompareRequest, ResolveRequest, Failure,
)  # fmt: skip

_WORDS: Final = {"side": ("long", "short"), "status": ("open", "all")}
_FAILURES: Final[Mapping[str, tuple[str, str, str]]] = {
    "400": ("MALFORMED_JSON", "the body is not JSON: Input data was truncated", "Not JSON, or a key that cannot be."),
    "401": ("UNAUTHENTICATED", "this needs a key: send Authorization: Bearer KEY", "No key, or none that is valid."),
    "403": ("FORBIDDEN", "this needs the scope trade, and the key 'grafana' has read", "Not with this key or page."),
    "404": (
        "SYMBOL_UNKNOWN",
        "'ABCUSDT' is not traded here; 1 symbols are: BTCUSDT",
        "SYMBOL_UNKNOWN, ORDER_UNKNOWN, FINDING_UNKNOWN.",
    ),
    "409": ("KILL_FILE_PRESENT", "petrosa-data/KILL is there, and holds the switch; remove it, then resume",
            "KILL_FILE_PRESENT, NO_VENUE_ACCOUNT, NOT_RESOLVED; "
            "ORDER_AMBIGUOUS: an id of the venue that several instruments have."),
    "413": ("TOO_LARGE", "the body has more than 65536 bytes; send less", "Too large."),
    "415": ("UNSUPPORTED_MEDIA_TYPE", "Content-Type '' is not taken; send application/json", "Not said to be JSON."),
    "422": (
        "SIGNAL_MISSING_FIELD",
        "signal_missing_field: symbol is missing; send it",
        "Something cannot be: BAD_QUERY, VALIDATION_ERROR, SIGNAL_MISSING_FIELD, SIGNAL_BAD_FIELD, SIGNAL_NOT_FINITE, "
        "SIGNAL_TIMESTAMP, IDEMPOTENCY_KEY_REUSED.",
    ),
    "429": ("BUSY", "256 signals wait for the desk, limit 256; send this one again", "Too much at once."),
    "503": (
        "NO_DESK",
        "no desk turns here yet; ask again when /ready says that market data has come",
        "NO_DESK, NO_PRICE_YET, PRICE_STALE: nothing that could be said is known. STORE_UNAVAILABLE: keys cannot be "
        "read.",
    ),
}  # fmt: skip
_READS: Final = ("401", "403", "503")
_WRITES: Final = ("400", "401", "403", "413", "415", "422", "429", "503")


def paths() -> dict[str, Any]:
    """The path items of all routes."""
    one = {"in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    symbol = {**one, "name": "symbol", "description": "BTCUSDT, BTC/USDT or BTC/USDT:USDT.", "example": "BTCUSDT"}
    finding = {
        **one, "name": "finding_id", "description": "As in /reconcile.",
        "schema": {"type": "string", "minLength": 1, "maxLength": FINDING_ID_MAX}, "example": "6f1d0c2b9a8e7d54",
    }  # fmt: skip
    order = {**one, "name": "order_id", "description": "Its client_order_id, or its venue_order_id."}
    return {
        "/account": _get("account", "The account: equity, wallets, profit, and whether entries are taken."),
        "/price/{symbol}": _get("price", "The last price that was heard, or none.", [symbol], "404"),
        "/positions": _list("positions", "Open positions."),
        "/positions/stops-health": _get("stops_health", "What rests behind each position."),
        "/positions/{symbol}": _get("position", "What is held of a symbol; flat where nothing is.", [symbol], "404"),
        "/orders": _list("orders", "Orders, the newest first."),
        "/orders/{order_id}": {
            **_get("order", "One order.", [order], "404", "409"),
            **_delete("cancel", "Take an order off, unless it protects a position.", [order]),
        },
        "/order": _post(
            "place", "Place an order by hand.", _ORDER_TEXT, _ref(OrderBody), ORDER, [_idempotency()], "404"
        ),
        "/order/{symbol}/{order_id}": {
            **_get("order_of_symbol", "One order of a symbol.", [symbol, order], "404", "409"),
            **_delete("cancel_of_symbol", "Take an order of a symbol off.", [symbol, order]),
        },
        "/signals": _list("signals", "What was heard and made, the newest first."),
        "/signals/active": _list("opinions", "Opinions that count when signals stand against each other."),
        "/signals/summary": _get("signals_summary", "Signals and refusals counted, by strategy and by check."),
        "/state": _get(
            "state", "How the desk stands, symbol by symbol.",
            [_query("symbol", {"type": "string", "minLength": 1})], "404", "422",
        ),
        "/fills": _list("fills", "Fills, the newest first."),
        "/refusals": _list("refusals", "What did not become an order, and why, the newest first."),
        "/trade": _post(
            "trade", "Hand in a signal, or several.", _TRADE_TEXT,
            {"anyOf": [{"$ref": REF.format(name=one.__name__)} for one in (SignalBody, SignalsBody)]}, SIGNAL,
            [_idempotency()],
        ),
        "/trade/signal": _post(
            "trade_signal", "Hand in one signal.", _TRADE_TEXT, _ref(SignalBody), SIGNAL, [_idempotency()]
        ),
        "/kill-switch": {
            **_get("kill_switch", "How far the desk is stopped."),
            **_post("engage", "Stop the desk, as far as the level says.", _KILL_TEXT, _ref(KillRequest), KILL),
        },
        "/kill-switch/resume": _post(
            "resume", "Take entries again.", _RESUME_TEXT, _ref(ResumeRequest), RESUME, (), "409"
        ),
        "/reconcile": {
            **_get("reconcile", "In what the venue and the books of this desk differ."),
            **_post("compare", "Compare with the venue now.", _COMPARE_TEXT, _ref(CompareRequest), COMPARE, (), "409"),
        },
        "/reconcile/{finding_id}": _post(
            "resolve", "Do something about a difference.", _RESOLVE_TEXT, _ref(ResolveRequest), RESOLVE, [finding],
            "404", "409",
        ),
    }  # fmt: skip


_TRADE_TEXT: Final = (
    "The signal takes the way of every other: checks, sizing, risk. Refused by these it is 200 with status rejected, "
    "the check, what it saw, the limit and the remedy; what cannot be read as a signal is 4xx. A signal without a time "
    "is stamped on arrival by the desk's clock; its metadata in the journal and the answer say so. 202: not turned "
    "within a second; the same Idempotency-Key asks again. What its order has come to within that second is in the "
    "result (filled with fill_price, quantity and fees, partially_filled, unfilled); agreed: it rests, or nothing is "
    "known yet. What comes later: /orders."
)
_ORDER_TEXT: Final = (
    "An order that can enlarge a position goes through the desk's risk checks as large as it is, with a stop and a "
    "target behind it (stop_loss and take_profit, or the default distances); one that is reduce_only is for at most "
    "what is held, and waits for no check. Refused: 200 with status rejected and every check. Agreed: it left; fills "
    "come later. quantity is needed, or its other name amount."
)
_CANCEL_TEXT: Final = (
    "A stop, a target or an exit of a position that is held is not taken off (200, rejected): the desk would send it "
    "again. Agreed: the cancel left; /orders says what became of it."
)
_KILL_TEXT: Final = (
    "It latches until resumed. pause_entries: no new entry. cancel_opens: and entry orders are cancelled. flatten: and "
    "positions are closed at market. halt: as cancel_opens, as a halt; positions keep their stops. Before there is a "
    "desk: 202, and it is the first thing the desk is told."
)
_COMPARE_TEXT: Final = (
    "202: the venue is asked; what comes of it is in GET /reconcile some seconds later. It is asked by itself at the "
    "start, every 45 s and after every gap in what it tells. 409 where the venue is simulated."
)
_RESOLVE_TEXT: Final = (
    "Needs the scope admin. adopt takes the venue's truth into the books of this desk, flatten has the order cancelled "
    "or the difference closed at market, ignore accepts it for as long as it does not change. What each does to this "
    "finding is in its field can. After adopt and flatten entries wait for one more comparison, which is asked for."
)
_RESUME_TEXT: Final = "Needs the scope admin. Not while the file KILL is in the data directory."


def _get(operation: str, summary: str, parameters: Any = (), *more: str) -> dict[str, Any]:
    return {"get": _operation(operation, summary, "", parameters, (*_READS, *more))}


def _list(name: str, summary: str) -> dict[str, Any]:
    narrowed = [_query(one, {"type": "string", **({"enum": [*_WORDS[one]]} if one in _WORDS else {})})
                for one in FILTERS[name]]  # fmt: skip
    limit = _query("limit", {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT})
    offset = _query("offset", {"type": "integer", "minimum": 0, "maximum": OFFSET_MAX, "default": 0})
    return _get(name, summary, [*narrowed, limit, offset], "422")


def _post(
    operation: str, summary: str, text: str, schema: Any, example: Any, parameters: Any = (), *more: str
) -> dict[str, Any]:  # fmt: skip
    found = _operation(operation, summary, text, parameters, (*_WRITES, *more))
    found["responses"]["202"] = {**found["responses"]["200"], "description": "Told, and not turned yet."}
    found["requestBody"] = {"required": True, "content": {JSON: {"schema": schema, "example": example}}}
    return {"post": found}


def _delete(operation: str, summary: str, parameters: list[Any]) -> dict[str, Any]:
    reason = _query("reason", {"type": "string", "minLength": 1, "maxLength": REASON_MAX, "default": "by hand"})
    failures = ("401", "403", "404", "409", "415", "422", "503")
    found = _operation(operation, summary, _CANCEL_TEXT, [*parameters, reason], failures)
    found["responses"]["202"] = {**found["responses"]["200"], "description": "Told, and not turned yet."}
    return {"delete": found}


def _operation(operation: str, summary: str, text: str, parameters: Any, failures: tuple[str, ...]) -> dict[str, Any]:
    struct, example = ANSWERS[operation]
    content = {JSON: {"schema": _ref(struct), "example": example}}
    responses = {"200": {"description": summary, "content": content}}
    problem = Problem("Method Not Allowed: PUT /trade; /openapi.json lists what there is")
    return {
        "operationId": f"desk_{operation}",
        "summary": summary,
        **({"description": text} if text else {}),
        "security": KEYED,
        "parameters": list(parameters),
        "responses": {
            **responses,
            **{code: no(Failed(*_FAILURES[code])) for code in failures},
            "default": answer(Problem, problem, "Anything else."),
        },
    }


def _ref(struct: type) -> dict[str, str]:
    return {"$ref": REF.format(name=struct.__name__)}


def _query(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": dict(schema)}


def _idempotency() -> dict[str, Any]:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "The same key of the same sender gets the first answer again; it names a signal without an id.",
        "schema": {"type": "string", "minLength": 1, "maxLength": KEY_MAX, "pattern": "^[!-~]+$"},
    }
