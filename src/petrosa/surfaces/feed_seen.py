"""What a live feed knows about itself, as one value taken when somebody asks."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

RANK: Final = {"unknown": -1, "live": 0, "stale": 1, "dead": 2}


class StreamSeen(msgspec.Struct, frozen=True):
    """One stream: `state` is live, stale, dead or unknown, for so long, and why; frames heard, and how long ago."""

    state: str
    since_s: float
    reason: str
    frames: int
    age_s: float | None


class BookSeen(msgspec.Struct, frozen=True):
    """One book of differences: for how long it is whole, or is not (none: it never was)."""

    is_synchronised: bool
    since_s: float | None
    gaps: int
    snapshots: int


class FeedSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A live feed: streams by name, books by symbol, what became of frames by name, and what waits to be told on."""

    streams: Mapping[str, StreamSeen]
    books: Mapping[str, BookSeen]
    connections: Mapping[str, bool]
    reconnects: int
    events_by_name: Mapping[str, int]
    left_out_by_name: Mapping[str, int]
    told: int
    waiting: int
    room: int

    @property
    def by_state(self) -> dict[str, int]:
        """How many streams are in each state."""
        counts = dict.fromkeys(RANK, 0)
        for stream in self.streams.values():
            counts[stream.state] += 1
        return counts

    @property
    def heard(self) -> int:
        """Frames of all streams."""
        return sum(stream.frames for stream in self.streams.values())

    @property
    def left_out(self) -> int:
        """Frames that waited too long for their taker."""
        return sum(self.left_out_by_name.values())


def feed_metrics(seen: FeedSeen) -> Iterator[Metric]:
    """Those of the sister service under its names, and ours."""
    up = all(seen.connections.values()) and bool(seen.connections)
    yield GaugeMetricFamily("websocket_connected", "1 while every connection to the venue is open.", value=up)
    yield CounterMetricFamily("websocket_messages_processed", "Frames heard.", value=seen.heard)
    yield CounterMetricFamily("websocket_messages_dropped", "Frames left out.", value=seen.left_out)
    yield CounterMetricFamily("websocket_reconnect_attempts", "Connections opened again.", value=seen.reconnects)
    yield CounterMetricFamily("nats_messages_published", "Messages published.", value=seen.told)
    yield CounterMetricFamily("petrosa_feed_reconnects", "Connections opened again.", value=seen.reconnects)
    yield GaugeMetricFamily("petrosa_feed_waiting", "Messages that wait for NATS or the disk.", value=seen.waiting)
    yield _each(GaugeMetricFamily, "petrosa_feed_streams", "Market data streams, by state.", "state", seen.by_state)
    streams, books = seen.streams.items(), seen.books.items()
    states = {name: RANK[one.state] for name, one in streams}
    yield _each(
        GaugeMetricFamily, "petrosa_feed_stream_state", "0 live, 1 stale, 2 dead, -1 not known.", "stream", states
    )
    ages = {name: one.age_s for name, one in streams if one.age_s is not None}
    yield _each(GaugeMetricFamily, "petrosa_feed_stream_age_seconds", "Since its last frame.", "stream", ages)
    frames = {name: one.frames for name, one in streams}
    yield _each(CounterMetricFamily, "petrosa_feed_frames", "Frames heard.", "stream", frames)
    synced = {symbol: one.since_s for symbol, one in books if one.is_synchronised and one.since_s is not None}
    yield _each(
        GaugeMetricFamily, "petrosa_feed_book_sync_age_seconds", "For how long a book is whole.", "symbol", synced
    )
    gaps = {symbol: one.gaps for symbol, one in books}
    yield _each(CounterMetricFamily, "petrosa_feed_book_gaps", "How often a book was not whole.", "symbol", gaps)
    text = "What the feed fetched, filled or lost, by name."
    yield _each(CounterMetricFamily, "petrosa_feed_events", text, "name", seen.events_by_name)


def _each(
    family: type[CounterMetricFamily] | type[GaugeMetricFamily], name: str, text: str, label: str,
    values: Mapping[str, float],
) -> Metric:  # fmt: skip
    made = family(name, text, labels=[label])
    for key in sorted(values):
        made.add_metric([key], values[key])
    return made
