"""How market metrics are kept and read: for looking only, no decision depends on any of this."""

from typing import Annotated

import msgspec
from msgspec import Meta


class MetricsParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is kept of each symbol, for how long, and where words begin to apply to its numbers."""

    enabled: Annotated[bool, Meta(description="Keep market metrics and serve them below /api/v1/metrics.")] = True
    ttl_seconds: Annotated[
        float, Meta(ge=1, le=3600, description="A symbol whose book is older is stale: its metrics and history go.")
    ] = 60.0
    max_symbols: Annotated[
        int, Meta(ge=1, le=500, description="So many symbols are kept; one more drops the one heard longest ago.")
    ] = 200
    half_life_seconds: Annotated[
        float,
        Meta(gt=0, le=3600, description="Pressure: after so many seconds a book counts half of what it counted."),
    ] = 10.0
    bullish_threshold: Annotated[
        float, Meta(gt=0, lt=100, description="A pressure above this is called bullish, from -100 to 100.")
    ] = 20.0
    bearish_threshold: Annotated[
        float, Meta(gt=-100, lt=0, description="A pressure below this is called bearish, from -100 to 100.")
    ] = -20.0
    trend_t_score: Annotated[
        float, Meta(gt=0, le=100, description="A slope counts as a trend from so many of its standard errors on.")
    ] = 2.0
