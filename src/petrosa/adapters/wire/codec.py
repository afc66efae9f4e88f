"""Signals as the documented JSON, and back. Codecs are built once.

What we write has every documented field, `source` and `strategy` (which the deployed engine requires), and our own
`signal_id`, `ts_event`, `ts_seen`, `venue`, `market`, `schema`:

    {"strategy_id":"orderbook_skew","symbol":"BTCUSDT","action":"buy","confidence":0.82,"price":64250.1,
     "quantity":0.001,"current_price":64250.1,"timeframe":"tick","stop_loss":null,"take_profit":null,
     "indicators":{"imbalance_ratio":1.64},"metadata":{"signal_type":"skew"},
     "timestamp":"2026-01-01T00:00:00.123456Z","source":"petrosa","strategy":"orderbook_skew",
     "signal_id":"9f2c…","ts_event":1767225600123456789,"ts_seen":1767225600130000000,"venue":"binance",
     "market":"usdm","stop_loss_pct":null,"take_profit_pct":null,"strategy_mode":"deterministic","schema":1}

An entry that waits until the market reaches `price` has `"order_type":"stop"` and `"expires_at":1767225900123456789`
besides.

What we read may come from any generation of producer. Old spellings are understood, unknown keys ignored, and
whatever cannot be understood is a `FrameError` that names the field. A time is never invented for a message that may
have waited somewhere: a signal without one could not be refused for its age. Only who receives a signal straight from
its sender may stamp it on arrival, and then it says so.
"""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final, NamedTuple

import msgspec

from petrosa.adapters.wire.times import iso_z, parse_time
from petrosa.core.model.base import SCHEMA
from petrosa.core.model.signals import Action, Signal, signal_id_of
from petrosa.errors import FrameError

SIGNAL_ID_MAX: Final = 128
_TS_MAX: Final = 4_102_444_800_000_000_000  # the year 2100
_NS_MIN: Final = 10**17
"""A smaller number is no time in nanoseconds, but in seconds or milliseconds."""
_AGREE_NS: Final = 1_000_000

_ACTIONS: Final = {
    "buy": Action.BUY,
    "open_long": Action.BUY,
    "sell": Action.SELL,
    "open_short": Action.SELL,
    "hold": Action.HOLD,
    "close": Action.CLOSE,
    "close_long": Action.CLOSE,
    "close_short": Action.CLOSE,
}

Scalar = str | float | int | bool | None


class _Written(msgspec.Struct):
    """The documented message, in the documented order."""

    strategy_id: str
    symbol: str
    action: str
    confidence: float
    price: float
    quantity: float
    current_price: float
    timeframe: str
    stop_loss: float | None
    take_profit: float | None
    indicators: dict[str, float]
    metadata: dict[str, Scalar]
    timestamp: str
    source: str
    strategy: str
    signal_id: str
    ts_event: int
    ts_seen: int
    venue: str | None
    market: str | None
    stop_loss_pct: float | None
    take_profit_pct: float | None
    strategy_mode: str
    schema: int = SCHEMA
    order_type: str | msgspec.UnsetType = msgspec.UNSET
    expires_at: int | msgspec.UnsetType = msgspec.UNSET
    market_sequence: int | msgspec.UnsetType = msgspec.UNSET


class Received(NamedTuple):
    """A signal, and the message of the market stream that led to it; 0 where the producer does not say.

    `is_stamped` says that it came without a time and was stamped on arrival.
    """

    signal: Signal
    market_sequence: int
    is_stamped: bool = False


class _Read(msgspec.Struct):
    """Everything that any producer has been seen to send and that we use; all of it may be absent."""

    strategy_id: str | None = None
    strategy: str | None = None
    strategy_name: str | None = None
    symbol: str | None = None
    action: str | None = None
    signal_type: str | None = None
    side: str | None = None
    confidence: float | None = None
    confidence_score: float | None = None
    price: float | None = None
    current_price: float | None = None
    quantity: float | None = None
    timeframe: str | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    stop_loss_pct: float | None = None
    take_profit_pct: float | None = None
    strategy_mode: str | None = None
    indicators: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    timestamp: str | int | float | None = None
    source: str | None = None
    signal_id: str | None = None
    id: str | None = None
    intent_id: str | None = None
    ts_event: int | None = None
    ts_seen: int | None = None
    venue: str | None = None
    market: str | None = None
    order_type: str | None = None
    expires_at: str | int | float | None = None
    market_sequence: int | None = None


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(_Read, strict=False)

_FLOATS: Final = (
    "confidence", "confidence_score", "price", "current_price", "quantity",
    "stop_loss", "take_profit", "stop_loss_pct", "take_profit_pct",
)  # fmt: skip


