"""Asks the desks of this machine about their kill switch, or tells them to stop."""

import json
from pathlib import Path
from typing import Any, Final

from petrosa.apps.desk_client import Silent, addresses_of, asked, said
from petrosa.apps.kill_switch import KILL_FILE
from petrosa.apps.settings import Settings
from petrosa.errors import NotRunningError, PetrosaError

PATH: Final = "/kill-switch"


def ask_desks(settings: Settings, action: str, reason: str, url: str | None, key: str) -> dict[str, dict[str, Any]]:
    """What each desk answered, by its address: the one of `url`, or every one on the ports of the settings.

    Raises `NotRunningError` when none answers, `AccessError` and `PetrosaError` with the words of one that says no;
    every desk is asked before that.
    """
    answers: dict[str, dict[str, Any]] = {}
    refusals: list[PetrosaError] = []
    addresses = addresses_of(settings, url)
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
    body, path = _body(action, reason), PATH + ("/resume" if action == "resume" else "")
    try:
        status, found = asked(address, "GET" if body is None else "POST", path, body, key)
    except Silent as problem:
        raise NotRunningError(f"{problem}; {_by_file(home)}") from None
    return None if status in {0, 404} else said(address, status, found)


def _by_file(home: Path) -> str:
    """What is left to do where HTTP does not help."""
    return f"write the level into {home / KILL_FILE}"


def _body(action: str, reason: str) -> bytes | None:
    """What is sent; none for a question."""
    if action == "status":
        return None
    return json.dumps({"reason": reason} if action == "resume" else {"level": action, "reason": reason}).encode()
