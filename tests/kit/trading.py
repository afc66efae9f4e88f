"""A trader to talk to: instruments, a clock one moves, and words for what a market and a venue may say."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from petrosa.core.desk import Desk
from petrosa.core.execution.params import AccountParams
from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.events import (
    Alarm,
    CancelTimer,
    Decision,
    Event,
    SetTimer,
    SignalAgreed,
    SignalReceived,
    TimerDue,
)
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BestQuote
from petrosa.core.model.orders import (
    Approved,
    Cancel,
    Intent,
    Leg,
    Liquidity,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
    Place,
    Reducing,
)
from petrosa.core.model.refusals import Refused
from petrosa.core.model.signals import Action, Signal
from petrosa.core.trader import Trader, TraderParams

START = 1_700_000_000 * NS_PER_SECOND


def instrument(**changes: Any) -> Instrument:
    """A perpetual of BTC in USDT on a coarse grid: tick 0.1, step 0.001, minimum 5 USDT."""
    rules: dict[str, Any] = {
        "venue": "paper",
        "market": "usdm",
        "symbol": "BTCUSDT",
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT",
        "tick": Decimal("0.1"),
        "step": Decimal("0.001"),
        "min_quantity": Decimal("0.001"),
        "max_quantity": Decimal(1000),
        "min_notional": Decimal(5),
    }
    return Instrument(**{**rules, **changes})


PERPETUAL = instrument()
OTHER = instrument(symbol="ETHUSDT", base="ETH")
SPOT = instrument(market="spot", short_allowed=False)


def market_of(rules: Instrument, bid: float = 0.0, ask: float = 0.0, now: int = START) -> MarketState:
    """What an instrument looks like, quoted at `now` unless bid and ask are left out."""
    market = MarketState(rules, Tape(10 * NS_PER_SECOND))
    if bid or ask:
        market.apply(BestQuote(rules.id, now, now, 1, bid, 1.0, ask, 1.0), now)
    return market


def signal(action: Action = Action.BUY, *, at: int = START, number: int = 1, **changes: Any) -> Signal:
    """An opinion about the perpetual at 100."""
    fields: dict[str, Any] = {
        "signal_id": f"signal-{number}",
        "strategy_id": "skew",
        "symbol": "BTCUSDT",
        "action": action,
        "confidence": 0.8,
        "price": 100.0,
        "quantity": 0.001,
        "current_price": 100.0,
        "ts_event": at,
        "ts_seen": at,
    }
    return Signal(**{**fields, **changes})


class Session:
    """One trader on one desk. Everything it decides is kept in `decisions`; timers fire when time is let pass."""

    def __init__(
        self,
        params: TraderParams | None = None,
        instruments: Sequence[Instrument] = (PERPETUAL,),
        balances: dict[str, Decimal] | None = None,
        bid: float = 99.9,
        ask: float = 100.1,
    ) -> None:
        self.now = START
        self.rules = instruments[0]
        self.markets = {rules.id: market_of(rules) for rules in instruments}
        self.account = AccountParams(balances=balances if balances is not None else {"USDT": Decimal(10_000)})
        self.params = params if params is not None else TraderParams()
        self.trader = Trader(self.account, {rules.id: rules for rules in instruments}, self.markets, self.params)
        self.desk = Desk(self.markets, None, self.trader)
        self.decisions: list[Decision] = []
        self.heard: list[tuple[int, Event]] = []
        self.timers: dict[str, int] = {}
        self.trades = 0
        for rules in instruments:
            self.quote(bid, ask, rules)

    def tell(self, event: Event) -> Sequence[Decision]:
        """One turn; returns what was decided."""
        self.heard.append((self.now, event))
        decisions = self.desk.handle(event, self.now)
        self.decisions.extend(decisions)
        for decision in decisions:
            if isinstance(decision, SetTimer):
                self.timers[decision.timer_id] = decision.at
            elif isinstance(decision, CancelTimer):
                self.timers.pop(decision.timer_id, None)
        return decisions

    def quote(self, bid: float, ask: float, rules: Instrument | None = None) -> None:
        """The market shows these best prices now."""
        key = (rules or self.rules).id
        self.tell(BestQuote(key, self.now, self.now, 1, bid, 1.0, ask, 1.0))

    def wait(self, seconds: float) -> list[Decision]:
        """Let time pass, firing what falls due on the way; returns what was decided then."""
        until, decided = self.now + round(seconds * NS_PER_SECOND), len(self.decisions)
        while self.timers and min(self.timers.values()) <= until:
            timer_id = min(self.timers, key=lambda name: self.timers[name])
            self.now = max(self.now, self.timers.pop(timer_id))
            self.tell(TimerDue(timer_id, self.now))
        self.now = until
        return self.decisions[decided:]

    def signal(self, action: Action = Action.BUY, number: int = 1, **changes: Any) -> Sequence[Decision]:
        """A strategy elsewhere has this opinion now."""
        changes.setdefault("symbol", self.rules.symbol)
        return self.tell(SignalReceived(signal(action, at=changes.pop("at", self.now), number=number, **changes)))

    def accept(self, intent: Intent) -> Sequence[Decision]:
        where = (intent.account, intent.instrument, intent.client_order_id)
        return self.tell(OrderAccepted(*where, f"v-{intent.client_order_id[:6]}", self.now, self.now))

    def reject(self, intent: Intent, reason: str = "no") -> Sequence[Decision]:
        return self.tell(
            OrderRejected(intent.account, intent.instrument, intent.client_order_id, reason, self.now, self.now)
        )

    def trigger(self, intent: Intent) -> Sequence[Decision]:
        return self.tell(OrderTriggered(intent.account, intent.instrument, intent.client_order_id, self.now, self.now))

    def expire(self, intent: Intent, reason: str = "rest of an IOC") -> Sequence[Decision]:
        return self.tell(
            OrderExpired(intent.account, intent.instrument, intent.client_order_id, reason, self.now, self.now)
        )

    def canceled(self, client_order_id: str, reason: str = "asked") -> Sequence[Decision]:
        return self.tell(OrderCanceled("paper", self.rules.id, client_order_id, reason, self.now, self.now))

    def fill(
        self,
        intent: Intent,
        quantity: str | Decimal | None = None,
        price: str | Decimal = "100.1",
        fee: str = "0",
        fee_asset: str = "USDT",
        trade_id: str | None = None,
    ) -> Sequence[Decision]:
        """The venue fills an order, whole unless told how much."""
        self.trades += 1
        place = place_of(intent)
        return self.tell(
            fill_of(intent, place.quantity if quantity is None else quantity, price, trade_id or f"t{self.trades}",
                    fee=fee, fee_asset=fee_asset, at=self.now)
        )  # fmt: skip

    def settle(self) -> None:
        """The venue confirms what rests and takes off what was asked to go."""
        for order in self.trader.live_orders(self.rules.id):
            if order.cancels:
                self.canceled(order.client_order_id)
            elif not order.is_confirmed:
                self.accept(order.intent)

    def later(self, seconds: float) -> None:
        """Time passes, and the market is where it was."""
        market = self.markets[self.rules.id]
        self.wait(seconds)
        self.quote(market.bid, market.ask)

    def added(self, number: int, **changes: Any) -> bool:
        """Whether a buy signal is agreed to; its entry fills and protection of the whole is confirmed."""
        before = len(self.placed(Leg.ENTRY))
        self.signal(Action.BUY, number, **changes)
        entries = self.placed(Leg.ENTRY)[before:]
        for entry in entries:
            self.fill(entry)
            self.settle()
            self.settle()
        return bool(entries)

    def placed(self, *legs: Leg) -> list[Intent]:
        """Every order that left, oldest first; of these legs only, if any are named."""
        intents = [d.intent for d in self.decisions if isinstance(d, Approved | Reducing)]
        return [i for i in intents if isinstance(i.action, Place) and (not legs or i.leg in legs)]

    def cancelled(self) -> list[str]:
        """Client ids of the orders that were asked to go, in order."""
        intents = [d.intent for d in self.decisions if isinstance(d, Approved | Reducing)]
        return [i.action.target_client_order_id for i in intents if isinstance(i.action, Cancel)]

    def alarms(self) -> list[str]:
        return [d.name for d in self.decisions if isinstance(d, Alarm)]

    def refusals(self) -> list[str]:
        return [d.check for d in self.decisions if isinstance(d, Refused)]

    def last_refusal(self) -> Refused:
        return next(d for d in reversed(self.decisions) if isinstance(d, Refused))

    def agreed(self) -> list[str]:
        return [d.signal_id for d in self.decisions if isinstance(d, SignalAgreed)]

    def entered(self, action: Action = Action.BUY, number: int = 1, price: str = "100.1") -> Intent:
        """A position: the signal, its entry filled whole, its stop and target confirmed."""
        self.signal(action, number)
        entry = self.placed(Leg.ENTRY)[-1]
        self.accept(entry)
        self.fill(entry, price=price)
        for leg in (Leg.STOP, Leg.TARGET):
            self.accept(self.placed(leg)[-1])
        return entry


def place_of(intent: Intent) -> Place:
    assert isinstance(intent.action, Place)
    return intent.action


def fill_of(
    intent: Intent,
    quantity: str | Decimal,
    price: str | Decimal,
    trade_id: str,
    *,
    fee: str = "0",
    fee_asset: str = "USDT",
    at: int = START,
    side: Side | None = None,
) -> OrderFilled:
    """One fill of an order."""
    return OrderFilled(
        intent.account, intent.instrument, intent.client_order_id, trade_id, side or place_of(intent).side,
        Decimal(quantity), Decimal(price), Decimal(fee), fee_asset, Liquidity.TAKER, at, at,
    )  # fmt: skip
