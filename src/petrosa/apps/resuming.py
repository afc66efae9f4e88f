"""Starting a live desk from its own memory: the last checkpoint of its journal, and the turns after it.

The market of then is gone, and what happened, happened: nothing is decided again. What the desk was told is taken in
once more, what the market said is read from the decisions, and whatever follows from the two has to be what stands in
the journal, byte for byte. A journal whose market can be read again is turned again with it instead (see `retrace`).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.stores.journal.format import Closed, Header, Turn, decode_decision, segment_numbers
from petrosa.adapters.stores.journal.reader import JournalReader, is_begun, journaled_turn, read_header
from petrosa.apps.wiring import Checkpoint, read_checkpoint
from petrosa.core.desk import Desk
from petrosa.core.model.events import Decision, Event, SignalReceived
from petrosa.core.model.market import InstrumentId
from petrosa.core.turns import Turns
from petrosa.errors import InvariantError, JournalError
from petrosa.ports import JournaledTurn

Shown = Callable[[int, int, Event | None, Sequence[Decision]], None]
"""(sequence, now, event, decisions) of a turn of the past; no event is a market fact."""

Known = Callable[[Checkpoint, Collection[InstrumentId]], Checkpoint]
"""What a desk takes of a checkpoint and the instruments that it is of."""


class Resumed(NamedTuple):
    """From which segment's checkpoint, and over how many turns, a desk was brought to where its journal stands.

    `last_signal` is the place in the signals' stream of the last one turned, 0 where there was none.
    """

    segment: int
    turns: int
    last_signal: int


def resume(
    folder: Path, turns: Turns, desk: Desk, shown: Shown | None = None,
    known: Known | None = None,
) -> Resumed:  # fmt: skip
    """Bring a new desk and its time to where its journal stands; nothing is written and nothing leaves.

    `known` is given the checkpoint, with the instruments that its journal was written for, before anything is done.

    Call it when the writer has repaired the journal, and go on with a new segment (`rotate`) and `Started`, which sets
    the market to nothing known. A journal without a turn leaves both as they are. Raises `JournalError` when no
    checkpoint can be read, when a line does not verify, and at the first turn that is not the same.
    """
    begun = [number for number in segment_numbers(folder) if is_begun(folder, number)]
    if not begun:
        return Resumed(0, 0, 0)
    segment, checkpoint = _newest(folder, begun)
    if known is not None:
        header = read_header(folder, segment)
        checkpoint = known(checkpoint, {one.id for one in header.provenance.instruments})
    desk.restore(checkpoint.desk)
    turns.restore(checkpoint.turns)
    count, last_signal = 0, checkpoint.last_signal
    for turn in _tail(folder, segment, turns):
        decisions = _recall(turn, turns, desk)
        count += 1
        if isinstance(turn.event, SignalReceived):
            last_signal = max(last_signal, turn.event.sequence)
        if shown is not None:
            shown(turn.sequence, turn.now, turn.event, decisions)
    return Resumed(segment, count, last_signal)


def _newest(folder: Path, begun: list[int]) -> tuple[int, Checkpoint]:
    """The newest segment with a checkpoint that this version can read."""
    why = ""
    for number in reversed(begun):
        try:
            checkpoint = read_checkpoint(bytes(read_header(folder, number).checkpoint))
        except (JournalError, msgspec.DecodeError, ArithmeticError) as problem:
            why = why or f"segment {number:06d}: {problem}"
            continue
        if checkpoint.venue is not None:
            raise JournalError(
                f"{folder}: the venue of this journal was simulated in the same process, and its market is not here;"
                " `petrosa trade` and `petrosa replay` turn such a journal again, or start a live desk in a new one"
            )
        return number, checkpoint
    raise JournalError(f"{folder}: no segment has a checkpoint that can be read ({why}); {_REMEDY}")


def _tail(folder: Path, segment: int, turns: Turns) -> Iterator[JournaledTurn]:
    """Every turn from a segment on; a header and the end say where time stood when no turn was remembered."""
    for _, record in JournalReader(folder, since=segment).records():
        match record:
            case Turn():
                yield journaled_turn(record)
            case Header() | Closed():
                turns.recall(record.sequence, record.now, None, ())


def _recall(turn: JournaledTurn, turns: Turns, desk: Desk) -> Sequence[Decision]:
    """Take one turn in again, and hold what follows from it against what was decided then."""
    decisions = [decode_decision(msgspec.Raw(one)) for one in turn.decisions]
    try:
        made = desk.recall(turn.event, decisions, turn.now)
        turns.recall(turn.sequence, turn.now, turn.event, decisions)
    except (JournalError, InvariantError) as problem:
        raise _differs(turn, str(problem)) from problem
    ours = tuple([_encode(one) for one in made])
    if ours != turn.decisions:
        raise _differs(turn, _first_difference(turn.decisions, ours))
    return decisions


def _first_difference(then: tuple[bytes, ...], now: tuple[bytes, ...]) -> str:
    place = next((at for at, (one, other) in enumerate(zip(then, now, strict=False)) if one != other), None)
    if place is None:
        place = min(len(then), len(now))
    both = [(of[place].decode() if place < len(of) else "nothing") for of in (then, now)]
    return f"decision {place + 1} was {both[0]} and is {both[1]} now"


def _differs(turn: JournaledTurn, why: str) -> JournalError:
    told = type(turn.event).__name__ if turn.event is not None else "a market fact"
    return JournalError(f"turn {turn.sequence} ({told}) does not follow any more from the journal: {why}; {_REMEDY}")


_REMEDY: Final = (
    "start with the version and the settings that wrote it, or begin a new journal by moving its folder away: then"
    " what the venue says is taken over by the comparison at the start"
)
_encode: Final = msgspec.json.Encoder().encode
