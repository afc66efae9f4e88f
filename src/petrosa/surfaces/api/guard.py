"""What a route asks before it answers: who is this, and may they?

`authorize` finds out from a request what `petrosa.surfaces.access` needs to know: the key, and whether the request
comes from this machine. A browser on this machine also comes from this machine, whichever page it shows, so where
loopback itself is the right, three things more must be true: the `Host` is a name of loopback (a foreign name that was
made to resolve to 127.0.0.1 is not), `Origin` and `Sec-Fetch-Site` do not speak of another site, and a body is JSON,
which no form can send. A key needs none of this: a browser does not attach it by itself.
"""

import ipaddress
import json
import math
from functools import lru_cache
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from petrosa.errors import AccessError, Forbidden, LimitExceeded, StorageError, Unauthenticated
from petrosa.surfaces.access import Access, Actor, Scope
from petrosa.surfaces.api.part import failure
from petrosa.surfaces.redaction import redact

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FORWARDED: Final = frozenset(
    {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"}
)
"""Headers by which a proxy says that the peer is not who asks."""
BODY_MAX: Final = 65_536
"""Bytes of a body."""
SAME_SITE: Final = frozenset({"same-origin", "none"})


class Denied(HTTPException):
    """A request that is not answered: the status, a complete sentence as `detail`, and `code`, a stable word."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, redact("detail", detail), headers)
        self.code = code


async def authorize(request: Request, needed: Scope, access: Access, *, is_dear: bool = False) -> Actor:
    """The actor of a request, who may do what is `needed`; call it before the body is read. See `Access` for `is_dear`.

    Raises `Denied`: 401 for no key or a bad one, 403 for a missing scope or a foreign page, 415 for a body that is not
    JSON, 429 with `Retry-After` for too many writes, 503 when the keys cannot be read.
    """
    try:
        token = presented_key(request)
        is_loopback = is_from_loopback(request)
        if token is None and is_loopback:
            _require_own_page(request)
        _require_json(request, is_bare=token is None)
        return await access.actor_of(token, is_loopback=is_loopback, needed=needed, is_dear=is_dear)
    except (AccessError, StorageError) as problem:
        raise _denied(problem) from None


async def deny(_request: Request, problem: Exception) -> Response:
    """The answer to `Denied`, for an application's `exception_handlers`: a `Failure` with its code."""
    assert isinstance(problem, Denied)
    return failure(problem.status_code, problem.code, problem.detail, problem.headers)


async def read_body(request: Request) -> bytes:
    """The whole body; call it after `authorize`. Raises `Denied` 413 for one that is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            raise Denied(413, "TOO_LARGE", f"the body has more than {BODY_MAX} bytes; send less")
    return bytes(body)


def require_once(body: bytes) -> None:
    """Refuse JSON that names a field twice: which of the two values is meant, nobody knows. Raises `Denied` 400.

    What is no JSON is left to whoever reads it.
    """
    try:
        json.loads(body, object_pairs_hook=_each_once)
    except RecursionError:
        raise Denied(400, "MALFORMED_JSON", "the body is nested too deeply; send it flat") from None
    except ValueError:
        return


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise Denied(400, "MALFORMED_JSON", f"the body names {name[:80]!r} twice; name it once")
        seen.add(name)


def presented_key(request: Request) -> str | None:
    """The key of `Authorization: Bearer …` or `X-API-Key: …`; none when neither is there.

    Raises `Unauthenticated` for two that differ, and for an `Authorization` that is no `Bearer` where no other key is.
    """
    found = {value.strip() for value in request.headers.getlist("x-api-key")}
    for value in request.headers.getlist("authorization"):
        scheme, _, key = value.strip().partition(" ")
        if scheme.lower() == "bearer":
            found.add(key.strip())
        elif "x-api-key" not in request.headers:
            raise Unauthenticated("Authorization is not understood; send Authorization: Bearer KEY, or X-API-Key: KEY")
    if len(found) > 1:
        raise Unauthenticated("two different keys were sent; send one, as Authorization: Bearer KEY or X-API-Key: KEY")
    return found.pop() if found else None


def is_from_loopback(request: Request) -> bool:
    """Whether the peer is this machine and speaks for itself.

    A proxy on this machine speaks for others: any header that proxies add makes the request one from elsewhere.
    """
    if request.client is None or not FORWARDED.isdisjoint(request.headers):
        return False
    return _is_loopback_address(request.client.host)


@lru_cache(maxsize=256)
def _is_loopback_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _require_own_page(request: Request) -> None:
    """Refuse what a foreign page could have a browser on this machine send."""
    hosts = request.headers.getlist("host")
    host = hosts[0].strip().lower() if len(hosts) == 1 else ""
    if not _is_loopback_host(host):
        raise Forbidden(f"Host {host[:80]!r} is no name of loopback; ask 127.0.0.1, [::1] or localhost, or send a key")
    for origin in request.headers.getlist("origin"):
        own = f"{request.url.scheme}://{host}"
        if origin.strip().lower() != own:
            raise Forbidden(f"a page of {origin[:80]!r} may not ask {own}; send a key")
    for site in request.headers.getlist("sec-fetch-site"):
        if site.strip().lower() not in SAME_SITE and request.method not in READING:
            raise Forbidden(f"a page of another site ({site[:20]!r}) may not write here; send a key")


def _is_loopback_host(host: str) -> bool:
    """Of a `Host` header in lower case: `localhost`, `127.0.0.1:8080`, `[::1]:8080`."""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            return False
    else:
        name, _, _ = host.partition(":")
    return name == "localhost" or _is_loopback_address(name)


def _require_json(request: Request, *, is_bare: bool) -> None:
    """Bodies are JSON. Without a key a POST says so even when it is empty, because a form can be empty too."""
    if request.method in READING:
        return
    length = request.headers.get("content-length", "0").strip()
    has_body = length != "0" or "transfer-encoding" in request.headers
    if not has_body and not (is_bare and request.method == "POST"):
        return
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise Denied(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Type {kind[:80]!r} is not taken; send application/json")


def _denied(problem: AccessError | StorageError) -> Denied:
    match problem:
        case Unauthenticated():
            return Denied(401, "UNAUTHENTICATED", str(problem), {"WWW-Authenticate": 'Bearer realm="petrosa"'})
        case LimitExceeded():
            wait = {"Retry-After": str(math.ceil(problem.retry_after_s))}
            return Denied(429, "RATE_LIMITED", str(problem), wait)
        case AccessError():
            return Denied(403, "FORBIDDEN", str(problem))
        case _:
            return Denied(503, "STORE_UNAVAILABLE", str(problem))
