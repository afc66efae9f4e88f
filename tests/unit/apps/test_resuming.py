"""A live desk starts from the last checkpoint of its journal and the turns after it, and says what does not fit."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from petrosa.adapters.stores.journal.format import segment_path
from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.apps.resuming import Resumed, resume
from petrosa.apps.wiring import Checkpoint, checkpoint_of, read_checkpoint
from petrosa.core.desk import Desk
from petrosa.core.execution.params import AccountParams
from petrosa.core.model.base import NEVER, NS_PER_SECOND
from petrosa.core.model.commands import ConfigureTrading
from petrosa.core.model.events import Decision, Event, SignalReceived, TimerDue
from petrosa.core.model.orders import BalanceChanged
from petrosa.core.risk.params import RiskParams
from petrosa.core.signals.params import ConflictResolution, SameDirection
from petrosa.core.simulation.exchange import Exchange
from petrosa.core.simulation.params import SimulationParams
from petrosa.core.trader import Trader, TraderParams
from petrosa.core.turns import Turns
from petrosa.errors import JournalError
from tests.kit.recalled import Life, encode
from tests.kit.toys import PROVENANCE, RUN
from tests.kit.trading import PERPETUAL, START, Session, market_of, signal
from tests.unit.core.test_recall import steps_of

MINUTE = 60 * NS_PER_SECOND
FOREIGN = BalanceChanged("somebody", "USDT", Decimal(1), "transfer", START, START)


def written(folder: Path, life: Life, *, segment_ns: int = NEVER, sequences: Sequence[int] = ()) -> JournalWriter:
    """The journal that a live desk would have written, with a segment after so long, or after these turns."""
    journal = JournalWriter(folder, PROVENANCE, RUN, durable=False, segment_ns=segment_ns)
    checkpoint = checkpoint_of(Turns(life.another(), journal.record, _nowhere), life.another(), None)
    journal.rotate(0, 0, checkpoint)
    last_signal = 0
    for one in life.past:
        now, event, decisions = life.heard[one.heard - 1]
        if journal.full or one.sequence in sequences:
            journal.rotate(journal.head.sequence, journal.head.now, checkpoint)
        journal.record(one.sequence, now, event, decisions)
        last_signal = event.sequence if isinstance(event, SignalReceived) else last_signal
        checkpoint = b'{"turns":%b,"desk":%b,"venue":null,"last_signal":%d}' % (one.time, one.desk, last_signal)
    journal.close()
    return journal


def lived(count: int = 300, seed: int = 5) -> Life:
    return Life(seed, strategist=False, same=SameDirection.ACCUMULATE, conflict=ConflictResolution.STRONGEST_WINS).live(
        steps_of(seed, count)
    )


def resumed(folder: Path, life: Life) -> tuple[Resumed, Desk, Turns]:
    desk = life.another()
    turns = Turns(desk, _nowhere, _nowhere)
    return resume(folder, turns, desk), desk, turns


def _nowhere(*_: object) -> None:
    raise AssertionError("nothing of the past is recorded or leaves")


def test_a_desk_starts_where_its_journal_stands(tmp_path: Path) -> None:
    """From the last of many segments that began by time, so that few turns are left to go through."""
    life = lived()
    journal = written(tmp_path, life, segment_ns=MINUTE)
    segments = JournalReader(tmp_path).segments
    assert 5 < len(segments)
    found, desk, turns = resumed(tmp_path, life)
    last_signal = max(event.sequence for _, event, _ in life.heard if isinstance(event, SignalReceived))
    assert (segments[-1], last_signal) == (found.segment, found.last_signal)
    assert found.turns < len(life.past) // 5
    assert (life.past[-1].desk, life.past[-1].time) == (encode(desk.checkpoint()), encode(turns.snapshot()))
    assert journal.head.sequence == turns.sequence


@pytest.mark.parametrize("damage", ["no header", "half a header", "another shape", "nothing"])
def test_without_the_newest_checkpoint_the_one_before_serves(tmp_path: Path, damage: str) -> None:
    """A crash while a segment began, or a checkpoint of another version: the desk is the same, the way is longer."""
    life = lived()
    half = life.past[len(life.past) // 2].sequence
    written(tmp_path, life, sequences=(half, life.past[-1].sequence + 1))
    last = segment_path(tmp_path, 2)
    whole = last.read_bytes()
    if damage == "another shape":
        written_again = JournalWriter(tmp_path, PROVENANCE, RUN, durable=False)
        written_again.rotate(life.past[-1].sequence, life.past[-1].now, b'{"of": "another version"}')
        written_again.close()
    elif damage != "nothing":
        header, _, _ = whole.partition(b"\n")
        segment_path(tmp_path, 3).write_bytes(header[: len(header) // 2] if damage == "half a header" else b"")
    JournalWriter(tmp_path, PROVENANCE, RUN, verify_all=False).close()
    found, desk, turns = resumed(tmp_path, life)
    assert 2 == found.segment
    assert (life.past[-1].desk, life.past[-1].time) == (encode(desk.checkpoint()), encode(turns.snapshot()))


def test_a_torn_last_turn_is_no_turn(tmp_path: Path) -> None:
    """What a crash cut in two was acknowledged to nobody; the writer sets it aside before the desk is made."""
    life = lived()
    written(tmp_path, life)
    path = segment_path(tmp_path, 1)
    path.write_bytes(path.read_bytes()[:-9])
    journal = JournalWriter(tmp_path, PROVENANCE, RUN, verify_all=False)
    _, desk, turns = resumed(tmp_path, life)
    assert life.past[-2].sequence == journal.head.sequence == turns.sequence
    assert (life.past[-2].desk, life.past[-2].time) == (encode(desk.checkpoint()), encode(turns.snapshot()))
    journal.rotate(turns.sequence, turns.now, checkpoint_of(turns, desk, None))
    journal.close()
    assert journal.head.chain == JournalReader(tmp_path).verify().chain


@pytest.mark.parametrize("what", ["no folder", "an empty file", "a header alone"])
def test_a_journal_that_has_no_turn_yet_is_a_desk_that_knows_nothing(tmp_path: Path, what: str) -> None:
    """Whatever a crash left of the beginning."""
    life = lived(0)
    if what == "an empty file":
        segment_path(tmp_path, 1).write_bytes(b"")
    elif what == "a header alone":
        journal = JournalWriter(tmp_path, PROVENANCE, RUN)
        desk = life.another()
        journal.rotate(0, 0, checkpoint_of(Turns(desk, _nowhere, _nowhere), desk, None))
        journal.close()
    found, desk, turns = resumed(tmp_path, life)
    assert (0, 0) == (found.turns, turns.sequence)
    assert life.another().checkpoint() == desk.checkpoint()


def test_time_passes_over_turns_that_were_not_remembered(tmp_path: Path) -> None:
    """Where a run ended in order, or a segment began, after market facts that led to nothing."""
    life = lived()
    written(tmp_path, life)
    last = life.past[-1]
    journal = JournalWriter(tmp_path, PROVENANCE, RUN)
    journal.rotate(last.sequence + 1_000, last.now + MINUTE, b"{}")
    journal.finish(last.sequence + 2_000, last.now + 2 * MINUTE)
    journal.close()
    _, desk, turns = resumed(tmp_path, life)
    assert (last.sequence + 2_000, last.now + 2 * MINUTE) == (turns.sequence, turns.now)
    assert last.desk == encode(desk.checkpoint())


class Strict:
    """A desk with a journal, told a few things by a test."""

    def __init__(self, folder: Path, params: TraderParams | None = None) -> None:
        self.session = Session(params)
        self.folder = folder

    def write(self, *, states_params: bool = True) -> None:
        """What the session has heard and decided, in a journal of one segment; one of an earlier version says not in
        its checkpoint by which parameters."""
        again, journal = Session(self.session.params), JournalWriter(self.folder, PROVENANCE, RUN)
        turns = Turns(again.desk, journal.record, _nowhere)
        checkpoint = read_checkpoint(checkpoint_of(turns, again.desk, None))
        assert checkpoint.desk.trader is not None
        if not states_params:
            trader = msgspec.structs.replace(checkpoint.desk.trader, params=None)
            desk = msgspec.structs.replace(checkpoint.desk, trader=trader)
            checkpoint = msgspec.structs.replace(checkpoint, desk=desk)
        journal.rotate(0, 0, msgspec.json.encode(checkpoint))
        for number, (now, event) in enumerate(self.session.heard[1:], 1):
            journal.record(number, now, event, again.desk.handle(event, now))
        journal.close()

    def resume(self, params: TraderParams | None = None, seen: list[Any] | None = None) -> Desk:
        markets = {PERPETUAL.id: market_of(PERPETUAL)}
        account = AccountParams(balances={"USDT": self.session.account.balances["USDT"]})
        desk = Desk(markets, None, Trader(account, {PERPETUAL.id: PERPETUAL}, markets, params or TraderParams()))

        def shown(sequence: int, now: int, event: Event | None, decisions: Sequence[Decision]) -> None:
            if seen is not None:
                seen.append((sequence, now, event, list(decisions)))

        resume(self.folder, Turns(desk, _nowhere, _nowhere), desk, shown)
        return desk


def test_what_happened_is_not_decided_by_the_rules_of_today(tmp_path: Path) -> None:
    """An entry that today's limits would refuse was made, and is held with the stop and target that it had."""
    strict = Strict(tmp_path)
    strict.session.entered()
    strict.write()
    seen: list[Any] = []
    desk = strict.resume(TraderParams(risk=RiskParams(enabled=False, default_stop_loss_fraction=0.2)), seen)
    assert strict.session.desk.checkpoint() == desk.checkpoint()
    assert [number for number, *_ in seen] == list(range(1, len(strict.session.heard)))


