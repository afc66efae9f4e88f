"""The venue's own books about the account: balances, positions, and what an order may still use.

On derivatives a fill moves the settle balance by realised profit and fee; on spot it swaps base for quote.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.simulation.orders import VenueOrder, price_of, quantity_of

ZERO = Decimal(0)


class Holding(msgspec.Struct, frozen=True):
    """A net position of a derivative: signed steps, and the mean price at which it was entered."""

    steps: int
    entry: Decimal


FLAT = Holding(0, ZERO)


class Account:
    """Totals by asset and holdings by instrument. Amounts are exact."""

    __slots__ = ("balances", "holdings")

    def __init__(self, balances: Mapping[str, Decimal]) -> None:
        self.balances = dict(balances)
        self.holdings: dict[InstrumentId, Holding] = {}

    def total(self, asset: str) -> Decimal:
        return self.balances.get(asset, ZERO)

    def change(self, asset: str, amount: Decimal) -> None:
        self.balances[asset] = EXACT.add(self.total(asset), amount)

    def steps_held(self, instrument: Instrument) -> int:
        """The signed position in steps; on spot the whole steps of base that are owned."""
        if instrument.market == "spot":
            return max(0, instrument.quantity_steps(self.total(instrument.base)))
        return self.holdings.get(instrument.id, FLAT).steps

    def reducible(self, instrument: Instrument, side: Side) -> int:
        """The largest order of a side, in steps, that makes the position smaller and does not turn it."""
        return max(0, -side.sign * self.steps_held(instrument))

    def fill(self, instrument: Instrument, side: Side, steps: int, price: Decimal, fee: Decimal, asset: str) -> None:
        """Book one fill: what it swaps or realises, and its fee."""
        quantity = quantity_of(instrument, steps)
        if instrument.market == "spot":
            value = instrument.notional(quantity, price)
            self.change(instrument.base, EXACT.multiply(quantity, Decimal(side.sign)))
            self.change(instrument.quote, EXACT.multiply(value, Decimal(-side.sign)))
        else:
            self.change(instrument.settle, self._move(instrument, side, steps, price))
        self.change(asset, -fee)

    def _move(self, instrument: Instrument, side: Side, steps: int, price: Decimal) -> Decimal:
        """Move a position by a fill; returns the profit that the closed part realised."""
        held = self.holdings.get(instrument.id, FLAT)
        after = held.steps + side.sign * steps
        if held.steps * side.sign >= 0:
            self.holdings[instrument.id] = Holding(after, mean_entry(instrument, held, steps, price))
            return ZERO
        closed = quantity_of(instrument, min(steps, abs(held.steps)))
        profit = instrument.profit(side.opposite, closed, held.entry, price)
        turned = after * held.steps < 0
        self.holdings[instrument.id] = Holding(after, price if turned else held.entry if after else ZERO)
        return profit


def mean_entry(instrument: Instrument, held: Holding, steps: int, price: Decimal) -> Decimal:
    """The mean entry price after enlarging a position; harmonic for an inverse contract, whose value is size/price."""
    if held.steps == 0:
        return price
    old, new = Decimal(abs(held.steps)), Decimal(steps)
    both = EXACT.add(old, new)
    if instrument.inverse:
        parts = EXACT.add(EXACT.divide(old, held.entry), EXACT.divide(new, price))
        return EXACT.divide(both, parts)
    parts = EXACT.add(EXACT.multiply(old, held.entry), EXACT.multiply(new, price))
    return EXACT.divide(parts, both)


def locked(orders: Iterable[VenueOrder], instruments: Mapping[InstrumentId, Instrument], asset: str) -> Decimal:
    """What resting spot orders hold of an asset. Conditional and reduce-only ones hold nothing until they fill,
    as the legs of an order list share one holding.
    """
    amount = ZERO
    for order in orders:
        instrument = instruments[order.instrument]
        if instrument.market != "spot" or order.limit is None or order.reduce_only or order.is_conditional:
            continue
        leaves = quantity_of(instrument, order.leaves)
        if order.side is Side.SELL and asset == instrument.base:
            amount = EXACT.add(amount, leaves)
        elif order.side is Side.BUY and asset == instrument.quote:
            amount = EXACT.add(amount, instrument.notional(leaves, price_of(instrument, order.limit)))
    return amount
