"""Letting go of old segments without letting go of anything that is still owed."""

import shutil
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from petrosa.adapters.stores.journal.format import LOCK, Turn, decode_decision, decode_event, segment_path
from petrosa.adapters.stores.journal.listing import runs
from petrosa.adapters.stores.journal.reader import JournalReader, read_header
from petrosa.adapters.stores.lockfile import is_locked
from petrosa.core.model.base import Side
from petrosa.core.model.events import Decision, Event
from petrosa.core.model.orders import (
    Approved,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    Place,
    Reducing,
)

SECONDS_PER_DAY: Final = 86_400
UNREAD: Final = "not all of it is in the audit yet; `petrosa audit --catch-up` writes it"


Unread = Callable[[Path], int | None]
"""The oldest segment of a run that somebody has still to read; none when nobody has."""


def _read(_: Path) -> int | None:
    return None


class Pruned(msgspec.Struct, frozen=True):
    """What was removed, and what was asked for but has to stay, with the reason."""

    removed: tuple[str, ...]
    bytes: int
    kept: tuple[str, ...]


class _Owed:
    """Which segment the oldest open order or position goes back to, folded from intents and fills."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[int, Decimal]] = {}
        self._ordered_in: dict[str, int] = {}
        self._positions: dict[tuple[str, str], tuple[int, Decimal]] = {}

    def decided(self, segment: int, decision: Decision) -> None:
        match decision:
            case Approved(intent=intent) | Reducing(intent=intent):
                if isinstance(intent.action, Place):
                    self._open[intent.client_order_id] = (segment, intent.action.quantity)
                    self._ordered_in[intent.client_order_id] = segment
            case _:
                pass

    def told(self, segment: int, event: Event) -> None:
        match event:
            case OrderFilled():
                self._filled(segment, event)
            case OrderCanceled() | OrderExpired() | OrderRejected():
                self._open.pop(event.client_order_id, None)
            case _:
                pass

    def _filled(self, segment: int, fill: OrderFilled) -> None:
        since, left = self._open.get(fill.client_order_id, (segment, Decimal(0)))
        if left > fill.quantity:
            self._open[fill.client_order_id] = (since, left - fill.quantity)
        else:
            self._open.pop(fill.client_order_id, None)
        key = (fill.account, fill.instrument)
        began, held = self._positions.get(key, (segment, Decimal(0)))
        after = held + (fill.quantity if fill.side is Side.BUY else -fill.quantity)
        if after == 0:
            self._positions.pop(key, None)
            return
        turned = held == 0 or (held > 0) != (after > 0)
        self._positions[key] = (self._ordered_in.get(fill.client_order_id, segment) if turned else began, after)

    def oldest(self, default: int) -> int:
        segments = [segment for segment, _ in self._open.values()]
        segments += [segment for segment, _ in self._positions.values()]
        return min(segments, default=default)


def first_needed_segment(folder: Path) -> int:
    """The oldest segment that an open order or position still refers to; the newest when there is none."""
    reader = JournalReader(folder)
    owed = _Owed()
    for segment, record in reader.records():
        if isinstance(record, Turn):
            if bytes(record.input):
                owed.told(segment, decode_event(record.input))
            for decision in record.decisions:
                owed.decided(segment, decode_decision(decision))
    return owed.oldest(reader.segments[-1])


def prune_segments(
    folder: Path, *, seconds_max: float, bytes_max: int, wall_now: float, unread: Unread = _read
) -> Pruned:
    """Remove the oldest segments of one run until it is within both limits; verifies the whole journal first.

    The newest segment always stays, and so does every one from the oldest open order or position on, or from the oldest
    `unread` one. What is left verifies from the first kept header.
    """
    first_unread = unread(folder)
    needed = first_needed_segment(folder)
    numbers = JournalReader(folder).segments
    sizes = {number: segment_path(folder, number).stat() for number in numbers}
    total = sum(stat.st_size for stat in sizes.values())
    removed: list[str] = []
    kept: list[str] = []
    freed = 0
    for number in numbers[:-1]:
        too_old = wall_now - sizes[number].st_mtime > seconds_max
        if not (too_old or total - freed > bytes_max):
            break
        path = segment_path(folder, number)
        if first_unread is not None and number >= first_unread:
            kept.append(f"{path}: {UNREAD}")
            break
        if number >= needed:
            kept.append(f"{path}: an order or position of it is still open")
            break
        path.unlink()
        removed.append(str(path))
        freed += sizes[number].st_size
    return Pruned(tuple(removed), freed, tuple(kept))


def prune(folder: Path, *, days_max: float, bytes_max: int, wall_now: float, unread: Unread = _read) -> Pruned:
    """Prune every run under `folder`, and remove whole runs on recorded or synthetic data that are past the limits.

    Never the newest run, never one that is being written. `wall_now` is seconds since the epoch.
    """
    by_age = sorted(runs(folder), key=_newest_write)
    seconds_max = days_max * SECONDS_PER_DAY
    results = []
    total = sum(_size(run) for run in by_age)
    for run in by_age[:-1]:
        too_old = wall_now - _newest_write(run) > seconds_max
        if (too_old or total > bytes_max) and _is_disposable(run):
            if unread(run) is not None:
                results.append(Pruned((), 0, (f"{run}: {UNREAD}",)))
                continue
            size = _size(run)
            shutil.rmtree(run)
            total -= size
            results.append(Pruned((str(run),), size, ()))
    results.extend(
        prune_segments(run, seconds_max=seconds_max, bytes_max=bytes_max, wall_now=wall_now, unread=unread)
        for run in by_age
        if run.exists() and not is_locked(run / LOCK)
    )
    return _together(results)


def _together(results: Iterable[Pruned]) -> Pruned:
    results = list(results)
    removed = tuple(path for result in results for path in result.removed)
    kept = tuple(path for result in results for path in result.kept)
    return Pruned(removed, sum(result.bytes for result in results), kept)


def _is_disposable(run: Path) -> bool:
    """A run whose money was never real, and that nobody writes now."""
    first = JournalReader(run).segments[0]
    return read_header(run, first).provenance.simulated and not is_locked(run / LOCK)


def _newest_write(run: Path) -> float:
    return max(path.stat().st_mtime for path in run.rglob("*") if path.is_file())


def _size(run: Path) -> int:
    return sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
