"""The section of the configuration that is about technical analysis: which bars, how far back, how often."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from petrosa.core.market.grid import INTERVALS, MONTH
from petrosa.errors import ConfigError

TIMEFRAMES: Final = tuple(one for one in INTERVALS if one != MONTH)
"""Months differ in length, and no strategy works on them."""


class TaSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `petrosa ta` looks at. Which strategies run is said under `strategies`."""

    symbols: Annotated[tuple[str, ...], Meta(description="Symbols to analyse; empty: those of feed.symbols.")] = ()
    timeframes: Annotated[
        tuple[str, ...], Meta(description="Lengths of bars, as the store has them: 5m, 15m, 1h, 4h, 1d.")
    ] = ("15m", "1h")
    history_bars: Annotated[
        int,
        Meta(ge=1, le=8_000, description="Bars read before the first signal, besides what the strategies need."),
    ] = 300
    poll_seconds: Annotated[
        float, Meta(gt=0, le=3_600, description="How often the store is asked where nobody tells of new bars.")
    ] = 15.0
    overdue_bars: Annotated[
        float, Meta(ge=1, le=1_000, description="`/ready` says no when a series is so many bars behind.")
    ] = 2.0

    def __post_init__(self) -> None:
        if not self.timeframes:
            raise ConfigError(f"ta.timeframes is empty; name at least one of {', '.join(TIMEFRAMES)}")
        for timeframe in self.timeframes:
            if timeframe not in TIMEFRAMES:
                raise ConfigError(f"ta.timeframes has {timeframe!r}; choose from {', '.join(TIMEFRAMES)}")
