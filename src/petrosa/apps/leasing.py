"""Which lease a process takes before it may send for an account, and who has it now."""

import hashlib
import os
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from petrosa.adapters.leases.both import BothLeases
from petrosa.adapters.leases.file import FileLease, holder_in
from petrosa.adapters.leases.nats import BUCKET, NatsLease, read_holder
from petrosa.apps.joined import Report, connect
from petrosa.apps.settings import Settings
from petrosa.errors import ConfigError
from petrosa.ports import Lease

PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")


@asynccontextmanager
async def open_lease(settings: Settings, report: Report, api_key: str) -> AsyncIterator[Lease]:
    """The lease of `account.account` and of its API key as `lease.kind` says, not taken yet; who takes it releases it.

    To take it raises `ConfigError` where another account has the key; to open it, `ConfigError` and `NotRunningError`
    where NATS is meant and not named, does not answer or keeps nothing.
    """
    account, name = settings.account.account, holder_name(settings)
    keys, of_key = key_of_key(settings, api_key), f"{account} (its API key)"
    if settings.lease.kind == "file":
        path = lease_file(settings)
        by_key = FileLease(path.with_name(f"{keys}.lease"), of_key, name, report, owner=account)
        yield BothLeases(FileLease(path, account, name, report), by_key)
        return
    bus = await connect(settings, "lease")
    try:
        if not bus.durable:
            raise ConfigError(
                f"the NATS server at {bus.url} has no JetStream, so it keeps no lease; start one that has, or set"
                " lease.kind=file where one machine alone sends for the account"
            )
        whose, ttl_s, cells = f"{name} (process {os.getpid()})", settings.lease.ttl_seconds, bus.cells(BUCKET)
        by_name = NatsLease(cells, key_of(account), f"account {account}", whose, ttl_s, report)
        yield BothLeases(by_name, NatsLease(cells, keys, f"account {of_key}", whose, ttl_s, report, owner=account))
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


def key_of_key(settings: Settings, api_key: str) -> str:
    """What stands for an API key on one market of one venue, so that two accounts of ours do not use it at once.

    A hash, which tells nobody the key. Spot and futures of one key are two accounts of the venue. On paper each
    exchange is a venue of its own. No name of an account is written like it: there is a dot in it.
    """
    venue, environment = settings.feed.venue, settings.venue.environment.value
    url = settings.venue.url if environment == "paper" else ""
    text = "|".join(("petrosa", venue, environment, url, settings.feed.market, api_key))
    return f"key.{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def holder_name(settings: Settings) -> str:
    """What this process is called by those who wait for it."""
    replica = settings.service.replica
    own = f"{socket.gethostname()}/{replica}" if replica else socket.gethostname()
    return settings.lease.name or own
