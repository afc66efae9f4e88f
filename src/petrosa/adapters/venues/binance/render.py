"""Market facts as the frames in which Binance would have sent them: what `parse` reads back as the same facts.

Fields that a fact does not hold and nobody reads (best prices in a ticker, highs and lows) are left out. Spot quotes
carry no time, so that they read back as having happened when they were heard.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from petrosa.core.model.base import NS_PER_MS, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import (
    BestQuote,
    BookDiff,
    BookSnapshot,
    Depth,
    InstrumentId,
    Level,
    Liquidation,
    MarketEvent,
    MarkPrice,
    Ticker,
    Trade,
)
from petrosa.errors import InvariantError

SPOT_DIGITS: Final = 8
"""Spot writes every number with eight decimals."""

FUTURES_PRICE_DIGITS: Final = 2
"""Futures write prices with at least two."""

SELL: Final = Side.SELL


class Renderer:
    """Renders the facts of some instruments. Raises `InvariantError` for a fact that no stream carries."""

    def __init__(self, instruments: Mapping[InstrumentId, Instrument]) -> None:
        self._streams = {key: _Stream(instrument) for key, instrument in instruments.items()}

    def render(self, event: MarketEvent) -> bytes:
        """The frame, as a combined stream sends it; a snapshot as stream `<symbol>@snapshot`."""
        stream = self._streams[event.instrument]
        write = stream.writers.get(type(event))
        if write is None:
            raise InvariantError(f"{type(event).__name__} of {event.instrument} is not a fact that Binance streams")
        return write(event).encode()


def bare_snapshot(frame: bytes) -> bytes | None:
    """The REST answer in a frame of stream `…@snapshot`, as recorders write it down; None for any other frame."""
    head, mark, rest = frame.partition(b'@snapshot","data":')
    return rest[:-1] if mark and b'"' not in head[len(b'{"stream":"') :] else None


class _Stream:
    """The streams of one instrument."""

    def __init__(self, instrument: Instrument) -> None:
        self._symbol = instrument.symbol
        self._name = instrument.symbol.lower()
        spot = instrument.market == "spot"
        self._price = SPOT_DIGITS if spot else max(FUTURES_PRICE_DIGITS, _digits(instrument.tick))
        self._size = SPOT_DIGITS if spot else _digits(instrument.step)
        self.writers: Mapping[type, Callable[[Any], str]] = {
            Trade: self._spot_trade if spot else self._futures_trade,
            BestQuote: self._spot_quote if spot else self._futures_quote,
            BookDiff: self._spot_diff if spot else self._futures_diff,
            Depth: self._spot_depth if spot else self._futures_depth,
            BookSnapshot: self._spot_snapshot if spot else self._futures_snapshot,
            Ticker: self._ticker,
            **({} if spot else {MarkPrice: self._mark, Liquidation: self._force_order}),
        }

    def _frame(self, suffix: str, data: str) -> str:
        return f'{{"stream":"{self._name}@{suffix}","data":{{{data}}}}}'

    def _spot_trade(self, trade: Trade) -> str:
        ts = trade.ts_event // NS_PER_MS
        maker = "true" if trade.aggressor is SELL else "false"
        return self._frame(
            "trade",
            f'"e":"trade","E":{ts},"s":"{self._symbol}","t":{trade.trade_id},"p":"{trade.price:.{self._price}f}",'
            f'"q":"{trade.quantity:.{self._size}f}","T":{ts},"m":{maker},"M":true',
        )

    def _futures_trade(self, trade: Trade) -> str:
        ts = trade.ts_event // NS_PER_MS
        maker = "true" if trade.aggressor is SELL else "false"
        return self._frame(
            "trade",
            f'"e":"trade","E":{ts},"T":{ts},"s":"{self._symbol}","t":{trade.trade_id},'
            f'"p":"{trade.price:.{self._price}f}","q":"{trade.quantity:.{self._size}f}","X":"MARKET","m":{maker}',
        )

    def _spot_quote(self, quote: BestQuote) -> str:
        return self._frame("bookTicker", f'"u":{quote.update_id},"s":"{self._symbol}",{self._best(quote)}')

    def _futures_quote(self, quote: BestQuote) -> str:
        ts = quote.ts_event // NS_PER_MS
        head = f'"e":"bookTicker","u":{quote.update_id},"s":"{self._symbol}"'
        return self._frame("bookTicker", f'{head},{self._best(quote)},"T":{ts},"E":{ts}')

    def _best(self, quote: BestQuote) -> str:
        price, size = self._price, self._size
        return (
            f'"b":"{quote.bid:.{price}f}","B":"{quote.bid_quantity:.{size}f}",'
            f'"a":"{quote.ask:.{price}f}","A":"{quote.ask_quantity:.{size}f}"'
        )

    def _spot_diff(self, diff: BookDiff) -> str:
        ts = diff.ts_event // NS_PER_MS
        return self._frame(
            "depth@100ms",
            f'"e":"depthUpdate","E":{ts},"s":"{self._symbol}","U":{diff.first_update_id},"u":{diff.last_update_id},'
            f'"b":[{self._levels(diff.bids)}],"a":[{self._levels(diff.asks)}]',
        )

    def _futures_diff(self, diff: BookDiff) -> str:
        ts = diff.ts_event // NS_PER_MS
        return self._frame(
            "depth@100ms",
            f'"e":"depthUpdate","E":{ts},"T":{ts},"s":"{self._symbol}","U":{diff.first_update_id},'
            f'"u":{diff.last_update_id},"pu":{diff.previous_update_id},'
            f'"b":[{self._levels(diff.bids)}],"a":[{self._levels(diff.asks)}]',
        )

    def _spot_depth(self, depth: Depth) -> str:
        bids, asks = self._sides(depth)
        return self._frame("depth20@100ms", f'"lastUpdateId":{depth.update_id},"bids":[{bids}],"asks":[{asks}]')

    def _futures_depth(self, depth: Depth) -> str:
        ts, last = depth.ts_event // NS_PER_MS, depth.update_id
        bids, asks = self._sides(depth)
        head = f'"e":"depthUpdate","E":{ts},"T":{ts},"s":"{self._symbol}","U":{last},"u":{last},"pu":{last - 1}'
        return self._frame("depth20@100ms", f'{head},"b":[{bids}],"a":[{asks}]')

    def _sides(self, depth: Depth) -> tuple[str, str]:
        bids = zip(depth.bid_prices, depth.bid_quantities, strict=True)
        return self._levels(tuple(bids)), self._levels(
            tuple(zip(depth.ask_prices, depth.ask_quantities, strict=True))
        )  # fmt: skip

    def _spot_snapshot(self, book: BookSnapshot) -> str:
        bids, asks = self._levels(book.bids), self._levels(book.asks)
        return self._frame("snapshot", f'"lastUpdateId":{book.update_id},"bids":[{bids}],"asks":[{asks}]')

    def _futures_snapshot(self, book: BookSnapshot) -> str:
        ts = book.ts_event // NS_PER_MS
        bids, asks = self._levels(book.bids), self._levels(book.asks)
        head = f'"lastUpdateId":{book.update_id},"E":{ts},"T":{ts}'
        return self._frame("snapshot", f'{head},"bids":[{bids}],"asks":[{asks}]')

    def _ticker(self, ticker: Ticker) -> str:
        ts = ticker.ts_event // NS_PER_MS
        return self._frame(
            "ticker",
            f'"e":"24hrTicker","E":{ts},"s":"{self._symbol}","P":"{ticker.change_pct:.3f}",'
            f'"c":"{ticker.last:.{self._price}f}","v":"{ticker.volume:.{self._size}f}",'
            f'"q":"{ticker.quote_volume:.2f}"',
        )

    def _mark(self, mark: MarkPrice) -> str:
        ts, due = mark.ts_event // NS_PER_MS, mark.ts_next_funding // NS_PER_MS
        return self._frame(
            "markPrice",
            f'"e":"markPriceUpdate","E":{ts},"s":"{self._symbol}","p":"{mark.mark:.8f}","i":"{mark.index:.8f}",'
            f'"r":"{mark.funding_rate:.8f}","T":{due}',
        )

    def _force_order(self, one: Liquidation) -> str:
        ts, quantity, price = one.ts_event // NS_PER_MS, f"{one.quantity:.{self._size}f}", self._price
        side = "SELL" if one.side is SELL else "BUY"
        return self._frame(
            "forceOrder",
            f'"e":"forceOrder","E":{ts},"o":{{"s":"{self._symbol}","S":"{side}","o":"LIMIT","f":"IOC","q":"{quantity}",'
            f'"p":"{one.price:.{price}f}","ap":"{one.average_price:.8f}","X":"FILLED","l":"{quantity}",'
            f'"z":"{quantity}","T":{ts}}}',
        )

    def _levels(self, levels: tuple[Level, ...]) -> str:
        price, size = self._price, self._size
        return ",".join([f'["{_written(p, price)}","{q:.{size}f}"]' for p, q in levels])


def _written(price: float, digits: int) -> str:
    """A price with so many decimals; with all that it takes where it is off the tick."""
    text = f"{price:.{digits}f}"
    return text if float(text) == price else f"{Decimal(repr(price)):f}"


def _digits(unit: Decimal) -> int:
    """Decimals needed to write multiples of a unit."""
    exponent = unit.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
