"""When a score counts: on the edge, after it has stayed, once. A book is skewed most of the time; an edge is news."""

from petrosa.core.model.base import NS_PER_SECOND


class Trigger:
    """Follows one score, in units of its threshold: beyond +1 is a buy, beyond −1 a sell.

    A score counts once it has stayed beyond the same threshold for `persistence_seconds` of the desk's time. With
    `edge` it counts once, and again only after it fell back below 1 − `hysteresis` of that side, or crossed to the
    other side. Without it, every later score on that side counts.
    """

    __slots__ = ("_counted", "_edge", "_persistence_ns", "_rearm_below", "_side", "_since", "idle")

    def __init__(self, *, edge: bool, persistence_seconds: float, hysteresis: float) -> None:
        self.retune(edge=edge, persistence_seconds=persistence_seconds, hysteresis=hysteresis)
        self._side = 0  # the side on which the score is staying, 0 between the thresholds
        self._since = 0
        self._counted = 0  # the side that has been told and not armed again
        self.idle = True
        """Whether a score between the thresholds would change nothing, so that it need not be told."""

    def retune(self, *, edge: bool, persistence_seconds: float, hysteresis: float) -> None:
        """Other rules from now on; what stays beyond a threshold goes on staying there."""
        self._edge = edge
        self._persistence_ns = round(persistence_seconds * NS_PER_SECOND)
        self._rearm_below = 1.0 - hysteresis

    def update(self, score: float, now: int) -> bool:
        """Whether this score counts. NaN is no score."""
        if score > 1.0:
            side = 1
        elif score < -1.0:
            side = -1
        elif score == score:
            side = 0
        else:
            self.unknown()
            return False
        if self._counted and score * self._counted < self._rearm_below:
            self._counted = 0
        if side != self._side:
            self._side, self._since = side, now
        self.idle = side == 0 and self._counted == 0
        if side == 0 or now - self._since < self._persistence_ns or (self._edge and self._counted == side):
            return False
        self._counted = side
        return True

    def unknown(self) -> None:
        """There is no score now: what was staying is no longer known to stay. An edge that was told stays told."""
        self._side = 0
        self.idle = self._counted == 0
