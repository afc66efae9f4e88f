"""Who may do what over HTTP: the words in which surfaces ask, and the rule that whoever answers keeps to.

The rule, in one place:

* A key that is presented must be valid, wherever the request comes from; a bad one never counts as no key.
* A key may do what its scopes allow, see `allows`. The actor's name is the key's name; a request cannot choose it.
* Without a key, a request from this machine reads always, and writes as long as no key was ever configured.
* Without a key, a request from elsewhere reads as long as no key was ever configured, and never writes.
* A revoked or expired key still counts as configured: revoking the last one must not open what it closed.
* Writes are limited per actor, but for those that need `trade`: what a desk takes at once limits signals, and nothing
  limits the kill switch. A request that needs no more than `read` is no write; one that costs as much as a change, as
  validating one does, is limited as if it were.
* Probes (`/healthz`, `/ready`, `/metrics`) and the description of the process never ask.
"""

from enum import StrEnum
from typing import Final, Protocol

import msgspec


class Scope(StrEnum):
    """What a key may be good for."""

    READ = "read"
    CONFIG = "config"
    TRADE = "trade"
    ADMIN = "admin"


_ALLOWED_BY: Final = {
    Scope.READ: frozenset(Scope),
    Scope.CONFIG: frozenset({Scope.CONFIG, Scope.ADMIN}),
    Scope.TRADE: frozenset({Scope.TRADE, Scope.ADMIN}),
    Scope.ADMIN: frozenset({Scope.ADMIN}),
}

LOCAL: Final = "local"
"""The actor without a key on this machine."""
ANONYMOUS: Final = "anonymous"
"""The actor without a key elsewhere."""
RESERVED: Final = frozenset({LOCAL, ANONYMOUS})
"""Names that no key may have, so that a name in an audit means one thing."""


def allows(scopes: frozenset[Scope], needed: Scope) -> bool:
    """Whether one of the scopes suffices: `admin` for everything, every scope for `read`."""
    return not scopes.isdisjoint(_ALLOWED_BY[needed])


class Actor(msgspec.Struct, frozen=True):
    """Who acts: the name that an audit records, what they may do, and by which right.

    `via` is the id of the key, `loopback`, or `open` for a reader of a desk that has no keys.
    """

    name: str
    scopes: frozenset[Scope]
    via: str


class Access(Protocol):
    """Decides about a request by the rule of this module."""

    async def actor_of(self, token: str | None, *, is_loopback: bool, needed: Scope, is_dear: bool = False) -> Actor:
        """The actor behind the token (none: no key was presented), who may do what is needed now.

        Counts one write unless `needed` is `read` or `trade`, and always for what `is_dear` though it writes nothing.
        Raises `Unauthenticated`, `Forbidden`, `LimitExceeded`,
        or `StorageError` when the keys must be known and cannot be.
        """
        ...
