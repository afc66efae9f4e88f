"""Files of the public archive, from an address or a folder: believed only with the checksum that lies beside them."""

import asyncio
import csv
import hashlib
import io
import random
import re
import tempfile
import zipfile
import zlib
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Final

import aiohttp

from petrosa.errors import ConfigError, DataError, TransportError

ATTEMPTS: Final = 4
BACKOFF_S: Final = 0.5
PAUSE_MAX_S: Final = 60.0
CONNECT_S: Final = 10.0
PART: Final = 1 << 20
CHECKSUM_MAX: Final = 4_096
SIZE_MAX: Final = 32 << 30
LINE_MAX: Final = 4_096
BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
CHECKSUM: Final = re.compile(r"\s*([0-9a-fA-F]{64})\b")


class _MissingError(Exception):
    """There is no such file."""


class _AgainError(Exception):
    """Not now, or not whole. `pause_s` is how long the other side asked to wait."""

    def __init__(self, said: str, pause_s: float = 0.0) -> None:
        super().__init__(said)
        self.pause_s = pause_s


class RowFile:
    """The rows of one zip, verified already. Use it with `with`."""

    def __init__(self, path: str, content: IO[bytes]) -> None:
        """Raises `DataError` unless it is a zip of one file of rows."""
        self.path = path
        self._content = content
        self._row = 0
        try:
            packed = zipfile.ZipFile(content)
            inside = [one for one in packed.infolist() if not one.is_dir()]
            if len(inside) != 1 or inside[0].file_size > SIZE_MAX:
                raise DataError(f"{path}: a zip of {len(inside)} files; one file of rows was expected")
            self._rows = csv.reader(self._text(packed.open(inside[0])))
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as problem:
            content.close()
            raise DataError(f"{path}: not a zip that can be read: {problem}") from None
        except DataError:
            content.close()
            raise

    def __enter__(self) -> "RowFile":
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._content.close()

    def lines(self, most: int) -> list[list[str]]:
        """The next rows; none at the end. A first row of names is left out. Raises `DataError`."""
        try:
            found = [line for line in islice(self._rows, most) if line]
            if self._row == 0 and found and not found[0][0].strip().isdigit():
                found = found[1:] or [line for line in islice(self._rows, most) if line]
        except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError, csv.Error) as problem:
            raise DataError(f"{self.path}: damaged after row {self._row}: {problem}") from None
        self._row += len(found)
        return found

    def _text(self, content: IO[bytes]) -> Iterator[str]:
        with io.TextIOWrapper(content, encoding="utf-8", newline="") as text:
            while line := text.readline(LINE_MAX):
                yield line


class Files:
    """An archive at an address (`https://…`) or in a folder. What is fetched leaves nothing behind, however we end."""

    def __init__(
        self, base: str, *, timeout_s: float = 300.0, pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: random.Random | None = None,
    ) -> None:  # fmt: skip
        """Raises `ConfigError` for a base that is neither an address nor a folder."""
        self.base = base.rstrip("/")
        self.fetched = 0
        self._remote = base.startswith(("http://", "https://"))
        if not self._remote and not Path(base).is_dir():
            raise ConfigError(
                f"extract.archive_url = {base!r} is neither an address (https://…) nor a folder that is there"
            )
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=CONNECT_S)
        self._session: aiohttp.ClientSession | None = None
        self._pause = pause
        self._chance = chance or random.Random()
        self._missing: set[str] = set()

    async def open(self, path: str) -> RowFile | None:
        """The rows of `path`.zip; None where there is no such file, or no checksum to believe it by.

        Raises `TransportError` when it cannot be fetched, `DataError` when it is not what its checksum says, again and
        again.
        """
        if path in self._missing:
            return None
        for attempt in range(1, ATTEMPTS + 1):
            try:
                content = await self._verified(f"{path}.zip")
                self.fetched += 1
                return await asyncio.to_thread(RowFile, f"{path}.zip", content)
            except _MissingError:
                self._missing.add(path)
                return None
            except _AgainError as problem:
                if attempt == ATTEMPTS:
                    raise TransportError(
                        f"{self.base}/{path}.zip: {problem} ({ATTEMPTS} times); see that extract.archive_url is right,"
                        " or ask again later"
                    ) from None
                grown = BACKOFF_S * 2 ** (attempt - 1)
                await self._pause(max(min(problem.pause_s, PAUSE_MAX_S), self._chance.uniform(grown / 2, grown)))
            except DataError:
                if attempt == ATTEMPTS or not self._remote:
                    raise
        return None

    async def close(self) -> None:
        """Let go of the connections; calling it twice is harmless."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _verified(self, path: str) -> IO[bytes]:
        """A file whose content has the checksum that is stated for it."""
        stated = io.BytesIO()
        await self._copy(f"{path}.CHECKSUM", stated, CHECKSUM_MAX)
        match = CHECKSUM.match(stated.getvalue().decode(errors="replace"))
        if match is None:
            raise DataError(f"{path}.CHECKSUM states no SHA-256: {stated.getvalue()[:80]!r}")
        content = tempfile.TemporaryFile()  # noqa: SIM115 - given to the caller; it has no name that could be left
        try:
            digest = await self._copy(path, content, SIZE_MAX)
            if digest != match[1].lower():
                raise DataError(f"{path} has SHA-256 {digest}, and {match[1].lower()} is stated; nothing of it is used")
        except BaseException:
            content.close()
            raise
        content.seek(0)
        return content

    async def _copy(self, path: str, to: IO[bytes], most: int) -> str:
        """Write a file's bytes to `to`; returns their SHA-256."""
        if not self._remote:
            return await asyncio.to_thread(self._copy_local, path, to, most)
        digest, size = hashlib.sha256(), 0
        try:
            async with self._open().get(f"{self.base}/{path}") as response:
                self._check(response)
                async for part in response.content.iter_chunked(PART):
                    size += len(part)
                    if size > most:
                        raise DataError(f"{path}: more than {most} bytes")
                    digest.update(part)
                    await asyncio.to_thread(to.write, part)
        except TimeoutError:
            raise _AgainError("not there in time") from None
        except (aiohttp.ClientError, OSError) as problem:
            raise _AgainError(type(problem).__name__) from None
        return digest.hexdigest()

    def _copy_local(self, path: str, to: IO[bytes], most: int) -> str:
        digest = hashlib.sha256()
        try:
            with (Path(self.base) / path).open("rb") as file:
                while part := file.read(PART):
                    digest.update(part)
                    to.write(part)
                    if to.tell() > most:
                        raise DataError(f"{path}: more than {most} bytes")
        except FileNotFoundError:
            raise _MissingError from None
        return digest.hexdigest()

    def _check(self, response: aiohttp.ClientResponse) -> None:
        if response.status in (403, 404):
            raise _MissingError  # the archive's host answers either for what it does not have
        if response.status in BUSY:
            text = response.headers.get("Retry-After", "").strip()
            raise _AgainError(f"HTTP {response.status}", float(text) if text.isdigit() and len(text) < 6 else 0.0)
        if response.status != 200:
            raise DataError(f"{response.url}: HTTP {response.status}; is extract.archive_url right?")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout, headers={"User-Agent": "petrosa", "Accept-Encoding": "identity"}
            )
        return self._session
