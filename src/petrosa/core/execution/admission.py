"""What a trader asks of the market before it enters anything: what the checks say of a signal, and what the gate says.

Everything else that a trader does follows from what it was told and from its own memory. So these few answers, which
stand among its decisions, are all that is needed to take a turn in again without the market of then (see `recorded`).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple, Protocol

from petrosa.core.execution.account import Account
from petrosa.core.execution.manual import Manual
from petrosa.core.execution.params import EntryStyle, ExecutionParams
from petrosa.core.execution.plan import entry_intent, entry_terms
from petrosa.core.execution.tally import Opening, Tally
from petrosa.core.market.state import MarketState
from petrosa.core.model.base import Side
from petrosa.core.model.commands import PlaceOrder
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Approved
from petrosa.core.model.refusals import Outcome, Verdict
from petrosa.core.model.signals import Signal
from petrosa.core.risk.facts import Adding, Entry
from petrosa.core.risk.gate import Cleared, approve, assess, not_reached
from petrosa.core.risk.params import RiskParams
from petrosa.core.signals.reception import Heard, Reception


class Wish(NamedTuple):
    """An entry that a sound signal asks for. `closed` is why no entry is taken, `adding` what it would add to."""

    heard: Heard
    side: Side
    instrument: InstrumentId
    now: int
    closed: str
    adding: Adding | None


class Agreed(NamedTuple):
    """An entry that may leave, with what every check said of it."""

    outcomes: tuple[Outcome, ...]
    approved: Approved


class Answers(Protocol):
    """Whoever answers for the market: `Admission` by looking at it, `Recorded` by what was decided then."""

    def opening(self) -> Opening | None:
        """What the account is worth now; None when a part of it has no price."""
        ...

    def hear(self, signal: Signal, now: int, *, was_placed: bool) -> Heard:
        """See `Reception.hear`."""
        ...

    def ask_again(self, signal: Signal, instrument: InstrumentId, now: int) -> Heard:
        """See `Reception.ask_again`."""
        ...

    def enter(self, wish: Wish) -> Agreed | tuple[Outcome, ...]:
        """Through the gate, or what every check said of an entry that is refused."""
        ...

    def by_hand(self, manual: Manual, command: PlaceOrder, now: int, closed: str) -> None:
        """Do what a person asks for, or say why not."""
        ...

    def mark(self, instrument: InstrumentId) -> Decimal | None:
        """What one unit of an instrument is worth, for a difference that is adopted; None when that is not known."""
        ...


class Admission:
    """Looks at the market. Owns nothing."""

    def __init__(
        self,
        reception: Reception,
        account: Account,
        tally: Tally,
        instruments: Mapping[InstrumentId, Instrument],
        markets: Mapping[InstrumentId, MarketState],
        risk: RiskParams,
        execution: ExecutionParams,
    ) -> None:
        self.hear = reception.hear
        self.ask_again = reception.ask_again
        self.mark = account.standing.mark
        self._account = account
        self._tally = tally
        self._instruments = instruments
        self._markets = markets
        self._risk = risk
        self._execution = execution

    def retune(self, risk: RiskParams, execution: ExecutionParams) -> None:
        """Go by these parameters from now on."""
        self._risk, self._execution = risk, execution

    def opening(self) -> Opening | None:
        equity, profit = self._account.standing.equity(), self._account.standing.profit()
        return None if equity is None or profit is None else Opening(equity, profit)

    def enter(self, wish: Wish) -> Agreed | tuple[Outcome, ...]:
        """Ask the gate, with the account and the market as they are."""
        heard, side, instrument, now, closed, adding = wish
        rules, market, account = self._instruments[instrument], self._markets[instrument], self._account
        style, slippage = self._execution.entry, self._risk.max_slippage_bps
        terms = entry_terms(heard.signal, side, market, rules, self._execution, slippage, now)
        outcomes = heard.outcomes if terms.outcome is None else (*heard.outcomes, terms.outcome)
        if terms.outcome is not None and terms.outcome.verdict is Verdict.FAILED:
            return (*outcomes, *not_reached())
        entry = Entry(
            heard.signal, side, rules, terms.expected, terms.worst,
            at_market=style is EntryStyle.MARKET, trigger=terms.trigger,
        )  # fmt: skip
        closing, today = account.exits.reason(instrument), self._tally.today()
        facts = account.standing.facts(entry, now, closed=closed, closing=closing, today=today, adding=adding)
        cleared = assess(entry, facts, self._risk)
        if not isinstance(cleared, Cleared):
            return (*outcomes, *cleared)
        approved = approve(cleared, entry_intent(cleared, account.name, style, terms.ts_expire))
        return Agreed((*outcomes, *cleared.outcomes), approved)

    def by_hand(self, manual: Manual, command: PlaceOrder, now: int, closed: str) -> None:
        manual.place(command, now, closed)
