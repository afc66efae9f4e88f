"""A desk that lives through much, remembered turn by turn, and what it takes to bring another one to the same place."""

import random
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from petrosa.adapters.stores.journal.format import decode_decision, decode_event
from petrosa.core.desk import Checkpoint, Desk
from petrosa.core.execution.params import AccountParams, ExecutionParams
from petrosa.core.market.state import MarketState
from petrosa.core.model.account import AccountStated, AccountUnclear, StatedOrder, StatedPosition
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.commands import CancelEntries, Flatten, PauseEntries, ResolveFinding, ResumeEntries, Shutdown
from petrosa.core.model.events import REPEATED, Decision, Event, Halted, SignalReceived, Started
from petrosa.core.model.findings import How
from petrosa.core.model.market import BestQuote, Depth, FeedState, FeedStateChanged, MarketEvent, MarkPrice
from petrosa.core.model.orders import BalanceChanged, FundingPaid, OrderStatus, OrderType
from petrosa.core.model.positions import PositionSide
from petrosa.core.model.signals import Action, Signal
from petrosa.core.risk.params import RiskParams
from petrosa.core.signals.models import Judgement, StrategyMode
from petrosa.core.signals.params import ConflictResolution, SameDirection, SignalParams
from petrosa.core.strategies.tick.orderbook_skew import Params
from petrosa.core.strategist import Strategist, StrategyPlan
from petrosa.core.trader import Trader, TraderParams
from petrosa.core.turns import Turns, TurnsState
from tests.kit.trading import PERPETUAL, START, market_of, place_of, signal
from tests.kit.venue import FakeVenue

KEY = PERPETUAL.id
DAY_S = 86_400
EAGER = Params(cooldown_seconds=20, persistence_seconds=0, flow_guard=False, max_spread_bps=50)
encode = msgspec.json.Encoder().encode

STEPS = ("quote", "quote", "depth", "mark", "signal", "signal", "signal", "signal", "close", "fill", "fill", "fill",
         "wait", "wallet", "command", "feed", "restart", "day",
         "unclear", "stated", "stated", "stated", "resolve", "resolve")  # fmt: skip
"""What may happen to a desk."""

Step = tuple[str, int]
"""What happens, and a number that says how."""


class Doubter:
    """A model that is less sure of a signal, by how the market stands."""

    name = "doubter-1"

    def judge(self, signal: Signal, market: MarketState | None, now: int) -> Judgement:
        assert now > 0
        doubt = 0.0 if market is None else market.mid % 0.3
        return Judgement(signal.confidence > 0.52, max(0.0, signal.confidence - doubt / 3), "doubts")


class Remembered(NamedTuple):
    """A turn as a journal has it, how desk and time stood after it, and how much had been heard up to there."""

    sequence: int
    now: int
    event: Event | None
    decisions: tuple[bytes, ...]
    heard: int
    desk: bytes
    time: bytes

    @property
    def decided(self) -> list[Decision]:
        return [decode_decision(msgspec.Raw(one)) for one in self.decisions]


class Timed(Turns):
    """Tells when a turn is over, timers and all."""

    over: Callable[[], None]

    def _obey(self, decisions: Sequence[Decision]) -> None:
        super()._obey(decisions)
        self.over()


