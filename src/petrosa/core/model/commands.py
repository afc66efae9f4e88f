"""What a person or another program may tell a desk, in the imperative. Each has an id, an actor and a reason."""

from decimal import Decimal
from typing import Any

import msgspec

from petrosa.core.model.base import Message, Side
from petrosa.core.model.findings import How
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import OrderType, TimeInForce


class PauseEntries(Message, frozen=True, gc=False, tag="pause_entries"):
    """No new entry until `ResumeEntries`; exits and protection go on."""

    command_id: str
    actor: str
    reason: str


class ResumeEntries(Message, frozen=True, gc=False, tag="resume_entries"):
    command_id: str
    actor: str
    reason: str


class CancelEntries(Message, frozen=True, gc=False, tag="cancel_entries"):
    """Cancel every resting order that could enlarge a position; leave protection alone."""

    command_id: str
    actor: str
    reason: str


class Flatten(Message, frozen=True, gc=False, tag="flatten"):
    """Pause entries, close positions at market (one instrument, or all), then sweep what is left resting."""

    command_id: str
    actor: str
    reason: str
    instrument: InstrumentId | None = None


class Shutdown(Message, frozen=True, gc=False, tag="shutdown"):
    """No new entries, cancel entry orders, leave protection resting."""

    command_id: str
    actor: str
    reason: str


class SeatParameters(msgspec.Struct, frozen=True):
    """What holds for a strategy on one instrument: whether it runs, and all of its parameters by name."""

    instrument: InstrumentId
    enabled: bool
    parameters: dict[str, Any]


class Configure(Message, frozen=True, tag="configure"):
    """Let a strategy go on with these parameters: the whole effective set, so that a replay needs no store.

    Instruments that are not named stay as they are. `version` is that of the stored configuration that led to it.
    """

    command_id: str
    actor: str
    reason: str
    strategy_id: str
    version: int
    seats: tuple[SeatParameters, ...]


class ConfigureTrading(Message, frozen=True, tag="configure_trading"):
    """Let the trader go on with these parameters, by section and name: the whole effective set, as in `Configure`."""

    command_id: str
    actor: str
    reason: str
    version: int
    parameters: dict[str, dict[str, Any]]


class PlaceOrder(Message, frozen=True, gc=False, tag="place_order"):
    """Place one order that no strategy has asked for. `callback` is a fraction (0.005 is 0.5 %).

    One that can enlarge a position goes through the gate, as large as it is or not at all; `stop_loss` and
    `take_profit` are then the trigger prices of what rests behind it, instead of the default distances.
    """

    command_id: str
    actor: str
    reason: str
    instrument: InstrumentId
    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    callback: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


class CancelOrder(Message, frozen=True, gc=False, tag="cancel_order"):
    """Cancel one order of ours, unless it protects a position."""

    command_id: str
    actor: str
    reason: str
    client_order_id: str


class ResolveFinding(Message, frozen=True, gc=False, tag="resolve_finding"):
    """Do something about a difference between the venue and our books, named by its `finding_id`."""

    command_id: str
    actor: str
    reason: str
    finding: str
    how: How


Command = (
    PauseEntries
    | ResumeEntries
    | CancelEntries
    | Flatten
    | Shutdown
    | Configure
    | ConfigureTrading
    | PlaceOrder
    | CancelOrder
    | ResolveFinding
)
