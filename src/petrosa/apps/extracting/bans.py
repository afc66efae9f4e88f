"""What is left of a ban for the next process: whoever asks while it lasts is banned for longer."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from petrosa.core.market.grid import shown
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.errors import RateLimited


class Ban:
    """A file in the data directory that says until when (ns) the venue's market has banned this address."""

    def __init__(self, home: Path, market: str, wall: Callable[[], int]) -> None:
        self.path = home / f"ban-binance-{market}"
        self._wall = wall

    @property
    def left_s(self) -> float:
        """How long it lasts still, in seconds; 0 for no ban."""
        try:
            until = int(self.path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0.0
        return max(0.0, (until - self._wall()) / NS_PER_SECOND)

    def check(self) -> None:
        """Raises `RateLimited` while it lasts."""
        left_s = self.left_s
        if left_s > 0:
            until = shown((self._wall() // NS_PER_SECOND + round(left_s)) * NS_PER_SECOND)
            raise RateLimited(
                f"the venue has banned this address until {until}, for {left_s:.0f} s more; nothing was asked, because"
                " asking makes it longer",
                left_s,
                is_ban=True,
            )

    def note(self, problem: RateLimited) -> None:
        """Keep it, if it is one and longer than what is kept."""
        if not problem.is_ban or problem.retry_after_s <= self.left_s:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        until = self._wall() + round(problem.retry_after_s * NS_PER_SECOND)
        new = self.path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):  # a full disk is not what a ban is told for
            new.write_text(str(until), encoding="ascii")
            new.replace(self.path)
