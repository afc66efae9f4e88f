"""What the venue takes for a fill, and in which asset."""

from decimal import Decimal

from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.orders import Liquidity
from petrosa.core.simulation.params import SimulationParams


class Fees:
    """Rates by the role a fill really had, from the parameters or else from the instrument."""

    __slots__ = ("_maker", "_taker")

    def __init__(self, params: SimulationParams) -> None:
        self._maker = params.maker_fee_rate
        self._taker = params.taker_fee_rate

    def rate(self, instrument: Instrument, liquidity: Liquidity) -> Decimal:
        if liquidity is Liquidity.MAKER:
            return instrument.maker_fee_rate if self._maker is None else self._maker
        return instrument.taker_fee_rate if self._taker is None else self._taker

    def of(
        self, instrument: Instrument, side: Side, quantity: Decimal, price: Decimal, liquidity: Liquidity
    ) -> tuple[Decimal, str]:
        """(fee, asset): the settle asset on derivatives; on spot what is received, base for a buy, quote for a sell."""
        rate = self.rate(instrument, liquidity)
        if instrument.market != "spot":
            return instrument.fee(quantity, price, rate), instrument.settle
        if side is Side.BUY:
            return EXACT.multiply(quantity, rate), instrument.base
        return instrument.fee(quantity, price, rate), instrument.quote
