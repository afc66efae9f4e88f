"""Where the real recordings are, and what to say when they are not."""

import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def recordings_dir() -> Path:
    """The folder named by PETROSA_TEST_DATA, by default `../shared/data`.

    The test is skipped when the default folder is absent, and fails when a folder was named and is not there.
    """
    folder = Path(os.environ.get("PETROSA_TEST_DATA", "../shared/data"))
    folder = folder if folder.is_absolute() else (ROOT / folder).resolve()
    if not (folder / "binance-spot").is_dir():
        missing = f"no real recordings in {folder}; name their folder in PETROSA_TEST_DATA"
        if "PETROSA_TEST_DATA" in os.environ:
            pytest.fail(missing)
        pytest.skip(missing)
    return folder


def recording_dir(product: str) -> Path:
    """The recording of a product: `spot` or `usdm`."""
    return recordings_dir() / f"binance-{product}"


def single_frames() -> list[tuple[str, bytes]]:
    """(market, frame) of every single real frame."""
    markets = {"Spot": "spot", "LinearFuture": "usdm", "LinearSwap": "usdm"}
    lines = (recordings_dir() / "frames" / "binance.jsonl").read_text().splitlines()
    return [(markets.get(one["market_type"], "coinm"), one["raw"].encode()) for one in map(json.loads, lines)]
