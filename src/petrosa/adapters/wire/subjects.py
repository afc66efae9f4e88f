"""The subjects our messages travel by, and which partition owns an instrument.

Market data is published on the documented bare subject (default) or on one subject per instrument, never both:

    binance.websocket.data                                the bare one, as the socket client uses it
    market.data.<partition>.<venue>.<market>.<SYMBOL>     one per instrument; spot and futures share stream names,
                                                          so the subject says which

    config.changed.realtime-strategies.<strategy_id>      a stored configuration was changed: read it again
    execution.events.<strategy_id>                        an order was placed, filled or rejected

State is per instrument, so a consumer takes whole partitions (`market.data.3.>`), never a queue group's share.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from petrosa.errors import ConfigError

MARKET: Final = "binance.websocket.data"
SIGNALS: Final = "signals.trading"
OLD_ORDERS: Final = "tradeengine.orders"

CONFIG_CHANGED: Final = "config.changed.realtime-strategies"

MARKET_STREAM: Final = "MARKET"
SIGNALS_STREAM: Final = "SIGNALS"

EXECUTIONS: Final = "execution.events.>"
EXECUTION_STREAM: Final = "EXECUTIONS"

_PER_SYMBOL: Final = "market.data"
_NOT_A_TOKEN: Final = re.compile(r"[^A-Za-z0-9_-]+")


def partition_of(venue: str, market: str, symbol: str, partitions: int) -> int:
    """Which of `partitions` owns an instrument: the same in every process, on every platform, in every version."""
    if partitions < 1:
        raise ConfigError(f"partitions = {partitions}; it must be at least 1")
    digest = hashlib.sha256(f"{venue}:{market}:{symbol}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % partitions


def symbol_subject(venue: str, market: str, symbol: str, partitions: int = 1) -> str:
    """The subject of one instrument's market data."""
    partition = partition_of(venue, market, symbol, partitions)
    return f"{_PER_SYMBOL}.{partition}.{token(venue)}.{token(market)}.{token(symbol)}"


def signal_subject(base: str, strategy_id: str, *, suffixed: bool = False) -> str:
    """Where a signal goes: the bare subject, or `<base>.<strategy_id>`; never both for one signal."""
    return f"{base}.{token(strategy_id)}" if suffixed else base


def signal_subjects(base: str = SIGNALS) -> tuple[str, str]:
    """What a consumer of signals listens to: a wildcard does not match the bare subject, nor the other way round."""
    return base, f"{base}.>"


def config_changed_subject(strategy_id: str) -> str:
    """Where it is said that a strategy's stored configuration has changed; `config_changed_subject("*")` hears all."""
    return f"{CONFIG_CHANGED}.{strategy_id if strategy_id == '*' else token(strategy_id)}"


def execution_subject(strategy_id: str) -> str:
    """Where it is said what became of a strategy's orders."""
    return f"{EXECUTIONS.removesuffix('.>')}.{token(strategy_id)}"


def token(text: str) -> str:
    """A name as one token of a subject: `Spread Liquidity Monitor` becomes `Spread_Liquidity_Monitor`."""
    return _NOT_A_TOKEN.sub("_", text) or "_"


def matches(pattern: str, subject: str) -> bool:
    """Whether a subject is meant by a pattern: `*` is one token, a trailing `>` is one or more."""
    wanted = pattern.split(".")
    given = subject.split(".")
    if wanted[-1] == ">":
        wanted.pop()
        if len(given) <= len(wanted):
            return False
    elif len(wanted) != len(given):
        return False
    return all(want in ("*", have) for want, have in zip(wanted, given, strict=False))


def joined(known: Iterable[str], more: Iterable[str]) -> list[str]:
    """Patterns that mean all that both mean, without one inside another where that can be told."""
    patterns: list[str] = []
    for pattern in (*known, *more):
        if not any(matches(other, pattern) for other in patterns):
            patterns = [other for other in patterns if not matches(pattern, other)]
            patterns.append(pattern)
    return patterns
