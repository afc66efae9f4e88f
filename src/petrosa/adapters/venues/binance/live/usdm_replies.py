"""Reads what USD-M answers about orders, algo orders, trades and the account."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.adapters.venues.binance.live.product import ALGO, Names
from petrosa.adapters.venues.binance.live.replies import (
    ZERO,
    amount,
    decode,
    finite,
    maybe,
    named_fills,
    ns,
    side_of,
    status_of,
)
from petrosa.core.model.account import StatedOrder, StatedPosition
from petrosa.core.model.base import Side
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Liquidity, OrderFilled, OrderStatus, OrderType
from petrosa.core.model.positions import PositionSide
from petrosa.errors import DataError

TYPES: Final = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "STOP_MARKET": OrderType.STOP,
    "STOP": OrderType.STOP_LIMIT,
    "TAKE_PROFIT_MARKET": OrderType.TAKE_PROFIT,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT_LIMIT,
    "TRAILING_STOP_MARKET": OrderType.TRAILING_STOP,
    "LIQUIDATION": OrderType.MARKET,
}
ALGO_STATUSES: Final = {
    "NEW": OrderStatus.ACCEPTED,
    "TRIGGERING": OrderStatus.TRIGGERED,
    "TRIGGERED": OrderStatus.TRIGGERED,
    "CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
}
"""FINISHED is not among them: it says that the order which the trigger made has ended, and not how."""

POSITION_SIDES: Final = {"BOTH": PositionSide.NET, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
Symbols = Mapping[str, InstrumentId]


class Row(msgspec.Struct, rename="camel"):
    """An order in any answer. `orig_type` is what it was before a trigger made it a plain one."""

    symbol: str
    order_id: int
    client_order_id: str
    side: str
    type: str
    status: str
    orig_qty: Decimal
    price: Decimal
    update_time: int
    executed_qty: Decimal | None = None
    stop_price: Decimal = ZERO
    orig_type: str = ""
    position_side: str = "BOTH"
    reduce_only: bool = False
    close_position: bool = False


class AlgoRow(msgspec.Struct, rename="camel"):
    """A conditional order in any answer but a cancel's. `actual_order_id` is of the order that its trigger made."""

    algo_id: int
    client_algo_id: str
    order_type: str
    symbol: str
    side: str
    algo_status: str
    update_time: int
    quantity: Decimal = ZERO
    price: Decimal = ZERO
    trigger_price: Decimal | None = None
    activate_price: Decimal | None = None
    actual_order_id: int | str | None = None
    position_side: str = "BOTH"
    reduce_only: bool = False
    close_position: bool = False

    @property
    def made(self) -> str:
        """The id of the order that the trigger made; empty before there is one."""
        return "" if self.actual_order_id in (None, "", "0", 0) else str(self.actual_order_id)


class AlgoCancelled(msgspec.Struct, rename="camel"):
    client_algo_id: str
    code: int | str
    msg: str = ""


class AlgoPeek(msgspec.Struct, rename="camel"):
    algo_id: int | None = None


class TradeRow(msgspec.Struct, rename="camel"):
    symbol: str
    id: int
    order_id: int
    side: str
    price: Decimal
    qty: Decimal
    commission: Decimal
    commission_asset: str
    time: int
    maker: bool


class Asset(msgspec.Struct, rename="camel"):
    asset: str
    wallet_balance: Decimal


class AccountAnswer(msgspec.Struct):
    assets: tuple[Asset, ...]


class PositionRow(msgspec.Struct, rename="camel"):
    symbol: str
    position_amt: Decimal
    entry_price: Decimal
    position_side: str = "BOTH"


ROW: Final = msgspec.json.Decoder(Row, strict=False)
_ROWS: Final = msgspec.json.Decoder(list[Row], strict=False)
ALGO_ROW: Final = msgspec.json.Decoder(AlgoRow, strict=False)
_ALGO_ROWS: Final = msgspec.json.Decoder(list[AlgoRow], strict=False)
ALGO_CANCELLED: Final = msgspec.json.Decoder(AlgoCancelled, strict=False)
_PEEK: Final = msgspec.json.Decoder(AlgoPeek, strict=False)
_TRADES: Final = msgspec.json.Decoder(list[TradeRow], strict=False)
_ACCOUNT: Final = msgspec.json.Decoder(AccountAnswer, strict=False)
_POSITIONS: Final = msgspec.json.Decoder(list[PositionRow], strict=False)


def is_algo(body: bytes) -> bool:
    """Whether an answer about one order comes from the algo service."""
    return decode(_PEEK, body).algo_id is not None


def read_orders(account: str, symbols: Symbols, body: bytes) -> list[StatedOrder]:
    """Those on symbols that we trade."""
    return [stated(account, symbols[row.symbol], row) for row in decode(_ROWS, body) if row.symbol in symbols]


