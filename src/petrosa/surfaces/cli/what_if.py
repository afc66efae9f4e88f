"""The answer to a what-if, for people: both sides and what lies between them."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import click

from petrosa.backtest.what_if import Side, WhatIf
from petrosa.surfaces.cli.output import show_table

EMPTY: Final = "-"
Row = tuple[str, str, str, str]


def show_what_if(answer: WhatIf) -> None:
    """Parameters, counts and money, the first signal that differs, and what the figures cannot say."""
    whose = answer.strategy_id + (f" on {answer.symbol}" if answer.symbol else "")
    show_table(
        ("parameter", "symbol", "holds>", "what if>"),
        [(one.name, one.symbol or "all", _text(one.before), _text(one.after)) for one in answer.changes]
        or [(EMPTY, EMPTY, EMPTY, EMPTY)],
        f"{whose}, {answer.seconds:,.1f} s of {answer.recording}, asked {answer.evaluations:,} times",
    )
    show_table(("", "holds>", "what if>", "difference>"), list(_rows(answer)))
    found = answer.first_difference
    if found is None:
        click.echo("the same signals on both sides")
    else:
        side = "holds" if found.side == "before" else "what if"
        click.echo(f"first difference: {found.at} {found.action} {found.symbol}, made under '{side}': {found.why}")
    for caveat in answer.caveats:
        click.echo(f"note: {caveat}")


def _rows(answer: WhatIf) -> Iterator[Row]:
    before, after = answer.before, answer.after
    yield from _counts("signals", before.signals, after.signals)
    yield from _counts("refused by", before.refusals, after.refusals)
    quiet = "quiet (all symbols):" if answer.symbol else "quiet:"
    yield from _counts(quiet, before.quiet, after.quiet)
    for name in ("orders", "fills"):
        yield _row(f"{name} (whole desk)", getattr(before, name), getattr(after, name))
    for asset in sorted({*before.fees, *after.fees}):
        yield _row(f"fees in {asset}", before.fees.get(asset, Decimal(0)), after.fees.get(asset, Decimal(0)))
    yield from _money(answer.currency, before, after)


def _money(currency: str, before: Side, after: Side) -> Iterator[Row]:
    yield _row(f"realised {currency}", before.realized, after.realized)
    yield _row(f"open {currency}", before.unrealized, after.unrealized)
    yield _row(f"net of fees {currency}", before.net, after.net)


def _counts(what: str, before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[Row]:
    for name in dict.fromkeys((*before, *after)):
        yield _row(f"{what} {name}", before.get(name, 0), after.get(name, 0))


def _row(name: str, before: Any, after: Any) -> Row:
    if before is None or after is None:
        return (name, _text(before), _text(after), EMPTY)
    difference = after - before
    sign = "+" if difference > 0 else ""
    return (name, _text(before), _text(after), f"{sign}{_text(difference)}" if difference else "")


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return EMPTY if value is None else str(value).lower()
    if isinstance(value, Decimal):
        return f"{value:,.4f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
