"""Where received signals come in: what they mean, whether they were here before, and what the checks say of them."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.refusals import Outcome, Verdict
from petrosa.core.model.signals import Signal
from petrosa.core.signals.checks import ReceivedContext, check_received, is_complete
from petrosa.core.signals.conflicts import Opinion, Opinions, opinion_of
from petrosa.core.signals.models import Models, judge
from petrosa.core.signals.params import MAX_AGE_SECONDS, MAX_LEAD_SECONDS, SignalParams
from petrosa.core.signals.symbols import Symbols

REMEMBERED_NS: Final = (MAX_AGE_SECONDS + MAX_LEAD_SECONDS) * NS_PER_SECOND


class Heard(NamedTuple):
    """A signal as it goes on: the instruments it can mean, and what every check said.

    `rival` is the strongest opinion that stands for the same side, where the signal is not stronger itself.
    """

    signal: Signal
    instruments: tuple[InstrumentId, ...]
    outcomes: tuple[Outcome, ...]
    rival: Opinion | None


class Reception:
    """Remembers signal ids for as long as they could be fresh, and opinions for as long as they stand.

    An id is remembered for the longest age that may be set: a signal must not be new again when the age is raised.
    """

    def __init__(
        self,
        instruments: Mapping[InstrumentId, Instrument],
        markets: Mapping[InstrumentId, MarketState],
        params: SignalParams,
        models: Models,
    ) -> None:
        self.opinions = Opinions(params.conflict_window_seconds)
        self.signal_ids: dict[str, int] = {}
        self._symbols = Symbols(instruments)
        self._markets = markets
        self._models = models
        self.retune(params)

    def retune(self, params: SignalParams) -> None:
        """Go by these parameters from now on; opinions that were heard keep their scores."""
        self._params = params
        self.max_age_ns = round(params.max_signal_age_seconds * NS_PER_SECOND)
        self.opinions.keep_for(params.conflict_window_seconds)

    def hear(self, signal: Signal, now: int, *, was_placed: bool) -> Heard:
        """Ask everything of a signal that comes in, and remember it. `was_placed` says that an order of it is known."""
        self._forget_old(now)
        is_duplicate = was_placed or signal.signal_id in self.signal_ids
        instruments = self._symbols.candidates(signal)
        heard, opinion = self._ask(signal, instruments, now, is_duplicate=is_duplicate)
        self._remember(signal.signal_id, opinion, heard.outcomes, now)
        return heard

    def recall(self, signal: Signal, now: int, outcomes: tuple[Outcome, ...]) -> Heard:
        """Remember again a signal of the past, with the confidence that went on, of which the checks said this."""
        self._forget_old(now)
        instruments = self._symbols.candidates(signal)
        self._remember(signal.signal_id, self._opinion(signal, instruments, now), outcomes, now)
        return Heard(signal, instruments, outcomes, None)

    def ask_again(self, signal: Signal, instrument: InstrumentId, now: int) -> Heard:
        """What the checks say now of a signal that has waited."""
        return self._ask(signal, (instrument,), now, is_duplicate=False)[0]

    def _ask(
        self, signal: Signal, instruments: tuple[InstrumentId, ...], now: int, *, is_duplicate: bool
    ) -> tuple[Heard, Opinion | None]:
        market = self._markets[instruments[0]] if len(instruments) == 1 else None
        mode = None
        if is_complete(signal):
            signal, mode = judge(signal, market, now, self._models)
        rival = None
        others: tuple[Opinion, ...] = ()
        opinion = self._opinion(signal, instruments, now)
        if opinion is not None:
            others = tuple(self.opinions.others(opinion))
            top = self.opinions.strongest(opinion.instrument, opinion.side, now)
            rival = None if top is None or opinion.is_stronger_than(top) else top
        mid = market.mid if market is not None else 0.0
        context = ReceivedContext(now, self._params, is_duplicate, instruments, mid, mode, opinion, others)
        return Heard(signal, instruments, check_received(signal, context), rival), opinion

    def _opinion(self, signal: Signal, instruments: tuple[InstrumentId, ...], now: int) -> Opinion | None:
        """What a signal says about the one instrument that it can mean; None for one that says nothing of a side."""
        side = signal.action.side
        if side is None or len(instruments) != 1 or not is_complete(signal):
            return None
        return opinion_of(signal, side, instruments[0], now, self._params)

    def _remember(self, signal_id: str, opinion: Opinion | None, outcomes: tuple[Outcome, ...], now: int) -> None:
        if signal_id:
            self.signal_ids.setdefault(signal_id, now)
        failures = {outcome.check for outcome in outcomes if outcome.verdict is Verdict.FAILED}
        if opinion is not None and failures <= {"conflict"}:
            self.opinions.hear(msgspec.structs.replace(opinion, stands=not failures))

    def _forget_old(self, now: int) -> None:
        """Forget the ids of signals that would be stale if they came again."""
        while self.signal_ids:
            oldest = next(iter(self.signal_ids))
            if self.signal_ids[oldest] >= now - REMEMBERED_NS:
                break
            del self.signal_ids[oldest]
