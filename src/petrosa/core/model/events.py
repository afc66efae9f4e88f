"""Everything a desk can be told, and everything it can answer.

`Event` is the whole of the input: a desk that has seen the same events has decided the same things.
"""

from decimal import Decimal
from enum import Enum
from typing import Final, get_args

import msgspec

from petrosa.core.model.account import AccountStated, AccountUnclear, RulesStated
from petrosa.core.model.base import Message
from petrosa.core.model.commands import Command
from petrosa.core.model.findings import FindingResolved, Reconciled
from petrosa.core.model.market import FeedStateChanged, InstrumentId, MarketEvent
from petrosa.core.model.orders import AccountEvent, Approved, Reducing
from petrosa.core.model.refusals import Outcome, Refused
from petrosa.core.model.signals import Signal


class TimerDue(Message, frozen=True, gc=False, tag="timer_due"):
    """A timer that the core asked for. `at` is when it was due."""

    timer_id: str
    at: int


class SignalReceived(Message, frozen=True, gc=False, tag="signal_received"):
    """A signal from another process. `sequence` is its place in the stream it came by, 0 where there is none."""

    signal: Signal
    sequence: int = 0


class Started(Message, frozen=True, gc=False, tag="started"):
    """A process began to turn this desk: analytic windows start empty here, in a replay too."""

    reason: str


class Warmup(Message, frozen=True, gc=False, tag="warmup"):
    """History that fills windows and can make no signal."""

    event: MarketEvent


class Halted(Message, frozen=True, gc=False, tag="halted"):
    """Entries are over until somebody who knows why says otherwise."""

    reason: str


Event = (
    MarketEvent
    | AccountEvent
    | AccountUnclear
    | AccountStated
    | RulesStated
    | Command
    | TimerDue
    | SignalReceived
    | Started
    | Warmup
    | Halted
)

REPEATED: Final = frozenset(get_args(MarketEvent)) - {FeedStateChanged}
"""Kinds that the recording or the tape tells again, so that a journal need not. A feed's state is known to us alone."""


class SignalMade(Message, frozen=True, gc=False, tag="signal_made"):
    """A strategy's candidate passed the strategist's checks and is a signal now."""

    signal: Signal
    outcomes: tuple[Outcome, ...]


class SignalAgreed(Message, frozen=True, gc=False, tag="signal_agreed"):
    """The trader agreed to a signal; the intent that follows names it. Holds every check with value and limit.

    Of an order that somebody has asked for `signal_id` is the command's id.
    """

    signal_id: str
    outcomes: tuple[Outcome, ...]


class SetTimer(Message, frozen=True, gc=False, tag="set_timer"):
    """Wake me at `at`; a timer of the same id is replaced."""

    timer_id: str
    at: int


class CancelTimer(Message, frozen=True, gc=False, tag="cancel_timer"):
    timer_id: str


class SignalJudged(Message, frozen=True, gc=False, tag="signal_judged"):
    """A model was less sure of a signal than its sender: it goes on with this confidence."""

    signal_id: str
    confidence: float


class DayOpened(Message, frozen=True, gc=False, tag="day_opened"):
    """A day, counted from 1970 in UTC, has begun with this equity and this profit in the account's currency.

    Both depend on prices of that moment, and the loss of the day is measured from them.
    """

    day: int
    equity: Decimal
    profit: Decimal


class Alarm(Message, frozen=True, gc=False, tag="alarm"):
    """Something a person must know, for example a position without a resting stop."""

    name: str
    message: str


class Effect(Enum):
    """What a change of parameters did to a strategy on one instrument."""

    UNCHANGED = "unchanged"
    KEPT_STATE = "kept state"
    WARMING_UP = "warming up again"
    ENABLED = "enabled"
    DISABLED = "disabled"


class SeatChange(msgspec.Struct, frozen=True):
    instrument: InstrumentId
    effect: Effect


class Configured(Message, frozen=True, tag="configured"):
    """A strategy goes on with the parameters of a `Configure` from this turn on."""

    command_id: str
    strategy_id: str
    version: int
    changes: tuple[SeatChange, ...]


class TradingConfigured(Message, frozen=True, tag="trading_configured"):
    """The trader goes on with the parameters of a `ConfigureTrading` from this turn on. `changed` is `section.name`."""

    command_id: str
    version: int
    changed: tuple[str, ...]


Decision = (
    SignalMade
    | SignalJudged
    | SignalAgreed
    | Refused
    | Approved
    | Reducing
    | SetTimer
    | CancelTimer
    | DayOpened
    | Alarm
    | Halted
    | Configured
    | TradingConfigured
    | Reconciled
    | FindingResolved
)
