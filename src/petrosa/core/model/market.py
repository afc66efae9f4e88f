"""What the market tells us. Prices and quantities are floats (for looking); exact numbers are made by `Instrument`.

`ts_event` is when the venue says it happened, `ts_seen` when we heard it; both integer nanoseconds UTC.
`instrument` is the key of an `Instrument`: `venue:market:SYMBOL`, for example `binance:usdm:BTCUSDT`.
"""

from enum import Enum
from typing import NewType

from petrosa.core.model.base import Message, Side

InstrumentId = NewType("InstrumentId", str)

Level = tuple[float, float]
"""(price, quantity); a quantity of zero in a difference removes the level."""


def instrument_id(venue: str, market: str, symbol: str) -> InstrumentId:
    """The key under which every part of the system knows an instrument."""
    return InstrumentId(f"{venue}:{market}:{symbol}")


def symbol_of(instrument: InstrumentId) -> str:
    """`BTCUSDT` of `binance:usdm:BTCUSDT`."""
    return instrument.rpartition(":")[2]


class Trade(Message, frozen=True, gc=False, tag="trade"):
    """A print. `count` is the number of single trades in it: 1, or more for an aggregate."""

    instrument: InstrumentId
    ts_event: int
    ts_seen: int
    price: float
    quantity: float
    aggressor: Side
    trade_id: int
    count: int = 1


class Ticker(Message, frozen=True, gc=False, tag="ticker"):
    """Rolling 24 h statistics. Volumes are of the base and quote asset over the last 24 h."""

    instrument: InstrumentId
    ts_event: int
    ts_seen: int
    last: float
    volume: float
    quote_volume: float
    change_pct: float


class Depth(Message, frozen=True, gc=False, tag="depth"):
    """The best levels of the book (at most 20 a side), best first, as parallel arrays."""

    instrument: InstrumentId
    ts_event: int
    ts_seen: int
    update_id: int
    bid_prices: tuple[float, ...]
    bid_quantities: tuple[float, ...]
    ask_prices: tuple[float, ...]
    ask_quantities: tuple[float, ...]


class BookSnapshot(Message, frozen=True, gc=False, tag="book_snapshot"):
    """A whole book from which differences go on; levels best first."""

    instrument: InstrumentId
    ts_event: int
    ts_seen: int
    update_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class BookDiff(Message, frozen=True, gc=False, tag="book_diff"):
    """Changed levels. `previous_update_id` is what futures chain by; spot has none and chains by `first_update_id`."""

    instrument: InstrumentId
    ts_event: int
    ts_seen: int
    first_update_id: int
    last_update_id: int
    previous_update_id: int | None
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class BestQuote(Message, frozen=True, gc=False, tag="best_quote"):
    """Best bid and offer."""

    instrument: InstrumentId
    ts_event: int
    ts_seen: int
    update_id: int
    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float


class Candle(Message, frozen=True, gc=False, tag="candle"):
    """A closed bar over [`ts_open`, `ts_open` + `interval_ns`). Volumes are base, quote and base bought by takers."""

    instrument: InstrumentId
    ts_event: int
    ts_seen: int
    interval_ns: int
    ts_open: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float
    trades: int
    buy_volume: float


class MarkPrice(Message, frozen=True, gc=False, tag="mark_price"):
    """Mark and index of a perpetual; `funding_rate` is a fraction per funding interval, positive when longs pay."""

    instrument: InstrumentId
    ts_event: int
    ts_seen: int
    mark: float
    index: float
    funding_rate: float
    ts_next_funding: int


class Liquidation(Message, frozen=True, gc=False, tag="liquidation"):
    """A position that the venue closed because its margin was used up: the order by which it did.

    `side` is that of the liquidating order, which takes: SELL closes a long, BUY a short. Binance's `S` is this side;
    Bybit's `S` is that of the position, so that its `Buy` is a SELL here. `price` is the order's limit (near or at the
    price of bankruptcy), `average_price` what it was filled at, 0 where the venue does not tell (Bybit). `quantity` is
    what was filled of it, all of it where the venue does not tell. Binance tells of each symbol the last one in 1,000
    ms and of the others nothing: a sample, from which no total follows but a least one. Bybit tells all.
    """

    instrument: InstrumentId
    ts_event: int
    ts_seen: int
    side: Side
    quantity: float
    price: float
    average_price: float = 0.0


class FeedState(Enum):
    LIVE = "live"
    STALE = "stale"
    DEAD = "dead"


class FeedStateChanged(Message, frozen=True, gc=False, tag="feed_state_changed"):
    """A stream of an instrument came alive, went quiet, or is gone. Not LIVE means: no new entry."""

    instrument: InstrumentId
    ts_event: int
    ts_seen: int
    stream: str
    state: FeedState
    reason: str


class BookGap(Message, frozen=True, gc=False, tag="book_gap"):
    """Differences are missing between `expected` and `got`; the book is not to be believed until the next snapshot."""

    instrument: InstrumentId
    ts_event: int
    ts_seen: int
    expected: int
    got: int


class Reading(Message, frozen=True, tag="reading"):
    """What a source outside the venue says: another venue's quote, a share of the market, a fact of a chain.

    `topic` is what kind of thing it is (`quote`, `dominance`, `onchain`), `source` who says so, `subject` what it is
    about (`BTC/USD`, `BTC`), `values` the numbers by name, each with its unit in the topic's documentation.
    """

    source: str
    topic: str
    subject: str
    ts_event: int
    ts_seen: int
    values: dict[str, float]

    @property
    def instrument(self) -> InstrumentId:
        """The key by which readings of a topic are routed; no instrument of ours has it."""
        return reading_key(self.topic)


def bars_key(instrument: InstrumentId, interval_ns: int) -> InstrumentId:
    """Where the closed bars of one length go."""
    return InstrumentId(f"{instrument}@{interval_ns}")


def reading_key(topic: str) -> InstrumentId:
    """Where the readings of a topic go."""
    return InstrumentId(f"reading:{topic}")


MarketEvent = (
    Trade
    | Ticker
    | Depth
    | BookSnapshot
    | BookDiff
    | BestQuote
    | Candle
    | MarkPrice
    | Liquidation
    | FeedStateChanged
    | BookGap
    | Reading
)
