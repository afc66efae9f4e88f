"""What the answers of spot and USD-M have in common: exact numbers, statuses, and when an order's end may be told."""

import base64
import hashlib
from collections.abc import Callable, Container, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple, Protocol, TypeVar

import msgspec

from petrosa.core.model.base import NS_PER_MS, Side
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import (
    Intent,
    OrderAccepted,
    OrderCanceled,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderStatus,
    Place,
)
from petrosa.errors import DataError, InvariantError

ZERO: Final = Decimal(0)
CLIENT_ID_MAX: Final = 36
STATUSES: Final = {
    "NEW": OrderStatus.ACCEPTED,
    "PENDING_NEW": OrderStatus.ACCEPTED,
    "PENDING_CANCEL": OrderStatus.ACCEPTED,
    "NEW_INSURANCE": OrderStatus.ACCEPTED,
    "NEW_ADL": OrderStatus.ACCEPTED,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}
SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL}
DecodedT = TypeVar("DecodedT")


def decode(decoder: msgspec.json.Decoder[DecodedT], body: bytes) -> DecodedT:
    """An answer as it should be. Raises `DataError` that shows how it begins."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"an answer of Binance cannot be read: {error}; it begins {body[:200]!r}") from error


def status_of(said: str) -> OrderStatus:
    """Raises `DataError` for a status that we do not know."""
    known = STATUSES.get(said)
    if known is None:
        raise DataError(f"order status {said!r} is not known; known are {', '.join(STATUSES)}")
    return known


def side_of(said: str) -> Side:
    """Raises `DataError` for neither BUY nor SELL."""
    if said not in SIDES:
        raise DataError(f"order side {said!r} is neither BUY nor SELL")
    return SIDES[said]


def finite(value: Decimal, what: str) -> Decimal:
    """The number. Raises `DataError` for NaN and infinity, which would pass through every comparison unseen."""
    if not value.is_finite():
        raise DataError(f"{what} is {value}; it must be a finite number")
    return value


def amount(value: Decimal, what: str) -> Decimal:
    """A number from 0 on. Raises `DataError`."""
    if finite(value, what) < 0:
        raise DataError(f"{what} is {value}; it must not be below 0")
    return value


def maybe(value: Decimal, what: str) -> Decimal | None:
    """A price; Binance writes 0 where there is none."""
    return amount(value, what) or None


def plain(value: Decimal) -> str:
    """A number above 0 with the decimals it has, never with an exponent. Raises `InvariantError` for another."""
    if not value.is_finite() or value <= 0:
        raise InvariantError(f"{value} cannot be sent as a price or quantity; it must be a number above 0")
    return f"{value.normalize():f}"


def ns(ms: int) -> int:
    """Nanoseconds of a time in milliseconds."""
    return ms * NS_PER_MS


def place_of(intent: Intent) -> Place:
    """What an intent to place asks for. Raises `InvariantError` for a cancel, and for an id that the venue refuses."""
    if not isinstance(intent.action, Place):
        raise InvariantError(f"{intent.client_order_id} is not an order but a cancel")
    named(intent.client_order_id)
    return intent.action


def named(client_id: str) -> str:
    """A client id that Binance takes. Raises `InvariantError` for an empty one and one of more than 36 characters."""
    if not 0 < len(client_id) <= CLIENT_ID_MAX:
        raise InvariantError(f"client order id {client_id!r} has {len(client_id)} characters; Binance takes 1 to 36")
    return client_id


def needed(value: Decimal | None, name: str, place: Place) -> str:
    """A price as it is sent. Raises `InvariantError` when the order has none."""
    if value is None:
        raise InvariantError(f"a {place.type.value} order needs a {name}")
    return plain(value)


def list_client_id(account: str, list_id: str) -> str:
    """The venue's name of a pair of orders: a pure function of the account and our name of it."""
    digest = hashlib.sha256(f"{account}|list|{list_id}".encode()).digest()
    return "l" + base64.b32encode(digest).decode().lower()[:31]


class Who(NamedTuple):
    """The order that an answer is about, and when: `ts_event` is the venue's time, `ts_seen` ours (ns)."""

    account: str
    instrument: InstrumentId
    client_order_id: str
    ts_event: int
    ts_seen: int


def ended(who: Who, said: str) -> OrderEvent | None:
    """The end that a status means; None when it may still fill, or is filled. Raises `DataError` if it is unknown."""
    match status_of(said):
        case OrderStatus.CANCELED:
            return OrderCanceled(
                who.account, who.instrument, who.client_order_id, "canceled", who.ts_event, who.ts_seen
            )
        case OrderStatus.EXPIRED:
            return OrderExpired(*who[:3], _EXPIRED[said], who.ts_event, who.ts_seen)
        case OrderStatus.REJECTED:
            return OrderRejected(*who[:3], "the venue rejected it", who.ts_event, who.ts_seen)
        case _:
            return None


def answered(
    who: Who, venue_order_id: str, said: str, executed: Decimal | None, fills: Sequence[OrderFilled]
) -> list[OrderEvent]:  # fmt: skip
    """What the answer to a new order says: accepted, its fills, and its end.

    Filled quantity comes from trades only. The end is told when the fills told here are all that it executed; where
    the answer owes some, or does not say, they come by the user stream or the list of trades, and the end after them.
    """
    end = ended(who, said) if said else None
    if isinstance(end, OrderRejected) and not executed and not fills:
        return [end]
    told: list[OrderEvent] = [OrderAccepted(*who[:3], venue_order_id, who.ts_event, who.ts_seen), *fills]
    if end is not None and executed is not None and executed == sum((fill.quantity for fill in fills), ZERO):
        told.append(end)
    return told


_EXPIRED: Final = {
    "EXPIRED": "the venue ended it: the rest could not be filled, or a condition of it ended",
    "EXPIRED_IN_MATCH": "the venue ended it: it would have traded with an order of the same owner",
}


class _Trade(Protocol):
    @property
    def symbol(self) -> str: ...
    @property
    def order_id(self) -> int: ...


TradeT = TypeVar("TradeT", bound=_Trade)


def named_fills(
    rows: list[TradeT], symbols: Container[str], names: Mapping[str, str],
    fill: Callable[[TradeT, str], OrderFilled],
) -> tuple[list[OrderFilled], list[str]]:  # fmt: skip
    """Fills of orders that have names, and the `SYMBOL:orderId` of those that have none; other symbols are left out."""
    fills, unnamed = [], []
    for row in rows:
        if row.symbol not in symbols:
            continue
        order = f"{row.symbol}:{row.order_id}"
        name = names.get(order)
        if name is None:
            unnamed.append(order)
        else:
            fills.append(fill(row, name))
    return fills, list(dict.fromkeys(unnamed))
