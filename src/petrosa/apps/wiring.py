"""The map of a desk: one function a part, from settings to something that turns."""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from petrosa.apps.models import load_models
from petrosa.apps.settings import Settings
from petrosa.apps.venues import liquidation_streams
from petrosa.core.analytics.analyzer import DepthAnalyzer
from petrosa.core.desk import Checkpoint as DeskCheckpoint
from petrosa.core.desk import Desk
from petrosa.core.execution.trader_params import TraderParams
from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.commands import SeatParameters
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId, instrument_id
from petrosa.core.simulation.exchange import Exchange, SimulatedState
from petrosa.core.strategies.catalog import CANDLE, CATALOG, TICK
from petrosa.core.strategist import Strategist, StrategyPlan
from petrosa.core.trader import Trader
from petrosa.core.turns import Turns, TurnsState
from petrosa.errors import ConfigError
from petrosa.surfaces.kill_switch import Engagement

FLOW_WINDOW_NS: Final = 10 * NS_PER_SECOND
"""How far back the tape of recent trades reaches, which the flow guard of a strategy asks."""

Instruments = Mapping[InstrumentId, Instrument]
Markets = Mapping[InstrumentId, MarketState]


class Parts(NamedTuple):
    """A desk and what it is made of, for readers between turns."""

    instruments: Instruments
    markets: Markets
    strategist: Strategist
    trader: Trader
    desk: Desk
    analyzer: DepthAnalyzer | None = None


class Checkpoint(msgspec.Struct, frozen=True):
    """Everything after a turn that a restarted process needs: time, the desk, and a venue that is in this process.

    `last_signal` is the place in the signals' stream of the last one turned, 0 where it is found in another way;
    `latched` is how far the kill switch was engaged, by whom and why.
    """

    turns: TurnsState
    desk: DeskCheckpoint
    venue: SimulatedState | None
    last_signal: int = 0
    latched: tuple[Engagement, ...] = ()


def choose_instruments(
    settings: Settings, known: Instruments, market: str, symbols: Collection[str]
) -> dict[InstrumentId, Instrument]:
    """The rules of the symbols of a market. Raises `ConfigError` for a symbol that has none."""
    chosen: dict[InstrumentId, Instrument] = {}
    for symbol in sorted(symbols):
        key = instrument_id(settings.feed.venue, market, symbol)
        if key not in known:
            raise ConfigError(
                f"there are no rules for {key}; add it to the instruments file (--instruments) or leave the symbol out "
                f"(--set feed.symbols={','.join(sorted(set(symbols) - {symbol})) or 'BTCUSDT'})"
            )
        rules = known[key]
        if not settings.instruments.allow_shorts:
            rules = msgspec.structs.replace(rules, short_allowed=False)
        chosen[key] = rules
    return chosen


def symbols_of(settings: Settings, recorded: Collection[str]) -> list[str]:
    """The symbols of a recording that are wanted: those that were configured on purpose, else all of them."""
    if settings.merged.origins["feed.symbols"].kind == "default":
        return sorted(recorded)
    wanted = [symbol for symbol in settings.feed.symbols if symbol in recorded]
    if not wanted:
        raise ConfigError(
            f"feed.symbols = {','.join(settings.feed.symbols)}, and the recording holds {','.join(sorted(recorded))}; "
            "name at least one that is in it"
        )
    return wanted


def build_markets(instruments: Instruments) -> dict[InstrumentId, MarketState]:
    return {
        key: MarketState(one, Tape(FLOW_WINDOW_NS), liquidation_streams(one.venue)) for key, one in instruments.items()
    }


def plans_of(
    settings: Settings, instruments: Instruments, strategy_id: str, timeframes: tuple[str, ...] = ()
) -> list[StrategyPlan]:
    """One strategy on every instrument that it speaks of, also where it is not enabled; `timeframes` if it has bars."""
    strategy, entry = settings.strategies[strategy_id], CATALOG[strategy_id]
    lengths = tuple(one for one in timeframes if not entry.timeframes or one in entry.timeframes)
    return [
        StrategyPlan(strategy_id, key, strategy.for_symbol(one.symbol), strategy.is_enabled(one.symbol), lengths)
        for key, one in instruments.items()
        if entry.speaks_of(one) and (lengths or not timeframes)
    ]


def seats_of(settings: Settings, instruments: Instruments, strategy_id: str) -> tuple[SeatParameters, ...]:
    """What the settings mean for a strategy, as a command that a desk is told."""
    return tuple(
        SeatParameters(plan.instrument, plan.enabled, msgspec.to_builtins(plan.params))
        for plan in plans_of(settings, instruments, strategy_id)
    )


