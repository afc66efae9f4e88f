"""What `petrosa doctor` asks a venue, without placing or changing anything there: one finding for each question."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Final

from petrosa.adapters.net.signing import Signer
from petrosa.adapters.venues.binance.live.permissions import check_permissions
from petrosa.adapters.venues.binance.live.rest import Rest
from petrosa.adapters.venues.binance.live.server_clock import ServerClock
from petrosa.apps.doctor import Finding
from petrosa.apps.live.preparing import known_venue, product_of, rest_of, rules_of
from petrosa.apps.live.secret import KEY, VenueKey, venue_key
from petrosa.apps.settings import Settings
from petrosa.errors import ConfigError, PetrosaError, RateLimited, TransportError

UNREACHED: Final = (
    "see that this machine reaches it (DNS, firewall, proxy), and that venue.environment and url are meant"
)
DO: Final = "do what it says; nothing is traded before"


async def examined(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    """Key, address, clock, rights, symbols, position mode; what needs an answer that there was not is left out."""
    return [finding async for finding in _questions(settings, environ)]


async def _questions(settings: Settings, environ: Mapping[str, str]) -> AsyncIterator[Finding]:
    try:
        known_venue(settings)
        key = venue_key(environ)
        signer = Signer(key.secret)
        clock = ServerClock(offset_max_ms=settings.venue.max_clock_offset_ms)
        asked = rest_of(settings, settings.feed.market, key, signer, clock)
    except ConfigError as problem:
        yield _broken("venue key", problem, f"set {KEY} and its secret, see docs/live-trading.md")
        return
    yield Finding("venue key", "ok", f"{key!r}")
    async with AsyncExitStack() as stack:
        rest = await stack.enter_async_context(asked)
        reached = await _reached(settings, rest, clock)
        yield reached
        if reached.status == "broken":
            return
        spot = rest
        if settings.feed.market != "spot":
            spot = await stack.enter_async_context(rest_of(settings, "spot", key, signer, clock))
        yield await _rights(settings, spot, key)
        yield await _symbols(settings, rest)


async def _reached(settings: Settings, rest: Rest, clock: ServerClock) -> Finding:
    where = f"{settings.venue.environment.value} {settings.feed.market}"
    try:
        await rest.sync_clock()
    except (TransportError, RateLimited) as problem:
        return _broken("venue", problem, UNREACHED, f"{where} does not answer: ")
    except PetrosaError as problem:
        return _broken("venue clock", problem, "keep the clock right with NTP or chrony")
    detail = f"{where} answers; its clock is {clock.offset_ms:+.1f} ms from ours, ± {clock.uncertainty_ms:.1f} ms"
    if clock.is_alarming:
        return Finding("venue", "note", detail, f"keep the clock right with NTP: below {clock.alarm_ms:g} ms")
    return Finding("venue", "ok", detail)


async def _rights(settings: Settings, spot: Rest, key: VenueKey) -> Finding:
    try:
        remarks = await check_permissions(spot, settings.venue.environment.value, [settings.feed.market])
    except PetrosaError as problem:
        return _broken("key rights", problem, DO)
    if remarks:
        return Finding("key rights", "note", "; ".join(remarks), "in the API management of the account")
    return Finding("key rights", "ok", f"{key!r} may read and trade {settings.feed.market}, and may not withdraw")


async def _symbols(settings: Settings, rest: Rest) -> Finding:
    """Rules and fees of every symbol, and on futures the account's position mode."""
    try:
        rules = await rules_of(settings, rest)
        await product_of(settings, rest, rules)
    except PetrosaError as problem:
        return _broken("symbols and account", problem, DO)
    names = ", ".join(sorted(one.symbol for one in rules.values()))
    mode = "" if settings.feed.market == "spot" else f", position mode {settings.venue.position_mode.value}"
    return Finding("symbols and account", "ok", f"{names} with rules and fees{mode}")


def _broken(name: str, problem: Exception, remedy: str, before: str = "") -> Finding:
    return Finding(name, "broken", f"{before}{problem}", remedy)
