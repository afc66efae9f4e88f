"""A run's summary for people: the same numbers as `--json`, in the order an event travels."""

from collections.abc import Mapping

import click

from petrosa.backtest.summary import Summary
from petrosa.surfaces.cli.output import show_table

EMPTY = "-"


def show_summary(summary: Summary) -> None:
    """Events, signals, refusals, orders and fills, positions, profit, journal."""
    show_table(("market data", "symbol", "count>"), _nested(summary.events), "what was heard")
    faults = [("gap", symbol, count) for symbol, count in sorted(summary.gaps.items()) if count]
    faults += [("error", reason, count) for reason, count in sorted(summary.errors.items()) if count]
    faults += [("skipped", reason, count) for reason, count in sorted(summary.skipped.items()) if count]
    if faults:
        show_table(("fault", "where", "count>"), faults)
    show_table(("strategy", "side", "signals>"), _nested(summary.signals), "what was thought")
    show_table(("refused by", "count>"), _by_count(summary.refusals))
    show_table(
        ("orders>", "fills>", "of them modelled>"),
        [(summary.orders, summary.fills, summary.modelled_fills)],
        "what was done",
    )
    show_table(
        ("position", "quantity>", "entry>", "mark>", "open P&L>", "realised>", "fees"),
        [
            (line.instrument, line.quantity, line.entry_price, _text(line.mark), _text(line.unrealized), line.realized,
             _amounts(line.fees))
            for line in summary.positions
        ],
    )  # fmt: skip
    pnl = summary.pnl
    show_table(
        ("currency", "realised (gross)>", "open>", "fees", "fees converted>"),
        [(pnl.currency, pnl.realized, pnl.unrealized, _amounts(pnl.fees), _text(pnl.fees_converted))],
        "what it came to",
    )
    journal = summary.journal
    show_table(
        ("journal", ""),
        [
            ("folder", journal.path),
            ("entries", journal.entries),
            ("decisions_sha256", journal.decisions_sha256),
            ("sha256", journal.sha256),
        ],
        f"{summary.elapsed_s:.2f} s, {summary.events_per_s:,.0f} events/s "
        f"(reading {summary.read_s:.2f} s, decoding {summary.decode_s:.2f} s, deciding {summary.decide_s:.2f} s)",
    )


def show_faults(summary: Summary) -> None:
    """On standard error, a line for each kind of input that was not used, with the first in words; and for gaps."""
    for reason, first in sorted(summary.faults.items()):
        count = summary.errors.get(reason, 0) + summary.skipped.get(reason, 0)
        click.echo(f"petrosa: not used: {count} {reason}, the first: {first}", err=True)
    if summary.warming_up:
        text = "; ".join(summary.warming_up)
        click.echo(f"petrosa: {text}; bars of the past come from petrosa extract klines", err=True)
    for symbol, count in sorted(summary.gaps.items()):
        if count:
            text = f"{count} in the book of {symbol}; nothing is entered from a gap to the next snapshot"
            click.echo(f"petrosa: gaps: {text}", err=True)


def _nested(counts: Mapping[str, Mapping[str, int]]) -> list[tuple[object, ...]]:
    rows = [(outer, inner, f"{count:,}") for outer in counts for inner, count in sorted(counts[outer].items())]
    return [*rows] or [(EMPTY, EMPTY, 0)]


def _by_count(counts: Mapping[str, int]) -> list[tuple[object, ...]]:
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(name, f"{count:,}") for name, count in rows] or [(EMPTY, 0)]


def _amounts(amounts: Mapping[str, object]) -> str:
    return ", ".join(f"{amount} {asset}" for asset, amount in sorted(amounts.items())) or "0"


def _text(value: object | None) -> str:
    return EMPTY if value is None else str(value)
