"""What must hold whatever orders somebody asks for: no position without a stop, nothing that closes more than is held.

The desk trades with the simulated exchange on a market that jumps about, gaps through triggers and limits included.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.desk import Desk
from petrosa.core.execution.params import AccountParams
from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND, Side
from petrosa.core.model.commands import CancelOrder, PlaceOrder
from petrosa.core.model.events import Decision, Event, Halted
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BestQuote, Trade
from petrosa.core.model.orders import Leg, OrderType, Place, Reducing, TimeInForce
from petrosa.core.risk.params import RiskParams
from petrosa.core.signals.params import SameDirection, SignalParams
from petrosa.core.simulation.exchange import Exchange
from petrosa.core.simulation.params import SimulationParams
from petrosa.core.trader import Trader, TraderParams
from petrosa.core.turns import Turns
from tests.kit.soak import examples
from tests.kit.trading import PERPETUAL, SPOT, START


class Asked(NamedTuple):
    """An order: prices as ticks from the middle of the market, quantities in steps."""

    side: Side
    type: OrderType
    steps: int
    price: int | None
    trigger: int | None
    callback: str | None
    tif: TimeInForce
    reduce_only: bool
    stop: int | None
    target: int | None


class Cancelled(NamedTuple):
    """A cancel of one of the orders there ever were, or of none."""

    number: int


class Moved(NamedTuple):
    """The market jumps by so many ticks, and is quoted there for a while."""

    ticks: int
    seconds: int


AWAY = st.integers(-40, 40)
ORDERS = st.builds(
    Asked,
    st.sampled_from(Side),
    st.sampled_from(OrderType),
    st.sampled_from([0, 1, 100, 1_000, 1_000, 5_000, 10_000_000]),
    st.none() | AWAY,
    st.none() | AWAY,
    st.sampled_from([None, "0.003", "0.05", "0.5"]),
    st.sampled_from(TimeInForce),
    st.booleans(),
    st.none() | AWAY,
    st.none() | AWAY,
)
SOUND = ORDERS.map(
    lambda one: one._replace(
        steps=max(one.steps % 5_001, 100),
        price=(one.price or 0) if "limit" in one.type.value else None,
        trigger=None if one.type in (OrderType.MARKET, OrderType.LIMIT) else (one.trigger or 3),
        callback="0.003" if one.type is OrderType.TRAILING_STOP else None,
        tif=one.tif if "limit" in one.type.value else TimeInForce.GTC,
        stop=None, target=None,
    )
)  # fmt: skip
SCRIPTS = st.lists(
    ORDERS | SOUND | SOUND | st.builds(Cancelled, st.integers(0, 60)) | st.builds(Moved, AWAY, st.integers(1, 8)),
    min_size=1, max_size=25,
)  # fmt: skip


class Bench:
    """A desk, the exchange, and the proofs: held at every decision against what may leave then."""

    def __init__(self, rules: Instrument, mode: SameDirection) -> None:
        self.rules = rules
        params = TraderParams(
            signals=SignalParams(same_direction=mode), risk=RiskParams(accumulation_cooldown_seconds=0)
        )
        markets = {rules.id: MarketState(rules, Tape(10 * NS_PER_SECOND))}
        balances = {"USDT": Decimal(10_000)}
        self.trader = Trader(AccountParams(balances=balances), {rules.id: rules}, markets, params)
        self.exchange = Exchange({rules.id: rules}, SimulationParams(), "paper", balances)
        self.turns = Turns(Desk(markets, None, self.trader), self.looked_at, self.exchange.submit, self.exchange)
        self.now, self.middle, self.count = START, 1_000, 0
        self.halted = False
        self.show(2)

    def looked_at(self, _sequence: int, _now: int, _event: Event, decisions: Sequence[Decision]) -> None:
        """Nothing that is to make a position smaller is larger than the position is when it leaves."""
        held = self.trader.held(self.rules.id)
        for decision in decisions:
            self.halted |= isinstance(decision, Halted)
            if isinstance(decision, Reducing) and isinstance(decision.intent.action, Place):
                place = decision.intent.action
                assert place.reduce_only
                assert 0 < place.quantity <= abs(held)
                assert place.side.sign * held < 0

    def show(self, seconds: int) -> None:
        """Quote and print at the middle, ten times a second."""
        tick = float(self.rules.tick)
        for _ in range(seconds * 10):
            self.now += 100 * NS_PER_MS
            self.count += 1
            bid, ask, last = ((self.middle + away) * tick for away in (-1, 1, 0))
            key = self.rules.id
            self.turns.market(BestQuote(key, self.now, self.now, self.count, bid, 50.0, ask, 50.0), self.now)
            self.turns.market(Trade(key, self.now, self.now, last, 20.0, Side.BUY, self.count), self.now)

    def do(self, step: Asked | Cancelled | Moved) -> None:
        self.count += 1
        name = f"c{self.count}"
        match step:
            case Moved():
                self.middle = max(100, self.middle + step.ticks)
                self.show(step.seconds)
            case Cancelled():
                orders = self.trader.orders
                target = orders[step.number % len(orders)].client_order_id if orders else "none"
                self.turns.other(CancelOrder(name, "ann", "so", target), self.now)
            case Asked():
                self.turns.other(self.command(name, step), self.now)

    def command(self, name: str, asked: Asked) -> PlaceOrder:
        price, trigger, stop, target = (
            None if away is None else (self.middle + away) * self.rules.tick
            for away in (asked.price, asked.trigger, asked.stop, asked.target)
        )
        return PlaceOrder(
            name, "ann", "so", self.rules.id, asked.side, asked.type, asked.steps * self.rules.step, price, trigger,
            None if asked.callback is None else Decimal(asked.callback), asked.tif, asked.reduce_only, stop, target,
        )  # fmt: skip

    def is_covered(self) -> bool:
        """Whether all that is held has confirmed stops behind it, or nothing is held."""
        held, live = self.trader.held(self.rules.id), self.trader.live_orders(self.rules.id)
        stops = sum(one.leaves for one in live if one.intent.leg is Leg.STOP and one.is_confirmed)
        return stops >= abs(held)


MODES = st.sampled_from(SameDirection)


@examples(60)
@given(SCRIPTS, MODES, st.sampled_from([PERPETUAL, SPOT]))
def test_there_is_never_a_position_without_a_stop(
    script: list[Asked | Cancelled | Moved], mode: SameDirection, rules: Instrument
) -> None:
    """Once the venue has had three quiet seconds to answer, after every single thing that happened."""
    bench = Bench(rules, mode)
    for step in script:
        bench.do(step)
        bench.show(3)
        assert bench.is_covered()
        held = bench.trader.held(rules.id)
        assert held == bench.exchange.account.steps_held(rules) * rules.step
        for order in bench.trader.live_orders(rules.id):
            assert order.enlarges or order.side.sign * held < 0
    assert not bench.halted


def test_the_scripts_do_trade() -> None:
    """Every type of order leaves and fills in some script: otherwise the property would prove little."""
    seen = set()
    for kind in OrderType:
        for side in Side:
            bench = Bench(PERPETUAL, SameDirection.REJECT_DUPLICATES)
            opens = Asked(side, OrderType.MARKET, 1_000, None, None, None, TimeInForce.GTC, False, None, None)
            sign = -side.sign if kind in (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT) else side.sign
            at_once = kind in (OrderType.MARKET, OrderType.LIMIT)
            limit = (0 if at_once else sign * 10) + side.sign * 4 if "limit" in kind.value else None
            trigger = None if at_once else sign * 10
            trails = kind is OrderType.TRAILING_STOP
            asked = opens._replace(type=kind, price=limit, trigger=trigger)
            if trails:
                bench.do(opens)
                bench.show(3)
                asked = asked._replace(side=side.opposite, trigger=None, callback="0.003", reduce_only=True)
            bench.do(asked)
            bench.show(3)
            bench.do(Moved(sign * -12 if trails else sign * 12, 3))
            bench.show(3)
            order = next(one for one in reversed(bench.trader.orders) if one.intent.leg is Leg.MANUAL)
            assert bench.is_covered()
            if order.filled == order.place.quantity:
                seen.add((kind, side))
    assert seen == {(kind, side) for kind in OrderType for side in Side}
