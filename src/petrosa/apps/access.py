"""The rule of `petrosa.surfaces.access`, kept over the keys of a store."""

import time
from collections.abc import Callable

from petrosa.apps.keys import KeyRing
from petrosa.apps.settings import Settings
from petrosa.errors import Forbidden, StorageError, Unauthenticated
from petrosa.ports import Documents
from petrosa.surfaces.access import ANONYMOUS, LOCAL, Actor, Scope, allows
from petrosa.surfaces.write_limit import WriteLimit

MAKE_ONE = "make one with petrosa keys create"


class KeyedAccess:
    """An `Access` by the keys of a ring, with a limit of writes."""

    def __init__(self, ring: KeyRing, limit: WriteLimit) -> None:
        self._ring = ring
        self._limit = limit

    async def actor_of(self, token: str | None, *, is_loopback: bool, needed: Scope, is_dear: bool = False) -> Actor:
        writes = needed is not Scope.READ
        if token is not None:
            actor = await self._holder(token, needed)
        elif is_loopback and not writes:
            actor = Actor(LOCAL, frozenset({Scope.READ}), "loopback")
        else:
            actor = await self._keyless(is_loopback=is_loopback, writes=writes)
        if is_dear or (writes and needed is not Scope.TRADE):  # a kill switch that has to wait is none
            self._limit.spend(actor.name)
        return actor

    async def rule(self) -> str:
        """The line that a service logs at its start: who may change things as matters stand. Never raises."""
        try:
            active, configured = await self._ring.census()
        except StorageError as problem:
            return f"nobody may change the configuration over HTTP until the keys can be read: {problem}"
        if not configured:
            return f"no key is configured: only this machine may change the configuration; {MAKE_ONE}"
        return f"{active} of {configured} keys are active: whoever changes the configuration over HTTP needs one"

    async def _holder(self, token: str, needed: Scope) -> Actor:
        """Who holds the key."""
        key, why = await self._ring.find(token, writes=needed is not Scope.READ)
        if key is None:
            raise Unauthenticated(f"the key is not valid: {why}; send another, or {MAKE_ONE}")
        scopes = frozenset(key.scopes)
        if not allows(scopes, needed):
            has = ", ".join(key.scopes)
            raise Forbidden(f"this needs the scope {needed}, and the key {key.name!r} has {has}; {MAKE_ONE}")
        return Actor(key.name, scopes, key.id)

    async def _keyless(self, *, is_loopback: bool, writes: bool) -> Actor:
        """Who has no key, where being here or the absence of keys may be enough."""
        if await self._ring.is_configured(writes=writes):
            raise Unauthenticated(f"this needs a key: send Authorization: Bearer KEY, or X-API-Key: KEY; {MAKE_ONE}")
        if is_loopback:
            return Actor(LOCAL, frozenset({Scope.ADMIN}), "loopback")
        if writes:
            raise Unauthenticated(f"no key is configured, so only this machine may change anything; {MAKE_ONE}")
        return Actor(ANONYMOUS, frozenset({Scope.READ}), "open")


def access_over(settings: Settings, documents: Documents, clock: Callable[[], float] = time.monotonic) -> KeyedAccess:
    """The access of a process that serves HTTP, over its document store."""
    limited = settings.access
    limit = WriteLimit(limited.writes_per_key, limited.write_cooldown_seconds, clock)
    return KeyedAccess(KeyRing(documents), limit)
