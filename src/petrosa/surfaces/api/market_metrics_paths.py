"""The description of the market-metrics routes: for people, and for programs that read it to decide what to ask."""

from typing import Any, Final

import msgspec

from petrosa.core.analytics.analyzer import TIMEFRAMES
from petrosa.core.analytics.pressure import Lean
from petrosa.surfaces.api.market_metrics_examples import DEPTH, PAGE, PRESSURE, SUMMARY
from petrosa.surfaces.api.market_table import LIMIT, LIMIT_MAX, OFFSET_MAX, MetricsPage, SortBy, SortOrder
from petrosa.surfaces.api.part import KEYED, NO_KEY, Failed, Failure, answer, no
from petrosa.surfaces.market_metrics import DepthReport, MarketSummary, PressureReport

ROOT: Final = "/api/v1/metrics"
ABOUT: Final = (
    "What order books and trades say about each symbol: imbalance, pressure, liquidity, spread, flows. They describe "
    "the market as it was heard; they are no advice, and no decision of the desk is made from them."
)
SCHEMAS: Final[tuple[type[msgspec.Struct], ...]] = (DepthReport, PressureReport, MarketSummary, MetricsPage, Failure)

_SYMBOL: Final = {
    "name": "symbol",
    "in": "path",
    "required": True,
    "description": "BTCUSDT, btcusdt, BTC/USDT or BTC/USDT:USDT.",
    "schema": {"type": "string", "minLength": 1},
    "example": "BTCUSDT",
}
NOT_ALLOWED: Final = Failed(
    "FORBIDDEN",
    "Host 'desk.example:8080' is no name of loopback; ask 127.0.0.1, [::1] or localhost, or send a key",
    "Without a key: a page of another site asks, or another name than loopback's was asked.",
)
_NO_DATA: Final = Failed(
    "NO_DATA_YET",
    "no book has been heard yet of any of 150 symbols; wait for the feed, /ready says how it is",
    "NO_DATA_YET, NO_FRESH_DATA: no symbol has a fresh book; ask again. STORE_UNAVAILABLE: whether the key is valid"
    " cannot be read.",
)
_UNKNOWN: Final = Failed(
    "METRICS_STALE",
    "BTCUSDT: its last book is 75.2 s old, limit 60 s (metrics.ttl_seconds); 149 symbols are fresh, /ready says how "
    "the feed is",
    "SYMBOL_UNKNOWN: not followed here. METRICS_STALE: followed, and its book is too old or broken to say anything.",
)


def paths() -> dict[str, Any]:
    """The path items of the four routes."""
    depth = answer(DepthReport, DEPTH, "The last book, the pressure that led to it, and the flows beside it.")
    pressure = answer(PressureReport, PRESSURE, "Summary of the window, and its last 100 points.")
    summary = answer(MarketSummary, SUMMARY, "Means, counts and extremes over all symbols with a fresh book.")
    page = answer(MetricsPage, PAGE, "The rows that passed the filters, sorted, one page of them.")
    here = {"404": no(_UNKNOWN)}
    return {
        f"{ROOT}/depth/{{symbol}}": _get(
            "depth_metrics", "Order-book metrics of a symbol now.",
            "Use it to judge one symbol: how liquid and how wide it is, and whether its book and its trades agree. "
            "Books are cheap to fake; believe pressure over imbalance, and trades over both.",
            [_SYMBOL], {"200": depth, **here},
        ),
        f"{ROOT}/pressure/{{symbol}}": _get(
            "pressure_history", "Pressure of a symbol over 1, 5 or 15 minutes, and where it goes.",
            "A point a second of run time, whatever the rate of updates. `level` is where it stood, `trend` where it "
            "went: a trend of the book, not of the price.",
            [_SYMBOL, _timeframe()], {"200": pressure, **here, "422": _bad_timeframe()},
        ),
        f"{ROOT}/summary": _get(
            "market_summary", "All symbols together.",
            "Use it to compare one symbol with the rest, or to see that a feed is alive.",
            [], {"200": summary},
        ),
        f"{ROOT}/all": _get(
            "all_metrics", "A table of all symbols: filter, sort, page.",
            "Symbols without a fresh book have no row. Rows are read within milliseconds of each other, not at once.",
            _table_parameters(), {"200": page, "422": _bad_query()},
        ),
    }  # fmt: skip


def _get(
    operation: str, summary: str, text: str, parameters: list[dict[str, Any]], responses: dict[str, Any]
) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": operation, "summary": summary, "description": text, "security": KEYED}
    if parameters:
        found["parameters"] = parameters
    always = {"401": no(NO_KEY), "403": no(NOT_ALLOWED), "503": no(_NO_DATA)}
    missing = Failed("NOT_FOUND", f"Not Found: GET {ROOT}/al; /openapi.json lists what there is", "Anything else.")
    return {"get": {**found, "responses": {**responses, **always, "default": no(missing)}}}


def _timeframe() -> dict[str, Any]:
    schema = {"type": "string", "enum": list(TIMEFRAMES), "default": "5m"}
    return _query("timeframe", "The last so many minutes.", schema)


def _table_parameters() -> list[dict[str, Any]]:
    number = {"type": "number", "minimum": -100, "maximum": 100}
    return [
        _query("symbols", "Only these, separated by commas.", {"type": "string"}),
        _query("min_pressure", "Net pressure at least so high.", number),
        _query("max_pressure", "Net pressure at most so high.", number),
        _query("trend", "Only rows of this interpretation.", {"type": "string", "enum": [lean.value for lean in Lean]}),
        _query("limit", "Rows a page.", {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT}),
        _query("offset", "Rows to skip.", {"type": "integer", "minimum": 0, "maximum": OFFSET_MAX, "default": 0}),
        _query("sort_by", "What by.", {"type": "string", "enum": [by.value for by in SortBy], "default": "symbol"}),
        _query(
            "sort_order",
            "Which way.",
            {"type": "string", "enum": [order.value for order in SortOrder], "default": "asc"},
        ),
    ]


def _query(name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": text, "schema": schema}


def _bad_timeframe() -> dict[str, Any]:
    text = "timeframe = '2m'; it must be one of 1m, 5m, 15m"
    details = {"value": "2m", "allowed": list(TIMEFRAMES)}
    return no(Failed("BAD_TIMEFRAME", text, "There is no such window.", details))


def _bad_query() -> dict[str, Any]:
    text = "limit = '500'; it must be a whole number from 1 to 200"
    return no(Failed("BAD_QUERY", text, "A value that cannot be.", {"parameter": "limit", "value": "500"}))
