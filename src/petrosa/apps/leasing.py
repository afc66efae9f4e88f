"""Which lease a process takes before it may send for an account, and who has it now."""

import os
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from petrosa.adapters.leases.file import FileLease, holder_in
from petrosa.adapters.leases.nats import BUCKET, NatsLease, read_holder
from petrosa.apps.joined import Report, connect
from petrosa.apps.settings import Settings
from petrosa.errors import ConfigError
from petrosa.ports import Lease

PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")


@asynccontextmanager
async def open_lease(settings: Settings, report: Report) -> AsyncIterator[Lease]:
    """The lease of `account.account` as `lease.kind` says, not taken yet; who takes it releases it.

    Raises `ConfigError` and `NotRunningError` where NATS is meant and not named, does not answer or keeps nothing.
    """
    account, name = settings.account.account, holder_name(settings)
    if settings.lease.kind == "file":
        yield FileLease(lease_file(settings), account, name, report)
        return
    bus = await connect(settings, "lease")
    try:
        if not bus.durable:
            raise ConfigError(
                f"the NATS server at {bus.url} has no JetStream, so it keeps no lease; start one that has, or set"
                " lease.kind=file where one machine alone sends for the account"
            )
        ttl_s, what = settings.lease.ttl_seconds, f"account {account}"
        yield NatsLease(bus.cells(BUCKET), key_of(account), what, f"{name} (process {os.getpid()})", ttl_s, report)
    finally:
        await bus.close()


async def who_holds(settings: Settings) -> str:
    """In words; empty when nobody does. Raises as `open_lease` does, and `TransportError`."""
    if settings.lease.kind == "file":
        holder = holder_in(lease_file(settings))
        return f"{holder}, token {holder.token}" if holder is not None else ""
    bus = await connect(settings, "lease")
    try:
        cell = await bus.cells(BUCKET).read(key_of(settings.account.account))
        return read_holder(cell).name if cell is not None else ""
    finally:
        await bus.close()


def lease_file(settings: Settings) -> Path:
    """The file that is locked, one an account."""
    return settings.home / "accounts" / f"{key_of(settings.account.account)}.lease"


def key_of(account: str) -> str:
    """An account's name where only plain letters may stand; another name is written in hexadecimal."""
    return account if PLAIN.fullmatch(account) else f"x-{account.encode().hex()}"


def holder_name(settings: Settings) -> str:
    """What this process is called by those who wait for it."""
    replica = settings.service.replica
    own = f"{socket.gethostname()}/{replica}" if replica else socket.gethostname()
    return settings.lease.name or own
