"""G15: what the base package weighs in an environment of its own, and how long `petrosa --help` takes there."""

import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from shutil import which

from benchmarks.measure import Figure, Goal, figure, interleave, rounded

ROOT = Path(__file__).resolve().parents[1]


def run(rounds: int) -> list[Figure]:
    """Builds and installs this checkout without extras, at the locked versions, bytecode included, as pip would."""
    with tempfile.TemporaryDirectory() as folder:
        python = _fresh_environment(Path(folder) / "venv")
        packages = next(Path(folder).glob("venv/lib/python*/site-packages"))
        sizes = {entry.name: _megabytes(entry) for entry in packages.iterdir()}
        largest = sorted(sizes, key=lambda name: -sizes[name])[:8]
        help_command = [str(python.parent / "petrosa"), "--help"]
        ms = interleave(
            rounds,
            {"help": _timed(help_command), "bare": _timed([str(python), "-c", "pass"])},
        )
    return [
        figure("G15", "installed size of the base package", [sum(sizes.values())], "MB",
               aim=Goal(150), stretch=Goal(90), largest={name: rounded(sizes[name]) for name in largest}),
        figure("G15", "petrosa --help", ms["help"], "ms", aim=Goal(300), bare_python_ms=rounded(sorted(ms["bare"])[0])),
    ]  # fmt: skip


def _fresh_environment(folder: Path) -> Path:
    uv = which("uv", path=sysconfig.get_path("scripts")) or which("uv")
    if uv is None:
        raise RuntimeError("uv is not installed; `make setup` installs it")
    python = folder / "bin" / "python"
    for arguments in (
        ["venv", "--python", sys.executable, str(folder)],
        ["pip", "install", "--python", str(python), "--compile-bytecode", "--constraint", "requirements.lock", "."],
    ):
        done = subprocess.run([uv, "--quiet", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"uv {arguments[0]}: {done.stderr.strip()[-300:]}")
    return python


def _megabytes(path: Path) -> float:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


def _timed(command: list[str]) -> Callable[[], float]:
    def once() -> float:
        before = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{command} exited {done.returncode}: {done.stderr.strip()[-300:]}")
        return (time.perf_counter() - before) * 1e3

    return once
