"""Instruments: the rules a venue sets, the only makers of exact numbers, and the only place that computes values."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from enum import Enum
from typing import Final

import msgspec

from petrosa.core.model.base import Side
from petrosa.core.model.market import InstrumentId, instrument_id
from petrosa.errors import ConfigError

EXACT: Final = Context(prec=34, rounding=ROUND_HALF_EVEN)
"""The pinned decimal context: results do not depend on whatever context a host program has set."""


class QuantityUnit(Enum):
    BASE = "base"
    CONTRACT = "contract"


class Toward(Enum):
    """Where a price is rounded when it is not on the tick."""

    DOWN = ROUND_FLOOR
    UP = ROUND_CEILING
    NEAREST = ROUND_HALF_EVEN


class Instrument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One tradable thing on one market of one venue, with the filters its orders must pass.

    `tick` and `min_notional` are in quote currency, `step`, `min_quantity` and `max_quantity` in `quantity_unit`,
    fee rates are fractions of notional. `contract_size` is base per contract (linear) or quote per contract (inverse).
    Where the venue has such filters, a limit price lies between `price_multiplier_down` and `price_multiplier_up` times
    the mark, at most `max_orders` rest at once, and at most `max_conditional_orders` of them wait for a trigger.
    """

    venue: str
    market: str
    symbol: str
    base: str
    quote: str
    settle: str
    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    contract_size: Decimal = Decimal(1)
    inverse: bool = False
    quantity_unit: QuantityUnit = QuantityUnit.BASE
    short_allowed: bool = True
    maker_fee_rate: Decimal = Decimal("0.0002")
    taker_fee_rate: Decimal = Decimal("0.0005")
    price_multiplier_down: Decimal | None = None
    price_multiplier_up: Decimal | None = None
    max_orders: int | None = None
    max_conditional_orders: int | None = None

    def __post_init__(self) -> None:
        for name in ("tick", "step", "min_quantity", "max_quantity", "contract_size"):
            value: Decimal = getattr(self, name)
            if not value.is_finite() or value <= 0:
                raise ConfigError(f"{self.id}: {name} = {value}; it must be a number above 0")
        for name in ("min_notional", "maker_fee_rate", "taker_fee_rate"):
            if not getattr(self, name).is_finite():
                raise ConfigError(f"{self.id}: {name} = {getattr(self, name)}; it must be a finite number")
        down, up = self.price_multiplier_down, self.price_multiplier_up
        if (down is not None and not 0 < down <= 1) or (up is not None and not 1 <= up < Decimal("Infinity")):
            raise ConfigError(f"{self.id}: price multipliers {down} and {up}; they must be above 0 to 1, and 1 or more")
        for name in ("max_orders", "max_conditional_orders"):
            count: int | None = getattr(self, name)
            if count is not None and count < 1:
                raise ConfigError(f"{self.id}: {name} = {count}; it must be 1 or more")

    @property
    def id(self) -> InstrumentId:
        return instrument_id(self.venue, self.market, self.symbol)

    @property
    def ccxt_symbol(self) -> str:
        """`BTC/USDT` for spot, `BTC/USDT:USDT` for a derivative settled in USDT."""
        return f"{self.base}/{self.quote}" + ("" if self.market == "spot" else f":{self.settle}")

    def price(self, value: float | Decimal, toward: Toward = Toward.NEAREST) -> Decimal:
        """An exact price on the tick. Floats go through their shortest text, so 0.1 is 0.1."""
        return _on_grid(value, self.tick, toward.value)

    def quantity(self, value: float | Decimal) -> Decimal:
        """An exact quantity on the step, never above what was asked for."""
        return _on_grid(value, self.step, ROUND_FLOOR)

    def price_ticks(self, value: float | Decimal) -> int:
        """The price as a whole number of ticks, to the nearest."""
        return int(_on_grid(value, self.tick, ROUND_HALF_EVEN) / self.tick)

    def quantity_steps(self, value: float | Decimal) -> int:
        """The quantity as a whole number of steps, rounded down."""
        return int(_on_grid(value, self.step, ROUND_FLOOR) / self.step)

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """The value of a quantity at a price, unsigned, in quote currency (in base for an inverse contract)."""
        size = EXACT.multiply(quantity.copy_abs(), self.contract_size)
        return EXACT.divide(size, price) if self.inverse else EXACT.multiply(size, price)

    def profit(self, side: Side, quantity: Decimal, entry: Decimal, exit_price: Decimal) -> Decimal:
        """Gross profit of a position opened with `side` at `entry` and closed at `exit_price`, in settle currency."""
        size = EXACT.multiply(quantity.copy_abs(), self.contract_size)
        if self.inverse:
            move = EXACT.subtract(EXACT.divide(Decimal(1), entry), EXACT.divide(Decimal(1), exit_price))
        else:
            move = EXACT.subtract(exit_price, entry)
        return EXACT.multiply(EXACT.multiply(size, move), Decimal(side.sign))

    def average_price(self, quantity: Decimal, price: Decimal, more: Decimal, at: Decimal) -> Decimal:
        """Entry price of a position of `quantity` at `price` after `more` of the same side at `at`.

        The mean by quantity; for an inverse contract, whose profit goes with 1 / price, the harmonic one.
        """
        total = EXACT.add(quantity.copy_abs(), more.copy_abs())
        if self.inverse:
            value = EXACT.add(EXACT.divide(quantity.copy_abs(), price), EXACT.divide(more.copy_abs(), at))
            return EXACT.divide(total, value)
        value = EXACT.add(EXACT.multiply(quantity.copy_abs(), price), EXACT.multiply(more.copy_abs(), at))
        return EXACT.divide(value, total)

    def fee(self, quantity: Decimal, price: Decimal, rate: Decimal) -> Decimal:
        """What the venue takes for a fill at a fee rate, in the currency of `notional`."""
        return EXACT.multiply(self.notional(quantity, price), rate)


def _on_grid(value: float | Decimal, unit: Decimal, rounding: str) -> Decimal:
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return EXACT.multiply(EXACT.divide(exact, unit).to_integral_value(rounding, EXACT), unit)
