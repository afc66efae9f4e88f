"""An archive of the exchange's public files in a folder, made of what the history server says."""

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.kit.history_server import HistoryServer

FOLDERS = {"spot": "data/spot", "usdm": "data/futures/um"}
KLINE_NAMES = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)


class Archive:
    """Files of one symbol. `header` writes the row of names, `micro` times in microseconds."""

    def __init__(self, folder: Path, server: HistoryServer, *, header: bool = False, micro: bool = False) -> None:
        self.folder = folder
        self.server = server
        self.header = header
        self.micro = micro

    def klines(self, symbol: str, interval: str, period: str, name: str, since: int, until: int) -> Path:
        """`period` is monthly or daily, `name` 2024-01 or 2024-01-31; times in ms."""
        rows = [list(bar.row) for bar in self.server.bars(symbol, interval, since, until) if bar.end <= until]
        if self.micro:
            rows = [[row[0] * 1000, *row[1:6], row[6] * 1000 + 999, *row[7:]] for row in rows]
        spelt = "1mo" if interval == "1M" else interval
        return self.put(f"{period}/klines/{symbol}/{spelt}/{symbol}-{spelt}-{name}", rows, KLINE_NAMES)

    def trades(self, symbol: str, name: str, numbers: range) -> Path:
        """A day's aggregates by their ids."""
        rows = []
        for number in numbers:
            one = self.server.trade(number)
            rows.append([*(one[key] for key in ("a", "p", "q", "f", "l", "T")), "True" if one["m"] else "False"])
        names = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
        return self.put(f"daily/aggTrades/{symbol}/{symbol}-aggTrades-{name}", rows, names)

    def put(self, path: str, rows: Iterable[Iterable[Any]], names: str) -> Path:
        """A zip with its checksum beside it."""
        target = self.folder / FOLDERS[self.server.market] / f"{path}.zip"
        target.parent.mkdir(parents=True, exist_ok=True)
        lines = [names] * self.header + [",".join(str(cell) for cell in row) for row in rows]
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(f"{target.stem}.csv", "\n".join(lines) + "\n")
        checksum(target)
        return target

    def app(self) -> web.Application:
        """The folder behind an address."""
        app = web.Application()
        app.router.add_static("/", self.folder)
        return app


def checksum(target: Path, digest: str = "") -> None:
    """State a file's SHA-256, or another one."""
    stated = digest or hashlib.sha256(target.read_bytes()).hexdigest()
    target.with_name(f"{target.name}.CHECKSUM").write_text(f"{stated}  {target.name}\n", encoding="ascii")
