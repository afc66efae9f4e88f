"""Frozen: the plain way to do the same work, against which ratios are measured. Changing it ends every comparison.

`json.loads`, `float()` and dictionaries, as a first version of a strategy service would have it: no structs, no
early exits, no state that is kept up to date. What it computes is what the specification documents.
"""

import json
from collections import deque
from typing import Any


def decode_depth(payload: bytes) -> tuple[list[list[float]], list[list[float]]]:
    """A depth20 frame to its forty pairs of floats."""
    data = json.loads(payload)["data"]
    bids = [[float(price), float(quantity)] for price, quantity in data["bids"]]
    asks = [[float(price), float(quantity)] for price, quantity in data["asks"]]
    return bids, asks


def depth_metrics(
    bids: list[list[float]], asks: list[list[float]], history: deque[dict[str, float]]
) -> dict[str, float]:
    """Volumes, imbalance, two volume-weighted prices, mid, spread, micro-price and top-5 skew, kept 300 long."""
    bid_volume = sum(quantity for _, quantity in bids)
    ask_volume = sum(quantity for _, quantity in asks)
    top_bid = sum(quantity for _, quantity in bids[:5])
    top_ask = sum(quantity for _, quantity in asks[:5])
    bid, ask = bids[0][0], asks[0][0]
    metrics = {
        "bid_volume": bid_volume,
        "ask_volume": ask_volume,
        "imbalance": (bid_volume - ask_volume) / (bid_volume + ask_volume),
        "bid_vwap": sum(price * quantity for price, quantity in bids) / bid_volume,
        "ask_vwap": sum(price * quantity for price, quantity in asks) / ask_volume,
        "mid": (bid + ask) / 2,
        "spread_bps": (ask - bid) / ((bid + ask) / 2) * 10_000,
        "micro": (bid * asks[0][1] + ask * bids[0][1]) / (bids[0][1] + asks[0][1]),
        "skew": top_bid / top_ask,
    }
    history.append(metrics)
    return metrics


class PlainStrategies:
    """The three tick strategies as the specification documents them, fed by stream name."""

    def __init__(self) -> None:
        self.history: dict[str, deque[dict[str, float]]] = {}
        self.trades: dict[str, deque[dict[str, float]]] = {}
        self.tickers: dict[str, deque[tuple[int, float]]] = {}

    def handle(self, payload: bytes) -> dict[str, Any] | None:
        """One message of `binance.websocket.data`; a signal as a dictionary, or nothing."""
        message = json.loads(payload)
        stream, data = message["stream"], message["data"]
        symbol = stream.split("@")[0].upper()
        if "depth" in stream:
            return self._skew(symbol, data)
        if "ticker" in stream:
            return self._velocity(symbol, data)
        return self._momentum(symbol, data)

    def _skew(self, symbol: str, data: dict[str, Any]) -> dict[str, Any] | None:
        bids = [[float(price), float(quantity)] for price, quantity in data["bids"]]
        asks = [[float(price), float(quantity)] for price, quantity in data["asks"]]
        metrics = depth_metrics(bids, asks, self.history.setdefault(symbol, deque(maxlen=300)))
        if metrics["spread_bps"] < 10 and not 0.8 <= metrics["skew"] <= 1.2:
            return {"symbol": symbol, "action": "buy" if metrics["skew"] > 1 else "sell", "confidence": 0.7}
        return None

    def _momentum(self, symbol: str, data: dict[str, Any]) -> dict[str, Any] | None:
        price, quantity = float(data["p"]), float(data["q"])
        last = self.trades.setdefault(symbol, deque(maxlen=100))
        before = last[-1]["price"] if last else price
        last.append({"price": price, "quantity": quantity})
        score = 0.4 * (price - before) / before * 100 + 0.3 * min(1.0, quantity) + 0.3 * (-1.0 if data["m"] else 1.0)
        if abs(score) > 0.7:
            return {"symbol": symbol, "action": "buy" if score > 0 else "sell", "confidence": abs(score)}
        return None

    def _velocity(self, symbol: str, data: dict[str, Any]) -> dict[str, Any] | None:
        at, price = int(data["E"]), float(data["c"])
        window = self.tickers.setdefault(symbol, deque())
        window.append((at, price))
        while window[0][0] < at - 60_000:
            window.popleft()
        velocity = (price - window[0][1]) / window[0][1] * 100
        if abs(velocity) > 0.5:
            return {"symbol": symbol, "action": "buy" if velocity > 0 else "sell", "confidence": 0.7}
        return None


def plain_backtest(tape: list[tuple[int, float, float, bool]], fee_rate: float = 0.0005) -> tuple[int, float]:
    """EMA(200) against EMA(1000), order-flow imbalance of 1,000 trades, CVD, one-minute candles, P&L with a fee.

    Candles have the nine fields that candles have everywhere here; equity is marked and its drawdown kept at every
    trade. `tape` is (time in ns, price, quantity, buyer was the aggressor). Returns the number of orders and the
    deepest drawdown.
    """
    fast = slow = tape[0][1]
    fast_weight, slow_weight = 2 / 201, 2 / 1001
    flow, size = [0.0] * 1_000, [0.0] * 1_000
    flow_sum = size_sum = imbalance = cvd = cash = position = peak = drawdown = 0.0
    slot = orders = count = 0
    bar = -1
    high = low = open_ = close = volume = quote_volume = buy_volume = 0.0
    candles: list[tuple[int, float, float, float, float, float, float, int, float]] = []
    for at, price, quantity, bought in tape:
        signed = quantity if bought else -quantity
        cvd += signed
        flow_sum += signed - flow[slot]
        size_sum += quantity - size[slot]
        flow[slot], size[slot] = signed, quantity
        imbalance = flow_sum / size_sum
        slot = slot + 1 if slot < 999 else 0
        minute = at // 60_000_000_000
        if minute != bar:
            if bar >= 0:
                candles.append((bar, open_, high, low, close, volume, quote_volume, count, buy_volume))
            bar, open_, high, low, count = minute, price, price, price, 0
            volume = quote_volume = buy_volume = 0.0
        high, low, close = (price if price > high else high), (price if price < low else low), price
        volume += quantity
        quote_volume += price * quantity
        count += 1
        if bought:
            buy_volume += quantity
        was_above = fast > slow
        fast += fast_weight * (price - fast)
        slow += slow_weight * (price - slow)
        if (fast > slow) is not was_above:
            target = 1.0 if fast > slow else -1.0
            delta = target - position
            cash -= delta * price + abs(delta) * price * fee_rate
            position = target
            orders += 1
        equity = cash + position * price
        peak = equity if equity > peak else peak
        drawdown = peak - equity if peak - equity > drawdown else drawdown
    return orders, drawdown + 0.0 * (cvd + imbalance)
