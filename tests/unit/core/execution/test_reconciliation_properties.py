"""Whatever reaches the venue, whatever is heard of it: a few statements later our books are the venue's."""

from decimal import Decimal

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from petrosa.core.model.base import Side
from petrosa.core.model.findings import Finding, FindingKind, How
from petrosa.core.model.orders import Intent, OrderStatus, OrderType, Place
from petrosa.core.model.signals import Action
from petrosa.core.trader import TraderState
from tests.kit.soak import examples
from tests.kit.trading import PERPETUAL, Session
from tests.kit.true_venue import PERSON, TrueVenue

KEY = PERPETUAL.id
QUANTITIES = st.sampled_from([Decimal("0.001"), Decimal("0.5"), Decimal(2), None])
HEARD = st.booleans()
BY_CANCEL = (FindingKind.FOREIGN_ORDER, FindingKind.UNREMEMBERED_ORDER, FindingKind.DEAD_ORDER_RESTS)


class Account(RuleBasedStateMachine):
    """A trader and the venue's truth. Requests are lost or late, news is lost, a person trades beside the desk."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session()
        self.venue = TrueVenue(self.session)
        self.underway: list[Intent] = []
        self.signals = 0

    @rule(action=st.sampled_from([Action.BUY, Action.SELL, Action.CLOSE]))
    def signal(self, action: Action) -> None:
        self.signals += 1
        self.session.signal(action, self.signals)

    @rule(reach=st.integers(0, 7), heard=HEARD)
    def send(self, reach: int, heard: bool) -> None:
        """Of what leaves, some arrives now, and the rest may arrive later."""
        for number, intent in enumerate([*self.underway, *self.venue.leaving()]):
            if reach >> (number % 3) & 1:
                self.arrive(intent)
            elif intent not in self.underway:
                self.underway.append(intent)
        self.venue.tell(heard=heard)

    @rule()
    def lose(self) -> None:
        """What is on its way never arrives."""
        self.underway = []
        self.venue.leaving()

    @precondition(lambda self: self.venue.open)
    @rule(data=st.data(), quantity=QUANTITIES, heard=HEARD)
    def fill(self, data: st.DataObject, quantity: Decimal | None, heard: bool) -> None:
        self.venue.fill(data.draw(st.sampled_from(sorted(self.venue.open))), quantity)
        self.venue.tell(heard=heard)

    @precondition(lambda self: self.venue.open)
    @rule(data=st.data(), heard=HEARD, status=st.sampled_from([OrderStatus.CANCELED, OrderStatus.EXPIRED]))
    def end(self, data: st.DataObject, heard: bool, status: OrderStatus) -> None:
        self.venue.end(data.draw(st.sampled_from(sorted(self.venue.open))), status)
        self.venue.tell(heard=heard)

    @rule(side=st.sampled_from(Side), heard=HEARD)
    def person_trades(self, side: Side, heard: bool) -> None:
        self.venue.trade(f"{PERSON}{len(self.venue.fills)}", side, Decimal("0.3"))
        self.venue.tell(heard=heard)

    @rule(side=st.sampled_from(Side))
    def person_rests(self, side: Side) -> None:
        price = Decimal(90) if side is Side.BUY else Decimal(110)
        self.venue.rest(PERSON, Place(side, OrderType.LIMIT, Decimal(1), price))
        self.venue.tell(heard=False)

    @rule(change=st.sampled_from([Decimal(1), Decimal(-1), Decimal("0.2")]))
    def drift(self, change: Decimal) -> None:
        """The position changes by a trade that the venue never tells."""
        self.venue.offset += change

    @rule(seconds=st.sampled_from([0.1, 2.0, 6.0, 45.0]))
    def wait(self, seconds: float) -> None:
        self.session.later(seconds)

    @rule()
    def gap(self) -> None:
        self.venue.unclear("a gap")

    @rule(with_fills=HEARD)
    def state(self, with_fills: bool) -> None:
        self.venue.state(with_fills=with_fills)

    @rule()
    def restart(self) -> None:
        """Go on from a checkpoint, as it stands in a journal."""
        encoded = msgspec.json.encode(self.session.trader.snapshot())
        self.session.trader.restore(msgspec.json.decode(encoded, type=TraderState))
        assert msgspec.json.encode(self.session.trader.snapshot()) == encoded

    def arrive(self, intent: Intent) -> None:
        self.venue.take(intent)
        if intent in self.underway:
            self.underway.remove(intent)

    def decide(self, finding: Finding) -> None:
        """What a person would do who wants it gone."""
        how = How.FLATTEN if finding.kind in BY_CANCEL else How.ADOPT
        self.venue.resolve(finding, how)

    def teardown(self) -> None:
        """Everything arrives and is heard again, statements come, and a person decides what is left to decide."""
        self.lose()
        self.venue.tell()
        for _ in range(14):
            self.venue.hear_all()
            self.session.later(45)
            self.venue.hear_all()
            self.venue.state("calm")
            for finding in self.venue.findings():
                self.decide(finding)
        self.agree()
        self.again_the_same()
        super().teardown()

    def agree(self) -> None:
        trader, venue = self.session.trader, self.venue
        assert venue.position == trader.positions[KEY].quantity if KEY in trader.positions else venue.position == 0
        ours = {order.client_order_id: order.filled for order in trader.live_orders(KEY)}
        assert ours == {name: order.filled for name, order in venue.open.items()}
        assert "" == trader.findings.closed
        assert venue.wallet == trader.balances["USDT"]
        held = trader.held(KEY)
        stops = [one for one in venue.stops() if one.side is (Side.SELL if held > 0 else Side.BUY)]
        assert (1 if held else 0) == len(stops) == len(venue.stops())
        assert sum(stop.quantity - stop.filled for stop in stops) >= abs(held)

    def again_the_same(self) -> None:
        """The same events, turned again, lead to the same decisions."""
        other = Session()
        other.heard.clear()
        decided = []
        for now, event in self.session.heard[1:]:
            decided.extend(other.desk.handle(event, now))
        assert decided == self.session.decisions


TestAccount = Account.TestCase
TestAccount.settings = examples(60)  # type: ignore[assignment]  # which is what hypothesis calls settings
