"""Why not. A refusal is a value with a reason: the check, what it saw, and the limit it applied."""

from enum import Enum
from typing import Final

from petrosa.core.model.base import Message
from petrosa.core.model.market import InstrumentId


class Verdict(Enum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not_reached"


class Outcome(Message, frozen=True, gc=False, tag="outcome"):
    """What one check found. `saw` and `limit` are texts with their unit, made for people."""

    check: str
    verdict: Verdict
    saw: str = ""
    limit: str = ""
    remedy: str = ""


class Refused(Message, frozen=True, gc=False, tag="refused"):
    """A candidate that will not become an order. `check` is the first that failed; `outcomes` are all of them."""

    check: str
    saw: str
    limit: str
    strategy_id: str
    instrument: InstrumentId | str
    signal_id: str
    outcomes: tuple[Outcome, ...]

    @property
    def message(self) -> str:
        """The sentence for people: the check, the value, the limit, what to do."""
        failed = next((o for o in self.outcomes if o.verdict is Verdict.FAILED), None)
        remedy = f"; {failed.remedy}" if failed is not None and failed.remedy else ""
        return f"{self.check}: saw {self.saw}, limit {self.limit}{remedy}"


_PASSED: Final = Verdict.PASSED
_FAILED: Final = Verdict.FAILED


def passed(check: str, saw: str = "", limit: str = "") -> Outcome:
    return Outcome(check, _PASSED, saw, limit)


def failed(check: str, saw: str, limit: str, remedy: str = "") -> Outcome:
    return Outcome(check, _FAILED, saw, limit, remedy)


def refusal(strategy_id: str, instrument: str, signal_id: str, outcomes: tuple[Outcome, ...]) -> Refused | None:
    """The refusal that these outcomes amount to, named by the first failure; none when all passed."""
    for outcome in outcomes:
        if outcome.verdict is _FAILED:
            return Refused(outcome.check, outcome.saw, outcome.limit, strategy_id, instrument, signal_id, outcomes)
    return None
