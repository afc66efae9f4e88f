"""Reads the user stream of a USD-M account; no socket and no clock.

A message is an event, `{"e":…}`, or one in the wrap of a combined stream. A conditional order lives in the algo service
and tells of itself by `ALGO_UPDATE`; the order that its trigger makes tells by `ORDER_TRADE_UPDATE`, as any other.
"""

from collections import Counter
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.adapters.net.websocket import End
from petrosa.adapters.venues.binance.live.product import ALGO
from petrosa.adapters.venues.binance.live.replies import ZERO, ns, side_of
from petrosa.adapters.venues.binance.live.triggered import HELD_MAX, Key, Triggered
from petrosa.adapters.venues.binance.live.user_frames import (
    NOTHING,
    Head,
    Read,
    check_balance,
    check_fill,
    decoded,
)
from petrosa.core.model.market import InstrumentId, instrument_id
from petrosa.core.model.orders import (
    AccountEvent,
    BalanceChanged,
    FundingPaid,
    Liquidity,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderTriggered,
)
from petrosa.errors import FrameError

SILENT: Final = frozenset(
    {"TRADE_LITE", "ACCOUNT_CONFIG_UPDATE", "MARGIN_CALL", "STRATEGY_UPDATE", "GRID_UPDATE",
     "CONDITIONAL_ORDER_TRIGGER_REJECT"}
)  # fmt: skip
"""Events whose facts come in others too, or concern no order, fill or balance."""

FUNDINGS_MAX: Final = 4_096
"""Fundings remembered, by which one that is told twice is known."""


class Change(msgspec.Struct, gc=False):
    """What `ORDER_TRADE_UPDATE` says of an order. `t` is 0 where nothing was traded."""

    s: str
    c: str
    S: str
    x: str
    X: str
    i: int
    T: int
    l: Decimal = ZERO  # noqa: E741 - the venue's name
    L: Decimal = ZERO
    n: Decimal | None = None
    N: str | None = None
    t: int = 0
    m: bool = False
    er: str = ""


class OrderUpdate(msgspec.Struct, gc=False):
    o: Change


class Algo(msgspec.Struct, gc=False):
    """What `ALGO_UPDATE` says. `ai` is the id of the order that the trigger made, empty before; `rm` why it ended."""

    caid: str
    aid: int
    s: str
    S: str
    X: str
    ai: str | int | None = None
    rm: str | None = None


class AlgoUpdate(msgspec.Struct, gc=False):
    T: int
    o: Algo


class Balance(msgspec.Struct, gc=False):
    """`wb` is the wallet, `bc` its change other than by profit and commission."""

    a: str
    wb: Decimal
    bc: Decimal = ZERO


class Held(msgspec.Struct, gc=False):
    s: str


class Account(msgspec.Struct, gc=False):
    m: str
    B: list[Balance] = []
    P: list[Held] = []


class AccountUpdate(msgspec.Struct, gc=False):
    T: int
    a: Account


