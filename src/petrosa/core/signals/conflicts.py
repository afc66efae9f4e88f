"""Opinions that stand against each other: who is heard when one signal says buy and another says sell.

Every sound signal for a side is an opinion, whatever comes of it, and stays one for `conflict_window_seconds`. A
strategy has one opinion per instrument and timeframe: its newer signal takes the place of its older one, so a strategy
never stands against itself. An opinion *stands* until a later one for the other side wins against it, and one that lost
never stood; only those that stand can win against a newcomer. An agreed `close` withdraws its strategy's opinions,
`Flatten` all of the instrument's.

The score of an opinion is confidence × weight of its timeframe × weight of its strategy.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.refusals import Outcome, failed, passed
from petrosa.core.model.signals import Signal
from petrosa.core.signals.params import ConflictResolution, SignalParams, TimeframeResolution
from petrosa.core.signals.timeframes import seconds_of, weight_of

OPINIONS_KEPT: Final = 64
"""Opinions per instrument; above that the oldest goes, however much of its window is left."""


class Opinion(msgspec.Struct, frozen=True):
    """What a signal says about an instrument. `said` is the older of its stamps, `heard` the trader's time."""

    instrument: InstrumentId
    signal_id: str
    strategy_id: str
    timeframe: str
    side: Side
    score: float
    said: int
    heard: int
    stands: bool = True

    def is_stronger_than(self, other: "Opinion") -> bool:
        """By score; of equal ones the one said earlier, then the one of the lesser id: never by who came in first."""
        return (-self.score, self.said, self.signal_id) < (-other.score, other.said, other.signal_id)

    def __str__(self) -> str:
        return f"{self.side.value} {self.score:.4f} ({self.signal_id} of {self.strategy_id}, {self.timeframe})"


def opinion_of(signal: Signal, side: Side, instrument: InstrumentId, now: int, params: SignalParams) -> Opinion:
    """What a complete signal for a side says, with its score."""
    score = (
        signal.confidence
        * weight_of(signal.timeframe, params.timeframe_weights)
        * params.strategy_weights.get(signal.strategy_id, 1.0)
    )
    said = min((stamp for stamp in (signal.ts_event, signal.ts_seen) if stamp > 0), default=now)
    return Opinion(instrument, signal.signal_id, signal.strategy_id, signal.timeframe, side, score, said, now)


class Opinions:
    """The opinions of the last while, by instrument, oldest first."""

    __slots__ = ("_of", "_window_ns")

    def __init__(self, window_seconds: float) -> None:
        self._of: dict[InstrumentId, list[Opinion]] = {}
        self.keep_for(window_seconds)

    def keep_for(self, window_seconds: float) -> None:
        """How long an opinion counts, those that were heard already too."""
        self._window_ns = round(window_seconds * NS_PER_SECOND)

    def active(self, now: int) -> list[Opinion]:
        """Everything that counts at `now`, by instrument, oldest first."""
        return [one for instrument in self._of for one in self._active(instrument, now)]

    def others(self, new: Opinion) -> Sequence[Opinion]:
        """What is active when an opinion comes in, without that which it takes the place of."""
        active = self._active(new.instrument, new.heard)
        return [one for one in active if (one.strategy_id, one.timeframe) != (new.strategy_id, new.timeframe)]

    def strongest(self, instrument: InstrumentId, side: Side, now: int) -> Opinion | None:
        """The strongest opinion that stands for a side; None when there is none."""
        return strongest_of(one for one in self._active(instrument, now) if one.stands and one.side is side)

    def hear(self, new: Opinion) -> None:
        """Take an opinion in. One that stands ends the standing of those for the other side."""
        kept = self.others(new)
        if new.stands:
            kept = [one if one.side is new.side else msgspec.structs.replace(one, stands=False) for one in kept]
        self._of[new.instrument] = [*kept, new][-OPINIONS_KEPT:]

    def withdraw(self, instrument: InstrumentId, strategy_id: str) -> None:
        """A strategy has closed: what it said before counts no more."""
        kept = [one for one in self._of.pop(instrument, ()) if one.strategy_id != strategy_id]
        if kept:
            self._of[instrument] = kept

    def clear(self, instrument: InstrumentId) -> None:
        """A person has decided: nothing stands any more."""
        self._of.pop(instrument, None)

    def snapshot(self) -> tuple[Opinion, ...]:
        return tuple(one for opinions in self._of.values() for one in opinions)

    def restore(self, opinions: Iterable[Opinion]) -> None:
        self._of = {}
        for one in opinions:
            self._of.setdefault(one.instrument, []).append(one)

    def _active(self, instrument: InstrumentId, now: int) -> list[Opinion]:
        return [one for one in self._of.get(instrument, ()) if now - one.heard < self._window_ns]


