"""What the frames of both user streams have in common: what reading one gives, and what cannot be."""

from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from petrosa.adapters.net.websocket import End
from petrosa.core.model.orders import AccountEvent
from petrosa.errors import FrameError

T = TypeVar("T")


class Read(NamedTuple):
    """What a frame says: events in order, that the stream is over, or that the account must be asked (`doubt`)."""

    events: tuple[AccountEvent, ...] = ()
    end: End | None = None
    doubt: str = ""


NOTHING: Final = Read()


class Head(msgspec.Struct, gc=False):
    """By which an event is known; some messages are no events."""

    e: str = ""


def decoded(decoder: "msgspec.json.Decoder[T]", payload: Any) -> T:
    """Raises `FrameError`, which says what was not as it must be."""
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = "malformed" if isinstance(error, msgspec.ValidationError) else "not_json"
        raise FrameError(reason, f"{error}; frame {bytes(payload)[:80]!r}") from None


def check_fill(quantity: Decimal, price: Decimal, trade_id: int, fee: Decimal, what: str) -> None:
    """Raises `FrameError` for a fill that cannot be: it must be counted, so it may not be guessed."""
    numbers = (quantity, price, fee)
    if not all(one.is_finite() for one in numbers) or quantity <= 0 or price <= 0 or trade_id <= 0:
        raise FrameError("absurd_fill", f"{what}: trade {trade_id} of {quantity} at {price}, fee {fee}, cannot be")


def check_balance(total: Decimal, asset: str) -> None:
    """Raises `FrameError` for what is no number."""
    if not total.is_finite():
        raise FrameError("absurd_balance", f"a balance of {total} {asset} cannot be")
