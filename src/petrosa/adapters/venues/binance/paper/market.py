"""What the exchange shows of one instrument: book, trades, klines, tickers, mark price, as public answers say them."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Final, NamedTuple

from petrosa.adapters.venues.binance.paper.bars import DAY_NS, INTERVALS, Bar, Bars, Written, kline_row
from petrosa.adapters.venues.binance.paper.history import bars_before, funding_before
from petrosa.adapters.venues.binance.paper.numbers import ZERO, digits, ms, text
from petrosa.adapters.venues.binance.paper.parameters import Parameters
from petrosa.adapters.venues.binance.paper.refusals import bad_interval
from petrosa.adapters.venues.binance.paper.tape import (
    SPOT_TOGETHER_NS,
    USDM_TOGETHER_NS,
    Aggregate,
    Aggregates,
    Tape,
)
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND, Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import (
    BestQuote,
    BookDiff,
    BookGap,
    BookSnapshot,
    Depth,
    MarketEvent,
    MarkPrice,
    Trade,
)
from petrosa.core.simulation.displayed import Displayed

FUNDING_MAX: Final = 1_000
MINUTES_OF_DAY: Final = 1_440
USUAL_QUOTE: Final = 1e6
"""What is traded in a minute before the exchange opened, about, in the quote asset."""

LATE_NS: Final = 100 * NS_PER_MS
"""How long a bar waits, when it is over, for trades that are still on their way."""

BUY, SELL = Side.BUY, Side.SELL
Answer = dict[str, object]


class Manner(NamedTuple):
    """How a market shows itself: `paced` as Binance does, which tells together what happens within a moment (trades in
    an aggregate, differences, klines, mark prices), else each by itself; and how many days of bars were before.
    """

    paced: bool = False
    history_days: int = 0
    seed: int = 0


PLAIN: Final = Manner()


class PublicMarket:
    """`last` and `mark` are the prices that orders go by; the book that is shown stands still while it is frozen."""

    def __init__(self, instrument: Instrument, manner: Manner = PLAIN) -> None:
        spot = instrument.market == "spot"
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.is_spot = spot
        self.shown = Displayed(instrument)
        self._still: tuple[Displayed, int] | None = None
        self._kept: tuple[Displayed, int] | None = None
        self._looking_back = False
        self.trades: Tape[Trade] = Tape(lambda trade: trade.trade_id)
        together = SPOT_TOGETHER_NS if spot else USDM_TOGETHER_NS
        self.aggregates = Aggregates(together if manner.paced else 0)
        self._manner = manner
        self._seed = f"{manner.seed}:{instrument.id}"
        self._settled_before: list[tuple[int, Decimal, Decimal]] = []
        self.bars = Bars(self._before if manner.history_days else None)
        self.update_id = 0
        self.now = 0
        self.last = self.mark = self.index = ZERO
        self.rate = ZERO
        self.ts_funding = 0
        self.funding: deque[tuple[int, Decimal, Decimal]] = deque(maxlen=FUNDING_MAX)
        price, quantity = (8, 8) if spot else (max(2, digits(instrument.tick)), digits(instrument.step))
        self.written = Written(instrument.tick, instrument.step, price, quantity, 8 if spot else price + quantity)

    @property
    def reference(self) -> Decimal:
        """The price by which orders are judged: the mark where there is one, else the last trade, else the middle."""
        return self.mark or self.last or self.best(BUY) or self.best(SELL)

    def learn(self, event: MarketEvent, now: int) -> None:
        """Take in a market fact."""
        if type(event) is Trade:
            self.last = self.instrument.price(event.price)
        elif type(event) is MarkPrice:
            self._mark(event)
        self.now = max(self.now, now)
        shown = self.shown
        match event:
            case Trade():
                shown.last_trade = event
                self.trades.append(event)
                bought = event.aggressor is BUY
                ticks, steps = shown.ticks(event.price), shown.steps(event.quantity)
                self.bars.add(event.ts_event, ticks, steps, event.trade_id, bought=bought)
                self.aggregates.add(event, ticks, steps, now)
            case BookDiff():
                shown.difference(event)
                self.update_id = event.last_update_id
            case BookSnapshot():
                shown.snapshot(event)
                self.update_id = max(self.update_id, event.update_id)
            case Depth():
                shown.depth(event)
                self.update_id = max(self.update_id, event.update_id)
            case BestQuote():
                shown.quote(event)
            case BookGap():
                shown.gap(event)
            case _:
                pass

    def advance(self, now: int) -> None:
        """Let time pass: bars and aggregates that are over close."""
        self.now = max(self.now, now)
        self.bars.roll(now - LATE_NS)
        self.aggregates.advance(now)

    def _before(self, ts: int, ticks: int) -> list[Bar]:
        """Bars from before the first trade."""
        usual = max(10, self.shown.steps(USUAL_QUOTE / float(self.last)))
        return bars_before(ts, ticks, self._manner.history_days * MINUTES_OF_DAY, self._seed, usual)

    def _mark(self, event: MarkPrice) -> None:
        self.mark, self.index = Decimal(repr(event.mark)), Decimal(repr(event.index))
        if self.ts_funding and self.ts_funding <= event.ts_event:
            self.funding.append((self.ts_funding, self.rate, self.mark))
        if not self.ts_funding and self._manner.history_days:
            due = event.ts_next_funding or event.ts_event
            self._settled_before = funding_before(due, self.mark, self._manner.history_days, self._seed)
        self.rate, self.ts_funding = Decimal(repr(event.funding_rate)), event.ts_next_funding

    def settled(self) -> list[tuple[int, Decimal, Decimal]]:
        """Funding that was settled: (when, rate, mark price)."""
        return [*self._settled_before, *self.funding]

    # a book that stands still on request

    @property
    def frozen(self) -> bool:
        return self._still is not None

    def freeze(self, wanted: bool) -> None:
        """Show the book as it is now from here on, or the real one again. Matching is not concerned."""
        if not wanted:
            self._still = None
        elif self._still is None:
            self._still = self._copy()

    def keep(self, wanted: bool) -> None:
        """Remember the book as it is now from here on, for answers that are to be old; or forget it."""
        if not wanted:
            self._kept = None
        elif self._kept is None:
            self._kept = self._copy()

    @contextmanager
    def looking_back(self) -> Iterator[None]:
        """Meanwhile the book that is shown is the remembered one."""
        self._looking_back = True
        try:
            yield
        finally:
            self._looking_back = False

    def _copy(self) -> tuple[Displayed, int]:
        copy = Displayed(self.instrument)
        copy.load(self.shown.save())
        return copy, self.update_id

    def _seen(self) -> tuple[Displayed, int]:
        if self._looking_back and self._kept is not None:
            return self._kept
        return (self.shown, self.update_id) if self._still is None else self._still

    @property
    def view(self) -> Displayed:
        return self._seen()[0]

    @property
    def view_id(self) -> int:
        """The update id of the book that is shown."""
        return self._seen()[1]

    # prices

    def best(self, side: Side) -> Decimal:
        """The best shown price of a side (BUY: bids); zero when none is."""
        return EXACT.multiply(self.instrument.tick, Decimal(self.shown.best(side)))

    def levels(self, side: Side, limit: int, *, quoted: bool = True) -> list[list[str]]:
        """The best levels of a side as text. A `quoted` book knows of quotes that are newer than it; another one is
        exactly the book of its update id."""
        written = self.written
        rows: list[list[str]] = []
        for ticks, steps in self.view.levels(side) if quoted else self.view.resting(side):
            if len(rows) >= limit:
                break
            if steps:
                rows.append([written.price(ticks), written.quantity(steps)])
        return rows

    # answers

    def depth(self, limit: int) -> Answer:
        book: Answer = {"lastUpdateId": self.view_id}
        if not self.is_spot:
            book |= {"E": ms(self.now), "T": ms(self.view.as_of)}
        bids, asks = (self.levels(side, limit, quoted=False) for side in (BUY, SELL))
        return book | {"bids": bids, "asks": asks}

    def trade_row(self, trade: Trade) -> Answer:
        ticks, steps = self.shown.ticks(trade.price), self.shown.steps(trade.quantity)
        row: Answer = {
            "id": trade.trade_id, "price": self.written.price(ticks), "qty": self.written.quantity(steps),
            "quoteQty": self.written.quote(ticks * steps), "time": ms(trade.ts_event),
            "isBuyerMaker": trade.aggressor is SELL,
        }  # fmt: skip
        return row | ({"isBestMatch": True} if self.is_spot else {})

    def agg_row(self, one: Aggregate) -> Answer:
        row: Answer = {
            "a": one.id, "p": self.written.price(one.ticks), "q": self.written.quantity(one.steps),
            "f": one.first, "l": one.last, "T": ms(one.ts_event), "m": one.aggressor is SELL,
        }  # fmt: skip
        return row | ({"M": True} if self.is_spot else {"nq": row["q"]})

    def klines(self, asked: Parameters) -> list[list[object]]:
        interval = asked.text("interval")
        if interval not in INTERVALS or (interval == "1s" and not self.is_spot):
            raise bad_interval()
        start, end = asked.integer("startTime", 0), asked.integer("endTime", 1 << 43)
        limit = max(1, asked.integer("limit", 500, 1_000 if self.is_spot else 1_500))
        bars = self.bars.of(interval, start * NS_PER_MS, end * NS_PER_MS, limit)
        return [kline_row(bar, interval, self.written) for bar in bars]

    def ticker_24h(self) -> Answer:
        """Rolling statistics of what has been seen of the last 24 hours."""
        day = self.bars.since(self.now - DAY_NS)
        written = self.written
        zero = written.price(0)
        if day is None:
            day_rows: Answer = dict.fromkeys(
                ("priceChange", "weightedAvgPrice", "openPrice", "highPrice", "lowPrice", "lastPrice"), zero
            )
            day_rows |= {"priceChangePercent": "0.000", "volume": written.quantity(0), "quoteVolume": written.quote(0)}
            day_rows |= {"firstId": -1, "lastId": -1, "count": 0, "lastQty": written.quantity(0)}
        else:
            change = (Decimal(day.close) / Decimal(day.open) - 1) * 100
            mean = Decimal(day.quote) / day.volume if day.volume else ZERO
            last = self.trades.last
            day_rows = {
                "priceChange": written.price(day.close - day.open), "priceChangePercent": text(change, 3),
                "weightedAvgPrice": text(mean * written.tick, written.price_places),
                "lastPrice": written.price(day.close), "lastQty": written.quantity(self.shown.steps(last.quantity)),
                "openPrice": written.price(day.open), "highPrice": written.price(day.high),
                "lowPrice": written.price(day.low), "volume": written.quantity(day.volume),
                "quoteVolume": written.quote(day.quote), "firstId": day.first, "lastId": day.last, "count": day.count,
            }  # fmt: skip
        rows: Answer = {"symbol": self.symbol, **day_rows, "openTime": ms(self.now - DAY_NS), "closeTime": ms(self.now)}
        if self.is_spot:
            rows |= {"prevClosePrice": day_rows["openPrice"], **self.book_ticker()}
        return rows

    def book_ticker(self) -> Answer:
        bids, asks = self.levels(BUY, 1), self.levels(SELL, 1)
        none = [self.written.price(0), self.written.quantity(0)]
        bid, ask = (bids or [none])[0], (asks or [none])[0]
        row: Answer = {
            "symbol": self.symbol,
            "bidPrice": bid[0],
            "bidQty": bid[1],
            "askPrice": ask[0],
            "askQty": ask[1],
        }
        return row if self.is_spot else row | {"time": ms(self.view.as_of), "lastUpdateId": self.view_id}

    def price_ticker(self) -> Answer:
        row: Answer = {"symbol": self.symbol, "price": text(self.last, self.written.price_places)}
        return row if self.is_spot else row | {"time": ms(self.now)}

    def average_price(self) -> Answer:
        """Volume-weighted over five minutes."""
        bar = self.bars.since(self.now - 300 * NS_PER_SECOND)
        mean = Decimal(bar.quote) / bar.volume * self.written.tick if bar and bar.volume else self.last
        return {"mins": 5, "price": text(mean), "closeTime": ms(self.now)}

    def premium(self) -> Answer:
        """`premiumIndex` of a perpetual."""
        index = text(self.index or self.reference)
        return {
            "symbol": self.symbol, "markPrice": text(self.reference), "indexPrice": index,
            "estimatedSettlePrice": index, "lastFundingRate": text(self.rate), "interestRate": "0.00010000",
            "nextFundingTime": ms(self.ts_funding), "time": ms(self.now),
        }  # fmt: skip
