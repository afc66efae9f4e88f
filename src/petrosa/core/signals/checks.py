"""The questions a signal must answer: `CHECKS` before a strategist makes it, `RECEIVED_CHECKS` when a trader gets it.

Checks are pure and independent, so all of them are asked; the first failure names the refusal. A received signal may
come from another process, or from another producer that leaves fields out, so nothing in it is believed.
"""

from collections.abc import Callable
from math import isfinite
from typing import Final

import msgspec

from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import FeedState, InstrumentId
from petrosa.core.model.refusals import Outcome, failed, passed
from petrosa.core.model.signals import Action, Signal
from petrosa.core.signals.conflicts import Opinion, resolve
from petrosa.core.signals.levels import check_levels
from petrosa.core.signals.models import StrategyMode
from petrosa.core.signals.params import SignalParams
from petrosa.core.signals.timeframes import seconds_of
from petrosa.core.strategies.base import Candidate, StrategyParams

_COMPLETE: Final = "present, finite and in range"
_IS_COMPLETE: Final = passed("completeness", "every field", _COMPLETE)
_IS_LIVE: Final = passed("feed_live", "live", "live")
_LIVE: Final = FeedState.LIVE
"""Answers that are always the same are made once: a strategy in its cooldown is refused a thousand times an hour."""


class CandidateContext(msgspec.Struct, frozen=True, gc=False):
    """What a strategist knows when a strategy has an opinion."""

    now: int
    params: StrategyParams
    feed_state: FeedState
    book_is_whole: bool
    last_signal_at: int | None


def candidate_completeness(candidate: Candidate, _: CandidateContext) -> Outcome:
    """Every number is finite, prices are above zero."""
    for name, value in (("price", candidate.price), ("current_price", candidate.current_price)):
        if not (isfinite(value) and value > 0.0):
            return _incomplete(f"{name} = {value}", "repair the strategy")
    for name, value in candidate.indicators.items():
        if not isfinite(value):
            return _incomplete(f"{name} = {value}", "repair the strategy")
    if not 0.0 <= candidate.confidence <= 1.0:
        return _incomplete(f"confidence = {candidate.confidence}", "repair the strategy")
    return _IS_COMPLETE


def feed_live(_: Candidate, context: CandidateContext) -> Outcome:
    """No data, no entry: the feed is alive and the book has no hole."""
    if context.feed_state is not _LIVE:
        return failed("feed_live", f"feed {context.feed_state.value}", "live", "wait for the feed, or reconnect it")
    if not context.book_is_whole:
        return failed("feed_live", "book with a gap", "a whole book", "wait for the next snapshot")
    return _IS_LIVE


def candidate_confidence(candidate: Candidate, context: CandidateContext) -> Outcome:
    """A strategy speaks from its own least confidence."""
    return _enough(candidate.confidence, context.params.min_confidence)


def candidate_levels(candidate: Candidate, _: CandidateContext) -> Outcome:
    """Its own stop and target, where it has them, lie on the losing and the winning side."""
    prices = (candidate.price, candidate.current_price)
    return check_levels(candidate.action.side, candidate.stop_loss, candidate.take_profit, prices)


def cooldown(candidate: Candidate, context: CandidateContext) -> Outcome:
    """It has been long enough since this strategy spoke on this symbol."""
    needed = max(context.params.cooldown_seconds, candidate.cooldown_seconds)
    limit = f"{needed:g} s"
    if context.last_signal_at is None:
        return passed("cooldown", "no signal before", limit)
    since = (context.now - context.last_signal_at) / NS_PER_SECOND
    if since < needed:
        return failed("cooldown", f"{since:.3f} s since the last signal", limit, "wait, or lower cooldown_seconds")
    return passed("cooldown", f"{since:.3f} s since the last signal", limit)


CandidateCheck = Callable[[Candidate, CandidateContext], Outcome]

CHECKS: Final[tuple[CandidateCheck, ...]] = (
    candidate_completeness,
    feed_live,
    candidate_confidence,
    candidate_levels,
    cooldown,
)


def check_candidate(candidate: Candidate, context: CandidateContext) -> tuple[Outcome, ...]:
    """What the strategy's own guards say, then every check in the order of `CHECKS`."""
    return (*candidate.guards, *[check(candidate, context) for check in CHECKS])


class ReceivedContext(msgspec.Struct, frozen=True, gc=False):
    """What the trader knows when a signal comes in.

    `instruments` are those that the signal's symbol, venue and market can mean; `mid` is 0 when nothing is known;
    `mode` is what `models.judge` said of a complete signal; `opinion` is its own, `others` those that are active.
    """

    now: int
    params: SignalParams
    is_duplicate: bool
    instruments: tuple[InstrumentId, ...]
    mid: float
    mode: Outcome | None = None
    opinion: Opinion | None = None
    others: tuple[Opinion, ...] = ()


def completeness(signal: Signal, _: ReceivedContext) -> Outcome:
    """Names are there, numbers are finite and where they can be, fractions are fractions."""
    wrong = _wrong_field(signal)
    if wrong:
        return _incomplete(wrong, "repair the producer")
    return _IS_COMPLETE


def actionable(signal: Signal, _: ReceivedContext) -> Outcome:
    """`hold` is an opinion that asks for nothing."""
    if signal.action is Action.HOLD:
        return failed("actionable", "hold", "buy, sell or close", "nothing to do: hold asks for no order")
    return passed("actionable", signal.action.value, "buy, sell or close")


