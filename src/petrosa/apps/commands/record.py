"""`petrosa record`: market data of a venue into a folder."""

from pathlib import Path

import click

from petrosa.apps.commands.options import (
    chosen,
    http_options,
    json_option,
    listened,
    listening_options,
    settings_options,
)
from petrosa.errors import UsageError


@click.command(
    epilog="""\b
Examples:
  petrosa record --venue paper --out recordings/paper --symbols BTCUSDT --for 10m
  petrosa record --venue live --market spot --streams trade,depth,book_ticker --out recordings/btc --port 0
  petrosa record --venue bybit --market spot --out recordings/bybit --symbols BTCUSDT --for 10m
  petrosa backtest recordings/paper
  petrosa backtest recordings/paper recordings/bybit --set cross_exchange_spread.exchanges=bybit
"""
)
@listening_options
@click.option(
    "--out", "folder", required=True, metavar="FOLDER", type=click.Path(path_type=Path),
    help="Where it goes; a recording that is there already goes on.",
)  # fmt: skip
@click.option("--for", "duration", metavar="DURATION", help="Stop after so long: 90s, 15m, 2h, 1d.")
@http_options
@settings_options
@json_option
def record(
    venue: str | None, market: str | None, symbols: str | None, streams: str | None, folder: Path,
    duration: str | None, port: int | None, listen: str | None, files: tuple[str, ...], sets: tuple[str, ...],
    home: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Record what a venue says, byte for byte as it is heard, until SIGTERM or Ctrl-C. No key is needed.

    What is recorded can be read by backtest, run, feed and candles, also while it is being written, and after a kill:
    on the venue and market that its manifest names. Two recordings of two venues that were made at the same time are
    one market and a second venue's quotes. HTTP on 8080: health, readiness, metrics, every stream.
    """
    from petrosa.apps import settings
    from petrosa.apps.commands.eventloop import run_async, until_stopped
    from petrosa.apps.commands.extras import require_live
    from petrosa.apps.commands.reporting import reporter

    if venue is None:
        raise UsageError("record needs --venue: paper, testnet, demo, live or bybit")
    options = chosen(http__port=port, http__listen=listen) | listened(venue, market, symbols, streams)
    loaded = settings.load(files, sets, home=home, options=options)
    require_live()
    from petrosa.apps.listening import recording
    from petrosa.surfaces.cli.output import show_result

    seconds = None if duration is None else recording.seconds_of(duration)
    running = recording.record(loaded, folder, seconds, report=reporter(loaded, "record"))
    show_result(run_async(until_stopped(running)), as_json=as_json)
