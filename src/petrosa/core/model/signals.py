"""Opinions: what a strategy says, before anybody has agreed to risk money on it."""

import hashlib
from enum import Enum

import msgspec

from petrosa.core.model.base import Message, Side


class Action(Enum):
    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"
    CLOSE = "close"

    @property
    def side(self) -> Side | None:
        """The side of the order it asks for; none for `hold` and `close`."""
        if self is Action.BUY:
            return Side.BUY
        return Side.SELL if self is Action.SELL else None


class Signal(Message, frozen=True, gc=False, tag="signal"):
    """One opinion. The fields of the documented message, with `signal_id`, `ts_event` and `ts_seen` added.

    `confidence` is in [0, 1]; prices are floats in quote currency; `quantity` is a hint that sizing ignores by default;
    `stop_loss` and `take_profit` are prices, `stop_loss_pct` and `take_profit_pct` fractions (0.02 is 2 %).
    `venue` and `market` may be absent when the symbol alone names one instrument. `strategy_mode` says how it came
    about: deterministic, ml_light or llm_reasoning. `order_type` `stop` asks for an entry that waits until the market
    reaches `price`, until `expires_at` (ns) at the latest; any other leaves the entry to the engine.
    """

    signal_id: str
    strategy_id: str
    symbol: str
    action: Action
    confidence: float
    price: float
    quantity: float
    current_price: float
    ts_event: int
    ts_seen: int
    timeframe: str = "tick"
    venue: str | None = None
    market: str | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    stop_loss_pct: float | None = None
    take_profit_pct: float | None = None
    indicators: dict[str, float] = msgspec.field(default_factory=dict)
    metadata: dict[str, str | float | int | bool | None] = msgspec.field(default_factory=dict)
    source: str = "petrosa"
    strategy: str = ""
    strategy_mode: str = "deterministic"
    order_type: str | None = None
    expires_at: int | None = None


def signal_id_of(strategy_id: str, version: int, instrument: str, timeframe: str, ts_event: int, action: Action) -> str:
    """A signal's identity is a pure function of what it says, so a replica or a retry makes the same one (32 hex)."""
    text = f"{strategy_id}|{version}|{instrument}|{timeframe}|{ts_event}|{action.value}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
