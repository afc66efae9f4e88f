"""The simulated exchange on whole recordings: the synthetic twins always, the real ones where they are at hand."""

import random
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.venues.replay.normalise import Normaliser
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.instruments import load_instruments
from petrosa.core.market.book import OrderBook
from petrosa.core.model.base import NS_PER_MS, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BestQuote, BookDiff, BookSnapshot, InstrumentId, MarketEvent, Trade
from petrosa.core.model.orders import (
    Approved,
    Cancel,
    Intent,
    Leg,
    OrderFilled,
    OrderRejected,
    OrderType,
    Place,
    Reducing,
)
from petrosa.core.simulation.exchange import Exchange
from petrosa.core.simulation.params import SimulationParams
from tests.kit.recordings import ROOT, recording_dir

EVERY_NS = 400 * NS_PER_MS
PARAMS = SimulationParams(initial_leverage=125)
KINDS = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.TAKE_PROFIT)
RICH = {"USDT": Decimal(10**8), "BTC": Decimal(1_000), "ETH": Decimal(10_000)}


class Shown:
    """(stamp, best a buyer could meet, best a seller could meet) of every fact, from books kept apart."""

    def __init__(self, instruments: dict[InstrumentId, Instrument]) -> None:
        self.facts: dict[InstrumentId, list[tuple[int, float, float]]] = defaultdict(list)
        self._ticks = {key: float(one.tick) for key, one in instruments.items()}
        self._books = {key: OrderBook(one) for key, one in instruments.items()}

    def note(self, event: MarketEvent) -> None:
        facts = self.facts[event.instrument]
        if isinstance(event, BookSnapshot | BookDiff):
            book, tick = self._books[event.instrument], self._ticks[event.instrument]
            book.apply(event)
            bid, ask = book.best_bid(), book.best_ask()
            if bid is not None and ask is not None:
                facts.append((event.ts_event, ask * tick, bid * tick))
        elif isinstance(event, BestQuote):
            facts.append((event.ts_event, event.ask, event.bid))
        elif isinstance(event, Trade):
            facts.append((event.ts_event, event.price, event.price))

    def is_fair(self, fill: OrderFilled, arrival: int, first: int) -> bool:
        """Whether some fact, from the `first` on, stamped at or after the arrival, was as good as the fill.

        A millionth of the quote currency is float rounding.
        """
        facts = [fact for fact in self.facts[fill.instrument][first:] if fact[0] >= arrival]
        if fill.side is Side.BUY:
            return float(fill.price) >= min(fact[1] for fact in facts) - 1e-6
        return float(fill.price) <= max(fact[2] for fact in facts) + 1e-6


class Traffic:
    """Random orders into a recording, and what came of them."""

    def __init__(self, folder: Path) -> None:
        self.recording = Recording([folder])
        market = self.recording.product
        self.instruments = {
            key: one
            for key, one in load_instruments().items()
            if one.market == market and one.symbol in self.recording.symbols
        }
        self.exchange = Exchange(self.instruments, PARAMS, "paper", RICH)
        self.shown = Shown(self.instruments)
        self.sent: dict[str, tuple[int, int]] = {}
        """When each order arrived, and how many facts had been seen when it was sent."""
        self.fills: list[OrderFilled] = []
        self.unfair: list[OrderFilled] = []
        self.rejections: list[str] = []
        self._chance = random.Random(5)

    def heard(self) -> Iterator[tuple[int, MarketEvent]]:
        parser = Parser("binance", self.recording.product, self.recording.symbols)
        normaliser = Normaliser(parser, self.instruments, depth20=False)
        for batch in self.recording.batches():
            yield from normaliser.feed(batch)
        yield from normaliser.flush()

    def run(self) -> None:
        due = 0
        for now, event in self.heard():
            while self.exchange.next_due() <= now:
                answer = self.exchange.pop_due()
                if isinstance(answer, OrderFilled):
                    self.fills.append(answer)
                    if not self.shown.is_fair(answer, *self.sent[answer.client_order_id]):
                        self.unfair.append(answer)
                elif isinstance(answer, OrderRejected):
                    self.rejections.append(answer.reason)
            self.exchange.on_market(event, now)
            self.shown.note(event)
            if isinstance(event, Trade) and now >= due:
                due = now + EVERY_NS
                self.send(event, now)

    def send(self, trade: Trade, now: int) -> None:
        """A random order near the last price, and a cancel of the fourth last one."""
        chance, instrument = self._chance, self.instruments[trade.instrument]
        price = instrument.price(trade.price * (1 + chance.uniform(-2e-4, 2e-4)))
        kind = chance.choice(KINDS)
        trigger = price if kind in (OrderType.STOP, OrderType.TAKE_PROFIT) else None
        quantity = instrument.quantity(chance.uniform(200, 60_000) / trade.price)
        place = Place(
            chance.choice((Side.BUY, Side.SELL)), kind, quantity, price if kind is OrderType.LIMIT else None, trigger
        )
        number = len(self.sent)
        arrival = now + round(PARAMS.order_latency_ms * NS_PER_MS)
        self.sent[f"o{number}"] = arrival, len(self.shown.facts[instrument.id])
        intent = Intent(f"o{number}", "paper", instrument.id, Leg.ENTRY, place, "s", "t")
        self.exchange.submit(Approved(intent), now)
        target = Cancel(f"o{number - 4}", "enough")
        self.exchange.submit(
            Reducing(Intent(f"c{number}", "paper", instrument.id, Leg.ENTRY, target, "s", "t")), now
        )  # fmt: skip


def prove(folder: Path, least: int) -> None:
    traffic = Traffic(folder)
    traffic.run()
    assert [] == traffic.unfair
    assert len(traffic.fills) > least
    assert not any(fill.modelled for fill in traffic.fills)
    assert all("trigger immediately" in reason for reason in traffic.rejections)


@pytest.mark.parametrize("name", ["synthetic-usdm", "synthetic-spot"])
def test_no_fill_on_a_twin_is_better_than_what_it_could_meet(name: str) -> None:
    """Hundreds of random orders: each fill is matched by a quote or print stamped at or after the order's arrival."""
    prove(ROOT / "recordings" / name, 100)


@pytest.mark.recordings
@pytest.mark.parametrize("product", ["usdm", "spot"])
def test_no_fill_on_a_real_recording_is_better_than_what_it_could_meet(product: str) -> None:
    """The same on real data, whose stamps run backwards thousands of times."""
    prove(recording_dir(product), 500)
