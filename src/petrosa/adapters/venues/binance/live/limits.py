"""The limits of rate of each market: as `exchangeInfo` states them, and what is assumed before it was read."""

from typing import Final

import msgspec

from petrosa.adapters.net.rate_limit import HEADERS, ORDERS, REQUESTS, UNIT_S, WEIGHT, Limit
from petrosa.errors import DataError

DEFAULTS: Final = {
    "spot": (
        Limit(WEIGHT, 1, "MINUTE", 6_000),
        Limit(ORDERS, 10, "SECOND", 100),
        Limit(ORDERS, 1, "DAY", 200_000),
        Limit(REQUESTS, 5, "MINUTE", 300_000),
    ),
    "usdm": (
        Limit(WEIGHT, 1, "MINUTE", 2_400),
        Limit(ORDERS, 10, "SECOND", 300),
        Limit(ORDERS, 1, "MINUTE", 1_200),
    ),
}


class _Row(msgspec.Struct):
    rateLimitType: str  # noqa: N815 - the venue's spelling
    interval: str
    intervalNum: int  # noqa: N815
    limit: int


class _Info(msgspec.Struct):
    rateLimits: list[_Row]  # noqa: N815


def read_limits(body: bytes) -> tuple[Limit, ...]:
    """The limits in an `exchangeInfo`. Raises `DataError` where there is no limit of weight, or one that is none."""
    try:
        rows = msgspec.json.decode(body, type=_Info).rateLimits
    except msgspec.DecodeError as problem:
        raise DataError(f"exchangeInfo without rate limits: {problem}") from None
    kinds = {*HEADERS, REQUESTS}
    found = tuple(Limit(one.rateLimitType, one.intervalNum, one.interval, one.limit) for one in rows)
    for limit in found:
        if limit.kind in kinds and (limit.unit not in UNIT_S or limit.number < 1 or limit.most < 1):
            raise DataError(f"exchangeInfo states a rate limit that is none: {limit}")
    known = tuple(limit for limit in found if limit.kind in kinds)
    if not any(limit.kind == WEIGHT for limit in known):
        raise DataError("exchangeInfo states no limit of weight")
    return known
