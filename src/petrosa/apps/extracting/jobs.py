"""The jobs of `petrosa extract`: bars, funding rates, trades, gaps; each over several series at once."""

import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

import msgspec

from petrosa.adapters.bus.nats import NatsBus
from petrosa.apps.extract_settings import ExtractSettings
from petrosa.apps.extracting.bans import Ban
from petrosa.apps.extracting.bars import Bars
from petrosa.apps.extracting.events import GAP_FILLING, Events
from petrosa.apps.extracting.opening import Surroundings, market_of, opened
from petrosa.apps.extracting.rates import Rates
from petrosa.apps.extracting.results import Result, Summary
from petrosa.apps.extracting.tools import Tools, each
from petrosa.apps.extracting.trades import Trades
from petrosa.apps.settings import Settings
from petrosa.core.market.grid import shown
from petrosa.core.model.base import NEVER
from petrosa.core.model.history import Series
from petrosa.errors import RateLimited, TransportError, UsageError
from petrosa.ports import KlineStore
from petrosa.surfaces.cli.progress import Work

TICK_S: Final = 1.0
T = TypeVar("T")
Jobs = list[tuple[Result, Coroutine[Any, Any, None]]]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a job is asked for. `kind` is klines, funding, trades or gaps; times in ns, `since` none for the default."""

    kind: str
    symbols: tuple[str, ...]
    intervals: tuple[str, ...] = ()
    since: int | None = None
    until: int = NEVER
    verify: int = 0
    fill: bool = False
    dry_run: bool = False


async def extract(
    settings: Settings, asked: Asked, *, work: Work | None = None, surroundings: Surroundings | None = None,
    store: KlineStore | None = None,
) -> Summary:  # fmt: skip
    """Do a job to its end. One series that fails does not stop the others: `Summary.failed` has them.

    Raises `UsageError` for what cannot be asked, `RateLimited` for a ban that is longer than we wait, `TransportError`
    when the venue is away from the beginning.
    """
    check(asked, market_of(settings))
    surroundings = surroundings or Surroundings()
    work = work or work_of(asked)

    async def once() -> Summary:
        async with opened(settings, asked.symbols, work, surroundings, store=store) as tools:
            return await _done(settings, asked, tools)

    return await outliving_bans(settings, once, work, surroundings)


async def outliving_bans(
    settings: Settings, once: Callable[[], Awaitable[T]], work: Work, surroundings: Surroundings
) -> T:
    """What `once` comes to, from the beginning after every ban: nothing is asked while one lasts.

    A ban that is longer than `extract.ban_wait_seconds` goes through, and is kept for the next process.
    """
    ban = Ban(settings.home, market_of(settings), surroundings.wall)
    while True:
        try:
            return await once()
        except RateLimited as problem:
            if not problem.is_ban:
                raise
            ban.note(problem)
            if problem.retry_after_s > settings.extract.ban_wait_seconds:
                raise
        work.notice = lambda: f"banned by the venue, nothing is asked for {ban.left_s:,.0f} s more"
        work.begin("ban")
        while ban.left_s > 0:
            await surroundings.pause(min(TICK_S, ban.left_s))
        work.notice = str
        del work.lines["ban"]


def check(asked: Asked, market: str) -> None:
    """Raises `UsageError` for what this market cannot be asked for."""
    if "1s" in asked.intervals and market != "spot":
        raise UsageError("interval '1s' is made on spot only; leave it out, or use --market spot")
    if asked.kind == "funding" and market == "spot":
        raise UsageError("spot has no funding rates; use --market usdm")
    if asked.since is not None and asked.since >= asked.until:
        raise UsageError("--from is not before --to; nothing lies between them")
    if not asked.intervals and asked.kind in ("klines", "gaps"):
        raise UsageError("--intervals names none; write them as 1m,1h,1d")


async def _done(settings: Settings, asked: Asked, tools: Tools) -> Summary:
    if asked.since is not None and asked.since >= tools.horizon:
        raise UsageError(
            f"--from {shown(asked.since)} is still to come: the venue's clock says {shown(tools.horizon)}; nothing can"
            " be fetched of that time yet"
        )
    began = time.perf_counter()
    results = await each(tools, _jobs(settings.extract, asked, tools))
    elapsed_s = time.perf_counter() - began
    summary = Summary(
        asked.kind, tools.market, tools.source, asked.dry_run, results,
        tools.rest.rest.traffic.sent if tools.rest is not None else 0,
        tools.archive.files.fetched if tools.archive is not None else 0,
        round(elapsed_s, 3),
    )  # fmt: skip
    if not asked.dry_run and (asked.kind != "gaps" or asked.fill):
        await _tell(settings, asked, summary)
    return summary


def _jobs(extract: ExtractSettings, asked: Asked, tools: Tools) -> Jobs:
    market, until = tools.market, min(asked.until, tools.horizon)
    if asked.kind == "funding":
        rates = [Rates(tools, market, symbol) for symbol in asked.symbols]
        return [(r.result, r.bring_up(asked.since, until, extract.days, dry_run=asked.dry_run)) for r in rates]
    if asked.kind == "trades":
        trades = [Trades(tools, market, symbol) for symbol in asked.symbols]
        return [(t.result, t.bring_up(asked.since, until, extract.trade_days, dry_run=asked.dry_run)) for t in trades]
    series = [Bars(tools, Series(market, symbol, name)) for symbol in asked.symbols for name in asked.intervals]
    if asked.kind == "gaps":
        return [(b.result, b.check(asked.since, until, fill=asked.fill)) for b in series]
    return [
        (b.result, b.bring_up(asked.since, until, extract.days, verify=asked.verify, dry_run=asked.dry_run))
        for b in series
    ]


async def _tell(settings: Settings, asked: Asked, summary: Summary) -> None:
    """Events on NATS, where there is a server and they are wanted. A server that is away costs them, and no more."""
    if not settings.nats.url or not settings.extract.events:
        return
    kind = GAP_FILLING if asked.kind == "gaps" else asked.kind
    try:
        bus = await NatsBus.connect(
            settings.nats.url, name="petrosa-extract", timeout_s=settings.nats.connect_timeout_seconds,
            allow_core_signals=True,
        )  # fmt: skip
    except TransportError:
        summary.events_lost = len(summary.results)
        return
    try:
        events = Events(bus, settings.extract.subject_prefix, time.time_ns)
        await events.tell(kind, summary.results, summary.elapsed_s)
        summary.events, summary.events_lost = events.told, events.lost
    finally:
        await bus.close()


def work_of(asked: Asked) -> Work:
    """How far a job is, from its beginning."""
    return Work(asked.kind, {"funding": "rates", "trades": "trades"}.get(asked.kind, "bars"))


def problems(results: Sequence[Result]) -> list[str]:
    """What went wrong, a line each."""
    return [f"{one.name}: {error}" for one in results for error in one.errors]
