"""How much may still be asked of a venue: counted here before a request leaves, corrected by what the venue counts.

Windows begin at multiples of their length on the venue's clock. What several processes behind one address use is seen
in the venue's answers only, so its count wins; what has left and is not answered comes on top.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from petrosa.core.model.base import NS_PER_SECOND
from petrosa.errors import InvariantError, RateLimited

RESERVED: Final = 0.2
"""Part of every limit that only urgent requests may use: those that make something smaller or safer."""

LIMITS_MAX: Final = 20
UNIT_S: Final = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400}
WEIGHT: Final = "REQUEST_WEIGHT"
ORDERS: Final = "ORDERS"
REQUESTS: Final = "RAW_REQUESTS"
HEADERS: Final = {WEIGHT: "X-MBX-USED-WEIGHT-", ORDERS: "X-MBX-ORDER-COUNT-"}
COUNT_MAX: Final = 10**9
"""A count beyond this is no count."""


class Limit(NamedTuple):
    """`most` of a kind (weight, orders, requests) in `number` units (SECOND, MINUTE, HOUR, DAY)."""

    kind: str
    number: int
    unit: str
    most: int

    @property
    def name(self) -> str:
        """As the venue's headers end: 1M, 10S, 1D."""
        return f"{self.number}{self.unit[0]}"

    @property
    def length_ns(self) -> int:
        return self.number * UNIT_S[self.unit] * NS_PER_SECOND


class Use(NamedTuple):
    """How full one window is now; `reserved` is what of `limit` only urgent requests may use."""

    kind: str
    window: str
    used: int
    limit: int
    reserved: int


class _Window(msgspec.Struct):
    limit: Limit
    began: int = 0
    told: int = 0
    """What the venue counted last, and what was answered without a count."""
    told_by: int = 0
    """Number of the request whose answer told it: answers may overtake each other."""
    pending: int = 0

    def at(self, now: int) -> "_Window":
        start = now - now % self.limit.length_ns
        if start > self.began:
            # What is still on its way may be counted in the new window.
            self.began, self.told, self.told_by = start, 0, 0
        return self

    @property
    def used(self) -> int:
        return self.told + self.pending

    def cost(self, weight: int, orders: int) -> int:
        return {WEIGHT: weight, ORDERS: orders, REQUESTS: 1}[self.limit.kind]


class Taken(NamedTuple):
    """A request that has been let go; give it back to `settle` when it is answered, or will never be."""

    number: int
    at: int
    weight: int
    orders: int


class Ledger:
    """The allowance at one host. `clock` gives the venue's time in nanoseconds."""

    def __init__(self, limits: Sequence[Limit], clock: Callable[[], int], reserved: float = RESERVED) -> None:
        if not 0.0 <= reserved < 1.0:
            raise InvariantError(f"reserved part {reserved}; it is from 0 to below 1")
        self._clock = clock
        self._reserved = reserved
        self._last = 0
        self._windows: tuple[_Window, ...] = ()
        self._stopped_until = 0
        self._orders_until = 0
        self.banned_until = 0
        self.learn(limits)

    def learn(self, limits: Sequence[Limit]) -> None:
        """Take limits as the venue states them; of a window that is there already the count stays."""
        known = {(one.limit.kind, one.limit.name): one for one in self._windows}
        fresh: dict[tuple[str, str], _Window] = {}
        for limit in limits[:LIMITS_MAX]:
            window = known.get((limit.kind, limit.name)) or _Window(limit)
            window.limit = limit
            fresh[limit.kind, limit.name] = window
        self._windows = tuple(fresh.values())

    def take(self, weight: int, orders: int = 0, *, urgent: bool = False) -> Taken:
        """Count a request that is about to leave. Raises `RateLimited` with the time to wait; then nothing is counted.

        Raises `InvariantError` for one that would never fit.
        """
        now = self._clock()
        self._check_stopped(now, orders)
        for window in self._windows:
            cost = window.at(now).cost(weight, orders)
            most = window.limit.most - (0 if urgent else self._kept(window.limit))
            if cost > most:
                raise InvariantError(f"a request of {cost} {window.limit.kind} can never fit into {most}")
            if cost and window.used + cost > most:
                left_s = (window.began + window.limit.length_ns - now) / NS_PER_SECOND
                raise RateLimited(
                    f"{window.limit.kind} {window.limit.name}: {window.used} used and {cost} more > {most}"
                    f"{'' if urgent else ' for what is not urgent'}; nothing was sent, wait {left_s:.1f} s",
                    left_s,
                )
        for window in self._windows:
            window.pending += window.cost(weight, orders)
        self._last += 1
        return Taken(self._last, now, weight, orders)

    def settle(self, taken: Taken, headers: Mapping[str, str] | None = None) -> None:
        """The request is answered, with these headers (any case), or will not be."""
        now = self._clock()
        given = {name.upper(): value for name, value in (headers or {}).items()}
        for window in self._windows:
            limit = window.limit
            cost = window.cost(taken.weight, taken.orders)
            window.at(now).pending = max(0, window.pending - cost)
            count = _count(given.get(f"{HEADERS.get(limit.kind, '')}{limit.name}".upper(), ""))
            if count is None or taken.at < window.began:
                # A count from across the turn of the window may be the old one's.
                window.told += cost
            elif taken.number > window.told_by:
                window.told, window.told_by = count, taken.number
            else:
                window.told = max(window.told, count)

    def stop(self, seconds: float, *, is_ban: bool = False, orders_only: bool = False) -> None:
        """The venue wants to hear nothing, or no new order, for so long. Stops never get shorter."""
        until = self._clock() + round(seconds * NS_PER_SECOND)
        if orders_only:
            self._orders_until = max(self._orders_until, until)
            return
        self._stopped_until = max(self._stopped_until, until)
        if is_ban:
            self.banned_until = max(self.banned_until, until)

    def uses(self) -> tuple[Use, ...]:
        """Every window as it is now."""
        now = self._clock()
        return tuple(
            Use(one.limit.kind, one.limit.name, one.at(now).used, one.limit.most, self._kept(one.limit))
            for one in self._windows
        )

    def _kept(self, limit: Limit) -> int:
        return -int(-limit.most * self._reserved // 1)

    def _check_stopped(self, now: int, orders: int) -> None:
        until = max(self._stopped_until, self._orders_until if orders else 0)
        if now >= until:
            return
        left_s, is_ban = (until - now) / NS_PER_SECOND, now < self.banned_until
        what = "this address is banned" if is_ban else "the venue asked for a pause"
        raise RateLimited(f"{what}; nothing was sent, wait {left_s:.1f} s", left_s, is_ban=is_ban)


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text[:12]) <= COUNT_MAX else None
