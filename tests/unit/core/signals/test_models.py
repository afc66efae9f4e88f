"""Signals that came about by a model count when our model agrees."""

from math import nan

import pytest

from petrosa.core.market.state import MarketState
from petrosa.core.model.refusals import Verdict
from petrosa.core.model.signals import Signal
from petrosa.core.signals.models import Judgement, StrategyMode, judge
from tests.kit.trading import PERPETUAL, START, market_of, signal

MARKET = market_of(PERPETUAL, 99.9, 100.1)


class Toy:
    """Says what it is told to, or fails."""

    name = "toy-1"

    def __init__(self, said: Judgement | Exception) -> None:
        self.said = said

    def judge(self, signal: Signal, market: MarketState | None, now: int) -> Judgement:
        assert (market, now) == (MARKET, START)
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


def judged(said: Judgement | Exception, mode: str = "ml_light") -> tuple[float, Verdict, str]:
    given = signal(strategy_mode=mode, confidence=0.8)
    after, outcome = judge(given, MARKET, START, {StrategyMode.ML_LIGHT: Toy(said)})
    assert "strategy_mode" == outcome.check
    return after.confidence, outcome.verdict, outcome.saw


def test_a_deterministic_signal_asks_no_model() -> None:
    """It goes on as it came."""
    assert (0.8, Verdict.PASSED, "deterministic") == judged(AssertionError("asked"), "deterministic")


def test_a_model_may_lower_the_confidence_and_never_raise_it() -> None:
    """The lower of the two goes on."""
    assert (0.6, Verdict.PASSED, "ml_light: 0.6000, calm") == judged(Judgement(True, 0.6, "calm"))
    assert 0.8 == judged(Judgement(True, 0.95, "sure"))[0]


@pytest.mark.parametrize(
    ("said", "saw"),
    [
        (Judgement(False, 0.9, "too thin"), "ml_light: 0.9000, too thin"),
        (Judgement(True, nan, "?"), "ml_light: nan, ?"),
        (Judgement(True, 1.2, "?"), "ml_light: 1.2000, ?"),
        (KeyError("ratio"), "ml_light: KeyError: 'ratio'"),
        (ValueError("no depth"), "ml_light: ValueError: no depth"),
        (ZeroDivisionError("x"), "ml_light: ZeroDivisionError: x"),
    ],
)
def test_a_model_that_does_not_agree_or_fails_refuses(said: Judgement | Exception, saw: str) -> None:
    """With its own words."""
    assert (0.8, Verdict.FAILED, saw) == judged(said)


def test_a_mode_without_a_model_is_refused_with_the_way_out() -> None:
    """And so is a mode that nobody knows."""
    _, outcome = judge(signal(strategy_mode="llm_reasoning"), MARKET, START, {})
    assert (Verdict.FAILED, "llm_reasoning, and no model for it") == (outcome.verdict, outcome.saw)
    assert "signals.models.llm_reasoning" in outcome.remedy
    _, outcome = judge(signal(strategy_mode="magic"), MARKET, START, {})
    assert (Verdict.FAILED, "'magic'") == (outcome.verdict, outcome.saw)
