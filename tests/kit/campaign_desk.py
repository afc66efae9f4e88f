"""A desk on a venue in the test's own loop: as `petrosa run --venue` composes it, and begun as often as one likes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import msgspec

from petrosa.adapters.net.rate_limit import ORDERS
from petrosa.adapters.venues.binance.live.gateway_params import GatewayParams
from petrosa.adapters.venues.binance.live.limits import DEFAULTS
from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET
from petrosa.apps.auditing.live import auditing_of
from petrosa.apps.journaling import run_file
from petrosa.apps.leasing import open_lease
from petrosa.apps.live.preparing import Prepared, prepared
from petrosa.apps.live.process import TAPE, LiveProcess
from petrosa.apps.live.secret import VenueKey
from petrosa.apps.live.venue import LiveVenue, topic
from petrosa.apps.settings import Settings, load
from petrosa.apps.wiring import build_trading
from petrosa.core.model.events import Decision, Event
from petrosa.core.trader import Trader
from petrosa.errors import PetrosaError
from petrosa.ports import Lease
from petrosa.surfaces.kill_switch import Latch
from tests.kit.campaign_exchange import PRICES

SETS: Final = (
    "venue.environment=paper", "simulation.enabled=false", "account.account=demo", "venue.reconcile_seconds=1",
    "journal.durable=false", "journal.tape=false", "http.enabled=false", "metrics.enabled=false",
    "signals.conflict_window_seconds=0", "risk.max_trades_per_day=1000000", "risk.max_daily_loss_fraction=1",
    "risk.accumulation_cooldown_seconds=0", "risk.max_position_fraction=0.2", "risk.max_price_deviation_bps=500",
    "risk.max_slippage_bps=50", "execution.answer_deadline_seconds=1", "execution.unprotected_seconds=1",
    "execution.flatten_unprotected_seconds=4", "execution.exit_retry_seconds=0.2",
    f"feed.symbols={','.join(PRICES)}", "risk.max_exposure_fraction=2",
)  # fmt: skip
SENDING: Final = GatewayParams(silence_seconds=0.2, lookup_seconds=30, overtake_seconds=0.3)
UNLIMITED: Final = 1_000_000
"""A comparison every three seconds and a start every ten cost more than a venue allows, and not less is proved."""
LOOK_S: Final = 0.01
KEY: Final = VenueKey(DEMO_KEY, DEMO_SECRET)

Tasted = Callable[[Event | None, Sequence[Decision]], None]


class Beginning(Exception):
    """A desk did not come up, or ended by itself."""


class CampaignDesk:
    """At most one life at a time; `process` and `venue` are those of the present one. What it says is in `said`."""

    def __init__(self, home: Path, url: str, market: str, turned: Tasted, *sets: str) -> None:
        self.settings: Settings = load(
            sets=[*SETS, f"feed.market={market}", f"venue.url={url}", *sets], environ={}, home=str(home)
        )
        self.folder = self.settings.runs / "campaign"
        self.said: list[str] = []
        self.lives = 0
        self.counts: Counter[str] = Counter()
        self.process: LiveProcess | None = None
        self.venue: LiveVenue | None = None
        self.lease: Lease | None = None
        self._turned = turned
        self._life: asyncio.Task[None] | None = None

    @property
    def is_alive(self) -> bool:
        """Whether it turns: the venue's first statement is in."""
        process, life = self.process, self._life
        return life is not None and not life.done() and process is not None and process._begun.is_set()

    @property
    def trader(self) -> Trader:
        assert self.process is not None
        return self.process.parts.trader

    def begin(self) -> None:
        self.lives += 1
        self._life = asyncio.create_task(self._live(), name=f"desk {self.lives}")

    def ended(self) -> None:
        """Raises what a life ended of, if it has ended by itself."""
        if self._life is not None and self._life.done():
            self._life.result()
            raise Beginning(f"the desk ended by itself: {self.said[-3:]}")

    def tell(self, event: Event) -> None:
        if self.process is not None and self.is_alive and not self.process.loop.stopping:
            self.process.inbox.tell(event)

    async def stop(self, timeout_s: float = 12.0) -> None:
        """End in order, as SIGTERM does."""
        assert self.process is not None
        assert self._life is not None
        self.process.loop.stop("the campaign wants it")
        async with asyncio.timeout(timeout_s):
            await self._life
        self._over()

    async def crash(self) -> None:
        """End wherever it stands."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)
        self._over()

    def _over(self) -> None:
        if self.venue is not None:
            self.counts += self.venue.gateway.counts
        self.process = self.venue = self._life = None

    async def _live(self) -> None:
        settings, report = self.settings, self.said.append
        async with AsyncExitStack() as stack:
            self.lease = await stack.enter_async_context(open_lease(settings, report, KEY.key))
            await self.lease.acquire()
            stack.push_async_callback(self.lease.release)
            ready = await self._prepared(stack)
            account = msgspec.structs.replace(settings.account, balances=dict(ready.balances))
            settings = msgspec.structs.replace(settings, account=account)
            latch = Latch()
            process = LiveProcess(
                settings, build_trading(settings, ready.instruments), folder=self.folder,
                run_file=run_file(self.folder, "live", tape=TAPE), topic_of=topic, crash=None, latch=latch,
                also=(latch.fold, lambda _sequence, _now, event, decisions: self._turned(event, decisions),),
            )  # fmt: skip
            stack.callback(process.close)
            process.resume(report)
            self.venue = LiveVenue(settings, ready, process, self.lease, None, report, sending=SENDING)
            self.process = process
            auditing = auditing_of(settings, process.journal, report)
            assert auditing is not None
            await process.run(self.venue, [*self.venue.sides(), *auditing.sides()], report)
            await auditing.finish()

    async def _prepared(self, stack: AsyncExitStack) -> Prepared:
        """What a person would do: start it again until the venue answers."""
        while True:
            try:
                ready = await stack.enter_async_context(prepared(self.settings, KEY, self.said.append))
                limits = DEFAULTS[self.settings.feed.market]
                ready.rest.ledger.learn([one if one.kind == ORDERS else one._replace(most=UNLIMITED) for one in limits])
                return ready
            except PetrosaError as problem:
                self.said.append(f"not begun: {problem}")
                await asyncio.sleep(LOOK_S)
