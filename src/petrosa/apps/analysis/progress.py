"""How far the bars of each series were turned, kept with the configuration: what was said is not said again."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from petrosa.core.model.history import Series
from petrosa.core.model.market import InstrumentId
from petrosa.errors import DataError
from petrosa.ports import Documents, Write

COLLECTION: Final = "ta_progress"
WRITES_MAX: Final = 100

Cooldowns = dict[str, dict[InstrumentId, int]]
"""When each strategy spoke last, by strategy and by instrument with its timeframe."""


class Remembered(NamedTuple):
    """When the last bar that was turned opened, by series, and the cooldowns of then."""

    bars: dict[Series, int]
    cooldowns: Cooldowns


class Progress:
    """One document a series: a restart goes on with the bar after it, with the cooldowns that still run."""

    def __init__(self, documents: Documents, followed: Mapping[Series, InstrumentId]) -> None:
        self._documents = documents
        self._followed = followed
        self._known: dict[Series, int] = {}

    async def load(self) -> Remembered:
        """What is known of the series that are followed. Raises `StorageError`, `DataError`."""
        bars: dict[Series, int] = {}
        cooldowns: Cooldowns = {}
        for series in self._followed:
            key = self._key(series)
            held = await self._documents.get(COLLECTION, key)
            if held is None:
                continue
            last, spoken = held.document.get("last_open_ns"), held.document.get("cooldowns_ns")
            if not isinstance(last, int) or not isinstance(spoken, Mapping):
                raise DataError(f"{COLLECTION}/{key} in the store holds no progress of ours; delete it to begin anew")
            bars[series] = last
            for strategy_id, at in spoken.items():
                cooldowns.setdefault(strategy_id, {})[self._name(series)] = int(at)
        self._known = dict(bars)
        return Remembered(bars, cooldowns)

    async def save(self, bars: Mapping[Series, int], cooldowns: Cooldowns) -> None:
        """Remember what has changed. Raises `StorageError`."""
        changed = [series for series, last in bars.items() if self._known.get(series) != last]
        writes = [Write(COLLECTION, self._key(one), self._document(one, bars[one], cooldowns)) for one in changed]
        for start in range(0, len(writes), WRITES_MAX):
            await self._documents.write(_part(writes, start))
        self._known.update({series: bars[series] for series in changed})

    def _document(self, series: Series, last: int, cooldowns: Cooldowns) -> dict[str, object]:
        name = self._name(series)
        spoken = {strategy_id: of[name] for strategy_id, of in cooldowns.items() if name in of}
        return {"last_open_ns": last, "cooldowns_ns": spoken}

    def _key(self, series: Series) -> str:
        return f"{self._followed[series]}:{series.interval}"

    def _name(self, series: Series) -> InstrumentId:
        """As the strategist calls a seat."""
        return InstrumentId(f"{self._followed[series]}@{series.interval}")


def _part(writes: Sequence[Write], start: int) -> Sequence[Write]:
    return writes[start : start + WRITES_MAX]
