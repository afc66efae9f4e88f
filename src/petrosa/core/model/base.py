"""What every message has in common: frozen, tagged by kind, without cycles (so the collector leaves it alone)."""

from enum import Enum
from typing import Final

import msgspec

SCHEMA: Final = 1
"""Version of the messages and of the journal. Fields are only added, with defaults; tags are never reused."""

NS_PER_SECOND: Final = 1_000_000_000
NS_PER_MS: Final = 1_000_000
NEVER: Final = (1 << 63) - 1
"""A time that does not come."""


class Message(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag=True):
    """Base of facts (past tense) and commands (imperative). The tag names the kind wherever a message is written.

    Times are integer nanoseconds UTC. `gc=False` is safe because messages never refer to themselves.
    """


class Side(Enum):
    """Which way an order, a trade's aggressor or a position change goes."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """+1 for a buy, −1 for a sell."""
        return 1 if self is Side.BUY else -1
