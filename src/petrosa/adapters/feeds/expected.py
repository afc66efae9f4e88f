"""How often a stream is expected to say something."""

from enum import Enum
from typing import NamedTuple


class Manner(Enum):
    """What makes a stream speak."""

    STEADY = "steady"
    """The clock: whatever the market does, or nearly so."""
    BUSY = "busy"
    """What happens in the market; it has a pace of its own that changes slowly."""
    RARE = "rare"
    """What seldom happens. Its silence says nothing."""


class Expected(NamedTuple):
    """Seconds of silence after which a stream is STALE and DEAD.

    `alone_s` is how long a BUSY one may be silent when no other stream of its symbol speaks either. `asks` says that
    the venue can be asked whether something happened.
    """

    manner: Manner
    stale_s: float
    dead_s: float = 60.0
    alone_s: float = 10.0
    asks: bool = False
