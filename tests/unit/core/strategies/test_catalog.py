"""Nothing is missing from the catalogue, and every parameter says what it means."""

from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from msgspec import inspect

from petrosa.core.strategies import candle, tick
from petrosa.core.strategies.base import Alias, CatalogEntry
from petrosa.core.strategies.candle.base import CandleParams
from petrosa.core.strategies.catalog import CANDLE, CATALOG, TICK

FOLDERS = {package: Path(str(package.__file__)).parent for package in (tick, candle)}
ENTRIES = list(CATALOG.values())


def folder_of(entry: CatalogEntry) -> ModuleType:
    return candle if entry.strategy_id in CANDLE else tick


def test_every_file_is_in_the_catalogue() -> None:
    """A strategy is a file and an entry; a file without one could never run."""
    files = {package: {path.stem for path in folder.glob("*.py")} for package, folder in FOLDERS.items()}
    assert files[tick] - {"__init__"} == set(TICK)
    assert files[candle] - {"__init__", "base"} == set(CANDLE)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.strategy_id)
def test_an_entry_builds_what_it_names(entry: CatalogEntry) -> None:
    """The parameters of an entry are what its builder takes, and both live in the file of its name."""
    assert f"{folder_of(entry).__name__}.{entry.strategy_id}" == entry.params.__module__
    n, m = entry.build(entry.params()).warmup()
    assert 0 == n <= m


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.strategy_id)
def test_every_parameter_is_described_bounded_and_read(entry: CatalogEntry) -> None:
    """Each has a sentence; each number has both bounds and a default within; each is read by its strategy."""
    source = (FOLDERS[folder_of(entry)] / f"{entry.strategy_id}.py").read_text()
    shared = {field.name for field in msgspec.structs.fields(entry.params.__base__)}
    kind = inspect.type_info(entry.params)
    assert isinstance(kind, inspect.StructType)
    for field in kind.fields:
        assert isinstance(field.type, inspect.Metadata)
        assert (field.type.extra_json_schema or {}).get("description", "").endswith(".")
        if isinstance(field.type.type, inspect.IntType | inspect.FloatType):
            number = field.type.type
            low = number.ge if number.ge is not None else number.gt
            high = number.le if number.le is not None else number.lt
            assert low is not None
            assert high is not None
            assert low <= field.default <= high
        if field.name not in shared:
            assert f"params.{field.name}" in source


DOCUMENTED: dict[str, dict[str, tuple[float, float, float | bool]]] = {
    "orderbook_skew": {
        "top_levels": (1, 20, 5), "buy_threshold": (1, 3, 1.2), "sell_threshold": (0.3, 1, 0.8),
        "min_spread_percent": (0.01, 1, 0.1), "base_confidence": (0.5, 1, 0.6), "imbalance_weight": (0, 1, 1.0),
        "spread_weight": (0, 1, 0.0), "min_total_volume": (0.0001, 10, 0.001),
    },
    "trade_momentum": {
        "price_weight": (0, 1, 0.4), "quantity_weight": (0, 1, 0.3), "maker_weight": (0, 1, 0.3),
        "buy_threshold": (0.3, 1, 0.7), "sell_threshold": (-1, -0.3, -0.7), "min_quantity": (0.0001, 1, 0.001),
        "base_confidence": (0.5, 1, 0.65), "time_decay_seconds": (60, 600, 300), "momentum_window": (5, 50, 10),
    },
    "ticker_velocity": {
        "time_window": (30, 300, 60), "buy_threshold": (0.1, 2, 0.5), "sell_threshold": (-2, -0.1, -0.5),
        "min_price_change": (0.01, 1, 0.1), "base_confidence": (0.5, 1, 0.65), "acceleration_weight": (0, 1, 0.5),
        "volume_confirmation": (False, True, True), "min_volume_change": (0.1, 2, 0.2),
    },
    "spread_liquidity": {
        "spread_threshold_bps": (1, 100, 10), "spread_ratio_threshold": (1.5, 10, 2.5),
        "velocity_threshold": (0.1, 2, 0.5), "persistence_threshold_seconds": (10, 300, 30),
        "min_depth_reduction_pct": (0.1, 0.9, 0.5), "base_confidence": (0.5, 1, 0.7), "lookback_ticks": (5, 100, 20),
        "min_signal_interval_seconds": (30, 600, 900),
    },
    "iceberg_detector": {
        "min_refill_count": (2, 10, 3), "refill_speed_threshold_seconds": (1, 30, 5),
        "consistency_threshold": (0.05, 0.5, 0.1), "persistence_threshold_seconds": (60, 600, 120),
        "level_proximity_pct": (0.1, 5, 1), "base_confidence": (0.5, 1, 0.7), "history_window_seconds": (60, 900, 300),
        "max_symbols": (10, 200, 100), "min_signal_interval_seconds": (60, 600, 900),
    },
}  # fmt: skip
"""Least and most that users may have set by these names, and what holds where they set nothing. The documented default
is another for base_confidence and the weights of the skew and the momentum, whose documented formulas contradict it,
and for the interval between signals: 900 s hold for every strategy."""


