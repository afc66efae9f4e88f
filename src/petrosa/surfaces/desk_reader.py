"""A running desk's account, prices, orders and opinions, read between turns."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from petrosa.backtest.summary import mark_of, pnl_of, position_lines, shown
from petrosa.core.execution.findings import Findings
from petrosa.core.execution.lifecycle import Order
from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.core.signals.symbols import plain_symbol
from petrosa.core.trader import Trader
from petrosa.surfaces.desk_rows import (
    AccountReport,
    FillReport,
    OrderReport,
    PositionReport,
    PriceReport,
    RefusalReport,
    SignalReport,
)
from petrosa.surfaces.desk_state import DeskState, OpinionReport, SignalsSummary, SymbolState, opinion_report
from petrosa.surfaces.desk_state import summary_of as signals_summary
from petrosa.surfaces.market_metrics import Absence
from petrosa.surfaces.readmodel import FillRow, ReadModel, RefusalRow, SignalRow
from petrosa.surfaces.stops_health import StopsHealth, stops_health, summary_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class DeskReader:
    """Reads one trader and what was folded from its turns.

    `now` is the desk's time, which stands still when nothing is heard any more: `silence` says for how many seconds of
    run time that has lasted. A price is told up to an age of `stale_after_s`. `account_type` is where orders go.
    """

    def __init__(
        self,
        name: str,
        currency: str,
        trader: Trader,
        model: ReadModel,
        instruments: Mapping[InstrumentId, Instrument],
        markets: Mapping[InstrumentId, MarketState],
        now: Callable[[], int],
        silence: Callable[[], float],
        stale_after_s: float,
        account_type: str = "simulated",
    ) -> None:
        self._name = name
        self._currency = currency
        self._trader = trader
        self._model = model
        self._instruments = instruments
        self._markets = markets
        self._now = now
        self._silence = silence
        self._stale_after_s = stale_after_s
        self._type = account_type
        self._named: dict[str, InstrumentId] = {}
        for key, rules in instruments.items():
            for text in (key.upper(), rules.ccxt_symbol.upper(), rules.symbol.upper()):
                self._named.setdefault(text, key)

    @property
    def closed(self) -> str:
        """Why no entry is taken; empty when entries are open."""
        return self._trader.closed

    @property
    def findings(self) -> Findings:
        """In what the venue and the books of this desk differ."""
        return self._trader.findings

    @property
    def at(self) -> datetime:
        """The desk's time."""
        return moment(self._now())

    def find(self, symbol: str) -> InstrumentId | Absence:
        """The instrument that a symbol means here."""
        typed = symbol.strip().upper()
        key = self._named.get(typed) or self._named.get(plain_symbol(typed))
        if key is not None:
            return key
        traded = ", ".join(sorted(rules.symbol for rules in self._instruments.values())[:10])
        text = f"{symbol[:40]!r} is not traded here; {len(self._instruments)} symbols are: {traded}"
        return Absence(404, "SYMBOL_UNKNOWN", text)

    def account(self) -> AccountReport:
        """What the account has, and whether entries are taken."""
        trader = self._trader
        lines = position_lines(trader.positions, self._instruments, self._markets)
        closed = trader.closed
        return AccountReport(
            account=self._name,
            account_type=self._type,
            currency=self._currency,
            equity=None if trader.equity is None else shown(trader.equity),
            balances=dict(trader.balances),
            pnl=pnl_of(trader, lines, self._instruments, self._markets, self._currency),
            open_positions=len(lines),
            open_orders=sum(order.is_live for order in trader.orders),
            stops=summary_of(trader.protection),
            entries="closed" if closed else "open",
            closed_because=closed,
            at=moment(self._now()),
        )

    def price(self, key: InstrumentId) -> PriceReport | Absence:
        """The last trade, or the middle of the quote where there was none; nothing that is older than the limit."""
        market, rules = self._markets[key], self._instruments[key]
        has_traded = market.last > 0.0
        value, heard = (market.last, market.ts_last) if has_traded else (market.mid, market.ts_quote)
        if not (value > 0.0 and heard):
            text = f"nothing has been heard of {rules.symbol} yet; wait for the feed, /ready says how it is"
            return Absence(503, "NO_PRICE_YET", text)
        age = max(0.0, (self._now() - heard) / NS_PER_SECOND, self._silence())
        if age > self._stale_after_s:
            text = (
                f"the last price of {rules.symbol} is {age:.1f} s old, limit {self._stale_after_s:g} s"
                " (feed.stale_after_seconds); /ready says how the feed is"
            )
            return Absence(503, "PRICE_STALE", text)
        bid, ask, mark = (rules.price(one) if one > 0.0 else None for one in (market.bid, market.ask, market.mark))
        return PriceReport(
            symbol=rules.symbol, instrument=key, price=rules.price(value),
            source="last_trade" if has_traded else "mid_quote", bid=bid, ask=ask, mark=mark,
            age_seconds=round(age, 3), feed=market.feed_state.value, timestamp=moment(heard),
        )  # fmt: skip

    def positions(self) -> list[PositionReport]:
        """The open ones, by instrument."""
        held = self._trader.positions
        return [self.position(key) for key in sorted(held) if not held[key].is_flat]

    def position(self, key: InstrumentId) -> PositionReport:
        """What is held of an instrument, or that nothing is."""
        trader, rules = self._trader, self._instruments[key]
        position = trader.positions.get(key)
        is_open = position is not None and not position.is_flat
        unrealized = trader.unrealized(key)
        return PositionReport(
            symbol=rules.symbol,
            instrument=key,
            side="flat" if position is None or position.is_flat else "long" if position.quantity > 0 else "short",
            quantity=trader.held(key) if position is None else position.quantity,
            entry_price=shown(position.entry_price) if position is not None and is_open else None,
            mark=mark_of(self._markets[key]),
            unrealized=None if unrealized is None else shown(unrealized),
            realized=shown(position.realized) if position is not None else Decimal(0),
            fees=dict(position.fees) if position is not None else {},
            by_strategy=dict(trader.by_strategy(key)),
            strategy_id=position.strategy_id if position is not None else "",
            signal_id=position.signal_id if position is not None else "",
            opened_at=moment(position.ts_opened) if position is not None and is_open else None,
            changed_at=moment(position.ts_changed) if position is not None else None,
            orders=tuple(order.client_order_id for order in trader.live_orders(key)),
        )

    def stops_health(self) -> StopsHealth:
        """What rests behind each position."""
        return stops_health(self._trader.protection, self._now())

    def orders(self) -> list[OrderReport]:
        """Every remembered order, the newest first."""
        return [order_report(order) for order in reversed(self._trader.orders)]

    def order(self, client_order_id: str) -> OrderReport | None:
        """One order that is remembered."""
        orders = self._trader.orders
        return next((order_report(one) for one in reversed(orders) if one.client_order_id == client_order_id), None)

    def named(self, wanted: str, instrument: InstrumentId | None) -> list[OrderReport]:
        """The orders that an id means, ours or the venue's: of its ids the newest an instrument, of ours the only."""
        own = self.order(wanted)
        if own is not None:
            return [own] if instrument in (None, InstrumentId(own.instrument)) else []
        newest: dict[str, OrderReport] = {}
        for order in reversed(self._trader.orders):
            if order.venue_order_id == wanted and instrument in (None, order.intent.instrument):
                newest.setdefault(order.intent.instrument, order_report(order))
        return list(newest.values())

    def opinions(self) -> list[OpinionReport]:
        """What counts now when signals stand against each other, by instrument, the oldest first."""
        active = self._trader.opinions(self._now())
        return [opinion_report(one, moment(one.said), moment(one.heard)) for one in active]

    def signals_summary(self) -> SignalsSummary:
        """Every signal of the run, counted."""
        trader = self._trader
        return signals_summary(self._model, trader.params.signals, trader.opinions(self._now()), self.at)

    def state(self, only: InstrumentId | None = None) -> DeskState:
        """How it stands on every instrument, or on one."""
        closed = self._trader.closed
        asked = sorted(self._instruments) if only is None else [only]
        return DeskState(
            account=self._name,
            entries="closed" if closed else "open",
            closed_because=closed,
            symbols=tuple(self._state_of(key) for key in asked),
            at=self.at,
        )

    def _state_of(self, key: InstrumentId) -> SymbolState:
        found, position = self.price(key), self.position(key)
        price = None if isinstance(found, Absence) else found
        return SymbolState(
            symbol=position.symbol,
            instrument=key,
            price=None if price is None else price.price,
            price_age_seconds=None if price is None else price.age_seconds,
            feed=self._markets[key].feed_state.value,
            side=position.side,
            quantity=position.quantity,
            open_orders=len(position.orders),
            active_opinions=sum(one.instrument == key for one in self._trader.opinions(self._now())),
        )

    def signals(self) -> list[SignalReport]:
        return [_signal(row) for row in reversed(self._model.recent_signals)]

    def fills(self) -> list[FillReport]:
        return [_fill(row) for row in reversed(self._model.recent_fills)]

    def refusals(self) -> list[RefusalReport]:
        return [_refusal(row) for row in reversed(self._model.recent_refusals)]


