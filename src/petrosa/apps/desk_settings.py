"""The section of the configuration that is about a desk in one process: which strategies it has."""

import difflib
from typing import Annotated

import msgspec
from msgspec import Meta

from petrosa.core.strategies.catalog import CATALOG
from petrosa.errors import ConfigError


class DeskSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `petrosa run`, `demo` and `backtest` turn. The services have what `strategies` says."""

    strategies: Annotated[
        tuple[str, ...],
        Meta(
            description="Strategies of a desk in one process, of a stream or of bars (which work on ta.timeframes);"
            " empty: every strategy of a stream that is enabled."
        ),
    ] = ()

    def __post_init__(self) -> None:
        for name in self.strategies:
            if name not in CATALOG:
                near = difflib.get_close_matches(name, CATALOG, n=1)
                remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(CATALOG)}"
                raise ConfigError(f"desk.strategies has {name!r}, which is no strategy; {remedy}")
