"""A NATS server and measured processes for a benchmark: started here, ended here, on free loopback ports."""

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from petrosa.apps.broker import Broker, start_broker

ROOT = Path(__file__).resolve().parents[1]
END_S = 180


@contextmanager
def nats_server(*, jetstream: bool = False) -> Iterator[str]:
    """The address of a server that lives as long as the block."""
    with tempfile.TemporaryDirectory() as home, asyncio.Runner() as runner:
        broker: Broker = runner.run(start_broker(Path(home), jetstream=jetstream))
        try:
            yield broker.url
        finally:
            runner.run(broker.stop())


def spawn(module: str, *arguments: object, stdin: int | None = None) -> "Popen[str]":
    """A Python process of this interpreter; whoever starts it ends it with `result` or `end`."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return Popen(command, stdin=stdin, stdout=PIPE, text=True, cwd=ROOT)


def heard(process: "Popen[str]") -> str:
    """The next line it says. Raises when it ended instead."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args!r} ended with {process.wait()} and said nothing")
    return line.strip()


def result(process: "Popen[str]") -> dict[str, Any]:
    """The JSON line that a worker ends with."""
    found: dict[str, Any] = json.loads(heard(process))
    process.wait(END_S)
    return found


def end(*processes: "Popen[str]") -> None:
    """Make sure that none of these is left, and that their pipes are closed."""
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def measured(url: str, worker: str, kind: str, count: int, rate: float = 0.0) -> dict[str, Any]:
    """One worker under one load, in two processes."""
    reader = spawn("benchmarks.workers", worker, url, count)
    sender = None
    try:
        heard(reader)
        sender = spawn("benchmarks.load", url, "--kind", kind, "--count", count, "--rate", rate)
        found = result(reader)
        return found | result(sender)
    finally:
        end(*(process for process in (reader, sender) if process is not None))
