"""Asks the desks of this machine about their kill switch, or tells them to stop."""

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from petrosa.apps.kill_switch import KILL_FILE
from petrosa.apps.settings import Settings
from petrosa.errors import AccessError, NotRunningError, PetrosaError, UsageError

TIMEOUT_S: Final = 5.0
PATH: Final = "/kill-switch"


def ask_desks(settings: Settings, action: str, reason: str, url: str | None, key: str) -> dict[str, dict[str, Any]]:
    """What each desk answered, by its address: the one of `url`, or every one on the ports of the settings.

    Raises `NotRunningError` when none answers, `AccessError` and `PetrosaError` with the words of one that says no;
    every desk is asked before that.
    """
    answers: dict[str, dict[str, Any]] = {}
    refusals: list[PetrosaError] = []
    addresses = [url] if url else [f"http://{_host(settings)}:{port}" for port in _ports(settings)]
    for address in addresses:
        try:
            answer = _ask(address, action, reason, key, settings.home)
        except PetrosaError as refused:
            refusals.append(refused)
            continue
        if answer is not None:
            answers[address] = answer
    if refusals:
        raise refusals[0]
    if not answers:
        tried = ", ".join(addresses)
        raise NotRunningError(f"no desk answers on {tried}; name one with --url, or {_by_file(settings.home)}")
    return answers


def _ask(address: str, action: str, reason: str, key: str, home: Path) -> dict[str, Any] | None:
    """The answer of one desk; none where nobody is, or somebody who is no desk."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or parts.hostname is None:
        raise UsageError(f"--url {address[:80]!r} is no address; write http://127.0.0.1:8080")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_S)
    headers = {"Content-Type": "application/json", **({"X-API-Key": key} if key else {})}
    body, path = _body(action, reason), PATH + ("/resume" if action == "resume" else "")
    try:
        connection.request("GET" if body is None else "POST", parts.path.rstrip("/") + path, body, headers)
        response = connection.getresponse()
        status, said = response.status, response.read()
    except ConnectionRefusedError:
        return None
    except (OSError, http.client.HTTPException) as problem:
        raise NotRunningError(
            f"{address} takes connections and does not answer ({problem}); {_by_file(home)}"
        ) from None
    finally:
        connection.close()
    if status == 404:
        return None
    found = _decoded(said)
    if status >= 300:
        message = f"{address} answers {status}: {_message(found)}"
        raise AccessError(message) if status in {401, 403} else PetrosaError(message)
    return found


def _by_file(home: Path) -> str:
    """What is left to do where HTTP does not help."""
    return f"write the level into {home / KILL_FILE}"


def _body(action: str, reason: str) -> bytes | None:
    """What is sent; none for a question."""
    if action == "status":
        return None
    return json.dumps({"reason": reason} if action == "resume" else {"level": action, "reason": reason}).encode()


def _decoded(said: bytes) -> dict[str, Any]:
    try:
        found = json.loads(said)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _message(found: Mapping[str, Any]) -> str:
    error = found.get("error")
    return str(error.get("message", error)) if isinstance(error, Mapping) else str(error or "no words")


def _host(settings: Settings) -> str:
    """Where a desk of these settings is reached from here."""
    listen = settings.http.listen
    if listen in {"0.0.0.0", "::", ""}:  # noqa: S104 - a name for every address, which is asked at loopback
        return "127.0.0.1"
    return f"[{listen}]" if ":" in listen else listen


def _ports(settings: Settings) -> list[int]:
    ports = (settings.http.port, settings.http.engine_port)
    return [port for port in dict.fromkeys(ports) if port]
