"""Settings are read from every source, checked whole, and say where each value came from."""

from pathlib import Path

import pytest

from petrosa.apps import settings
from petrosa.apps.environment import ELSEWHERE, NAMES, distance, names_of
from petrosa.apps.layers import Given, Origin
from petrosa.apps.settings import load, load_recorded
from petrosa.core.signals.params import ConflictResolution, SameDirection, TimeframeResolution
from petrosa.core.strategies.catalog import CATALOG
from petrosa.errors import ConfigError


def origin(loaded: settings.Settings, key: str) -> str:
    return str(loaded.merged.origins[key])


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


KEY = "strategies.orderbook_skew.buy_threshold"


def test_precedence_is_set_then_environment_then_file_then_default(tmp_path: Path) -> None:
    """Each stronger source wins, and the origin says which it was."""
    file = write(tmp_path, "[strategies.orderbook_skew]\nbuy_threshold = 1.3\n")
    name = "ORDERBOOK_SKEW_BUY_THRESHOLD"
    steps = [
        (settings.load([], [], {}), 1.2, "default"),
        (settings.load([file], [], {}), 1.3, f"file {file}"),
        (settings.load([file], [], {name: "1.4"}), 1.4, f"environment {name}"),
        (settings.load([file], ["orderbook_skew.buy_threshold=1.5"], {name: "1.4"}), 1.5, "--set"),
    ]
    assert [(value, source) for _, value, source in steps] == [
        (loaded.merged.values[KEY], origin(loaded, KEY)) for loaded, _, _ in steps
    ]


def test_a_later_file_wins_over_an_earlier_one(tmp_path: Path) -> None:
    """Key by key: what only the earlier file says still holds."""
    first = tmp_path / "a.toml"
    second = tmp_path / "b.toml"
    first.write_text("[feed]\nlatency_ms = 1.0\nstale_after_seconds = 5.0\n")
    second.write_text("[feed]\nlatency_ms = 2.0\n")
    loaded = settings.load([str(first), str(second)], [], {})
    assert (2.0, 5.0, "b") == (loaded.feed.latency_ms, loaded.feed.stale_after_seconds, loaded.profile)


def test_an_option_is_as_strong_as_set_and_keeps_its_name() -> None:
    """`--port 0` says so in `config show`."""
    loaded = settings.load([], [], {"HEALTH_CHECK_PORT": "9000"}, options={"http.port": ("--port", "0")})
    assert (0, "--port") == (loaded.http.port, origin(loaded, "http.port"))


