"""A small story in the words of the core: a signal is made, its order goes out and fills, another is refused."""

from collections.abc import Sequence
from decimal import Decimal

from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.events import Alarm, Decision, Event, SignalMade
from petrosa.core.model.market import Trade
from petrosa.core.model.orders import (
    Approved,
    Intent,
    Leg,
    Liquidity,
    OrderAccepted,
    OrderFilled,
    OrderType,
    Place,
    client_order_id_of,
)
from petrosa.core.model.refusals import Refused, failed, refusal
from petrosa.core.model.signals import Action, Signal
from tests.kit.strategy_market import BTC

ACCOUNT = "paper"
START = 1_767_323_045 * NS_PER_SECOND

SIGNAL = Signal(
    signal_id="s1",
    strategy_id="orderbook_skew",
    symbol="BTCUSDT",
    action=Action.BUY,
    confidence=0.8123,
    price=50_000.1,
    quantity=0.001,
    current_price=50_000.1,
    ts_event=START,
    ts_seen=START,
)

ENTRY = Intent(
    client_order_id=client_order_id_of(ACCOUNT, "s1", Leg.ENTRY),
    account=ACCOUNT,
    instrument=BTC.id,
    leg=Leg.ENTRY,
    action=Place(Side.BUY, OrderType.LIMIT, Decimal("0.004"), Decimal("50010.0")),
    signal_id="s1",
    strategy_id="orderbook_skew",
)


def trade(at: int, price: float = 50_000.0) -> Trade:
    """A print that nobody had an opinion about."""
    return Trade(BTC.id, at, at, price, 0.5, Side.BUY, at)


def filled(number: int, quantity: str, *, modelled: bool = False) -> OrderFilled:
    """One fill of the entry."""
    at = START + number
    return OrderFilled(
        ACCOUNT, BTC.id, ENTRY.client_order_id, f"t{number}", Side.BUY, Decimal(quantity), Decimal("50001.5"),
        Decimal("0.05"), "USDT", Liquidity.TAKER, at, at, modelled,
    )  # fmt: skip


def refused(check: str = "cooldown", signal_id: str = "s2") -> Refused:
    """A candidate that did not become an order."""
    outcome = failed(check, "12.0 s", "900 s", "wait, or lower cooldown_seconds")
    made = refusal("trade_momentum", BTC.id, signal_id, (outcome,))
    assert made is not None
    return made


Turn = tuple[int, int, Event, Sequence[Decision]]


def story() -> list[Turn]:
    """(sequence, now, event, decisions), as a loop hands them to whoever listens."""
    accepted = OrderAccepted(ACCOUNT, BTC.id, ENTRY.client_order_id, "v1", START, START)
    told: list[tuple[Event, Sequence[Decision]]] = [
        (trade(START), (SignalMade(SIGNAL, ()), Approved(ENTRY))),
        (accepted, ()),
        (filled(2, "0.001"), ()),
        (filled(3, "0.003", modelled=True), ()),
        (trade(START + 4), (refused(),)),
        (trade(START + 5), (Alarm("naked", "BTCUSDT has no resting stop"),)),
    ]
    return [(number, START + number, event, decisions) for number, (event, decisions) in enumerate(told, 1)]
