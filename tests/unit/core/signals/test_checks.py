"""Every check, passing and failing, on both sides of the bus."""

from math import inf, nan

import msgspec
import pytest

from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import FeedState, InstrumentId
from petrosa.core.model.refusals import Outcome, Verdict, failed, passed, refusal
from petrosa.core.model.signals import Action, Signal
from petrosa.core.signals.checks import (
    CHECKS,
    RECEIVED_CHECKS,
    CandidateContext,
    ReceivedContext,
    check_candidate,
    check_received,
)
from petrosa.core.signals.params import SignalParams
from petrosa.core.strategies.base import Candidate, StrategyParams

NOW = 1_000 * NS_PER_SECOND
BTC = InstrumentId("binance:usdm:BTCUSDT")

CANDIDATE = Candidate(Action.BUY, 0.7, 100.0, 100.5, NOW, {"ratio": 1.4}, {"strategy": "x"})
CONTEXT = CandidateContext(NOW, StrategyParams(), FeedState.LIVE, True, None)
SIGNAL = Signal("a" * 32, "orderbook_skew", "BTCUSDT", Action.BUY, 0.7, 100.0, 0.001, 100.5, NOW, NOW)
RECEIVED = ReceivedContext(NOW, SignalParams(), False, (BTC,), 100.5)


def failing(outcomes: tuple[Outcome, ...]) -> list[str]:
    return [outcome.check for outcome in outcomes if outcome.verdict is Verdict.FAILED]


def test_a_good_candidate_passes_every_check() -> None:
    """All checks are asked and all are answered."""
    outcomes = check_candidate(CANDIDATE, CONTEXT)
    assert len(CHECKS) == len(outcomes)
    assert [] == failing(outcomes)


@pytest.mark.parametrize(
    ("changes", "context", "check"),
    [
        ({"price": nan}, {}, "completeness"),
        ({"price": 0.0}, {}, "completeness"),
        ({"current_price": inf}, {}, "completeness"),
        ({"indicators": {"ratio": nan}}, {}, "completeness"),
        ({"confidence": 1.1}, {}, "completeness"),
        ({}, {"feed_state": FeedState.STALE}, "feed_live"),
        ({}, {"feed_state": FeedState.DEAD}, "feed_live"),
        ({}, {"book_is_whole": False}, "feed_live"),
        ({"confidence": 0.599}, {}, "confidence"),
        ({"stop_loss": 100.2}, {}, "levels"),
        ({"take_profit": 100.2}, {}, "levels"),
        ({"action": Action.SELL, "stop_loss": 99.0}, {}, "levels"),
        ({}, {"last_signal_at": NOW - 899 * NS_PER_SECOND}, "cooldown"),
        ({"guards": (failed("flow_agrees", "no trade", "above 0"),)}, {}, "flow_agrees"),
    ],
)
def test_a_candidate_fails_one_check_at_a_time(
    changes: dict[str, object], context: dict[str, object], check: str
) -> None:
    """Each fault is found by the check that is named for it, and by no other."""
    candidate = msgspec.structs.replace(CANDIDATE, **changes)
    assert [check] == failing(check_candidate(candidate, msgspec.structs.replace(CONTEXT, **context)))


def test_not_a_number_is_no_confidence() -> None:
    """NaN fails completeness and confidence both; the first names the refusal."""
    assert ["completeness", "confidence"] == failing(
        check_candidate(msgspec.structs.replace(CANDIDATE, confidence=nan), CONTEXT)
    )


def test_a_cooldown_ends_on_time() -> None:
    """Exactly 900 s after the last signal the strategy may speak again."""
    context = msgspec.structs.replace(CONTEXT, last_signal_at=NOW - 900 * NS_PER_SECOND)
    assert [] == failing(check_candidate(CANDIDATE, context))


def test_a_strategys_own_guards_come_first_and_all_are_kept() -> None:
    """The refusal is named by the guard, and still says what every other check saw."""
    candidate = msgspec.structs.replace(
        CANDIDATE, confidence=0.1, guards=(passed("quiet_hour"), failed("flow_agrees", "-1", "above 0", "wait"))
    )
    outcomes = check_candidate(candidate, CONTEXT)
    refused = refusal("orderbook_skew", BTC, "id", outcomes)
    assert refused is not None
    assert "flow_agrees: saw -1, limit above 0; wait" == refused.message
    assert 2 + len(CHECKS) == len(refused.outcomes)


