"""The lease of an account on one machine: a file that the kernel locks for as long as its holder lives.

A paused holder has it still and nobody else can; a killed one has lost it at once, however it died. The file must lie
on a local disk: a network file system may lock it for each machine alone.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from petrosa.adapters.leases.sole import refusal_of
from petrosa.adapters.stores.lockfile import is_locked
from petrosa.errors import LeaseLost, StorageError

LOOK_EVERY_S: Final = 0.25
LENGTH: Final = 512
"""Bytes of the record, always: it is written over in place, so that no crash leaves it empty."""


class FileHolder(msgspec.Struct, frozen=True):
    """What stands in the file: how often the account has had a holder, and who is the last, for which account."""

    token: int
    name: str
    process: int
    account: str = ""

    def __str__(self) -> str:
        return f"{self.name} (process {self.process})"


class FileLease:
    """Implements `ports.Lease`. Raises `StorageError` when the file cannot be opened, read or written.

    With an `owner` it is the lease of an API key in the name of that account: `acquire` raises `ConfigError` where
    another account has it.
    """

    def __init__(self, path: Path, account: str, name: str, report: Callable[[str], None], *, owner: str = "") -> None:
        self.token = 0
        self._owner = owner
        self._path = path
        self._account = account
        self._name = name
        self._report = report
        self._descriptor: int | None = None
        self._over = ""

    async def acquire(self) -> None:
        named: FileHolder | None = None
        while not self._take():
            holder = holder_in(self._path)
            if holder is not None and (why := refusal_of(self._owner, holder.account, str(holder))) is not None:
                raise why
            if holder is not None and holder != named:
                self._report(f"account {self._account} is held by {holder}; waiting to take it over")
                named = holder
            await asyncio.sleep(LOOK_EVERY_S)

    def why_not(self) -> str:
        if self._descriptor is None:
            return self._over or f"the lease of account {self._account} is not held here"
        if not self._is_there(self._descriptor):
            return f"the lease of account {self._account} is lost: {self._path} was removed or replaced while held"
        return ""

    async def run(self) -> None:
        while not (why := self.why_not()):
            await asyncio.sleep(LOOK_EVERY_S)
        raise LeaseLost(f"{why}; nothing leaves any more: start again, and leave the file alone")

    async def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self._over = f"the lease of account {self._account} was released"

    def _take(self) -> bool:
        """Whether the lock is ours now, with our name and the next token in the file."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise self._refused(error) from error
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            except OSError as error:
                raise self._refused(error) from error
            if not self._is_there(descriptor):
                return False
            self.token = self._sign(descriptor)
            undo.pop_all()
        self._descriptor = descriptor
        return True

    def _sign(self, descriptor: int) -> int:
        """Write our name; the token."""
        try:
            text = os.pread(descriptor, LENGTH, 0)
            before = _read(text) if text else None
            if text and before is None:
                raise StorageError(
                    f"{self._path} says {text[:80]!r} and not who held account {self._account}, so the next token is"
                    " not known; restore the file, or remove it when no process sends for the account"
                )
            token = before.token + 1 if before is not None else 1
            record = msgspec.json.encode(FileHolder(token, self._name[:100], os.getpid(), self._owner))
            os.pwrite(descriptor, record.ljust(LENGTH - 1) + b"\n", 0)
            os.fsync(descriptor)
        except OSError as error:
            raise self._refused(error) from error
        return token

    def _is_there(self, descriptor: int) -> bool:
        """Whether the file that we have locked is the one that others would lock."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(descriptor))
        except OSError:
            return False

    def _refused(self, error: OSError) -> StorageError:
        return StorageError(
            f"the lease of account {self._account} cannot be kept in {self._path}: {error.strerror}; make the folder"
            " writable, and let it be on a local disk"
        )


def holder_in(path: Path) -> FileHolder | None:
    """Who holds it now; None when nobody does."""
    try:
        return _read(path.read_bytes()) if is_locked(path) else None
    except OSError:
        return None


def _read(text: bytes) -> FileHolder | None:
    try:
        return msgspec.json.decode(text, type=FileHolder)
    except msgspec.DecodeError:
        return None
