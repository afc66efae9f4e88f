"""A strategy process without its connections: an envelope in, signals counted. The parts are the package's own."""

from collections import deque
from decimal import Decimal

from benchmarks.depth_metrics import DepthMetrics, depth_metrics
from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.wire.envelope import unwrap
from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.events import SignalMade
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import Depth
from petrosa.core.model.signals import Action, Signal
from petrosa.core.strategies.catalog import TICK
from petrosa.core.strategist import Strategist, StrategyPlan

BTCUSDT = Instrument(
    venue="binance", market="spot", symbol="BTCUSDT", base="BTC", quote="USDT", settle="USDT",
    tick=Decimal("0.01"), step=Decimal("0.00001"), min_quantity=Decimal("0.00001"), max_quantity=Decimal(9000),
    min_notional=Decimal(5),
)  # fmt: skip

MEASURED = ("orderbook_skew", "trade_momentum", "ticker_velocity")
"""The three that every figure of ours is about, whatever else comes into the catalogue."""

EXAMPLE = Signal(
    signal_id="0" * 32, strategy_id="orderbook_skew", symbol="BTCUSDT", action=Action.BUY, confidence=0.7,
    price=64_000.0, quantity=0.001, current_price=64_000.0, ts_event=1, ts_seen=1, venue="binance", market="spot",
    indicators={"bid_volume": 12.0, "ask_volume": 7.0, "ratio": 1.714}, metadata={"strategy": "orderbook_skew"},
)  # fmt: skip


class OurStrategies:
    """Parser, market state, depth figures and three strategies on one symbol."""

    def __init__(self) -> None:
        self.signals = 0
        self.example = EXAMPLE
        self._parser = Parser("binance", "spot", {"BTCUSDT"})
        self._market = MarketState(BTCUSDT, Tape(10 * NS_PER_SECOND))
        plans = [StrategyPlan(name, BTCUSDT.id, TICK[name].params()) for name in MEASURED]
        self._strategist = Strategist({BTCUSDT.id: BTCUSDT}, plans, {BTCUSDT.id: self._market})
        self._history: deque[DepthMetrics] = deque(maxlen=300)

    def handle(self, data: bytes) -> int:
        """Deal with one message; returns its arrival stamp."""
        frame = unwrap(data).frame
        arrival = frame.arrival
        event = self._parser.parse(frame.payload, arrival)
        if event is not None:
            self._market.apply(event, arrival)
            for decision in self._strategist.handle(event, arrival):
                self.signals += isinstance(decision, SignalMade)
            if isinstance(event, Depth):
                depth_metrics(event, self._history)
        return arrival


def others_off() -> tuple[str, ...]:
    """Settings under which a process runs no other strategies than those that figures are about."""
    return tuple(f"strategies.{name}.enabled=false" for name in TICK if name not in MEASURED)
