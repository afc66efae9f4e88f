"""What a process that listens to a venue says about itself."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from petrosa.apps.listening.venue import Listening
from petrosa.apps.service import info_of
from petrosa.apps.settings import Settings
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import FeedState
from petrosa.ports import Bus
from petrosa.runtime.observed import Observed
from petrosa.surfaces.feed_seen import BookSeen, FeedSeen, StreamSeen
from petrosa.surfaces.observation import Check, Info, Observation, Readiness, readiness_of
from petrosa.surfaces.status import bus_check

NAMED: Final = 5
"""Streams that a check names at most."""


class ListeningStatus:
    """An `ApiState`: alive and not ready until the venue has answered; not ready while a stream is dead."""

    def __init__(self, settings: Settings, service: str, bus: Bus | None = None, url: str = "") -> None:
        self.waits_for = "the venue has not answered yet"
        self.observed = Observed()
        self._settings = settings
        self._info = info_of(settings, service, settings.feed.symbols)
        self._bus = bus
        self._url = url
        self._began = time.monotonic()
        self._heard: Listening | None = None
        self._told: Callable[[], int] = int
        self._unusable: Callable[[], Counter[str]] = Counter

    def opened(self, heard: Listening, told: Callable[[], int], unusable: Callable[[], Counter[str]] = Counter) -> None:
        """The venue is listened to now; `told` counts what was published or written."""
        self._heard, self._told, self._unusable = heard, told, unusable

    @property
    def feed(self) -> FeedSeen | None:
        """None before the venue has answered."""
        return None if self._heard is None else _seen(self._heard, self._told())

    def observe(self) -> Observation:
        uptime_s, feed = time.monotonic() - self._began, self.feed
        connected = None if self._bus is None else self._bus.connected
        if feed is None:
            return Observation(uptime_s=uptime_s, nats_connected=connected)
        return Observation(
            uptime_s=uptime_s,
            messages_processed=feed.told,
            message_errors_by_reason=dict(self._unusable()),
            gaps_by_symbol={symbol: book.gaps for symbol, book in feed.books.items()},
            drops_by_name=feed.left_out_by_name,
            inbox_depth=feed.waiting,
            nats_connected=connected,
            feed=feed,
        )

    def readiness(self) -> Readiness:
        checks = [self._feed_check()]
        if self._bus is not None:
            bus = self._bus
            checks.append(bus_check(lambda: bus.connected, self._url))
        return readiness_of(tuple(checks))

    def info(self) -> Info:
        return self._info

    def _feed_check(self) -> Check:
        feed = self.feed
        if feed is None:
            return Check("feed", False, self.waits_for)
        counts = feed.by_state
        text = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        worst = [name for name, one in feed.streams.items() if one.state in ("dead", "stale")]
        named = f": {', '.join(worst[:NAMED])}{', …' if len(worst) > NAMED else ''}" if worst else ""
        return Check("feed", counts["dead"] == 0 and counts["live"] > 0, f"streams: {text}{named}")


def _seen(heard: Listening, told: int) -> FeedSeen:
    feed, now = heard.feed, heard.clock.now()

    def since(at: int) -> float | None:
        return round(max(0.0, (now - at) / NS_PER_SECOND), 3) if at else None

    return FeedSeen(
        streams={
            name: StreamSeen(
                _word(one.state), since(one.since) or 0.0, one.reason, heard.heard[name], since(one.last_heard)
            )
            for name, one in feed.states.items()
        },
        books={
            symbol: BookSeen(one.is_synchronised, since(one.since), one.gaps, one.snapshots)
            for symbol, one in feed.books.items()
        },
        connections={name: link.connected for name, link in feed.links.items()},
        reconnects=sum(link.reconnects for link in feed.links.values()),
        events_by_name=dict(feed.counts),
        left_out_by_name=dict(heard.outgoing.drops),
        told=told,
        waiting=len(heard.outgoing),
        room=heard.capacity,
    )  # fmt: skip


def _word(state: FeedState | None) -> str:
    return "unknown" if state is None else state.value
