"""Reads what spot answers about orders, trades and the account."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.adapters.venues.binance.live.product import Names
from petrosa.adapters.venues.binance.live.replies import (
    ZERO,
    Who,
    amount,
    answered,
    decode,
    ended,
    finite,
    maybe,
    named_fills,
    ns,
    side_of,
    status_of,
)
from petrosa.core.model.account import StatedOrder
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import (
    Intent,
    Liquidity,
    OrderEvent,
    OrderFilled,
    OrderStatus,
    OrderType,
)
from petrosa.errors import DataError

TYPES: Final = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "LIMIT_MAKER": OrderType.LIMIT,
    "STOP_LOSS": OrderType.STOP,
    "STOP_LOSS_LIMIT": OrderType.STOP_LIMIT,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT,
    "TAKE_PROFIT_LIMIT": OrderType.TAKE_PROFIT_LIMIT,
}
Symbols = Mapping[str, InstrumentId]


class Fill(msgspec.Struct, rename="camel"):
    """One of `fills[]`. It does not say who was the maker: what fills on arrival has taken."""

    price: Decimal
    qty: Decimal
    commission: Decimal
    commission_asset: str
    trade_id: int


class Report(msgspec.Struct, rename="camel"):
    """An order in the answer to placing or cancelling it. In a cancel `client_order_id` is the cancel's own."""

    symbol: str
    order_id: int
    client_order_id: str
    transact_time: int
    orig_client_order_id: str = ""
    status: str = ""
    executed_qty: Decimal | None = None
    fills: tuple[Fill, ...] = ()


class ListAnswer(msgspec.Struct, rename="camel"):
    order_reports: tuple[Report, ...] = ()


class Replaced(msgspec.Struct, rename="camel"):
    """The answer to a cancelReplace of which both parts were done."""

    cancel_response: msgspec.Raw
    new_order_response: msgspec.Raw


class Row(msgspec.Struct, rename="camel"):
    """An order as a query or a list of orders has it."""

    symbol: str
    order_id: int
    client_order_id: str
    side: str
    type: str
    status: str
    orig_qty: Decimal
    executed_qty: Decimal
    price: Decimal
    update_time: int
    stop_price: Decimal = ZERO
    order_list_id: int = -1
    trailing_delta: int = 0
    is_working: bool = False


class TradeRow(msgspec.Struct, rename="camel"):
    symbol: str
    id: int
    order_id: int
    price: Decimal
    qty: Decimal
    commission: Decimal
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool


class Balance(msgspec.Struct):
    asset: str
    free: Decimal
    locked: Decimal


class AccountAnswer(msgspec.Struct):
    balances: tuple[Balance, ...]


_REPORT: Final = msgspec.json.Decoder(Report, strict=False)
_LIST: Final = msgspec.json.Decoder(ListAnswer, strict=False)
_REPLACED: Final = msgspec.json.Decoder(Replaced)
_ROW: Final = msgspec.json.Decoder(Row, strict=False)
_ROWS: Final = msgspec.json.Decoder(list[Row], strict=False)
_TRADES: Final = msgspec.json.Decoder(list[TradeRow], strict=False)
_ACCOUNT: Final = msgspec.json.Decoder(AccountAnswer, strict=False)


def read_reports(body: bytes) -> Sequence[Report]:
    """The orders of an answer: one, or those of a list."""
    return decode(_LIST, body).order_reports or (decode(_REPORT, body),)


def placed(intent: Intent, side: Side, report: Report, ts_seen: int) -> list[OrderEvent]:
    """What became of one order that was asked for. Raises `DataError` when the report is about another."""
    if report.client_order_id != intent.client_order_id:
        raise DataError(f"asked for {intent.client_order_id}, answered about {report.client_order_id!r}")
    who = Who(intent.account, intent.instrument, intent.client_order_id, ns(report.transact_time), ts_seen)
    fills = [
        OrderFilled(
            account=intent.account, instrument=intent.instrument, client_order_id=intent.client_order_id,
            trade_id=str(fill.trade_id), side=side, quantity=amount(fill.qty, "a fill's quantity"),
            price=amount(fill.price, "a fill's price"), fee=finite(fill.commission, "a fee"),
            fee_asset=fill.commission_asset, liquidity=Liquidity.TAKER, ts_event=who.ts_event, ts_seen=ts_seen,
        )
        for fill in report.fills
    ]  # fmt: skip
    return answered(who, str(report.order_id), report.status, report.executed_qty, fills)


