"""Real recordings through `petrosa backtest`, with the time split into reading, decoding and deciding.

The folder is named by PETROSA_TEST_DATA, as for the tests; without it this is skipped and says so.
"""

import gzip
import os
import tempfile
from pathlib import Path

from benchmarks.measure import Figure, NotHere, figure
from benchmarks.strategies import others_off
from petrosa.apps import settings as configuration
from petrosa.apps.backtest import run_backtest

PRODUCTS = ("binance-spot", "binance-usdm")


def run(rounds: int) -> list[Figure]:
    """One figure a product; at most three rounds, because a recording is minutes of work already."""
    folder = Path(os.environ.get("PETROSA_TEST_DATA", ""))
    if not os.environ.get("PETROSA_TEST_DATA") or not folder.is_dir():
        raise NotHere("PETROSA_TEST_DATA does not name a folder of recordings")
    found = []
    for product in PRODUCTS:
        paths = sorted((folder / product).glob("*.gz"))
        runs = [_once(paths) for _ in range(min(rounds, 3))]
        last = runs[-1]
        found.append(
            figure(
                "G10", f"recording {product}, three strategies", [summary["rate"] for summary in runs], "frames/s",
                frames=last["frames"], elapsed_s=last["elapsed_s"], read_s=last["read_s"],
                decode_s=last["decode_s"], decide_s=last["decide_s"], signals=last["signals"], fills=last["fills"],
            )
        )  # fmt: skip
    return found


def _once(paths: list[Path]) -> dict[str, float]:
    frames = sum(_lines(path) for path in paths)
    with tempfile.TemporaryDirectory() as folder:
        summary = run_backtest(paths, configuration.load(sets=others_off(), environ={}), folder=Path(folder))
    return {
        "rate": frames / summary.elapsed_s,
        "frames": frames,
        "elapsed_s": summary.elapsed_s,
        "read_s": summary.read_s,
        "decode_s": summary.decode_s,
        "decide_s": summary.decide_s,
        "signals": sum(sum(counts.values()) for counts in summary.signals.values()),
        "fills": summary.fills,
    }


def _lines(path: Path) -> int:
    with gzip.open(path, "rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
