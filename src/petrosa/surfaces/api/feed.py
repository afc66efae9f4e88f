"""`/feed`: every stream of a live feed, with what is known of it."""

from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from petrosa.surfaces.api.openapi import Problem
from petrosa.surfaces.api.part import Part, answer, json_response
from petrosa.surfaces.feed_seen import BookSeen, FeedSeen, StreamSeen

EXAMPLE: Final = FeedSeen(
    streams={"btcusdt@depth@100ms": StreamSeen("live", 61.2, "frames flow", 612, 0.04)},
    books={"BTCUSDT": BookSeen(True, 61.0, 0, 1)},
    connections={"binance:usdm public 1": True},
    reconnects=0, events_by_name={}, left_out_by_name={}, told=613, waiting=0, room=20_000,
)  # fmt: skip
ABOUT: Final = "Market data of a venue, as this process hears it."


def feed_part(seen: Callable[[], FeedSeen | None]) -> Part:
    """`seen` gives nothing before the venue has answered."""

    async def feed(_request: Request) -> Response:
        found = seen()
        if found is None:
            return json_response(Problem("the venue has not answered yet; /ready says what is waited for"), 503)
        return json_response(found)

    described = {
        "get": {
            "operationId": "feed",
            "summary": "State, age and frames of every stream; books; connections; what was left out.",
            "responses": {
                "200": answer(FeedSeen, EXAMPLE, "As it is now."),
                "503": answer(Problem, Problem("the venue has not answered yet"), "Not yet."),
            },
        }
    }
    return Part("feed", ABOUT, [Route("/feed", feed)], {"/feed": described}, (FeedSeen, StreamSeen, BookSeen, Problem))
