"""How a live feed behaves where a venue leaves something out."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

Seconds = Annotated[float, Meta(gt=0, le=86_400)]


class FeedParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is fetched when trades were missed, how long is waited for it, and how books are asked for."""

    backfill_max_trades: Annotated[int, Meta(ge=0, le=1_000_000)] = 20_000
    """Of a longer hole only its newest part is fetched; 0 fetches nothing."""
    backfill_max_seconds: Annotated[float, Meta(ge=0, le=3_600)] = 900.0
    """A hole that began longer ago is left as it is: nobody acts on trades that old."""
    hold_seconds: Seconds = 20.0
    """How long the trades after a hole are held back at most while it is being filled."""
    hold_max: Annotated[int, Meta(ge=1, le=1_000_000)] = 20_000
    """How many trades of a symbol are held back at most."""
    grace_seconds: Annotated[float, Meta(ge=0, le=10)] = 0.25
    """How long a hole may close by itself, by a connection that lags, before the venue is asked."""
    book_levels: Annotated[int, Meta(ge=5, le=5_000)] = 1_000
    """Levels of a side in a snapshot."""
    books_per_second: Annotated[float, Meta(gt=0, le=100)] = 1.0
    """How fast snapshots are asked for when many books need one: at 1,000 levels half of what an address may ask."""
    books_at_once: Annotated[int, Meta(ge=1, le=100)] = 5
    """How many snapshots may be asked for without a pause."""
    depth20_from_book: bool = False
    """Make `depth20@100ms` of the synchronised books instead of subscribing to it."""


PARAMS: Final = FeedParams()
