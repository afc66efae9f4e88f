"""Reads the parameters of a request the way Binance does: each missing, malformed or impossible one has its number."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import parse_qsl

from petrosa.adapters.venues.binance.paper.refusals import Refusal, illegal, missing, too_precise

NUMBER: Final = re.compile(r"[0-9]{0,20}(?:\.[0-9]{1,20})?")
NUMBER_PATTERN: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
INTEGER: Final = re.compile(r"[0-9]{1,20}")
CLIENT_ID: Final = re.compile(r"[.A-Za-z0-9:/_-]{1,36}")
CLIENT_ID_PATTERN: Final = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
PLACES_MAX: Final = 8

ENUM_CODES: Final[Mapping[str, tuple[int, str]]] = {
    "type": (-1116, "Invalid orderType."),
    "side": (-1117, "Invalid side."),
    "timeInForce": (-1115, "Invalid timeInForce."),
    "newOrderRespType": (-1137, "Invalid newOrderRespType."),
}


class Parameters:
    """The parameters of one request by name. Empty ones count as not sent."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name: value for name, value in values.items() if value != ""}

    @classmethod
    def of(cls, *encoded: str) -> "Parameters":
        """From a query and a form; the query wins. Raises `Refusal` for one sent twice in the same part."""
        merged: dict[str, str] = {}
        for part in reversed(encoded):
            pairs = parse_qsl(part, keep_blank_values=True)
            names = [name for name, _ in pairs]
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise Refusal(-1101, f"Duplicate values for parameter '{twice}' detected.")
            merged.update(pairs)
        return cls(merged)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def names(self) -> Collection[str]:
        return self._values.keys()

    def text(self, name: str, default: str | None = None) -> str:
        """A text. Raises -1102 when it is not there and there is no default."""
        value = self._values.get(name, default)
        if value is None:
            raise missing(name)
        return value

    def optional(self, name: str) -> str | None:
        return self._values.get(name)

    def integer(self, name: str, default: int | None = None, most: int | None = None) -> int:
        """A whole number from 0, at most `most` (a larger one is lowered to it, as limits are)."""
        value = self._values.get(name)
        if value is None:
            if default is None:
                raise missing(name)
            return default
        if INTEGER.fullmatch(value) is None:
            raise illegal(name, "^[0-9]{1,20}$")
        return int(value) if most is None else min(int(value), most)

    def maybe_integer(self, name: str) -> int | None:
        return self.integer(name) if name in self else None

    def number(self, name: str) -> Decimal:
        """A positive exact number of at most eight decimals. Raises -1102, -1100, -1111 and -1013/-1105."""
        value = self.text(name)
        if NUMBER.fullmatch(value) is None or value == ".":
            raise illegal(name, NUMBER_PATTERN)
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise illegal(name, NUMBER_PATTERN) from None
        _, _, places = value.partition(".")
        if len(places.rstrip("0")) > PLACES_MAX:
            raise too_precise(name)
        return number

    def maybe_number(self, name: str) -> Decimal | None:
        return self.number(name) if name in self else None

    def boolean(self, name: str, default: bool = False) -> bool:
        value = self._values.get(name)
        if value is None:
            return default
        if value.lower() not in ("true", "false"):
            raise illegal(name, "^(true|false)$")
        return value.lower() == "true"

    def choice(self, name: str, allowed: Collection[str], default: str | None = None) -> str:
        """One of the words. Raises the venue's own code for the parameter."""
        value = self.text(name, default)
        if value not in allowed:
            code, words = ENUM_CODES.get(name, (-1128, "Combination of optional parameters invalid."))
            raise Refusal(code, words)
        return value

    def client_id(self, name: str, make: Callable[[], str]) -> str:
        """A client's own order id, or one that is made."""
        value = self._values.get(name)
        if value is None:
            return make()
        if CLIENT_ID.fullmatch(value) is None:
            raise illegal(name, CLIENT_ID_PATTERN)
        return value

    def array(self, name: str, most: int) -> list[object]:
        """A JSON array in a parameter. Raises -1130 and, for a longer one, -4082."""
        try:
            value = json.loads(self.text(name))
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, list):
            raise Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")
        if len(value) > most:
            raise Refusal(-4082, "Invalid number of batch place orders.")
        return value
