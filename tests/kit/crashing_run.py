"""A real desk on a recording, killed at a crash point: `python -m tests.kit.crashing_run RECORDING FOLDER POINT`."""

import asyncio
import sys
from pathlib import Path

from petrosa.apps.run import run_recording
from petrosa.apps.settings import load
from tests.kit.small_recording import LIVELY

if __name__ == "__main__":
    recording, folder, point = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    loaded = load(sets=[*LIVELY, "feed.speed=0"], environ={"PETROSA_CRASH_AT": point}, home=str(folder))
    asyncio.run(run_recording([recording], loaded, report=str, folder=folder / "journal"))
