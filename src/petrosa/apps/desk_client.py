"""Asks a desk over HTTP, as the commands do that stop one or trade by hand on one."""

import http.client
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from petrosa.apps.settings import Settings
from petrosa.errors import AccessError, PetrosaError, UsageError

TIMEOUT_S: Final = 5.0


class Silent(PetrosaError):
    """Somebody takes connections at an address, and does not answer."""


def addresses_of(settings: Settings, url: str | None) -> list[str]:
    """Where a desk may be: at `url`, or on the ports of the settings on this machine."""
    if url:
        return [url]
    listen = settings.http.listen
    host = f"[{listen}]" if ":" in listen else listen
    if listen in {"0.0.0.0", "::", ""}:  # noqa: S104 - a name for every address, which is asked at loopback
        host = "127.0.0.1"
    ports = (settings.http.port, settings.http.engine_port)
    return [f"http://{host}:{port}" for port in dict.fromkeys(ports) if port]


def asked(
    address: str, method: str, path: str, body: bytes | None, key: str, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """(status, answer) of one request; status 0 where nobody listens, an empty answer where it is not an object.

    Raises `UsageError` for what is no address, `Silent` when whoever is there does not answer.
    """
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or parts.hostname is None:
        raise UsageError(f"--url {address[:80]!r} is no address; write http://127.0.0.1:8080")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_S)
    sent = {"Content-Type": "application/json", **({"X-API-Key": key} if key else {}), **(headers or {})}
    try:
        connection.request(method, parts.path.rstrip("/") + path, body, sent)
        response = connection.getresponse()
        return response.status, _decoded(response.read())
    except ConnectionRefusedError:
        return 0, {}
    except (OSError, http.client.HTTPException) as problem:
        raise Silent(f"{address} takes connections and does not answer ({problem})") from None
    finally:
        connection.close()


def said(address: str, status: int, found: dict[str, Any]) -> dict[str, Any]:
    """An answer that is a yes. Raises `AccessError` and `PetrosaError` with the desk's words for one that is a no."""
    if status < 300:
        return found
    error = found.get("error")
    words = str(error.get("message", error)) if isinstance(error, Mapping) else str(error or "no words")
    message = f"{address} answers {status}: {words}"
    raise AccessError(message) if status in {401, 403} else PetrosaError(message)


def _decoded(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
