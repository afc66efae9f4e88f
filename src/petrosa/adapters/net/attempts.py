"""How often connections may be opened from one address: a count over a window that slides."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from petrosa.errors import RateLimited

ATTEMPTS_MAX: Final = 240
"""Binance allows 300 in five minutes from one address; what is left is for the connections of accounts."""
WINDOW_S: Final = 300.0


class Attempts:
    """Shared by all who open connections from this address."""

    def __init__(
        self, most: int = ATTEMPTS_MAX, window_s: float = WINDOW_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._window_s = window_s
        self._clock = clock
        self._at: deque[float] = deque()

    def take(self) -> None:
        """Count one more. Raises `RateLimited`, with how long to wait, where that would be one too many."""
        now = self._clock()
        while self._at and now - self._at[0] >= self._window_s:
            self._at.popleft()
        if len(self._at) >= self._most:
            wait_s = self._at[0] + self._window_s - now
            raise RateLimited(
                f"{len(self._at)} connections were opened in {self._window_s:g} s, the most that may be; "
                f"the next in {wait_s:.1f} s", wait_s,
            )  # fmt: skip
        self._at.append(now)
