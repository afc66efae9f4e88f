"""`petrosa feed --venue`: a venue's market data onto NATS, until a signal of the system asks to stop."""

import secrets
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

import msgspec

from petrosa.apps.joined import Report, connect
from petrosa.apps.listening.beating import beat_on, restate, show_progress, write_statistics
from petrosa.apps.listening.publishing import Publisher
from petrosa.apps.listening.status import ListeningStatus
from petrosa.apps.listening.venue import Listening, listening
from petrosa.apps.live.outside import Outside
from petrosa.apps.live.secret import reading_key
from petrosa.apps.settings import Settings, process_environment
from petrosa.runtime.supervise import OnFailure, Supervisor
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.feed import feed_part
from petrosa.surfaces.api.serve import serving

LEAVES: Final = "telling that every stream ends, publishing what waits"
ENDS: Final = "the feed was stopped"
GRACE_S: Final = 6.0

Side = tuple[str, Callable[[], Coroutine[Any, Any, None]]]


class LiveFeedSummary(msgspec.Struct, frozen=True):
    """What a live feed did: messages published, frames heard by stream, what was left out or lost by name."""

    run: str
    environment: str
    market: str
    published: int
    heard: dict[str, int]
    left_out: dict[str, int]
    events: dict[str, int]
    unpublished: int


async def serve_live_feed(settings: Settings, *, fresh: bool, report: Report) -> LiveFeedSummary:
    """Publish for ever; another feed of the same subjects is waited for.

    Raises `ConfigError` and `VenueClosed` before anything was published, each with the remedy, and `LeaseLost` when
    another feed took its place.
    """
    async with AsyncExitStack() as stack:
        bus = await connect(settings, "feed")
        stack.push_async_callback(bus.close)
        status = ListeningStatus(settings, "feed", bus, bus.url)
        await surrounded(stack, settings, status, report)
        waits = waits_on(status, report)
        key = reading_key(process_environment())
        heard = await stack.enter_async_context(listening(settings, partial(_said, report), waits, key=key))
        run = f"live-{secrets.token_hex(4)}"
        publisher = Publisher(settings, bus, heard, run, waits)
        stack.push_async_callback(publisher.alone.release)
        await publisher.prepare(fresh=fresh)
        status.opened(heard, lambda: publisher.published, lambda: publisher.unusable)
        subject, every_s = settings.nats.heartbeat_subject, settings.feed.heartbeat_seconds
        sides: list[Side] = [
            *outside_of(settings, heard, report),
            ("states", partial(restate, heard.restate)),
            ("heartbeat", partial(beat_on, bus, subject, status, every_s)),
        ]
        symbols, streams = ", ".join(heard.symbols), len(heard.feed.states)
        report(f"feed: {heard.place} {heard.market} {symbols}, {streams} streams, run {run}")
        await until_ended(settings, "feed", heard, status, publisher.run(), sides, LEAVES, report)
        return LiveFeedSummary(
            run=run,
            environment=heard.place,
            market=heard.market,
            published=publisher.published,
            heard=dict(heard.heard),
            left_out=dict(heard.outgoing.drops),
            events=dict(heard.feed.counts),
            unpublished=len(heard.outgoing),
        )


def outside_of(settings: Settings, heard: Listening, report: Report) -> list[Side]:
    """Tasks that hand on what the configured sources outside the venue say, one a source."""
    outside = Outside(settings.outside, heard.instruments, heard.offer_reading, report)
    return [(name, start) for name, start, _ in outside.sides()]


async def until_ended(
    settings: Settings, name: str, heard: Listening, status: ListeningStatus, main: Coroutine[Any, Any, None],
    sides: list[Side], leaves: str, report: Report, *, ends: Callable[[str], None] | None = None,
) -> None:  # fmt: skip
    """Listen beside what takes the frames, until that has ended; a signal of the system ends what is listened to."""

    def stop(_reason: str) -> None:
        heard.end(ENDS)

    supervisor = Supervisor(status.observed, ends or stop, stop, grace_s=GRACE_S, report=report, leaving=leaves)
    everything: list[Side] = [
        ("market data", heard.feed.run),
        ("progress", partial(show_progress, name, status, report)),
        *sides,
    ]
    if settings.log.heartbeat_enabled:
        interval_s = settings.log.heartbeat_interval_seconds
        everything.append(("statistics", partial(write_statistics, status, interval_s)))
    async with supervisor:
        for what, start in everything:
            supervisor.side(what, start, OnFailure.RESTART)
        await supervisor.run(main)


async def surrounded(stack: AsyncExitStack, settings: Settings, status: ListeningStatus, report: Report) -> None:
    """HTTP over a status, where it is wanted, until the stack ends."""
    if settings.http.enabled:
        app = api(status, [feed_part(lambda: status.feed)])
        url = await stack.enter_async_context(serving(app, settings.http.listen, settings.http.port))
        report(f"HTTP on {url}")


def waits_on(status: ListeningStatus, report: Report) -> Report:
    """Says what is waited for, in `/ready` too."""

    def waits(text: str) -> None:
        status.waits_for = text
        report(text)

    return waits


def _said(report: Report, text: str) -> None:
    report(f"feed: {text}")
