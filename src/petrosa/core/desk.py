"""The handle that everyone turns: one event in, decisions out. Live, paper and backtest differ only in who turns it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, assert_never

import msgspec

from petrosa.core.analytics.analyzer import DepthAnalyzer
from petrosa.core.execution.lifecycle import Order
from petrosa.core.execution.trader_state import TraderState
from petrosa.core.market.liquidations import Liquidated
from petrosa.core.market.state import MarketState
from petrosa.core.model.account import AccountStated, AccountUnclear, RulesStated
from petrosa.core.model.commands import (
    CancelEntries,
    CancelOrder,
    Configure,
    ConfigureTrading,
    Flatten,
    PauseEntries,
    PlaceOrder,
    ResolveFinding,
    ResumeEntries,
    Shutdown,
)
from petrosa.core.model.events import (
    Configured,
    Decision,
    Event,
    Halted,
    SignalMade,
    SignalReceived,
    Started,
    TimerDue,
    Warmup,
)
from petrosa.core.model.market import (
    BestQuote,
    BookDiff,
    BookGap,
    BookSnapshot,
    Candle,
    Depth,
    FeedState,
    FeedStateChanged,
    InstrumentId,
    Liquidation,
    MarketEvent,
    MarkPrice,
    Reading,
    Ticker,
    Trade,
)
from petrosa.core.model.orders import (
    BalanceChanged,
    CancelRejected,
    FundingPaid,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
)
from petrosa.core.model.positions import Position
from petrosa.core.model.refusals import Refused
from petrosa.core.strategist import Strategist, StrategistState
from petrosa.core.trader import Trader

NOTHING: Final[tuple[Decision, ...]] = ()
SKEW_LEVELS: Final = 5
LIQUIDATED_S: Final = 300


class Checkpoint(msgspec.Struct, frozen=True):
    """What a desk remembers over a restart. What it had seen of the market is not in it: that is heard again."""

    strategist: StrategistState | None = None
    trader: TraderState | None = None


class View(msgspec.Struct, frozen=True):
    """One instrument as a reader sees it between turns. Prices are floats, None where nothing is known yet.

    `skew_ratio` is bid over ask quantity of the best five levels; ages are nanoseconds of the desk's time.
    `liquidated` is what the venue closed in the last five minutes, None where it is not heard to tell.
    `quantity` is signed; profits are gross, in settle currency; `unrealized` is None where there is no mark.
    """

    instrument: InstrumentId
    last: float | None
    bid: float | None
    ask: float | None
    spread_bps: float | None
    skew_ratio: float | None
    mark: float | None
    last_age_ns: int | None
    quote_age_ns: int | None
    feed_state: FeedState
    book_is_whole: bool
    liquidated: Liquidated | None
    quantity: Decimal
    position: Position | None
    by_strategy: dict[str, Decimal]
    orders: tuple[Order, ...]
    realized: Decimal
    unrealized: Decimal | None


class Desk:
    """A strategist, a trader, or both, over markets that it keeps up to date.

    `unheard` counts market facts of instruments that it does not follow. An analyzer hears what the markets hear and
    has no part in what is decided.
    """

    __slots__ = ("_analyzer", "_markets", "_now", "_strategist", "_trader", "unheard")

    def __init__(
        self,
        markets: Mapping[InstrumentId, MarketState],
        strategist: Strategist | None = None,
        trader: Trader | None = None,
        analyzer: DepthAnalyzer | None = None,
    ) -> None:
        self._markets = markets
        self._analyzer = analyzer
        self._strategist = strategist
        self._trader = trader
        self._now = 0
        self.unheard = 0

    @property
    def strategist(self) -> Strategist | None:
        return self._strategist

    @property
    def trader(self) -> Trader | None:
        return self._trader

    def handle(self, event: Event, now: int) -> Sequence[Decision]:
        """Take in one event at `now`; decisions in causal order, mostly none."""
        self._now = now
        if type(event) is not Trade:
            return self._handle_rarer(event, now)
        market = self._markets.get(event.instrument)  # `_hear` without its calls: most of what is told is a trade
        if market is None:
            self.unheard += 1
            return NOTHING
        market.trade(event, now)
        if self._analyzer is not None:
            self._analyzer.trade(event, now)
        if self._strategist is None:
            return NOTHING
        decisions = self._strategist.handle(event, now)
        return self._act_on(decisions, now) if decisions else NOTHING

    def _handle_rarer(self, event: Event, now: int) -> Sequence[Decision]:
        match event:
            case BookDiff() | BookSnapshot():
                return NOTHING  # whoever keeps a book makes `Depth` of them
            case (
                Trade()
                | Depth()
                | BestQuote()
                | Ticker()
                | MarkPrice()
                | Candle()
                | Liquidation()
                | FeedStateChanged()
                | BookGap()
            ):
                return self._hear(event, now)
            case OrderFilled() | OrderAccepted() | OrderRejected() | OrderTriggered() | OrderCanceled():
                return NOTHING if self._trader is None else self._trader.handle(event, now)
            case OrderExpired() | CancelRejected() | BalanceChanged() | FundingPaid() | TimerDue() | SignalReceived():
                return NOTHING if self._trader is None else self._trader.handle(event, now)
            case (
                AccountUnclear()
                | AccountStated()
                | ResolveFinding()
                | PlaceOrder()
                | CancelOrder()
                | ConfigureTrading()
            ):
                return NOTHING if self._trader is None else self._trader.handle(event, now)
            case PauseEntries() | ResumeEntries() | CancelEntries() | Flatten() | Shutdown() | Halted():
                return NOTHING if self._trader is None else self._trader.handle(event, now)
            case RulesStated():
                return self._go_by(event, now)
            case Reading():
                return self._tell_strategies(event, now)
            case Configure():
                return NOTHING if self._strategist is None else self._strategist.configure(event)
            case Started():
                return self._start(event, now)
            case Warmup():
                return self._warm(event, now)
            case _:
                assert_never(event)

    def recall(self, event: Event | None, decisions: Sequence[Decision], now: int) -> Sequence[Decision]:
        """Take in again a turn of the past without its market; no event is a market fact.

        Returns what follows from it now: what was decided then, unless the code or the record is another.
        """
        self._now = now
        match event:
            case None | FeedStateChanged():
                return self._recall_fact(decisions, now)
            case Warmup():
                return NOTHING  # windows begin anew with the next process
            case Configure():
                return self._recall_change(event, decisions, now)
            case _:
                return NOTHING if self._trader is None else self._trader.recall(event, decisions, now)

    def _recall_change(self, event: Configure, decisions: Sequence[Decision], now: int) -> Sequence[Decision]:
        """Take the parameters of then. What they changed was said against those before them, which a desk that is built
        from the settings of now need not have; the parameters are the whole set, so it ends where it ended."""
        made = self.handle(event, now)
        both = (*made, *decisions)
        return decisions if len(made) == len(decisions) and all(type(one) is Configured for one in both) else made

    def view(self, symbol: str) -> View | None:
        """One instrument for readers, by symbol (the first that has it) or by id; None for one not followed."""
        for key, market in self._markets.items():
            if symbol in (key, market.instrument.symbol, market.instrument.ccxt_symbol):
                return self._view(key, market)
        return None

    def checkpoint(self) -> Checkpoint:
        """What is to be remembered, between two turns."""
        return Checkpoint(
            None if self._strategist is None else self._strategist.snapshot(),
            None if self._trader is None else self._trader.snapshot(),
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint; a part that it does not have, or that is not here, is left as it is."""
        if self._strategist is not None and checkpoint.strategist is not None:
            self._strategist.restore(checkpoint.strategist)
        if self._trader is not None and checkpoint.trader is not None:
            self._trader.restore(checkpoint.trader)

    def _hear(self, event: MarketEvent, now: int) -> Sequence[Decision]:
        """Take in a market fact, once, and let the strategies look at it."""
        market = self._markets.get(event.instrument)
        if market is None:
            self.unheard += 1
            return NOTHING
        market.apply(event, now)
        if self._analyzer is not None:
            self._analyzer.hear(event, market, now)
        return self._tell_strategies(event, now)

    def _tell_strategies(self, event: MarketEvent, now: int) -> Sequence[Decision]:
        if self._strategist is None:
            return NOTHING
        decisions = self._strategist.handle(event, now)
        return self._act_on(decisions, now) if decisions else NOTHING

    def _act_on(self, decisions: Sequence[Decision], now: int) -> Sequence[Decision]:
        """Let the trader answer each signal in the turn that made it."""
        if self._trader is None:
            return decisions
        made: list[Decision] = []
        for decision in decisions:
            made.append(decision)
            if isinstance(decision, SignalMade):
                made.extend(self._trader.on_signal(decision.signal, now))
        return made

    def _recall_fact(self, decisions: Sequence[Decision], now: int) -> Sequence[Decision]:
        """What strategies said is as recorded; what the trader answered follows from it."""
        made: list[Decision] = []
        while len(made) < len(decisions) and isinstance(said := decisions[len(made)], SignalMade | Refused):
            made.append(said)
            if isinstance(said, SignalMade) and self._strategist is not None:
                self._strategist.recall(said, now)
            if isinstance(said, SignalMade) and self._trader is not None:
                made.extend(self._trader.recall(said.signal, decisions[len(made) :], now))
        return made

    def _start(self, event: Started, now: int) -> Sequence[Decision]:
        """A process began: nothing is known of the market yet."""
        for market in self._markets.values():
            market.forget()
        if self._analyzer is not None:
            self._analyzer.forget()
        if self._strategist is not None:
            self._strategist.forget()
        return NOTHING if self._trader is None else self._trader.handle(event, now)

    def _go_by(self, event: RulesStated, now: int) -> Sequence[Decision]:
        """Other rules hold from this turn on."""
        if self._trader is not None:
            return self._trader.handle(event, now)
        for rules in event.instruments:
            if rules.id in self._markets:
                self._markets[rules.id].instrument = rules
        return NOTHING

    def _warm(self, event: Warmup, now: int) -> Sequence[Decision]:
        """Take in history, from which no signal is made."""
        fact: MarketEvent = event.event
        market = self._markets.get(fact.instrument)
        if market is not None:
            market.apply(fact, min(now, fact.ts_event))  # as old as it is: a quote from history is no fresh price
        if self._strategist is not None and (market is not None or isinstance(fact, Reading)):
            self._strategist.handle(event, now)
        return NOTHING

    def _view(self, key: InstrumentId, market: MarketState) -> View:
        trader, quoted = self._trader, 0.0 < market.bid < market.ask
        position = trader.positions.get(key) if trader is not None else None
        return View(
            instrument=key,
            last=market.last or None,
            bid=market.bid or None,
            ask=market.ask or None,
            spread_bps=(market.ask - market.bid) / market.mid * 10_000.0 if quoted else None,
            skew_ratio=_skew(market.depth),
            mark=market.mark or None,
            last_age_ns=self._now - market.ts_last if market.ts_last else None,
            quote_age_ns=self._now - market.ts_quote if market.ts_quote else None,
            feed_state=market.feed_state,
            book_is_whole=market.book_is_whole,
            liquidated=_liquidated(market, self._now),
            quantity=trader.held(key) if trader is not None else Decimal(0),
            position=position,
            by_strategy=dict(trader.by_strategy(key)) if trader is not None else {},
            orders=tuple(trader.live_orders(key)) if trader is not None else (),
            realized=position.realized if position is not None else Decimal(0),
            unrealized=trader.unrealized(key) if trader is not None else Decimal(0),
        )


def _liquidated(market: MarketState, now: int) -> Liquidated | None:
    """Of the last five minutes; None while nobody tells, since silence is then no zero."""
    heard = market.liquidations
    return None if heard.since is None else heard.over(LIQUIDATED_S, now)


def _skew(depth: Depth | None) -> float | None:
    """Bid over ask quantity of the best levels; None without a book of two sides."""
    if depth is None:
        return None
    bids, asks = sum(depth.bid_quantities[:SKEW_LEVELS]), sum(depth.ask_quantities[:SKEW_LEVELS])
    return bids / asks if asks > 0.0 else None
