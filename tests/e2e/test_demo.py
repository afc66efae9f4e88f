"""The demo as a newcomer meets it: a process, a terminal that is none, a browser's request, Ctrl-C."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec

from petrosa.errors import EXIT_OK
from tests.kit.ending import ends_with_its_test

PROGRAM = [sys.executable, "-c", "from petrosa.apps.main import main; main()"]
FIELDS = {
    "events", "gaps", "errors", "skipped", "faults", "signals", "refusals", "orders", "fills",
    "modelled_fills", "positions", "pnl", "journal", "arrival_shift_ns",
    "elapsed_s", "read_s", "decode_s", "decide_s", "events_per_s", "warming_up",
}  # fmt: skip


def started(home: Path, *words: str) -> subprocess.Popen[str]:
    command = [*PROGRAM, "demo", "--json", "--port", "0", "--home", str(home), *words]
    return ends_with_its_test(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))


def again(journal: str) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, "replay", journal, "--assert-identical"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_fifteen_seconds_of_demo_have_a_fill(tmp_path: Path) -> None:
    """Plain lines that say that nothing is real, a summary with fills, and a journal that can be turned again."""
    demo = started(tmp_path, "--seconds", "15")
    out, err = demo.communicate(timeout=120)
    assert EXIT_OK == demo.returncode, err
    lines = [line for line in err.splitlines() if line.startswith("SIMULATED MARKET, profile demo")]
    summary: dict[str, Any] = msgspec.json.decode(out)
    assert len(lines) >= 3
    assert FIELDS == set(summary)
    assert summary["fills"] > 0
    assert summary["refusals"]
    replayed = again(summary["journal"]["path"])
    assert EXIT_OK == replayed.returncode, replayed.stderr
    assert summary["journal"]["decisions_sha256"] in replayed.stdout


def test_ctrl_c_ends_a_demo_in_order(tmp_path: Path) -> None:
    """HTTP answers while it runs; then one interrupt, a summary, exit 0."""
    demo = started(tmp_path, "--set", "log.level=INFO", "--set", "log.format=json")
    assert demo.stderr is not None
    said = ""
    while "HTTP on " not in said:
        said = demo.stderr.readline()
    url = msgspec.json.decode(said)["message"].removeprefix("HTTP on ")
    answers = {path: httpx.get(url + path, timeout=30).status_code for path in ("/healthz", "/metrics", "/info")}
    demo.send_signal(signal.SIGINT)
    out, err = demo.communicate(timeout=60)
    assert {"/healthz": 200, "/metrics": 200, "/info": 200} == answers
    assert EXIT_OK == demo.returncode, err
    assert FIELDS == set(msgspec.json.decode(out))


def test_a_demo_over_nats_trades_too(tmp_path: Path) -> None:
    """The same market through three services and a server of its own, which is gone afterwards."""
    demo = started(tmp_path, "--nats", "--seconds", "2", "--speed", "60")
    out, err = demo.communicate(timeout=120)
    assert EXIT_OK == demo.returncode, err
    result = msgspec.json.decode(out)
    assert result["feed"]["frames"] > 0
    assert result["strategies"]["published"] == result["trade"]["received"] > 0
    assert result["trade"]["fills"] > 0
    assert [] == list(tmp_path.glob("runs/*/broker.json"))
