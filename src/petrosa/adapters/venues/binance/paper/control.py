"""Control messages on a connection for market streams: what they mean, and what Binance answers to wrong ones."""

from typing import Any, Final

import msgspec

METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
PROPERTY: Final = "combined"
ID_MAX: Final = 36
"""Characters of an id that is a text."""


class Refused(Exception):
    """A control message that is answered with an error."""

    def __init__(self, code: int, words: str, asked_id: object = None) -> None:
        super().__init__(words)
        self.answer = {"error": {"code": code, "msg": words}, **({} if asked_id is None else {"id": asked_id})}


class Control(msgspec.Struct, frozen=True):
    """A control message that can be done. `names` are streams, `combined` is what a property is set to."""

    method: str
    id: object
    names: tuple[str, ...] = ()
    combined: bool = False


def read(message: str) -> Control:
    """Raises `Refused` with Binance's own words."""
    try:
        asked = msgspec.json.decode(message)
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise Refused(3, "Invalid JSON: expected value at line 1 column 1") from None
    if not isinstance(asked, dict):
        raise Refused(2, "Invalid request: expected an object at line 1 column 1")
    asked_id = asked.get("id")
    if not _is_id(asked_id):
        raise Refused(2, "Invalid request: request ID must be an unsigned integer")
    if "method" not in asked:
        raise Refused(2, f"Invalid request: missing field `method` at line 1 column {len(message)}", asked_id)
    method = asked["method"]
    if method not in METHODS:
        variants = ", ".join(f"`{one}`" for one in METHODS)
        raise Refused(2, f"Invalid request: unknown variant `{method}`, expected one of {variants}", asked_id)
    params = asked.get("params", [])
    if not isinstance(params, list):
        raise Refused(2, "Invalid request: params must be an array", asked_id)
    return _checked(method, asked_id, params)


def _checked(method: str, asked_id: object, params: list[Any]) -> Control:
    if method in ("SUBSCRIBE", "UNSUBSCRIBE"):
        if not params or not all(isinstance(name, str) for name in params):
            raise Refused(2, "Invalid request: params must be an array of stream names", asked_id)
        return Control(method, asked_id, tuple(params))
    if method == "LIST_SUBSCRIPTIONS":
        return Control(method, asked_id)
    expected = 2 if method == "SET_PROPERTY" else 1
    if len(params) > expected:
        raise Refused(2, "Invalid request: too many parameters", asked_id)
    if not params or not isinstance(params[0], str):
        raise Refused(2, "Invalid request: property name must be a string", asked_id)
    if params[0] != PROPERTY:
        raise Refused(0, "Unknown property", asked_id)
    if method == "SET_PROPERTY" and not (len(params) == expected and isinstance(params[1], bool)):
        raise Refused(1, "Invalid value type: expected Boolean", asked_id)
    return Control(method, asked_id, combined=bool(params[-1]) if method == "SET_PROPERTY" else False)


def _is_id(value: object) -> bool:
    """An unsigned number, a short text, or nothing."""
    if value is None:
        return True
    if isinstance(value, str):
        return len(value) <= ID_MAX
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
