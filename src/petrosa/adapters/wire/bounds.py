"""Numbers of a venue's frames, bounded: they come as strings and become floats in C.

The bounds refuse what cannot be: a price of zero, a negative quantity, NaN, a time in microseconds.
"""

from typing import Annotated, Final

from msgspec import Meta

INT64_MAX: Final = 2**63 - 1
PRICE_MIN: Final = 1e-18
"""Nothing trades for less. A smaller number is a mistake, and dividing by it gives nothing that is finite."""
PRICE_MAX: Final = 1e12
QUANTITY_MAX: Final = 1e15
Price = Annotated[float, Meta(ge=PRICE_MIN, le=PRICE_MAX)]
Quantity = Annotated[float, Meta(ge=0, le=QUANTITY_MAX)]
Millis = Annotated[int, Meta(gt=0, lt=10**13)]
"""Milliseconds UTC until the year 2286: a stamp in microseconds does not pass for one."""
UpdateId = Annotated[int, Meta(ge=0, le=INT64_MAX)]
Count = Annotated[int, Meta(ge=0, le=INT64_MAX)]
Change = Annotated[float, Meta(gt=-1e9, lt=1e9)]
Levels = tuple[tuple[Price, Quantity], ...]
