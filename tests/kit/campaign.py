"""A campaign: by seeded chance a desk is given signals and orders, its venue faults, and both are interrupted.

Chance decides what is done, never how long anybody waits: each step waits until what it did has been answered, or for
as long as it decided to be patient.
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Final

from petrosa.core.model.base import Side
from petrosa.core.model.commands import CancelOrder, Flatten, PlaceOrder, ResolveFinding, ResumeEntries
from petrosa.core.model.events import Decision, Event, Halted, SignalReceived
from petrosa.core.model.findings import FindingKind, How, Reconciled
from petrosa.core.model.orders import Approved, Cancel, OrderType, Reducing, TimeInForce
from petrosa.core.model.refusals import Refused
from petrosa.core.model.signals import Action, Signal
from tests.kit.campaign_desk import LOOK_S, CampaignDesk
from tests.kit.campaign_exchange import FLAT, PRICES, CampaignExchange

NAKED_S: Final = 12.0
"""A position may be without a stop for so long: the desk closes it after 4, and faults may strike that too."""
END_S: Final = 90.0
ORDER_PATHS: Final = {"spot": "/api/v3/order", "usdm": "/fapi/v1/"}
STEPS: Final[dict[str, int]] = {
    "signal": 44, "by_hand": 14, "cancel": 5, "move": 16, "fault": 9, "person": 1, "stop": 1, "crash": 2, "fund": 2,
    "resolve": 4,
}  # fmt: skip


class Campaign:
    """Runs on one desk and one exchange. `figures` count what happened, `naked` are findings of the watcher."""

    def __init__(self, exchange: CampaignExchange, home: Path, seed: int, *sets: str) -> None:
        self.exchange = exchange
        self.chance = random.Random(seed)
        self.figures: Counter[str] = Counter()
        self.naked: list[str] = []
        self.seed = seed
        self.refusals: Counter[str] = Counter()
        self.desk = CampaignDesk(home, exchange.url, exchange.market, self._turned, *sets)
        self._numbers = itertools.count(1)
        self._bare: dict[str, float] = {}

    @property
    def orders(self) -> int:
        """How many different orders the exchange was asked for."""
        return len(self.exchange.posts.answers)

    def _turned(self, _event: Event | None, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            match decision:
                case Reconciled():
                    for finding in decision.findings:
                        self.figures[f"finding: {finding.kind.value}"] += 1
                    self.figures["wallets corrected"] += len(decision.wallets)
                case Refused():
                    self.refusals[decision.check] += 1
                case Approved() | Reducing():
                    kind = "cancels meant" if isinstance(decision.intent.action, Cancel) else "orders meant"
                    self.figures[kind] += 1
                case Halted():
                    self.figures["halts"] += 1
                case _:
                    pass

    # the whole

    async def run(self, orders: int, timeout_s: float) -> None:
        """Until the exchange was asked for so many orders, or time is up; then the end, in which all is settled."""
        until = time.monotonic() + timeout_s
        watching = asyncio.create_task(self._watch())
        try:
            self.desk.begin()
            while self.orders < orders and time.monotonic() < until:
                await self._step()
            self.figures["ms until settling"] = round((time.monotonic() - until + timeout_s) * 1000)
            await self.settle()
            self.figures["ms settling"] = (
                round((time.monotonic() - until + timeout_s) * 1000) - self.figures["ms until settling"]
            )
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _step(self) -> None:
        if not await self.until(lambda: self.desk.is_alive, 30.0):
            self.desk.ended()
            self.exchange.clear_faults()
            return
        name = self.chance.choices(list(STEPS), weights=list(STEPS.values()))[0]
        self.figures[f"step: {name}"] += 1
        symbol = self.chance.choice(sorted(self.exchange.rules))
        await getattr(self, f"_{name}")(symbol)
        await self.until(self._is_quiet, self.chance.choice((0.0, 0.05, 0.2, 0.6)))

    def _is_quiet(self) -> bool:
        desk = self.desk
        if not desk.is_alive or desk.venue is None or desk.process is None:
            return True
        return desk.venue.settled() and not desk.process.inbox._told.events

    async def until(self, is_so: Callable[[], bool], timeout_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while True:
                    await asyncio.sleep(LOOK_S)
                    if is_so():
                        return True
        return is_so()

    # steps

    async def _signal(self, symbol: str) -> None:
        now, price = time.time_ns(), float(self.exchange.prices[symbol])
        sells = 1 if self.exchange.market == "spot" else 4
        action = self.chance.choices((Action.BUY, Action.SELL, Action.CLOSE), weights=(4, sells, 3))[0]
        self.desk.tell(
            SignalReceived(
                Signal(
                    signal_id=f"signal-{self.seed}-{next(self._numbers)}",
                    strategy_id=f"chance-{self.chance.randint(1, 2)}",
                    symbol=symbol, action=action, confidence=0.9, price=price, quantity=0.01, current_price=price,
                    ts_event=now, ts_seen=now, stop_loss_pct=self.chance.choice((0.004, 0.01)),
                    take_profit_pct=self.chance.choice((0.004, 0.02)),
                )
            )
        )  # fmt: skip

    async def _by_hand(self, symbol: str) -> None:
        rules, price = self.exchange.rules[symbol], self.exchange.prices[symbol]
        side = self.chance.choice((Side.BUY, Side.SELL))
        kind = self.chance.choice(list(OrderType))
        reduce_only = self.chance.random() < 0.3
        away = 1 + self.chance.choice((-0.003, -0.001, 0.001, 0.003))
        near = rules.price(float(price) * away)
        beyond = rules.price(float(price) * (1 + side.sign * (0.002 if kind in RISING else -0.002)))
        has_trigger = kind.is_conditional and kind is not OrderType.TRAILING_STOP
        has_price = kind in (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
        has_tif = kind is OrderType.LIMIT
        self.desk.tell(
            PlaceOrder(
                command_id=f"hand-{self.seed}-{next(self._numbers)}", actor="campaign", reason="chance",
                instrument=rules.id, side=side, type=kind,
                quantity=self.exchange.size(symbol),
                price=near if has_price else None, trigger_price=beyond if has_trigger else None,
                callback=Decimal("0.005") if kind is OrderType.TRAILING_STOP else None,
                time_in_force=self.chance.choice(list(TimeInForce)) if has_tif else TimeInForce.GTC,
                reduce_only=reduce_only,
            )
        )  # fmt: skip

    async def _cancel(self, symbol: str) -> None:
        live = self.desk.trader.live_orders(self.exchange.rules[symbol].id)
        if live:
            name = self.chance.choice(live).client_order_id
            self.desk.tell(CancelOrder(f"cancel-{self.seed}-{next(self._numbers)}", "campaign", "chance", name))

    async def _move(self, symbol: str) -> None:
        step = self.chance.choices((0.0005, 0.003, 0.012), weights=(5, 4, 2))[0]
        up = self.exchange.prices[symbol] < PRICES[symbol]
        sign = 1 if self.chance.random() < (0.6 if up else 0.4) else -1
        self.exchange.move(symbol, 1 + sign * step)

    async def _fault(self, _symbol: str) -> None:
        chance, path = self.chance, ORDER_PATHS[self.exchange.market]
        kind = chance.choice(FAULTS)
        if len(self.exchange.venue.faults.all()) > 8:
            self.exchange.clear_faults()
        fault = {
            "kind": kind,
            "count": chance.randint(1, 2),
            "seed": chance.randint(0, 999),
            "rate": chance.choice((0.5, 1.0)),
        }
        if kind in ("latency", "silence_after_accept"):
            fault["delay_ms"] = chance.choice((20, 150, 600))
        if kind in ("latency", "drop", "error_after_accept", "silence_after_accept", "reject", "overloaded"):
            fault["method"] = chance.choice(("POST", "POST", "DELETE", "GET", ""))
            fault["path"] = path if fault["method"] else ""
        if kind in ("rate_limited", "banned"):
            fault |= {"retry_after_s": 1, "count": 1}
        if kind == "reject":
            fault |= {"method": "POST", "path": path, "code": chance.choice((-2010, -2019, -1111))}
        if kind == "disconnect_stream":
            fault["count"] = 1
        self.exchange.fault(**fault)

    async def _person(self, symbol: str) -> None:
        rules = self.exchange.rules[symbol]
        if self.chance.random() < 0.3:
            self.exchange.person_rests(symbol)
        else:
            quantity = rules.quantity(float(self.exchange.size(symbol)) / 10)
            self.exchange.person_trades(symbol, self.chance.choice(("BUY", "SELL")), str(quantity))

    async def _stop(self, _symbol: str) -> None:
        await self.desk.stop()
        self.desk.begin()

    async def _crash(self, _symbol: str) -> None:
        await self.desk.crash()
        self.desk.begin()

    async def _fund(self, symbol: str) -> None:
        if self.exchange.market == "usdm":
            self.exchange.fund(symbol)

    async def _resolve(self, _symbol: str) -> None:
        self.resolve()

    def resolve(self) -> None:
        """A person looks at what was found: orders of others go, differences are taken in or closed."""
        for finding in list(self.desk.trader.findings):
            how = How.FLATTEN if finding.order is not None else self.chance.choice((How.ADOPT, How.FLATTEN))
            if finding.kind is FindingKind.WALLET_SHORT:
                how = How.ADOPT
            name = f"resolve-{self.seed}-{next(self._numbers)}"
            self.desk.tell(ResolveFinding(name, "campaign", "the campaign", finding.finding_id, how))
        if self.desk.trader.closed.startswith("halted"):
            self.desk.tell(ResumeEntries(f"resume-{self.seed}-{next(self._numbers)}", "campaign", "chance"))

    # the end

    async def settle(self) -> None:
        """No more faults; everything is closed, and the desk and the venue are compared once more."""
        self.exchange.clear_faults()
        assert await self.until(lambda: self.desk.is_alive, 30.0), self.desk.said[-5:]
        until = time.monotonic() + END_S
        while time.monotonic() < until:
            self.desk.tell(Flatten(f"flat-{self.seed}-{next(self._numbers)}", "campaign", "the end"))
            if await self.until(self._is_over, 4.0):
                break
            self.resolve()
        assert self._is_over(), self.state()
        began, trader = time.time_ns(), self.desk.trader
        assert self.desk.venue is not None
        self.desk.venue.reconciler.request("the end")
        assert await self.until(lambda: trader.findings.stated_at > began and not trader.findings.suspects, 30.0), (
            self.state()
        )

    def _is_over(self) -> bool:
        desk, exchange = self.desk, self.exchange
        if not desk.is_alive or not self._is_quiet() or desk.venue is None or desk.venue.gateway.unknown:
            return False
        flat = all(desk.trader.held(rules.id) == 0 for rules in exchange.rules.values())
        none_live = not any(desk.trader.live_orders(rules.id) for rules in exchange.rules.values())
        return flat and none_live and not exchange.open_orders() and not list(desk.trader.findings)

    def state(self) -> str:
        """How things stand, for a person who has to find out why they do not end."""
        desk, exchange = self.desk, self.exchange
        held = {s: (str(desk.trader.held(r.id)), str(exchange.position(s))) for s, r in exchange.rules.items()}
        live = [
            (o.intent.leg.value, o.client_order_id, o.status.value, o.cancels, o.reason)
            for r in exchange.rules.values()
            for o in desk.trader.live_orders(r.id)
        ]
        rests = [(o.client_id, o.type, o.status) for o in exchange.open_orders()]
        gateway = desk.venue.gateway if desk.venue is not None else None
        way = (gateway.in_flight, gateway.unknown) if gateway is not None else ()
        found = [one.message for one in desk.trader.findings]
        stands = f"seed {self.seed}: held {held}, live {live}, rests {rests}, under way {way}"
        return f"{stands}, findings {found}, {desk.said[-5:]}"

    # the watcher

    async def _watch(self) -> None:
        """Sample for ever: how long each position at the exchange has had neither a stop nor an exit."""
        while True:
            await asyncio.sleep(LOOK_S * 5)
            for symbol, rules in self.exchange.rules.items():
                is_safe = not self.desk.is_alive or self.exchange.is_banning or self._is_safe(symbol)
                if is_safe:
                    self._bare.pop(symbol, None)
                    continue
                since = self._bare.setdefault(symbol, time.monotonic())
                lasted = time.monotonic() - since
                self.figures["longest bare ms"] = max(self.figures["longest bare ms"], round(lasted * 1000))
                if lasted > NAKED_S:
                    orders = [(o.client_id, o.type, str(o.quantity)) for o in self.exchange.open_orders()]
                    held = self.desk.trader.held(rules.id)
                    self.naked.append(
                        f"{symbol} {self.exchange.position(symbol)} (desk {held}) for {lasted:.1f} s: {orders}"
                    )
                    self._bare.pop(symbol)

    def _is_safe(self, symbol: str) -> bool:
        rules, exchange = self.exchange.rules[symbol], self.exchange
        held = exchange.position(symbol)
        if abs(held) < rules.step or any(f.instrument == rules.id for f in self.desk.trader.findings):
            return True
        covered = exchange.stopped(symbol, "sell" if held > 0 else "buy")
        needed = abs(held)
        if exchange.market == "spot" or exchange.foreign(symbol) != FLAT:
            needed = min(needed, abs(self.desk.trader.held(rules.id)))
        return covered >= needed


RISING: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
FAULTS: Final = (
    "latency", "drop", "error_after_accept", "silence_after_accept", "rate_limited", "banned", "duplicate_event",
    "reorder_events", "disconnect_stream", "thin_book", "reject", "overloaded",
)  # fmt: skip
