"""What holds of protection whatever the venue says, and in whatever order it says it."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.execution.blotter import Blotter
from petrosa.core.execution.lifecycle import Order, submitted
from petrosa.core.execution.pairs import pairs_of, wanted_pairs
from petrosa.core.execution.params import ExecutionParams
from petrosa.core.execution.protection import Guard, is_stuck
from petrosa.core.execution.reducing import Cause
from petrosa.core.model.base import Side
from petrosa.core.model.events import Decision, Event
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.orders import Cancel, CancelRejected, Intent, Leg, OrderFilled, OrderType, Place, Reducing
from petrosa.core.model.signals import Action
from tests.kit.soak import examples
from tests.kit.trading import PERPETUAL, SPOT, START, Session, fill_of, instrument, place_of

ZERO = Decimal(0)
PROTECTIVE = (Leg.STOP, Leg.TARGET)
MOVES = ("accept", "accept", "reject", "fill", "fill", "fill", "cancel", "cancel", "again", "wait", "close")
SCRIPTS = st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 30), st.integers(1, 4)), max_size=40)


class Watched(Session):
    """A session that is looked at after every turn."""

    def __init__(self, rules: Instrument, check: Callable[[], None]) -> None:
        self.check: Callable[[], None] = lambda: None
        super().__init__(instruments=(rules,))
        self.check = check

    def tell(self, event: Event) -> Sequence[Decision]:
        decisions = super().tell(event)
        self.check()
        return decisions


class Venue:
    """Does to a session's orders what a script says: late, in parts, in any order, twice. Keeps books of its own."""

    def __init__(self, rules: Instrument, side: Side) -> None:
        self.session = Watched(rules, self.check)
        self.is_spot = rules.market == "spot"
        self.resting: set[str] = set()
        self.done: set[str] = set()
        self.filled: dict[str, Decimal] = {}
        self.owned = ZERO
        self.checked = 0
        self.before: dict[str, Order] = {}
        self.session.signal(Action.BUY if side is Side.BUY else Action.SELL)

    def play(self, script: list[tuple[str, int, int]]) -> None:
        for move, which, amount in script:
            getattr(self, f"_{move}")(which, amount)

    def check(self) -> None:
        """All that must hold after a turn."""
        session, held = self.session, self.session.trader.held(self.session.rules.id)
        position = session.trader.positions.get(session.rules.id)
        assert self.owned == (ZERO if position is None else position.quantity)
        for order in session.trader.orders:
            old = self.before.get(order.client_order_id, order)
            assert order.filled >= old.filled
            assert old.is_live or not order.is_live
        self.before = {order.client_order_id: order for order in session.trader.orders}
        new = [d.intent for d in session.decisions[self.checked :] if isinstance(d, Reducing)]
        self.checked = len(session.decisions)
        for intent in new:
            if isinstance(intent.action, Place):
                assert intent.action.side is (Side.SELL if held > 0 else Side.BUY)
                assert intent.action.quantity <= abs(held)
            elif not self.is_spot and intent.attempt == 0:  # later ones repeat what was asked before
                self._rests_before_it_goes(intent.action, held)
        if self.is_spot:
            protects = any(isinstance(intent.action, Place) and intent.leg in PROTECTIVE for intent in new)
            self._sells_once(held, protects=protects)

    def _rests_before_it_goes(self, cancel: Cancel, held: Decimal) -> None:
        """A stop of a position is asked to go only when another is confirmed and is not asked to go."""
        orders = {order.client_order_id: order for order in self.session.trader.orders}
        gone = orders[cancel.target_client_order_id]
        if gone.intent.leg is not Leg.STOP or held == 0 or (gone.side is Side.SELL) != (held > 0):
            return
        others = [order for order in orders.values() if order.intent.leg is Leg.STOP and order.side is gone.side]
        assert any(order.is_confirmed and not order.cancels for order in others)

    def _sells_once(self, held: Decimal, *, protects: bool) -> None:
        """What the venue has never locks more than what is held; nor does what it may have, when a pair is placed.

        What it has kept silent about for too long does not count.
        """
        orders = [order for order in self.session.trader.orders if order.intent.leg in PROTECTIVE]
        now = self.session.now
        pairs = [pair for pair in pairs_of(orders) if protects or pair.legs[0].is_confirmed]
        locked = [
            pair.quantity for pair in pairs if not any(is_stuck(order, now, ExecutionParams()) for order in pair.live)
        ]
        assert sum(locked, ZERO) <= max(held, ZERO)

    # moves

    def _open(self) -> list[Intent]:
        return [intent for intent in self.session.placed() if intent.client_order_id not in self.done]

    def _linked(self, intent: Intent) -> list[Intent]:
        """The order and what is listed with it."""
        name = place_of(intent).list_id
        return [one for one in self._open() if one is intent or (name and place_of(one).list_id == name)]

    def _accept(self, which: int, _amount: int) -> None:
        waiting = [intent for intent in self._open() if intent.client_order_id not in self.resting]
        if not waiting:
            return
        chosen = waiting[which % len(waiting)]
        if not self._makes_way(chosen):
            return
        if self.is_spot and chosen.leg in PROTECTIVE and place_of(chosen).quantity > self.owned - self._locked():
            self._reject_all(chosen)  # it comes too late: the balance is gone
            return
        for intent in self._linked(chosen):
            self.resting.add(intent.client_order_id)
            self.session.accept(intent)

    def _makes_way(self, intent: Intent) -> bool:
        """What an order replaces goes first; where that is not there, the order is refused."""
        name = place_of(intent).replaces
        if not name or intent.client_order_id in self.resting:
            return True
        replaced = next((one for one in self._open() if one.client_order_id == name and name in self.resting), None)
        if replaced is None:
            self._reject_all(intent)
            return False
        self.resting.add(intent.client_order_id)
        for one in self._linked(replaced):
            self.done.add(one.client_order_id)
            self.session.canceled(one.client_order_id)
        return True

    def _reject(self, which: int, _amount: int) -> None:
        waiting = [intent for intent in self._open() if intent.client_order_id not in self.resting]
        waiting = [intent for intent in waiting if intent.leg is not Leg.ENTRY]
        if not waiting:
            return
        chosen = waiting[which % len(waiting)]
        if which % 2 or self._makes_way(chosen):  # of an exit that is refused, the pair may have gone already
            self._reject_all(chosen)

    def _reject_all(self, chosen: Intent) -> None:
        for intent in self._linked(chosen):
            self.done.add(intent.client_order_id)
            self.session.reject(intent)

    def _fill(self, which: int, amount: int) -> None:
        """A part of an order fills; one that is set off takes what it is listed with off, before or after the news."""
        ready = [i for i in self._open() if i.leg not in PROTECTIVE or i.client_order_id in self.resting]
        if not ready:
            return
        intent = ready[which % len(ready)]
        if not self._makes_way(intent):
            return
        place = place_of(intent)
        leaves = place.quantity - self.filled.get(intent.client_order_id, ZERO)
        quantity = leaves if amount == 4 else self.session.rules.quantity(leaves * amount / 4)
        if place.reduce_only:
            free = self.owned * -place.side.sign - (self._locked() if intent.leg not in PROTECTIVE else ZERO)
            quantity = min(quantity, self.session.rules.quantity(max(free, ZERO)))
        if quantity <= 0:
            return
        others = [one for one in self._linked(intent) if one is not intent]
        if which % 2:
            self._expire(others)
        if intent.leg in PROTECTIVE:
            self.session.trigger(intent)
        self._deal(intent, quantity)
        if not which % 2:
            self._expire(others)

    def _locked(self) -> Decimal:
        """What may not be sold on spot, since it is on sale already."""
        if not self.is_spot:
            return ZERO
        return sum(
            (
                place_of(one).quantity
                for one in self._open()
                if one.leg is Leg.STOP and one.client_order_id in self.resting
            ),
            ZERO,
        )

    def _deal(self, intent: Intent, quantity: Decimal) -> None:
        name, place = intent.client_order_id, place_of(intent)
        fee = quantity / 1_000 if self.is_spot and place.side is Side.BUY else ZERO
        self.owned += quantity * place.side.sign - fee
        self.filled[name] = self.filled.get(name, ZERO) + quantity
        if self.filled[name] == place.quantity:
            self.done.add(name)
        self.session.fill(intent, quantity, "100", fee=str(fee), fee_asset="BTC" if fee else "USDT")

    def _expire(self, intents: list[Intent]) -> None:
        for intent in intents:
            self.done.add(intent.client_order_id)
            self.session.expire(intent, "the other leg was set off")

    def _cancel(self, which: int, _amount: int) -> None:
        """One of the cancels arrives: too late, or it takes off the order and what is listed with it."""
        asked = self.session.cancelled()
        if not asked:
            return
        name = asked[which % len(asked)]
        intent = next(one for one in self.session.placed() if one.client_order_id == name)
        if name in self.done:
            where = (intent.account, intent.instrument, name)
            self.session.tell(CancelRejected(*where, "unknown order", self.session.now, self.session.now))
            return
        for one in self._linked(intent):
            self.done.add(one.client_order_id)
            self.session.canceled(one.client_order_id)

    def _again(self, which: int, _amount: int) -> None:
        """Old news once more."""
        _, event = self.session.heard[which % len(self.session.heard)]
        if hasattr(event, "client_order_id"):
            self.session.tell(event)

    def _wait(self, _which: int, amount: int) -> None:
        self.session.wait(amount)

    def _close(self, which: int, _amount: int) -> None:
        self.session.signal(Action.CLOSE, 2 + which)