class Combined(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw()


class UsdmEvents:
    """Reads for one account. `counts` has by name what was no event for the core."""

    market = "usdm"

    def __init__(self, account: str) -> None:
        self.counts: Counter[str] = Counter()
        self._account = account
        self._triggered = Triggered()
        self._held: list[tuple[Change, int]] = []
        self._fundings: dict[tuple[InstrumentId, str, int, Decimal, Decimal], None] = {}
        self._combined = msgspec.json.Decoder(Combined)
        self._head = msgspec.json.Decoder(Head)
        self._order = msgspec.json.Decoder(OrderUpdate)
        self._algo = msgspec.json.Decoder(AlgoUpdate)
        self._update = msgspec.json.Decoder(AccountUpdate)

    @property
    def is_holding(self) -> bool:
        """Whether news of an order waits for its name; `release` lets it go, whatever its name."""
        return bool(self._held)

    def read(self, payload: bytes, ts_seen: int) -> Read:
        """Raises `DataError`: then it is not known what was said."""
        event: bytes | msgspec.Raw = payload
        kind = decoded(self._head, event).e
        if not kind:
            event = decoded(self._combined, payload).data
            kind = decoded(self._head, event).e if bytes(event) else ""
        match kind:
            case "ORDER_TRADE_UPDATE":
                return self._heard(decoded(self._order, event).o, ts_seen)
            case "ALGO_UPDATE":
                return self._conditional(decoded(self._algo, event), ts_seen)
            case "ACCOUNT_UPDATE":
                return Read(tuple(self._wallet(decoded(self._update, event), ts_seen)))
            case "listenKeyExpired":
                return Read(end=End("the listen key expired"))
            case "serverShutdown":
                return Read(end=End("the venue will end the connection (serverShutdown)", planned=True))
            case _:
                known = "reply" if not kind else kind if kind in SILENT else f"unknown event {kind[:40]}"
                self.counts[known] += 1
                return NOTHING

    def release(self) -> Read:
        """What was held back, under the names that are known by now."""
        self._triggered.give_up()
        return self._let_go()

    # orders

    def _heard(self, change: Change, ts_seen: int) -> Read:
        key = Key(change.s, change.S)
        if self._triggered.may_be_nameless(key, change.i, change.c, change.T):
            self._held.append((change, ts_seen))
            return NOTHING if len(self._held) <= HELD_MAX else self.release()
        return self._changed(change, ts_seen)

    def _let_go(self) -> Read:
        """Read again what is held: some of it has a name now."""
        held, self._held = self._held, []
        read = [self._heard(change, ts_seen) for change, ts_seen in held]
        doubts = [one.doubt for one in read if one.doubt]
        return Read(tuple(event for one in read for event in one.events), doubt=doubts[0] if doubts else "")

    def _changed(self, change: Change, ts_seen: int) -> Read:
        account, instrument, ts = self._account, _instrument(change.s), ns(change.T)
        name = self._triggered.name(change.s, change.i, change.c)
        what = f"order {change.c} on {change.s}"
        match change.x:
            case "NEW":
                return Read((OrderAccepted(account, instrument, name, str(change.i), ts, ts_seen),))
            case "TRADE":
                return Read((self._filled(change, name, ts_seen),))
            case "CALCULATED" if change.l > 0:
                return Read((self._filled(change, name, ts_seen),), doubt=f"{what} is a liquidation")
            case "CALCULATED":
                return Read(doubt=f"{what} is a liquidation")
            case "CANCELED":
                return Read((OrderCanceled(account, instrument, name, "canceled", ts, ts_seen),))
            case "EXPIRED":
                reason = f"expired (reason {change.er})" if change.er not in ("", "0") else "expired"
                return Read((OrderExpired(account, instrument, name, reason, ts, ts_seen),))
            case "AMENDMENT":
                self.counts["AMENDMENT"] += 1
                return Read(doubt=f"{what} was changed, and not by us")
            case _:
                raise FrameError("unknown_execution", f"{what}: execution type {change.x[:40]!r} is not known")

    def _filled(self, change: Change, name: str, ts_seen: int) -> OrderFilled:
        fee = ZERO if change.n is None else change.n
        check_fill(change.l, change.L, change.t, fee, f"order {change.c} on {change.s}")
        return OrderFilled(
            self._account, _instrument(change.s), name, str(change.t), side_of(change.S), change.l, change.L, fee,
            change.N or "", Liquidity.MAKER if change.m else Liquidity.TAKER, ns(change.T), ts_seen,
        )  # fmt: skip

    def _conditional(self, update: AlgoUpdate, ts_seen: int) -> Read:
        """News of the algo service; what it settles may give a name to what is held back, which then follows."""
        algo, ts_ms = update.o, update.T
        key, name = Key(algo.s, algo.S), algo.caid
        self._triggered.seen(name)
        made = int(algo.ai) if algo.ai and str(algo.ai).isdigit() else 0
        if made:
            self._triggered.join(key, made, name)
        elif algo.X == "TRIGGERING":
            self._triggered.firing(key, name, ts_ms)
        else:
            self._triggered.settled(key, name)
        told = self._algo_events(algo, ns(ts_ms), ts_seen)
        freed = self._let_go() if self._held else NOTHING
        return Read((*told, *freed.events), doubt=freed.doubt)

    def _algo_events(self, algo: Algo, ts: int, ts_seen: int) -> list[AccountEvent]:
        account, instrument, name = self._account, _instrument(algo.s), algo.caid
        match algo.X:
            case "NEW":
                return [OrderAccepted(account, instrument, name, f"{ALGO}{algo.aid}", ts, ts_seen)]
            case "TRIGGERED":
                return [OrderTriggered(account, instrument, name, ts, ts_seen)]
            case "CANCELED":
                return [OrderCanceled(account, instrument, name, _said(algo, "canceled"), ts, ts_seen)]
            case "REJECTED":
                # It had been accepted; the core knows a rejection of new orders only.
                reason = _said(algo, "rejected when it was triggered")
                return [OrderExpired(account, instrument, name, reason, ts, ts_seen)]
            case "EXPIRED":
                return [OrderExpired(account, instrument, name, _said(algo, "expired"), ts, ts_seen)]
            case "TRIGGERING" | "FINISHED":  # the order that is made of it tells of itself
                self.counts[f"ALGO_UPDATE {algo.X}"] += 1
                return []
            case _:
                what = f"conditional order {name} on {algo.s}: status {algo.X[:40]!r} is not known"
                raise FrameError("unknown_status", what)

    # money

    def _wallet(self, update: AccountUpdate, ts_seen: int) -> list[AccountEvent]:
        change, ts = update.a, ns(update.T)
        made: list[AccountEvent] = []
        for row in change.B:
            check_balance(row.wb, row.a)
            made.append(BalanceChanged(self._account, row.a, row.wb, change.m, ts, ts_seen))
            if change.m == "FUNDING_FEE":
                made.extend(self._funded(change, row, ts, ts_seen))
        return made

    def _funded(self, change: Account, row: Balance, ts: int, ts_seen: int) -> list[AccountEvent]:
        """Under cross margin the venue does not say for which position it was: the symbol is empty then."""
        check_balance(row.bc, row.a)
        symbol = change.P[0].s if len(change.P) == 1 else ""
        instrument = _instrument(symbol)
        told = (instrument, row.a, ts, row.bc, row.wb)
        if told in self._fundings:
            self.counts["funding told twice"] += 1
            return []
        self._fundings[told] = None
        if len(self._fundings) > FUNDINGS_MAX:
            del self._fundings[next(iter(self._fundings))]
        return [FundingPaid(self._account, instrument, row.a, row.bc, ts, ts_seen)]


def _instrument(symbol: str) -> InstrumentId:
    return instrument_id("binance", "usdm", symbol)


def _said(algo: Algo, otherwise: str) -> str:
    return f"{otherwise}: {algo.rm}" if algo.rm else otherwise
