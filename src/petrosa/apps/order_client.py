"""Places orders by hand on one desk over HTTP, takes them off, and lists them."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from petrosa.apps.desk_client import Silent, addresses_of, asked, said
from petrosa.apps.settings import Settings
from petrosa.errors import NotRunningError, UsageError

IS_DESK: Final = "/kill-switch"
"""What only a desk serves, and what it serves before there is a market."""


class OneDesk:
    """The one desk that is meant. Every method raises `NotRunningError` when it does not answer, `AccessError` and
    `PetrosaError` with its words when it says no.
    """

    def __init__(self, settings: Settings, url: str | None, key: str) -> None:
        """Look for it. Raises `NotRunningError` where there is none, `UsageError` where there are several."""
        self._key = key
        addresses = addresses_of(settings, url)
        answering = [address for address in addresses if self._ask(address, "GET", IS_DESK)[0] not in {0, 404}]
        if not answering:
            tried = ", ".join(addresses)
            raise NotRunningError(f"no desk answers on {tried}; start one, or name one with --url")
        if len(answering) > 1:
            raise UsageError(f"desks answer on {', '.join(answering)}; say with --url which one is meant")
        self._address = answering[0]

    def place(self, order: Mapping[str, Any], idempotency_key: str) -> dict[str, Any]:
        """What the desk decided about an order; sent again with the same key it is not placed a second time."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._said("POST", "/order", json.dumps(order).encode(), headers)

    def cancel(self, order_id: str, symbol: str | None, reason: str) -> dict[str, Any]:
        """What the desk decided about taking an order off."""
        where = f"/orders/{quote(order_id, safe='')}"
        if symbol:
            where = f"/order/{quote(symbol, safe='/:')}/{quote(order_id, safe='')}"
        return self._said("DELETE", f"{where}?{urlencode({'reason': reason})}")

    def listed(self, filters: Mapping[str, str]) -> dict[str, Any]:
        """A page of orders, the newest first."""
        return self._said("GET", f"/orders?{urlencode(filters)}")

    def _said(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        return said(self._address, *self._ask(self._address, method, path, body, headers))

    def _ask(
        self, address: str, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        try:
            return asked(address, method, path, body, self._key, headers)
        except Silent as problem:
            raise NotRunningError(f"{problem}; whether it was done is not known: look at its orders") from None
