"""Asking the venue what it holds, so that the desk can compare: at the start, now and then, and after every gap."""

import asyncio
from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from typing import Final, Protocol

from petrosa.core.execution.account import Account
from petrosa.core.execution.lifecycle import Order
from petrosa.core.execution.reconcile import UNANSWERED
from petrosa.core.model.account import AccountStated, AccountUnclear, StatedOrder
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.events import Event
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import OrderFilled
from petrosa.errors import DataError, RateLimited, TransportError, VenueError
from petrosa.ports import Clock, VenueAccount

EVERY_S: Final = 45.0
SOON_S: Final = 3.0
"""Pause before a statement that showed something for the first time is asked for again."""
BACKOFF_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
OVERLAP_NS: Final = 60 * NS_PER_SECOND
"""How far before the last statement trades are asked for again: a venue may show one late."""
WIDE_NS: Final = 3_600 * NS_PER_SECOND
"""The same while figures differ, which a trade that was missed would explain."""
FAILURES_MAX: Final = 3
"""So many failures in a row, and the account counts as unclear: nobody knows any more what it holds."""


class Asked(Protocol):
    """What the venue is asked about, read between turns."""

    @property
    def account(self) -> str: ...
    @property
    def instruments(self) -> Sequence[InstrumentId]: ...
    @property
    def is_settled(self) -> bool:
        """Whether the last comparison left nothing that another one soon could clear up: nothing that differs, and no
        order without an answer, which only the venue's word ends."""
        ...

    def live(self) -> Sequence[Order]:
        """Every order that may be alive as far as the desk knows, unanswered ones too."""
        ...

    def since(self, instrument: InstrumentId) -> int:
        """From when on (ns, the venue's) trades of an instrument must be asked for."""
        ...

    def knows(self, fill: OrderFilled) -> bool:
        """Whether a trade has been counted."""
        ...


class AskedOf:
    """What to ask about the account of a trader."""

    def __init__(self, books: Account, instruments: Sequence[InstrumentId]) -> None:
        self.account = books.name
        self.instruments = instruments
        self._books = books

    @property
    def is_settled(self) -> bool:
        findings = self._books.findings
        waits = any(order.status in UNANSWERED for order in self.live())
        return not findings.unclear and not findings.suspects and not waits

    def live(self) -> Sequence[Order]:
        return self._books.blotter.live()

    def since(self, instrument: InstrumentId) -> int:
        return self._books.findings.since(instrument, OVERLAP_NS, WIDE_NS)

    def knows(self, fill: OrderFilled) -> bool:
        return self._books.blotter.has_counted(fill)


def _nobody(_text: str) -> None:
    """Where reports go that nobody reads."""


class Reconciler:
    """Collects what the venue holds and tells it: first the trades, then one `AccountStated`, never half of one.

    A statement is not of one instant: the account goes on trading while it is asked about, so part of the answers may
    be from before a change and part from after it. The core knows that. An order younger than five seconds is not
    judged by absence, and what a trade on its way would explain counts only when two statements in a row show it.
    Trades are asked for last, so that what an order or position shows has mostly been told as a trade.

    The desk is told that its account is unclear before the first question, and after `FAILURES_MAX` failures in a row;
    only a statement makes it clear. `tell` says whether the desk's inbox took the event; when it does not, the desk
    halts, and nothing more of that statement is told. `may_arrive` says of an order whether its request may still
    reach the venue: then nothing is said of its not being there.
    """

    def __init__(
        self,
        venue: VenueAccount,
        ask: Asked,
        tell: Callable[[Event], bool],
        clock: Clock,
        *,
        every_s: float = EVERY_S,
        soon_s: float = SOON_S,
        backoff_s: Sequence[float] = BACKOFF_S,
        report: Callable[[str], None] = _nobody,
        may_arrive: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.stated = 0
        self.failures = 0
        self._venue = venue
        self._ask = ask
        self._tell = tell
        self._clock = clock
        self._every_s = every_s
        self._soon_s = soon_s
        self._backoff_s = backoff_s
        self._report = report
        self._may_arrive = may_arrive
        self._causes: dict[str, None] = {}
        self._requested = asyncio.Event()

    def request(self, cause: str) -> None:
        """Compare soon, for this reason. What is under way goes on, and another follows."""
        self._causes[cause] = None
        self._requested.set()

    def doubt(self, reason: str) -> None:
        """Something may not have been heard: no entry until a comparison that begins from now on."""
        self._tell(AccountUnclear(self._ask.account, reason))
        self.request(reason)

    async def run(self) -> None:
        """Compare for ever. What the venue does not answer is asked again; any other exception is a mistake."""
        self.doubt("it has not been compared with the venue since the start")
        while True:
            self._requested.clear()
            cause = "; ".join(self._causes) or "periodic"
            self._causes.clear()
            try:
                await self.once(cause)
            except (TransportError, VenueError, DataError) as problem:
                self._causes = {cause: None, **self._causes}
                await asyncio.sleep(self._failed(problem))
            else:
                await self._rest()

    async def once(self, cause: str) -> None:
        """One statement, collected and then told. Raises what a `VenueAccount` raises: then nothing was told."""
        began = self._clock.now()
        orders = tuple(await self._venue.orders())
        answers, missing = await self._one_by_one({order.client_order_id for order in orders})
        positions, balances = tuple(await self._venue.positions()), dict(await self._venue.balances())
        fills = [fill for key in self._ask.instruments for fill in await self._venue.fills(key, self._ask.since(key))]
        seen = self._clock.now()
        stated = AccountStated(
            self._ask.account, cause, orders, tuple(answers), tuple(missing), positions, balances, began, seen
        )
        new = [fill for fill in sorted(fills, key=lambda fill: fill.ts_event) if not self._ask.knows(fill)]
        told: list[Event] = [*new, stated]
        if all(self._tell(event) for event in told):
            self.stated += 1
            self.failures = 0

    async def _one_by_one(self, listed: Container[str]) -> tuple[list[StatedOrder], list[str]]:
        """Ask for each order that we think alive and that is not listed: what became of it, or that it is unknown."""
        answers, missing = [], []
        for order in self._ask.live():
            if order.client_order_id in listed:
                continue
            answer = await self._venue.order(order.intent)
            if answer is None and self._may_arrive(order.client_order_id):
                continue
            if answer is None:
                missing.append(order.client_order_id)
            else:
                answers.append(answer)
        return answers, missing

    async def _rest(self) -> None:
        """Until the next one is due, or asked for: soon while there is something that it could clear up."""
        left = self._every_s
        await self._requested_within(self._soon_s)
        while self._ask.is_settled and not self._requested.is_set() and (left := left - self._soon_s) > 0:
            await self._requested_within(min(left, self._soon_s or left))

    async def _requested_within(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._requested.wait()

    def _failed(self, problem: Exception) -> float:
        """Count it, and see that the desk is not taken for compared; how long to wait."""
        self.failures += 1
        if self.failures == FAILURES_MAX:
            reason = f"the venue has not answered {FAILURES_MAX} times in a row (last: {problem})"
            self._tell(AccountUnclear(self._ask.account, reason))
        pause = self._backoff_s[min(self.failures, len(self._backoff_s)) - 1]
        if isinstance(problem, RateLimited):
            pause = max(pause, problem.retry_after_s)
        self._report(f"the account could not be compared with the venue: {problem}; asking again in {pause:g} s")
        return pause
