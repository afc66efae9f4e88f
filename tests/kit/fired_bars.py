"""How often each strategy of bars spoke on series long enough to say: months of real klines, years of made ones."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.events import SignalMade
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import Candle, InstrumentId
from petrosa.core.model.refusals import Refused
from petrosa.core.strategies.base import CatalogEntry
from petrosa.core.strategies.catalog import CANDLE
from petrosa.core.strategist import Strategist, StrategyPlan
from tests.kit.klines import BITCOIN, ETHER, klines
from tests.kit.universe import by_day, wandering

OF_TAKERS = frozenset({"order_flow_imbalance"})
"""Who looks at what takers bought; most files do not say it."""
SIGNALS_SHARE_MAX = 1 / 8
"""Signals on a larger share of the bars are none."""
_DAY_NS = 86_400 * NS_PER_SECOND


class Source(msgspec.Struct, frozen=True):
    """Series of bars by name; `files` none: made here. `takers`: with what takers bought."""

    name: str
    interval: str
    files: tuple[tuple[str, Instrument], ...] = ()
    takers: bool = False


YEAR = Source("BTCUSDT 15m", "15m", (("BTCUSDT_15m_364d.csv.gz", BITCOIN),))
SOURCES = (
    Source("BTCUSDT 1m", "1m", (("BTCUSDT_1m_29d.csv.gz", BITCOIN),)),
    YEAR,
    Source(
        "BTCUSDT and ETHUSDT 1m with takers",
        "1m",
        (("BTCUSDT_1m_3d_taker.csv.gz", BITCOIN), ("ETHUSDT_1m_3d_taker.csv.gz", ETHER)),
        takers=True,
    ),
)
MADE = Source("20 symbols 1d, made", "1d")


class BarCounts(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy on all bars of a source: `quiet` by reason, `refused` by first failed check, `signals` by action.

    `at_stop` of the signals wait for the market to reach their price.
    """

    quiet: dict[str, int]
    refused: dict[str, int]
    signals: dict[str, int]
    at_stop: int

    @property
    def spoken(self) -> int:
        return sum(self.signals.values())


class FiredOnBars(msgspec.Struct, frozen=True, kw_only=True):
    """A source and what each strategy did on it: counted, or in `left_out` with the reason for which it was not asked.

    `days` are of one symbol, `bars` of all.
    """

    source: str
    interval: str
    digest: str
    days: float
    bars: int
    counts: dict[str, BarCounts]
    left_out: dict[str, str]


def left_out(entry: CatalogEntry, source: Source) -> str:
    """Why a strategy is not asked about a source; empty when it is."""
    if entry.timeframes and source.interval not in entry.timeframes:
        return f"not on {source.interval}"
    if entry.strategy_id in OF_TAKERS and not source.takers:
        return "no takers in it"
    if source.takers and entry.strategy_id not in OF_TAKERS:
        return "not asked"
    if not source.files and not entry.companions:
        return "not asked"
    return ""


def measure_files(source: Source, folder: Path) -> FiredOnBars:
    """Real klines, from the folder that `PETROSA_TEST_DATA` names."""
    digest, found = hashlib.sha256(), []
    for name, instrument in source.files:
        path = folder / "klines" / name
        digest.update(path.read_bytes())
        found += klines(path, instrument, source.interval)
    found.sort(key=lambda bar: bar.ts_open)
    return _measured(source, [one for _, one in source.files], found, digest.hexdigest())


def measure_made() -> FiredOnBars:
    """The made universe, the same each time."""
    market = wandering()
    return _measured(MADE, list(market), by_day(market), "")


def with_new(kept: Sequence[FiredOnBars], folder: Path) -> list[FiredOnBars]:
    """The kept figures, with those measured anew whose files are in the folder."""
    by_name = {fired.source: fired for fired in kept}
    there = [one for one in SOURCES if all((folder / "klines" / name).is_file() for name, _ in one.files)]
    by_name |= {one.name: measure_files(one, folder) for one in there}
    return [by_name[one.name] for one in SOURCES if one.name in by_name]


def _measured(source: Source, instruments: Sequence[Instrument], found: Sequence[Candle], digest: str) -> FiredOnBars:
    reasons = {name: left_out(entry, source) for name, entry in CANDLE.items()}
    asked = [name for name, reason in reasons.items() if not reason]
    return FiredOnBars(
        source=source.name,
        interval=source.interval,
        digest=digest,
        days=round((found[-1].ts_event - found[0].ts_open) / _DAY_NS, 1),
        bars=len(found),
        counts=_counted(asked, {one.id: one for one in instruments}, found, source.interval),
        left_out={name: reason for name, reason in reasons.items() if reason},
    )


def _counted(
    names: Iterable[str], instruments: Mapping[InstrumentId, Instrument], found: Iterable[Candle], interval: str
) -> dict[str, BarCounts]:
    """All of them at once, on default settings, as a desk would run them."""
    markets = {key: MarketState(one, Tape(10 * NS_PER_SECOND)) for key, one in instruments.items()}
    plans = [StrategyPlan(name, key, CANDLE[name].params(), True, (interval,)) for name in names for key in instruments]
    strategist = Strategist(instruments, plans, markets)
    signals: dict[str, Counter[str]] = {name: Counter() for name in names}
    refused: dict[str, Counter[str]] = {name: Counter() for name in names}
    at_stop: Counter[str] = Counter()
    for bar in found:
        for one in strategist.handle(bar, bar.ts_seen):
            if isinstance(one, SignalMade):
                signals[one.signal.strategy_id][one.signal.action.value] += 1
                at_stop[one.signal.strategy_id] += one.signal.order_type == "stop"
            elif isinstance(one, Refused):
                refused[one.strategy_id][one.check] += 1
    return {
        name: BarCounts(
            quiet={reason: count for reason, count in strategist.quiet_counts[name].items() if count},
            refused=dict(sorted(refused[name].items())),
            signals=dict(sorted(signals[name].items())),
            at_stop=at_stop[name],
        )
        for name in names
    }
