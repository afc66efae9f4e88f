"""The paper exchange as a person starts it: a process, its base URLs, a request, Ctrl-C."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx

from petrosa.errors import EXIT_CONFIG, EXIT_OK, EXIT_USAGE
from tests.kit.ending import ends_with_its_test

PROGRAM = [sys.executable, "-c", "from petrosa.apps.main import main; main()", "paper-exchange"]


def test_it_says_where_it_is_serves_and_ends_in_order(tmp_path: Path) -> None:
    """Base URLs and the demo key on standard output; exit 0 after one interrupt."""
    command = [*PROGRAM, "--port", "0", "--symbols", "BTCUSDT", "--home", str(tmp_path)]
    exchange = ends_with_its_test(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    assert exchange.stdout is not None
    said: dict[str, str] = {}
    while "demo secret" not in said:
        name, _, value = exchange.stdout.readline().partition(": ")
        said[name] = value.strip()
    answer = httpx.get(said["spot REST"] + "/v3/depth", params={"symbol": "BTCUSDT", "limit": 5}, timeout=30)
    exchange.send_signal(signal.SIGINT)
    _, err = exchange.communicate(timeout=60)
    assert 5 == len(answer.json()["bids"])
    assert {"USD-M REST", "USD-M streams", "USD-M WebSocket API", "spot streams", "faults", "demo key"} <= set(said)
    assert EXIT_OK == exchange.returncode, err


def test_a_wrong_start_is_refused(tmp_path: Path) -> None:
    """With the exit code that says whose mistake it is."""
    for words, code in (
        (["--recording", "x", "--seed", "1"], EXIT_USAGE), (["--price", "BTCUSDT=much"], EXIT_USAGE),
        (["--recording", "x", "--price", "BTCUSDT=1"], EXIT_USAGE), (["--accounts", "nowhere.toml"], EXIT_CONFIG),
        (["--speed", "0"], EXIT_CONFIG), (["--market", "moon"], EXIT_USAGE),
    ):  # fmt: skip
        command = [*PROGRAM, "--port", "0", "--home", str(tmp_path), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
        assert code == done.returncode, (words, done.stderr)
