"""Signals over HTTP for the desk of this process: decoded as those of NATS, told through its inbox."""

import asyncio
import hashlib
import time
from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.wire.codec import Received, receive_signal
from petrosa.apps.filling import Filling, Progress
from petrosa.apps.telling import ANSWER_S, Telling, Turned, Turning
from petrosa.backtest.summary import shown
from petrosa.core.model.events import SignalAgreed, SignalReceived
from petrosa.core.model.orders import Approved, Place, Reducing
from petrosa.core.model.refusals import Refused
from petrosa.core.model.refusals import Verdict as Found
from petrosa.core.model.signals import Signal
from petrosa.errors import FrameError, LimitExceeded
from petrosa.surfaces.desk_reader import moment
from petrosa.surfaces.kill_switch import NoDesk
from petrosa.surfaces.trading import (
    SIGNALS_MAX,
    BadSignal,
    KeyReused,
    OrderSent,
    SignalResult,
    SignalStatus,
    TradeAnswer,
    Verdict,
)

WAITING_MAX: Final = 256
"""Most signals and commands that were told and not turned yet."""
KEYS_KEPT: Final = 1_000
"""Idempotency keys remembered. Of older ones the trader still knows the signals, as long as they are not stale."""
STAMPED: Final = "stamped_on_arrival"
SENT_BY: Final = "sent_by"
"""What is added to a signal's metadata, and so to the journal: that we gave it its time, and who handed it in."""


class _Body(msgspec.Struct):
    """What tells the two shapes apart, and what was asked for that a request cannot have."""

    signals: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    conflict_resolution: object = None
    timeframe_resolution: object = None
    risk_management: object = True
    audit_logging: object = True


class _Asked(NamedTuple):
    signal: Signal
    is_stamped: bool
    turning: Turning
    progress: Progress


class _Request(NamedTuple):
    """A request that was told to the desk, by which the same key is answered again."""

    digest: bytes
    asked: tuple[_Asked, ...]
    warnings: tuple[str, ...]


class DeskTrading:
    """A `Trading` for the desk of this process. `filling` is to be shown the desk's turns."""

    def __init__(self, telling: Telling, answer_s: float = ANSWER_S) -> None:
        """Whoever hands in signals waits `answer_s` at most for decisions and fills together."""
        self.filling = Filling()
        self._telling = telling
        self._answer_s = answer_s
        self._kept: OrderedDict[tuple[str, str], _Request] = OrderedDict()

    async def trade(self, body: bytes, actor: str, key: str, *, only_one: bool = False) -> TradeAnswer:
        digest = hashlib.sha256(body).digest()
        known = self._kept.get((actor, key)) if key else None
        if known is not None:
            if known.digest != digest:
                raise KeyReused("this Idempotency-Key came with another body before; send another key with this one")
            self._kept.move_to_end((actor, key))
            return await self._answer(known)
        received, warnings = self._read(body, actor, key, only_one=only_one)
        request = _Request(digest, self._tell(received, actor), warnings)
        if key:
            self._keep((actor, key), request)
        return await self._answer(request)

    def _read(self, body: bytes, actor: str, key: str, *, only_one: bool) -> tuple[list[Received], tuple[str, ...]]:
        """The signals of a request, all of them or none."""
        if not self._telling.is_open or not self._telling.now:
            raise NoDesk("no desk turns here now; ask again when /ready says that it does")
        parts, warnings = _parts(body)
        if only_one and parts is not None:
            raise BadSignal("VALIDATION_ERROR", "here goes one signal; send several to /trade")
        raw: Sequence[bytes] = [body] if parts is None else [bytes(part) for part in parts]
        received = []
        for index, part in enumerate(raw):
            try:
                unnamed = _id_of(actor, key, index) if key else ""
                received.append(receive_signal(part, self._telling.now, stamps=True, unnamed=unnamed))
            except FrameError as problem:
                where = "" if parts is None else f"signals[{index}]: "
                code = "MALFORMED_JSON" if problem.reason == "signal_malformed" else problem.reason.upper()
                raise BadSignal(code, f"{where}{problem}", index) from None
        return received, warnings

    def _tell(self, received: Sequence[Received], actor: str) -> tuple[_Asked, ...]:
        """Hand the signals to the desk, in their order."""
        if self._telling.waiting + len(received) > WAITING_MAX:
            text = f"{self._telling.waiting} signals wait for the desk, limit {WAITING_MAX}; send this one again"
            raise LimitExceeded(text, 1.0)
        asked = []
        for one in received:
            signal = _noted(one, actor)
            event = SignalReceived(signal)
            turning = self._telling.tell(event)
            if turning is None:
                raise NoDesk("the desk's inbox is full, and it halts; nothing more is taken until somebody resumes")
            asked.append(_Asked(signal, one.is_stamped, turning, self.filling.announce(event)))
        return tuple(asked)

    async def _answer(self, request: _Request) -> TradeAnswer:
        """What the desk has decided, and what has been filled, by `answer_s` from now."""
        until = time.monotonic() + self._answer_s
        await asyncio.wait([one.turning for one in request.asked], timeout=self._answer_s)
        left = [one.progress.over for one in request.asked if one.turning.done() and not one.progress.over.done()]
        if left:
            await asyncio.wait(left, timeout=max(0.0, until - time.monotonic()))
        return _said(request, tuple(_result(one, self._answer_s) for one in request.asked))

    def _keep(self, key: tuple[str, str], request: _Request) -> None:
        self._kept[key] = request
        while len(self._kept) > KEYS_KEPT:
            self._kept.popitem(last=False)


