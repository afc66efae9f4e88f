"""The bars of a desk in one process: which of them its strategies need, of which lengths, and what cannot be."""

from collections.abc import Mapping
from typing import Final

from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.venues.replay.survey import Heard, survey
from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Instruments, Parts, bar_strategies, timeframes_of
from petrosa.core.market.candles import interval_ns, open_time
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.history import Series
from petrosa.core.model.market import InstrumentId
from petrosa.core.strategies.catalog import CATALOG
from petrosa.errors import ConfigError, RecordingError
from petrosa.surfaces.observation import Check

HISTORY_MOST: Final = 9_999
"""Bars of a series that are read to warm up with at most: what a store gives at once."""

NOTHING: Final = Heard(frozenset(), 0, 0)
UNIVERSE: Final = "universe_min"
"""The parameter of a strategy that compares symbols: how many there must be."""


def timeframes_needed(settings: Settings) -> tuple[str, ...]:
    """The lengths of bars that a desk hears, shortest first; none where it has no strategy of bars."""
    found = {one for name in bar_strategies(settings) for one in timeframes_of(settings, name)}
    return tuple(sorted(found, key=interval_ns))


def series_needed(settings: Settings, instruments: Instruments) -> dict[Series, InstrumentId]:
    """The series whose bars a desk hears."""
    return {
        Series(one.market, one.symbol, timeframe): key
        for key, one in instruments.items()
        for timeframe in timeframes_needed(settings)
    }


def lengths_made(settings: Settings) -> tuple[int, ...]:
    """The lengths (ns) of bars that are made of trades where the venue's own are not heard: not on a real venue."""
    return tuple(interval_ns(one) for one in timeframes_needed(settings)) if settings.simulated else ()


def history_needed(settings: Settings) -> Mapping[str, int]:
    """How many bars to warm up with, by length: what the longest strategy on it needs, and `ta.history_bars`."""
    found = {}
    for timeframe in timeframes_needed(settings):
        chosen = [
            CATALOG[name].build(params)
            for name in bar_strategies(settings)
            if timeframe in timeframes_of(settings, name)
            for params in (settings.strategies[name].params, *settings.strategies[name].by_symbol.values())
        ]
        longest = max(one.warmup()[1] for one in chosen)
        found[timeframe] = min(HISTORY_MOST, longest + settings.ta.history_bars)
    return found


def warming_up(settings: Settings, parts: Parts) -> list[str]:
    """`momentum_pulse on BTCUSDT warming up 12 of 50`, for what listens to bars and has not heard enough of them."""
    bars = bar_strategies(settings) if parts.desk.strategist is not None else []
    return [
        f"{name} on {parts.instruments[key].symbol} warming up {n} of {m}"
        for (name, key), (n, m) in parts.strategist.warmup().items()
        if n < m and name in bars
    ]


def bars_check(settings: Settings, parts: Parts) -> Check:
    """What `/ready` says of strategies of bars: that they wait for bars makes nothing unready."""
    waiting = warming_up(settings, parts)
    said = "; ".join(waiting) or f"{len(bar_strategies(settings))} of them have heard enough"
    return Check("strategies of bars", True, said)


def check_strategies(settings: Settings, symbols: int) -> None:
    """Raises `ConfigError` for a strategy that `desk.strategies` names and that could never speak, with the remedy.

    `symbols` is how many are followed.
    """
    for timeframe in timeframes_needed(settings):
        if timeframe == "3d" or (timeframe == "1s" and settings.feed.market != "spot" and not settings.simulated):
            why = "nobody has written down when they begin" if timeframe == "3d" else "futures have none of a second"
            raise ConfigError(f"ta.timeframes has {timeframe}, which a desk cannot hear: {why}; choose others")
    for name in settings.desk.strategies:
        strategy, entry = settings.strategies[name], CATALOG[name]
        if not strategy.runs:
            origin = settings.merged.origins[f"strategies.{name}.enabled"]
            raise ConfigError(
                f"desk.strategies names {name}, and strategies.{name}.enabled = false ({origin}); correct the one or"
                " the other"
            )
        if name in bar_strategies(settings) and not timeframes_of(settings, name):
            raise ConfigError(
                f"{name} works on bars of {', '.join(entry.timeframes)}, and ta.timeframes ="
                f" {','.join(settings.ta.timeframes)}; add one of them, for example --timeframes {entry.timeframes[0]}"
            )
        least = getattr(strategy.params, UNIVERSE, 0)
        if symbols < least:
            raise ConfigError(
                f"{name} compares symbols, at least {least} of them (strategies.{name}.{UNIVERSE}), and {symbols} are"
                " followed; name more in feed.symbols, or leave it out of desk.strategies"
            )


def check_recording(settings: Settings, instruments: Instruments, recording: Recording) -> None:
    """Raises `RecordingError` where a series that a desk needs has no whole bar in a recording, with the remedy."""
    needed = series_needed(settings, instruments)
    if needed and settings.feed.venue != "binance":
        raise RecordingError(
            f"recording {recording.name} is of {settings.feed.venue}, whose bars a desk does not hear yet; leave"
            " strategies of bars out of --strategies"
        )
    heard = survey(recording) if needed else {}
    for series in needed:
        if why := _missing(series, heard.get(series.symbol, NOTHING)):
            shortest = "1m" if series.interval != "1m" else "shorter ones, as 1s"
            raise RecordingError(
                f"recording {recording.name}: there are no bars of {series.interval} of {series.symbol} in it: {why};"
                f" choose --timeframes {shortest}, or record longer, trades or kline_{series.interval}"
            )


def _missing(series: Series, heard: Heard) -> str:
    """Why there is no whole bar; nothing where there is one."""
    length = interval_ns(series.interval)
    span = f"it is {(heard.last - heard.first) / NS_PER_SECOND:.0f} s long"
    last = open_time(heard.last, length)
    if f"kline_{series.interval}" in heard.streams:
        return "" if last > heard.first else f"{span}, and none closes in it"
    kinds = heard.streams & {"trade", "aggTrade"}
    if len(kinds) != 1:
        return "it has neither trades nor the venue's bars" if not kinds else "trade and aggTrade tell each trade twice"
    first = open_time(heard.first, length) + length
    return "" if first + length <= last else f"{span}, and no whole one can be made of its trades"