@examples(150)
@given(script=SCRIPTS, side=st.sampled_from(Side))
def test_derivatives_are_never_without_the_stop_that_they_had(script: list[tuple[str, int, int]], side: Side) -> None:
    """Opposite side, never more than held, new before old, position the sum of fills, nothing ended lives again."""
    Venue(PERPETUAL, side).play(script)


@examples(150)
@given(script=SCRIPTS, side=st.sampled_from(Side), most=st.integers(1, 30))
def test_a_position_larger_than_an_order_is_covered_by_several(
    script: list[tuple[str, int, int]], side: Side, most: int
) -> None:
    """No order is too large, and once the venue has answered everything the stops are the size of what is held."""
    venue = Venue(instrument(max_quantity=Decimal(most)), side)
    venue.play(script)
    session = venue.session
    for _ in range(12):
        session.settle()
    held = session.trader.held(session.rules.id)
    assert all(place_of(intent).quantity <= most for intent in session.placed(*PROTECTIVE))
    if held and not session.trader._account.exits.reason(session.rules.id):
        stops = [o for o in session.trader.live_orders(session.rules.id) if o.intent.leg is Leg.STOP]
        # one that is at work is reduce-only: a target that fills beside it makes it no danger
        assert sum((o.leaves for o in stops if not o.is_at_work), ZERO) <= abs(held)
        assert {} == session.trader.unprotected


