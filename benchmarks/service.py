"""G13: from starting a service to its first answer, and how much memory it then holds."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Figure, Goal, figure
from petrosa.apps.synth import write_recording

SECONDS_MAX = 30.0
POLL_S = 0.005


def run(rounds: int) -> list[Figure]:
    """`petrosa run` on a minute of synthetic market at its own pace, in a process and data directory of its own."""
    alive, ready, memory = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "recording"
        write_recording(7, ["BTCUSDT"], 60.0, recording)
        for number in range(rounds):
            with _service(sorted(recording.glob("*.gz")), Path(folder) / str(number)) as (url, process, started):
                alive.append((_answered(url + "/healthz", process) - started) * 1e3)
                ready.append((_answered(url + "/ready", process) - started) * 1e3)
                memory.append(_resident_mb(process.pid))
    return [
        figure("G13", "start to first 200 of /healthz", alive, "ms", aim=Goal(2_000), stretch=Goal(500)),
        figure("G13", "start to first 200 of /ready", ready, "ms", aim=Goal(2_000)),
        figure("G13", "resident memory when ready", memory, "MB", aim=Goal(100), stretch=Goal(60)),
    ]


@contextmanager
def _service(recording: list[Path], home: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]", float]]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        "from petrosa.apps.main import main; main()",
        "run",
        "--speed",
        "1",
        "--port",
        str(port),
    ]
    command += ["--home", str(home), *(word for path in recording for word in ("--recording", str(path)))]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}", process, started
    finally:
        process.terminate()
        try:
            process.wait(SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answered(url: str, process: "subprocess.Popen[bytes]") -> float:
    """When it first answers 200. Raises when the service ends or takes too long."""
    end = time.perf_counter() + SECONDS_MAX
    while time.perf_counter() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the service ended with {process.returncode} before it answered {url}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return time.perf_counter()
        except (urllib.error.URLError, OSError):
            time.sleep(POLL_S)
    raise RuntimeError(f"{url} did not answer 200 within {SECONDS_MAX:g} s")


def _resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
