"""What a desk says of its account, its orders and its opinions, as it is sent. Exact numbers are strings."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from petrosa.backtest.summary import Pnl


class AccountReport(msgspec.Struct, frozen=True, kw_only=True):
    """The account as the desk knows it; `at` is the desk's time."""

    account: str
    account_type: Annotated[str, Meta(description="simulated, or where its orders go: paper, testnet, demo, live.")]
    currency: str
    equity: Annotated[Decimal | None, Meta(description="Null while a part of it has no price.")]
    balances: Annotated[dict[str, Decimal], Meta(description="Wallets, by asset.")]
    pnl: Pnl
    open_positions: int
    open_orders: int
    stops: Annotated[str, Meta(description="How many positions have a confirmed stop for all that is held.")]
    entries: Annotated[str, Meta(description="open or closed.")]
    closed_because: str
    at: datetime


class PriceReport(msgspec.Struct, frozen=True, kw_only=True):
    """The last price that was heard; there is none rather than an invented one."""

    symbol: str
    instrument: str
    price: Decimal
    source: Annotated[str, Meta(description="last_trade, or mid_quote where no trade was heard yet.")]
    bid: Decimal | None
    ask: Decimal | None
    mark: Decimal | None
    age_seconds: Annotated[float, Meta(description="Of run time, since `price` was heard.")]
    feed: str
    timestamp: datetime


class PositionReport(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument. `quantity` is signed; profits are gross, `fees` apart; `orders` are the live ones."""

    symbol: str
    instrument: str
    side: Annotated[str, Meta(description="long, short or flat.")]
    quantity: Decimal
    entry_price: Decimal | None
    mark: Decimal | None
    unrealized: Annotated[Decimal | None, Meta(description="Null where there is no price.")]
    realized: Decimal
    fees: dict[str, Decimal]
    by_strategy: dict[str, Decimal]
    strategy_id: str
    signal_id: str
    opened_at: datetime | None
    changed_at: datetime | None
    orders: tuple[str, ...]


class OrderReport(msgspec.Struct, frozen=True, kw_only=True):
    """One order. `stop` and `target` are what rests behind an entry once it fills."""

    client_order_id: str
    venue_order_id: str
    symbol: str
    instrument: str
    strategy_id: str
    signal_id: str
    leg: str
    side: str
    type: str
    quantity: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    time_in_force: str
    reduce_only: bool
    status: str
    is_open: bool
    filled: Decimal
    average_price: Decimal | None
    stop: Decimal | None
    target: Decimal | None
    reason: str
    sent_at: datetime


class SignalReport(msgspec.Struct, frozen=True, kw_only=True):
    """A signal that was made here or came from elsewhere. `at` is when the desk had it."""

    at: datetime
    event_at: datetime
    signal_id: str
    strategy_id: str
    symbol: str
    action: str
    confidence: float
    price: float
    timeframe: str
    stop_loss: float | None
    take_profit: float | None
    source: str
    indicators: dict[str, float]
    metadata: dict[str, str | float | int | bool | None]


class FillReport(msgspec.Struct, frozen=True, kw_only=True):
    """One fill, never a sum. `modelled` says that the price was computed, not met in the market."""

    at: datetime
    client_order_id: str
    trade_id: str
    symbol: str
    instrument: str
    strategy_id: str
    signal_id: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: str
    modelled: bool


class RefusalReport(msgspec.Struct, frozen=True, kw_only=True):
    """A signal or candidate that did not become an order: the first check that failed, the value and the limit."""

    at: datetime
    signal_id: str
    strategy_id: str
    symbol: str
    check: str
    saw: str
    limit: str
    message: str


class Paging(msgspec.Struct, frozen=True):
    """Of the rows that passed the filters; what happens between two requests moves rows to later pages."""

    total: int
    limit: int
    offset: int
    has_next: bool


class PositionsPage(msgspec.Struct, frozen=True):
    """Open positions, by instrument."""

    positions: tuple[PositionReport, ...]
    paging: Paging


class OrdersPage(msgspec.Struct, frozen=True):
    """Orders, the newest first: the open ones, and of the others the last few hundred."""

    orders: tuple[OrderReport, ...]
    paging: Paging


class SignalsPage(msgspec.Struct, frozen=True):
    """The last 200 signals, the newest first."""

    signals: tuple[SignalReport, ...]
    paging: Paging


class FillsPage(msgspec.Struct, frozen=True):
    """The last 200 fills, the newest first."""

    fills: tuple[FillReport, ...]
    paging: Paging


class RefusalsPage(msgspec.Struct, frozen=True):
    """The last 200 refusals, the newest first."""

    refusals: tuple[RefusalReport, ...]
    paging: Paging
