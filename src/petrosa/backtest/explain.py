"""Why there was an order, or why there was none: the causal chain, read from a journal and seen again in a replay."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from petrosa.backtest.chain import Step, chain_of, decisions_of, instrument_of
from petrosa.backtest.replay import Replay
from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.events import Decision, Event, SignalMade
from petrosa.core.model.market import Depth, InstrumentId, Trade, symbol_of
from petrosa.core.model.refusals import Outcome, Refused
from petrosa.core.model.signals import Signal
from petrosa.errors import UsageError
from petrosa.ports import JournaledTurn

LAST_TRADES: Final = 5
QUIET_WINDOW_NS: Final = 60 * NS_PER_SECOND

Quiet = Callable[[], Mapping[str, Mapping[str, int]]]
"""Per strategy, how often it had nothing to say and why, since the start."""


class SeenTrade(msgspec.Struct, frozen=True):
    now: int
    side: str
    price: float
    quantity: float


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk knew of an instrument. Depth sums are base quantities of the best 5 and of all 20 levels a side."""

    instrument: InstrumentId
    sequence: int
    now: int
    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float
    spread_bps: float | None
    bid_depth_5: float
    ask_depth_5: float
    bid_depth_20: float
    ask_depth_20: float
    last_trades: list[SeenTrade]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer. `quiet` counts, for the minute before, why strategies said nothing."""

    question: str
    answer: str
    seen: Seen
    quiet: dict[str, dict[str, int]]
    steps: list[Step]
    warning: str


class Question(NamedTuple):
    """Either a signal's id, or a symbol and a time (nanoseconds UTC)."""

    signal_id: str = ""
    symbol: str = ""
    at: int = 0

    def __str__(self) -> str:
        return f"signal {self.signal_id}" if self.signal_id else f"{self.symbol} at {utc(self.at)}"


class _Found(NamedTuple):
    signal_id: str
    instrument: InstrumentId
    sequence: int
    until: int
    steps: list[Step]


def explain(
    question: Question,
    turns: Sequence[JournaledTurn],
    replay: Replay,
    markets: Mapping[InstrumentId, MarketState],
    quiet: Quiet,
) -> Explanation:
    """Find the chain in the journal, then replay to its beginning and look.

    `markets` and `quiet` belong to the desk that `replay` turns. Raises `UsageError` when the journal holds no such
    signal, or nothing of the symbol.
    """
    found = _by_signal(question, turns) if question.signal_id else _by_time(question, turns, markets)
    watcher = _Watcher(found, quiet)
    difference = replay.run(watcher.observe, found.until).difference
    return Explanation(
        question=str(question),
        answer=_answer(found.steps),
        seen=watcher.seen(markets[found.instrument]),
        quiet=watcher.quiet_lately(),
        steps=found.steps,
        warning=f"the replay differs from the journal before this point: {difference}" if difference else "",
    )


def _by_signal(question: Question, turns: Sequence[JournaledTurn]) -> _Found:
    steps = chain_of(question.signal_id, turns)
    if not steps:
        raise UsageError(f"signal {question.signal_id} is not in this journal; `petrosa journal list` shows others")
    instrument = next(filter(None, (instrument_of(turn, question.signal_id) for turn in turns)), None)
    if instrument is None:
        raise UsageError(f"signal {question.signal_id} names no instrument; nothing can be said about its market")
    return _Found(question.signal_id, instrument, steps[0].sequence, steps[0].now, steps)


def _by_time(question: Question, turns: Sequence[JournaledTurn], markets: Mapping[InstrumentId, MarketState]) -> _Found:
    """The state at the time, and the last candidate of the symbol until then."""
    instrument = next((key for key in sorted(markets) if symbol_of(key) == question.symbol), None)
    if instrument is None:
        known = ", ".join(sorted({symbol_of(key) for key in markets}))
        raise UsageError(f"{question.symbol} is not in this journal; it holds {known}")
    if turns and question.at < turns[0].now:
        raise UsageError(f"{question}: the run began at {utc(turns[0].now)}; ask for that time or a later one")
    signal_id = ""
    for turn in turns:
        if turn.now > question.at:
            break
        for decision in decisions_of(turn):
            match decision:
                case SignalMade(signal=Signal(symbol=question.symbol)):
                    signal_id = decision.signal.signal_id
                case Refused() if symbol_of(InstrumentId(decision.instrument)) == question.symbol:
                    signal_id = decision.signal_id or signal_id
                case _:
                    pass
    steps = chain_of(signal_id, turns) if signal_id else []
    return _Found(signal_id, instrument, 0, question.at, steps)


