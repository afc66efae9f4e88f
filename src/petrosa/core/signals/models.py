"""The plug for models that judge signals: what a signal of mode `ml_light` or `llm_reasoning` needs before it counts.

A model is given when the desk is put together and is part of the core while it runs: it is called in the turn of the
signal, with nothing but the signal and the market as the desk knows it. So it must be pure: the same signal and market
give the same judgement, without clock, network, file or chance, or a replay would decide otherwise. A model that needs
the network stands before the desk, as a service that sends signals of its own.
"""

from collections.abc import Mapping
from enum import Enum
from math import isfinite
from typing import Protocol

import msgspec

from petrosa.core.market.state import MarketState
from petrosa.core.model.refusals import Outcome, failed, passed
from petrosa.core.model.signals import Signal


class StrategyMode(Enum):
    """How a signal came about, and who must agree to it."""

    DETERMINISTIC = "deterministic"
    """By rules: the checks are enough."""
    ML_LIGHT = "ml_light"
    LLM_REASONING = "llm_reasoning"


class Judgement(msgspec.Struct, frozen=True):
    """What a model thinks of a signal. The lower of its confidence (in [0, 1]) and the signal's goes on."""

    agrees: bool
    confidence: float
    why: str


class SignalModel(Protocol):
    """Judges signals of one mode."""

    @property
    def name(self) -> str:
        """Name and version, for the record."""
        ...

    def judge(self, signal: Signal, market: MarketState | None, now: int) -> Judgement:
        """Agree or not, and why. Pure; `market` is to be read only, and None where the symbol names no instrument.

        An `ArithmeticError`, `LookupError` or `ValueError` refuses the signal.
        """
        ...


Models = Mapping[StrategyMode, SignalModel]


def judge(signal: Signal, market: MarketState | None, now: int, models: Models) -> tuple[Signal, Outcome]:
    """The signal with the confidence that goes on, and the check `strategy_mode`."""
    known = " or ".join(mode.value for mode in StrategyMode)
    try:
        mode = StrategyMode(signal.strategy_mode)
    except ValueError:
        return signal, failed("strategy_mode", repr(signal.strategy_mode), known, "repair the producer")
    if mode is StrategyMode.DETERMINISTIC:
        return signal, passed("strategy_mode", mode.value, known)
    model = models.get(mode)
    if model is None:
        remedy = f"name one in signals.models.{mode.value}, or let the producer send strategy_mode deterministic"
        return signal, failed("strategy_mode", f"{mode.value}, and no model for it", "a model that agrees", remedy)
    limit = f"{model.name} agrees"
    try:
        found = model.judge(signal, market, now)
    except (ArithmeticError, LookupError, ValueError) as problem:
        saw = f"{mode.value}: {type(problem).__name__}: {problem}"
        return signal, failed("strategy_mode", saw, limit, "repair the model, or what it needs in the signal")
    saw = f"{mode.value}: {found.confidence:.4f}, {found.why}"
    if not (isfinite(found.confidence) and 0.0 <= found.confidence <= 1.0):
        return signal, failed("strategy_mode", saw, "a confidence from 0 to 1", "repair the model")
    if not found.agrees:
        return signal, failed("strategy_mode", saw, limit, "nothing to do: the model does not agree")
    lower = min(signal.confidence, found.confidence)
    return msgspec.structs.replace(signal, confidence=lower), passed("strategy_mode", saw, limit)
