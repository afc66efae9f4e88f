"""What is true of the simulated exchange whatever the market and the orders do."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.model.base import Side
from petrosa.core.model.orders import AccountEvent, BalanceChanged, OrderFilled, OrderType, TimeInForce
from petrosa.core.simulation.exchange import SimulatedState
from petrosa.core.simulation.params import FillModel, SimulationParams
from tests.kit.paper import BUY, PERPETUAL, SELL, Paper
from tests.kit.soak import examples, sample

CENTRE = 10_000
"""Ticks round which markets move and are mirrored."""
KINDS = tuple(OrderType)
MIRRORED = tuple(kind for kind in OrderType if kind is not OrderType.TRAILING_STOP)
"""A fraction of a price is another one of the mirrored price."""


class Step(NamedTuple):
    """One thing that happens `wait` ms after the last one, `late` ms before its stamp says so, prices in ticks."""

    what: str
    wait: int
    late: int
    side: Side
    ticks: int
    steps: int
    extra: int


def script(seed: int, length: int = 120) -> list[Step]:
    """A market that wanders, whose stamps run backwards now and then, and orders of every type into it."""
    chance = random.Random(seed)
    fair, steps = CENTRE, []
    for number in range(length):
        fair += chance.choice((-2, -1, 0, 0, 1, 2))
        what = chance.choice(("trade", "trade", "diff", "diff", "quote", "order", "order", "cancel"))
        if number > length - 30 and what in ("order", "cancel"):
            what = "diff"
        side = chance.choice((BUY, SELL))
        away = chance.randint(1, 4)
        ticks = fair - side.sign * away if what in ("diff", "quote") else fair + chance.randint(-4, 4)
        steps.append(
            Step(what, chance.randint(0, 12), chance.choice((0, 0, 0, 3, 8)), side, ticks, chance.randint(0, 40),
                 chance.randrange(1_000))
        )  # fmt: skip
    return steps


class Run:
    """Plays a script, mirrored or not, and keeps a plain book beside it to compare with."""

    def __init__(
        self, params: SimulationParams | None = None, *, mirrored: bool = False, kinds: Sequence[OrderType] = KINDS
    ) -> None:
        self.paper = Paper(feed=4, params=params)
        self.mirrored = mirrored
        self.kinds = kinds
        self.sent: dict[str, int] = {}
        self.asked: dict[str, Decimal] = {}
        self.book: dict[Side, dict[int, int]] = {BUY: {}, SELL: {}}
        self.shown: list[tuple[int, int, int]] = []
        """(stamp, best price a buy could meet, best price a sell could meet) of every market fact, in ticks."""
        self.ts = 1000
        for ticks in range(CENTRE - 30, CENTRE + 31):
            if ticks != CENTRE:
                self.book[self.side(BUY if ticks < CENTRE else SELL)][self.ticks(ticks)] = 20
        self.paper.snapshot(self.ts, self.levels(BUY), self.levels(SELL))

    def ticks(self, ticks: int) -> int:
        return 2 * CENTRE - ticks if self.mirrored else ticks

    def side(self, side: Side) -> Side:
        return side.opposite if self.mirrored else side

    def levels(self, side: Side) -> list[tuple[float, float]]:
        ordered = sorted(self.book[side].items(), reverse=side is BUY)
        return [(self.price(ticks), steps / 1000) for ticks, steps in ordered]

    @staticmethod
    def price(ticks: int) -> float:
        return float(Decimal(ticks) * PERPETUAL.tick)

    def play(self, steps: list[Step], first: int = 0) -> list[AccountEvent]:
        for number, step in enumerate(steps, first):
            self.ts += step.wait
            self.step(number, step)
        return self.paper.finish()

    def step(self, number: int, step: Step) -> None:
        side, ticks = self.side(step.side), self.ticks(step.ticks)
        stamp, heard = self.ts - step.late, self.ts + self.paper.feed
        if step.what == "order":
            self.paper.wait(heard)
            self.order(f"o{number}", side, ticks, step)
        elif step.what == "cancel" and self.sent:
            self.paper.wait(heard)
            self.paper.cancel(sorted(self.sent)[step.extra % len(self.sent)])
        elif step.what == "trade":
            self.paper.trade(stamp, self.price(ticks), max(1, step.steps) / 1000, side, now=heard)
            self.shown.append((stamp, ticks, ticks))
        elif step.what in ("diff", "quote"):
            self.change(side, ticks, step.steps, stamp, heard)

    def change(self, side: Side, ticks: int, steps: int, stamp: int, heard: int) -> None:
        """A level gets a size; what it crosses on the other side goes, and the best level is never taken away."""
        book, other = self.book[side], self.book[side.opposite]
        changes: dict[Side, list[tuple[float, float]]] = {BUY: [], SELL: []}
        book[ticks] = steps
        changes[side].append((self.price(ticks), steps / 1000))
        for crossed in [level for level in other if side.sign * (ticks - level) >= 0] if steps else []:
            del other[crossed]
            changes[side.opposite].append((self.price(crossed), 0.0))
        if steps == 0:
            del book[ticks]
        if not book or not other:
            empty = side if not book else side.opposite
            refill = ticks - empty.sign * 5
            self.book[empty][refill] = 9
            changes[empty].append((self.price(refill), 0.009))
        self.paper.diff(stamp, changes[BUY], changes[SELL], now=heard)
        self.shown.append((stamp, min(self.book[SELL]), max(self.book[BUY])))

    def order(self, cid: str, side: Side, ticks: int, step: Step) -> None:
        self.sent[cid] = self.paper.now
        quantity = str(Decimal(max(step.steps, 2)) * PERPETUAL.step * 5)
        self.asked[cid] = Decimal(quantity)
        price = str(Decimal(ticks) * PERPETUAL.tick)
        beyond = str(Decimal(ticks + side.sign * (step.extra % 3)) * PERPETUAL.tick)
        tif = list(TimeInForce)[step.extra % 4]
        reduce_only, place = step.extra > 500, self.paper.place
        match self.kinds[step.extra // 4 % len(self.kinds)]:
            case OrderType.MARKET:
                place(cid, side, quantity, reduce_only=step.extra > 800)
            case OrderType.LIMIT:
                place(cid, side, quantity, limit=price, tif=tif)
            case OrderType.STOP:
                place(cid, side, quantity, stop=price, reduce_only=reduce_only)
            case OrderType.TAKE_PROFIT:
                place(cid, side, quantity, target=price, reduce_only=reduce_only)
            case OrderType.STOP_LIMIT:
                place(cid, side, quantity, stop=price, limit=beyond, tif=tif, list_id=str(step.extra % 3 or ""))
            case OrderType.TAKE_PROFIT_LIMIT:
                place(cid, side, quantity, target=price, limit=beyond, tif=tif, list_id=str(step.extra % 3 or ""))
            case OrderType.TRAILING_STOP:
                activation = price if step.extra % 2 else None
                place(cid, side, quantity, stop=activation, callback="0.0003", reduce_only=reduce_only)


seeds = st.integers(0, 10_000)
few = examples(25)


@few
@given(seeds)
def test_no_fill_is_better_than_the_best_it_could_meet(seed: int) -> None:
    """For each fill some opposite quote or print, stamped at or after the order's arrival, was at least as good."""
    run = Run()
    run.play(script(seed))
    for fill in run.paper.fills():
        arrival = run.sent[fill.client_order_id] // 1_000_000 + 5
        ticks = fill.price / PERPETUAL.tick
        could = [shown[1 if fill.side is BUY else 2] for shown in run.shown if shown[0] >= arrival]
        assert ticks >= min(could) if fill.side is BUY else ticks <= max(could)


