"""`petrosa order`: place an order by hand on a running desk, take one off, list them."""

import secrets
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from petrosa.apps.commands.options import debug_option, json_option, settings_options
from petrosa.core.model.orders import OrderType, TimeInForce
from petrosa.errors import PetrosaError

COLUMNS = ("client_order_id", "symbol", "leg", "side", "type", "quantity>", "price>", "trigger>", "filled>", "status")


def desk_options(function: Callable[..., None]) -> Callable[..., None]:
    """Which desk, and with which key; the command is given `desk`."""

    @click.option("--url", metavar="URL", help="The desk; else the one that answers on this machine's usual ports.")
    @click.option(
        "--key-file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), metavar="FILE",
        help="A file with the key; - is standard input. Needs the scope trade to place and to cancel.",
    )  # fmt: skip
    @settings_options
    @json_option
    @wraps(function)
    def asked(
        *args: Any, url: str | None, key_file: Path | None, files: tuple[str, ...], sets: tuple[str, ...],
        home: str | None, **named: Any,
    ) -> None:  # fmt: skip
        from petrosa.apps import settings
        from petrosa.apps.order_client import OneDesk

        key = ""
        if key_file is not None:
            try:
                with click.open_file(str(key_file)) as opened:
                    key = opened.read().strip()
            except OSError as problem:
                raise click.UsageError(f"--key-file {key_file} cannot be read: {problem.strerror}") from None
        function(*args, desk=OneDesk(settings.load(files, sets, home=home), url, key), **named)

    return asked


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  petrosa order place buy BTCUSDT 0.01 --type limit --price 50000 --reason "the level of last week"
  petrosa order list --status open
  petrosa order cancel pf3k2m5q7a4c6e2g4i6k2m4o6q2s4u6w --reason "it is gone"
""",
)
@debug_option
def order() -> None:
    """Trade by hand on a running desk.

    What can enlarge a position goes through the desk's risk checks, as large as it is; what only makes one smaller does
    not wait for them. A refusal exits with 1 and says which check, what it saw, the limit and the remedy.
    """


@order.command(
    short_help="Place an order.",
    epilog="""\b
Examples:
  petrosa order place buy BTCUSDT 0.01 --reason "news"
  petrosa order place buy BTCUSDT 0.01 --type stop_limit --trigger 64390 --price 64400 --reason "it breaks out"
  petrosa order place sell BTCUSDT 0.01 --reduce-only --type trailing_stop --callback 0.01 --reason "let it run"
""",
)
@click.argument("side", type=click.Choice(["buy", "sell"]))
@click.argument("symbol")
@click.argument("quantity")
@click.option(
    "--type", "kind", type=click.Choice([kind.value for kind in OrderType]), default="market", show_default=True,
    help="How it is worked.",
)  # fmt: skip
@click.option("--price", metavar="P", help="The limit, of the types that have one.")
@click.option("--trigger", metavar="P", help="The price that sets it off.")
@click.option("--callback", metavar="F", help="Of a trailing stop, a fraction: 0.01 is 1 %.")
@click.option("--time-in-force", type=click.Choice([one.value for one in TimeInForce]), help="GTX is post-only.")
@click.option("--reduce-only", is_flag=True, help="Only make what is held smaller.")
@click.option("--stop-loss", metavar="P", help="The stop behind it; else the default distance.")
@click.option("--take-profit", metavar="P", help="The target behind it; else the default distance.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the journal.")
@click.option("--idempotency-key", metavar="KEY", help="The same key places one order; else a new one each time.")
@desk_options
def place(desk: Any, as_json: bool, side: str, symbol: str, quantity: str, kind: str, trigger: str | None,
          idempotency_key: str | None, **given: Any) -> None:  # fmt: skip
    """Place SIDE QUANTITY of SYMBOL: at market, unless --type says otherwise."""
    asked = {"side": side, "symbol": symbol, "quantity": quantity, "type": kind, "trigger_price": trigger, **given}
    wanted = {name: value for name, value in asked.items() if value is not None}
    _show(desk.place(wanted, idempotency_key or secrets.token_hex(16)), as_json=as_json)


@order.command(
    short_help="Take an order off.",
    epilog="""\b
Examples:
  petrosa order cancel pf3k2m5q7a4c6e2g4i6k2m4o6q2s4u6w --reason "it is gone"
  petrosa order cancel 4711 --symbol BTCUSDT --reason "the venue's id" --url http://127.0.0.1:8000
""",
)
@click.argument("order_id")
@click.option("--symbol", metavar="SYMBOL", help="Whose it is, where the venue's id is not the only one.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the journal.")
@desk_options
def cancel(desk: Any, as_json: bool, order_id: str, symbol: str | None, reason: str) -> None:
    """Take the order ORDER_ID off, its client order id or the venue's; never what protects a position."""
    _show(desk.cancel(order_id, symbol, reason), as_json=as_json)


@order.command(
    "list",
    short_help="List orders, the newest first.",
    epilog="""\b
Examples:
  petrosa order list
  petrosa order list --symbol BTCUSDT --status all --json
""",
)
@click.option("--symbol", metavar="SYMBOL", help="Of this symbol only.")
@click.option("--status", type=click.Choice(["open", "all"]), default="open", show_default=True, help="Which ones.")
@click.option(
    "--limit", type=click.IntRange(1, 200), default=50, show_default=True, metavar="N", help="At most so many."
)
@desk_options
def list_orders(desk: Any, as_json: bool, symbol: str | None, status: str, limit: int) -> None:
    """List the orders that a desk remembers."""
    from petrosa.surfaces.cli.output import show_json, show_table

    page = desk.listed({"status": status, "limit": str(limit), **({"symbol": symbol} if symbol else {})})
    if as_json:
        show_json(page)
        return
    names = [{"trigger": "trigger_price"}.get(name, name) for name in (one.rstrip(">") for one in COLUMNS)]
    rows = [["" if one[name] is None else one[name] for name in names] for one in page["orders"]]
    show_table(COLUMNS, rows)


def _show(answer: dict[str, Any], *, as_json: bool) -> None:
    """The verdict. Raises `PetrosaError` with the desk's words where it is a no."""
    from petrosa.surfaces.cli.output import show_json, show_table

    if as_json:
        show_json(answer)
    if answer["status"] == "rejected":
        raise PetrosaError(answer["message"])
    if not as_json:
        named = answer["result"]["client_order_id"] or ""
        show_table(("verdict", "order", "what"), [(answer["status"], named, answer["message"])])
