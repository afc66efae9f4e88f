"""What an answer over HTTP comes to: what was asked for, or which error; pure."""

import re
from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.net.http import Answer
from petrosa.adapters.venues.binance.live.codes import NOT_SUBMITTED, Meaning, meaning
from petrosa.errors import OutcomeUnknown, PetrosaError, RateLimited, VenueClosed, VenueRefused

SHOWN: Final = 200
PAUSE_MAX_S: Final = 4 * 86_400
"""Bans last three days at most."""

PAUSES_S: Final = {Meaning.RATE_LIMITED: 60.0, Meaning.TOO_MANY_ORDERS: 10.0, Meaning.NOT_ACCEPTED: 1.0}
"""How long to wait where the venue does not say."""
BAN_S: Final = 120.0
BANNED_UNTIL: Final = re.compile(r"banned until (\d{13})")
HALF_DONE: Final = frozenset({-2021, -2022})
"""On spot: a cancelReplace of which one part, or no part, was done. On futures these codes say nothing of parts."""
MEANING_OF_STATUS: Final = {
    403: Meaning.KEY, 408: Meaning.UNKNOWN_OUTCOME, 418: Meaning.RATE_LIMITED, 429: Meaning.RATE_LIMITED,
    451: Meaning.KEY,
}  # fmt: skip
"""Where the body has no code: 403 is the venue's firewall, 408 its own timeout, 451 a forbidden country."""


class Verdict(NamedTuple):
    meaning: Meaning
    error: PetrosaError


class _Part(msgspec.Struct):
    """What became of one half of a cancelReplace; the answer to an order where it was done, and then without a code."""

    code: int = 0
    msg: str = ""


class _Parts(msgspec.Struct, rename="camel"):
    cancel_response: _Part | None = None
    new_order_response: _Part | None = None


class _PartsBody(msgspec.Struct):
    data: _Parts | None = None


class _ErrorBody(msgspec.Struct):
    code: int
    msg: str = ""


def judge(product: str, answer: Answer, now_ms: int) -> Verdict | None:
    """None for what was asked for; the error otherwise. `now_ms` is the venue's time, which bans are stated in."""
    if 200 <= answer.status < 300:
        return None if _is_json(answer.body) else _not_json(answer)
    code, said = _read(answer)
    found = _meaning(product, answer.status, code, said)
    match found:
        case Meaning.RATE_LIMITED | Meaning.TOO_MANY_ORDERS | Meaning.NOT_ACCEPTED:
            is_ban = answer.status == 418
            pause_s = _pause(answer, found, said, now_ms)
            return Verdict(found, RateLimited(f"{code}: {said}; wait {pause_s:g} s", pause_s, is_ban=is_ban))
        case Meaning.UNKNOWN_OUTCOME:
            return Verdict(found, OutcomeUnknown(f"HTTP {answer.status}, {code}: {said}"))
        case Meaning.KEY:
            return Verdict(found, VenueClosed(_closed(answer.status, code, said)))
        case _:
            return Verdict(found, VenueRefused(code, said))


def _meaning(product: str, status: int, code: int, said: str) -> Meaning:
    if status in (418, 429):
        return Meaning.TOO_MANY_ORDERS if code == -1015 and status == 429 else Meaning.RATE_LIMITED
    if status >= 500 and product == "usdm":
        is_named = code == -1008 or (status == 503 and said.lower().startswith(NOT_SUBMITTED))
        return Meaning.NOT_ACCEPTED if is_named else Meaning.UNKNOWN_OUTCOME
    if status >= 500:
        return Meaning.UNKNOWN_OUTCOME  # spot: whatever its words, an internal error says nothing about the order
    if code:
        return meaning(product, code, said)
    return MEANING_OF_STATUS.get(status, Meaning.REFUSED)


def _read(answer: Answer) -> tuple[int, str]:
    """(code, words) of an error's body; code 0 and the beginning of the body where it is none."""
    try:
        body = msgspec.json.decode(answer.body, type=_ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        shown = " ".join(answer.body[:SHOWN].decode(errors="replace").split())
        words = shown or "no words"
        return 0, words if words.lower().startswith(NOT_SUBMITTED) else f"HTTP {answer.status}: {words}"
    return _of_parts(answer, body) if body.code in HALF_DONE else (body.code, body.msg[:SHOWN])


def _of_parts(answer: Answer, body: _ErrorBody) -> tuple[int, str]:
    """(code, words) of a cancelReplace that failed, with what was said of its parts.

    The code is that of a part of which nobody knows what became of it, if there is one: it is then so of the whole.
    """
    try:
        data = msgspec.json.decode(answer.body, type=_PartsBody).data or _Parts()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        data = _Parts()
    failed = [part for part in (data.cancel_response, data.new_order_response) if part is not None and part.code]
    words = "; ".join([body.msg, *(f"{part.code}: {part.msg}" for part in failed)])[:SHOWN]
    unknown = [part.code for part in failed if meaning("spot", part.code, part.msg) is Meaning.UNKNOWN_OUTCOME]
    return (unknown[0] if unknown else body.code), words


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _not_json(answer: Answer) -> Verdict:
    shown = answer.body[:SHOWN].decode(errors="replace")
    return Verdict(
        Meaning.UNKNOWN_OUTCOME,
        OutcomeUnknown(
            f"HTTP {answer.status} with what is not JSON: {shown!r}; is something between us and the venue?"
        ),
    )


def _pause(answer: Answer, found: Meaning, said: str, now_ms: int) -> float:
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return float(min(PAUSE_MAX_S, max(1, int(text))))
    until = BANNED_UNTIL.search(said)
    if until is not None:
        return min(PAUSE_MAX_S, max(1.0, (int(until[1]) - now_ms) / 1000))
    return BAN_S if answer.status == 418 else PAUSES_S[found]


def _closed(status: int, code: int, said: str) -> str:
    if status == 451:
        return f"HTTP 451: the venue does not serve this address's country ({said})"
    if not code:
        return (
            f"HTTP {status}: the venue's firewall stopped the request ({said}); look for too many requests, or a proxy"
        )
    return (
        f"{code}: {said} Check that the key is of this environment and not deleted, that its secret or private key"
        " belongs to it, that this address is on its list, and that it may trade this market"
    )
