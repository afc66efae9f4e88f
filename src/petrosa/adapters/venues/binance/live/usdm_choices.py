"""What a USD-M account has been set to, and its listen key: asked for and read at the start, seldom changed."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.venues.binance.live.replies import amount, decode, plain
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.errors import DataError, InvariantError

ROOT: Final = "/fapi/v1"
LISTEN_KEY: Final = f"{ROOT}/listenKey"
LEVERAGE_MAX: Final = 125


class Bracket(NamedTuple):
    """Up to a notional of `cap` (quote currency). Maintenance margin = notional × `rate` − `cum`."""

    floor: Decimal
    cap: Decimal
    leverage: int
    rate: Decimal
    cum: Decimal


class MarginChoice(NamedTuple):
    """What a symbol is set to."""

    leverage: int
    isolated: bool


class _ListenKey(msgspec.Struct, rename="camel"):
    listen_key: str


class _Mode(msgspec.Struct, rename="camel"):
    dual_side_position: bool


class _BracketRow(msgspec.Struct, rename="camel"):
    initial_leverage: int
    notional_cap: Decimal
    notional_floor: Decimal
    maint_margin_ratio: Decimal
    cum: Decimal


class _Brackets(msgspec.Struct):
    symbol: str
    brackets: tuple[_BracketRow, ...]


class _SymbolConfig(msgspec.Struct, rename="camel"):
    symbol: str
    margin_type: str
    leverage: int


_KEY: Final = msgspec.json.Decoder(_ListenKey)
_MODE: Final = msgspec.json.Decoder(_Mode, strict=False)
_BRACKETS: Final = msgspec.json.Decoder(_Brackets | list[_Brackets], strict=False)
_CONFIG: Final = msgspec.json.Decoder(list[_SymbolConfig], strict=False)


def open_listen_key() -> Request:
    """Ask for the key of the user stream, valid for 60 minutes; while one is valid it is the same. It needs the key
    header and no signature.
    """
    return Request("POST", LISTEN_KEY, signed=False)


def prolong_listen_key() -> Request:
    """Keep it valid for another 60 minutes. Refused with -1125 when there is none."""
    return Request("PUT", LISTEN_KEY, signed=False, urgent=True)


def close_listen_key() -> Request:
    return Request("DELETE", LISTEN_KEY, signed=False)


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


def set_position_mode(hedged: bool) -> Request:
    """For the whole account; refused while anything is open on it."""
    params = {"dualSidePosition": "true" if hedged else "false"}
    return Request("POST", f"{ROOT}/positionSide/dual", params, changes=True)


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
    """Whether a refusal says that margin mode (-4046) or position mode (-4059) is what was asked for."""
    return code in (-4046, -4059)


def margin_choice(instrument: InstrumentId) -> Request:
    """Ask what a symbol is set to; the answer goes to `read_margin_choice`."""
    return Request("GET", f"{ROOT}/symbolConfig", {"symbol": symbol_of(instrument)}, weight=5)


def read_margin_choice(instrument: InstrumentId, body: bytes) -> MarginChoice:
    """Raises `DataError` when the answer is not about the instrument."""
    for row in decode(_CONFIG, body):
        if row.symbol == symbol_of(instrument):
            return MarginChoice(row.leverage, row.margin_type == "ISOLATED")
    raise DataError(f"asked what {symbol_of(instrument)} is set to, and the answer does not say")


def brackets(instrument: InstrumentId) -> Request:
    """Ask for the margin brackets of a symbol; the answer goes to `read_brackets`."""
    return Request("GET", f"{ROOT}/leverageBracket", {"symbol": symbol_of(instrument)})


def read_brackets(instrument: InstrumentId, body: bytes) -> Sequence[Bracket]:
    """By notional, the smallest first. Raises `DataError` when the answer is not about the instrument."""
    answer = decode(_BRACKETS, body)
    for symbol in answer if isinstance(answer, list) else [answer]:
        if symbol.symbol == symbol_of(instrument):
            rows = [
                Bracket(
                    amount(row.notional_floor, "notionalFloor"), amount(row.notional_cap, "notionalCap"),
                    row.initial_leverage, amount(row.maint_margin_ratio, "maintMarginRatio"), amount(row.cum, "cum"),
                )
                for row in symbol.brackets
            ]  # fmt: skip
            return sorted(rows)
    raise DataError(f"asked for the brackets of {symbol_of(instrument)}, and the answer does not say")


def countdown(instrument: InstrumentId, ms: int) -> Request:
    """The dead-man switch: plain orders of the symbol are cancelled unless this is sent again within `ms`; 0 ends it.

    Conditional orders stay: a stop must outlive whoever placed it.
    """
    params = {"symbol": symbol_of(instrument), "countdownTime": plain(Decimal(ms)) if ms else "0"}
    return Request("POST", f"{ROOT}/countdownCancelAll", params, weight=10, urgent=True, changes=True)
