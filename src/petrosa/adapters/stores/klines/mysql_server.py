"""A conversation with a MySQL or MariaDB server: one transaction after the other, found again when it is lost."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import asyncmy
from asyncmy.errors import MySQLError

from petrosa.adapters.stores.klines.address import MysqlAddress
from petrosa.adapters.stores.klines.layouts import Row
from petrosa.errors import StorageError

ATTEMPTS_MAX: Final = 4
"""How often a transaction is tried that others disturb, or whose connection breaks."""
_DISTURBED: Final = frozenset({1205, 1213})
"""Lock wait timeout, deadlock: nothing was done."""
_LOST: Final = frozenset({0, 1053, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 2006, 2013, 2014, 2055})
"""The connection has ended, or is about to."""
_UNREACHABLE: Final = frozenset({2002, 2003, 2005})
_REFUSED: Final = frozenset({1044, 1045, 1130, 1142, 1143, 1227, 1370, 1410, 1698, 3159})
_BY_TLS: Final = "?ssl-mode=verify-identity&ssl-ca=PATH"
_NO_DATABASE: Final = 1049
_FULL: Final = frozenset({1021, 1114})

T = TypeVar("T")


class Talk:
    """What may be said within one transaction; each statement has the same time."""

    def __init__(self, cursor: Any, timeout_s: float) -> None:
        self._cursor = cursor
        self._timeout_s = timeout_s

    async def rows(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        async with asyncio.timeout(self._timeout_s):
            await self._cursor.execute(statement, tuple(values) if values else None)
            return list(await self._cursor.fetchall())

    async def execute(self, statement: str) -> None:
        async with asyncio.timeout(self._timeout_s):
            await self._cursor.execute(statement)


class Server:
    """One connection, used by one call at a time, that is opened when it is needed and opened anew when it was lost.

    Raises `ConfigError` when the authority that is to be trusted cannot be read.
    """

    def __init__(self, address: MysqlAddress, timeout_s: float) -> None:
        self.place = address.place
        self._address = address
        self._timeout_s = timeout_s
        self._connection: Any = None
        self._encryption = address.tls.context()
        self._turn = asyncio.Lock()
        self._failed: tuple[float, str] = (float("-inf"), "")
        self._closed = False

    async def run(self, work: Callable[[Talk], Awaitable[T]]) -> T:
        """Do the work as one transaction, again when it was disturbed or the connection broke: it must be idempotent.

        Raises `StorageError` when the server does not answer in time, or refuses. Who waited for a call that found the
        server away hears so at once.
        """
        asked = _now()
        async with self._turn:
            if self._closed:
                raise StorageError(f"the history on {self.place} is closed")
            if self._failed[0] > asked:
                raise StorageError(self._failed[1])
            try:
                return await self._attempts(work)
            except (MySQLError, OSError, TimeoutError) as problem:
                said = self._say(problem)
                if isinstance(problem, OSError) or _code(problem) in _LOST | _UNREACHABLE:  # a TimeoutError is one
                    self._failed = (_now(), said)
                raise StorageError(said) from None

    async def close(self) -> None:
        """Say goodbye if the server still listens; calling it twice is harmless."""
        async with self._turn:
            self._closed = True
            connection, self._connection = self._connection, None
            if connection is not None:
                with contextlib.suppress(MySQLError, OSError, TimeoutError):
                    async with asyncio.timeout(self._timeout_s):
                        await connection.ensure_closed()
                connection.close()

    async def _attempts(self, work: Callable[[Talk], Awaitable[T]]) -> T:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return await self._transaction(work)
            except (MySQLError, ConnectionError) as problem:
                code = _code(problem)
                if attempt == ATTEMPTS_MAX or not (isinstance(problem, OSError) or code in _LOST | _DISTURBED):
                    raise
        raise AssertionError("unreachable")

    async def _transaction(self, work: Callable[[Talk], Awaitable[T]]) -> T:
        if self._connection is None:
            self._connection = await self._connect()
        connection = self._connection
        try:
            async with connection.cursor() as cursor:
                talk = Talk(cursor, self._timeout_s)
                await talk.execute("START TRANSACTION")
                found = await work(talk)
                await talk.execute("COMMIT")
        except BaseException as problem:
            await self._after(problem)
            raise
        return found

    async def _after(self, problem: BaseException) -> None:
        """Undo what was begun; let go of a connection that cannot be trusted any more."""
        if isinstance(problem, MySQLError) and _code(problem) not in _LOST:
            with contextlib.suppress(MySQLError, OSError, TimeoutError):
                async with asyncio.timeout(self._timeout_s):
                    await self._connection.rollback()
                return
        connection, self._connection = self._connection, None
        connection.close()

    async def _connect(self) -> Any:
        address = self._address
        async with asyncio.timeout(self._timeout_s):
            return await asyncmy.connect(
                host=address.host,
                port=address.port,
                user=address.user,
                password=address.password,
                database=address.database,
                charset="utf8mb4",
                autocommit=True,  # a transaction begins and ends where we say so
                connect_timeout=max(1, round(self._timeout_s)),
                program_name="petrosa",
                ssl=self._encryption,
                # Times are UTC, nothing is cut to fit, and that something is there already is no news.
                init_command="SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES', sql_notes = 0",
            )

    def _say(self, problem: Exception) -> str:
        code, here = _code(problem), f"MySQL at {self.place}"
        told = _short(problem)
        if isinstance(problem.__cause__, ssl.SSLError):
            return f"{here} and we have no TLS: {told}; {self._address.tls.remedy(problem.__cause__)}"
        if isinstance(problem, TimeoutError) or code in _LOST | _UNREACHABLE or isinstance(problem, OSError):
            return (
                f"{here} does not answer as it should within {self._timeout_s:g} s: {told}; see that it runs and can be"
                " reached from here, and that klines.url is right"
            )
        if code == _NO_DATABASE:
            name = self._address.database
            return f"{here} has no database {name}: run CREATE DATABASE `{name}` there, or name another in klines.url"
        if code in _REFUSED:
            return (
                f"{here} refuses us: {told}; correct user and password in klines.url, and see that the user has SELECT,"
                f" INSERT, UPDATE and CREATE on {self._address.database}{self._in_clear_text()}"
            )
        if code in _FULL:
            return f"{here} has no room: {told}; make some, and what was refused is written by the next try"
        if code in _DISTURBED:
            return f"{here} is too busy with the same rows: {told}; try again"
        return f"{here} refuses: {told}"

    def _in_clear_text(self) -> str:
        """What else a refusal may mean."""
        return f", or add {_BY_TLS} where it is heard over TLS only" if self._encryption is None else ""


def _code(problem: BaseException) -> int:
    """The number that server or driver give the problem; -1 where there is none."""
    first = problem.args[0] if isinstance(problem, MySQLError) and problem.args else -1
    return first if isinstance(first, int) else -1


def _short(problem: BaseException) -> str:
    text = str(problem.args[1]) if isinstance(problem, MySQLError) and len(problem.args) > 1 else str(problem)
    return text[:200].rstrip(". ") or ("no answer" if isinstance(problem, TimeoutError) else type(problem).__name__)


def _now() -> float:
    return asyncio.get_running_loop().time()