@examples(150)
@given(script=SCRIPTS)
def test_spot_never_has_more_on_sale_than_it_holds(script: list[tuple[str, int, int]]) -> None:
    """The same, and what lists lock together is never more than what is held."""
    Venue(SPOT, Side.BUY).play(script)


@examples(100)
@given(script=SCRIPTS, most=st.integers(5, 30), room=st.integers(2, 7))
def test_spot_keeps_within_the_venues_largest_order_and_most_orders(
    script: list[tuple[str, int, int]], most: int, room: int
) -> None:
    """However the position grows, no order is too large and no more wait than the venue lets."""
    rules = instrument(market="spot", short_allowed=False, max_quantity=Decimal(most), max_conditional_orders=room)
    venue = Venue(rules, Side.BUY)
    venue.play(script)
    placed = venue.session.placed(*PROTECTIVE)
    assert all(place_of(intent).quantity <= most for intent in placed)
    live = venue.session.trader.live_orders(rules.id)
    assert sum(order.place.type.is_conditional for order in live) <= room


@examples(200)
@given(steps=st.integers(1, 99_000), most=st.integers(1_000, 50_000), resting=st.integers(0, 99_000))
def test_pairs_add_up_to_what_is_held_and_not_to_a_step_more(steps: int, most: int, resting: int) -> None:
    """Rounding and dividing never sell more: what is there and what is added is what is held, or nothing is added."""
    rules = instrument(market="spot", max_quantity=Decimal(most) / 1_000, min_notional=Decimal("0.05"))
    guard = Guard(Cause("paper", rules.id, "s", "s", "skew"), Side.SELL, Decimal("98.1"), Decimal("105.1"))
    held, blotter = Decimal(steps) / 1_000, Blotter()
    place = Place(Side.SELL, OrderType.STOP, min(Decimal(resting) / 1_000, held), trigger_price=Decimal("98.1"))
    orders: list[Order] = []
    if place.quantity:
        orders.append(submitted(Intent("p1", "paper", rules.id, Leg.STOP, place, "s", "skew"), START))
    plan = wanted_pairs(guard, held, rules, orders, blotter, START, ExecutionParams(), 0)
    stops = [place_of(one.intent) for one in plan.places if one.intent.leg is Leg.STOP]
    targets = [place_of(one.intent) for one in plan.places if one.intent.leg is Leg.TARGET]
    assert [one.quantity for one in stops] == [one.quantity for one in targets]
    assert all(one.quantity <= rules.max_quantity for one in stops)
    total = sum((one.quantity for one in stops), place.quantity)
    assert total == held or (total < held and plan.cancels)


@examples(100)
@given(price=st.decimals("10", "90000", places=1), side=st.sampled_from(Side))
def test_the_default_stop_is_never_farther_than_its_distance(price: Decimal, side: Side) -> None:
    """A position that no signal of ours opened: rounding brings the stop nearer, on the losing side."""
    session = Session()
    foreign = Place(side, OrderType.MARKET, Decimal(1))
    session.tell(fill_of(Intent("web", "paper", PERPETUAL.id, Leg.MANUAL, foreign, "", ""), "1", price, "x1"))
    level = place_of(session.placed(Leg.STOP)[0]).trigger_price
    assert level is not None
    assert ZERO < (price - level) * side.sign <= price * Decimal("0.02")
    assert 0 == level % PERPETUAL.tick


def test_an_account_that_trades_with_itself_has_one_trade_on_two_sides() -> None:
    """Both count, each once."""
    session = Session()
    entry = session.entered()
    held = session.trader.held(PERPETUAL.id)
    both = [fill_of(entry, "1", "100", "self", side=side) for side in (Side.BUY, Side.SELL)]
    for fill in (*both, *both):
        assert isinstance(fill, OrderFilled)
        session.tell(fill)
    assert held == session.trader.held(PERPETUAL.id)
    session.tell(fill_of(entry, "1", "100", "other"))
    assert held + 1 == session.trader.held(PERPETUAL.id)
