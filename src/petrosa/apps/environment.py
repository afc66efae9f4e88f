"""The environment names that people already use, as one table; reading them is `settings.py`'s affair.

Besides these every key has a name of its own: `PETROSA__SECTION__KEY`, for example `PETROSA__RISK__RISK_FRACTION`.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from petrosa.apps.layers import Given, Known, Origin
from petrosa.errors import ConfigError

HOME: Final = "PETROSA_HOME"
CONFIG: Final = "PETROSA_CONFIG"
CRASH_AT: Final = "PETROSA_CRASH_AT"
OWN: Final = frozenset({HOME, CONFIG, CRASH_AT, "PETROSA_TEST_DATA", "PETROSA_SOAK", "PETROSA_LIST_STEPS"})
"""Names that are ours and are no keys."""

KEY_PREFIX: Final = "PETROSA__"

TESTNET: Final = "BINANCE_TESTNET"
"""`false` means real money, which needs its second switch all the same; anything but a yes or a no is refused."""
_YES_NO: Final = {
    **dict.fromkeys(("true", "1", "yes", "on"), "testnet"),
    **dict.fromkeys(("false", "0", "no", "off"), "live"),
}

PERCENT: Final = Decimal("0.01")
MILLI: Final = Decimal("0.001")
ONE: Final = Decimal(1)

NAMES: Final[Mapping[str, tuple[str, Decimal]]] = {
    # name → (key, what one unit of the documented value is in the key's unit)
    "NATS_URL": ("nats.url", ONE),
    "NATS_CONSUMER_TOPIC": ("nats.market_subject", ONE),
    "NATS_PUBLISHER_TOPIC": ("nats.signal_subject", ONE),
    "NATS_SIGNAL_SUBJECT": ("nats.signal_subject", ONE),
    "NATS_CONSUMER_GROUP": ("nats.consumer_group", ONE),
    "NATS_CONNECT_TIMEOUT": ("nats.connect_timeout_seconds", ONE),
    "MONGODB_URL": ("store.url", ONE),
    "MONGODB_URI": ("store.url", ONE),
    "MONGODB_DATABASE": ("store.database", ONE),
    "MONGODB_TIMEOUT_MS": ("store.timeout_seconds", MILLI),
    "MYSQL_URI": ("klines.url", ONE),
    "BINANCE_API_URL": ("extract.spot_url", ONE),
    "BINANCE_FUTURES_API_URL": ("extract.usdm_url", ONE),
    "NATS_SUBJECT_PREFIX": ("extract.subject_prefix", ONE),
    "PETROSA_REPLICA": ("service.replica", ONE),
    "TRADING_SYMBOLS": ("feed.symbols", ONE),
    "SUPPORTED_SYMBOLS": ("ta.symbols", ONE),
    "SUPPORTED_TIMEFRAMES": ("ta.timeframes", ONE),
    "TRADING_ENABLE_SHORTS": ("instruments.allow_shorts", ONE),
    "TRADING_LEVERAGE": ("risk.max_leverage", ONE),
    "STOP_LOSS_DEFAULT": ("risk.default_stop_loss_fraction", PERCENT),
    "TAKE_PROFIT_DEFAULT": ("risk.default_take_profit_fraction", PERCENT),
    "MIN_SL_DISTANCE_PCT": ("risk.min_stop_distance_fraction", ONE),
    "MAX_POSITION_SIZE_PCT": ("risk.max_position_fraction", ONE),
    "MAX_PORTFOLIO_EXPOSURE_PCT": ("risk.max_exposure_fraction", ONE),
    "MAX_TOTAL_POSITIONS": ("risk.max_open_positions", ONE),
    "RISK_MAX_CONCURRENT_POSITIONS": ("risk.max_open_positions", ONE),
    "MAX_DAILY_LOSS_PCT": ("risk.max_daily_loss_fraction", ONE),
    "MAX_DAILY_TRADES": ("risk.max_trades_per_day", ONE),
    "MAX_ACCUMULATIONS_PER_POSITION": ("risk.max_accumulations", ONE),
    "ACCUMULATION_COOLDOWN_SECONDS": ("risk.accumulation_cooldown_seconds", ONE),
    "DEFAULT_LEVERAGE": ("risk.margin_leverage", ONE),
    "ATR_STOP_LOSS_MULTIPLIER": ("risk.atr_stop_multiple", ONE),
    "ATR_TAKE_PROFIT_MULTIPLIER": ("risk.atr_target_multiple", ONE),
    "SIGNAL_CONFLICT_RESOLUTION": ("signals.conflict_resolution", ONE),
    "TIMEFRAME_CONFLICT_RESOLUTION": ("signals.timeframe_resolution", ONE),
    "SAME_DIRECTION_CONFLICT_RESOLUTION": ("signals.same_direction", ONE),
    "MAX_SIGNAL_AGE_SECONDS": ("signals.max_signal_age_seconds", ONE),
    "SIMULATION_ENABLED": ("simulation.enabled", ONE),
    "SIMULATION_DELAY_MS": ("simulation.order_latency_ms", ONE),
    "LOG_LEVEL": ("log.level", ONE),
    "LOG_FORMAT": ("log.format", ONE),
    "HEARTBEAT_INTERVAL_SECONDS": ("log.heartbeat_interval_seconds", ONE),
    "HEARTBEAT_ENABLED": ("log.heartbeat_enabled", ONE),
    "SPREAD_THRESHOLD_PERCENT": ("strategies.cross_exchange_spread.spread_threshold_percent", ONE),
    "SPREAD_MIN_SIGNAL_INTERVAL": ("strategies.cross_exchange_spread.cooldown_seconds", ONE),
    "SPREAD_MAX_POSITION_SIZE": ("strategies.cross_exchange_spread.max_position_size", ONE),
    "SPREAD_EXCHANGES": ("strategies.cross_exchange_spread.exchanges", ONE),
    "ONCHAIN_NETWORK_GROWTH_THRESHOLD": ("strategies.onchain_metrics.network_growth_threshold", ONE),
    "ONCHAIN_VOLUME_THRESHOLD": ("strategies.onchain_metrics.volume_threshold", ONE),
    "ONCHAIN_MIN_SIGNAL_INTERVAL": ("strategies.onchain_metrics.cooldown_seconds", ONE),
    "HEALTH_CHECK_PORT": ("http.port", ONE),
    "API_PORT": ("http.engine_port", ONE),
    "CONFIG_RATE_LIMIT_PER_AGENT": ("access.writes_per_key", ONE),
    "CONFIG_RATE_LIMIT_COOLDOWN": ("access.write_cooldown_seconds", ONE),
}

ELSEWHERE: Final = frozenset(
    {
        "BINANCE_API_KEY", "BINANCE_API_SECRET", "BINANCE_API_SECRET_FILE",
        "NATS_CONSUMER_NAME", "NATS_TOPIC", "NATS_TOPIC_SIGNALS", "NATS_TOPIC_INTENTS", "NATS_TOPIC_HEARTBEAT",
        "NATS_CLIENT_NAME", "NATS_SERVERS", "NATS_ENABLED", "NATS_QUEUE_GROUP", "NATS_SUBJECT_PREFIX_PRODUCTION",
        "NATS_SUBJECT_PREFIX_GAP_FILLER",
        "API_HOST", "API_KEY", "SIMULATION_SLIPPAGE", "SIMULATION_SUCCESS_RATE", "DEFAULT_STOP_LOSS_PCT",
        "DEFAULT_TAKE_PROFIT_PCT", "TE_MIN_SL_DISTANCE_PCT", "MAX_POSITION_SIZE", "MIN_POSITION_SIZE",
        "TRADING_QUANTITY_PERCENT", "TRADING_MAX_POSITION_SIZE", "TRADING_MIN_POSITION_SIZE", "RISK_STOP_LOSS_PERCENT",
        "NATS_CONSUMER_SUBJECT", "HEARTBEAT_INTERVAL", "HEARTBEAT_INCLUDE_DETAILED_STATS", "LOG_FILE", "LOG_MAX_SIZE",
        "SIMULATION_MODE", "DEBUG_MODE",
    }
)  # fmt: skip
"""Names of the sister services, which share one ConfigMap with ours: known, so no misspelling of a name of ours. Of
`DEBUG_MODE` they have what LOG_LEVEL=DEBUG does here."""


def names_of(known: Known, strategies: Iterable[str]) -> dict[str, tuple[str, Decimal]]:
    """Every documented name: the table, and for each strategy its switch and `<STRATEGY>_<PARAMETER>`."""
    names = {name: target for name, target in NAMES.items() if known.find(target[0]) is not None}
    keys: dict[str, list[str]] = {strategy: [] for strategy in strategies}
    for key in (*known.fields, *known.aliases):
        section, _, rest = key.partition(".")
        strategy, _, name = rest.partition(".")
        if section == "strategies" and strategy in keys and not f".{name}".endswith(".enabled"):
            keys[strategy].append(name)
    for strategy, found in keys.items():
        names[f"STRATEGY_ENABLED_{strategy.upper()}"] = (f"strategies.{strategy}.enabled", ONE)
        names |= {f"{strategy}_{name}".upper(): (f"strategies.{strategy}.{name}", ONE) for name in found}
    return names


def given_by_environment(known: Known, strategies: Iterable[str], environ: Mapping[str, str]) -> list[Given]:
    """What the environment says, documented names first, then `PETROSA__…`, which are stronger.

    An empty value counts as not set. Raises `ConfigError` for a name that is almost one of ours.
    """
    names = names_of(known, strategies)
    _refuse_near_misses(names, environ)
    given = [
        Given(key, environ[name], Origin("environment", name), is_text=True, scale=scale)
        for name, (key, scale) in names.items()
        if environ.get(name, "").strip()
    ]
    given += _testnet(environ)
    given += [
        Given(_key_of(known, name), environ[name], Origin("environment", name), is_text=True)
        for name in sorted(environ)
        if name.startswith(KEY_PREFIX) and environ[name].strip()
    ]
    return given


def _testnet(environ: Mapping[str, str]) -> list[Given]:
    said = environ.get(TESTNET, "").strip().lower()
    if not said:
        return []
    if said not in _YES_NO:
        raise ConfigError(f"environment {TESTNET} = {said[:40]!r}; write true or false")
    return [Given("venue.environment", _YES_NO[said], Origin("environment", TESTNET), is_text=True)]


def distance(a: str, b: str, limit: int) -> int:
    """Letters to insert, remove, change or swap with a neighbour on the way from a to b; `limit` + 1 at most."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, before_that = row, before
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before_that[j - 2] + 1)
            row.append(cost)
        before = above
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


def _refuse_near_misses(names: Mapping[str, object], environ: Mapping[str, str]) -> None:
    ours = set(names) | OWN | {TESTNET}
    prefixes = tuple(sorted({name.partition("_")[0] + "_" for name in ours}))
    for name in sorted(environ):
        if name in ours or name in ELSEWHERE or name.startswith(KEY_PREFIX) or not name.startswith(prefixes):
            continue
        near = min(sorted(ours), key=lambda other: distance(name, other, 2))
        if distance(name, near, 2) <= 2:
            raise ConfigError(f"environment name {name} is not known; did you mean {near}? Rename it or unset it")


def _key_of(known: Known, name: str) -> str:
    """`nats.url` of `PETROSA__NATS__URL`; a symbol keeps its capitals."""
    parts = name[len(KEY_PREFIX) :].split("__")
    lowered = [part.lower() for part in parts]
    if "symbols" in lowered[:-2]:
        place = lowered.index("symbols") + 1
        lowered[place] = parts[place]
    key = ".".join(lowered)
    entry = ".".join([*lowered[:-1], parts[-1]])
    return entry if known.find(key) is None and known.find(entry) is not None else key
