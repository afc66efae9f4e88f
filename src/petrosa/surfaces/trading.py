"""Signals that are sent to a desk over HTTP, and what the desk decided about each."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Protocol

import msgspec
from msgspec import Meta

from petrosa.errors import DataError

SIGNALS_MAX: Final = 50
"""Signals in one request."""
KEY_MAX: Final = 128
"""Letters of an idempotency key."""


class SignalBody(msgspec.Struct, frozen=True):
    """One signal, as it is sent on the signals' subject; further documented fields are understood, others ignored."""

    strategy_id: Annotated[str, Meta(min_length=1, max_length=128)]
    symbol: Annotated[str, Meta(min_length=1, max_length=128, description="BTCUSDT, BTC/USDT or BTC/USDT:USDT.")]
    action: Annotated[str, Meta(description="buy, sell, close; hold asks for nothing and is rejected.")]
    confidence: Annotated[float, Meta(ge=0, le=1)]
    price: float
    quantity: Annotated[float | None, Meta(description="A hint, unless sizes are taken from signals.")] = None
    current_price: float | None = None
    timeframe: str | None = None
    stop_loss: Annotated[float | None, Meta(description="A price.")] = None
    take_profit: Annotated[float | None, Meta(description="A price.")] = None
    stop_loss_pct: Annotated[float | None, Meta(description="A fraction: 0.02 is 2 %.")] = None
    take_profit_pct: Annotated[float | None, Meta(description="A fraction.")] = None
    indicators: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    timestamp: Annotated[
        str | None, Meta(description="ISO 8601 UTC. Without one the signal is stamped on arrival by the desk's clock.")
    ] = None
    signal_id: Annotated[str, Meta(max_length=128)] | None = None
    venue: str | None = None
    market: str | None = None


class SignalsBody(msgspec.Struct, frozen=True):
    """Several signals, decided one after the other; one that cannot be read refuses the whole request."""

    signals: Annotated[list[SignalBody], Meta(min_length=1, max_length=SIGNALS_MAX)]
    conflict_resolution: Annotated[str | None, Meta(description="Not applied: a setting of the desk.")] = None
    timeframe_resolution: Annotated[str | None, Meta(description="Not applied: a setting of the desk.")] = None
    risk_management: Annotated[bool, Meta(description="Cannot be false: nothing goes round the gate.")] = True
    audit_logging: Annotated[bool, Meta(description="Cannot be false: every decision is in the journal.")] = True


class Verdict(StrEnum):
    """What became of a signal, or of all of a request."""

    AGREED = "agreed"
    REJECTED = "rejected"
    PENDING = "pending"
    MIXED = "mixed"


class SignalStatus(StrEnum):
    """What became of one signal: what the desk decided, and of its order as much as was heard in time."""

    REJECTED = "rejected"
    PENDING = "pending"
    AGREED = "agreed"
    """An order left. It rests, or the venue has not said yet what became of it."""
    FILLED = "filled"
    PARTIALLY_FILLED = "partially_filled"
    """And the rest of it has ended, or rests."""
    UNFILLED = "unfilled"
    """An order left, and has ended without a fill."""

    @property
    def verdict(self) -> Verdict:
        """What the desk decided."""
        return {SignalStatus.REJECTED: Verdict.REJECTED, SignalStatus.PENDING: Verdict.PENDING}.get(
            self, Verdict.AGREED
        )


class OrderSent(msgspec.Struct, frozen=True):
    """An order that left in the turn of the signal. Exact numbers are strings."""

    client_order_id: str
    instrument: str
    leg: str
    side: str
    type: str
    quantity: Decimal
    price: Decimal | None


class SignalResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a desk decided about one signal, and what its order has come to so far: see the orders for what comes later.

    `check`, `saw`, `limit` and `remedy` are of the first check that failed. `sequence` is the turn in the journal.
    """

    signal_id: str
    status: SignalStatus
    message: str
    orders: tuple[OrderSent, ...] = ()
    order_id: Annotated[str | None, Meta(description="The first of the orders; the fill is its own.")] = None
    fill_price: Annotated[Decimal | None, Meta(description="What its fills cost on average.")] = None
    quantity: Annotated[Decimal | None, Meta(description="How much of it is filled.")] = None
    fees: Annotated[dict[str, Decimal] | None, Meta(description="Of its fills, by asset; negative is a rebate.")] = None
    check: str | None = None
    saw: str | None = None
    limit: str | None = None
    remedy: str | None = None
    event_at: datetime
    stamped_on_arrival: bool
    sequence: int | None = None


class TradeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a desk decided about a request. `result` is that of the only signal; of several there are `results`."""

    message: str
    status: Verdict
    signals_processed: int
    signal_id: str | None
    result: SignalResult | None
    results: tuple[SignalResult, ...]
    orders: Annotated[tuple[str, ...], Meta(description="Client ids of the orders that left.")]
    warnings: tuple[str, ...] = ()


class BadSignal(DataError):
    """A request that cannot be read as signals. `code` is a stable word, `index` the signal's place."""

    def __init__(self, code: str, message: str, index: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.index = index


class KeyReused(DataError):
    """An idempotency key that came with another request before."""


class Trading(Protocol):
    """Where signals are handed in."""

    async def trade(self, body: bytes, actor: str, key: str, *, only_one: bool = False) -> TradeAnswer:
        """Tell a desk the signals of a request and wait up to a second for what it decides, and for the fills.

        The same `key` (empty: none) of the same actor gets the first answer again. Raises `BadSignal`, `KeyReused`,
        `LimitExceeded` when very many wait, `NoDesk`.
        """
        ...
