"""What the exchange shows of one instrument: book, trades, klines, tickers, mark price, as public answers say them."""

from collections import deque
from decimal import Decimal
from typing import Final

from petrosa.adapters.venues.binance.paper.bars import DAY_NS, INTERVALS, Bars, Written, kline_row
from petrosa.adapters.venues.binance.paper.numbers import ZERO, digits, ms, text
from petrosa.adapters.venues.binance.paper.parameters import Parameters
from petrosa.adapters.venues.binance.paper.refusals import bad_interval
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

TRADES_MAX: Final = 1_000
FUNDING_MAX: Final = 1_000
BUY, SELL = Side.BUY, Side.SELL
Answer = dict[str, object]


class PublicMarket:
    """`last` and `mark` are the prices that orders go by; the book that is shown stands still while it is frozen."""

    def __init__(self, instrument: Instrument) -> None:
        spot = instrument.market == "spot"
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.is_spot = spot
        self.shown = Displayed(instrument)
        self._still: tuple[Displayed, int] | None = None
        self.trades: deque[Trade] = deque(maxlen=TRADES_MAX)
        self.bars = Bars()
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

    def _mark(self, event: MarkPrice) -> None:
        self.mark, self.index = Decimal(repr(event.mark)), Decimal(repr(event.index))
        if self.ts_funding and self.ts_funding <= event.ts_event:
            self.funding.append((self.ts_funding, self.rate, self.mark))
        self.rate, self.ts_funding = Decimal(repr(event.funding_rate)), event.ts_next_funding

    # a book that stands still on request

    @property
    def frozen(self) -> bool:
        return self._still is not None

    def freeze(self, wanted: bool) -> None:
        """Show the book as it is now from here on, or the real one again. Matching is not concerned."""
        if not wanted:
            self._still = None
        elif self._still is None:
            still = Displayed(self.instrument)
            still.load(self.shown.save())
            self._still = still, self.update_id

    @property
    def view(self) -> Displayed:
        return self.shown if self._still is None else self._still[0]

    @property
    def view_id(self) -> int:
        """The update id of the book that is shown."""
        return self.update_id if self._still is None else self._still[1]

    # prices

    def best(self, side: Side) -> Decimal:
        """The best shown price of a side (BUY: bids); zero when none is."""
        return EXACT.multiply(self.instrument.tick, Decimal(self.shown.best(side)))

    def levels(self, side: Side, limit: int) -> list[list[str]]:
        """The best levels of a side as text."""
        written = self.written
        rows: list[list[str]] = []
        for ticks, steps in self.view.levels(side):
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
        return book | {"bids": self.levels(BUY, limit), "asks": self.levels(SELL, limit)}

    def trade_row(self, trade: Trade) -> Answer:
        ticks, steps = self.shown.ticks(trade.price), self.shown.steps(trade.quantity)
        row: Answer = {
            "id": trade.trade_id, "price": self.written.price(ticks), "qty": self.written.quantity(steps),
            "quoteQty": self.written.quote(ticks * steps), "time": ms(trade.ts_event),
            "isBuyerMaker": trade.aggressor is SELL,
        }  # fmt: skip
        return row | ({"isBestMatch": True} if self.is_spot else {})

    def agg_row(self, trade: Trade) -> Answer:
        ticks, steps = self.shown.ticks(trade.price), self.shown.steps(trade.quantity)
        row: Answer = {
            "a": trade.trade_id, "p": self.written.price(ticks), "q": self.written.quantity(steps),
            "f": trade.trade_id, "l": trade.trade_id, "T": ms(trade.ts_event), "m": trade.aggressor is SELL,
        }  # fmt: skip
        return row | ({"M": True} if self.is_spot else {"nq": row["q"]})

    def some_trades(self, asked: Parameters) -> list[Trade]:
        """Trades by `fromId`, `startTime`, `endTime` and `limit`."""
        limit = asked.integer("limit", 500, TRADES_MAX)
        first, start = asked.maybe_integer("fromId"), asked.maybe_integer("startTime")
        end = asked.maybe_integer("endTime")
        found = [
            trade
            for trade in self.trades
            if (first is None or trade.trade_id >= first)
            and (start is None or ms(trade.ts_event) >= start)
            and (end is None or ms(trade.ts_event) <= end)
        ]
        return found[-limit:] if first is None and start is None else found[:limit]

    def klines(self, asked: Parameters) -> list[list[object]]:
        interval = asked.text("interval")
        if interval not in INTERVALS:
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
            last = self.trades[-1]
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
