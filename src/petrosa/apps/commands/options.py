"""Options that several commands share, declared once."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class Invocation:
    """What must be known about a command line after it failed."""

    def __init__(self) -> None:
        self.debug = False


def debug_option(command: F) -> F:
    """`--debug`, on the group and on every command."""

    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        invocation = context.ensure_object(Invocation)
        invocation.debug = invocation.debug or value

    return click.option(
        "--debug", is_flag=True, expose_value=False, callback=remember, is_eager=True, help="Show tracebacks."
    )(command)


def settings_options(command: F) -> F:
    """`--config`, `--set`, `--home`, `--debug`: everything a command needs to load settings."""
    for option in (
        debug_option,
        click.option("--home", metavar="DIR", help="Data directory (default PETROSA_HOME or ./petrosa-data)."),
        click.option(
            "--set", "sets", multiple=True, metavar="KEY=VALUE", help="One value, e.g. orderbook_skew.top_levels=3."
        ),
        click.option(
            "-c", "--config", "files", multiple=True, metavar="FILE", help="TOML file or profile name; later ones win."
        ),
    ):
        command = option(command)
    return command


def json_option(command: F) -> F:
    """`--json`: one JSON document on standard output instead of a table."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")(command)


def no_stored_option(command: F) -> F:
    """`--no-stored`: what holds without the store."""
    return click.option(
        "--no-stored", is_flag=True, help="Leave out what is stored of strategies; the store is not opened."
    )(command)


def http_options(command: F) -> F:
    """`--port` and `--listen`."""
    for option in (
        click.option("--listen", metavar="ADDRESS", help="Bind HTTP here instead of 127.0.0.1; make a key first."),
        click.option("--port", type=click.IntRange(0, 65_535), help="HTTP port; 0 takes a free one."),
    ):
        command = option(command)
    return command


def strategy_options(command: F) -> F:
    """`--strategies`, `--timeframes`: what a desk in one process turns."""
    for option in (
        click.option("--timeframes", metavar="A,B", help="Bars of strategies of bars, as 1m,15m; else ta.timeframes."),
        click.option(
            "--strategies", metavar="A,B", help="These alone, of a stream or of bars; else every one of a stream."
        ),
    ):
        command = option(command)
    return command


VENUE = click.option(
    "--venue",
    type=click.Choice(("paper", "testnet", "demo", "live")),
    help="Orders go to this venue; paper is a paper exchange at venue.url.",
)


OTHERS: Final = {"bybit": "linear"}
"""Venues besides Binance by name, with the market that is meant where none is said."""


def listening_options(command: F) -> F:
    """`--venue`, `--market`, `--symbols`, `--streams`: what is listened to; see `listened`."""
    for option in (
        click.option("--streams", metavar="A,B", help="Kinds of streams: trade, agg_trade, ticker, depth20, depth, …"),
        click.option("--symbols", metavar="A,B", help="Symbols, instead of feed.symbols."),
        click.option("--market", type=click.Choice(("spot", "usdm", "linear")), help="Market, instead of feed.market."),
        click.option(
            "--venue",
            type=click.Choice(("paper", "testnet", "demo", "live", *OTHERS)),
            help="Listen to this venue, without a key: Binance's services, of which paper is a paper exchange at"
            " venue.url, or another venue.",
        ),
    ):
        command = option(command)
    return command


def listened(
    venue: str | None, market: str | None, symbols: str | None, streams: str | None
) -> dict[str, tuple[str, str]]:
    """The options of what is listened to, as settings."""
    found = chosen(feed__market=market, feed__symbols=symbols, feed__streams=streams)
    if venue in OTHERS:
        return {"feed.market": ("--venue", OTHERS[venue]), **found, "feed.venue": ("--venue", venue)}
    return found if venue is None else found | {"venue.environment": ("--venue", venue)}


def chosen(**options: object) -> dict[str, tuple[str, str]]:
    """Options that were given, as settings: `chosen(http__port=0)` is `{"http.port": ("--port", "0")}`."""
    return {
        key.replace("__", "."): (f"--{key.rpartition('__')[2].replace('_', '-')}", str(value))
        for key, value in options.items()
        if value is not None
    }
