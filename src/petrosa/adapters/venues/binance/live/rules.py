"""exchangeInfo and the commission endpoints as `Instrument`s: every filter that we have a place for.

A filter value of 0 says that the rule is switched off. Only symbols that are traded now are read.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.venues.binance.live.replies import ZERO, amount, decode, finite
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.errors import ConfigError, DataError

VENUE: Final = "binance"
PERPETUAL: Final = ("PERPETUAL", "TRADIFI_PERPETUAL")
UNBOUNDED: Final = Decimal(10**15)
"""The largest quantity where the venue sets none."""
FINEST: Final = Decimal("1e-8")
"""The tick and step where the venue sets none: it writes eight decimals."""


class Fees(NamedTuple):
    """Fractions of notional; negative is a rebate."""

    maker: Decimal
    taker: Decimal


STANDARD: Final = {"spot": Fees(Decimal("0.001"), Decimal("0.001")), "usdm": Fees(Decimal("0.0002"), Decimal("0.0005"))}
"""What an account without a discount pays, until its own rates are read."""


class Filter(msgspec.Struct, rename="camel"):
    """Any filter; each kind has some of these."""

    filter_type: str
    tick_size: Decimal = ZERO
    min_qty: Decimal = ZERO
    max_qty: Decimal = ZERO
    step_size: Decimal = ZERO
    min_notional: Decimal = ZERO
    notional: Decimal = ZERO
    multiplier_up: Decimal = ZERO
    multiplier_down: Decimal = ZERO
    bid_multiplier_up: Decimal = ZERO
    bid_multiplier_down: Decimal = ZERO
    ask_multiplier_up: Decimal = ZERO
    ask_multiplier_down: Decimal = ZERO
    max_num_orders: int = 0
    max_num_algo_orders: int = 0
    limit: int = 0


class Symbol(msgspec.Struct, rename="camel"):
    symbol: str
    base_asset: str
    quote_asset: str
    status: str
    filters: tuple[Filter, ...]
    margin_asset: str = ""
    contract_type: str = ""
    is_spot_trading_allowed: bool = True


class Info(msgspec.Struct):
    symbols: tuple[Symbol, ...]


class SpotRates(msgspec.Struct):
    """Fractions; `buyer` or `seller` comes on top of `maker` or `taker`."""

    maker: Decimal
    taker: Decimal
    buyer: Decimal = ZERO
    seller: Decimal = ZERO


class SpotCommission(msgspec.Struct, rename="camel"):
    symbol: str
    standard_commission: SpotRates
    tax_commission: SpotRates
    special_commission: SpotRates | None = None


class UsdmCommission(msgspec.Struct, rename="camel"):
    symbol: str
    maker_commission_rate: Decimal
    taker_commission_rate: Decimal


_INFO: Final = msgspec.json.Decoder(Info, strict=False)
_SPOT: Final = msgspec.json.Decoder(SpotCommission, strict=False)
_USDM: Final = msgspec.json.Decoder(UsdmCommission, strict=False)


def read_rules(market: str, body: bytes) -> Mapping[InstrumentId, Instrument]:
    """The instruments of an exchangeInfo that are traded now: on spot, or perpetual futures. Raises `DataError`."""
    found = [_instrument(market, row) for row in decode(_INFO, body).symbols if _is_traded(market, row)]
    return {one.id: one for one in found}


def _is_traded(market: str, row: Symbol) -> bool:
    if row.status != "TRADING":
        return False
    return row.is_spot_trading_allowed if market == "spot" else row.contract_type in PERPETUAL


def _instrument(market: str, row: Symbol) -> Instrument:
    known = {one.filter_type: one for one in row.filters}
    none = Filter("")
    lot, market_lot = known.get("LOT_SIZE", none), known.get("MARKET_LOT_SIZE", none)
    step = max(_set(lot.step_size) or FINEST, _set(market_lot.step_size) or ZERO)
    least = max(lot.min_qty, market_lot.min_qty, step)
    most = min(_set(lot.max_qty) or UNBOUNDED, _set(market_lot.max_qty) or UNBOUNDED)
    down, up = _band(known)
    counts = known.get("MAX_NUM_ORDERS", none), known.get("MAX_NUM_ALGO_ORDERS", none)
    try:
        return Instrument(
            venue=VENUE, market=market, symbol=row.symbol, base=row.base_asset, quote=row.quote_asset,
            settle=row.margin_asset or row.quote_asset, tick=_set(known.get("PRICE_FILTER", none).tick_size) or FINEST,
            step=step, min_quantity=_on_step(least, step, up=True), max_quantity=_on_step(most, step, up=False),
            min_notional=_least_value(known), short_allowed=market != "spot",
            maker_fee_rate=STANDARD[market].maker, taker_fee_rate=STANDARD[market].taker,
            price_multiplier_down=down, price_multiplier_up=up,
            max_orders=counts[0].max_num_orders or counts[0].limit or None,
            max_conditional_orders=counts[1].max_num_algo_orders or counts[1].limit or None,
        )  # fmt: skip
    except ConfigError as error:
        raise DataError(f"the rules of {row.symbol} make no sense: {error}") from error


def _set(value: Decimal) -> Decimal | None:
    """A filter's value; None where 0 switches it off."""
    return amount(value, "a filter's value") or None