def test_a_strategy_may_have_values_of_its_own_for_one_symbol(tmp_path: Path) -> None:
    """What the symbol's table does not say comes from the strategy's."""
    file = write(
        tmp_path,
        "[strategies.orderbook_skew]\ntop_levels = 3\n"
        "[strategies.orderbook_skew.symbols.BTCUSDT]\ncooldown_seconds = 7.0\n"
        '[strategies.orderbook_skew.symbols."ETH/USDT:USDT"]\ntop_levels = 9\n',
    )
    skew = settings.load([file], ["orderbook_skew.symbols.BTC/USDT:USDT.buy_threshold=1.9"], {}).strategies[
        "orderbook_skew"
    ]
    of = {symbol: skew.for_symbol(symbol) for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT")}
    assert (7.0, 1.9, 3) == (of["BTCUSDT"].cooldown_seconds, of["BTCUSDT"].buy_threshold, of["BTCUSDT"].top_levels)
    assert 9 == of["ETHUSDT"].top_levels
    assert skew.params == of["SOLUSDT"]


def stored(key: str, value: object, name: str) -> Given:
    return Given(key, value, Origin("stored", name))


def test_what_is_stored_stands_between_the_environment_and_the_command_line() -> None:
    """Stored values beat environment and file, lose to --set, and one for the symbol beats one for all."""
    settings = load(sets=["orderbook_skew.top_levels=9"], environ={"ORDERBOOK_SKEW_BUY_THRESHOLD": "1.3"})
    restored = settings.restored(
        [
            stored("strategies.orderbook_skew.top_levels", 7, "all v1"),
            stored("strategies.orderbook_skew.buy_threshold", 1.4, "all v1"),
            stored("strategies.orderbook_skew.symbols.BTCUSDT.buy_threshold", 1.5, "BTCUSDT v2"),
            stored("strategies.orderbook_skew.symbols.BTCUSDT.enabled", False, "BTCUSDT v2"),
        ]
    )
    skew = restored.strategies["orderbook_skew"]
    assert (9, 1.4) == (skew.params.top_levels, skew.params.buy_threshold)  # type: ignore[attr-defined]
    assert 1.5 == skew.for_symbol("BTCUSDT").buy_threshold  # type: ignore[attr-defined]
    assert (False, True, True) == (skew.is_enabled("BTCUSDT"), skew.is_enabled("ETHUSDT"), skew.runs)
    origins = restored.merged.origins
    assert "stored all v1" == str(origins["strategies.orderbook_skew.buy_threshold"])
    assert "stored BTCUSDT v2" == str(origins["strategies.orderbook_skew.symbols.BTCUSDT.buy_threshold"])
    assert settings.merged.values == restored.restored([]).merged.values


def test_a_stronger_layer_for_all_beats_a_weaker_one_for_a_symbol(tmp_path: Path) -> None:
    """What a file says of one symbol does not stand against what is stored, or set, for all; replayed alike."""
    file = tmp_path / "desk.toml"
    file.write_text("[strategies.orderbook_skew.symbols.BTCUSDT]\ntop_levels = 3\nmin_confidence = 0.7\n")
    settings = load([str(file)], sets=["orderbook_skew.top_levels=9"], environ={})
    params = settings.strategies["orderbook_skew"].for_symbol("BTCUSDT")
    assert (9, 0.7) == (params.top_levels, params.min_confidence)  # type: ignore[attr-defined]
    again = load_recorded(settings.decisive(), tmp_path).strategies["orderbook_skew"].for_symbol("BTCUSDT")
    assert params == again


def test_a_stored_value_that_cannot_be_is_named_with_its_origin() -> None:
    """The complaint says whose stored configuration it is in."""
    with pytest.raises(ConfigError, match=r"orderbook_skew.top_levels = 99 \(stored all v1\) is out of bounds"):
        load(environ={}).restored([stored("strategies.orderbook_skew.top_levels", 99, "all v1")])


def test_a_symbol_may_be_spelled_either_way() -> None:
    """Exchanges and libraries spell differently; inside there is one spelling, and no symbol twice."""
    loaded = settings.load([], ["feed.symbols=BTC/USDT:USDT, eth/usdt,BTCUSDT"], {})
    assert ("BTCUSDT", "ETHUSDT") == loaded.feed.symbols


def test_no_symbols_is_refused() -> None:
    """A desk without an instrument has nothing to do."""
    with pytest.raises(ConfigError, match="name at least one symbol"):
        settings.load([], ["feed.symbols= ,"], {})


@pytest.mark.parametrize("name", ["paper", "demo"])
def test_the_profiles_that_come_with_petrosa_load(name: str) -> None:
    """Every packaged profile is valid and is known by its name."""
    assert name == settings.load([name], [], {}).profile


def test_a_missing_file_is_named_with_the_profiles_there_are() -> None:
    """The message holds the choice."""
    with pytest.raises(ConfigError, match=r"no configuration file 'papre'.*demo, paper"):
        settings.load(["papre"], [], {})


def test_a_file_that_is_not_toml_says_where() -> None:
    """The line is in the message."""
    with pytest.raises(ConfigError, match=r"is not TOML: .*line 1"):
        settings.load([__file__], [], {})


@pytest.mark.parametrize("text", ["orderbook_skew", "=5", ""])
def test_set_needs_a_key_and_a_value(text: str) -> None:
    """The message shows how."""
    with pytest.raises(ConfigError, match=r"is not key=value; for example --set orderbook_skew\.cooldown_seconds=5"):
        settings.load([], [text], {})


def test_a_wallet_is_not_negative() -> None:
    """The asset and the amount are in the message."""
    with pytest.raises(ConfigError, match=r"account\.balances\.USDT = -1; a wallet holds 0 or more"):
        settings.load([], ["account.balances.USDT=-1"], {})


def test_home_comes_from_the_option_then_the_environment_then_the_default() -> None:
    """`PETROSA_HOME` is where everything is kept."""
    environ = {"PETROSA_HOME": "/var/lib/petrosa"}
    found = [settings.load([], [], given, home).home for given, home in ((environ, "x"), (environ, None), ({}, None))]
    assert [Path("x"), Path("/var/lib/petrosa"), Path("petrosa-data")] == found


def test_the_environment_may_name_the_file() -> None:
    """`PETROSA_CONFIG` stands in for `--config`, and gives way to it."""
    environ = {"PETROSA_CONFIG": "demo"}
    assert ("demo", "paper") == (settings.load([], [], environ).profile, settings.load(["paper"], [], environ).profile)


DOCUMENTED = {
    "NATS_URL": ("nats://a:4222", "nats.url", "nats://a:4222"),
    "NATS_CONSUMER_TOPIC": ("x.y", "nats.market_subject", "x.y"),
    "NATS_PUBLISHER_TOPIC": ("tradeengine.orders", "nats.signal_subject", "tradeengine.orders"),
    "NATS_SIGNAL_SUBJECT": ("signals.trading", "nats.signal_subject", "signals.trading"),
    "NATS_CONSUMER_GROUP": ("g", "nats.consumer_group", "g"),
    "MONGODB_URI": ("mongodb://a,b/", "store.url", "mongodb://a,b/"),
    "MONGODB_URL": ("mongodb+srv://a", "store.url", "mongodb+srv://a"),
    "MONGODB_DATABASE": ("other", "store.database", "other"),
    "MONGODB_TIMEOUT_MS": ("2500", "store.timeout_seconds", 2.5),
    "TRADING_SYMBOLS": ("BTCUSDT,ETHUSDT", "feed.symbols", ("BTCUSDT", "ETHUSDT")),
    "TRADING_ENABLE_SHORTS": ("false", "instruments.allow_shorts", False),
    "TRADING_LEVERAGE": ("2", "risk.max_leverage", 2.0),
    "STOP_LOSS_DEFAULT": ("3.5", "risk.default_stop_loss_fraction", 0.035),
    "TAKE_PROFIT_DEFAULT": ("5.0", "risk.default_take_profit_fraction", 0.05),
    "MAX_SIGNAL_AGE_SECONDS": ("60", "signals.max_signal_age_seconds", 60.0),
    "MAX_DAILY_LOSS_PCT": ("0.03", "risk.max_daily_loss_fraction", 0.03),
    "MAX_DAILY_TRADES": ("40", "risk.max_trades_per_day", 40),
    "MAX_ACCUMULATIONS_PER_POSITION": ("10", "risk.max_accumulations", 10),
    "ACCUMULATION_COOLDOWN_SECONDS": ("60", "risk.accumulation_cooldown_seconds", 60.0),
    "DEFAULT_LEVERAGE": ("5", "risk.margin_leverage", 5.0),
    "ATR_STOP_LOSS_MULTIPLIER": ("2.5", "risk.atr_stop_multiple", 2.5),
    "ATR_TAKE_PROFIT_MULTIPLIER": ("4", "risk.atr_target_multiple", 4.0),
    "SIGNAL_CONFLICT_RESOLUTION": (
        "first_come_first_served",
        "signals.conflict_resolution",
        ConflictResolution.FIRST_COME_FIRST_SERVED,
    ),
    "TIMEFRAME_CONFLICT_RESOLUTION": (
        "weighted_average",
        "signals.timeframe_resolution",
        TimeframeResolution.WEIGHTED_AVERAGE,
    ),
    "SAME_DIRECTION_CONFLICT_RESOLUTION": ("accumulate", "signals.same_direction", SameDirection.ACCUMULATE),
    "SIMULATION_ENABLED": ("true", "simulation.enabled", True),
    "LOG_LEVEL": ("DEBUG", "log.level", "DEBUG"),
    "HEARTBEAT_INTERVAL_SECONDS": ("30", "log.heartbeat_interval_seconds", 30.0),
    "CONFIG_RATE_LIMIT_PER_AGENT": ("20", "access.writes_per_key", 20),
    "CONFIG_RATE_LIMIT_COOLDOWN": ("60", "access.write_cooldown_seconds", 60.0),
    "STRATEGY_ENABLED_ORDERBOOK_SKEW": ("false", "strategies.orderbook_skew.enabled", False),
    "STRATEGY_ENABLED_TRADE_MOMENTUM": ("0", "strategies.trade_momentum.enabled", False),
    "STRATEGY_ENABLED_TICKER_VELOCITY": ("true", "strategies.ticker_velocity.enabled", True),
    "ORDERBOOK_SKEW_TOP_LEVELS": ("7", "strategies.orderbook_skew.top_levels", 7),
    "ORDERBOOK_SKEW_BUY_THRESHOLD": ("1.3", "strategies.orderbook_skew.buy_threshold", 1.3),
    "ORDERBOOK_SKEW_SELL_THRESHOLD": ("0.7", "strategies.orderbook_skew.sell_threshold", 0.7),
    "ORDERBOOK_SKEW_MIN_SPREAD_PERCENT": ("0.2", "strategies.orderbook_skew.max_spread_bps", 20.0),
    "ORDERBOOK_SKEW_BASE_CONFIDENCE": ("0.7", "strategies.orderbook_skew.base_confidence", 0.7),
    "TRADE_MOMENTUM_BASE_CONFIDENCE": ("0.68", "strategies.trade_momentum.base_confidence", 0.68),
    "TICKER_VELOCITY_VOLUME_CONFIRMATION": ("false", "strategies.ticker_velocity.volume_confirmation", False),
    "STRATEGY_ENABLED_SPREAD_LIQUIDITY": ("false", "strategies.spread_liquidity.enabled", False),
    "SPREAD_LIQUIDITY_MIN_SIGNAL_INTERVAL_SECONDS": ("60", "strategies.spread_liquidity.cooldown_seconds", 60.0),
    "STRATEGY_ENABLED_ICEBERG_DETECTOR": ("false", "strategies.iceberg_detector.enabled", False),
    "ICEBERG_DETECTOR_MAX_SYMBOLS": ("50", "strategies.iceberg_detector.max_levels", 50),
    "TRADE_MOMENTUM_BUY_THRESHOLD": ("0.8", "strategies.trade_momentum.buy_threshold", 0.8),
    "TRADE_MOMENTUM_SELL_THRESHOLD": ("-0.8", "strategies.trade_momentum.sell_threshold", -0.8),
    "TRADE_MOMENTUM_MIN_QUANTITY": ("0.01", "strategies.trade_momentum.min_quantity", 0.01),
    "TICKER_VELOCITY_TIME_WINDOW": ("90", "strategies.ticker_velocity.time_window", 90),
    "TICKER_VELOCITY_BUY_THRESHOLD": ("0.6", "strategies.ticker_velocity.buy_threshold", 0.6),
    "TICKER_VELOCITY_MIN_PRICE_CHANGE": ("0.2", "strategies.ticker_velocity.min_price_change", 0.2),
    "STRATEGY_ENABLED_BTC_DOMINANCE": ("false", "strategies.btc_dominance.enabled", False),
    "STRATEGY_ENABLED_CROSS_EXCHANGE_SPREAD": ("false", "strategies.cross_exchange_spread.enabled", False),
    "STRATEGY_ENABLED_ONCHAIN_METRICS": ("true", "strategies.onchain_metrics.enabled", True),
    "BTC_DOMINANCE_HIGH_THRESHOLD": ("75", "strategies.btc_dominance.high_threshold", 75.0),
    "BTC_DOMINANCE_WINDOW_HOURS": ("48", "strategies.btc_dominance.window_hours", 48),
    "BTC_DOMINANCE_MIN_SIGNAL_INTERVAL": ("7200", "strategies.btc_dominance.cooldown_seconds", 7_200.0),
    "SPREAD_THRESHOLD_PERCENT": ("0.8", "strategies.cross_exchange_spread.spread_threshold_percent", 0.8),
    "SPREAD_MIN_SIGNAL_INTERVAL": ("60", "strategies.cross_exchange_spread.cooldown_seconds", 60.0),
    "SPREAD_MAX_POSITION_SIZE": ("250", "strategies.cross_exchange_spread.max_position_size", 250.0),
    "SPREAD_EXCHANGES": ("binance,coinbase", "strategies.cross_exchange_spread.exchanges", ("binance", "coinbase")),
    "ONCHAIN_NETWORK_GROWTH_THRESHOLD": ("12", "strategies.onchain_metrics.network_growth_threshold", 12.0),
    "ONCHAIN_VOLUME_THRESHOLD": ("20", "strategies.onchain_metrics.volume_threshold", 20.0),
    "ONCHAIN_MIN_SIGNAL_INTERVAL": ("86400", "strategies.onchain_metrics.cooldown_seconds", 86_400.0),
}


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_a_documented_environment_name_works_as_written(name: str) -> None:
    """Whoever has these names in a deployment keeps them."""
    text, key, expected = DOCUMENTED[name]
    loaded = settings.load([], [], {name: text})
    assert (expected, f"environment {name}") == (loaded.merged.values[key], origin(loaded, key))


def test_every_name_of_the_table_leads_to_a_key() -> None:
    """A row of the table that leads nowhere would be dead."""
    known = settings.known_keys()
    assert [] == [name for name, (key, _) in NAMES.items() if known.find(key) is None]
    assert set(NAMES) <= set(names_of(known, CATALOG))


def test_a_key_has_an_environment_name_of_its_own() -> None:
    """Also a key without a documented name, also a symbol's; it is stronger than the documented one."""
    loaded = settings.load(
        [],
        [],
        {
            "PETROSA__FEED__LATENCY_MS": "25",
            "PETROSA__STRATEGIES__ORDERBOOK_SKEW__SYMBOLS__BTCUSDT__TOP_LEVELS": "2",
            "LOG_LEVEL": "ERROR",
            "PETROSA__LOG__LEVEL": "DEBUG",
        },
    )
    assert (25.0, "DEBUG") == (loaded.feed.latency_ms, loaded.log.level)
    assert 2 == loaded.strategies["orderbook_skew"].for_symbol("BTCUSDT").top_levels


def test_an_empty_environment_value_counts_as_not_set() -> None:
    """Deployments leave names empty."""
    assert "default" == origin(settings.load([], [], {"ORDERBOOK_SKEW_BUY_THRESHOLD": " "}), KEY)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ORDERBOOK_SKEW_BUY_TRESHOLD", "ORDERBOOK_SKEW_BUY_THRESHOLD"),
        ("NATS_ULR", "NATS_URL"),
        ("TRADING_SYMBOL", "TRADING_SYMBOLS"),
        ("PETROSA_HOEM", "PETROSA_HOME"),
        ("STRATEGY_ENABLED_TRADE_MOMENTM", "STRATEGY_ENABLED_TRADE_MOMENTUM"),
    ],
)
def test_an_environment_name_that_is_nearly_ours_is_refused(name: str, meant: str) -> None:
    """A misspelled name would otherwise be ignored in silence."""
    with pytest.raises(ConfigError, match=f"environment name {name} is not known; did you mean {meant}"):
        settings.load([], [], {name: "1"})


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "NATS_PORT",
        "NATS_SERVICE_HOST",
        "NATS_PORT_4222_TCP",
        "PETROSA_REALTIME_SERVICE_HOST",
        "LOG_FILE",
        "API_HOST",
        *sorted(ELSEWHERE),
    ],
)
def test_foreign_environment_names_are_left_alone(name: str) -> None:
    """Shells, clusters and sister services have names of their own."""
    assert settings.load([], [], {name: "anything"}).merged == settings.load([], [], {}).merged