@few
@given(seeds)
def test_nothing_fills_beyond_what_was_asked_and_the_position_is_the_sum_of_the_fills(seed: int) -> None:
    """Quantities and balances add up to the last digit that matters."""
    run = Run()
    run.play(script(seed))
    filled: dict[str, Decimal] = defaultdict(Decimal)
    position, cash = Decimal(0), Decimal(1_000_000)
    for fill in run.paper.fills():
        filled[fill.client_order_id] += fill.quantity
        position += fill.quantity * fill.side.sign
        cash -= fill.quantity * fill.side.sign * fill.price + fill.fee
    assert all(filled[cid] <= run.asked[cid] for cid in filled)
    assert run.paper.position == position
    account = run.paper.exchange.account
    entry = account.holdings[PERPETUAL.id].entry if PERPETUAL.id in account.holdings else Decimal(0)
    assert abs(cash + position * entry - account.total("USDT")) < Decimal("1e-18")


@few
@given(seeds)
def test_every_order_has_one_beginning_and_one_end_at_most(seed: int) -> None:
    """Accepted or rejected once, ended once, and nothing is said of it before the one or after the other.

    One that was triggered may be accepted once more, as the limit order that it has become.
    """
    run = Run()
    by_order: dict[str, list[str]] = defaultdict(list)
    for event in run.play(script(seed)):
        kind = type(event).__name__
        if kind not in ("CancelRejected", "BalanceChanged", "FundingPaid"):
            by_order[event.client_order_id].append(kind)  # type: ignore[union-attr]
    for kinds in by_order.values():
        counts = Counter(kinds)
        assert kinds[0] in ("OrderAccepted", "OrderRejected")
        if "OrderTriggered" in kinds and kinds[kinds.index("OrderTriggered") + 1 :][:1] == ["OrderAccepted"]:
            counts["OrderAccepted"] -= 1
        assert counts["OrderAccepted"] + counts["OrderRejected"] == 1
        ends = [n for n, kind in enumerate(kinds) if kind in ("OrderCanceled", "OrderExpired", "OrderRejected")]
        assert ends in ([], [len(kinds) - 1])