class _Watcher:
    """Looks on while a journal is turned again, and remembers what was before the eyes of the desk."""

    def __init__(self, found: _Found, quiet: Quiet) -> None:
        self._found = found
        self._quiet = quiet
        self._trades: deque[SeenTrade] = deque(maxlen=LAST_TRADES)
        self._quiet_before: Mapping[str, Mapping[str, int]] = {}
        self._window_open = False
        self._sequence = self._now = 0

    def observe(self, sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> bool:  # noqa: ARG002
        found = self._found
        if not self._window_open and now >= found.until - QUIET_WINDOW_NS:
            self._window_open = True
            self._quiet_before = {name: dict(counts) for name, counts in self._quiet().items()}
        if isinstance(event, Trade) and event.instrument == found.instrument:
            self._trades.append(SeenTrade(now, event.aggressor.value, event.price, event.quantity))
        self._sequence, self._now = sequence, now
        return sequence != found.sequence

    def quiet_lately(self) -> dict[str, dict[str, int]]:
        lately = {}
        for name, counts in self._quiet().items():
            before = self._quiet_before.get(name, {})
            grown = {reason: count - before.get(reason, 0) for reason, count in counts.items()}
            lately[name] = {reason: count for reason, count in grown.items() if count}
        return lately

    def seen(self, market: MarketState) -> Seen:
        depth = market.depth
        mid = market.mid
        has_quote = market.bid > 0.0 and market.ask > 0.0
        return Seen(
            instrument=self._found.instrument,
            sequence=self._sequence,
            now=self._now,
            bid=market.bid,
            bid_quantity=market.bid_quantity,
            ask=market.ask,
            ask_quantity=market.ask_quantity,
            spread_bps=(market.ask - market.bid) / mid * 10_000.0 if has_quote else None,
            bid_depth_5=_depth_sum(depth, "bid_quantities", 5),
            ask_depth_5=_depth_sum(depth, "ask_quantities", 5),
            bid_depth_20=_depth_sum(depth, "bid_quantities", 20),
            ask_depth_20=_depth_sum(depth, "ask_quantities", 20),
            last_trades=list(self._trades),
        )


def as_text(explanation: Explanation) -> str:
    """The answer for people, a line a fact."""
    seen = explanation.seen
    lines = [explanation.question, explanation.answer, "", f"seen at {utc(seen.now)} (turn {seen.sequence})"]
    spread = "unknown" if seen.spread_bps is None else f"{seen.spread_bps:.2f} bps"
    lines += [
        f"  best bid {seen.bid:g} x {seen.bid_quantity:g}, best ask {seen.ask:g} x {seen.ask_quantity:g}",
        f"  spread {spread}",
        f"  depth, best 5 levels: bids {seen.bid_depth_5:g}, asks {seen.ask_depth_5:g}",
        f"  depth, 20 levels: bids {seen.bid_depth_20:g}, asks {seen.ask_depth_20:g}",
    ]
    lines += [f"  trade {utc(t.now)} {t.side} {t.quantity:g} at {t.price:g}" for t in seen.last_trades]
    for name, counts in explanation.quiet.items():
        reasons = ", ".join(f"{reason} {count}" for reason, count in counts.items())
        lines.append(f"  {name} had nothing to say in the minute before: {reasons or 'it was not asked'}")
    for step in explanation.steps:
        lines += ["", f"{utc(step.now)} (turn {step.sequence}) {step.what}: {step.text}"]
        lines += [_gate_text(gate) for gate in step.gates]
    if explanation.warning:
        lines += ["", explanation.warning]
    return "\n".join(lines)


def _answer(steps: Sequence[Step]) -> str:
    """One sentence: how far it came."""
    if not steps:
        return "no strategy had a candidate for this symbol until then"
    kinds = [step.what for step in steps]
    if "order_filled" in kinds:
        return f"the signal became orders, and {kinds.count('order_filled')} fills followed"
    if "approved" in kinds or "reducing" in kinds:
        return "the signal became an order that has not been filled"
    refused = next((step for step in reversed(steps) if step.what == "refused"), None)
    return f"refused by {refused.text}" if refused is not None else "the signal was made and nobody acted on it"


def _gate_text(gate: Outcome) -> str:
    limit = f", limit {gate.limit}" if gate.limit else ""
    saw = f" saw {gate.saw}" if gate.saw else ""
    remedy = f"; {gate.remedy}" if gate.remedy else ""
    return f"  {gate.verdict.value:<11} {gate.check}:{saw}{limit}{remedy}"


def _depth_sum(depth: Depth | None, side: str, levels: int) -> float:
    return 0.0 if depth is None else float(sum(getattr(depth, side)[:levels]))


def utc(nanoseconds: int) -> str:
    """A time as people read it, to the millisecond."""
    seconds, rest = divmod(nanoseconds, NS_PER_SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"