def strongest_of(opinions: Iterable[Opinion]) -> Opinion | None:
    """The one that is stronger than all others; None of none."""
    found: Opinion | None = None
    for one in opinions:
        if found is None or one.is_stronger_than(found):
            found = one
    return found


def resolve(new: Opinion, others: Sequence[Opinion], params: SignalParams) -> Outcome:
    """The check `conflict`: whether a signal may be acted on although others say the opposite.

    Under `manual_review` a person decides about every conflict. Otherwise opposite opinions of another timeframe are
    measured by `timeframe_resolution` first; those that it leaves undecided by `conflict_resolution`. The newcomer must
    win against each of them. With `weighted_average` all active opinions that are measured alike are summed, those that
    no longer stand too: what many said counts, although none of them won alone.
    """
    mode = params.conflict_resolution
    limit = f"{mode.value} over {params.conflict_window_seconds:g} s"
    against = [one for one in others if one.side is not new.side and one.stands]
    top = strongest_of(against)
    if top is None:
        return passed("conflict", f"{new}, none against it", limit)
    if mode is ConflictResolution.MANUAL_REVIEW:
        remedy = "a person decides: flatten the instrument, which clears its opinions, and have the signal sent anew"
        return failed("conflict", f"{new} against {top}", limit, remedy)
    won_by_timeframe = []
    for other in against:
        verdict = _by_timeframe(new, other, params.timeframe_resolution)
        if verdict < 0:
            return _lost(f"{new} against {other}", f"{params.timeframe_resolution.value}; {limit}", params)
        if verdict > 0:
            won_by_timeframe.append(other)
    top = strongest_of(one for one in against if one not in won_by_timeframe)
    if top is None:
        return passed("conflict", f"{new} against {won_by_timeframe[0]}", params.timeframe_resolution.value)
    if mode is ConflictResolution.FIRST_COME_FIRST_SERVED:
        return _lost(f"{new} against {top}, which came first", limit, params)
    if mode is ConflictResolution.STRONGEST_WINS:
        saw = f"{new} against {top}"
        return passed("conflict", saw, limit) if new.is_stronger_than(top) else _lost(saw, limit, params)
    return _weighed(new, top, others, limit, params)


def _weighed(new: Opinion, top: Opinion, others: Sequence[Opinion], limit: str, params: SignalParams) -> Outcome:
    """Sum by side, in the order in which they were heard."""
    by_weight = params.timeframe_resolution is TimeframeResolution.WEIGHTED_AVERAGE
    alike = [one for one in others if by_weight or one.timeframe == new.timeframe]
    own = new.score + sum(one.score for one in alike if one.side is new.side)
    opposite = sum(one.score for one in alike if one.side is not new.side)
    saw = f"{new}, in sum {own:.4f}, against {top}, in sum {opposite:.4f}"
    return passed("conflict", saw, limit) if own > opposite else _lost(saw, limit, params)


def _by_timeframe(new: Opinion, other: Opinion, mode: TimeframeResolution) -> int:
    """+1 when the newcomer wins by its timeframe, −1 when it loses, 0 when that does not decide."""
    here, there = seconds_of(new.timeframe) or 0, seconds_of(other.timeframe) or 0
    if mode is TimeframeResolution.WEIGHTED_AVERAGE or here == there:
        return 0
    return 1 if (here > there) == (mode is TimeframeResolution.HIGHER_TIMEFRAME_WINS) else -1


def _lost(saw: str, limit: str, params: SignalParams) -> Outcome:
    remedy = f"nothing to do: the other opinion counts until it is {params.conflict_window_seconds:g} s old"
    return failed("conflict", saw, limit, remedy)