def moment(ts: int) -> datetime:
    """A time in nanoseconds for readers, to the microsecond."""
    return _EPOCH + timedelta(microseconds=ts // 1_000)


def order_report(order: Order) -> OrderReport:
    """An order as it is sent."""
    intent, place = order.intent, order.place
    return OrderReport(
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        symbol=symbol_of(intent.instrument),
        instrument=intent.instrument,
        strategy_id=intent.strategy_id,
        signal_id=intent.signal_id,
        leg=intent.leg.value,
        side=place.side.value,
        type=place.type.value,
        quantity=place.quantity,
        price=place.price,
        trigger_price=place.trigger_price,
        time_in_force=place.time_in_force.value,
        reduce_only=place.reduce_only,
        status=order.status.value,
        is_open=order.is_live,
        filled=order.filled,
        average_price=shown(order.average_price) if order.filled else None,
        stop=order.stop,
        target=order.target,
        reason=order.reason,
        sent_at=moment(order.ts_submitted),
    )


def _signal(row: SignalRow) -> SignalReport:
    signal = row.signal
    return SignalReport(
        at=moment(row.now),
        event_at=moment(signal.ts_event),
        signal_id=signal.signal_id,
        strategy_id=signal.strategy_id,
        symbol=plain_symbol(signal.symbol),
        action=signal.action.value,
        confidence=signal.confidence,
        price=signal.price,
        timeframe=signal.timeframe,
        stop_loss=signal.stop_loss,
        take_profit=signal.take_profit,
        source=signal.source,
        indicators=signal.indicators,
        metadata=signal.metadata,
    )


def _fill(row: FillRow) -> FillReport:
    fill = row.fill
    return FillReport(
        at=moment(row.now), client_order_id=fill.client_order_id, trade_id=fill.trade_id,
        symbol=symbol_of(fill.instrument), instrument=fill.instrument,
        strategy_id=row.strategy_id, signal_id=row.signal_id, side=fill.side.value,
        quantity=fill.quantity, price=fill.price, fee=fill.fee, fee_asset=fill.fee_asset,
        liquidity=fill.liquidity.value, modelled=fill.modelled,
    )  # fmt: skip


def _refusal(row: RefusalRow) -> RefusalReport:
    refused = row.refusal
    return RefusalReport(
        at=moment(row.now), signal_id=refused.signal_id, strategy_id=refused.strategy_id,
        symbol=plain_symbol(refused.instrument.rpartition(":")[2]), check=refused.check, saw=refused.saw,
        limit=refused.limit, message=refused.message,
    )  # fmt: skip