def test_a_good_signal_passes_every_check() -> None:
    """All checks are asked and all are answered."""
    outcomes = check_received(SIGNAL, RECEIVED)
    assert len(RECEIVED_CHECKS) == len(outcomes)
    assert [] == failing(outcomes)


@pytest.mark.parametrize(
    ("changes", "context", "check"),
    [
        ({"signal_id": ""}, {}, "completeness"),
        ({"strategy_id": ""}, {}, "completeness"),
        ({"confidence": 1.01}, {}, "completeness"),
        ({"quantity": -1.0}, {}, "completeness"),
        ({"quantity": nan}, {}, "completeness"),
        ({"price": nan}, {}, "completeness"),
        ({"price": 0.0}, {}, "completeness"),
        ({"current_price": -1.0}, {}, "completeness"),
        ({"stop_loss_pct": 2.0}, {}, "completeness"),
        ({"take_profit_pct": nan}, {}, "completeness"),
        ({"action": Action.HOLD}, {}, "actionable"),
        ({}, {"instruments": ()}, "symbol"),
        ({}, {"instruments": (BTC, InstrumentId("binance:spot:BTCUSDT"))}, "symbol"),
        ({"ts_event": NOW - 301 * NS_PER_SECOND}, {}, "stale"),
        ({"ts_seen": NOW - 301 * NS_PER_SECOND}, {}, "stale"),
        ({"ts_seen": NOW + 6 * NS_PER_SECOND}, {}, "stale"),
        ({"ts_event": 0, "ts_seen": 0}, {}, "stale"),
        ({}, {"is_duplicate": True}, "duplicate"),
        ({"confidence": 0.499}, {}, "confidence"),
        ({"stop_loss": 100.0}, {}, "levels"),
        ({"take_profit": 100.3}, {}, "levels"),
        ({"stop_loss": 99.5}, {"mid": 99.0}, "levels"),
        ({"action": Action.SELL, "stop_loss": 100.2}, {}, "levels"),
        ({"action": Action.SELL, "take_profit": 100.2}, {}, "levels"),
    ],
)
def test_a_signal_fails_one_check_at_a_time(changes: dict[str, object], context: dict[str, object], check: str) -> None:
    """Each fault is found by the check that is named for it, by no other, and comes with a remedy."""
    signal = msgspec.structs.replace(SIGNAL, **changes)
    outcomes = check_received(signal, msgspec.structs.replace(RECEIVED, **context))
    assert [check] == failing(outcomes)
    assert all(outcome.remedy for outcome in outcomes if outcome.verdict is Verdict.FAILED)


@pytest.mark.parametrize(
    "changes",
    [
        {"ts_event": NOW - 300 * NS_PER_SECOND},
        {"ts_event": 0},
        {"confidence": 0.5},
        {"stop_loss": 99.0, "take_profit": 102.0},
        {"action": Action.SELL, "stop_loss": 102.0, "take_profit": 99.0},
        {"action": Action.CLOSE, "stop_loss": 102.0},
        {"stop_loss_pct": 0.02, "take_profit_pct": 0.05},
    ],
)
def test_limits_themselves_are_allowed(changes: dict[str, object]) -> None:
    """What lies exactly on a limit passes, and a stamp that another producer leaves out is made up for by ours."""
    assert [] == failing(check_received(msgspec.structs.replace(SIGNAL, **changes), RECEIVED))


def test_an_unknown_market_price_leaves_the_signals_own() -> None:
    """Without a mid, levels are compared with the signal's price alone."""
    context = msgspec.structs.replace(RECEIVED, mid=0.0)
    assert ["levels"] == failing(check_received(msgspec.structs.replace(SIGNAL, stop_loss=101.0), context))
    assert [] == failing(check_received(msgspec.structs.replace(SIGNAL, stop_loss=99.0), context))


def test_two_faults_are_both_seen() -> None:
    """Independent checks do not hide each other."""
    signal = msgspec.structs.replace(SIGNAL, confidence=0.1, ts_event=1)
    assert ["stale", "confidence"] == failing(check_received(signal, RECEIVED))
