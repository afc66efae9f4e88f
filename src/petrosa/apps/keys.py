"""The keys of the HTTP API: made, listed and revoked in the document store, and known from memory while serving.

A key is `pk_<id>_<secret>`: 64 random bits that say which, 256 random bits that prove it. Stored is the SHA-256 of the
secret. A slow hash is for passwords, which can be guessed; 2^256 secrets cannot be, so a fast one is as safe and a
request costs microseconds. When a key was last used is not stored: that would be a write for every request.

A document is keyed by the key's name, so two keys of one name cannot be, whoever makes them when. The name of a
revoked or expired key can be used again: that is how a key is changed.
"""

import asyncio
import hashlib
import hmac
import math
import re
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
import structlog
from msgspec import Meta

from petrosa.errors import DataError, StorageError, UsageError, VersionConflict
from petrosa.ports import Documents, Versioned
from petrosa.surfaces.access import RESERVED, Scope

COLLECTION: Final = "api_keys"
KEYS_MAX: Final = 1_000
READ_AGE_S: Final = 60.0
"""A reader may be answered by what was known so long ago."""
WRITE_AGE_S: Final = 1.0
"""A writer by what was known so long ago."""
SEARCH_S: Final = 1.0
"""So often a key that is not known is looked for: a flood of bad keys costs a look a second."""
RETRY_S: Final = 1.0
"""After a failed look the store is left alone for so long."""

NAME = re.compile(r"(?!pk_)(?![0-9a-f]{16}$)[a-z0-9._-]{1,64}")
"""A name cannot be mistaken for a key or its id."""
TOKEN = re.compile(r"pk_([0-9a-f]{16})_([0-9a-f]{64})")

log = structlog.get_logger("petrosa.keys")

_Time = Annotated[datetime, Meta(tz=True)]


class StoredKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is kept: everything but its secret."""

    id: str
    name: str
    secret_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    scopes: tuple[Scope, ...]
    created_at: _Time
    expires_at: _Time | None = None
    revoked_at: _Time | None = None

    def status(self, now: datetime) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


class KeyRing:
    """The keys of one document store.

    Serving asks `find` and `is_configured`; what they know is read again when it is too old, and at once when a key is
    made or revoked here. While the store is away, readers are answered by what is known, writers by `StorageError`.
    """

    def __init__(
        self,
        store: Documents,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._now = now
        self._clock = clock
        self._lock = asyncio.Lock()
        self._by_id: dict[str, StoredKey] = {}
        self._count = 0
        self._read_at: float | None = None
        self._searched_at = -math.inf
        self._failure: tuple[float, StorageError] | None = None

    async def create(
        self, name: str, scopes: Iterable[Scope], lifetime: timedelta | None = None
    ) -> tuple[str, StoredKey]:
        """A new key as it must be presented, which is known to nobody else and to us no more, and as it is kept.

        Raises `UsageError` for a name that is no name or is in use, no scope, or too many keys.
        """
        wanted = tuple(scope for scope in Scope if scope in set(scopes))
        if NAME.fullmatch(name) is None or name in RESERVED:
            raise UsageError(
                f"{name[:80]!r} is no name for a key; write 1 to 64 of a-z 0-9 . _ - that are no key's id, and not "
                + " or ".join(sorted(RESERVED))
            )
        if not wanted:
            raise UsageError(f"a key without a scope is good for nothing; name one of {', '.join(Scope)}")
        async with self._lock:
            await self._read()
            found = await self._store.get(COLLECTION, name)
            if found is None and self._count >= KEYS_MAX:
                raise UsageError(
                    f"there are {self._count} keys, limit {KEYS_MAX}; take the name of a revoked one: petrosa keys list"
                )
            if found is not None and _decoded(name, found).status(self._now()) == "active":
                raise UsageError(f"there is a key {name!r} already; revoke it first: petrosa keys revoke {name}")
            created = self._now().replace(microsecond=0)
            key_id, secret = secrets.token_hex(8), secrets.token_hex(32)
            key = StoredKey(
                id=key_id,
                name=name,
                secret_sha256=_digest(secret),
                scopes=wanted,
                created_at=created,
                expires_at=None if lifetime is None else created + lifetime,
            )
            await self._put(key, 0 if found is None else found.version)
        return f"pk_{key_id}_{secret}", key

    async def revoke(self, name_or_id: str) -> StoredKey:
        """The key as it was revoked, now or earlier; holds at once here, within a minute elsewhere.

        Takes a name, an id, or a whole key. Raises `UsageError` when there is none.
        """
        match = TOKEN.fullmatch(name_or_id)
        wanted = match[1] if match else name_or_id
        async with self._lock:
            await self._read()
            name = self._by_id[wanted].name if wanted in self._by_id else wanted
            found = await self._store.get(COLLECTION, name) if NAME.fullmatch(name) else None
            if found is None:
                raise UsageError(f"there is no key {wanted[:80]!r}; petrosa keys list shows those there are")
            key = _decoded(name, found)
            if key.revoked_at is None:
                key = msgspec.structs.replace(key, revoked_at=self._now().replace(microsecond=0))
                await self._put(key, found.version)
            return key

    async def all(self) -> list[StoredKey]:
        """Every key by name, as the store has them now."""
        async with self._lock:
            await self._read()
            return sorted(self._by_id.values(), key=lambda key: key.name)

    async def census(self) -> tuple[int, int]:
        """How many keys are active, and how many were ever configured, as the store has them now."""
        keys = await self.all()
        return sum(key.status(self._now()) == "active" for key in keys), self._count

    async def find(self, token: str, *, writes: bool) -> tuple[StoredKey | None, str]:
        """The valid key that was presented, or none and why, for the log and for whoever holds the key's secret.

        Raises `StorageError` when the keys are not known, or, for writers, not known as they are now.
        """
        match = TOKEN.fullmatch(token)
        if match is None:
            return None, "it has not the form pk_ID_SECRET"
        await self._know(WRITE_AGE_S if writes else READ_AGE_S, may_be_old=not writes)
        if match[1] not in self._by_id:
            await self._search(match[1], may_be_old=not writes)
        key = self._by_id.get(match[1])
        expected = "0" * 64 if key is None else key.secret_sha256
        if not hmac.compare_digest(_digest(match[2]), expected) or key is None:
            return None, "it is not known"
        status = key.status(self._now())
        return (key, "") if status == "active" else (None, f"it is {status}")

    async def is_configured(self, *, writes: bool) -> bool:
        """Whether there is a key, or was one that is expired or revoked. Raises as `find` does."""
        await self._know(WRITE_AGE_S if writes else READ_AGE_S, may_be_old=not writes)
        return self._count > 0

    async def _know(self, age_s: float, *, may_be_old: bool) -> None:
        """Have read the keys within `age_s` seconds."""
        if self._is_known(age_s):
            return
        async with self._lock:
            if self._is_known(age_s):
                return  # another request has read them while this one waited
            await self._try_to_read(may_be_old=may_be_old)

    async def _search(self, key_id: str, *, may_be_old: bool) -> None:
        """Look at once whether a key that is not known was made just now, but not more often than in `SEARCH_S`."""
        async with self._lock:
            if key_id in self._by_id or self._clock() - self._searched_at < SEARCH_S:
                return
            self._searched_at = self._clock()
            await self._try_to_read(may_be_old=may_be_old)

    async def _try_to_read(self, *, may_be_old: bool) -> None:
        """Read every key, or do with those known from before; the caller holds the lock."""
        try:
            if self._failure is not None and self._clock() - self._failure[0] < RETRY_S:
                raise self._failure[1]
            await self._read()
        except StorageError:
            if not may_be_old or self._read_at is None:
                raise

    def _is_known(self, age_s: float) -> bool:
        return self._read_at is not None and self._clock() - self._read_at < age_s

    async def _read(self) -> None:
        """Read every key; the caller holds the lock."""
        began = self._clock()
        found: list[tuple[str, Versioned]] = []
        try:
            while len(found) < KEYS_MAX and (page := await self._store.find(COLLECTION, after=_last(found))):
                found += page
        except StorageError as problem:
            if self._failure is None:
                log.warning("the keys cannot be read; those known from before still read", problem=str(problem))
            self._failure = self._clock(), problem
            raise
        keys: dict[str, StoredKey] = {}
        for name, document in found[:KEYS_MAX]:
            try:
                key = _decoded(name, document)
            except DataError as problem:
                log.error("a stored key is not valid", problem=str(problem))
            else:
                keys[key.id] = key
        self._by_id, self._count, self._read_at, self._failure = keys, len(found), began, None

    async def _put(self, key: StoredKey, version: int) -> None:
        """Store the key over that version and know it. The caller holds the lock.

        Whatever goes wrong, nothing counts as known afterwards: the key may have been stored, or another one.
        """
        known = self._read_at
        self._read_at = None
        try:
            await self._store.put(COLLECTION, key.name, msgspec.to_builtins(key), expected_version=version)
        except VersionConflict:
            raise VersionConflict(f"the key {key.name!r} was changed by somebody else just now; try again") from None
        others = {id_: other for id_, other in self._by_id.items() if other.name != key.name}
        self._by_id = {**others, key.id: key}
        self._count += version == 0
        self._read_at = known


def _last(found: Sequence[tuple[str, Versioned]]) -> str:
    return found[-1][0] if found else ""


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def _decoded(name: str, found: Versioned) -> StoredKey:
    try:
        key = msgspec.convert(found.document, StoredKey)
    except msgspec.ValidationError as problem:
        raise DataError(
            f"{COLLECTION}/{name} is no key: {problem}; put it right in the store, or make a key of another name"
        ) from None
    if key.name != name:
        raise DataError(f"{COLLECTION}/{name} holds the key of {key.name[:80]!r}; put it right in the store")
    return key
