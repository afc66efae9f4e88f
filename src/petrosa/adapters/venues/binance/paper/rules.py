"""The filters of each symbol: what exchangeInfo says of them, and what is refused because of them, from one place."""

from decimal import Decimal
from typing import Final

from petrosa.adapters.venues.binance.paper.numbers import ZERO, digits, plain, text
from petrosa.adapters.venues.binance.paper.refusals import Refusal, filter_failure, too_precise
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument

SPOT_TYPES: Final = (
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
)  # fmt: skip
USDM_TYPES: Final = (
    "LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET",
)  # fmt: skip
CONDITIONAL: Final = frozenset(USDM_TYPES) - {"LIMIT", "MARKET"}
USDM_TIF: Final = ("GTC", "IOC", "FOK", "GTX", "GTD")
STP_MODES: Final = ("EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")

TRIGGER_PROTECT: Final = Decimal("0.05")
"""How far the last price and the mark may be apart, as a fraction, for orders with `priceProtect`."""

TICKS_MAX: Final = 100_000_000
"""The highest price in ticks."""
SPOT_VALUE_MAX: Final = Decimal(9_000_000)
SPOT_OPEN_MAX: Final = 200
SPOT_ALGO_MAX: Final = 5
SPOT_LISTS_MAX: Final = 20
USDM_OPEN_MAX: Final = 200
USDM_ALGO_MAX: Final = 200
SPOT_UP, SPOT_DOWN = Decimal(2), Decimal("0.5")
USDM_UP, USDM_DOWN = Decimal("1.05"), Decimal("0.95")
DELTA_MIN, DELTA_MAX = 10, 2_000
"""Trailing deltas of spot, in basis points."""


