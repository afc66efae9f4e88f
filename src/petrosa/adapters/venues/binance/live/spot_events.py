"""Reads the user stream of a spot account; no socket and no clock.

A message is a reply (`{"id":…,"status":200,…}`) or an event in its wrap, `{"subscriptionId":0,"event":{"e":…}}`.
"""

from collections import Counter
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.adapters.net.websocket import End
from petrosa.adapters.venues.binance.live.replies import ZERO, ns, side_of
from petrosa.adapters.venues.binance.live.user_frames import (
    NOTHING,
    Head,
    Read,
    check_balance,
    check_fill,
    decoded,
)
from petrosa.core.model.instruments import EXACT
from petrosa.core.model.market import instrument_id
from petrosa.core.model.orders import (
    AccountEvent,
    BalanceChanged,
    Liquidity,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
)
from petrosa.errors import FrameError

CONDITIONAL: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
SILENT: Final = frozenset({"listStatus", "balanceUpdate", "externalLockUpdate"})
"""Events whose facts come in others too: of a list's orders in `executionReport`, of balances in the account's."""

NO_REASON: Final = ("", "NONE")


class Wrapped(msgspec.Struct):
    event: msgspec.Raw = msgspec.Raw()


class Report(msgspec.Struct, gc=False):
    """`executionReport`. `C` is the order's own id where `c` is that of its cancel; `eR` why it expired."""

    s: str
    c: str
    S: str
    o: str
    x: str
    X: str
    i: int
    T: int
    C: str = ""
    r: str = "NONE"
    l: Decimal = ZERO  # noqa: E741 - the venue's name
    L: Decimal = ZERO
    n: Decimal | None = None
    N: str | None = None
    t: int = -1
    m: bool = False
    w: bool = False
    eR: str = ""  # noqa: N815 - the venue's name


class Balance(msgspec.Struct, gc=False):
    a: str
    f: Decimal
    l: Decimal  # noqa: E741 - the venue's name


class Position(msgspec.Struct, gc=False):
    """`outboundAccountPosition`: the assets that an event may have moved, `u` when."""

    u: int
    B: list[Balance]


class SpotEvents:
    """Reads for one account. `counts` has by name what was no event for the core."""

    market = "spot"

    def __init__(self, account: str) -> None:
        self.counts: Counter[str] = Counter()
        self._account = account
        self._wrapped = msgspec.json.Decoder(Wrapped)
        self._head = msgspec.json.Decoder(Head)
        self._report = msgspec.json.Decoder(Report)
        self._position = msgspec.json.Decoder(Position)

    def read(self, payload: bytes, ts_seen: int) -> Read:
        """Raises `DataError`: then it is not known what was said."""
        event = decoded(self._wrapped, payload).event
        if not bytes(event):
            event = msgspec.Raw(payload)
        kind = decoded(self._head, event).e
        match kind:
            case "executionReport":
                return Read(tuple(self._executed(decoded(self._report, event), ts_seen)))
            case "outboundAccountPosition":
                return Read(tuple(self._balances(decoded(self._position, event), ts_seen)))
            case "eventStreamTerminated":
                return Read(end=End("the venue ended the user stream (eventStreamTerminated)"))
            case "serverShutdown":
                return Read(end=End("the venue will end the connection (serverShutdown)", planned=True))
            case _:
                known = "reply" if not kind else kind if kind in SILENT else f"unknown event {kind[:40]}"
                self.counts[known] += 1
                return NOTHING

    def release(self) -> Read:
        """Nothing is ever held back on spot."""
        return NOTHING

    @property
    def is_holding(self) -> bool:
        return False

    def _executed(self, report: Report, ts_seen: int) -> list[AccountEvent]:
        account, instrument = self._account, instrument_id("binance", "spot", report.s)
        name, ts = report.c, ns(report.T)
        match report.x:
            case "NEW":
                made: list[AccountEvent] = [OrderAccepted(account, instrument, name, str(report.i), ts, ts_seen)]
                if report.o in CONDITIONAL and report.w:
                    made.append(OrderTriggered(account, instrument, name, ts, ts_seen))
                return made
            case "TRADE":
                return [self._filled(report, ts_seen)]
            case "CANCELED":
                own = report.C if report.C not in ("", "null") else name
                return [OrderCanceled(account, instrument, own, _reason(report, "canceled"), ts, ts_seen)]
            case "EXPIRED":
                return [OrderExpired(account, instrument, name, _reason(report, "expired"), ts, ts_seen)]
            case "REJECTED" if report.o in CONDITIONAL:
                # It had been accepted, and was turned down when its trigger fired.
                reason = _reason(report, "rejected when it was triggered")
                return [OrderExpired(account, instrument, name, reason, ts, ts_seen)]
            case "REJECTED":
                return [OrderRejected(account, instrument, name, _reason(report, "rejected"), ts, ts_seen)]
            case "TRADE_PREVENTION":
                if not report.X.startswith("EXPIRED"):
                    self.counts["self-trade prevented, order lives on"] += 1
                    return []
                return [OrderExpired(account, instrument, name, "self-trade prevention", ts, ts_seen)]
            case _:
                what = f"order {report.c} on {report.s}: execution type {report.x[:40]!r} is not known"
                raise FrameError("unknown_execution", what)

    def _filled(self, report: Report, ts_seen: int) -> OrderFilled:
        fee = ZERO if report.n is None else report.n
        check_fill(report.l, report.L, report.t, fee, f"order {report.c} on {report.s}")
        return OrderFilled(
            self._account, instrument_id("binance", "spot", report.s), report.c, str(report.t), side_of(report.S),
            report.l, report.L, fee, report.N or "", Liquidity.MAKER if report.m else Liquidity.TAKER,
            ns(report.T), ts_seen,
        )  # fmt: skip

    def _balances(self, position: Position, ts_seen: int) -> list[AccountEvent]:
        made: list[AccountEvent] = []
        for row in position.B:
            check_balance(row.f, row.a)
            check_balance(row.l, row.a)
            total = EXACT.add(row.f, row.l)
            made.append(BalanceChanged(self._account, row.a, total, "account", ns(position.u), ts_seen))
        return made


def _reason(report: Report, otherwise: str) -> str:
    """Why, in the venue's words where it gives any."""
    said = [one for one in (report.r, report.eR) if one not in NO_REASON]
    return f"{otherwise}: {', '.join(said)}" if said else otherwise
