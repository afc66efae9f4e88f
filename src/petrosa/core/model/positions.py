"""What an account holds. Values only; `core/execution/ledger.py` makes the next one from a fill."""

from decimal import Decimal
from enum import Enum

from petrosa.core.model.base import Message, Side
from petrosa.core.model.market import InstrumentId


class PositionSide(Enum):
    """Net positions now; long and short side by side come with hedge mode."""

    NET = "net"
    LONG = "long"
    SHORT = "short"


class Position(Message, frozen=True, gc=False, tag="position"):
    """A signed holding, keyed (account, instrument, position side). Quantity is positive when long, zero when flat.

    `realized` is gross profit in the settle currency; fees stand apart, per asset.
    """

    account: str
    instrument: InstrumentId
    side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    realized: Decimal
    fees: dict[str, Decimal]
    ts_opened: int
    ts_changed: int
    strategy_id: str = ""
    signal_id: str = ""

    @property
    def is_flat(self) -> bool:
        return self.quantity == 0

    @property
    def direction(self) -> Side | None:
        if self.quantity == 0:
            return None
        return Side.BUY if self.quantity > 0 else Side.SELL
