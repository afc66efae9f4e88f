"""A turn of the past taken in again: what the market said then is read from what was decided then.

Nothing of the past is decided anew. Handlers do what they did, and where they ask the market they are told what stands
in the record at the place at which they are.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from petrosa.core.execution.admission import Agreed, Wish
from petrosa.core.execution.manual import Manual
from petrosa.core.execution.tally import Opening
from petrosa.core.model.commands import PlaceOrder
from petrosa.core.model.events import DayOpened, Decision, SignalAgreed, SignalJudged
from petrosa.core.model.findings import FindingResolved
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Approved
from petrosa.core.model.refusals import Outcome, Refused
from petrosa.core.model.signals import Signal
from petrosa.core.signals.checks import RECEIVED_CHECKS
from petrosa.core.signals.reception import Heard, Reception
from petrosa.errors import JournalError


class Recorded:
    """The answers of one turn. `said` counts what has been decided in it so far, which is the place in the record.

    Raises `JournalError` when the record has no answer where one is needed: then it was decided by another rule.
    """

    def __init__(self, reception: Reception, decisions: Sequence[Decision], said: Callable[[], int]) -> None:
        self._reception = reception
        self._decisions = decisions
        self._said = said

    def opening(self) -> Opening | None:
        opened = self._at(0)
        return Opening(opened.equity, opened.profit) if isinstance(opened, DayOpened) else None

    def hear(self, signal: Signal, now: int, *, was_placed: bool) -> Heard:  # noqa: ARG002 - the record knows
        """The checks said of it what its answer begins with; a model's confidence stands before the answer."""
        judged, ahead = self._at(0), 0
        if isinstance(judged, SignalJudged):
            signal, ahead = msgspec.structs.replace(signal, confidence=judged.confidence), 1
        answer = self._answer(signal, ahead)
        return self._reception.recall(signal, now, answer.outcomes[: len(RECEIVED_CHECKS)])

    def ask_again(self, signal: Signal, instrument: InstrumentId, now: int) -> Heard:  # noqa: ARG002 - the same
        """A refusal at this place is of the checks; the gate's comes only after the reversal was taken off."""
        answer = self._at(0)
        is_refused = isinstance(answer, Refused) and answer.signal_id == signal.signal_id
        outcomes = answer.outcomes[: len(RECEIVED_CHECKS)] if isinstance(answer, Refused) and is_refused else ()
        return Heard(signal, (instrument,), outcomes, None)

    def enter(self, wish: Wish) -> Agreed | tuple[Outcome, ...]:
        """What the gate said: a refusal, or an agreement and the order that left with it."""
        answer, approved = self._answer(wish.heard.signal, 0), self._at(1)
        if isinstance(answer, Refused):
            return answer.outcomes
        if not isinstance(approved, Approved) or approved.intent.signal_id != answer.signal_id:
            raise JournalError(f"signal {answer.signal_id} was agreed to, and its order does not follow in the record")
        return Agreed(answer.outcomes, approved)

    def by_hand(self, manual: Manual, command: PlaceOrder, now: int, closed: str) -> None:  # noqa: ARG002 - the same
        manual.recall(command, self._decisions[self._said() :], now)

    def mark(self, instrument: InstrumentId) -> Decimal | None:
        """The price at which a difference of this instrument was adopted."""
        for decision in self._decisions[self._said() :]:
            if isinstance(decision, FindingResolved) and decision.fill is not None:
                return decision.fill.price if decision.fill.instrument == instrument else None
        return None

    def _answer(self, signal: Signal, ahead: int) -> Refused | SignalAgreed:
        answer = self._at(ahead)
        if not isinstance(answer, Refused | SignalAgreed) or answer.signal_id != signal.signal_id:
            raise JournalError(f"signal {signal.signal_id} has no answer in the record, but {answer!r}")
        return answer

    def _at(self, ahead: int) -> Decision | None:
        place = self._said() + ahead
        return self._decisions[place] if place < len(self._decisions) else None
