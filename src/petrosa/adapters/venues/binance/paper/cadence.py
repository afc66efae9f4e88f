"""How often a stream speaks: at once when it was quiet, else when its time has come, with what is true by then."""

from collections.abc import Callable
from typing import Final

from petrosa.core.model.base import NS_PER_MS
from petrosa.core.model.market import BookDiff, Level

Made = Callable[[], object]
SPEEDS_NS: Final = {name: int(name[1:-2]) * NS_PER_MS for name in ("@100ms", "@250ms", "@500ms", "@1000ms")}
EXACT: Final = "@0ms"
"""Every difference as it comes, which the recordings of USD-M have and Binance documents no longer."""


class Cadence:
    """Streams with what they will say next. Nothing waits of a stream that nobody hears."""

    def __init__(self) -> None:
        self._due: dict[str, int] = {}
        self._waiting: dict[str, Made] = {}

    def offer(self, stream: str, every_ns: int, now: int, made: Made) -> bool:
        """Whether it is said now; else it waits, in place of what waited."""
        if now >= self._due.get(stream, 0):
            self._due[stream] = now + every_ns
            self._waiting.pop(stream, None)
            return True
        self._waiting[stream] = made
        return False

    def ripe(self, now: int, every_ns: Callable[[str], int]) -> list[tuple[str, Made]]:
        """What has waited long enough."""
        if not self._waiting:
            return []
        names = [stream for stream in self._waiting if now >= self._due[stream]]
        for stream in names:
            self._due[stream] = now + every_ns(stream)
        return [(stream, self._waiting.pop(stream)) for stream in names]

    def forget(self, stream: str) -> None:
        self._due.pop(stream, None)
        self._waiting.pop(stream, None)


class Merged:
    """Differences of one stream that wait to be told as one: the last quantity of each price, and the whole chain."""

    __slots__ = ("_asks", "_bids", "_first", "_last")

    def __init__(self) -> None:
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._first: BookDiff | None = None
        self._last: BookDiff | None = None

    def add(self, diff: BookDiff) -> None:
        self._first = self._first or diff
        self._last = diff
        self._bids.update(diff.bids)
        self._asks.update(diff.asks)

    def take(self) -> BookDiff:
        """All of them as one. There must be one."""
        first, last = self._first, self._last
        assert first is not None
        assert last is not None
        bids: tuple[Level, ...] = tuple(self._bids.items())
        made = BookDiff(
            last.instrument, last.ts_event, last.ts_seen, first.first_update_id, last.last_update_id,
            first.previous_update_id, bids, tuple(self._asks.items()),
        )  # fmt: skip
        self._bids, self._asks, self._first, self._last = {}, {}, None, None
        return made