def strategy_mode(signal: Signal, context: ReceivedContext) -> Outcome:
    """A signal that came about by a model counts when our model of that mode agrees; see `models.judge`."""
    if context.mode is not None:
        return context.mode
    if signal.strategy_mode == StrategyMode.DETERMINISTIC.value:
        return passed("strategy_mode", signal.strategy_mode, "no model is needed")
    return failed("strategy_mode", f"{signal.strategy_mode}, not judged", "a complete signal", "repair the producer")


def symbol(signal: Signal, context: ReceivedContext) -> Outcome:
    """The signal means exactly one instrument that we know."""
    found = context.instruments
    if len(found) == 1:
        return passed("symbol", found[0], "one known instrument")
    if not found:
        remedy = "add it to the instruments, or take it out of the producer"
        return failed("symbol", f"unknown {signal.symbol!r}", "one known instrument", remedy)
    remedy = "let the producer send venue and market"
    return failed("symbol", f"{signal.symbol!r} could be {' or '.join(found)}", "one known instrument", remedy)


def stale(signal: Signal, context: ReceivedContext) -> Outcome:
    """Age is counted from the older of its two stamps; a stamp from the future cannot be aged and is refused too."""
    stamps = [stamp for stamp in (signal.ts_event, signal.ts_seen) if stamp > 0]
    oldest_allowed, lead_allowed = context.params.max_signal_age_seconds, context.params.max_clock_lead_seconds
    limit = f"{oldest_allowed:g} s"
    if not stamps:
        return failed("stale", "no time stamp", limit, "let the producer send ts_event or a timestamp")
    age = (context.now - min(stamps)) / NS_PER_SECOND
    lead = (max(stamps) - context.now) / NS_PER_SECOND
    if lead > lead_allowed:
        return failed("stale", f"{lead:.3f} s in the future", f"{lead_allowed:g} s ahead", "set the producer's clock")
    if age > oldest_allowed:
        return failed("stale", f"{age:.3f} s", limit, "nothing to do: its moment has passed")
    return passed("stale", f"{age:.3f} s", limit)


def duplicate(signal: Signal, context: ReceivedContext) -> Outcome:
    """A signal is acted on once, however often it is delivered."""
    if context.is_duplicate:
        return failed("duplicate", f"{signal.signal_id} again", "once", "nothing to do: it was decided before")
    return passed("duplicate", signal.signal_id, "once")


def confidence(signal: Signal, context: ReceivedContext) -> Outcome:
    """A weak opinion is not worth a trade."""
    return _enough(signal.confidence, context.params.min_confidence)


def levels(signal: Signal, context: ReceivedContext) -> Outcome:
    """Its own stop and target lie on the losing and the winning side of its price and of the market."""
    return check_levels(signal.action.side, signal.stop_loss, signal.take_profit, (signal.price, context.mid))


def conflict(signal: Signal, context: ReceivedContext) -> Outcome:
    """No opposite opinion counts for more; see `conflicts.resolve`. `close` and `hold` are for no side."""
    if context.opinion is None:
        return passed(
            "conflict", signal.action.value, "for no side" if signal.action.side is None else "one instrument"
        )
    return resolve(context.opinion, context.others, context.params)


ReceivedCheck = Callable[[Signal, ReceivedContext], Outcome]

RECEIVED_CHECKS: Final[tuple[ReceivedCheck, ...]] = (
    completeness,
    actionable,
    strategy_mode,
    symbol,
    stale,
    duplicate,
    confidence,
    levels,
    conflict,
)


def check_received(signal: Signal, context: ReceivedContext) -> tuple[Outcome, ...]:
    """What every check says, in the order of `RECEIVED_CHECKS`; `refusal()` makes the refusal of it."""
    return tuple([check(signal, context) for check in RECEIVED_CHECKS])


def is_complete(signal: Signal) -> bool:
    """Whether `completeness` would pass, so that one may calculate with the signal."""
    return not _wrong_field(signal)


def _incomplete(saw: str, remedy: str) -> Outcome:
    return failed("completeness", saw, _COMPLETE, remedy)


def _enough(saw: float, least: float) -> Outcome:
    if saw >= least:
        return passed("confidence", f"{saw:.4f}", f"{least:g}")
    return failed("confidence", f"{saw:.4f}", f"{least:g}", "lower min_confidence, or leave it: the opinion is weak")


def _wrong_field(signal: Signal) -> str:
    """The first field that cannot be used, as `name = value`; empty when all can."""
    for name in ("signal_id", "strategy_id", "symbol"):
        if not getattr(signal, name):
            return f"{name} is empty"
    if not 0.0 <= signal.confidence <= 1.0:
        return f"confidence = {signal.confidence}"
    if not (isfinite(signal.quantity) and signal.quantity >= 0.0):
        return f"quantity = {signal.quantity}"
    if seconds_of(signal.timeframe) is None:
        return f"timeframe = {signal.timeframe!r} (tick, 15m, 1h, 1d …)"
    for name in ("price", "current_price", "stop_loss", "take_profit"):
        value = getattr(signal, name)
        if value is not None and not (isfinite(value) and value > 0.0):
            return f"{name} = {value}"
    for name in ("stop_loss_pct", "take_profit_pct"):
        value = getattr(signal, name)
        if value is not None and not 0.0 < value < 1.0:
            return f"{name} = {value} (a fraction: 0.02 is 2 %)"
    return ""
