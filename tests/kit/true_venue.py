"""A venue that knows the truth about an account, beside a session that hears of it only what a test lets it hear."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from petrosa.core.model.account import AccountStated, AccountUnclear, StatedOrder, StatedPosition
from petrosa.core.model.base import Side
from petrosa.core.model.commands import ResolveFinding
from petrosa.core.model.events import Decision
from petrosa.core.model.findings import Finding, FindingResolved, How, Reconciled
from petrosa.core.model.orders import (
    Approved,
    Cancel,
    Intent,
    Leg,
    Liquidity,
    OrderAccepted,
    OrderCanceled,
    OrderEvent,
    OrderFilled,
    OrderStatus,
    OrderType,
    Place,
    Reducing,
)
from petrosa.core.model.positions import PositionSide
from tests.kit.trading import PERPETUAL, Session, place_of

ZERO = Decimal(0)
PERSON = "web_123"
KEY = PERPETUAL.id
ONE = Decimal(1)
LIMIT = Place(Side.BUY, OrderType.LIMIT, ONE, Decimal(90))


def entry_of(session: Session) -> Intent:
    """The last entry that the desk placed."""
    return session.placed(Leg.ENTRY)[-1]


class TrueVenue:
    """Orders, trades and a position of the session's first instrument. `news` holds what nobody was told yet.

    A market order fills at 100 at once, a reduce-only one never beyond the position; everything else rests until a
    test fills it or takes it off.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.orders: dict[str, StatedOrder] = {}
        self.fills: list[OrderFilled] = []
        self.wallet = Decimal(10_000)
        self.news: list[OrderEvent] = []
        self.positions: list[StatedPosition] = []
        self.offset = ZERO
        self.forgotten: set[str] = set()
        self._seen = 0

    @property
    def position(self) -> Decimal:
        return sum((fill.quantity * fill.side.sign for fill in self.fills), self.offset)

    @property
    def open(self) -> dict[str, StatedOrder]:
        return {
            name: order
            for name, order in self.orders.items()
            if not order.status.is_terminal and name not in self.forgotten
        }

    def leaving(self) -> list[Intent]:
        """What has left the session since the last call."""
        decisions, self._seen = self.session.decisions[self._seen :], len(self.session.decisions)
        return [decision.intent for decision in decisions if isinstance(decision, Approved | Reducing)]

    def take(self, intent: Intent) -> None:
        """A request arrives."""
        if isinstance(intent.action, Cancel):
            self.end(intent.action.target_client_order_id)
            return
        self.rest(intent.client_order_id, intent.action)
        if intent.action.type is OrderType.MARKET:
            self.fill(intent.client_order_id)
            self.end(intent.client_order_id)

    def rest(self, name: str, place: Place, status: OrderStatus = OrderStatus.ACCEPTED) -> StatedOrder:
        """An order is accepted, whoever placed it."""
        key, now = self.session.rules.id, self.session.now
        stated = self.orders[name] = StatedOrder(
            "paper", key, name, f"v-{len(self.orders)}", place.side, place.type, status, place.quantity, ZERO, now,
            place.price, place.trigger_price, place.reduce_only,
        )  # fmt: skip
        self.news.append(OrderAccepted("paper", key, name, stated.venue_order_id, now, now))
        return stated

    def fill(self, name: str, quantity: Decimal | None = None, price: Decimal = Decimal(100)) -> None:
        """An order trades, as far as there is something of it and, reduce-only, of the position."""
        order = self.orders[name]
        left = order.quantity - order.filled
        if order.reduce_only:
            held = self.position * -order.side.sign
            left = min(left, max(held, ZERO))
        quantity = min(left, quantity) if quantity is not None else left
        if quantity <= 0 or order.status.is_terminal:
            return
        filled = order.filled + quantity
        status = OrderStatus.FILLED if filled == order.quantity else OrderStatus.PARTIALLY_FILLED
        self.orders[name] = msgspec.structs.replace(order, filled=filled, status=status)
        self.trade(name, order.side, quantity, price)

    def trade(self, name: str, side: Side, quantity: Decimal, price: Decimal = Decimal(100)) -> None:
        """The account trades."""
        key, now = self.session.rules.id, self.session.now
        fill = OrderFilled(
            "paper", key, name, f"x{len(self.fills)}", side, quantity, price, ZERO, "USDT", Liquidity.TAKER, now, now
        )
        self.fills.append(fill)
        self.news.append(fill)

    def end(self, name: str, status: OrderStatus = OrderStatus.CANCELED) -> None:
        """An order is over, if it was alive."""
        order = self.orders.get(name)
        if order is not None and not order.status.is_terminal:
            self.orders[name] = msgspec.structs.replace(order, status=status)
            where = (order.account, order.instrument, name)
            self.news.append(OrderCanceled(*where, "gone", self.session.now, self.session.now))

    def tell(self, *, heard: bool = True) -> None:
        """What happened is heard, or never is."""
        news, self.news = self.news, []
        for event in news if heard else ():
            self.session.tell(event)

    def statement(self, cause: str = "test") -> AccountStated:
        """What the venue states now, asked about what the session takes for alive."""
        live = [order.client_order_id for order in self.session.trader.live_orders(self.session.rules.id)]
        known = {name: order for name, order in self.orders.items() if name not in self.forgotten}
        where, held, price = self.session.rules.id, self.position, Decimal(100)
        held_now = [StatedPosition("paper", where, PositionSide.NET, held, price)] if held != 0 else []
        is_spot = self.session.rules.market == "spot"
        return AccountStated(
            account="paper",
            cause=cause,
            orders=tuple(self.open.values()),
            answers=tuple(known[name] for name in live if name in known and name not in self.open),
            missing=tuple(name for name in live if name not in known),
            positions=() if is_spot else (*held_now, *self.positions),
            balances={"USDT": self.wallet, **({self.session.rules.base: held} if is_spot else {})},
            ts_event=self.session.now,
            ts_seen=self.session.now,
        )

    def state(self, cause: str = "test", *, with_fills: bool = True) -> Sequence[Decision]:
        """The session is told the trades there were, and a statement; what it decided then."""
        began = len(self.session.decisions)
        for fill in self.fills if with_fills else ():
            self.session.tell(fill)
        self.session.tell(self.statement(cause))
        return self.session.decisions[began:]

    def unclear(self, reason: str = "starting") -> None:
        self.session.tell(AccountUnclear("paper", reason))

    def again(self, times: int = 2, seconds: float = 30, *, with_fills: bool = True) -> None:
        """Statements some time apart."""
        for _ in range(times):
            self.session.later(seconds)
            self.state(with_fills=with_fills)

    def resolve(self, finding: Finding | str, how: How) -> FindingResolved:
        """A person decides."""
        name = finding if isinstance(finding, str) else finding.finding_id
        decisions = self.session.tell(ResolveFinding(f"c-{name}-{how.value}", "ann", "because", name, how))
        return next(decision for decision in decisions if isinstance(decision, FindingResolved))

    def findings(self) -> list[Finding]:
        return list(self.session.trader.findings)

    def said(self) -> list[Reconciled]:
        return [decision for decision in self.session.decisions if isinstance(decision, Reconciled)]

    def entered(self) -> Intent:
        """A position of the session's own, with its protection resting, all of it heard."""
        self.session.signal(number=len(self.orders) + 1)
        entry = self.leaving()[0]
        self.rest(entry.client_order_id, place_of(entry))
        self.fill(entry.client_order_id)
        self.tell()
        self.hear_all()
        return entry

    def hear_all(self) -> None:
        """Everything that leaves arrives and is answered, until nothing leaves any more."""
        while leaving := self.leaving():
            for intent in leaving:
                self.take(intent)
            self.tell()

    def stops(self) -> list[StatedOrder]:
        return [order for order in self.open.values() if order.type is OrderType.STOP]
