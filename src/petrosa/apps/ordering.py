"""Orders by hand for the desk of this process: told through its inbox, answered from the turn that decided them."""

import asyncio
import hashlib
from collections import OrderedDict
from typing import Final, NamedTuple

import msgspec

from petrosa.apps.telling import ANSWER_S, Telling, Turned, Turning
from petrosa.core.model.commands import CancelOrder, PlaceOrder
from petrosa.core.model.events import SignalAgreed
from petrosa.core.model.orders import Approved, Cancel, Leg, Reducing
from petrosa.core.model.refusals import Outcome, Refused
from petrosa.core.model.refusals import Verdict as Found
from petrosa.errors import LimitExceeded
from petrosa.surfaces.kill_switch import NoDesk
from petrosa.surfaces.orders import Checked, OrderResult
from petrosa.surfaces.trading import KeyReused, Verdict

WAITING_MAX: Final = 256
"""Most that was told and not turned yet before an order that may enlarge a position is turned away."""
KEYS_KEPT: Final = 1_000
"""Idempotency keys remembered. Of older ones the desk still knows the orders, as long as it remembers those."""


class _Asked(NamedTuple):
    """An order that was told to the desk, by which the same key is answered again."""

    digest: bytes
    command_id: str
    turning: Turning


class DeskOrders:
    """An `Orders` for the desk of this process."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._kept: OrderedDict[tuple[str, str], _Asked] = OrderedDict()

    async def place(self, command: PlaceOrder, key: str, body: bytes) -> OrderResult:
        digest = hashlib.sha256(body).digest()
        known = self._kept.get((command.actor, key)) if key else None
        if known is not None and known.digest != digest:
            raise KeyReused("this Idempotency-Key came with another body before; send another key with this one")
        if known is None:
            if self._telling.waiting >= WAITING_MAX and not command.reduce_only:
                text = f"{self._telling.waiting} signals and orders wait for the desk, limit {WAITING_MAX}"
                raise LimitExceeded(f"{text}; send this one again", 1.0)
            known = _Asked(digest, command.command_id, self._tell(command))
            if key:
                self._kept[command.actor, key] = known
                while len(self._kept) > KEYS_KEPT:
                    self._kept.popitem(last=False)
        return await _answer(known.command_id, known.turning)

    async def cancel(self, command: CancelOrder) -> OrderResult:
        return await _answer(command.command_id, self._tell(command))

    def _tell(self, command: PlaceOrder | CancelOrder) -> Turning:
        if not self._telling.is_open or not self._telling.now:
            raise NoDesk("no desk turns here now; ask again when /ready says that it does")
        turning = self._telling.tell(command)
        if turning is None:
            raise NoDesk("the desk's inbox is full, and it halts; nothing more is taken until somebody resumes")
        return turning


async def _answer(command_id: str, turning: Turning) -> OrderResult:
    """What the desk has decided until `ANSWER_S` from now."""
    await asyncio.wait((turning,), timeout=ANSWER_S)
    if not turning.done():
        text = f"the desk has not turned it within {ANSWER_S:g} s; it is in its inbox"
        return OrderResult(command_id=command_id, status=Verdict.PENDING, message=text)
    turned = turning.result()
    if turned is None:
        raise NoDesk("the desk ended before it turned the order; nothing was done about it")
    return _decided(command_id, turned)


def _decided(command_id: str, turned: Turned) -> OrderResult:
    """The answer to a command, among everything that its turn decided."""
    result = OrderResult(
        command_id=command_id, status=Verdict.REJECTED, message="the desk did nothing about it",
        sequence=turned.sequence,
    )  # fmt: skip
    for decision in turned.decisions:
        match decision:
            case Refused() if decision.signal_id == command_id:
                failed = next((one for one in decision.outcomes if one.verdict is Found.FAILED), None)
                return msgspec.structs.replace(
                    result, message=decision.message, check=decision.check, saw=decision.saw, limit=decision.limit,
                    remedy=failed.remedy if failed is not None else "", checks=_checks(decision.outcomes),
                )  # fmt: skip
            case SignalAgreed() if decision.signal_id == command_id:
                result = msgspec.structs.replace(
                    result, status=Verdict.AGREED, message="agreed", checks=_checks(decision.outcomes)
                )
            case Approved(intent=intent) | Reducing(intent=intent) if result.status is Verdict.AGREED:
                if isinstance(intent.action, Cancel):
                    target, said = intent.action.target_client_order_id, "agreed, a cancel left"
                    return msgspec.structs.replace(result, client_order_id=target, message=said)
                if intent.leg is Leg.MANUAL:
                    cid, said = intent.client_order_id, "agreed, the order left"
                    return msgspec.structs.replace(result, client_order_id=cid, message=said)
            case _:
                pass
    return result


def _checks(outcomes: tuple[Outcome, ...]) -> tuple[Checked, ...]:
    return tuple(Checked(one.check, one.verdict.value, one.saw, one.limit, one.remedy) for one in outcomes)
