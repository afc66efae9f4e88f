"""`GET /v5/market/instruments-info` as `Instrument`s. Only what is traded now is read."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.errors import ConfigError, DataError

VENUE: Final = "bybit"
PATH: Final = "/v5/market/instruments-info"
PERPETUAL: Final = "LinearPerpetual"
FEES: Final = {
    "spot": (Decimal("0.001"), Decimal("0.001")),
    "linear": (Decimal("0.0002"), Decimal("0.00055")),
}
"""Maker and taker of an account without a discount, as fractions."""
ZERO: Final = Decimal(0)

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Ask = Callable[[str, Mapping[str, str]], Awaitable[bytes]]


class _Prices(msgspec.Struct, rename="camel"):
    tick_size: Decimal


class _Lots(msgspec.Struct, rename="camel"):
    """Linear has a step and a least value; spot calls them `basePrecision` and `minOrderAmt`."""

    min_order_qty: Decimal
    max_order_qty: Decimal
    qty_step: Decimal = ZERO
    base_precision: Decimal = ZERO
    min_notional_value: Decimal = ZERO
    min_order_amt: Decimal = ZERO


class _Row(msgspec.Struct, rename="camel"):
    symbol: Name
    status: str
    base_coin: Name
    quote_coin: Name
    price_filter: _Prices
    lot_size_filter: _Lots
    settle_coin: str = ""
    contract_type: str = ""


class _List(msgspec.Struct):
    list: tuple[_Row, ...]


class _Answer(msgspec.Struct):
    result: _List


_decode: Final = msgspec.json.Decoder(_Answer, strict=False).decode


async def rules_of(ask: Ask, market: str, symbols: Iterable[str]) -> dict[InstrumentId, Instrument]:
    """The rules of some symbols, asked for one by one: whole lists are a megabyte.

    Raises `ConfigError` for a symbol that is not traded there, and what `ask` raises.
    """
    found: dict[InstrumentId, Instrument] = {}
    for symbol in symbols:
        known = read_rules(market, await ask(PATH, {"category": market, "symbol": symbol}))
        if not any(one.symbol == symbol for one in known.values()):
            raise ConfigError(f"{symbol} is not traded on bybit {market}; correct the symbols, or the market")
        found |= known
    return found


def read_rules(market: str, body: bytes) -> Mapping[InstrumentId, Instrument]:
    """The instruments of an answer: pairs on spot, perpetuals on linear. Raises `DataError`."""
    try:
        rows = _decode(body).result.list
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise DataError(f"an answer of Bybit cannot be read: {problem}; it begins {body[:200]!r}") from None
    traded = [row for row in rows if row.status == "Trading" and (market == "spot" or row.contract_type == PERPETUAL)]
    found = [_instrument(market, row) for row in traded]
    return {one.id: one for one in found}


def _instrument(market: str, row: _Row) -> Instrument:
    lots, (maker, taker) = row.lot_size_filter, FEES[market]
    step, value = lots.qty_step or lots.base_precision, lots.min_notional_value or lots.min_order_amt
    numbers = (row.price_filter.tick_size, step, lots.min_order_qty, lots.max_order_qty, value)
    if not all(number.is_finite() for number in numbers) or min(numbers) < 0 or not (numbers[0] and step):
        said = ", ".join(map(str, numbers))
        raise DataError(f"{row.symbol}: tick, step, least and largest quantity and least value of {said} cannot be")
    try:
        return Instrument(
            venue=VENUE, market=market, symbol=row.symbol, base=row.base_coin, quote=row.quote_coin,
            settle=row.settle_coin or row.quote_coin, tick=numbers[0], step=step, min_quantity=lots.min_order_qty,
            max_quantity=lots.max_order_qty, min_notional=value, short_allowed=market != "spot",
            maker_fee_rate=maker, taker_fee_rate=taker,
        )  # fmt: skip
    except ConfigError as problem:
        raise DataError(f"{row.symbol}: {problem}") from None
