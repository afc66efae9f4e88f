"""What an indicator accepts, and how a whole column is turned through one."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from math import nan
from typing import Final, TypeAlias

Column: TypeAlias = "array[float]"
"""What a function over columns gives: NaN where there is no value yet."""


LARGEST: Final = 1e100
"""Numbers from here on are refused like infinity: sums and squares of smaller ones are finite."""


def period(n: int, name: str = "n", least: int = 1) -> int:
    """A length in bars. Raises `ValueError` for anything but a whole number of at least `least`."""
    if type(n) is not int or n < least:  # neither 14.0 nor True
        raise ValueError(f"{name} = {n!r}; it is a number of bars, a whole number of at least {least}")
    return n


def finite(x: float, name: str = "x") -> float:
    """Raises `ValueError` for NaN, the infinities, and what is as good as infinite."""
    if not -LARGEST < x < LARGEST:
        raise ValueError(f"{name} = {x}; leave out bars whose numbers are not finite, or beyond {LARGEST:g}")
    return x


def traded(volume: float) -> float:
    """Raises `ValueError` for a volume that is not finite or below zero."""
    if finite(volume, "volume") < 0.0:
        raise ValueError(f"volume = {volume}; it cannot be below 0")
    return volume


def extent(high: float, low: float) -> None:
    """Raises `ValueError` unless both are finite and `low` is not above `high`."""
    finite(high, "high")
    finite(low, "low")
    if low > high:
        raise ValueError(f"low = {low} is above high = {high}; leave out bars that contradict themselves")


def rows(columns: Sequence[Sequence[float]]) -> Iterator[tuple[float, ...]]:
    """A tuple of plain floats for each bar. Raises `ValueError` when the columns differ in length."""
    lengths = [len(column) for column in columns]
    if len(set(lengths)) > 1:
        raise ValueError(f"columns of {lengths} values; they must be of the same bars")
    return zip(*(map(float, column) for column in columns), strict=True)


def column(update: Callable[..., float | None], *columns: Sequence[float]) -> Column:
    """What `update` answers to each bar; NaN where it has none."""
    answers = (update(*row) for row in rows(columns))
    return array("d", (nan if answer is None else answer for answer in answers))


def table(update: Callable[..., tuple[float, ...] | None], width: int, *columns: Sequence[float]) -> tuple[Column, ...]:
    """The same for answers of `width` numbers: a column for each."""
    nothing = (nan,) * width
    out = tuple(array("d") for _ in range(width))
    for row in rows(columns):
        for into, value in zip(out, update(*row) or nothing, strict=True):
            into.append(value)
    return out