def encode_signal(signal: Signal, market_sequence: int = 0) -> bytes:
    """The documented message. Raises `FrameError` when a number in it is not finite (JSON could not say so)."""
    refuse_non_finite(signal)
    return _encoder.encode(
        _Written(
            strategy_id=signal.strategy_id,
            symbol=signal.symbol,
            action=signal.action.value,
            confidence=signal.confidence,
            price=signal.price,
            quantity=signal.quantity,
            current_price=signal.current_price,
            timeframe=signal.timeframe,
            stop_loss=signal.stop_loss,
            take_profit=signal.take_profit,
            indicators=signal.indicators,
            metadata=signal.metadata,
            timestamp=iso_z(signal.ts_event),
            source=signal.source,
            strategy=signal.strategy or signal.strategy_id,
            signal_id=signal.signal_id,
            ts_event=signal.ts_event,
            ts_seen=signal.ts_seen,
            venue=signal.venue,
            market=signal.market,
            stop_loss_pct=signal.stop_loss_pct,
            take_profit_pct=signal.take_profit_pct,
            strategy_mode=signal.strategy_mode,
            order_type=signal.order_type or msgspec.UNSET,
            expires_at=signal.expires_at or msgspec.UNSET,
            market_sequence=market_sequence or msgspec.UNSET,
        )
    )


def refuse_non_finite(signal: Signal) -> None:
    """Raise `FrameError` naming the first number of a signal that is NaN or infinite."""
    for name in ("confidence", "price", "quantity", "current_price"):
        _finite(name, getattr(signal, name))
    for name in ("stop_loss", "take_profit", "stop_loss_pct", "take_profit_pct"):
        value = getattr(signal, name)
        if value is not None:
            _finite(name, value)
    for group, values in (("indicators", signal.indicators), ("metadata", signal.metadata)):
        for key, value in values.items():
            if isinstance(value, float):
                _finite(f"{group}.{key}", value)


def receive_signal(data: bytes, ts_seen: int, *, stamps: bool = False, unnamed: str = "") -> Received:
    """A signal from anybody's message; `ts_seen` is when it was heard, for producers that do not say.

    With `stamps` a signal without a time is one of `ts_seen`; `unnamed` is the id of a signal that brings none.
    Raises `FrameError` with reason `signal_malformed`, `signal_not_finite`, `signal_missing_field`,
    `signal_bad_field` or `signal_timestamp`; the message names the field.
    """
    read = _read(data)
    for name in _FLOATS:
        value = getattr(read, name)
        if value is not None:
            _finite(name, value)
    strategy_id = _required("strategy_id", read.strategy_id or read.strategy or read.strategy_name)
    symbol = _required("symbol", read.symbol).upper()
    action = _action(read)
    price = read.price if read.price is not None else read.current_price
    if price is None:
        raise FrameError("signal_missing_field", f"price is missing in a signal of {strategy_id}; send it")
    is_stamped = stamps and read.timestamp is None and read.ts_event is None
    ts_event = ts_seen if is_stamped else _ts_event(read)
    timeframe = read.timeframe or "tick"
    signal = Signal(
        signal_id=_given_id(read) or unnamed or _own_id(read, strategy_id, symbol, timeframe, ts_event, action),
        strategy_id=strategy_id,
        symbol=symbol,
        action=action,
        confidence=_confidence(read),
        price=price,
        quantity=read.quantity if read.quantity is not None else 0.0,
        current_price=read.current_price if read.current_price is not None else price,
        ts_event=ts_event,
        ts_seen=ts_seen if read.ts_seen is None else _in_range("ts_seen", read.ts_seen),
        timeframe=timeframe,
        venue=read.venue or None,
        market=read.market or None,
        stop_loss=read.stop_loss,
        take_profit=read.take_profit,
        stop_loss_pct=read.stop_loss_pct,
        take_profit_pct=read.take_profit_pct,
        indicators=_numbers("indicators", read.indicators or {}),
        metadata=_scalars(read.metadata or {}),
        source=read.source or "",
        strategy=read.strategy or strategy_id,
        strategy_mode=_required("strategy_mode", read.strategy_mode or "deterministic").lower(),
        order_type=_required("order_type", read.order_type).lower() if read.order_type else None,
        expires_at=_expires_at(read.expires_at),
    )
    return Received(signal, max(0, read.market_sequence or 0), is_stamped)


