"""Twelve seconds of two symbols, from which the examples of the market-metrics routes are made."""

from math import sin
from random import Random
from typing import Any

from petrosa.core.model.base import Side
from petrosa.core.model.instruments import Instrument
from petrosa.surfaces.api.market_table import TableQuery, page_of
from petrosa.surfaces.desk_metrics import DeskMetrics
from tests.kit.books import BTC, Heard, depth, liquidation
from tests.kit.instruments import instrument

ETH = instrument("ETHUSDT")
SECONDS = 12
LIQUIDATED = {20: Side.SELL, 55: Side.SELL, 90: Side.BUY}


def story() -> tuple[Heard, DeskMetrics]:
    """What was heard, and the metrics of it as they are served."""
    heard, random = Heard((BTC, ETH)), Random(5)
    for tenth in range(SECONDS * 10 + 1):
        at = tenth / 10
        for rules, mid, lean in ((BTC, 67_500.0, sin(at / 6.0)), (ETH, 3_400.0, -0.1)):
            tell_book(heard, rules, mid, lean, at, random)
        if tenth % 2:
            size = 0.5 + random.randrange(3) * 0.25
            heard.quote(67_499.99, 1.0 + size, 67_500.01, 2.0 - size, at)
            side = Side.BUY if random.random() < 0.65 else Side.SELL
            heard.trade(random.randrange(1, 400) / 1000, at, side)
        if tenth in LIQUIDATED:
            heard.tell(liquidation(LIQUIDATED[tenth], 0.5, 67_400.0, BTC, at), at)
    return heard, metrics_of(heard)


def metrics_of(heard: Heard, silence: float = 0.0) -> DeskMetrics:
    """The metrics of what was heard, after so many seconds of silence."""
    return DeskMetrics(heard.analyzer, heard.instruments, lambda: heard.now, lambda: silence)


def tell_book(heard: Heard, rules: Instrument, mid: float, lean: float, at: float, random: Random) -> None:
    """A book of twelve levels a side, whose quantities lean by a share of 1 and wobble."""
    sides = []
    for sign, weight in ((-1, 1.0 + lean / 2.0), (1, 1.0 - lean / 2.0)):
        prices = [round(mid + sign * 0.01 * (level + 1), 2) for level in range(12)]
        sides.append([(price, round(weight * random.randrange(500, 1500) / 1000, 3)) for price in prices])
    heard.tell(depth(sides[0], sides[1], rules, at), at)


def examples_of(metrics: DeskMetrics) -> dict[str, Any]:
    """The answer of each route after the story, by name of the example."""
    key = BTC.id
    for _ in metrics.refresh():
        pass
    query = TableQuery.of({"min_pressure": "-50", "sort_by": "pressure", "sort_order": "desc"})
    return {
        "DEPTH": metrics.depth(key),
        "PRESSURE": metrics.pressure(key, "5m"),
        "SUMMARY": metrics.summary(),
        "PAGE": page_of(query, metrics.standings(), metrics.row),
    }
