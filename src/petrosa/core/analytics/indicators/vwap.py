"""Volume-weighted average price since the session began."""

from array import array
from collections.abc import Sequence
from math import nan
from typing import Final

from petrosa.core.analytics.indicators.inputs import Column, extent, finite, period, rows, traded

DAY_NS: Final = 86_400_000_000_000


class Vwap:
    """Σ volume · (high + low + close) / 3 over Σ volume of the session, which begins at multiples of `session_ns`.

    Of days since 1970 that is midnight UTC. It has no value while nothing was traded in the session. Within a session
    it only adds, and with each it begins anew, so nothing drifts. Bars must come in order: raises `ValueError` for one
    that opens before the last.
    """

    __slots__ = ("_amount", "_session", "_session_ns", "_ts", "_volume", "warmup")

    def __init__(self, session_ns: int = DAY_NS) -> None:
        self._session_ns = period(session_ns, "session_ns")
        self.warmup = 1
        self._ts: int | None = None
        self._session = 0
        self._amount = self._volume = 0.0

    def update(self, ts_open: int, high: float, low: float, close: float, volume: float) -> float | None:
        """Take the bar that opened at `ts_open` (ns UTC)."""
        extent(high, low)
        finite(close, "close")
        traded(volume)
        if self._ts is not None and ts_open <= self._ts:
            raise ValueError(f"a bar of {ts_open} after that of {self._ts}; bring each bar once and in order")
        session = ts_open // self._session_ns
        if self._ts is None or session != self._session:
            self._session = session
            self._amount = self._volume = 0.0
        self._ts = ts_open
        self._amount += volume * ((high + low + close) / 3.0)
        self._volume += volume
        return self._amount / self._volume if self._volume > 0.0 else None


def vwap(
    ts_open: Sequence[int],
    high: Sequence[float],
    low: Sequence[float],
    close: Sequence[float],
    volume: Sequence[float],
    session_ns: int = DAY_NS,
) -> Column:
    """NaN also where nothing was traded in the session so far."""
    stream, bars = Vwap(session_ns), list(rows((high, low, close, volume)))
    if len(ts_open) != len(bars):
        raise ValueError(f"{len(ts_open)} times and {len(bars)} bars; they must be of the same bars")
    answers = (stream.update(int(ts), *bar) for ts, bar in zip(ts_open, bars, strict=True))
    return array("d", (nan if answer is None else answer for answer in answers))