class Life:
    """A desk and its time beside a venue in chaos. `past` is what a journal would hold of it, `heard` is everything."""

    def __init__(self, seed: int, *, strategist: bool, same: SameDirection, conflict: ConflictResolution) -> None:
        self._made: dict[str, Any] = {"strategist": strategist, "same": same, "conflict": conflict}
        self.desk = self.another()
        self.venue = FakeVenue(chaos=random.Random(seed))
        self.turns = Timed(self, self._record, self.venue.submit, self.venue)
        self.turns.over = self._stand
        self.heard: list[tuple[int, Event, Sequence[Decision]]] = []
        self.past: list[Remembered] = []
        self._number = 0
        self.tell(Started("start"))

    def handle(self, event: Event, now: int) -> Sequence[Decision]:
        """This is `core.turns.Turnable`: the desk, overheard."""
        decisions = self.desk.handle(event, now)
        self.heard.append((now, event, decisions))
        return decisions

    def another(self) -> Desk:
        """A desk of the same make that knows nothing."""
        markets = {KEY: market_of(PERPETUAL)}
        params = TraderParams(
            signals=SignalParams(conflict_resolution=self._made["conflict"], same_direction=self._made["same"]),
            risk=RiskParams(
                max_daily_loss_fraction=0.002, max_trades_per_day=40, accumulation_cooldown_seconds=0.0,
                max_accumulations=2, max_price_age_seconds=60.0,
            ),
            execution=ExecutionParams(max_exit_failures=2),
        )  # fmt: skip
        instruments = {KEY: PERPETUAL}
        models = {StrategyMode.ML_LIGHT: Doubter()}
        trader = Trader(AccountParams(balances={"USDT": Decimal(10_000)}), instruments, markets, params, models)
        plans = [StrategyPlan("orderbook_skew", KEY, EAGER)]
        return Desk(markets, Strategist(instruments, plans, markets) if self._made["strategist"] else None, trader)

    def live(self, steps: Sequence[Step]) -> "Life":
        for kind, number in steps:
            self._number += 1
            self._step(kind, number)
        return self

    def tell(self, event: Event) -> None:
        self.turns.other(event, max(self.turns.now, START))

    def market(self, event: MarketEvent) -> None:
        self.turns.market(event, self._now)

    @property
    def _now(self) -> int:
        return max(self.turns.now, START)

    def _step(self, kind: str, number: int) -> None:  # noqa: C901 - a list of what may happen
        now, price = self._now, 100.0 + (number % 41 - 20) / 20
        match kind:
            case "quote":
                self.venue.price = Decimal(str(round(price, 1)))
                self.market(BestQuote(KEY, now, now, 1, price - 0.1, 1.0, price + 0.1, 1.0))
            case "depth":
                prices = [price + sign * (0.1 + 0.1 * level) for sign in (-1, 1) for level in range(5)]
                bids, asks = ((9.0,) * 5, (1.0,) * 5) if number % 3 else ((1.0,) * 5, (9.0,) * 5)
                self.market(Depth(KEY, now, now, 1, tuple(prices[:5]), bids, tuple(prices[5:]), asks))
            case "mark":
                self.market(MarkPrice(KEY, now, now, price, price, 0.0001, 0))
            case "signal" | "close":
                self._signal(kind, number, now)
            case "fill" if self.venue.resting:
                self.venue.fill(sorted(self.venue.resting)[number % len(self.venue.resting)])
            case "wait":
                self.turns.advance(now + number * NS_PER_SECOND // 20)
            case "day" if self.venue.position == self._trader.held(KEY):  # else exits are tried for all of it
                at = (now // NS_PER_SECOND // DAY_S + 1) * DAY_S * NS_PER_SECOND
                self.turns.advance(at - NS_PER_SECOND if number % 2 else at + number)
            case "wallet":
                amount = Decimal(number - 500) / 100
                total = self.desk.trader.balances["USDT"] + amount if self.desk.trader is not None else amount
                funding, balance = number % 2, BalanceChanged("paper", "USDT", total, "transfer", now, now)
                self.tell(FundingPaid("paper", KEY, "USDT", amount, now, now) if funding else balance)
            case "feed":
                state = FeedState.LIVE if number % 4 else FeedState.STALE
                self.tell(FeedStateChanged(KEY, now, now, "trade", state, "told so"))
            case "restart":
                self.tell(Started("restart"))
            case "command":
                self._command(number)
            case "unclear":
                self.tell(AccountUnclear("paper", "told so"))
            case "stated":
                self._stated(number, now)
            case "resolve":
                found = list(self._trader.findings)
                one = found[number % len(found)].finding_id if found else "nothing"
                how = (How.ADOPT, How.ADOPT, How.FLATTEN, How.IGNORE)[number % 4]
                self.tell(ResolveFinding(f"c{self._number}", "ann", "told so", one, how))

    @property
    def _trader(self) -> Trader:
        assert self.desk.trader is not None
        return self.desk.trader

    def _stated(self, number: int, now: int) -> None:
        """What the venue holds, or near enough to it."""
        away = Decimal(number % 7 - 3) / 1000 if number % 2 else Decimal(0)
        quantity = self.venue.position + away
        entry = Decimal(100) if number % 3 else Decimal(0)
        positions = (StatedPosition("paper", KEY, PositionSide.NET, quantity, entry),) if quantity else ()
        orders = [
            StatedOrder(
                "paper", KEY, name, f"v{name[:5]}", place_of(intent).side, place_of(intent).type, OrderStatus.ACCEPTED,
                place_of(intent).quantity, place_of(intent).quantity - left, now, place_of(intent).price,
                place_of(intent).trigger_price, place_of(intent).reduce_only,
            )
            for name, (intent, left) in self.venue.resting.items()
        ]  # fmt: skip
        foreign = StatedOrder(
            "paper", KEY, f"other{number % 3}", "v", Side.BUY, OrderType.LIMIT, OrderStatus.ACCEPTED, Decimal("0.01"),
            Decimal(0), now, Decimal(90),
        )  # fmt: skip
        orders += [foreign] if number % 5 == 0 else []
        live = [order.client_order_id for order in self._trader.live_orders(KEY)]
        missing = tuple(name for name in live if name not in self.venue.resting)
        self.tell(
            AccountStated(
                "paper", "told so", tuple(orders), (), missing if number % 2 else (), positions,
                dict(self._trader.balances), now, now,
            )
        )  # fmt: skip

    def _signal(self, kind: str, number: int, now: int) -> None:
        action = Action.CLOSE if kind == "close" else (Action.BUY, Action.SELL, Action.HOLD)[number % 7 % 3]
        again = number % 11 == 0
        received = signal(
            action,
            at=now - (number % 13 == 0) * 400 * NS_PER_SECOND,
            number=max(0, self._number - (number % 5 if again else 0)),
            confidence=0.45 + number % 50 / 100,
            strategy_id=("skew", "momentum", "velocity")[number % 3],
            timeframe=("tick", "1h")[number % 2],
            symbol="NOSUCH" if number % 97 == 0 else "BTCUSDT",
            strategy_mode="ml_light" if number % 4 == 0 else "deterministic",
        )
        self.tell(SignalReceived(received, self._number))

    def _command(self, number: int) -> None:
        who = (f"c{self._number}", "ann", "told so")
        pause, resume = PauseEntries(*who), ResumeEntries(*who)
        all_of_it: tuple[Event, ...] = (
            pause, CancelEntries(*who), Flatten(*who), Shutdown(*who), Halted("told so"), Flatten(*who, KEY),
        )  # fmt: skip
        self.tell(all_of_it[number % len(all_of_it)] if number % 5 == 0 else resume)

    def _record(self, sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """As `JournalWriter.record` does."""
        kept = None if type(event) in REPEATED else decode_event(msgspec.Raw(encode(event)))
        encoded = tuple(encode(one) for one in decisions)
        self.past.append(Remembered(sequence, now, kept, encoded, len(self.heard), encode(self.desk.checkpoint()), b""))

    def _stand(self) -> None:
        self.past[-1] = self.past[-1]._replace(time=encode(self.turns.snapshot()))


def recalled(life: Life, since: int) -> Iterator[tuple[Remembered, Desk, Turns]]:
    """Another desk of the same make is brought on from how the first stood after turn `since` of its past (−1: from
    nothing), one turn after the other; yields each with what it was for the first."""
    desk = life.another()
    turns = Turns(desk, _nothing, _nothing)
    if since >= 0:
        desk.restore(msgspec.json.decode(life.past[since].desk, type=Checkpoint))
        turns.restore(msgspec.json.decode(life.past[since].time, type=TurnsState))
    for one in life.past[since + 1 :]:
        made = desk.recall(one.event, one.decided, one.now)
        assert one.decisions == tuple(encode(decision) for decision in made)
        turns.recall(one.sequence, one.now, one.event, one.decided)
        yield one, desk, turns


def _nothing(*_: object) -> None:
    raise AssertionError("nothing of the past is recorded or leaves")