def test_an_unknown_key_in_our_own_namespace_is_refused() -> None:
    """`PETROSA__…` is addressed to us and to nobody else."""
    with pytest.raises(
        ConfigError, match=r"unknown key fed\.speed \(environment PETROSA__FED__SPEED\); did you mean feed\.speed"
    ):
        settings.load([], [], {"PETROSA__FED__SPEED": "1"})


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("same", "same", 0),
        ("abc", "abd", 1),
        ("abc", "ab", 1),
        ("abc", "acb", 1),
        ("abc", "xyz", 3),
        ("a", "abcdef", 3),
    ],
)
def test_distance_counts_letters(a: str, b: str, expected: int) -> None:
    """Insert, remove, change and swap count one each; more than the limit is not told apart."""
    assert expected == distance(a, b, 2)


def test_every_parameter_says_what_it_means() -> None:
    """The sentence is shown by `config show`, so a key without one is unfinished."""
    assert [] == [key for key, field in settings.known_keys().fields.items() if not field.description]


def test_what_decides_comes_back_from_a_journal(tmp_path: Path) -> None:
    """A replay has the settings of its run, whatever this machine's files and environment say."""
    loaded = settings.load(
        ["demo"], ["orderbook_skew.symbols.BTCUSDT.top_levels=2", "feed.latency_ms=3", "log.level=DEBUG"], {}
    )
    again = settings.load_recorded(loaded.decisive(), tmp_path)
    assert (loaded.strategies, 3.0, "INFO") == (again.strategies, again.feed.latency_ms, again.log.level)
    assert loaded.decisive() == again.decisive()