@pytest.mark.parametrize("strategy", list(DOCUMENTED))
def test_documented_parameters(strategy: str) -> None:
    """Users set these by name: each is known, takes every documented value, and has by default what is told here."""
    entry = CATALOG[strategy]
    for name, (least, most, default) in DOCUMENTED[strategy].items():
        alias = entry.params.ALIASES.get(name, Alias(name))
        field = next(one for one in msgspec.structs.fields(entry.params) if one.encode_name == alias.target)
        for value in (least, most):
            wanted = value if alias.factor == 1.0 else value * alias.factor
            assert wanted == pytest.approx(msgspec.convert(wanted, field.type))
        wanted = default if alias.factor == 1.0 else default * alias.factor
        assert wanted == pytest.approx(getattr(entry.params(), alias.target))


def test_the_guards_that_all_share() -> None:
    """A signal of a strategy on a symbol every 15 minutes at most, and a skew must stay for five seconds.

    Those that read outside sources have the interval they are documented with, those of bars count bars.
    """
    assert {900.0} == {entry.params().cooldown_seconds for entry in TICK.values() if not entry.reads}
    assert all(issubclass(entry.params, CandleParams) for entry in CANDLE.values())
    assert 5.0 == CATALOG["orderbook_skew"].params().persistence_seconds


def test_documented_defaults_of_those_that_read_outside_sources() -> None:
    """Those that read outside sources, whose `min_signal_interval` is the cooldown."""
    documented = {
        "btc_dominance": {
            "high_threshold": 70.0, "low_threshold": 40.0, "change_threshold": 5.0, "window_hours": 24,
            "cooldown_seconds": 14_400.0, "base_confidence_high": 0.80, "base_confidence_low": 0.75,
            "momentum_confidence": 0.70, "fallback_proxy": False,
        },
        "cross_exchange_spread": {
            "spread_threshold_percent": 0.5, "cooldown_seconds": 300.0, "max_position_size": 500.0,
            "persistent_spread_periods": 3, "base_confidence": 0.75, "high_spread_threshold": 1.0,
            "high_spread_confidence": 0.85, "assume_parity": False,
        },
        "onchain_metrics": {
            "whale_threshold_btc": 100.0, "whale_threshold_eth": 1_000.0, "exchange_flow_threshold_percent": 10.0,
            "cooldown_seconds": 3_600.0, "accumulation_periods": 24, "distribution_periods": 12,
            "base_confidence": 0.77, "strong_signal_confidence": 0.85, "network_growth_threshold": 10.0,
            "volume_threshold": 15.0,
        },
    }  # fmt: skip
    for name, values in documented.items():
        params = CATALOG[name].params()
        assert values == {key: getattr(params, key) for key in values}
        assert "cooldown_seconds" == params.ALIASES["min_signal_interval"].target
    assert {"onchain_metrics"} == {name for name, entry in CATALOG.items() if not entry.enabled}