def _parts(body: bytes) -> tuple[list[msgspec.Raw] | None, tuple[str, ...]]:
    """The signals of the shape with several, none for a single one; and what was asked for in vain."""
    try:
        read = msgspec.json.decode(body, type=_Body)
    except msgspec.ValidationError as problem:
        raise BadSignal("VALIDATION_ERROR", str(problem)) from None
    except (ValueError, RecursionError):
        return None, ()  # the codec says what is wrong with it
    for name in ("risk_management", "audit_logging"):
        if getattr(read, name) is not True:
            raise BadSignal("VALIDATION_ERROR", f"{name} cannot be switched off by a request; leave it out")
    asked = [name for name in ("conflict_resolution", "timeframe_resolution") if getattr(read, name) is not None]
    warnings = tuple(f"{name} is not applied: the desk's own settings decide" for name in asked)
    if read.signals is msgspec.UNSET:
        return None, warnings
    if not 1 <= len(read.signals) <= SIGNALS_MAX:
        raise BadSignal("VALIDATION_ERROR", f"{len(read.signals)} signals; send 1 to {SIGNALS_MAX}")
    return read.signals, warnings


def _id_of(actor: str, key: str, index: int) -> str:
    """The id of a signal that has none of its own: the same key makes the same one, after a restart too (32 hex)."""
    return hashlib.sha256(f"{actor}|{key}|{index}".encode()).hexdigest()[:32]


def _noted(received: Received, actor: str) -> Signal:
    """The signal with what an audit must know of its way; a sender cannot say this itself."""
    said = {name: value for name, value in received.signal.metadata.items() if name != STAMPED}
    noted = {**said, SENT_BY: actor, **({STAMPED: True} if received.is_stamped else {})}
    return msgspec.structs.replace(received.signal, metadata=noted)


def _said(request: _Request, results: tuple[SignalResult, ...]) -> TradeAnswer:
    verdicts = {result.status.verdict for result in results}
    status = verdicts.pop() if len(verdicts) == 1 else Verdict.MIXED
    only = results[0] if len(results) == 1 else None
    counts = Counter(one.status.value for one in results)
    return TradeAnswer(
        message=only.message if only else ", ".join(f"{count} {name}" for name, count in counts.items()),
        status=status,
        signals_processed=sum(one.status is not SignalStatus.PENDING for one in results),
        signal_id=None if only is None else only.signal_id,
        result=only,
        results=results,
        orders=tuple(order.client_order_id for one in results for order in one.orders),
        warnings=request.warnings,
    )


def _result(asked: _Asked, answer_s: float) -> SignalResult:
    """What became of one signal."""
    turned = asked.turning.result() if asked.turning.done() else None
    if asked.turning.done() and turned is None:
        raise NoDesk("the desk ended before it turned the signal; nothing was ordered for it")
    plain = SignalResult(
        signal_id=asked.signal.signal_id,
        status=SignalStatus.PENDING,
        message=f"the desk has not turned it within {answer_s:g} s; it is in its inbox",
        event_at=moment(asked.signal.ts_event),
        stamped_on_arrival=asked.is_stamped,
    )
    return plain if turned is None else _filled(_decided(plain, turned), asked.progress)


def _decided(plain: SignalResult, turned: Turned) -> SignalResult:
    """The result with what the desk decided in the signal's turn."""
    for decision in turned.decisions:
        if isinstance(decision, Refused) and decision.signal_id == plain.signal_id:
            failed = next((one for one in decision.outcomes if one.verdict is Found.FAILED), None)
            return msgspec.structs.replace(
                plain, status=SignalStatus.REJECTED, message=decision.message, check=decision.check, saw=decision.saw,
                limit=decision.limit, remedy=failed.remedy if failed is not None else "", sequence=turned.sequence,
            )  # fmt: skip
    if not any(isinstance(one, SignalAgreed) and one.signal_id == plain.signal_id for one in turned.decisions):
        text = "the desk ordered nothing for it"
        return msgspec.structs.replace(plain, status=SignalStatus.REJECTED, message=text, sequence=turned.sequence)
    sent = tuple(_sent(one, one.intent.action) for one in turned.decisions
                 if isinstance(one, Approved | Reducing) and isinstance(one.intent.action, Place))  # fmt: skip
    message = f"agreed, {len(sent)} orders left" if len(sent) != 1 else "agreed, 1 order left"
    return msgspec.structs.replace(
        plain, status=SignalStatus.AGREED, message=message, orders=sent,
        order_id=sent[0].client_order_id if sent else None, sequence=turned.sequence,
    )  # fmt: skip


def _filled(decided: SignalResult, progress: Progress) -> SignalResult:
    """The result with what its first order has come to."""
    order = progress.order
    if order is None or decided.status is not SignalStatus.AGREED:
        return decided
    if not order.filled:
        if order.is_live:
            return decided
        text = f"{decided.message}, and was not filled: {order.status.value} ({order.reason or 'no reason given'})"
        return msgspec.structs.replace(decided, status=SignalStatus.UNFILLED, message=text)
    is_whole = order.filled >= order.place.quantity
    price = shown(order.average_price)
    text = f"{decided.message}, {'filled' if is_whole else 'partly filled:'} {order.filled} at {price}"
    return msgspec.structs.replace(
        decided, status=SignalStatus.FILLED if is_whole else SignalStatus.PARTIALLY_FILLED, message=text,
        fill_price=price, quantity=order.filled, fees=dict(progress.fees),
    )  # fmt: skip


def _sent(decision: Approved | Reducing, place: Place) -> OrderSent:
    intent = decision.intent
    return OrderSent(
        intent.client_order_id, intent.instrument, intent.leg.value, place.side.value, place.type.value,
        place.quantity, place.price if place.price is not None else place.trigger_price,
    )  # fmt: skip
