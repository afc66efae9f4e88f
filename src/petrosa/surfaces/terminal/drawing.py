"""Draws a `Screen` with rich. Pure: the same screen gives the same drawing."""

from datetime import UTC, datetime

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from petrosa.core.model.base import NS_PER_SECOND
from petrosa.surfaces.terminal.screen import Screen, short_symbol

STALE_S = 10.0
"""A feed older than this is shown in red."""


def draw(screen: Screen) -> RenderableType:
    """The whole view, top to bottom in the order an event travels."""
    middle = Table.grid(expand=True, padding=(0, 1))
    middle.add_column(ratio=4)
    middle.add_column(ratio=3)
    middle.add_row(_signals(screen), _funnel(screen))
    lower = Table.grid(expand=True, padding=(0, 1))
    lower.add_column(ratio=5)
    lower.add_column(ratio=4)
    lower.add_row(_orders(screen), _fills(screen))
    parts: list[RenderableType] = [_banner(screen), _markets(screen), middle, _last_no(screen), lower, _money(screen)]
    if screen.alarm:
        parts.append(Text(f" ALARM {screen.alarm}", style="bold white on red"))
    return Group(*parts)


def _banner(screen: Screen) -> RenderableType:
    when = datetime.fromtimestamp(screen.clock_ns / NS_PER_SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")
    text = Text.assemble(
        (f" {screen.banner} ", "bold black on yellow"),
        f" {when} UTC, speed {screen.speed:g}, up {screen.uptime_s:.0f} s, {screen.events:,} events ",
        (screen.url, "cyan"),
    )
    return Panel(text, box=box.HEAVY, border_style="yellow")


def _markets(screen: Screen) -> RenderableType:
    table = _table("market", "price>", "spread bps>", "skew>", "age s>", "position>", "entry>", "open P&L>")
    for row in screen.symbols:
        old = "red" if row.age_s > STALE_S else ""
        table.add_row(
            row.symbol,
            f"{row.price:,.8g}" if row.price else "…",
            f"{row.spread_bps:.2f}",
            Text(f"{row.skew:.2f}", style="green" if row.skew > 1 else "red"),
            Text(f"{row.age_s:.1f}", style=old),
            row.quantity or "-",
            row.entry or "-",
            _profit(row.unrealized) if row.quantity else "-",
        )
    return table


def _signals(screen: Screen) -> RenderableType:
    table = _table("signal", "symbol", "side", "conf.>", "price>")
    for row in screen.signals:
        signal = row.signal
        table.add_row(
            signal.strategy_id,
            signal.symbol,
            _side(signal.action.value),
            f"{signal.confidence:.2f}",
            f"{signal.price:,.8g}",
        )
    counts = "  ".join(f"{name} {count}" for name, count in sorted(screen.signals_by_strategy.items()))
    table.caption = f"{counts or 'no signal yet'}"
    return table


def _funnel(screen: Screen) -> RenderableType:
    table = _table("from signal to fill", "count>")
    table.add_row("signals", f"{sum(screen.signals_by_strategy.values()):,}")
    for check, count in sorted(screen.refusals_by_check.items(), key=lambda item: (-item[1], item[0]))[:6]:
        table.add_row(Text(f"  refused: {check}", style="dim"), f"{count:,}")
    table.add_row("entry orders", f"{screen.orders_by_leg.get('entry', 0):,}")
    table.add_row("fills", f"{screen.fill_count:,}")
    return table


def _last_no(screen: Screen) -> Text:
    """The newest refusal as a sentence: the system says why not."""
    if not screen.refusals:
        return Text("nothing refused yet", style="dim")
    last = screen.refusals[-1].refusal
    return Text(
        f"last no: {last.strategy_id} {short_symbol(last.instrument)} {last.message}", style="dim", overflow="ellipsis"
    )


def _orders(screen: Screen) -> RenderableType:
    table = _table("order", "symbol", "side", "qty>", "price>", "status")
    for row in screen.open_orders:
        quantity = f"{_number(row.filled)}/{_number(row.quantity)}" if row.filled else _number(row.quantity)
        status = row.status.value.replace("partially_filled", "partial")
        table.add_row(row.leg, short_symbol(row.instrument), _side(row.side), quantity, _number(row.price), status)
    return table


def _fills(screen: Screen) -> RenderableType:
    table = _table("fill", "side", "qty>", "price>", "for")
    for row in screen.fills:
        fill = row.fill
        table.add_row(
            short_symbol(fill.instrument),
            _side(fill.side.value),
            _number(fill.quantity),
            _number(fill.price),
            row.strategy_id or "-",
        )
    return table


def _money(screen: Screen) -> RenderableType:
    money = screen.money
    fees = ", ".join(f"{amount} {asset}" for asset, amount in sorted(money.fees.items())) or "0"
    return Panel(
        Text.assemble(
            f"equity {money.equity:,.2f} {money.currency}   realised ",
            _profit(money.realized),
            "   open ",
            _profit(money.unrealized),
            f"   fees {fees}",
        ),
        box=box.ROUNDED,
    )


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False, caption_justify="left")
    for name in columns:
        table.add_column(name.rstrip(">"), justify="right" if name.endswith(">") else "left", no_wrap=True)
    return table


def _side(side: str) -> Text:
    return Text(side, style="green" if side == "buy" else "red")


def _profit(value: float) -> Text:
    return Text(f"{value:+,.2f}", style="green" if value > 0 else "red" if value < 0 else "")


def _number(value: object) -> str:
    return "-" if value is None else f"{float(str(value)):,.8g}"
