"""Which order the venue made of which conditional order, so that its fills count for the one that we placed."""

from typing import Any, Final, NamedTuple

JOINS_MAX: Final = 4_096
"""Orders remembered that came of conditional ones; the oldest are forgotten first."""

HELD_MAX: Final = 256
"""Frames held back; beyond it the oldest go on under the name that they have."""

HOLD_MS: Final = 1_000
"""How long after a trigger, on the venue's clock, an order that nobody knows may be what it made."""


class Key(NamedTuple):
    symbol: str
    side: str


class Triggered:
    """Joins by the venue's order id, which only the news `TRIGGERED` has.

    That news comes after the first news of the order itself. As a rule the order has the conditional one's client id
    and nothing waits. Where it has another, its news is held back for as long as a trigger of its symbol and side is
    without an order, at most `HOLD_MS`.
    """

    def __init__(self) -> None:
        self._names: dict[tuple[str, int], str] = {}
        self._known: dict[str, None] = {}
        self._firing: dict[Key, tuple[str, int]] = {}

    def name(self, symbol: str, order_id: int, client_id: str) -> str:
        """The client order id of the conditional order that an order came of; its own where it came of none."""
        return self._names.get((symbol, order_id), client_id)

    def may_be_nameless(self, key: Key, order_id: int, client_id: str, ts_ms: int) -> bool:
        """Whether an order could be what a trigger is just making, so that its name is not certain yet."""
        firing = self._firing.get(key)
        if firing is None or (key.symbol, order_id) in self._names or client_id in self._known:
            return False
        return abs(ts_ms - firing[1]) <= HOLD_MS

    def seen(self, client_id: str) -> None:
        """There is a conditional order of this name."""
        self._known[client_id] = None
        _bound(self._known)

    def firing(self, key: Key, client_id: str, ts_ms: int) -> None:
        """Its trigger has been touched; the order is not made yet."""
        self._firing[key] = client_id, ts_ms
        _bound(self._firing)

    def join(self, key: Key, order_id: int, client_id: str) -> None:
        """This is the order that its trigger has made."""
        self._names[key.symbol, order_id] = client_id
        _bound(self._names)
        self.settled(key, client_id)

    def settled(self, key: Key, client_id: str) -> None:
        """No order will come of it any more, or it has come."""
        if self._firing.get(key, ("", 0))[0] == client_id:
            del self._firing[key]

    def give_up(self) -> None:
        """Wait for no trigger any longer."""
        self._firing.clear()


def _bound(known: dict[Any, Any]) -> None:
    if len(known) > JOINS_MAX:
        del known[next(iter(known))]
