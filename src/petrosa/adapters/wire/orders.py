"""The order message of the oldest generation, for whoever still listens on `tradeengine.orders`.

It is made from a signal, with the field names and upper-case words of that time. It is written only when that subject
is configured instead of `signals.trading`; nobody gets both for one signal.
"""

from typing import Final

import msgspec

from petrosa.adapters.wire.codec import Scalar, refuse_non_finite
from petrosa.adapters.wire.times import iso_z
from petrosa.core.model.base import Side
from petrosa.core.model.signals import Signal


class _Order(msgspec.Struct):
    order_id: str
    symbol: str
    side: str
    order_type: str
    quantity: float
    price: float
    stop_price: float | None
    time_in_force: str
    position_type: str
    leverage: int
    reduce_only: bool
    close_on_trigger: bool
    strategy_name: str
    signal_id: str
    confidence_score: float
    timestamp: str
    metadata: dict[str, Scalar]


_encoder: Final = msgspec.json.Encoder()


def encode_order(signal: Signal) -> bytes | None:
    """The old order that a buy or sell amounts to; None for `hold` and `close`, which that shape cannot say.

    Raises `FrameError` when a number is not finite. Leverage is 1: how much is at risk is not the strategy's affair.
    """
    side = signal.action.side
    if side is None:
        return None
    refuse_non_finite(signal)
    levels: dict[str, Scalar] = {"stop_loss": signal.stop_loss, "take_profit": signal.take_profit}
    return _encoder.encode(
        _Order(
            order_id=f"order_{signal.signal_id}",
            symbol=signal.symbol,
            side=side.value.upper(),
            order_type="LIMIT",
            quantity=signal.quantity,
            price=signal.price,
            stop_price=None,
            time_in_force="GTC",
            position_type="LONG" if side is Side.BUY else "SHORT",
            leverage=1,
            reduce_only=False,
            close_on_trigger=False,
            strategy_name=signal.strategy_id,
            signal_id=signal.signal_id,
            confidence_score=signal.confidence,
            timestamp=iso_z(signal.ts_event),
            metadata={**signal.metadata, **{k: v for k, v in levels.items() if v is not None}},
        )
    )
