"""What technical analysis came to, as a table for people."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import click

from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.signals import Signal
from petrosa.surfaces.cli.output import show_json, show_table

SHOWN_MAX = 20


class Line(Protocol):
    """One strategy on the bars of one length."""

    @property
    def strategy(self) -> str: ...
    @property
    def timeframe(self) -> str: ...
    @property
    def buy(self) -> int: ...
    @property
    def sell(self) -> int: ...
    @property
    def hold(self) -> int: ...


class Analysis(Protocol):
    """A run of technical analysis."""

    @property
    def series(self) -> int: ...
    @property
    def history(self) -> int: ...
    @property
    def bars(self) -> int: ...
    @property
    def published(self) -> int: ...
    @property
    def signals(self) -> Sequence[Line]: ...
    @property
    def refusals(self) -> Mapping[str, int]: ...
    @property
    def last_signals(self) -> Sequence[Signal]: ...
    @property
    def journal(self) -> Any: ...


def show_analysis(found: Analysis | None, *, as_json: bool) -> None:
    """Nothing when it was stopped before there was anything."""
    if found is None:
        return
    if as_json:
        show_json(found)
        return
    title = f"{found.bars:,} bars of {found.series} series turned, after {found.history:,} to warm up"
    lines = [(one.strategy, one.timeframe, one.buy, one.sell, one.hold) for one in found.signals]
    show_table(("strategy", "timeframe", "buy>", "sell>", "hold>"), lines, title)
    if last := found.last_signals[-SHOWN_MAX:]:
        columns = ("bar closed", "symbol", "timeframe", "strategy", "action", "entry>", "stop>", "target>", "sure>")
        show_table(columns, [_row(one) for one in last], f"the last {len(last)} signals")
    for check, count in found.refusals.items():
        click.echo(f"refused: {count} by {check}", err=True)
    click.echo(f"{found.published} published; journal {found.journal.path}", err=True)


def _row(signal: Signal) -> tuple[object, ...]:
    closed = datetime.fromtimestamp(signal.ts_event // NS_PER_SECOND, UTC)
    entry = f"{signal.price:g}{' stop' if signal.order_type == 'stop' else ''}"
    return (
        f"{closed:%Y-%m-%dT%H:%M:%SZ}", signal.symbol, signal.timeframe, signal.strategy_id, signal.action.value, entry,
        _price(signal.stop_loss), _price(signal.take_profit), f"{signal.confidence:.2f}",
    )  # fmt: skip


def _price(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
