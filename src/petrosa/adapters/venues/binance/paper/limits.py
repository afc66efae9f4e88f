"""How much a client may ask for: weight by address, orders by account, and what happens to one who does not stop."""

import msgspec

from petrosa.adapters.venues.binance.paper.refusals import banned, throttled, too_many_orders
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND

MINUTE_NS = 60 * NS_PER_SECOND
ADDRESSES_MAX = 1_000
"""Addresses remembered; the one that was heard longest ago is forgotten first."""

BAN_S = 120
"""The first ban; each further one is twice as long, up to three days."""
BAN_MAX_S = 3 * 86_400
STRIKES = 10
"""Requests after a 429, within the same minute, that bring a 418."""


class Window(msgspec.Struct):
    """A count within a window that begins at a multiple of its length."""

    length_ns: int
    limit: int
    interval: str
    letter: str
    number: int = 1
    began: int = 0
    used: int = 0

    def at(self, now: int) -> "Window":
        start = now - now % self.length_ns
        if start != self.began:
            self.began, self.used = start, 0
        return self

    def left_s(self, now: int) -> int:
        """Whole seconds, rounded up, until it begins anew."""
        return -(-(self.began + self.length_ns - now) // NS_PER_SECOND)


class _Address(msgspec.Struct):
    window: Window
    strikes: int = 0
    bans: int = 0
    banned_until: int = 0


class WeightLimit:
    """Weight used by each address in the minute. Raises 429, and 418 for those who go on."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._addresses: dict[str, _Address] = {}

    def charge(self, address: str, weight: int, now: int) -> int:
        """Weight used in this minute, with this request. Raises `Refusal` 429 or 418."""
        known = self._addresses.pop(address, None)
        if known is None:
            known = _Address(Window(MINUTE_NS, self.limit, "MINUTE", "M"))
            while len(self._addresses) >= ADDRESSES_MAX:
                del self._addresses[next(iter(self._addresses))]
        self._addresses[address] = known
        if now < known.banned_until:
            raise _ban(known, now)
        window = known.window.at(now)
        if window.used == 0:
            known.strikes = 0
        window.used += weight
        if window.used <= self.limit:
            return window.used
        known.strikes += 1
        if known.strikes > STRIKES:
            known.bans, known.strikes = known.bans + 1, 0
            known.banned_until = now + min(BAN_MAX_S, BAN_S * 2 ** min(20, known.bans - 1)) * NS_PER_SECOND
            raise _ban(known, now)
        raise throttled(self.limit, window.left_s(now))

    def used(self, address: str, now: int) -> int:
        """Weight used so far in this minute."""
        known = self._addresses.get(address)
        return 0 if known is None else known.window.at(now).used


def _ban(known: _Address, now: int) -> Exception:
    left = -(-(known.banned_until - now) // NS_PER_SECOND)
    return banned(known.banned_until // NS_PER_MS, left)


class OrderLimit:
    """New orders of one account in each of its windows."""

    def __init__(self, windows: tuple[Window, ...]) -> None:
        self.windows = windows

    def charge(self, now: int, orders: int = 1) -> None:
        """Count new orders. Raises -1015 where one window is full; then nothing is counted."""
        for window in self.windows:
            if window.at(now).used + orders > window.limit:
                raise too_many_orders(window.limit, f"{window.number} {window.interval}", window.left_s(now))
        for window in self.windows:
            window.used += orders

    def headers(self, now: int) -> dict[str, str]:
        return {
            f"X-MBX-ORDER-COUNT-{window.number}{window.letter}": str(window.at(now).used) for window in self.windows
        }

    def describe(self, now: int | None = None) -> list[dict[str, object]]:
        """As `rateLimits` of exchangeInfo, or with the count of `now` as `rateLimit/order` says it."""
        return [
            {
                "rateLimitType": "ORDERS", "interval": window.interval, "intervalNum": window.number,
                "limit": window.limit, **({} if now is None else {"count": window.at(now).used}),
            }
            for window in self.windows
        ]  # fmt: skip


def spot_orders() -> OrderLimit:
    """100 in 10 s, 200,000 in a day."""
    return OrderLimit(
        (
            Window(10 * NS_PER_SECOND, 100, "SECOND", "S", 10),
            Window(86_400 * NS_PER_SECOND, 200_000, "DAY", "D"),
        )
    )


def usdm_orders() -> OrderLimit:
    """300 in 10 s, 1,200 in a minute."""
    return OrderLimit((Window(10 * NS_PER_SECOND, 300, "SECOND", "S", 10), Window(MINUTE_NS, 1_200, "MINUTE", "M")))
