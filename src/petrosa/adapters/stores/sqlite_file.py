"""What stores in one SQLite file have in common: a thread of their own, and errors in our own words.

One thread owns the connection, so calls are done in the order they were made and the event loop never waits for the
disk. The file is in WAL mode; other processes may use it at the same time.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Final, Literal, TypeVar

from petrosa.errors import StorageError

BUSY_S: Final = 5.0
T = TypeVar("T")


class SqliteFile:
    """A store in a file. A subclass says what it is called, how it syncs and what helps, and prepares its tables."""

    WHAT: ClassVar[str]
    """Before the path, in a message."""
    AFRESH: ClassVar[str]
    """What is done once a damaged file was moved away."""
    ELSEWHERE: ClassVar[str]
    """How another file is chosen."""
    SYNCHRONOUS: ClassVar[Literal["FULL", "NORMAL"]]

    def __init__(self, path: Path, busy_s: float = BUSY_S) -> None:
        self.path = path
        self._busy_s = busy_s
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    async def opened(self) -> None:
        """Open the file, making it where it is missing. Raises `StorageError`, and what `_prepare` raises."""
        try:
            await self._do(self._open)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        if self._closed:
            return
        if self._connection is not None:
            await self._do(self._connection.close)
        self._closed = True
        self._thread.shutdown()

    def _prepare(self) -> None:
        """Make what is missing, and refuse what cannot be ours. Called on the thread."""
        raise NotImplementedError

    async def _do(self, work: Callable[[], T]) -> T:
        """Have the thread do it, and speak of SQLite's errors in our own words."""
        if self._closed:
            raise StorageError(f"{self.WHAT} {self.path} is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as problem:
            raise StorageError(f"{self.WHAT} {self.path} does not answer: {problem}; {self._remedy(problem)}") from None

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = self._connection = sqlite3.connect(self.path, timeout=self._busy_s, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self.SYNCHRONOUS}")
        self._prepare()

    def _execute(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        assert self._connection is not None
        return self._connection.execute(statement, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing; nobody else changes anything between a look in it and a write."""
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
            self._execute("COMMIT")
        except BaseException:
            if self._connection is not None and self._connection.in_transaction:
                self._execute("ROLLBACK")
            raise

    def _remedy(self, problem: Exception) -> str:
        """What to do about an error of SQLite's."""
        name = getattr(problem, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return f"another process has kept it locked for {self._busy_s:g} s; end that one, or try again"
        if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            return f"the file is damaged or no store: put a copy of it back, or move it away and {self.AFRESH}"
        return f"see that the folder can be written and the disk has room, or {self.ELSEWHERE}"