def cancelled(cancel: Intent, reports: Sequence[Report], ts_seen: int) -> list[OrderEvent]:
    """The ends that a cancel brought about, of every leg of a list.

    An order that has executed something is not ended here, for its trades may not have been heard yet: its end comes
    after them, by the user stream or a query.
    """
    told = []
    for report in reports:
        who = Who(cancel.account, cancel.instrument, report.orig_client_order_id, ns(report.transact_time), ts_seen)
        end = ended(who, report.status)
        if end is not None and report.executed_qty is not None and report.executed_qty == 0:
            told.append(end)
    return told


def read_replaced(intent: Intent, body: bytes, ts_seen: int) -> tuple[list[OrderEvent], bytes]:
    """The ends of what an order has replaced, and the answer about the order itself."""
    answer = decode(_REPLACED, body)
    return cancelled(intent, read_reports(bytes(answer.cancel_response)), ts_seen), bytes(answer.new_order_response)


def read_order(account: str, symbols: Symbols, body: bytes) -> StatedOrder:
    """Raises `DataError`, also for an order on a symbol that we do not trade."""
    row = decode(_ROW, body)
    if row.symbol not in symbols:
        raise DataError(f"answered about an order on {row.symbol}, which is not traded here")
    return _stated(account, symbols[row.symbol], row)


def read_orders(account: str, symbols: Symbols, body: bytes) -> list[StatedOrder]:
    """Those on symbols that we trade."""
    return [_stated(account, symbols[row.symbol], row) for row in decode(_ROWS, body) if row.symbol in symbols]


def _stated(account: str, instrument: InstrumentId, row: Row) -> StatedOrder:
    kind, status = TYPES.get(row.type), status_of(row.status)
    if kind is None:
        raise DataError(f"order type {row.type!r} of {row.symbol} {row.order_id} is not known")
    if row.trailing_delta and kind in (OrderType.STOP, OrderType.TAKE_PROFIT):
        kind = OrderType.TRAILING_STOP
    if kind.is_conditional and status is OrderStatus.ACCEPTED and row.is_working:
        status = OrderStatus.TRIGGERED
    return StatedOrder(
        account=account, instrument=instrument, client_order_id=row.client_order_id, venue_order_id=str(row.order_id),
        side=side_of(row.side), type=kind, status=status, quantity=amount(row.orig_qty, "origQty"),
        filled=amount(row.executed_qty, "executedQty"), ts_event=ns(row.update_time),
        price=maybe(row.price, "price"), trigger_price=maybe(row.stop_price, "stopPrice"),
        list_id="" if row.order_list_id < 0 else str(row.order_list_id),
        reason=row.status if status.is_terminal and status is not OrderStatus.FILLED else "",
    )  # fmt: skip


def read_trades(
    account: str, symbols: Symbols, body: bytes, names: Names, ts_seen: int
) -> tuple[list[OrderFilled], list[str]]:
    """Fills of orders that have names, and the orders that have none."""

    def fill(row: TradeRow, name: str) -> OrderFilled:
        return OrderFilled(
            account=account, instrument=symbols[row.symbol], client_order_id=name, trade_id=str(row.id),
            side=Side.BUY if row.is_buyer else Side.SELL, quantity=amount(row.qty, "qty"),
            price=amount(row.price, "price"),
            fee=finite(row.commission, "commission"), fee_asset=row.commission_asset,
            liquidity=Liquidity.MAKER if row.is_maker else Liquidity.TAKER, ts_event=ns(row.time), ts_seen=ts_seen,
        )  # fmt: skip

    return named_fills(decode(_TRADES, body), symbols, names, fill)


def read_balances(body: bytes) -> dict[str, Decimal]:
    """Free and locked together, by asset."""
    return {
        row.asset: EXACT.add(amount(row.free, row.asset), amount(row.locked, row.asset))
        for row in decode(_ACCOUNT, body).balances
    }
