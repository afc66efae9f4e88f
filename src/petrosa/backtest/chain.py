"""Everything in a journal that goes back to one signal: the opinion, the gates, the orders, the venue's answers."""

from collections.abc import Iterable
from typing import Final

import msgspec

from petrosa.core.model.events import Decision, SignalAgreed, SignalMade, SignalReceived
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.core.model.orders import Approved, Intent, OrderEvent, OrderFilled, Place, Reducing
from petrosa.core.model.refusals import Outcome, Refused
from petrosa.core.model.signals import Signal
from petrosa.ports import JournaledTurn

_decoder: Final[msgspec.json.Decoder[Decision]] = msgspec.json.Decoder(Decision)


def decisions_of(turn: JournaledTurn) -> list[Decision]:
    """The decisions of a turn, as values again."""
    return [_decoder.decode(decision) for decision in turn.decisions]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One link of the chain: what happened at a turn, and every gate that was asked."""

    sequence: int
    now: int
    what: str
    text: str
    gates: tuple[Outcome, ...] = ()


def chain_of(signal_id: str, turns: Iterable[JournaledTurn]) -> list[Step]:
    """Everything in a journal that goes back to one signal, in order: opinion, gates, orders, answers, fills."""
    steps: list[Step] = []
    orders: set[str] = set()
    for turn in turns:
        event = turn.event
        if isinstance(event, SignalReceived) and event.signal.signal_id == signal_id:
            steps.append(_step(turn, "received", _signal_text(event.signal)))
        if isinstance(event, OrderEvent) and event.client_order_id in orders:
            steps.append(_step(turn, str(type(event).__struct_config__.tag), _answer_text(event)))
        for decision in decisions_of(turn):
            step = _decided(turn, decision, signal_id)
            if step is not None:
                steps.append(step)
            if isinstance(decision, Approved | Reducing) and decision.intent.signal_id == signal_id:
                orders.add(decision.intent.client_order_id)
    return steps


def _decided(turn: JournaledTurn, decision: Decision, signal_id: str) -> Step | None:
    match decision:
        case SignalMade(signal=signal) if signal.signal_id == signal_id:
            return _step(turn, "signal", _signal_text(signal), decision.outcomes)
        case SignalAgreed() if decision.signal_id == signal_id:
            return _step(turn, "agreed", "every gate let it pass", decision.outcomes)
        case Refused() if decision.signal_id == signal_id:
            return _step(turn, "refused", decision.message, decision.outcomes)
        case Approved(intent=intent) if intent.signal_id == signal_id:
            return _step(turn, "approved", _intent_text(intent))
        case Reducing(intent=intent) if intent.signal_id == signal_id:
            return _step(turn, "reducing", _intent_text(intent))
        case _:
            return None


def instrument_of(turn: JournaledTurn, signal_id: str) -> InstrumentId | None:
    """The instrument of a signal, where this turn names it."""
    for decision in decisions_of(turn):
        match decision:
            case Refused() if decision.signal_id == signal_id and ":" in decision.instrument:
                return InstrumentId(decision.instrument)
            case SignalMade(signal=signal) if signal.signal_id == signal_id and signal.venue and signal.market:
                return InstrumentId(f"{signal.venue}:{signal.market}:{signal.symbol}")
            case Approved(intent=intent) | Reducing(intent=intent) if intent.signal_id == signal_id:
                return intent.instrument
            case _:
                pass
    return None


def _step(turn: JournaledTurn, what: str, text: str, gates: tuple[Outcome, ...] = ()) -> Step:
    return Step(sequence=turn.sequence, now=turn.now, what=what, text=text, gates=gates)


def _signal_text(signal: Signal) -> str:
    indicators = ", ".join(f"{name} {value:g}" for name, value in signal.indicators.items())
    return (
        f"{signal.strategy_id} says {signal.action.value} {signal.symbol} at {signal.price:g}, "
        f"confidence {signal.confidence:.3f}" + (f" ({indicators})" if indicators else "")
    )


def _intent_text(intent: Intent) -> str:
    action = intent.action
    if not isinstance(action, Place):
        return f"cancel {action.target_client_order_id}: {action.reason}"
    price = "" if action.price is None else f" at {action.price}"
    trigger = "" if action.trigger_price is None else f" when {action.trigger_price} is touched"
    return (
        f"{intent.leg.value}: {action.type.value} {action.side.value} {action.quantity} {symbol_of(intent.instrument)}"
        f"{price}{trigger}, {action.time_in_force.value}, order {intent.client_order_id}"
    )


def _answer_text(event: OrderEvent) -> str:
    if isinstance(event, OrderFilled):
        modelled = ", modelled" if event.modelled else ""
        return (
            f"{event.side.value} {event.quantity} at {event.price}, fee {event.fee} {event.fee_asset}, "
            f"{event.liquidity.value}{modelled}, order {event.client_order_id}"
        )
    reason = getattr(event, "reason", "")
    return f"order {event.client_order_id}" + (f": {reason}" if reason else "")
