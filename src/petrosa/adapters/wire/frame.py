"""A frame as it came from a venue, before anybody looked into it."""

from typing import NamedTuple


class RawFrame(NamedTuple):
    """What one websocket message, or one line of a recording, carried and when it was heard.

    `arrival` is nanoseconds UTC by the receiver's clock. `payload` is `{"stream":"btcusdt@trade","data":{...}}` exactly
    as a combined stream sends it; a REST snapshot of a book travels as stream `btcusdt@snapshot`.
    """

    arrival: int
    payload: bytes
