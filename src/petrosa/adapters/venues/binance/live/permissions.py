"""What a key may do, asked before anything is traded: one that may withdraw, or may do too little, is refused."""

from collections.abc import Collection
from typing import Final

import msgspec

from petrosa.adapters.venues.binance.live.environments import Environment
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.rest import Rest
from petrosa.errors import InvariantError, VenueClosed, VenueRefused

RESTRICTIONS: Final = Request("GET", "/sapi/v1/account/apiRestrictions", weight=1)
WITHOUT: Final = frozenset({"demo", "testnet"})
"""Environments that may not have the endpoint: their money is not real."""


class _Restrictions(msgspec.Struct, rename="camel"):
    """A right that is not stated is one that could not be ruled out, so none has a default."""

    enable_reading: bool
    enable_withdrawals: bool
    enable_spot_and_margin_trading: bool
    enable_futures: bool
    ip_restrict: bool
    permits_universal_transfer: bool = False
    enable_internal_transfer: bool = False


async def check_permissions(spot: Rest, environment: Environment, markets: Collection[str]) -> tuple[str, ...]:
    """Sentences for the operator about a key that may be used on these markets; `spot` asks, whatever is traded.

    Raises `VenueClosed` with the remedy for a key that may not be used, and where its rights cannot be read although
    the money is real. Raises as `Rest.call` does.
    """
    if spot.product != "spot":
        raise InvariantError(f"a key's rights are asked on spot's host, not on that of {spot.product}")
    try:
        body = await spot.call(RESTRICTIONS)
        may = msgspec.json.decode(body, type=_Restrictions)
    except (VenueRefused, msgspec.DecodeError) as problem:
        if environment in WITHOUT:
            return (f"{environment} does not say what the key may do ({problem}); it was not checked",)
        raise VenueClosed(
            f"what the API key may do cannot be read ({problem}); nothing is traded with a key that might withdraw"
        ) from None
    _refuse(may, markets)
    return _remarks(may)


def _refuse(may: _Restrictions, markets: Collection[str]) -> None:
    where = "in the API management of the account"
    if may.enable_withdrawals:
        raise VenueClosed(f"the API key may withdraw; take that right away {where}, or make a key without it")
    if not may.enable_reading:
        raise VenueClosed(f"the API key may not read the account; switch reading on {where}")
    if "spot" in markets and not may.enable_spot_and_margin_trading:
        raise VenueClosed(f"the API key may not trade spot; switch spot trading on {where}, or take spot out")
    if "usdm" in markets and not may.enable_futures:
        raise VenueClosed(
            f"the API key may not trade futures; switch futures on {where} (a key older than the futures account"
            " never can: make a new one), or take usdm out"
        )


def _remarks(may: _Restrictions) -> tuple[str, ...]:
    remarks = []
    if not may.ip_restrict:
        remarks.append("the API key may be used from every address; restrict it to this one")
    if may.permits_universal_transfer or may.enable_internal_transfer:
        remarks.append("the API key may move money between accounts, which is never needed; take that right away")
    return tuple(remarks)
