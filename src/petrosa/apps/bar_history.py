"""The past of the bars that a desk hears, out of the store of history: what its strategies warm up with."""

from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import Final

from petrosa.apps.desk_bars import history_needed, series_needed
from petrosa.apps.klines import klines_place, open_klines
from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Instruments
from petrosa.core.model.market import Candle

IN_ORDER: Final = attrgetter("ts_event", "interval_ns", "instrument")


async def stored_history(settings: Settings, instruments: Instruments, until: int) -> Sequence[Candle]:
    """The bars that had begun before a moment (ns), oldest first; nothing where there is no store.

    The last one of a series may not be over at that moment: a desk that is told of it takes it in when it is. Raises
    `StorageError`.
    """
    needed = series_needed(settings, instruments)
    if not needed or not is_kept(settings):
        return ()
    counts = history_needed(settings)
    store = await open_klines(settings)
    try:
        found = [
            kline.candle(key)
            for series, key in needed.items()
            for kline in await store.last_klines(series, counts[series.interval], until=until)
        ]
    finally:
        await store.close()
    return sorted(found, key=IN_ORDER)


def is_kept(settings: Settings) -> bool:
    """Whether there is a store, so that looking at it makes none."""
    place = klines_place(settings)
    return not isinstance(place, Path) or place.exists()
