"""`petrosa ta`: bars out of the store, signals on the bus; the same over stored history, for whoever wants to know."""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager

from petrosa.adapters.stores.journal.writer import JournalWriter, open_append, open_buffered
from petrosa.apps.analysis.bars import EVER, Bars, Due, bars_needed, followed_series
from petrosa.apps.analysis.outlets import Aloud, Silent
from petrosa.apps.analysis.progress import Progress
from petrosa.apps.analysis.service import AnalysisService, Outlet
from petrosa.apps.analysis.status import AnalysisStatus, StoreSeen
from petrosa.apps.analysis.summary import TaSummary
from petrosa.apps.analysis.waking import Waking
from petrosa.apps.broker import find_broker
from petrosa.apps.configuration.live import live_configuration, stored_settings
from petrosa.apps.instruments import load_instruments
from petrosa.apps.joined import Report, connect
from petrosa.apps.journaling import new_run_folder, open_journal, provenance_of, run_file
from petrosa.apps.klines import open_klines
from petrosa.apps.market_stream import Market, ensure_streams
from petrosa.apps.publishing import Publisher
from petrosa.apps.services import surround
from petrosa.apps.settings import Settings
from petrosa.apps.surface import parts_of
from petrosa.apps.wiring import Instruments, choose_instruments
from petrosa.core.signals.symbols import plain_symbol
from petrosa.errors import StorageError, UsageError
from petrosa.ports import Bus, KlineStore

COMMAND = "ta"


async def serve_ta(
    settings: Settings, *, report: Report, once: bool = False, catches_signals: bool = True
) -> TaSummary:
    """Turn new bars into signals until a signal of the system asks to stop; with `once` those that are there.

    Without NATS the signals are said aloud. Raises `StorageError` when the store does not answer at the start.
    """
    async with AsyncExitStack() as stack:
        bus = await _bus(stack, settings)
        instruments = ta_instruments(settings)
        symbols = [one.symbol for one in instruments.values()]
        configuration = await stack.enter_async_context(live_configuration(settings, symbols, bus))
        effective = configuration.settings
        store = await _store(stack, settings)
        followed = followed_series(effective, instruments)
        bars = Bars(store, followed, bars_needed(effective))
        waking, seen = Waking(followed, settings.ta.poll_seconds), StoreSeen()
        progress = Progress(configuration.documents, followed)
        outlet = await _outlet(settings, instruments, bus, report)
        journal = stack.enter_context(_journal(effective, instruments, durable=settings.journal.durable))
        service = AnalysisService(
            effective, instruments, followed, journal, outlet, progress, report, configuration.desk.record
        )
        if settings.http.enabled and not once:
            status = AnalysisStatus(settings, list(followed), service, configuration, seen, waking, bus)
            parts = await parts_of(settings, configuration, report, None)
            await surround(stack, settings, status, settings.http.port, report, parts)
        if bus is not None:
            subscription = await waking.listen(bus, settings.extract.subject_prefix)
            stack.push_async_callback(subscription.unsubscribe)
        remembered = await progress.load()
        report(f"ta: {len(followed)} series, up to {bars_needed(effective):,} bars of each to warm up")
        await service.begin(await bars.begin(remembered.bars), remembered.cooldowns)
        if missing := [f"{one.symbol} {one.interval}" for one in followed if one not in service.turned]:
            report(f"ta: the store has no bar of {', '.join(missing)}; run petrosa extract klines")
        configuration.desk.attach(service.loop, service.strategist, service.instruments)
        configuration.watch.wake()
        stack.callback(configuration.desk.detach)
        source = _nothing() if once else news(bars, waking, seen, report)
        return await service.serve(source, catches_signals=catches_signals)


async def analyse(settings: Settings, since: int, until: int | None, *, report: Report) -> TaSummary:
    """Turn the bars that close in [`since`, `until`) again. Nothing is published and nothing is remembered.

    Raises `UsageError` when there is none.
    """
    end = min(time.time_ns() if until is None else until, EVER)
    async with AsyncExitStack() as stack:
        effective = await stored_settings(settings)
        instruments = ta_instruments(effective)
        followed = followed_series(effective, instruments)
        store = await _store(stack, effective)
        bars = Bars(store, followed, bars_needed(effective))
        journal = stack.enter_context(_journal(effective, instruments, durable=False))
        service = AnalysisService(effective, instruments, followed, journal, Silent(), None, report)
        source = bars.between(since, end)
        await service.begin(await anext(source), {})
        summary = await service.serve(source, catches_signals=False)
    if not summary.bars:
        raise UsageError(
            "the store has no bar of that time of these series; see what it has with petrosa extract status, fetch it"
            " with petrosa extract klines --from, or choose another --from and --to"
        )
    return summary


def ta_instruments(settings: Settings) -> Instruments:
    """The rules of the symbols that are analysed. Raises `ConfigError` for one that has none."""
    known = load_instruments(settings.instruments.file or None)
    symbols = [plain_symbol(one) for one in settings.ta.symbols] or settings.feed.symbols
    return choose_instruments(settings, known, settings.feed.market, symbols)


async def news(bars: Bars, waking: Waking, seen: StoreSeen, report: Report) -> AsyncIterator[Sequence[Due]]:
    """What comes, for ever; a store that is away is asked again."""
    while True:
        series = await waking.wait()
        try:
            found = await bars.news(series)
        except StorageError as problem:
            if not seen.problem:
                report(f"ta: {problem}")
            seen.problem = str(problem)
            continue
        if seen.problem:
            report("ta: the store of bars answers again")
        seen.problem = ""
        yield found


async def _nothing() -> AsyncIterator[Sequence[Due]]:
    """No news at all."""
    none: Sequence[Sequence[Due]] = ()
    for due in none:
        yield due


async def _bus(stack: AsyncExitStack, settings: Settings) -> Bus | None:
    """None where nobody names one: then everything else works all the same."""
    if not (settings.nats.url or find_broker(settings.home)):
        return None
    bus = await connect(settings, COMMAND)
    stack.push_async_callback(bus.close)
    return bus


async def _store(stack: AsyncExitStack, settings: Settings) -> KlineStore:
    store = await open_klines(settings)
    stack.push_async_callback(store.close)
    return store


async def _outlet(settings: Settings, instruments: Instruments, bus: Bus | None, report: Report) -> Outlet:
    if bus is None:
        report("ta: no NATS is named (NATS_URL): signals are said here and stand in the journal")
        return Aloud(report)
    await ensure_streams(settings, bus)
    market = Market(settings.feed.venue, settings.feed.market, instruments, None)
    return Publisher(bus, settings.nats.signal_subject, market, report)


@contextmanager
def _journal(settings: Settings, instruments: Instruments, *, durable: bool) -> Iterator[JournalWriter]:
    """One a start: the bars stand in the store, and what was said is remembered there too."""
    replica = f"-{settings.service.replica}" if settings.service.replica else ""
    folder = new_run_folder(settings.runs, f"{COMMAND}{replica}")
    provenance = provenance_of(settings, instruments, has_trader=False)
    opener = open_append if durable else open_buffered
    writer = open_journal(settings, folder, provenance, run_file(folder, COMMAND), durable=durable, opener=opener)
    try:
        yield writer
    finally:
        writer.close()
