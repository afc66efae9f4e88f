"""How long ago each strategy last spoke on each symbol. Kept over a restart, unlike everything analytic."""

from collections.abc import Mapping

from petrosa.core.model.market import InstrumentId


class Cooldowns:
    """Time of the last signal per (strategy, instrument), in the desk's time. One entry per pair that ever spoke."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: dict[tuple[str, InstrumentId], int] = {}

    def last(self, strategy_id: str, instrument: InstrumentId) -> int | None:
        return self._last.get((strategy_id, instrument))

    def start(self, strategy_id: str, instrument: InstrumentId, now: int) -> None:
        self._last[strategy_id, instrument] = now

    def snapshot(self) -> dict[str, dict[InstrumentId, int]]:
        """By strategy, then instrument, in the order of their first signals."""
        state: dict[str, dict[InstrumentId, int]] = {}
        for (strategy_id, instrument), at in self._last.items():
            state.setdefault(strategy_id, {})[instrument] = at
        return state

    def restore(self, state: Mapping[str, Mapping[InstrumentId, int]]) -> None:
        self._last = {(strategy_id, name): at for strategy_id, of in state.items() for name, at in of.items()}
