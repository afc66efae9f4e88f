"""Instruments for tests."""

from decimal import Decimal

from petrosa.core.model.instruments import Instrument


def instrument(symbol: str = "BTCUSDT", market: str = "spot", tick: str = "0.01", step: str = "0.00001") -> Instrument:
    """A linear instrument quoted in USDT."""
    return Instrument(
        venue="binance",
        market=market,
        symbol=symbol,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(step),
        max_quantity=Decimal(9000),
        min_notional=Decimal(5),
    )