def test_where_and_how_fast_is_not_in_a_journal() -> None:
    """The same run on another machine, slower, has the same digest."""
    other = settings.load(
        [],
        [
            "feed.speed=9",
            "http.port=1",
            "access.writes_per_key=1",
            "nats.url=nats://a:b@c",
            "log.level=ERROR",
            "store.url=sqlite:x",
            "service.replica=b",
        ],
        {},
        "elsewhere",
    )
    assert settings.load([], [], {}).decisive() == other.decisive()


def test_two_spellings_of_a_symbol_in_one_layer_contradict(tmp_path: Path) -> None:
    """Neither is silently preferred, in a file as little as on a command line; between layers the stronger one wins."""
    file = tmp_path / "mine.toml"
    table = "[strategies.orderbook_skew.symbols.{}]\ntop_levels = {}\n"
    file.write_text(table.format("BTCUSDT", 3) + table.format('"BTC/USDT:USDT"', 7))
    with pytest.raises(ConfigError, match=r"BTCUSDT\.top_levels and .*BTC/USDT:USDT\.top_levels are two names"):
        load([str(file)], [], {})
    one, other = "orderbook_skew.symbols.BTC/USDT.top_levels=4", "orderbook_skew.symbols.btcusdt.top_levels=5"
    with pytest.raises(ConfigError, match="two names"):
        load([], [one, other], {})
    file.write_text(table.format("BTCUSDT", 3))
    assert 4 == load([str(file)], [one], {}).strategies["orderbook_skew"].for_symbol("BTCUSDT").top_levels
