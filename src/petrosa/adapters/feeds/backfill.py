"""How much of what a live feed has missed is asked for, and how long the rest waits for it."""

from typing import Final, NamedTuple


class Backfill(NamedTuple):
    """Of more than `trades` only the newest are handed on; 0 asks for none. A hole that began longer than `seconds` ago
    is left as it is. Later trades of a symbol are held back for `hold_seconds` at most, and `hold_max` of them.
    """

    trades: int = 20_000
    seconds: float = 900.0
    hold_seconds: float = 20.0
    hold_max: int = 20_000


BACKFILL: Final = Backfill()
