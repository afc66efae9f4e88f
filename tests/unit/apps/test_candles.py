"""The table behind `petrosa candles`."""

import gzip
import io
import json
from pathlib import Path

import pytest

from petrosa.apps.candles import build_candles, write_candles_csv
from petrosa.errors import ConfigError, UsageError

START = 1_723_161_600_000


def record(folder: Path, symbol: str, trades: list[tuple[int, str, str, bool]]) -> Path:
    """A spot recording of (ms, price, quantity, whether the buyer was the maker)."""
    text = b""
    for number, (ms, price, quantity, maker) in enumerate(trades):
        data = {"s": symbol, "t": number, "p": price, "q": quantity, "T": START + ms, "m": maker, "M": True}
        payload = json.dumps({"stream": f"{symbol.lower()}@trade", "data": data}, separators=(",", ":"))
        text += f"{(START + ms) * 1_000_000} {payload}\n".encode()
    path = folder / f"{symbol.lower()}.gz"
    path.write_bytes(gzip.compress(text, mtime=0))
    return path


def csv_of(paths: list[Path], intervals: list[str], *, fill: bool = False) -> list[str]:
    out = io.StringIO()
    write_candles_csv(build_candles(paths, intervals, fill=fill), out)
    return out.getvalue().splitlines()


def test_one_symbol_and_interval(tmp_path: Path) -> None:
    """A header, exact sums, no exponent in small numbers, the unfinished last bar included."""
    path = record(
        tmp_path, "BTCUSDT",
        [(0, "100.00", "0.1", False), (1, "100.50", "0.2", True), (120_000, "99", "0.00001", True)],
    )  # fmt: skip
    assert [
        "open_time,open,high,low,close,volume,quote_volume,trades,buy_volume",
        "2024-08-09T00:00:00Z,100,100.5,100,100.5,0.3,30.1,2,0.1",
        "2024-08-09T00:02:00Z,99,99,99,99,0.00001,0.00099,1,0",
    ] == csv_of([path], ["1m"])


def test_filled(tmp_path: Path) -> None:
    """The minute without a trade repeats the close."""
    path = record(tmp_path, "BTCUSDT", [(0, "100", "1", False), (120_000, "99", "1", True)])
    assert "2024-08-09T00:01:00Z,100,100,100,100,0,0,0,0" == csv_of([path], ["1m"], fill=True)[2]


def test_several_symbols_and_intervals_say_which(tmp_path: Path) -> None:
    """Symbol and interval come first, rows by symbol, interval as asked for, time."""
    record(tmp_path, "ETHUSDT", [(0, "10", "1", False)])
    record(tmp_path, "BTCUSDT", [(0, "100", "1", False), (60_000, "101", "1", False)])
    rows = [line.split(",")[:3] for line in csv_of([tmp_path], ["5m", "1m"])]
    assert [
        ["symbol", "interval", "open_time"],
        ["BTCUSDT", "5m", "2024-08-09T00:00:00Z"],
        ["BTCUSDT", "1m", "2024-08-09T00:00:00Z"],
        ["BTCUSDT", "1m", "2024-08-09T00:01:00Z"],
        ["ETHUSDT", "5m", "2024-08-09T00:00:00Z"],
        ["ETHUSDT", "1m", "2024-08-09T00:00:00Z"],
    ] == rows


def test_what_was_left_out_is_counted(tmp_path: Path) -> None:
    """Late trades, absurd ones, lines that are none."""
    path = record(
        tmp_path,
        "BTCUSDT",
        [(0, "1", "1", False), (60_000, "1", "1", False), (5, "1", "1", False), (6, "0", "1", False)],
    )
    path.write_bytes(path.read_bytes() + gzip.compress(b"nonsense\n"))
    unused = build_candles([path], ["1m"]).unused
    assert {"absurd_value": 1, "late_trade": 1, "no_arrival": 1, "arrival_out_of_order": 2} == unused


def test_an_unknown_symbol_is_refused(tmp_path: Path) -> None:
    """There are no rules for it, so its volumes could not be valued."""
    with pytest.raises(ConfigError, match="symbol XYZUSDT of the recording is not in the instruments file"):
        build_candles([record(tmp_path, "XYZUSDT", [(0, "1", "1", False)])], ["1m"])


def test_a_wrong_interval_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    """The command line is wrong, whatever the recording."""
    with pytest.raises(UsageError, match="interval '1x' is not understood"):
        build_candles([tmp_path / "nothing"], ["1x"])
