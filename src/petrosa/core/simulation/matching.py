"""What an incoming order can take from the market: displayed levels once each, and a model beyond them."""

from collections import deque
from typing import Final, NamedTuple

from petrosa.core.model.base import Side
from petrosa.core.simulation.displayed import Displayed, Source

SLICES_MAX: Final = 1_000
"""Slices beyond what is displayed after which a modelled market is empty too."""


class Piece(NamedTuple):
    """`steps` at a price. `displayed` is the level's whole size; `modelled` that no such level was shown."""

    ticks: int
    steps: int
    displayed: int
    modelled: bool


class Consumed:
    """What our own orders took from displayed levels: it is gone until the displayed size of the level changes."""

    __slots__ = ("taken",)

    def __init__(self) -> None:
        self.taken: dict[tuple[Side, int], tuple[int, int]] = {}

    def left(self, side: Side, ticks: int, displayed: int) -> int:
        """Of a displayed size, what is still there for us."""
        seen, taken = self.taken.get((side, ticks), (displayed, 0))
        return max(0, displayed - taken) if seen == displayed else displayed

    def take(self, side: Side, piece: Piece) -> None:
        """Remember that a piece is gone from a side of the book."""
        if piece.modelled:
            return
        seen, taken = self.taken.get((side, piece.ticks), (piece.displayed, 0))
        self.taken[side, piece.ticks] = (piece.displayed, piece.steps + (taken if seen == piece.displayed else 0))

    def shown(self, side: Side, ticks: int, displayed: int) -> None:
        """Forget what was taken from a level whose displayed size changed."""
        entry = self.taken.get((side, ticks))
        if entry is not None and entry[0] != displayed:
            del self.taken[side, ticks]


def takeable(displayed: Displayed, consumed: Consumed, side: Side, limit: int | None, wanted: int) -> list[Piece]:
    """Pieces of the displayed levels that an order of `side` would take, best first, within its limit."""
    pieces: list[Piece] = []
    sign, opposite = side.sign, side.opposite
    for ticks, steps in displayed.levels(opposite):
        if wanted <= 0 or (limit is not None and sign * ticks > sign * limit):
            break
        take = min(wanted, consumed.left(opposite, ticks, steps))
        if take > 0:
            pieces.append(Piece(ticks, take, steps, False))
            wanted -= take
    return pieces


def modelled(displayed: Displayed, side: Side, limit: int | None, wanted: int, impact: int) -> list[Piece]:
    """The part of an order that goes beyond what is displayed, at one price that is worse the larger the part is.

    Past the last shown price the market is taken to hold, every `impact` ticks, as much as the last shown level (or,
    where trades are all there is, as the last trade). A whole book shows all there is: beyond it there is nothing.
    """
    if wanted <= 0 or displayed.source is Source.BOOK:
        return []
    last = next(iter(deque(displayed.levels(side.opposite), maxlen=1)), None)
    if last is None and displayed.last_trade is not None:
        last = displayed.last_ticks, displayed.steps(displayed.last_trade.quantity)
    if last is None:
        return []
    price, size = last[0], max(1, last[1])
    slices = min(-(-wanted // size), SLICES_MAX)
    if limit is not None and impact:
        slices = min(slices, max(0, side.sign * (limit - price)) // impact)
    ticks = price + side.sign * impact * slices
    if slices == 0 or ticks <= 0 or (limit is not None and side.sign * ticks > side.sign * limit):
        return []
    return [Piece(ticks, min(wanted, slices * size), 0, True)]


def instant(displayed: Displayed, side: Side, limit: int | None, wanted: int) -> list[Piece]:
    """All of an order at the best opposite price, or at the last trade's where no quote is shown."""
    ticks = displayed.best(side.opposite) or displayed.last_ticks
    if ticks == 0 or (limit is not None and side.sign * ticks > side.sign * limit):
        return []
    return [Piece(ticks, wanted, 0, True)]
