"""Asks the desks of this machine in what their venue and their books differ, or has it resolved."""

import json
from typing import Any, Final
from urllib.parse import quote

from petrosa.apps.desk_client import Silent, addresses_of, asked, said
from petrosa.apps.settings import Settings
from petrosa.errors import NotRunningError, PetrosaError

PATH: Final = "/reconcile"
NOT_HERE: Final = "FINDING_UNKNOWN"

Answers = dict[str, dict[str, Any]]


def ask_to_compare(settings: Settings, reason: str | None, url: str | None, key: str) -> Answers:
    """The report of each desk, by its address; with a reason its venue is asked. Raises what `_ask_all` raises."""
    return _ask_all(settings, PATH, None if reason is None else {"reason": reason}, url, key)


def ask_to_resolve(settings: Settings, finding: str, how: str, reason: str, url: str | None, key: str) -> Answers:
    """What the desk with this finding did about it. Raises what `_ask_all` raises."""
    return _ask_all(settings, f"{PATH}/{quote(finding, safe='')}", {"how": how, "reason": reason}, url, key)


def reports_of(answers: Answers) -> dict[str, tuple[str, dict[str, Any]]]:
    """(status, report) of each answer; a report that was only read has no status."""
    return {address: (found.get("status", ""), found.get("report", found)) for address, found in answers.items()}


def _ask_all(settings: Settings, path: str, body: dict[str, str] | None, url: str | None, key: str) -> Answers:
    """Every desk at the usual places, or the one of `url`; it is enough when one of them says yes.

    Raises `NotRunningError` when none answers, `AccessError` and `PetrosaError` with the words of one that says no.
    """
    answers: Answers = {}
    refusals: list[PetrosaError] = []
    addresses = addresses_of(settings, url)
    for address in addresses:
        try:
            answer = _ask(address, path, body, key)
        except PetrosaError as refused:
            refusals.append(refused)
            continue
        if answer is not None:
            answers[address] = answer
    if refusals and not answers:
        raise refusals[0]
    if not answers:
        raise NotRunningError(f"no desk answers on {', '.join(addresses)}; start one, or name one with --url")
    return answers


def _ask(address: str, path: str, body: dict[str, str] | None, key: str) -> dict[str, Any] | None:
    """The answer of one desk; none where nobody is, or somebody who is no desk."""
    method, raw = ("GET", None) if body is None else ("POST", json.dumps(body).encode())
    try:
        status, found = asked(address, method, path, raw, key)
    except Silent as problem:
        raise NotRunningError(f"{problem}; look at its process") from None
    if status == 0 or (status == 404 and not _is_of_a_desk(found)):
        return None
    return said(address, status, found)


def _is_of_a_desk(found: dict[str, Any]) -> bool:
    error = found.get("error")
    return isinstance(error, dict) and error.get("code") == NOT_HERE
