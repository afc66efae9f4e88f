"""A desk that decides by counting, and markets for it: enough to exercise everything around a desk."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from petrosa.adapters.stores.journal.format import Provenance, RunFile
from petrosa.core.model.base import NS_PER_MS, Side
from petrosa.core.model.events import Decision, Event, SetTimer, Started, TimerDue
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import Trade, instrument_id
from petrosa.core.model.orders import (
    Approved,
    Intent,
    Leg,
    Liquidity,
    OrderFilled,
    OrderType,
    Place,
    client_order_id_of,
)
from petrosa.core.model.refusals import failed, refusal

BTC = instrument_id("binance", "usdm", "BTCUSDT")
START = 1_721_347_020_000_000_000

INSTRUMENT = Instrument(
    venue="binance", market="usdm", symbol="BTCUSDT", base="BTC", quote="USDT", settle="USDT",
    tick=Decimal("0.1"), step=Decimal("0.001"), min_quantity=Decimal("0.001"), max_quantity=Decimal(1000),
    min_notional=Decimal(5),
)  # fmt: skip

PROVENANCE = Provenance(
    code_version="0.1.0+toy",
    platform="toy",
    configuration=msgspec.Raw(b'{"risk":{}}'),
    instruments=(INSTRUMENT,),
    recording_sha256="ab" * 32,
)

RUN = RunFile(run_id="toy", started_at="2024-07-19T00:00:00Z")


def trade(number: int, now: int | None = None) -> Trade:
    """The `number`-th trade of a market that prints every 10 ms."""
    at = START + number * 10 * NS_PER_MS if now is None else now
    return Trade(BTC, at, at, 64_000.0 + number % 7, 0.01, Side.BUY if number % 2 else Side.SELL, number)


def market(count: int) -> list[tuple[int, Trade]]:
    return [(event.ts_seen, event) for event in map(trade, range(count))]


def batches(count: int, size: int = 50) -> Iterator[Sequence[tuple[int, Trade]]]:
    heard = market(count)
    for first in range(0, count, size):
        yield heard[first : first + size]


def intent(number: int, quantity: str = "0.010") -> Intent:
    action = Place(Side.BUY, OrderType.MARKET, Decimal(quantity))
    order_id = client_order_id_of("toy", f"signal-{number}", Leg.ENTRY)
    return Intent(order_id, "toy", BTC, Leg.ENTRY, action, f"signal-{number}", "toy_strategy")


def fill(of: Intent, number: int, at: int, side: Side = Side.BUY, quantity: str = "0.010") -> OrderFilled:
    return OrderFilled(
        of.account, of.instrument, of.client_order_id, f"t{number}", side, Decimal(quantity), Decimal("64000.0"),
        Decimal("0.32"), "USDT", Liquidity.TAKER, at, at,
    )  # fmt: skip


class ToyDesk:
    """Refuses every 10th trade, approves every 25th, and keeps one timer going. State is two counts."""

    def __init__(self) -> None:
        self.trades = 0
        self.intents = 0
        self.heard: list[tuple[int, Event]] = []
        self.keep = False

    def handle(self, event: Event, now: int) -> Sequence[Decision]:
        if self.keep:
            self.heard.append((now, event))
        match event:
            case Trade():
                return self._trade(now)
            case Started():
                self.trades = 0
                return (SetTimer("tick", now + 100 * NS_PER_MS),)
            case TimerDue():
                return (SetTimer("tick", event.at + 100 * NS_PER_MS),)
            case _:
                return ()

    def _trade(self, now: int) -> Sequence[Decision]:
        self.trades += 1
        if self.trades % 25 == 0:
            self.intents += 1
            return (Approved(intent(self.intents)),)
        if self.trades % 10 == 0:
            outcome = failed("cooldown", f"{self.trades} trades", "never", "wait")
            refused = refusal("toy_strategy", BTC, f"refused-{self.trades}", (outcome,))
            return (refused,) if refused is not None else ()
        return ()


def nowhere(order: object, now: int) -> None:
    """A send that reaches nobody."""
