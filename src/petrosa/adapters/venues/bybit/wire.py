"""What Bybit sends, cut down to the fields we read: a message inside of the frame that names its stream."""

from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from petrosa.adapters.wire.bounds import Change, Levels, Millis, Price, Quantity

DataT = TypeVar("DataT")

UpdateId = Annotated[int, Meta(ge=1, lt=2**53)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]


class Message(msgspec.Struct, Generic[DataT], gc=False):
    """`ts` is when it was sent, `cts` when the matching engine made what is in it (books only)."""

    ts: Millis
    data: DataT
    type: Literal["snapshot", "delta"] = "snapshot"
    cts: Annotated[int, Meta(ge=0, lt=10**13)] = 0


class Frame(msgspec.Struct, Generic[DataT], gc=False):
    """A message as a feed hands it on, under the name of its stream."""

    data: Message[DataT]


class TradeData(msgspec.Struct, gc=False):
    """`S` is the taker's side, `BT` a block trade that never met the book."""

    T: Millis
    s: str
    S: Literal["Buy", "Sell"]
    v: Quantity
    p: Price
    i: Name
    BT: bool = False


class LiquidationData(msgspec.Struct, gc=False):
    """`S` is the side of the position that was closed (`Buy`: a long), `p` the price of its bankruptcy."""

    T: Millis
    s: str
    S: Literal["Buy", "Sell"]
    v: Quantity
    p: Price


class BookData(msgspec.Struct, gc=False):
    s: str
    b: Levels
    a: Levels
    u: UpdateId


class TickerData(msgspec.Struct, gc=False, rename="camel"):
    """Of a delta only what has changed is there; on spot everything always is, and neither mark nor funding."""

    symbol: str
    last_price: Price | None = None
    volume_24h: Quantity | None = msgspec.field(default=None, name="volume24h")
    turnover_24h: Quantity | None = msgspec.field(default=None, name="turnover24h")
    price_24h_pcnt: Change | None = msgspec.field(default=None, name="price24hPcnt")
    mark_price: Price | None = None
    index_price: Price | None = None
    funding_rate: str | None = None
    next_funding_time: str | None = None


class KlineData(msgspec.Struct, gc=False):
    """`confirm` says that the bar is closed. It does not say how many trades are in it, nor who began them."""

    start: Millis
    interval: str
    open: Price
    close: Price
    high: Price
    low: Price
    volume: Quantity
    turnover: Quantity
    confirm: bool
    timestamp: Millis
