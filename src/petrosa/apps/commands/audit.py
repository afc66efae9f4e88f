"""`petrosa audit`: what was traded, refused and commanded, out of the document store."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from petrosa.apps.commands.options import json_option, settings_options

if TYPE_CHECKING:
    from petrosa.apps.settings import Settings

LIMIT_MAX = 10_000


@click.command(
    epilog="""\b
Examples:
  petrosa audit
  petrosa audit --symbol BTCUSDT --since 2026-01-02T03:00:00Z
  petrosa audit --signal 22c6a08b88e1bbc31ac0ba7975f2e9c4 --json
  petrosa audit --event order_filled --limit 500 --json
  petrosa audit --catch-up
"""
)
@click.option("--symbol", metavar="S", help="Only this symbol; BTCUSDT and BTC/USDT:USDT are both understood.")
@click.option("--signal", metavar="ID", help="Only what one signal led to.")
@click.option("--strategy", metavar="NAME", help="Only what one strategy led to.")
@click.option("--event", metavar="KIND", help="Only one kind, e.g. order_filled, signal_refused, command, error.")
@click.option("--run", metavar="RUN", help="Only one run, as `petrosa journal list` names it.")
@click.option("--since", metavar="TIME", help="Not older than this, like 2026-01-02T03:04:05Z.")
@click.option("--until", metavar="TIME", help="Older than this.")
@click.option("--limit", type=click.IntRange(1, LIMIT_MAX), default=50, show_default=True, help="At most so many.")
@click.option("--catch-up", is_flag=True, help="First write what ended runs have left in their journals only.")
@settings_options
@json_option
def audit(
    symbol: str | None, signal: str | None, strategy: str | None, event: str | None, run: str | None,
    since: str | None, until: str | None, limit: int, catch_up: bool, files: tuple[str, ...], sets: tuple[str, ...],
    home: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Show what was traded and refused, newest first: the collection trade_audit_log of the document store.

    `petrosa config audit` shows changes of configuration, `petrosa explain` why there was an order or none.
    """
    from petrosa.apps import settings
    from petrosa.apps.commands.eventloop import run_async
    from petrosa.core.signals.symbols import plain_symbol
    from petrosa.surfaces.cli.output import show_json
    from petrosa.surfaces.cli.times import nanoseconds_of

    where = {
        "symbol": None if symbol is None else plain_symbol(symbol),
        "signal_id": signal,
        "strategy_id": strategy,
        "event": event,
        "run": run,
    }
    asked = {name: value for name, value in where.items() if value is not None}
    span = (
        0 if since is None else nanoseconds_of(since, "--since"),
        (1 << 63) - 1 if until is None else nanoseconds_of(until, "--until"),
    )
    loaded = settings.load(files, sets, home=home)
    records = run_async(_records(loaded, asked, span, limit, catch_up=catch_up))
    if as_json:
        show_json({"records": records})
    else:
        _show(records)


async def _records(
    loaded: "Settings", where: Mapping[str, str], span: tuple[int, int], limit: int, *, catch_up: bool
) -> list[dict[str, Any]]:
    from petrosa.apps.auditing import catching_up
    from petrosa.apps.auditing.store import newest
    from petrosa.apps.documents import is_stored, open_documents

    if not is_stored(loaded) and not catch_up:
        return []
    documents = await open_documents(loaded)
    try:
        if catch_up:
            written = await catching_up.catch_up(documents, loaded.runs, partial(click.echo, err=True))
            click.echo(f"petrosa: {written} records were missing and are written", err=True)
        found = await newest(documents, where, since=span[0], until=span[1], limit=limit)
    finally:
        await documents.close()
    return [{"id": key, **record} for key, record in found]


def _show(records: list[dict[str, Any]]) -> None:
    from petrosa.surfaces.cli.output import show_table

    rows = [
        (r["timestamp"], r["event"], r["symbol"] or "", r["side"] or "", r["quantity"] or "",
         r["fill_price"] or r["price"] or "", r["status"] or "", r["strategy_id"] or "",
         r["reason"] or _who(r), r["signal_id"] or "")
        for r in records
    ]  # fmt: skip
    columns = ("time", "event", "symbol", "side", "quantity>", "price>", "status", "strategy", "why", "signal")
    show_table(columns, rows)


def _who(record: Mapping[str, Any]) -> str:
    actor = record["metadata"].get("actor")
    return f"by {actor}" if actor else ""