def bar_strategies(settings: Settings) -> list[str]:
    """The strategies of bars that a desk in one process has, in the order of the catalogue."""
    return [name for name in CANDLE if name in settings.desk.strategies]


def timeframes_of(settings: Settings, strategy_id: str) -> tuple[str, ...]:
    """The lengths of `ta.timeframes` that a strategy of bars works on."""
    able = CATALOG[strategy_id].timeframes
    return tuple(one for one in settings.ta.timeframes if not able or one in able)


def build_strategist(settings: Settings, instruments: Instruments, markets: Markets) -> Strategist:
    """What a desk in one process has: the strategies that `desk.strategies` names, or else every one of a stream."""
    chosen = settings.desk.strategies
    if not chosen:
        return build_stream_strategist(settings, instruments, markets)
    plans = [plan for name in TICK if name in chosen for plan in plans_of(settings, instruments, name)]
    for name in bar_strategies(settings):
        plans += plans_of(settings, instruments, name, timeframes_of(settings, name))
    return Strategist(instruments, plans, markets)


def build_stream_strategist(settings: Settings, instruments: Instruments, markets: Markets) -> Strategist:
    """Every strategy of a stream on every instrument that it speaks of, in the order of the catalogue; those not
    enabled wait."""
    plans = [plan for name in TICK for plan in plans_of(settings, instruments, name)]
    return Strategist(instruments, plans, markets)


def build_analyst(
    settings: Settings, instruments: Instruments, markets: Markets, timeframes: tuple[str, ...]
) -> Strategist:
    """Every strategy of bars on every instrument, for every one of these timeframes that it works on."""
    plans = [plan for name in CANDLE for plan in plans_of(settings, instruments, name, timeframes)]
    return Strategist(instruments, plans, markets)


def trading_of(settings: Settings) -> dict[str, dict[str, Any]]:
    """What the settings mean for a trader, as a command that a desk is told."""
    found: dict[str, dict[str, Any]] = msgspec.to_builtins(_trader_params(settings))
    return found


def _trader_params(settings: Settings) -> TraderParams:
    return TraderParams(signals=settings.signals, risk=settings.risk, execution=settings.execution)


def build_trader(settings: Settings, instruments: Instruments, markets: Markets) -> Trader:
    params = _trader_params(settings)
    return Trader(settings.account, instruments, markets, params, load_models(settings.signals.models))


def build_analyzer(settings: Settings) -> DepthAnalyzer | None:
    """Market metrics for a process that serves them; none where they are switched off, or nothing is served."""
    wanted = settings.metrics.enabled and settings.http.enabled
    return DepthAnalyzer(settings.metrics) if wanted else None


def build_desk(settings: Settings, instruments: Instruments, analyzer: DepthAnalyzer | None = None) -> Parts:
    """A whole desk: markets, strategies, a trader."""
    markets = build_markets(instruments)
    strategist = build_strategist(settings, instruments, markets)
    trader = build_trader(settings, instruments, markets)
    desk = Desk(markets, strategist, trader, analyzer)
    return Parts(instruments, markets, strategist, trader, desk, analyzer)


def build_trading(settings: Settings, instruments: Instruments, analyzer: DepthAnalyzer | None = None) -> Parts:
    """A desk without strategies: its signals come from elsewhere."""
    markets = build_markets(instruments)
    trader = build_trader(settings, instruments, markets)
    desk = Desk(markets, None, trader, analyzer)
    return Parts(instruments, markets, Strategist(instruments, [], markets), trader, desk, analyzer)


def build_exchange(settings: Settings, instruments: Instruments) -> Exchange:
    """Raises `ConfigError` where orders are meant to go to a real venue: this would not be it."""
    if not settings.simulated:
        raise ConfigError(
            f"simulation.enabled = false ({settings.merged.origins['simulation.enabled']}), and this command trades on"
            " the simulated exchange only; leave it out here, or trade on a venue with petrosa run --venue"
        )
    return Exchange(instruments, settings.simulation, settings.account.account, settings.account.balances)


def checkpoint_of(
    turns: Turns, desk: Desk, venue: Exchange | None, last_signal: int = 0, latched: tuple[Engagement, ...] = ()
) -> bytes:
    """Everything after the last turn, as the JSON that stands in a journal's header."""
    simulated = venue.snapshot() if venue is not None else None
    return msgspec.json.encode(Checkpoint(turns.snapshot(), desk.checkpoint(), simulated, last_signal, latched))


def read_checkpoint(encoded: bytes) -> Checkpoint:
    return msgspec.json.decode(encoded, type=Checkpoint)
