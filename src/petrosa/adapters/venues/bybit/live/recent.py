"""`GET /v5/market/recent-trade`: the newest trades of a symbol, as the stream would have told them."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.venues.bybit.live.splitting import framed
from petrosa.adapters.venues.bybit.wire import Name
from petrosa.adapters.wire.bounds import Millis
from petrosa.errors import DataError

PATH: Final = "/v5/market/recent-trade"
MOST: Final = {"spot": 60, "linear": 1_000}
"""So many an answer holds at most; there is no asking from an id or a time on."""


class Print(NamedTuple):
    """A trade: its id, its time (ms), and the frame that tells it alone."""

    name: str
    ms: int
    frame: bytes


class _Row(msgspec.Struct, rename="camel"):
    """`{"execId":"2100000000007764263","symbol":"BTCUSDT","price":"16618.49","size":"0.00012","side":"Buy",…}`."""

    exec_id: Name
    symbol: str
    price: str
    size: str
    side: str
    time: Millis
    is_block_trade: bool = False


class _List(msgspec.Struct):
    list: tuple[_Row, ...]


class _Answer(msgspec.Struct):
    result: _List


_decode: Final = msgspec.json.Decoder(_Answer, strict=False).decode


def newest(market: str, symbol: str) -> Mapping[str, str]:
    """What to ask for."""
    return {"category": market, "symbol": symbol, "limit": str(MOST[market])}


def read_newest(stream: str, symbol: str, body: bytes) -> Sequence[Print]:
    """The trades of an answer, oldest first. Raises `DataError`."""
    try:
        rows = _decode(body).result.list
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise DataError(f"{PATH} of {symbol}: not trades: {problem}") from None
    wrong = next((row.symbol for row in rows if row.symbol != symbol), None)
    if wrong is not None:
        raise DataError(f"{PATH} of {symbol} has a trade of {wrong[:40]}")
    return [Print(row.exec_id, row.time, _frame(stream, row)) for row in reversed(rows)]


def _frame(stream: str, row: _Row) -> bytes:
    data = {
        "T": row.time, "s": row.symbol, "S": row.side, "v": row.size, "p": row.price, "i": row.exec_id,
        "BT": row.is_block_trade,
    }  # fmt: skip
    message = {"topic": f"publicTrade.{row.symbol}", "type": "snapshot", "ts": row.time, "data": [data]}
    return framed(stream, msgspec.json.encode(message))