def _read(data: bytes) -> _Read:
    try:
        return _decoder.decode(data)
    except RecursionError:
        raise FrameError("signal_malformed", "a signal nested too deeply to be one") from None
    except ValueError as problem:  # every decoding error of msgspec, and bytes that are not UTF-8
        _name_non_finite(data)
        kind = "signal_bad_field" if isinstance(problem, msgspec.ValidationError) else "signal_malformed"
        raise FrameError(kind, f"{problem}; got {data[:80]!r}") from None


def _name_non_finite(data: bytes) -> None:
    """Python and JavaScript write NaN and Infinity bare, which is not JSON: say which field it was."""
    try:
        loose = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(loose, Mapping):
        _walk("", loose)


def _walk(path: str, value: object) -> None:
    if isinstance(value, float):
        _finite(path, value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            _walk(f"{path}.{key}" if path else str(key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _walk(f"{path}[{index}]", inner)


def _finite(field: str, value: float) -> None:
    if not isfinite(value):
        raise FrameError("signal_not_finite", f"{field} = {value}; it must be a finite number")


def _required(field: str, value: str | None) -> str:
    if not value or not value.strip():
        raise FrameError("signal_missing_field", f"{field} is missing; send it")
    if len(value) > SIGNAL_ID_MAX or not value.isprintable():
        shown = repr(value[:40])
        raise FrameError("signal_bad_field", f"{field} = {shown}… must be printable, {SIGNAL_ID_MAX} letters at most")
    return value.strip()


def _action(read: _Read) -> Action:
    text = _required("action", read.action or read.signal_type or read.side)
    action = _ACTIONS.get(text.lower())
    if action is None:
        raise FrameError("signal_bad_field", f"action = {text!r}; it must be buy, sell, hold or close")
    return action


def _confidence(read: _Read) -> float:
    value = read.confidence if read.confidence is not None else read.confidence_score
    if value is None:
        raise FrameError("signal_missing_field", "confidence is missing; send a number from 0 to 1")
    if not 0.0 <= value <= 1.0:
        raise FrameError("signal_bad_field", f"confidence = {value}; it must be from 0 to 1")
    return value


def _ts_event(read: _Read) -> int:
    """`ts_event` to the nanosecond where the producer sends it; it must agree with `timestamp` where both are there."""
    if read.timestamp is None:
        if read.ts_event is None:
            raise FrameError("signal_timestamp", "timestamp is missing; without it an old signal could not be refused")
        return _in_range("ts_event", read.ts_event)
    stamp = parse_time(read.timestamp, "timestamp", "signal_timestamp")
    if read.ts_event is None:
        return stamp
    if abs(read.ts_event - stamp) > _AGREE_NS:
        raise FrameError("signal_timestamp", f"timestamp = {read.timestamp!r} but ts_event = {read.ts_event}; send one")
    return read.ts_event


def _expires_at(value: str | float | None) -> int | None:
    """Nanoseconds, or a time in any of the spellings that producers have."""
    if value is None:
        return None
    if isinstance(value, int) and value >= _NS_MIN:
        return _in_range("expires_at", value)
    return parse_time(value, "expires_at", "signal_timestamp")


def _in_range(field: str, value: int) -> int:
    if not 0 < value <= _TS_MAX:
        raise FrameError("signal_timestamp", f"{field} = {value} is not a time in nanoseconds since 1970")
    return value


def _given_id(read: _Read) -> str:
    """The producer's own id."""
    given = read.signal_id or read.id or read.intent_id
    return _required("signal_id", given) if given else ""


def _own_id(read: _Read, strategy_id: str, symbol: str, timeframe: str, ts_event: int, action: Action) -> str:
    """An id that the same opinion always gets."""
    instrument = f"{read.venue or ''}:{read.market or ''}:{symbol}"
    return signal_id_of(strategy_id, 0, instrument, timeframe, ts_event, action)


def _numbers(group: str, values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among them; older producers put texts and lists there too, which no check of ours reads."""
    numbers: dict[str, float] = {}
    for key, value in values.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = _as_float(f"{group}.{key}", value)
            _finite(f"{group}.{key}", number)
            numbers[key] = number
    return numbers


def _as_float(field: str, value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise FrameError("signal_bad_field", f"{field} is a number of {len(str(value))} digits") from None


def _scalars(values: Mapping[str, Any]) -> dict[str, Scalar]:
    """Plain values as they are; lists and objects as their JSON text, so that nothing said is lost."""
    scalars: dict[str, Scalar] = {}
    for key, value in values.items():
        if isinstance(value, float):
            _finite(f"metadata.{key}", value)
        if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 63:
            value = str(value)
        plain = value is None or isinstance(value, str | float | int)
        scalars[key] = value if plain else _encoder.encode(value).decode()
    return scalars
