"""What is remembered from one statement to the next: open findings, what was seen once, who is missing since when."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

import msgspec

from petrosa.core.execution.reconcile import LOST_AFTER, LOST_AFTER_NS, RACES
from petrosa.core.model.findings import Finding, FindingKind
from petrosa.core.model.instruments import EXACT
from petrosa.core.model.market import InstrumentId

COMMAND = "petrosa reconcile"


class Absence(msgspec.Struct, frozen=True):
    """So many statements in a row did not know an order, the first of them asked for at `since`."""

    times: int
    since: int


class FindingsState(msgspec.Struct, frozen=True):
    """Everything that `Findings` knows."""

    found: tuple[Finding, ...] = ()
    suspects: dict[str, str] = msgspec.field(default_factory=dict)
    absences: dict[str, Absence] = msgspec.field(default_factory=dict)
    floors: dict[InstrumentId, int] = msgspec.field(default_factory=dict)
    unclear: str = ""
    unclear_since: int = 0
    born: int = 0
    stated_at: int = 0
    said: str = ""


class Exposed(NamedTuple):
    """Something on the venue that is not in our books. `quantity` is unsigned; `price` None means at the mark."""

    instrument: InstrumentId
    quantity: Decimal
    price: Decimal | None


class Findings:
    """The findings of the last statement; those that are ignored stand among them and close nothing.

    `unclear` says why the account must be compared, by a statement that is asked for at `unclear_since` or later.
    `stated_at` is when the last one was asked for, `born` when this desk first heard that there is a venue to compare
    with: what was traded before that is not this desk's. `floors` are the times of statements that were adopted: older
    trades are in what was adopted.
    """

    def __init__(self) -> None:
        self.floors: dict[InstrumentId, int] = {}
        self.unclear, self.unclear_since = "", 0
        self.born = self.stated_at = 0
        self._found: dict[str, Finding] = {}
        self._suspects: dict[str, str] = {}
        self._absences: dict[str, Absence] = {}
        self._said = ""

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._found.values())

    def get(self, finding_id: str) -> Finding | None:
        return self._found.get(finding_id)

    @property
    def closed(self) -> str:
        """Why entries wait for a comparison; empty when they do not."""
        if self.unclear:
            return f"not reconciled: {self.unclear}"
        unresolved = [finding for finding in self if not finding.is_ignored]
        if not unresolved:
            return ""
        first = unresolved[0]
        more = f" and {len(unresolved) - 1} more" if len(unresolved) > 1 else ""
        return f"{first.kind.value} ({first.message}; finding {first.finding_id}{more}); see {COMMAND}"

    @property
    def suspects(self) -> int:
        """Differences that the last statement showed for the first time."""
        return sum(finding_id not in self._found for finding_id in self._suspects.values())

    def begin(self, now: int) -> None:
        """Somebody will compare this account."""
        self.born = self.born or now

    def doubt(self, reason: str, now: int) -> None:
        """No entry before a statement that is asked for from now on."""
        self.begin(now)
        self.unclear, self.unclear_since = reason, now

    def stated(self, seen: Iterable[Finding], asked_at: int) -> list[Finding]:
        """Take in what a statement shows; returns the findings that are new. The doubts it was asked for later than go,
        unless it shows something that may be a race."""
        before, self._found = self._found, {}
        suspects: dict[str, str] = {}
        accepted = {_place(finding): finding for finding in before.values() if finding.is_ignored}
        for finding in seen:
            place, name = _place(finding), finding.finding_id
            ignored, last = accepted.get(place), self._suspects.get(place)
            if finding.kind in RACES:
                suspects[place] = name
                if last is None or (ignored is not None and name not in (ignored.finding_id, last)):
                    if ignored is not None:  # other figures, seen once: what was accepted is not forgotten for a race
                        self._found[ignored.finding_id] = ignored
                    continue
            is_ignored = ignored is not None and ignored.finding_id == name
            self._found[name] = msgspec.structs.replace(finding, is_ignored=is_ignored)
        self._suspects = suspects
        self.stated_at = max(self.stated_at, asked_at)
        if asked_at >= self.unclear_since and not self.suspects:
            self.unclear = ""
        return [finding for key, finding in self._found.items() if key not in before]

    def missing(self, client_order_id: str, asked_at: int) -> int:
        """Count that a statement did not know an accepted order; how often, once it is lost, else 0."""
        before = self._absences.get(client_order_id, Absence(0, asked_at))
        after = self._absences[client_order_id] = Absence(before.times + 1, before.since)
        is_lost = after.times >= LOST_AFTER and asked_at - after.since >= LOST_AFTER_NS
        return after.times if is_lost else 0

    def keep_absences(self, missing: Iterable[str]) -> None:
        """Forget the count of every order that is not missing now."""
        names = set(missing)
        self._absences = {name: absence for name, absence in self._absences.items() if name in names}

    def ignore(self, finding: Finding) -> None:
        self._found[finding.finding_id] = msgspec.structs.replace(finding, is_ignored=True)

    def drop(self, finding: Finding) -> None:
        """A finding that has taken care of itself."""
        del self._found[finding.finding_id]

    def settle(self, finding: Finding, now: int) -> None:
        """Something was done about a finding: the next statement must show that it has worked."""
        del self._found[finding.finding_id]
        self._suspects.pop(_place(finding), None)
        if finding.stated is not None:
            self.floors[finding.instrument] = self.stated_at
        self.doubt(f"{finding.kind.value} of {finding.instrument} was resolved and is compared again", now)

    def since(self, instrument: InstrumentId, overlap_ns: int, wide_ns: int) -> int:
        """From when on trades must be asked for: the last statement and an overlap, a wide one while figures differ."""
        accepted = {finding.finding_id for finding in self if finding.is_ignored}
        differs = any(finding_id not in accepted for finding_id in self._suspects.values())
        back = wide_ns if differs else overlap_ns
        return max(self.stated_at - back, self.born, self.floors.get(instrument, 0))

    def exposed(self) -> Iterator[Exposed]:
        """What the findings mean for risk: foreign orders that could enlarge a position, and what we do not hold."""
        for finding in self:
            order = finding.order
            if finding.kind is FindingKind.POSITION_DIFFERS and finding.ours is not None and finding.stated is not None:
                difference = EXACT.subtract(finding.stated, finding.ours).copy_abs()
                yield Exposed(finding.instrument, difference, finding.price or None)
            elif order is not None and finding.kind is not FindingKind.FILLS_MISSING and not order.reduce_only:
                leaves = max(EXACT.subtract(order.quantity, order.filled), Decimal(0))
                yield Exposed(finding.instrument, leaves, order.price or order.trigger_price)

    def news(self, text: str) -> bool:
        """Whether the outcome of a comparison, in words, is another than that of the one before."""
        before, self._said = self._said, text
        return text != before

    def say_again(self) -> None:
        """The next comparison says what it found, whatever was said before."""
        self._said = ""

    def snapshot(self) -> FindingsState:
        return FindingsState(
            tuple(self),
            dict(self._suspects),
            dict(self._absences),
            dict(self.floors),
            self.unclear,
            self.unclear_since,
            self.born,
            self.stated_at,
            self._said,
        )

    def restore(self, state: FindingsState) -> None:
        self._found = {finding.finding_id: finding for finding in state.found}
        self._suspects = dict(state.suspects)
        self._absences = dict(state.absences)
        self.floors = dict(state.floors)
        self.unclear, self.unclear_since = state.unclear, state.unclear_since
        self.born, self.stated_at, self._said = state.born, state.stated_at, state.said


def _place(finding: Finding) -> str:
    """Where a difference is, whatever its figures: a race has others each time, and is a race all the same."""
    return f"{finding.kind.value}|{finding.instrument}|{finding.target}"
