"""The venue of a running desk: where its orders go, what tells it of them, and what it can say about itself."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, get_args

from petrosa.adapters.feeds.outlet import News, TradesLost
from petrosa.adapters.venues.binance.history.rest import RestHistory
from petrosa.adapters.venues.binance.live.account import BinanceAccount
from petrosa.adapters.venues.binance.live.bars import STREAM as BARS
from petrosa.adapters.venues.binance.live.feed_params import FeedParams
from petrosa.adapters.venues.binance.live.gateway import BinanceGateway
from petrosa.adapters.venues.binance.live.gateway_params import GatewayParams
from petrosa.adapters.venues.binance.live.live_feed import KINDS, LiveFeed
from petrosa.adapters.venues.binance.live.streams import Streams
from petrosa.adapters.venues.binance.live.topics import topic_of
from petrosa.adapters.venues.binance.live.user_stream import Source, SpotSource, UsdmSource, UserStream
from petrosa.apps.desk_bars import timeframes_needed
from petrosa.apps.live.preparing import Prepared, rules_of
from petrosa.apps.live.process import LiveProcess
from petrosa.apps.live.warming import Warming
from petrosa.apps.process import Side
from petrosa.apps.running import Report
from petrosa.apps.settings import Settings
from petrosa.core.model.account import RulesStated
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.events import Event
from petrosa.core.model.market import FeedState, FeedStateChanged, instrument_id
from petrosa.core.model.orders import OrderEvent
from petrosa.errors import LeaseLost
from petrosa.ports import Lease
from petrosa.runtime.conflating import Frame, Topic
from petrosa.runtime.reconcile import AskedOf, Reconciler
from petrosa.runtime.supervise import OnFailure
from petrosa.surfaces.observation import Check

DRAIN_S: Final = 3.0
HEARD_S: Final = 5.0
"""How long a start waits for the user stream before it asks the venue without it."""
LIVE: Final = FeedState.LIVE
_ORDER_EVENTS: Final = get_args(OrderEvent)


class LiveVenue:
    """One market of one account on Binance. This is `Placing` of a `LiveProcess`.

    Everything that it hears is told to the process; nothing leaves without the lease.
    """

    def __init__(
        self, settings: Settings, prepared: Prepared, process: LiveProcess, lease: Lease,
        crash_point: Callable[[str], None] | None, report: Report, *, sending: GatewayParams | None = None,
    ) -> None:  # fmt: skip
        """`sending` is how orders are sent, instead of the defaults with the configured window."""
        account, market = settings.account.account, settings.feed.market
        self._settings = settings
        self._prepared = prepared
        self._process = process
        self._lease = lease
        self._crash_point = crash_point
        self._report = report
        rest, product = prepared.rest, prepared.product
        self.account = BinanceAccount(product, rest.call, process.clock.now)
        ask = AskedOf(process.parts.trader.books, tuple(prepared.instruments))
        self.reconciler = Reconciler(
            self.account, ask, process.tell, process.clock, every_s=settings.venue.reconcile_seconds, report=report,
            may_arrive=lambda name: self.gateway.may_arrive(name),
        )  # fmt: skip
        self.gateway = BinanceGateway(
            product, rest.call, self.account, process.clock, self._tell, self.reconciler.doubt,
            params=sending or GatewayParams(recv_window_seconds=settings.venue.recv_window_ms / 1_000),
            may_send=lease.why_not, crash_point=crash_point,
        )  # fmt: skip
        source = _source(settings, prepared)
        self.user = UserStream(account, source, self._hear, self._up, process.clock.now)
        self._is_heard = asyncio.Event()
        self.lost = ""
        self._tag = f"{settings.feed.venue}:{market}"
        history, timeframes = RestHistory(rest), timeframes_needed(settings) if process.parts.desk.strategist else ()
        self.feed = LiveFeed(
            market, prepared.instruments, (*KINDS[market], *(f"{BARS}{one}" for one in timeframes)),
            partial(Streams, prepared.urls, market, now=process.clock.now), rest.call, self._offer, self._feed_news,
            params=FeedParams(
                backfill_max_trades=settings.feed.backfill_max_trades,
                backfill_max_seconds=settings.feed.backfill_max_seconds,
            ),
            now=process.clock.now, bars=history if timeframes else None,
        )  # fmt: skip
        self.warming = Warming(settings, process, history, self.feed.begin_bars, report) if timeframes else None

    def sides(self) -> Sequence[Side]:
        """Tasks beside the desk."""
        return (
            ("orders to the venue", self.gateway.run, OnFailure.HALT),
            ("user stream", self.user.run, OnFailure.HALT),
            ("market data", self.feed.run, OnFailure.RESTART),
            ("venue's clock", self._prepared.rest.keep_clock, OnFailure.HALT),
            ("venue's rules", self._refresh_rules, OnFailure.RESTART),
            ("comparison with the venue", self._reconcile, OnFailure.HALT),
            ("lease", self._keep_lease, OnFailure.HALT),
            *(() if self.warming is None else (("bars", self.warming.run, OnFailure.RESTART),)),
        )

    def settled(self) -> bool:
        """Whether nothing that was sent is still without an answer, or of unknown fate."""
        return self.gateway.in_flight + self.gateway.unknown == 0

    async def drain(self) -> None:
        await self.gateway.drain(DRAIN_S)

    def checks(self) -> Sequence[Callable[[], Check]]:
        """What `/ready` asks."""
        own = (self._user_check, self._lease_check, self._clock_check, self._feed_check)
        return own if self.warming is None else (*own, self.warming.check)

    # what is heard

    def _hear(self, event: Event) -> None:
        if self._crash_point is not None:
            self._crash_point("user.heard")
        if isinstance(event, _ORDER_EVENTS):
            self.gateway.heard(event)
        self._tell(event)

    def _tell(self, event: Event) -> None:
        """Nothing that was heard is lost: what the inbox cannot take is found by a comparison, by a desk that halts."""
        if not self._process.tell(event):
            self.reconciler.request("the inbox was full")

    def offer_reading(self, frame: bytes) -> None:
        """What a source outside the venue said, in its place among the venue's frames."""
        self._process.inbox.offer(Frame(self._process.clock.now(), self._tag, frame))

    def _offer(self, arrival: int, _stream: str, payload: bytes) -> None:
        self._process.inbox.offer(Frame(arrival, self._tag, payload))

    def _feed_news(self, news: News) -> None:
        """A book's gap is in the frames, where the desk finds it in its place."""
        if isinstance(news, FeedStateChanged):
            self._process.tell(news)
        elif isinstance(news, TradesLost):
            ids = f"{news.first} to {news.last}"
            self._report(f"market data: {news.instrument} {news.stream} {ids} are lost: {news.why}")

    def _up(self, is_first: bool) -> None:
        """The user stream is open: from here on nothing is missed, so now is the time to ask."""
        self._is_heard.set()
        if not is_first:
            self.reconciler.request("the user stream was away")

    async def _reconcile(self) -> None:
        """Compare for ever, from when the account is heard; one that cannot be heard is asked about all the same."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARD_S):
                await self._is_heard.wait()
        await self.reconciler.run()

    async def _keep_lease(self) -> None:
        """Without the lease nothing leaves; the process ends, so that it can be started as one that waits.

        What it asks for then, the cancels of entries, is told as never sent: the next holder sees to them.
        """
        try:
            await self._lease.run()
        except LeaseLost as lost:
            self._report(str(lost))
            self.lost = str(lost)
            self._process.loop.stop(str(lost))

    async def _refresh_rules(self) -> None:
        """Ask for filters and fees again and again: they change, and an order by old ones is refused."""
        while True:
            await asyncio.sleep(self._settings.venue.refresh_rules_seconds)
            rules = await rules_of(self._settings, self._prepared.rest)
            self._process.tell(RulesStated(tuple(rules[key] for key in sorted(rules)), self._process.clock.now()))

    # what is said about it

    def _user_check(self) -> Check:
        state = self.user.state
        if state.connected:
            return Check("user stream", True, "open")
        away_s = (self._process.clock.now() - state.since) / NS_PER_SECOND if state.since else 0.0
        return Check("user stream", False, f"away for {away_s:.0f} s: {state.reason}")

    def _lease_check(self) -> Check:
        why = self._lease.why_not()
        return Check("lease", not why, why or f"this process may send, token {self._lease.token}")

    def _clock_check(self) -> Check:
        clock = self._prepared.clock
        text = f"offset {clock.offset_ms:+.0f} ms, alarm from {clock.alarm_ms:.0f} ms"
        return Check("clock", not clock.is_alarming, text)

    def _feed_check(self) -> Check:
        """A dead stream is something to mend; a stale one only keeps entries away."""
        states = self.feed.states
        doubtful = [f"{name} {one.state.value}" for name, one in states.items() if one.state and one.state is not LIVE]
        dead = any(one.state is FeedState.DEAD for one in states.values())
        return Check("market data", not dead, ", ".join(doubtful) or f"{len(states)} streams, none overdue")


def _source(settings: Settings, prepared: Prepared) -> Source:
    """How the account is heard: over the WebSocket API on spot, by listen key on futures."""
    account, rest = settings.account.account, prepared.rest
    if settings.feed.market != "spot":
        return UsdmSource(account, prepared.session, prepared.urls.private, rest.call)
    return SpotSource(
        account, prepared.session, prepared.urls.ws_api, prepared.key.key, prepared.signer, prepared.clock.now_ms,
        settings.venue.recv_window_ms,
    )  # fmt: skip


def topic(frame: Frame) -> Topic:
    """What a frame is about, for an inbox that must leave something out."""
    venue, _, market = frame.tag.partition(":")
    found = topic_of(frame.payload)
    return Topic(instrument_id(venue, market, found.symbol), found.stream, found.conflate)