@pytest.mark.parametrize("fill_model", list(FillModel))
@few
@given(seed=seeds)
def test_a_mirrored_market_and_mirrored_orders_give_mirrored_fills(fill_model: FillModel, seed: int) -> None:
    """Prices reflected in a centre on the grid and sides swapped: same times, same quantities, reflected prices."""
    params = SimulationParams(fill_model=fill_model)
    plain, mirror = Run(params, kinds=MIRRORED), Run(params, mirrored=True, kinds=MIRRORED)
    plain.play(script(seed))
    mirror.play(script(seed))
    sum_of_both = 2 * CENTRE * PERPETUAL.tick
    expected = [
        (f.client_order_id, f.side.opposite, f.quantity, sum_of_both - f.price, f.ts_event, f.ts_seen, f.liquidity)
        for f in plain.paper.fills()
    ]
    actual = [
        (f.client_order_id, f.side, f.quantity, f.price, f.ts_event, f.ts_seen, f.liquidity)
        for f in mirror.paper.fills()
    ]
    assert expected == actual


@few
@given(seeds, st.integers(1, 100))
def test_a_restored_exchange_goes_on_as_if_it_had_never_stopped(seed: int, at: int) -> None:
    """Saved as JSON in the middle, with orders on their way, resting and triggered: the same answers follow."""
    params = SimulationParams(latency_jitter_ms=3)
    steps = script(seed)
    whole = Run(params)
    expected = whole.play(steps)
    stopped, resumed = Run(params), Run(params)
    for number, step in enumerate(steps[:at]):
        stopped.ts += step.wait
        stopped.step(number, step)
    saved = msgspec.json.encode(stopped.paper.exchange.snapshot())
    resumed.__dict__.update({key: value for key, value in stopped.__dict__.items() if key != "paper"})
    exchange = resumed.paper.exchange
    resumed.paper.__dict__.update(stopped.paper.__dict__)
    resumed.paper.exchange = exchange
    exchange.restore(msgspec.json.decode(saved, type=SimulatedState))
    assert saved == msgspec.json.encode(exchange.snapshot())
    assert expected == resumed.play(steps[at:], at)


def test_the_scripts_have_something_to_say() -> None:
    """Many fills, of every kind: otherwise the properties above would prove little."""
    fills: list[OrderFilled] = []
    kinds: Counter[str] = Counter()
    for seed in range(sample(25, 500)):
        run = Run()
        events = run.play(script(seed))
        fills += [event for event in events if isinstance(event, OrderFilled)]
        kinds.update(type(event).__name__ for event in events)
        assert all(event.total > 0 for event in events if isinstance(event, BalanceChanged))
    assert len(fills) > 100
    assert {"maker", "taker"} == {fill.liquidity.value for fill in fills}
    assert {"OrderAccepted", "OrderRejected", "OrderTriggered", "OrderCanceled", "OrderExpired"} <= set(kinds)
