"""What a refusal of an order means to the desk, in words that it knows again."""

from typing import Final

from petrosa.adapters.venues.binance.live.codes import Meaning, meaning
from petrosa.core.execution.lifecycle import WOULD_TRIGGER
from petrosa.errors import VenueRefused

NEVER_SENT: Final = "never sent"
"""How the reason of an order begins that has not left: the venue cannot know of it."""
NEVER_REACHED: Final = "never reached the venue"
"""How the reason of an order begins that has left, and is proved not to be there."""


def reason_of(market: str, refused: VenueRefused) -> str:
    """Why an order was rejected: the venue's number and words, after ours where the desk must know them."""
    would_trigger = meaning(market, refused.code, refused.said) is Meaning.WOULD_TRIGGER
    return f"{WOULD_TRIGGER}, {refused}" if would_trigger else str(refused)


def doubts_position(market: str, refused: VenueRefused) -> bool:
    """Whether it says that the position is another than we think: smaller, gone, or on the other side."""
    return meaning(market, refused.code, refused.said) is Meaning.NOT_REDUCING
