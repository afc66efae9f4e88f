"""What stands in a journal, line by line, and the chain that makes a change visible.

A run is a folder of segments `000001.journal`, `000002.journal`, … and an unhashed `run.json` beside them. A segment is
JSON lines: a `header`, then one `turn` for each input that is not a market fact and for each turn that decided
something (whole or not at all, so a torn write never leaves half a turn), and `closed` when the run ended in order:

    {"record":"header","schema":1,"segment":1,…,"checkpoint":{…},"chain":"<64 hex>"}
    {"record":"turn","sequence":7,"now":1721347020994480942,"input":{"kind":"started",…},"decisions":[],"chain":"…"}
    {"record":"turn","sequence":912,"now":…,"decisions":[{"kind":"signal_made",…}],"chain":"…"}
    {"record":"closed","sequence":141897,"now":…,"chain":"…"}

`chain` is the SHA-256 of the previous line's chain and of this line's bytes before `,"chain"`; the header carries the
chain from the segment before, so the last chain is a digest of the whole journal. A second chain runs over the
decisions alone. Neither sees a path, a run's name or the wall clock: those are in `run.json`.
"""

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from petrosa.core.model.events import Decision, Event
from petrosa.core.model.instruments import Instrument
from petrosa.errors import ConfigError, JournalError

SUFFIX: Final = ".journal"
SIDECAR: Final = "run.json"
LOCK: Final = "lock"
NO_CHAIN: Final = "0" * 64
"""What stands before the first line."""

_TAIL_HEAD: Final = b',"chain":"'
_TAIL_END: Final = b'"}\n'
_TAIL_LENGTH: Final = len(_TAIL_HEAD) + 64 + len(_TAIL_END)


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was made of: enough to make it again, and nothing of where it was made.

    `recording_sha256` is empty for a run that was fed from its own tape. `arrival_shift_ns` was added to every arrival.
    `has_strategist` is false for the journal of `petrosa trade`, whose signals are inputs, `has_trader` for that of
    `petrosa strategies`, whose signals leave. `configuration` is what held when the process that wrote the segment
    began; what changed since stands in the journal as `Configure` and `ConfigureTrading`.
    """

    code_version: str
    platform: str
    configuration: msgspec.Raw
    instruments: tuple[Instrument, ...]
    recording_sha256: str = ""
    taped: bool = False
    arrival_shift_ns: int = 0
    simulated: bool = True
    has_strategist: bool = True
    has_trader: bool = True


class Header(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="header"):
    """First line of a segment. `sequence`, `now` and `entries` say where the journal stood, `checkpoint` what was so.

    `previous` and `decisions` are the two chains up to here.
    """

    schema: int
    segment: int
    sequence: int
    now: int
    entries: int
    previous: str
    decisions: str
    provenance: Provenance
    checkpoint: msgspec.Raw


class Turn(msgspec.Struct, frozen=True, tag_field="record", tag="turn"):
    """One turn that is remembered. When the input is empty, a market fact caused it."""

    sequence: int
    now: int
    decisions: tuple[msgspec.Raw, ...]
    input: msgspec.Raw = msgspec.Raw()


class Closed(msgspec.Struct, frozen=True, tag_field="record", tag="closed"):
    """The run ended in order after turn `sequence`."""

    sequence: int
    now: int


Record = Header | Turn | Closed


class RunFile(msgspec.Struct, kw_only=True):
    """`run.json`: what is about this run on this machine, and is in no digest."""

    run_id: str
    started_at: str
    command: str = ""
    recording: tuple[str, ...] = ()
    tape: str = ""


_encoder: Final = msgspec.json.Encoder()
_record_decoder: Final[msgspec.json.Decoder[Record]] = msgspec.json.Decoder(Record)
_event_decoder: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)
_decision_decoder: Final[msgspec.json.Decoder[Decision]] = msgspec.json.Decoder(Decision)

encode = _encoder.encode


def chained(previous: str, body: bytes) -> tuple[str, bytes]:
    """The chain after `body` (a JSON object without its closing brace), and the whole line."""
    chain = hashlib.sha256(previous.encode() + body).hexdigest()
    return chain, b'%b,"chain":"%b"}\n' % (body, chain.encode())


def verified(previous: str, line: bytes) -> tuple[str, Record]:
    """The chain after a whole line, and what the line says. Raises `ValueError` when it does not follow `previous`."""
    body, tail = line[:-_TAIL_LENGTH], line[-_TAIL_LENGTH:]
    if not (tail.startswith(_TAIL_HEAD) and tail.endswith(_TAIL_END)):
        raise ValueError("the line has no chain")
    chain = hashlib.sha256(previous.encode() + body).hexdigest()
    if chain != tail[len(_TAIL_HEAD) : -len(_TAIL_END)].decode(errors="replace"):
        raise ValueError("the line does not follow from the one before it")
    return chain, read_line(line)


def read_line(line: bytes) -> Record:
    """What a line says, its chain taken on trust. Raises `ValueError`."""
    try:
        return _record_decoder.decode(line)
    except (ConfigError, ArithmeticError) as error:  # rules of an instrument that cannot be
        raise ValueError(str(error)) from error


def decision_chain(previous: str, sequence: int, now: int, decision: bytes) -> str:
    """The chain over decisions after one more."""
    return hashlib.sha256(b"%b %d %d %b" % (previous.encode(), sequence, now, decision)).hexdigest()


def decode_event(raw: msgspec.Raw) -> Event:
    """The input of a turn. Raises `JournalError` when this version does not know it."""
    try:
        return _event_decoder.decode(raw)
    except (msgspec.ValidationError, ArithmeticError) as error:
        raise JournalError(f"an input that this version cannot read ({error}): {bytes(raw)[:200]!r}") from error


def decode_decision(raw: msgspec.Raw) -> Decision:
    """A decision of a turn. Raises `JournalError` when this version does not know it."""
    try:
        return _decision_decoder.decode(raw)
    except (msgspec.ValidationError, ArithmeticError) as error:
        raise JournalError(f"a decision that this version cannot read ({error}): {bytes(raw)[:200]!r}") from error


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}{SUFFIX}"


def segment_numbers(folder: Path) -> list[int]:
    """The segments of a run, in order. Raises `JournalError` when one is missing in the middle."""
    numbers = sorted(int(path.stem) for path in folder.glob(f"*{SUFFIX}") if path.stem.isdigit())
    if numbers and numbers != list(range(numbers[0], numbers[-1] + 1)):
        missing = sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
        raise JournalError(
            f"{folder}: segment {missing[0]:06d} is missing; restore it, or the chain cannot be verified"
        )
    return numbers
