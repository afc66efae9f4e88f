"""What is kept of the past: closed bars, funding rates, trades. Numbers are exact, as the venue wrote them."""

from decimal import Decimal
from enum import Enum
from typing import NamedTuple

import msgspec

from petrosa.core.model.market import Candle, InstrumentId


class Series(NamedTuple):
    """The bars of one symbol of a market at one interval, written as the venue does: `1m`, `1h`, `1d`, `1w`, `1M`."""

    market: str
    symbol: str
    interval: str


class Kline(msgspec.Struct, frozen=True, gc=False):
    """A closed bar. `ts_open` and `ts_close` in ns UTC: it covers [`ts_open`, `ts_close`), whole intervals.

    `volume` and `taker_volume` (bought by takers) are of the base asset, the `quote_` ones of the quote asset.
    `source` says where it came from: `rest`, `archive`, `stream`.
    """

    market: str
    symbol: str
    interval: str
    ts_open: int
    ts_close: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: int
    taker_volume: Decimal
    taker_quote_volume: Decimal
    source: str = "rest"

    @property
    def series(self) -> Series:
        return Series(self.market, self.symbol, self.interval)

    def candle(self, instrument: InstrumentId) -> Candle:
        """The bar for looking at. It is known from its close on."""
        return Candle(
            instrument, self.ts_close, self.ts_close, self.ts_close - self.ts_open, self.ts_open,
            float(self.open), float(self.high), float(self.low), float(self.close), float(self.volume),
            float(self.quote_volume), self.trades, float(self.taker_volume),
        )  # fmt: skip


class FundingRate(msgspec.Struct, frozen=True, gc=False):
    """What was paid at `ts`: a fraction, positive when longs paid. `mark` is None where the venue does not say."""

    market: str
    symbol: str
    ts: int
    rate: Decimal
    mark: Decimal | None = None
    interval_hours: int = 8


class HistoricTrade(msgspec.Struct, frozen=True, gc=False):
    """An aggregate of prints. `first_id` to `last_id` are the single trades in it; `buyer_is_maker`: it was a sale."""

    market: str
    symbol: str
    trade_id: int
    first_id: int
    last_id: int
    ts: int
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool


class GapKind(Enum):
    """Why bars are missing, once the venue was asked."""

    NOT_LISTED = "not_listed"
    OUTAGE = "outage"


class KnownGap(msgspec.Struct, frozen=True, gc=False):
    """Bars of [`since`, `until`) that the venue does not have either; `ts_asked` is when it said so."""

    market: str
    symbol: str
    interval: str
    since: int
    until: int
    kind: GapKind
    ts_asked: int

    @property
    def series(self) -> Series:
        return Series(self.market, self.symbol, self.interval)