def _on_step(value: Decimal, step: Decimal, *, up: bool) -> Decimal:
    """The nearest multiple of the step that the filter allows."""
    steps = EXACT.divide_int(value, step)
    if up and EXACT.remainder(value, step):
        steps = EXACT.add(steps, Decimal(1))
    return EXACT.multiply(steps, step)


def _least_value(known: Mapping[str, Filter]) -> Decimal:
    """The larger of MIN_NOTIONAL and NOTIONAL; futures call the field `notional`."""
    rows = [known[name] for name in ("MIN_NOTIONAL", "NOTIONAL") if name in known]
    return max(
        (amount(value, "a notional") for row in rows for value in (row.min_notional, row.notional)), default=ZERO
    )


def _band(known: Mapping[str, Filter]) -> tuple[Decimal | None, Decimal | None]:
    """The narrower band where buys and sells have different ones."""
    rows = [known[name] for name in ("PERCENT_PRICE", "PERCENT_PRICE_BY_SIDE") if name in known]
    downs = [v for row in rows for v in (row.multiplier_down, row.bid_multiplier_down, row.ask_multiplier_down)]
    ups = [v for row in rows for v in (row.multiplier_up, row.bid_multiplier_up, row.ask_multiplier_up)]
    return max(filter(_set, downs), default=None), min(filter(_set, ups), default=None)


def commission(market: str, symbol: str) -> Request:
    """Ask what the account pays on a symbol; the answer goes to `read_commission`."""
    path = "/api/v3/account/commission" if market == "spot" else "/fapi/v1/commissionRate"
    return Request("GET", path, {"symbol": symbol}, weight=20)


def read_commission(market: str, body: bytes) -> Fees:
    """Fee rates as fractions, a discount for paying in BNB left aside: never less than what is paid."""
    if market != "spot":
        usdm = decode(_USDM, body)
        return Fees(finite(usdm.maker_commission_rate, "maker rate"), finite(usdm.taker_commission_rate, "taker rate"))
    answer = decode(_SPOT, body)
    parts = [answer.standard_commission, answer.tax_commission, answer.special_commission or SpotRates(ZERO, ZERO)]
    side = max(sum((one.buyer for one in parts), ZERO), sum((one.seller for one in parts), ZERO))
    maker, taker = sum((one.maker for one in parts), ZERO), sum((one.taker for one in parts), ZERO)
    return Fees(finite(EXACT.add(maker, side), "maker rate"), finite(EXACT.add(taker, side), "taker rate"))


def with_fees(instrument: Instrument, fees: Fees) -> Instrument:
    """The instrument with the account's own rates."""
    return msgspec.structs.replace(instrument, maker_fee_rate=fees.maker, taker_fee_rate=fees.taker)
