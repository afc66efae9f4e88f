"""What is at stake already: positions, and orders that could still enlarge them, whatever their state."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from petrosa.core.model.instruments import EXACT
from petrosa.core.model.market import InstrumentId


class Exposure(msgspec.Struct, frozen=True):
    """Gross notional in the account's currency, and how many instruments it is spread over.

    `notional` is None when a price that is needed is not known: then nothing may be added.
    """

    notional: Decimal | None
    instruments: int


def exposure_of(notionals: Mapping[InstrumentId, Decimal | None]) -> Exposure:
    """Sum per instrument; instruments at zero do not count. One unknown makes the sum unknown."""
    total: Decimal | None = Decimal(0)
    count = 0
    for value in notionals.values():
        if value is None:
            total = None
        elif total is not None:
            total = EXACT.add(total, value)
        if value is None or value != 0:
            count += 1
    return Exposure(total, count)
