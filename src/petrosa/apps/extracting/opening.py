"""Opens what extraction works with, as the settings say: the store, the venue, the archive; and closes it again."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from difflib import get_close_matches
from typing import Final

import msgspec

from petrosa.adapters.net.rate_limit import Ledger
from petrosa.adapters.venues.binance.history.archive import Archive
from petrosa.adapters.venues.binance.history.files import Files
from petrosa.adapters.venues.binance.history.rest import RestHistory
from petrosa.adapters.venues.binance.live.environments import Urls
from petrosa.adapters.venues.binance.live.limits import DEFAULTS
from petrosa.adapters.venues.binance.live.rest import Rest
from petrosa.adapters.venues.binance.live.server_clock import ServerClock
from petrosa.apps.extracting.bans import Ban
from petrosa.apps.extracting.tools import DAY_NS, Source, Tools
from petrosa.apps.klines import open_klines
from petrosa.apps.settings import Settings
from petrosa.core.signals.symbols import plain_symbol
from petrosa.errors import RateLimited, TransportError, UsageError
from petrosa.ports import KlineStore
from petrosa.surfaces.cli.progress import Work

PATIENCE_S: Final = 600.0
"""How long a question waits for its allowance: the others' are gone through before."""

SUGGESTED_MAX: Final = 3


class Surroundings(msgspec.Struct, frozen=True):
    """Wall time and chance, for those who need them otherwise."""

    wall: Callable[[], int] = time.time_ns
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: random.Random = random.Random()


def market_of(settings: Settings) -> str:
    """The market that is extracted."""
    return settings.extract.market or settings.feed.market


def open_rest(settings: Settings, surroundings: Surroundings) -> RestHistory:
    """The venue's REST API, without a key and without a word to it yet."""
    extract, market = settings.extract, market_of(settings)
    address = _address(settings).rstrip("/")
    # How wrong our own clock is does not matter here: what is over is judged by the venue's.
    clock = ServerClock(surroundings.wall, offset_max_ms=float("inf"))
    ledger = Ledger(DEFAULTS[market], clock.now, reserved=1.0 - extract.weight_share)
    rest = Rest(
        market, Urls(address, "", "", "", ""), "", None, clock, ledger, timeout_s=extract.timeout_seconds,
        patience_s=PATIENCE_S, attempts=extract.attempts, pause=surroundings.pause, chance=surroundings.chance,
    )  # fmt: skip
    return RestHistory(rest, at_once=extract.workers, pause=surroundings.pause, chance=surroundings.chance)


@asynccontextmanager
async def opened(
    settings: Settings, symbols: Sequence[str], work: Work, surroundings: Surroundings | None = None,
    *, store: KlineStore | None = None,
) -> AsyncIterator[Tools]:  # fmt: skip
    """Tools for a job on these symbols. A `store` that is given is not closed.

    Raises `UsageError` for a symbol that the venue does not have, with what may have been meant; `RateLimited` while a
    ban lasts that an earlier job has met.
    """
    surroundings = surroundings or Surroundings()
    extract, market = settings.extract, market_of(settings)
    source: Source = extract.source
    archive = None if source == "rest" else Archive(market, Files(extract.archive_url, pause=surroundings.pause))
    rest = None if source == "archive" else open_rest(settings, surroundings)
    ban = Ban(settings.home, market, surroundings.wall)
    own = store is None
    try:
        if store is None:
            store = await open_klines(settings)
        horizon = surroundings.wall()
        if rest is not None:
            ban.check()
            try:
                _check_symbols(symbols, await rest.open(), market)
                horizon = await rest.server_time()
            except RateLimited as problem:
                ban.note(problem)
                raise
            except TransportError as problem:
                raise TransportError(f"{problem}; extract.{market}_url is {_address(settings)}") from None
        yield Tools(
            market, store, rest, archive, source, horizon, work, round(extract.gap_recheck_days * DAY_NS),
            extract.workers, surroundings.pause,
        )  # fmt: skip
    finally:
        for one in (rest, archive):
            if one is not None:
                await one.close()
        if own and store is not None:
            await store.close()


def _address(settings: Settings) -> str:
    return settings.extract.spot_url if market_of(settings) == "spot" else settings.extract.usdm_url


def wanted_symbols(settings: Settings, named: str | None) -> tuple[str, ...]:
    """What was asked for, or what the settings say; each once."""
    given = named.split(",") if named else settings.extract.symbols or settings.feed.symbols
    found = tuple(dict.fromkeys(plain_symbol(one) for one in given if one.strip()))
    if not found:
        raise UsageError("--symbols names none; write them as BTCUSDT,ETHUSDT")
    return found


def _check_symbols(symbols: Sequence[str], known: Mapping[str, str], market: str) -> None:
    for symbol in symbols:
        if symbol in known:
            continue
        near = get_close_matches(symbol, known, SUGGESTED_MAX, 0.7)
        hint = f"did you mean {' or '.join(near)}?" if near else f"the venue has {len(known)} symbols, none like it"
        raise UsageError(f"symbol {symbol!r} is not on {market}: {hint} What was delisted is in the archive alone"
                         " (--source archive)")  # fmt: skip