def read_algos(account: str, symbols: Symbols, body: bytes) -> list[StatedOrder]:
    """Those on symbols that we trade whose trigger has made no order yet: one that it made is listed as itself."""
    rows = [row for row in decode(_ALGO_ROWS, body) if row.symbol in symbols and not row.made]
    return [stated_algo(account, symbols[row.symbol], row) for row in rows]


def stated(account: str, instrument: InstrumentId, row: Row, client_order_id: str = "") -> StatedOrder:
    """An order; by the name and type of the conditional one that made it. Raises `DataError`."""
    kind, status = _type(row.orig_type or row.type), status_of(row.status)
    if row.executed_qty is None:
        raise DataError(f"order {row.symbol} {row.order_id} does not say what it has executed")
    if kind.is_conditional and status is OrderStatus.ACCEPTED:
        status = OrderStatus.TRIGGERED
    return StatedOrder(
        account=account, instrument=instrument, client_order_id=client_order_id or row.client_order_id,
        venue_order_id=str(row.order_id), side=side_of(row.side), type=kind, status=status,
        quantity=amount(row.orig_qty, "origQty"), filled=amount(row.executed_qty, "executedQty"),
        ts_event=ns(row.update_time), price=maybe(row.price, "price"),
        trigger_price=maybe(row.stop_price, "stopPrice"), reduce_only=_reduces(row), reason=_reason(row.status, status),
    )  # fmt: skip


def stated_algo(account: str, instrument: InstrumentId, row: AlgoRow) -> StatedOrder:
    """A conditional order that has made no order, so nothing of it is filled. Raises `DataError`."""
    status = ALGO_STATUSES.get(row.algo_status)
    if status is None:
        raise DataError(f"algo order status {row.algo_status!r} of {row.client_algo_id} without an order that it made")
    trigger = row.trigger_price or row.activate_price or ZERO
    return StatedOrder(
        account=account, instrument=instrument, client_order_id=row.client_algo_id,
        venue_order_id=f"{ALGO}{row.algo_id}", side=side_of(row.side), type=_type(row.order_type), status=status,
        quantity=amount(row.quantity, "quantity"), filled=ZERO, ts_event=ns(row.update_time),
        price=maybe(row.price, "price"), trigger_price=maybe(trigger, "triggerPrice"), reduce_only=_reduces(row),
        reason=_reason(row.algo_status, status),
    )  # fmt: skip


def _type(said: str) -> OrderType:
    if said not in TYPES:
        raise DataError(f"order type {said!r} is not known; known are {', '.join(TYPES)}")
    return TYPES[said]


def _reason(said: str, status: OrderStatus) -> str:
    return said if status.is_terminal and status is not OrderStatus.FILLED else ""


def _reduces(row: Row | AlgoRow) -> bool:
    """Whether it can only make a position smaller. In hedge mode that follows from the side that it is for."""
    if row.position_side == "BOTH":
        return row.reduce_only or row.close_position
    return (row.side == "SELL") is (row.position_side == "LONG")


def read_trades(
    account: str, symbols: Symbols, body: bytes, names: Names, ts_seen: int
) -> tuple[list[OrderFilled], list[str]]:
    """Fills of orders that have names, and the orders that have none."""

    def fill(row: TradeRow, name: str) -> OrderFilled:
        return OrderFilled(
            account=account, instrument=symbols[row.symbol], client_order_id=name, trade_id=str(row.id),
            side=side_of(row.side), quantity=amount(row.qty, "qty"), price=amount(row.price, "price"),
            fee=finite(row.commission, "commission"), fee_asset=row.commission_asset,
            liquidity=Liquidity.MAKER if row.maker else Liquidity.TAKER, ts_event=ns(row.time), ts_seen=ts_seen,
        )  # fmt: skip

    return named_fills(decode(_TRADES, body), symbols, names, fill)


def read_wallets(body: bytes) -> dict[str, Decimal]:
    """Wallet balances by asset, without what open positions have earned."""
    return {row.asset: finite(row.wallet_balance, row.asset) for row in decode(_ACCOUNT, body).assets}


def read_positions(account: str, symbols: Symbols, body: bytes) -> list[StatedPosition]:
    """Those that are not flat, on symbols that we trade. Raises `DataError`."""
    found = []
    for row in decode(_POSITIONS, body):
        quantity = finite(row.position_amt, "positionAmt")
        if row.symbol not in symbols or quantity == 0:
            continue
        if row.position_side not in POSITION_SIDES:
            raise DataError(f"position side {row.position_side!r} of {row.symbol} is not known")
        side, entry = POSITION_SIDES[row.position_side], amount(row.entry_price, "entryPrice")
        signed = -abs(quantity) if side is PositionSide.SHORT else quantity
        found.append(StatedPosition(account, symbols[row.symbol], side, signed, entry))
    return found


def position_side(side: Side, *, reduces: bool) -> str:
    """Which side of a hedge-mode account an order is for: what a buy opens and a sell closes is LONG."""
    return "LONG" if (side is Side.BUY) is not reduces else "SHORT"
