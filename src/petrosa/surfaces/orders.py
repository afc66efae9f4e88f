"""Orders that are asked for by hand over HTTP, and what the desk decided about each."""

import hashlib
import secrets
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
from msgspec import Meta

from petrosa.core.model.base import Side
from petrosa.core.model.commands import CancelOrder, PlaceOrder
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import OrderType, TimeInForce
from petrosa.surfaces.desk_rows import OrderReport
from petrosa.surfaces.trading import BadSignal, Verdict

_NOTHING: Final = {"type": "null"}
Number = float | str
"""A text is exact; a number of JSON is what its shortest text says."""
Unheard = Annotated[Any, Meta(extra_json_schema=_NOTHING, description="Cannot be had here: leave it out, or null.")]

_TYPES = Literal[
    "market", "limit", "stop", "stop_limit", "take_profit", "take_profit_limit", "trailing_stop",
    "MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "TRAILING_STOP",
]  # fmt: skip
SAME: Final = (("quantity", "amount"), ("price", "target_price"), ("trigger_price", "stop_price"))
"""The names of one thing; both may be said if they say the same."""
UNHEARD: Final = (
    "iceberg_quantity", "conditional_price", "conditional_direction", "conditional_timeout", "position_size_pct",
    "stop_loss_pct", "take_profit_pct",
)  # fmt: skip


class OrderBody(msgspec.Struct, frozen=True):
    """One order. Numbers may be texts, which are exact; further fields are ignored."""

    symbol: Annotated[str, Meta(min_length=1, max_length=128, description="BTCUSDT, BTC/USDT or BTC/USDT:USDT.")]
    side: Literal["buy", "sell", "BUY", "SELL"]
    type: _TYPES
    quantity: Annotated[Number | None, Meta(description="As it is: never shrunk, never rounded.")] = None
    amount: Annotated[Number | None, Meta(description="Another name of quantity.")] = None
    price: Annotated[Number | None, Meta(description="The limit, of the types that have one.")] = None
    target_price: Annotated[Number | None, Meta(description="Another name of price.")] = None
    trigger_price: Annotated[Number | None, Meta(description="What sets it off; a trailing stop, begins it.")] = None
    stop_price: Annotated[Number | None, Meta(description="Another name of trigger_price.")] = None
    callback: Annotated[Number | None, Meta(description="Of a trailing stop, a fraction: 0.01 is 1 %.")] = None
    time_in_force: Literal["GTC", "IOC", "FOK", "GTX"] | None = None
    reduce_only: bool = False
    stop_loss: Annotated[Number | None, Meta(description="A price; else the default distance.")] = None
    take_profit: Annotated[Number | None, Meta(description="A price; else the default distance.")] = None
    reason: Annotated[str, Meta(min_length=1, max_length=500, description="Why; kept in the journal.")] = "by hand"
    simulate: Annotated[bool, Meta(description="Cannot be true: the desk's settings say what it trades on.")] = False
    iceberg_quantity: Unheard = None
    conditional_price: Unheard = None
    conditional_direction: Unheard = None
    conditional_timeout: Unheard = None
    position_size_pct: Unheard = None
    stop_loss_pct: Unheard = None
    take_profit_pct: Unheard = None


class Checked(msgspec.Struct, frozen=True):
    """One check of an order: passed, failed or not_reached."""

    check: str
    verdict: str
    saw: str
    limit: str
    remedy: str


class OrderResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a desk decided about an order or a cancel; a fill comes later.

    `check`, `saw`, `limit` and `remedy` are of the first check that failed. `sequence` is the turn in the journal.
    """

    command_id: str
    status: Verdict
    message: str
    client_order_id: str | None = None
    check: str | None = None
    saw: str | None = None
    limit: str | None = None
    remedy: str | None = None
    checks: tuple[Checked, ...] = ()
    sequence: int | None = None


class OrderAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict, the order as the desk has it now (none where none left), and the desk's time."""

    status: Verdict
    message: str
    order: OrderReport | None
    result: OrderResult
    timestamp: datetime


class Orders(Protocol):
    """Where orders by hand are handed in. Every method waits up to a second for the desk's turn.

    Raises `LimitExceeded` when very many wait and nothing would get smaller by it, `NoDesk`.
    """

    async def place(self, command: PlaceOrder, key: str, body: bytes) -> OrderResult:
        """Ask for an order. The same `key` (empty: none) of the same actor gets the first answer again.

        Raises `KeyReused` for a key that came with another body.
        """
        ...

    async def cancel(self, command: CancelOrder) -> OrderResult: ...


def command_of(body: OrderBody, instrument: InstrumentId, actor: str, key: str) -> PlaceOrder:
    """The command that a request means. Raises `BadSignal` where it contradicts itself or cannot be honoured."""
    for name in UNHEARD:
        if getattr(body, name) is not None:
            raise BadSignal("VALIDATION_ERROR", f"{name} = {str(getattr(body, name))[:40]} cannot be had; leave it out")
    if body.simulate:
        text = "simulate = true cannot be asked for: what a desk trades on is its own settings; leave it out"
        raise BadSignal("VALIDATION_ERROR", text)
    quantity, price, trigger = (_one_of(body, *names) for names in SAME)
    callback, stop, target = (_exact(body, name) for name in ("callback", "stop_loss", "take_profit"))
    if quantity is None:
        raise BadSignal("VALIDATION_ERROR", "quantity is missing; send quantity (or amount)")
    return PlaceOrder(
        command_id=_command_id("order", actor, key),
        actor=actor,
        reason=body.reason,
        instrument=instrument,
        side=Side(body.side.lower()),
        type=OrderType(body.type.lower()),
        quantity=quantity,
        price=price,
        trigger_price=trigger,
        callback=callback,
        time_in_force=TimeInForce(body.time_in_force or "GTC"),
        reduce_only=body.reduce_only,
        stop_loss=stop,
        take_profit=target,
    )


def cancel_of(client_order_id: str, actor: str, reason: str) -> CancelOrder:
    """The command to take an order off."""
    return CancelOrder(_command_id("cancel", actor, ""), actor, reason, client_order_id)


def _one_of(body: OrderBody, name: str, other: str) -> Decimal | None:
    one, two = _exact(body, name), _exact(body, other)
    if one is not None and two is not None and one != two:
        text = f"{name} = {one} and {other} = {two} are two names of one thing; send one"
        raise BadSignal("VALIDATION_ERROR", text)
    return two if one is None else one


def _exact(body: OrderBody, name: str) -> Decimal | None:
    value: float | str | None = getattr(body, name)
    if value is None:
        return None
    try:
        return Decimal(value if isinstance(value, str) else repr(value))
    except InvalidOperation:
        raise BadSignal("VALIDATION_ERROR", f"{name} = {str(value)[:40]!r} is no number") from None


def _command_id(what: str, actor: str, key: str) -> str:
    """The same key makes the same id, after a restart too, so that the desk knows the order again."""
    text = hashlib.sha256(f"{what}|{actor}|{key}".encode()).hexdigest()[:32] if key else secrets.token_hex(16)
    return f"{what}-{text}"
