"""How orders are sent to a real venue. Times are in seconds of the wall."""

from typing import Annotated

import msgspec
from msgspec import Meta


class GatewayParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long an entry may wait, how many requests are out at once, and how long an order is looked for."""

    max_wait_seconds: Annotated[
        float, Meta(gt=0, le=60, description="An entry that could not leave within this is not sent any more.")
    ] = 1.0
    urgent_slots: Annotated[
        int, Meta(ge=1, le=32, description="Requests for stops, exits and cancels that may be out at once.")
    ] = 10
    entry_slots: Annotated[int, Meta(ge=1, le=32, description="Requests for entries that may be out at once.")] = 5
    overtake_seconds: Annotated[
        float,
        Meta(gt=0, le=60, description="A request of the same instrument waits so long for the answer to the last one."),
    ] = 0.5
    lane_capacity: Annotated[
        int, Meta(ge=1, le=100_000, description="Requests that may wait in each of the two lanes.")
    ] = 1_000
    lookup_seconds: Annotated[
        float, Meta(ge=30, le=3_600, description="An order without an answer is looked for at least so long.")
    ] = 60.0
    recv_window_seconds: Annotated[
        float,
        Meta(gt=0, le=60, description="The window of signed requests: later the venue cannot act on one any more."),
    ] = 5.0
    silence_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=60,
            description="If the user stream says nothing of an answered order for so long, it is asked for.",
        ),
    ] = 1.0
    max_cancel_sends: Annotated[
        int, Meta(ge=1, le=10, description="So often one cancel is sent when there is no answer to it.")
    ] = 3
