"""How long a timeframe is, and what it weighs in a conflict of signals."""

import re
from collections.abc import Mapping
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "M": 2_592_000}
_NAMED: Final = re.compile(r"([1-9][0-9]{0,3})([smhdwM])")

WEIGHTS: Final[Mapping[str, float]] = {
    "tick": 0.1, "1m": 0.2, "3m": 0.3, "5m": 0.4, "15m": 0.5, "30m": 0.6, "1h": 0.7, "2h": 0.8, "4h": 0.9, "6h": 1.0,
    "8h": 1.1, "12h": 1.2, "1d": 1.3, "3d": 1.4, "1w": 1.5, "1M": 1.6,
}  # fmt: skip
"""The weights that the sister services document, from the shortest timeframe to the longest."""


def seconds_of(timeframe: str) -> int | None:
    """The length of `tick` (0), `15m`, `1h`, `1M` (30 days) and so on; None for what is no timeframe."""
    if timeframe == "tick":
        return 0
    named = _NAMED.fullmatch(timeframe)
    return None if named is None else int(named[1]) * _UNITS[named[2]]


def weight_of(timeframe: str, chosen: Mapping[str, float]) -> float:
    """What a timeframe weighs: as chosen, as in the table, or as the longest of the table that is not longer."""
    if timeframe in chosen:
        return chosen[timeframe]
    if timeframe in WEIGHTS:
        return WEIGHTS[timeframe]
    length, found = seconds_of(timeframe) or 0, "tick"
    for name in WEIGHTS:
        if (seconds_of(name) or 0) <= length:
            found = name
    return chosen.get(found, WEIGHTS[found])
