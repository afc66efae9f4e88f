"""Frames of a small market, written by hand."""

import json
from collections.abc import Sequence

MS = 1_700_000_000_000


def frame(stream: str, **data: object) -> bytes:
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


def trade(number: int, symbol: str = "BTCUSDT") -> bytes:
    """A trade on spot whose price tells its id."""
    ms = MS + number
    return frame(
        f"{symbol.lower()}@trade", e="trade", E=ms, s=symbol, t=number, p=f"{number}.00", q="1.0", T=ms, m=False, M=True
    )


def aggregate(number: int, symbol: str = "BTCUSDT") -> bytes:
    """An aggregate of two trades."""
    ms, first = MS + number, 2 * number
    return frame(
        f"{symbol.lower()}@aggTrade", e="aggTrade", E=ms, s=symbol, a=number, p=f"{number}.00", q="1.0", f=first,
        l=first + 1, T=ms, m=False,
    )  # fmt: skip


def difference(
    number: int, bids: Sequence[tuple[str, str]] = (("99.00", "1.0"),), symbol: str = "BTCUSDT",
    asks: Sequence[tuple[str, str]] = (), speed: str = "depth@100ms",
) -> bytes:  # fmt: skip
    """The update of a spot book with this id."""
    return frame(
        f"{symbol.lower()}@{speed}", e="depthUpdate", E=MS + number, s=symbol, U=number, u=number, b=bids, a=asks
    )


def snapshot(
    number: int, bids: Sequence[tuple[str, str]] = (("99.00", "5.0"),), symbol: str = "BTCUSDT",
    asks: Sequence[tuple[str, str]] = (("101.00", "5.0"),),
) -> bytes:  # fmt: skip
    return frame(f"{symbol.lower()}@snapshot", lastUpdateId=number, bids=bids, asks=asks)


def quote(number: int, symbol: str = "BTCUSDT") -> bytes:
    return frame(f"{symbol.lower()}@bookTicker", u=number, s=symbol, b="99.0", B="1.0", a="101.0", A="1.0")
