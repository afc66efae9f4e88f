"""Whoever is asked what holds for a strategy says the same, however the layers lie over each other."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.stores.documents.memory import MemoryDocuments
from petrosa.apps.configuration.service import ConfigService
from petrosa.apps.settings import Settings, load, load_recorded
from petrosa.apps.show import rows_of
from petrosa.apps.wiring import seats_of
from petrosa.surfaces.configuration import Act
from tests.kit.configured import SKEW
from tests.kit.soak import examples
from tests.kit.strategy_market import BTC

SPELLINGS = ("BTCUSDT", "btcusdt", "BTC/USDT", "BTC/USDT:USDT")
ALIASES = {"max_spread_bps": ("min_spread_percent", 100.0)}
DEFAULTS = {"enabled": True, "top_levels": 5, "cooldown_seconds": 900.0, "max_spread_bps": 10.0}
LAYERS = ("file", "environment", "stored", "--set")
"""Weakest first."""


class Said(NamedTuple):
    """What a layer says of all symbols or of one: values by own name, those written by an old name, the spelling."""

    values: Mapping[str, Any]
    aliased: bool
    spelling: str

    def written(self) -> dict[str, Any]:
        """The values as they are written."""
        found = {}
        for name, value in self.values.items():
            old, factor = ALIASES.get(name, (name, 1.0))
            found[old if self.aliased else name] = value / factor if self.aliased and factor != 1.0 else value
        return found


values = st.fixed_dictionaries(
    {},
    optional={
        "enabled": st.booleans(),
        "top_levels": st.integers(1, 20),
        "cooldown_seconds": st.integers(0, 86_400).map(float),
        "max_spread_bps": st.sampled_from([0.0, 25.0, 50.0, 100.0]),
    },
)
said = st.builds(Said, values, st.booleans(), st.sampled_from(SPELLINGS))
layerings = st.fixed_dictionaries({(layer, scope): said for layer in LAYERS for scope in ("all", "symbol")})


def expected(layering: Mapping[tuple[str, str], Said], name: str, *, symbol: bool) -> tuple[Any, str]:
    """The strongest layer that names it, and within a layer what it says of the symbol."""
    for layer in reversed(LAYERS):
        for scope in ("symbol", "all") if symbol else ("all",):
            if name in layering[layer, scope].values:
                source = f"stored {scope}" if layer == "stored" else layer
                return layering[layer, scope].values[name], source
    return DEFAULTS[name], "default"


def lines(one: Said, *, symbol: bool) -> list[str]:
    """A layer as `key=value`."""
    where = f"{SKEW}.symbols.{one.spelling}" if symbol else SKEW
    return [f"{where}.{name}={str(value).lower()}" for name, value in one.written().items()]


def toml(one: Said, *, symbol: bool) -> str:
    """A layer as a table of a file."""
    where = f'strategies.{SKEW}.symbols."{one.spelling}"' if symbol else f"strategies.{SKEW}"
    return "\n".join([f"[{where}]", *(f"{name} = {str(value).lower()}" for name, value in one.written().items()), ""])


def environ(one: Said, *, symbol: bool) -> dict[str, str]:
    """A layer as environment names."""
    where = f"STRATEGIES__{SKEW}__SYMBOLS__BTCUSDT" if symbol else f"STRATEGIES__{SKEW}"
    return {f"PETROSA__{where}__{name}".upper(): str(value) for name, value in one.written().items()}


async def settled(layering: Mapping[tuple[str, str], Said], folder: Path) -> ConfigService:
    """A service over all of these layers."""
    file = folder / "mine.toml"
    file.write_text("".join(toml(layering["file", scope], symbol=scope == "symbol") for scope in ("all", "symbol")))
    settings = load(
        [str(file)],
        [line for scope in ("all", "symbol") for line in lines(layering["--set", scope], symbol=scope == "symbol")],
        {k: v for s in ("all", "symbol") for k, v in environ(layering["environment", s], symbol=s == "symbol").items()},
    )
    service = await ConfigService.open(settings, MemoryDocuments())
    act = Act("alice", "why")
    await service.change(SKEW, None, layering["stored", "all"].written(), act)
    one = layering["stored", "symbol"]
    await service.change(SKEW, one.spelling, one.written(), act)
    return service


def shown(settings: Settings, name: str, *, symbol: bool) -> tuple[Any, str]:
    """What `petrosa config show` prints: the row of the symbol, where there is one."""
    rows = {row.key: row for row in rows_of(settings, SKEW)}
    row = rows.get(f"strategies.{SKEW}.symbols.BTCUSDT.{name}") if symbol else None
    row = row or rows[f"strategies.{SKEW}.{name}"]
    kind, _, rest = row.origin.partition(" ")
    if kind == "stored":
        kind = "stored all" if rest.startswith("all") else "stored symbol"
    return row.value, kind


def wired(settings: Settings) -> dict[str, Any]:
    """What a desk that is built of these settings has on the symbol."""
    (seat,) = seats_of(settings, {BTC.id: BTC}, SKEW)
    return {"enabled": seat.enabled, **seat.parameters}


@examples(60)
@given(layerings)
async def test_everybody_says_the_same(layering: Mapping[tuple[str, str], Said]) -> None:
    """`config show`, the API with its provenance, a desk, and the settings in a journal agree with the rule."""
    with tempfile.TemporaryDirectory() as folder:
        service = await settled(layering, Path(folder))
    settings = service.settings
    recorded = load_recorded(settings.decisive(), Path())
    for symbol in (False, True):
        config = service.config(SKEW, "BTC/USDT" if symbol else None)
        for name in DEFAULTS:
            rule = expected(layering, name, symbol=symbol)
            assert rule == (config.parameters[name], config.provenance[name].source), (name, symbol)
            assert rule == shown(settings, name, symbol=symbol), (name, symbol)
            if symbol:
                assert rule[0] == wired(settings)[name] == wired(recorded)[name], name
    assert settings.strategies == recorded.strategies
    assert msgspec.json.decode(settings.decisive()) == msgspec.json.decode(recorded.decisive())
