"""What Binance sends, cut down to the fields we read.

Trades are bounded in `routes`, because a futures trade that is not a market trade may carry zeros and must be skipped,
not refused.
"""

from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from petrosa.adapters.wire.bounds import (
    INT64_MAX,
    PRICE_MAX,
    Change,
    Count,
    Levels,
    Millis,
    Price,
    Quantity,
    UpdateId,
)

DataT = TypeVar("DataT")


class Frame(msgspec.Struct, Generic[DataT], gc=False):
    """What a combined stream wraps round every payload; the stream's name is read before this is decoded."""

    data: DataT


class NamedData(msgspec.Struct, gc=False):
    s: str


class NamedOrder(msgspec.Struct, gc=False):
    o: NamedData


class TradeData(msgspec.Struct, gc=False):
    """`X` is sent by futures only: MARKET, or what else made two parties swap, such as INSURANCE_FUND."""

    s: str
    T: Millis
    t: Count
    p: float
    q: float
    m: bool
    X: str = "MARKET"


class AggTradeData(msgspec.Struct, gc=False):
    s: str
    T: Millis
    a: Count
    p: float
    q: float
    f: Count
    l: Count  # noqa: E741 - the venue's name
    m: bool


class ForcedOrder(msgspec.Struct, gc=False):
    """`S` is the side of the order that closes the position, `z` what was filled of it at `ap` on average."""

    s: str
    S: Literal["BUY", "SELL"]
    p: Price
    ap: Annotated[float, Meta(ge=0, le=PRICE_MAX)]
    z: Quantity
    T: Millis


class ForceOrderData(msgspec.Struct, gc=False):
    o: ForcedOrder


class SpotQuoteData(msgspec.Struct, gc=False):
    s: str
    u: UpdateId
    b: Price
    B: Quantity
    a: Price
    A: Quantity


class FuturesQuoteData(msgspec.Struct, gc=False):
    s: str
    u: UpdateId
    T: Millis
    b: Price
    B: Quantity
    a: Price
    A: Quantity


class SpotDiffData(msgspec.Struct, gc=False):
    s: str
    E: Millis
    U: UpdateId
    u: UpdateId
    b: Levels
    a: Levels


class FuturesDiffData(msgspec.Struct, gc=False):
    s: str
    T: Millis
    U: UpdateId
    u: UpdateId
    pu: Annotated[int, Meta(ge=-1, le=INT64_MAX)]
    b: Levels
    a: Levels


class SpotDepthData(msgspec.Struct, gc=False):
    """Partial depth of spot, and a REST snapshot of either: neither symbol nor, on spot, time."""

    lastUpdateId: UpdateId  # noqa: N815 - the venue's name
    bids: Levels
    asks: Levels
    T: Annotated[int, Meta(ge=0, lt=10**13)] = 0


class FuturesDepthData(msgspec.Struct, gc=False):
    """Partial depth of futures: looks like a difference, is the whole truth about the best levels."""

    s: str
    T: Millis
    u: UpdateId
    b: Levels
    a: Levels


class TickerData(msgspec.Struct, gc=False):
    s: str
    E: Millis
    c: Price
    v: Quantity
    q: Quantity
    P: Change


class KlineBar(msgspec.Struct, gc=False):
    t: Millis
    i: str
    o: Price
    h: Price
    l: Price  # noqa: E741 - the venue's name
    c: Price
    v: Quantity
    q: Quantity
    n: Count
    V: Quantity
    x: bool


class KlineData(msgspec.Struct, gc=False):
    s: str
    E: Millis
    k: KlineBar


class MarkPriceData(msgspec.Struct, gc=False):
    """`i` (index) is missing on COIN-M; delivery contracts have no funding and send an empty rate."""

    s: str
    E: Millis
    p: Price
    i: Annotated[float, Meta(ge=0, le=1e12)] = 0.0
    r: str = ""
    T: Annotated[int, Meta(ge=0, lt=10**13)] = 0
