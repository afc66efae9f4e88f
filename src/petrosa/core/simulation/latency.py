"""How long things travel between the desk and the simulated venue."""

import random

from petrosa.core.model.base import NS_PER_MS
from petrosa.core.simulation.params import FillModel, SimulationParams


class Latency:
    """Order and response delays in nanoseconds; none at all when fills are instant.

    Chance depends on the seed and the number of the message alone, so that a restored exchange needs no generator's
    state to go on with the same delays.
    """

    __slots__ = ("_jitter", "_seed", "order", "quiet", "response")

    def __init__(self, params: SimulationParams) -> None:
        per_ms = 0 if params.fill_model is FillModel.INSTANT else NS_PER_MS
        self.order = round(params.order_latency_ms * per_ms)
        self.response = round(params.response_latency_ms * per_ms)
        self.quiet = round(params.quiet_market_ms * per_ms)
        self._jitter = round(params.latency_jitter_ms * per_ms)
        self._seed = params.seed

    @property
    def response_max(self) -> int:
        """The longest an answer can take."""
        return self.response + self._jitter

    def order_delay(self, number: int) -> int:
        return self.order + self._chance("order", number)

    def response_delay(self, number: int) -> int:
        return self.response + self._chance("response", number)

    def _chance(self, kind: str, number: int) -> int:
        if not self._jitter:
            return 0
        return random.Random(f"{self._seed}:{kind}:{number}").randint(0, self._jitter)
