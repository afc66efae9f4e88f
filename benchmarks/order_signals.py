"""The signals of the benchmark of the order path: each symbol in turn is bought, left, sold short and left."""

import time
from collections.abc import Mapping, Sequence

from petrosa.core.model.signals import Action, Signal

SYMBOLS = ("ADAUSDT", "BNBUSDT", "BTCUSDT", "DOGEUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
ACTIONS = (Action.BUY, Action.CLOSE, Action.SELL, Action.CLOSE)
NOTIONAL = 400.0
"""In USDT: above every least value, and so small that the book does not notice."""
RATE = 100
"""Signals a second; seven symbols, so one of a symbol each 70 ms."""


def signal(number: int, prices: Mapping[str, float]) -> Signal:
    """The signal with this number, as of now. Nothing of it depends on the one before."""
    symbol = SYMBOLS[number % len(SYMBOLS)]
    now, price = time.time_ns(), prices[symbol]
    return Signal(
        signal_id=f"{number:032x}", strategy_id="bench", symbol=symbol, confidence=0.9,
        action=ACTIONS[number // len(SYMBOLS) % len(ACTIONS)], price=price, quantity=NOTIONAL / price,
        current_price=price, ts_event=now, ts_seen=now, venue="binance", market="usdm",
    )  # fmt: skip


def due_times(count: int, lead_s: float = 0.2) -> Sequence[float]:
    """When each signal is due, on the monotonic clock."""
    first = time.monotonic() + lead_s
    return [first + number / RATE for number in range(count)]
