"""Where each message of a live feed goes: the bare subject, the symbol's own, or both where that is asked for."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from petrosa.adapters.venues.binance.live.topics import topic_of
from petrosa.adapters.wire.envelope import Live, Wrapper
from petrosa.adapters.wire.subjects import symbol_subject
from petrosa.apps.settings import Settings
from petrosa.errors import ConfigError, FrameError
from petrosa.runtime.conflating import Frame

ALL_SYMBOLS: Final = "market.data.>"
MICROSECOND: Final = 1_000

Addressed = tuple[str, bytes]
"""(subject, message)."""


class Subjects:
    """Wraps frames, and numbers them on each subject by itself, so that who reads one knows what it missed.

    Numbers begin with the microsecond of the start: message ids are not used twice by feeds that follow each other.
    """

    def __init__(self, settings: Settings, symbols: Sequence[str], now: int) -> None:
        """Raises `ConfigError` for a bare subject that nothing can be published on."""
        feed, bare = settings.feed, settings.nats.market_subject
        self._venue, self._market = feed.venue, feed.market
        self._first = now // MICROSECOND
        self._bare = bare if feed.mirror or feed.subjects == "bare" else ""
        if self._bare and ("*" in bare or ">" in bare):
            raise ConfigError(
                f"nats.market_subject = {bare} means many subjects, and a feed publishes on one; name it, or set"
                " feed.subjects = per_symbol"
            )
        sources = (source.upper() for source in settings.outside.sources)
        owned = (*symbols, *sources) if feed.mirror or feed.subjects == "per_symbol" else ()
        self._own = {one: symbol_subject(feed.venue, feed.market, one, feed.partitions) for one in owned}
        self.used = [*([self._bare] if self._bare else []), *self._own.values()]
        """On which something is published."""
        self._wrappers = {subject: self._wrapper() for subject in self.used}
        self._put_round = self._wrappers[self._bare].put_round if self._bare else None
        self.captured = [*([self._bare] if self._bare else []), *([ALL_SYMBOLS] if owned else [])]
        """What the stream must hold."""

    def begin(self, run: str, now: int) -> list[Addressed]:
        """What is said first, on every subject."""
        marker = Live(run, self._venue, self._market)
        return [(subject, wrapper.mark(marker, now)) for subject, wrapper in self._wrappers.items()]

    def of(self, frames: Iterable[Frame], refused: Callable[[FrameError], None]) -> list[Addressed]:
        """The messages of frames, in their order; `refused` is told of each that is none of a combined stream."""
        found: list[Addressed] = []
        bare, own, wrappers, put_round = self._bare, self._own, self._wrappers, self._put_round
        for frame in frames:
            arrival, payload = frame.arrival, frame.payload
            try:
                if put_round is not None:
                    found.append((bare, put_round(arrival, payload)))
                if own and (subject := own.get(topic_of(payload).symbol)) is not None:
                    found.append((subject, wrappers[subject].put_round(arrival, payload)))
            except FrameError as problem:
                refused(problem)
        return found

    def _wrapper(self) -> Wrapper:
        return Wrapper(self._venue, self._market, self._first)
