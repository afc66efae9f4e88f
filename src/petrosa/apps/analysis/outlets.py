"""Where the signals of technical analysis go where no bus is: to whoever reads along, and to the journal."""

from petrosa.apps.joined import Report
from petrosa.core.model.signals import Signal


class Aloud:
    """Says each signal in a line."""

    def __init__(self, report: Report) -> None:
        self.published = 0
        self._report = report

    def made(self, signal: Signal) -> None:
        levels = "" if signal.stop_loss is None else f", stop {signal.stop_loss:g}, target {signal.take_profit or 0:g}"
        entry = "at stop" if signal.order_type == "stop" else "at"
        self._report(
            f"ta: {signal.strategy_id} {signal.symbol} {signal.timeframe}: {signal.action.value} {entry}"
            f" {signal.price:g}{levels}, confidence {signal.confidence:.2f}"
        )

    async def publish(self) -> None:
        """Nobody is waited for."""


class Silent:
    """For bars of long ago: what they led to is in the summary and in the journal."""

    published = 0

    def made(self, signal: Signal) -> None:
        """It is no news to anybody."""

    async def publish(self) -> None:
        """Nobody is waited for."""
