"""Listen keys of USD-M user streams: one per account, good for an hour, longer when it is asked for."""

import secrets
from typing import Final

from petrosa.adapters.venues.binance.paper.refusals import Refusal
from petrosa.core.model.base import NS_PER_SECOND

VALID_NS: Final = 3_600 * NS_PER_SECOND


class ListenKeys:
    """(key, valid until) by account."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[str, int]] = {}

    def open(self, account: str, now: int) -> str:
        """The account's key, made valid for an hour; the same one while it is valid."""
        key, until = self._keys.get(account, ("", 0))
        if until <= now:
            key = secrets.token_hex(32)
        self._keys[account] = (key, now + VALID_NS)
        return key

    def prolong(self, account: str, now: int) -> str:
        """Raises -1125 where there is no valid key."""
        if self._keys.get(account, ("", 0))[1] <= now:
            raise Refusal(-1125, "This listenKey does not exist.")
        return self.open(account, now)

    def close(self, account: str) -> None:
        self._keys.pop(account, None)

    def account_of(self, key: str, now: int) -> str | None:
        """Whose key it is; None when it is nobody's or no longer valid."""
        return next((name for name, (own, until) in self._keys.items() if own == key and until > now), None)

    def expired(self, now: int) -> list[tuple[str, str]]:
        """(account, key) of those that ended, which are forgotten."""
        ended = [(name, key) for name, (key, until) in self._keys.items() if until <= now]
        for name, _ in ended:
            del self._keys[name]
        return ended
