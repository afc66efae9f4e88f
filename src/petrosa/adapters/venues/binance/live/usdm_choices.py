"""What a USD-M account has been set to, and its listen key: asked for and read at the start, seldom changed."""

from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.venues.binance.live.replies import decode
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.errors import DataError, InvariantError

ROOT: Final = "/fapi/v1"
LISTEN_KEY: Final = f"{ROOT}/listenKey"
LEVERAGE_MAX: Final = 125


class MarginChoice(NamedTuple):
    """What a symbol is set to."""

    leverage: int
    isolated: bool


class _ListenKey(msgspec.Struct, rename="camel"):
    listen_key: str


class _Mode(msgspec.Struct, rename="camel"):
    dual_side_position: bool


class _SymbolConfig(msgspec.Struct, rename="camel"):
    symbol: str
    margin_type: str
    leverage: int


_KEY: Final = msgspec.json.Decoder(_ListenKey)
_MODE: Final = msgspec.json.Decoder(_Mode, strict=False)
_CONFIG: Final = msgspec.json.Decoder(list[_SymbolConfig], strict=False)


def open_listen_key() -> Request:
    """Ask for the key of the user stream, valid for 60 minutes; while one is valid it is the same. It needs the key
    header and no signature.
    """
    return Request("POST", LISTEN_KEY, signed=False)


def prolong_listen_key() -> Request:
    """Keep it valid for another 60 minutes. Refused with -1125 when there is none."""
    return Request("PUT", LISTEN_KEY, signed=False, urgent=True)


def read_listen_key(body: bytes) -> str:
    """Raises `DataError` for an answer without a key."""
    key = decode(_KEY, body).listen_key
    if not key:
        raise DataError("the venue answered with an empty listen key")
    return key


def position_mode() -> Request:
    """Ask whether the account is in hedge mode; the answer goes to `read_position_mode`."""
    return Request("GET", f"{ROOT}/positionSide/dual", weight=30)


def read_position_mode(body: bytes) -> bool:
    """Whether long and short sides are held apart."""
    return decode(_MODE, body).dual_side_position


def set_leverage(instrument: InstrumentId, leverage: int) -> Request:
    """Raises `InvariantError` outside 1 to 125, which is the most on any symbol."""
    if not 1 <= leverage <= LEVERAGE_MAX:
        raise InvariantError(f"a leverage of {leverage} cannot be set; it must be 1 to {LEVERAGE_MAX}")
    params = {"symbol": symbol_of(instrument), "leverage": str(leverage)}
    return Request("POST", f"{ROOT}/leverage", params, changes=True)


def set_margin_mode(instrument: InstrumentId, *, isolated: bool) -> Request:
    params = {"symbol": symbol_of(instrument), "marginType": "ISOLATED" if isolated else "CROSSED"}
    return Request("POST", f"{ROOT}/marginType", params, changes=True)


def is_set_already(code: int) -> bool:
    """Whether a refusal says that the margin mode is what was asked for."""
    return code == -4046


def margin_choice(instrument: InstrumentId) -> Request:
    """Ask what a symbol is set to; the answer goes to `read_margin_choice`."""
    return Request("GET", f"{ROOT}/symbolConfig", {"symbol": symbol_of(instrument)}, weight=5)


def read_margin_choice(instrument: InstrumentId, body: bytes) -> MarginChoice:
    """Raises `DataError` when the answer is not about the instrument."""
    for row in decode(_CONFIG, body):
        if row.symbol == symbol_of(instrument):
            return MarginChoice(row.leverage, row.margin_type == "ISOLATED")
    raise DataError(f"asked what {symbol_of(instrument)} is set to, and the answer does not say")
