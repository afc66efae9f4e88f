"""Two simulated exchanges of one account, as hedge mode needs them; and a supply that is smaller than what is shown."""

from decimal import Decimal

import pytest

from petrosa.core.model.market import BookSnapshot
from petrosa.core.model.orders import Intent, Leg, OrderFilled, OrderType, Place, TimeInForce
from petrosa.core.simulation.exchange import Exchange
from petrosa.core.simulation.params import FillModel, SimulationParams
from tests.kit.paper import BUY, MS, PERPETUAL, SELL

PARAMS = SimulationParams(
    order_latency_ms=0.0, response_latency_ms=0.0, latency_jitter_ms=0.0, quiet_market_ms=0.0
)  # fmt: skip


def exchange(beside: Exchange | None = None, **more: object) -> Exchange:
    params = PARAMS if not more else SimulationParams(**more)  # type: ignore[arg-type]
    made = Exchange({PERPETUAL.id: PERPETUAL}, params, "paper", {"USDT": Decimal(10_000)}, beside)
    book = BookSnapshot(PERPETUAL.id, MS, MS, 1, ((99.0, 5.0),), ((101.0, 5.0), (102.0, 5.0)))
    made.on_market(book, MS)
    return made


def take(on: Exchange, name: str, side: object, quantity: str, limit: str | None = None) -> list[tuple[str, str]]:
    """(price, quantity) of the fills that an order gets at once."""
    kind = OrderType.MARKET if limit is None else OrderType.LIMIT
    price = None if limit is None else Decimal(limit)
    place = Place(side=side, type=kind, quantity=Decimal(quantity), price=price, time_in_force=TimeInForce.GTC)  # type: ignore[arg-type]
    on.take(Intent(name, "paper", PERPETUAL.id, Leg.ENTRY, place, "", ""), MS)
    heard = []
    while on.next_due() <= MS:
        heard.append(on.pop_due())
    return [(f"{one.price:.0f}", f"{one.quantity:.0f}") for one in heard if isinstance(one, OrderFilled)]


def test_two_sides_have_one_wallet_and_one_book() -> None:
    """What the long side took is gone for the short one; each holds its own position."""
    long = exchange()
    short = exchange(long)
    assert [("101", "4")] == take(long, "a", BUY, "4")
    assert [("99", "2")] == take(short, "b", SELL, "2")
    assert [("101", "1"), ("102", "1")] == take(short, "c", BUY, "2")
    assert (4_000, 0) == (long.account.steps_held(PERPETUAL), short.account.steps_held(PERPETUAL))
    fees = Decimal("0.0005") * (4 * 101 + 2 * 99 + 101 + 102)
    assert Decimal(10_000) - 5 - fees == long.account.total("USDT") == short.account.total("USDT")


@pytest.mark.parametrize("model", [FillModel.BOOK, FillModel.INSTANT])
def test_a_supply_bounds_what_an_order_takes_when_it_comes(model: FillModel) -> None:
    """Two of four; None takes the bound away again."""
    one = exchange(
        fill_model=model, order_latency_ms=0.0, response_latency_ms=0.0, latency_jitter_ms=0.0, quiet_market_ms=0.0
    )
    one.supply(2_000)
    assert [("101", "2")] == take(one, "a", BUY, "4")
    one.supply(None)
    assert [("101", "1")] == take(one, "b", BUY, "1")
