"""Parameters of strategies at random: whatever their declarations allow, the bounds more often than anything else."""

import random
from typing import Any

import msgspec

from petrosa.apps.configuration.declarations import parameters_of
from petrosa.apps.fields import Field, kind_of
from petrosa.apps.settings import known_keys
from petrosa.core.strategies.base import StrategyParams
from petrosa.core.strategies.catalog import CATALOG

KNOWN = known_keys()
DEFAULT_SHARE = 0.4
TRIES = 200


def random_params(rng: random.Random, strategy_id: str, **fixed: Any) -> StrategyParams:
    """Parameters that go together; `fixed` are not left to chance."""
    struct = CATALOG[strategy_id].params
    fields = {name: field for name, field in parameters_of(KNOWN, strategy_id).items() if name != "enabled"}
    for _ in range(TRIES):
        values = {name: _value(rng, field) for name, field in fields.items() if rng.random() > DEFAULT_SHARE}
        try:
            return msgspec.convert({**values, **fixed}, struct)
        except msgspec.ValidationError:
            continue  # they contradict each other
    raise AssertionError(f"no parameters of {strategy_id} were found that go together in {TRIES} tries")


def _value(rng: random.Random, field: Field) -> Any:
    kind = kind_of(field)
    if kind == "bool":
        return rng.random() < 0.5
    if kind == "list":
        return rng.sample(["coinbase", "kraken", "binance"], rng.randint(0, 3))
    assert field.low is not None, field.key
    assert field.high is not None, field.key
    value = rng.choice([field.low, field.high, rng.uniform(field.low, field.high)])
    if (field.low_open and value == field.low) or (field.high_open and value == field.high):
        value = (field.low + field.high) / 2
    return int(value) if kind == "int" else float(value)
