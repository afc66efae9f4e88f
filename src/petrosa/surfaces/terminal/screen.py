"""What the live view shows, as plain values, so that drawing needs nothing of the desk."""

from collections.abc import Mapping, Sequence

import msgspec

from petrosa.backtest.summary import PositionLine
from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import symbol_of
from petrosa.surfaces.readmodel import FillRow, OrderRow, ReadModel, RefusalRow, SignalRow
from petrosa.surfaces.status import heard_at

LEVELS = 5
"""Levels a side that the skew column sums, as the order-book strategy does by default."""


ROWS = 6
"""Rows of each table, so that everything fits on one screen."""


class SymbolRow(msgspec.Struct, frozen=True):
    """One instrument now. Zero prices mean: not seen yet. `skew` is bid over ask quantity of the top levels."""

    symbol: str
    price: float
    spread_bps: float
    skew: float
    age_s: float
    quantity: str = ""
    entry: str = ""
    unrealized: float = 0.0


class Money(msgspec.Struct, frozen=True):
    """The account in its currency, for looking."""

    currency: str
    equity: float
    realized: float
    unrealized: float
    fees: Mapping[str, str]


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """Everything on one screen; rows are newest last and already few enough to fit."""

    banner: str
    clock_ns: int
    uptime_s: float
    speed: float
    url: str
    events: int
    symbols: Sequence[SymbolRow]
    money: Money
    signals_by_strategy: Mapping[str, int]
    refusals_by_check: Mapping[str, int]
    orders_by_leg: Mapping[str, int]
    fill_count: int
    signals: Sequence[SignalRow]
    refusals: Sequence[RefusalRow]
    open_orders: Sequence[OrderRow]
    fills: Sequence[FillRow]
    alarm: str = ""


def symbol_row(market: MarketState, now: int, line: PositionLine | None) -> SymbolRow:
    """An instrument's row from what the desk knows about it between two turns."""
    spread = (market.ask - market.bid) / market.mid * 10_000 if market.bid > 0 and market.ask > 0 else 0.0
    skew = 0.0
    if market.depth is not None:
        asks = sum(market.depth.ask_quantities[:LEVELS])
        skew = sum(market.depth.bid_quantities[:LEVELS]) / asks if asks else 0.0
    heard = heard_at(market)
    age = (now - heard) / NS_PER_SECOND if heard else 0.0
    row = SymbolRow(market.instrument.symbol, market.last or market.mid, spread, skew, max(age, 0.0))
    if line is None or line.quantity == 0:
        return row
    return msgspec.structs.replace(
        row,
        quantity=f"{line.quantity.normalize():f}",
        entry=f"{market.instrument.price(line.entry_price).normalize():f}",
        unrealized=float(line.unrealized or 0),
    )


def screen_of(
    model: ReadModel,
    *,
    banner: str,
    now: int,
    uptime_s: float,
    speed: float,
    url: str,
    events: int,
    symbols: Sequence[SymbolRow],
    money: Money,
    alarm: str = "",
) -> Screen:
    """The screen of this instant: the counts, and the last few rows of each kind, newest last."""
    return Screen(
        banner=banner,
        clock_ns=now,
        uptime_s=uptime_s,
        speed=speed,
        url=url,
        events=events,
        symbols=symbols,
        money=money,
        signals_by_strategy=model.signals,
        refusals_by_check=model.refusals,
        orders_by_leg=model.orders_by_leg,
        fill_count=model.fills,
        signals=list(model.recent_signals)[-ROWS:],
        refusals=list(model.recent_refusals)[-ROWS:],
        open_orders=model.open_orders[-ROWS:],
        fills=list(model.recent_fills)[-ROWS:],
        alarm=alarm,
    )


def plain_line(screen: Screen) -> str:
    """The same in one line, for logs and pipes."""
    prices = " ".join(f"{row.symbol} {row.price:,.8g}" for row in screen.symbols)
    held = " ".join(f"{row.symbol} {row.quantity}" for row in screen.symbols if row.quantity) or "flat"
    return (
        f"{screen.banner} | {screen.uptime_s:.0f} s, {screen.events:,} events | {prices} | "
        f"signals {sum(screen.signals_by_strategy.values())}, refused {sum(screen.refusals_by_check.values())}, "
        f"orders {sum(screen.orders_by_leg.values())}, fills {screen.fill_count} | {held} | "
        f"equity {screen.money.equity:,.2f} {screen.money.currency}, realised {screen.money.realized:+,.2f}, "
        f"open {screen.money.unrealized:+,.2f}" + (f" | ALARM {screen.alarm}" if screen.alarm else "")
    )


def short_symbol(instrument: str) -> str:
    """`BTCUSDT` of an instrument's key, or of a bare symbol."""
    return symbol_of(instrument) if ":" in instrument else instrument  # type: ignore[arg-type]
