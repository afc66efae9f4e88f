"""Readings of outside sources for tests, at times counted from the start of the strategies' market."""

from petrosa.core.model.market import Reading
from tests.kit.strategy_market import seconds

HOUR = 3_600.0


def reading(at: float, topic: str, subject: str, source: str = "somebody", **values: float) -> Reading:
    return Reading(source, topic, subject, seconds(at), seconds(at), values)


def dominance(at: float, share: float, source: str = "coingecko") -> Reading:
    return reading(at, "dominance", "BTC", source, share_pct=share)


def quote(at: float, bid: float, ask: float, subject: str = "BTC/USD", source: str = "coinbase") -> Reading:
    return reading(at, "quote", subject, source, bid=bid, ask=ask)