def test_what_a_desk_was_told_to_go_by_is_told_again(tmp_path: Path) -> None:
    """A desk whose settings are by now what it was told in the past begins with what held then, and ends with them."""
    strict = Strict(tmp_path)
    calm = TraderParams(risk=RiskParams(risk_fraction=0.0025))
    strict.session.tell(ConfigureTrading("c-1", "alice", "calmer", 1, msgspec.to_builtins(calm)))
    strict.session.entered()
    strict.write()
    desk = strict.resume(calm)
    assert desk.trader is not None
    assert calm == desk.trader.params
    assert strict.session.desk.checkpoint() == desk.checkpoint()


def test_a_turn_that_does_not_follow_is_named_with_both_and_a_remedy(tmp_path: Path) -> None:
    """Rules that do not look at the market must lead to the same: here how long an answer is waited for."""
    strict = Strict(tmp_path)
    strict.session.entered()
    strict.write(states_params=False)
    changed = msgspec.convert({"execution": {"answer_deadline_seconds": 17}}, TraderParams)
    with pytest.raises(JournalError) as caught:
        strict.resume(changed)
    said = str(caught.value)
    assert said.startswith("turn 1 (SignalReceived) does not follow any more from the journal: decision 4 was {")
    assert said.count('"kind":"set_timer"') == 2
    assert str(START + 17 * NS_PER_SECOND) in said
    assert "start with the version and the settings that wrote it, or begin a new journal" in said


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (SignalReceived(signal()), "signal signal-1 has no answer in the record"),
        (TimerDue("midnight", START), f"timer midnight was due at {START}, and is set for no such time"),
        (FOREIGN, "decision 1 was nothing and is .*alarm"),
    ],
)
def test_a_turn_that_cannot_have_been(tmp_path: Path, event: Event, why: str) -> None:
    """A signal of which nothing is said, a timer that nobody had set, an alarm that is missing."""
    journal = JournalWriter(tmp_path, PROVENANCE, RUN)
    desk = Session().desk
    journal.rotate(0, 0, checkpoint_of(Turns(desk, _nowhere, _nowhere), desk, None))
    journal.record(1, START, event, ())
    journal.close()
    with pytest.raises(JournalError, match=rf"turn 1 \({type(event).__name__}\).*{why}"):
        Strict(tmp_path).resume()


def test_a_venue_in_the_same_process_is_not_resumed_without_its_market(tmp_path: Path) -> None:
    """What rests in a simulated exchange can only be made again by its market."""
    desk, exchange = Session().desk, Exchange({}, SimulationParams(), "paper", {})
    journal = JournalWriter(tmp_path, PROVENANCE, RUN)
    journal.rotate(0, 0, checkpoint_of(Turns(desk, _nowhere, _nowhere), desk, exchange))
    journal.close()
    with pytest.raises(JournalError, match="simulated in the same process"):
        Strict(tmp_path).resume()


def test_a_checkpoint_says_how_far_signals_were_read() -> None:
    """And one without it says nothing."""
    desk = Session().desk
    made = checkpoint_of(Turns(desk, _nowhere, _nowhere), desk, None, 7)
    assert 7 == msgspec.json.decode(made, type=Checkpoint).last_signal
