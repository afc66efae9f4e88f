"""Where a resting limit order stands in the queue at its price, and how much of a trade reaches it.

Risk-averse: everything displayed when the order joins is ahead of it, and only trades at the price, or a smaller
displayed size, shorten the queue. Cancels are taken to happen behind us until the displayed size proves otherwise.
Source: the risk-averse queue model of hftbacktest (`models/queue.rs`).
"""

from petrosa.core.simulation.displayed import Displayed
from petrosa.core.simulation.orders import UNKNOWN_QUEUE, VenueOrder


def join(order: VenueOrder, displayed: Displayed) -> None:
    """Put a limit order behind what is displayed at its price. Not shown means: an unknown, endless queue."""
    assert order.limit is not None
    size = displayed.size_at(order.side, order.limit)
    order.ahead = UNKNOWN_QUEUE if size is None else size
    order.ts_ahead = displayed.as_of


def look(order: VenueOrder, displayed: Displayed) -> None:
    """Nobody can be ahead who is not displayed."""
    assert order.limit is not None
    size = displayed.size_at(order.side, order.limit)
    if size is not None and size < order.ahead:
        order.ahead = size
        order.ts_ahead = displayed.as_of


def reached(order: VenueOrder, place: float, steps: int, ts_event: int) -> int:
    """How many steps of a trade against this side of the book reach the order, after the queue ahead; `place` is its
    price in ticks, which may lie between two.

    A trade through the price means that the whole level is gone. A trade at the price that happened before the size
    we counted from was displayed is in that size already and reaches nobody a second time.
    """
    assert order.limit is not None
    sign = order.side.sign
    if sign * place < sign * order.limit:
        order.ahead = 0
        return steps
    if place != order.limit or order.ahead >= UNKNOWN_QUEUE or ts_event <= order.ts_ahead:
        return 0
    beyond = steps - order.ahead
    order.ahead = max(0, -beyond)
    return max(0, beyond)
