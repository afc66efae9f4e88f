"""What is told of a desk besides its signals and orders: commands, configuration, days, and what a person must know.

Every kind of event and decision is named here or in the projection: a new one is a type error until somebody has said
what the audit makes of it, or that it makes nothing of it.
"""

from typing import assert_never

from petrosa.core.model.account import AccountStated, AccountUnclear, RulesStated
from petrosa.core.model.commands import (
    CancelEntries,
    CancelOrder,
    Command,
    Configure,
    ConfigureTrading,
    Flatten,
    PauseEntries,
    PlaceOrder,
    ResolveFinding,
    ResumeEntries,
    Shutdown,
)
from petrosa.core.model.events import (
    Alarm,
    CancelTimer,
    Configured,
    DayOpened,
    Halted,
    SetTimer,
    SignalJudged,
    Started,
    TimerDue,
    TradingConfigured,
    Warmup,
)
from petrosa.core.model.market import MarketEvent
from petrosa.core.model.orders import BalanceChanged
from petrosa.surfaces.audit.memory import exact
from petrosa.surfaces.audit.telling import Document, command_told
from petrosa.surfaces.configuration import TRADING

Silent = MarketEvent | Warmup | TimerDue | BalanceChanged | AccountStated | RulesStated
"""What the audit makes nothing of."""
Heard = Silent | AccountUnclear | Started | Halted | Command
Decided = Configured | TradingConfigured | DayOpened | SignalJudged | Alarm | Halted | SetTimer | CancelTimer


def heard_told(event: Heard) -> list[Document]:
    """The record of an event, if there is one.

    The market is on the recording or the tape. Timers are what a desk asks of itself. Of what a venue says of a whole
    account, that is told which follows from it.
    """
    match event:
        case AccountUnclear():
            told: Document = {"account": event.account}
            return [{"event": "error", "status": "unclear", "reason": event.reason, "metadata": told}]
        case Halted():
            return [{"event": "error", "status": "halted", "reason": event.reason}]
        case Started():
            return [{"event": "started", "status": "running", "reason": event.reason}]
        case PauseEntries() | ResumeEntries() | CancelEntries() | Flatten() | Shutdown():
            return [command_told(event)]
        case Configure() | ConfigureTrading() | PlaceOrder() | CancelOrder() | ResolveFinding():
            return [command_told(event)]
        case _:
            return _nothing(event)


def _nothing(_event: Silent) -> list[Document]:
    return []


def decided_told(decision: Decided) -> list[Document]:
    """The record of a decision, if there is one."""
    match decision:
        case Configured():
            changes = {change.instrument: change.effect.value for change in decision.changes}
            return [_applied(decision, decision.strategy_id, "changes", changes)]
        case TradingConfigured():
            return [_applied(decision, TRADING, "changed", list(decision.changed))]
        case DayOpened():
            opened = {"day": decision.day, "equity": exact(decision.equity), "profit": exact(decision.profit)}
            return [{"event": "day_opened", "status": "opened", "metadata": opened}]
        case SignalJudged():
            judged = {"confidence": exact(decision.confidence)}
            return [{"event": "signal_judged", "signal_id": decision.signal_id, "status": "judged", "metadata": judged}]
        case Alarm():
            named = {"name": decision.name}
            return [{"event": "error", "status": "alarm", "reason": decision.message, "metadata": named}]
        case Halted():
            return [{"event": "error", "status": "halted", "reason": decision.reason}]
        case SetTimer() | CancelTimer():
            return []
        case _:
            assert_never(decision)


def _applied(decision: Configured | TradingConfigured, strategy_id: str, name: str, what: object) -> Document:
    told = {"command_id": decision.command_id, "version": decision.version, name: what}
    return {"event": "configuration_applied", "strategy_id": strategy_id, "status": "applied", "metadata": told}
