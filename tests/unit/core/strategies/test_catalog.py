"""Nothing is missing from the catalogue, and every parameter says what it means."""

from pathlib import Path

import msgspec
import pytest
from msgspec import inspect

from petrosa.core.strategies import tick
from petrosa.core.strategies.base import CatalogEntry
from petrosa.core.strategies.catalog import CATALOG

FOLDER = Path(str(tick.__file__)).parent
ENTRIES = list(CATALOG.values())


def test_every_file_is_in_the_catalogue() -> None:
    """A strategy is a file and an entry; a file without one could never run."""
    assert {path.stem for path in FOLDER.glob("*.py")} - {"__init__"} == set(CATALOG)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.strategy_id)
def test_an_entry_builds_what_it_names(entry: CatalogEntry) -> None:
    """The parameters of an entry are what its builder takes, and both live in the file of its name."""
    assert f"{tick.__name__}.{entry.strategy_id}" == entry.params.__module__
    n, m = entry.build(entry.params()).warmup()
    assert 0 == n <= m


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.strategy_id)
def test_every_parameter_is_described_bounded_and_read(entry: CatalogEntry) -> None:
    """Each has a sentence; each number has both bounds and a default within; each is read by its strategy."""
    source = (FOLDER / f"{entry.strategy_id}.py").read_text()
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


def test_documented_defaults() -> None:
    """Users set these by name and know these values."""
    documented = {
        "orderbook_skew": {"top_levels": 5, "buy_threshold": 1.2, "sell_threshold": 0.8, "min_total_volume": 0.001},
        "trade_momentum": {
            "price_weight": 0.4, "quantity_weight": 0.3, "maker_weight": 0.3, "buy_threshold": 0.7,
            "sell_threshold": -0.7, "min_quantity": 0.001, "momentum_window": 10, "time_decay_seconds": 300,
        },
        "ticker_velocity": {
            "time_window": 60, "buy_threshold": 0.5, "sell_threshold": -0.5, "min_price_change": 0.1,
        },
    }  # fmt: skip
    for name, values in documented.items():
        params = CATALOG[name].params()
        assert values == {key: getattr(params, key) for key in values}
        assert 900.0 == params.cooldown_seconds
    assert 5.0 == CATALOG["orderbook_skew"].params().persistence_seconds