class SpotRules:
    """The filters of a spot symbol. Every check raises `Refusal` with the code that Binance uses."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.price_max = EXACT.multiply(instrument.tick, Decimal(TICKS_MAX))

    def check_price(self, price: Decimal) -> None:
        if not self.instrument.tick <= price <= self.price_max or EXACT.remainder(price, self.instrument.tick) != 0:
            raise filter_failure("PRICE_FILTER")

    def check_quantity(self, quantity: Decimal) -> None:
        rules = self.instrument
        if not rules.min_quantity <= quantity <= rules.max_quantity or EXACT.remainder(quantity, rules.step) != 0:
            raise filter_failure("LOT_SIZE")

    def check_value(self, quantity: Decimal, price: Decimal, *, market: bool = False) -> None:
        """The NOTIONAL filter; its maximum is not applied to market orders."""
        value = self.instrument.notional(quantity, price)
        if value < self.instrument.min_notional or (value > SPOT_VALUE_MAX and not market):
            raise filter_failure("NOTIONAL")

    def check_distance(self, price: Decimal, reference: Decimal) -> None:
        """PERCENT_PRICE_BY_SIDE; both sides have the same multipliers here."""
        if reference and not EXACT.multiply(reference, SPOT_DOWN) <= price <= EXACT.multiply(reference, SPOT_UP):
            raise filter_failure("PERCENT_PRICE_BY_SIDE")

    def check_delta(self, delta: int) -> None:
        if not DELTA_MIN <= delta <= DELTA_MAX:
            raise filter_failure("TRAILING_DELTA")

    def describe(self) -> dict[str, object]:
        """The symbol in exchangeInfo."""
        rules = self.instrument
        return {
            "symbol": rules.symbol, "status": "TRADING", "baseAsset": rules.base, "baseAssetPrecision": 8,
            "quoteAsset": rules.quote, "quotePrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8,
            "quoteCommissionPrecision": 8, "orderTypes": list(SPOT_TYPES), "icebergAllowed": False, "ocoAllowed": True,
            "otoAllowed": True, "opoAllowed": False, "quoteOrderQtyMarketAllowed": True, "allowTrailingStop": True,
            "cancelReplaceAllowed": True, "amendAllowed": False, "pegInstructionsAllowed": False,
            "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "filters": self._filters(),
            "permissions": [], "permissionSets": [["SPOT"]], "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
            "allowedSelfTradePreventionModes": list(STP_MODES),
        }  # fmt: skip

    def _filters(self) -> list[dict[str, object]]:
        rules = self.instrument
        up, down = plain(SPOT_UP), plain(SPOT_DOWN)
        return [
            {"filterType": "PRICE_FILTER", "minPrice": text(rules.tick), "maxPrice": text(self.price_max),
             "tickSize": text(rules.tick)},
            {"filterType": "LOT_SIZE", "minQty": text(rules.min_quantity), "maxQty": text(rules.max_quantity),
             "stepSize": text(rules.step)},
            {"filterType": "MARKET_LOT_SIZE", "minQty": text(ZERO), "maxQty": text(rules.max_quantity),
             "stepSize": text(ZERO)},
            {"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": DELTA_MIN, "maxTrailingAboveDelta": DELTA_MAX,
             "minTrailingBelowDelta": DELTA_MIN, "maxTrailingBelowDelta": DELTA_MAX},
            {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": up, "bidMultiplierDown": down,
             "askMultiplierUp": up, "askMultiplierDown": down, "avgPriceMins": 5},
            {"filterType": "NOTIONAL", "minNotional": text(rules.min_notional), "applyMinToMarket": True,
             "maxNotional": text(SPOT_VALUE_MAX), "applyMaxToMarket": False, "avgPriceMins": 5},
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": SPOT_OPEN_MAX},
            {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": SPOT_LISTS_MAX},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": SPOT_ALGO_MAX},
        ]  # fmt: skip


class UsdmRules:
    """The filters of a USD-M symbol."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.price_places = max(2, digits(instrument.tick))
        self.quantity_places = digits(instrument.step)
        self.price_max = EXACT.multiply(instrument.tick, Decimal(TICKS_MAX))

    def check_price(self, price: Decimal, what: str = "Price") -> None:
        if price < self.instrument.tick:
            raise Refusal(-4013, f"{what} less than min price.")
        if price > self.price_max:
            raise Refusal(-4002, f"{what} greater than max price.")
        if digits(price) > max(2, self.price_places):
            raise too_precise("price")
        if EXACT.remainder(price, self.instrument.tick) != 0:
            raise Refusal(-4014, f"{what} not increased by tick size.")

    def check_quantity(self, quantity: Decimal) -> None:
        rules = self.instrument
        if quantity <= 0:
            raise Refusal(-4003, "Quantity less than or equal to zero.")
        if digits(quantity) > self.quantity_places or EXACT.remainder(quantity, rules.step) != 0:
            raise too_precise("quantity")
        if quantity < rules.min_quantity:
            raise Refusal(-4004, "Quantity less than min quantity.")
        if quantity > rules.max_quantity:
            raise Refusal(-4005, "Quantity greater than max quantity.")

    def check_value(self, quantity: Decimal, price: Decimal) -> None:
        """MIN_NOTIONAL; the caller leaves reduce-only orders out."""
        if self.instrument.notional(quantity, price) < self.instrument.min_notional:
            least = plain(self.instrument.min_notional)
            raise Refusal(-4164, f"Order's notional must be no smaller than {least} (unless you choose reduce only).")

    def check_distance(self, side: Side, price: Decimal, reference: Decimal) -> None:
        """PERCENT_PRICE by the mark: a buy may not be far above it, a sell not far below."""
        if not reference:
            return
        bound = EXACT.multiply(reference, USDM_UP if side is Side.BUY else USDM_DOWN)
        if side is Side.BUY and price > bound:
            raise Refusal(-4016, f"Limit price can't be higher than {text(bound, self.price_places)}.")
        if side is Side.SELL and price < bound:
            raise Refusal(-4024, f"Limit price can't be lower than {text(bound, self.price_places)}.")

    def describe(self) -> dict[str, object]:
        """The symbol in exchangeInfo."""
        rules = self.instrument
        return {
            "symbol": rules.symbol, "pair": rules.symbol, "contractType": "PERPETUAL",
            "deliveryDate": 4_133_404_800_000, "onboardDate": 1_569_398_400_000, "status": "TRADING",
            "maintMarginPercent": "2.5000", "requiredMarginPercent": "5.0000",
            "baseAsset": rules.base, "quoteAsset": rules.quote, "marginAsset": rules.settle,
            "pricePrecision": self.price_places,
            "quantityPrecision": self.quantity_places, "baseAssetPrecision": 8, "quotePrecision": 8,
            "underlyingType": "COIN", "underlyingSubType": [], "triggerProtect": text(TRIGGER_PROTECT, 4),
            "liquidationFee": "0.012500", "marketTakeBound": "0.05", "maxMoveOrderLimit": 10_000,
            "filters": self._filters(), "orderTypes": list(USDM_TYPES), "timeInForce": list(USDM_TIF),
        }  # fmt: skip

    def _filters(self) -> list[dict[str, object]]:
        rules = self.instrument
        tick, step = text(rules.tick, self.price_places), text(rules.step, self.quantity_places)
        lot = {"minQty": plain(rules.min_quantity), "maxQty": plain(rules.max_quantity), "stepSize": step}
        return [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": plain(self.price_max), "tickSize": tick},
            {"filterType": "LOT_SIZE", **lot},
            {"filterType": "MARKET_LOT_SIZE", **lot},
            {"filterType": "MAX_NUM_ORDERS", "limit": USDM_OPEN_MAX},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": USDM_ALGO_MAX},
            {"filterType": "MIN_NOTIONAL", "notional": plain(rules.min_notional)},
            {"filterType": "PERCENT_PRICE", "multiplierUp": text(USDM_UP, 4), "multiplierDown": text(USDM_DOWN, 4),
             "multiplierDecimal": "4"},
        ]  # fmt: skip
