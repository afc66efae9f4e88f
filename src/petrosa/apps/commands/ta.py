"""`petrosa ta`: technical analysis of stored bars, as a service or once."""

import click

from petrosa.apps.commands.options import chosen, http_options, json_option, settings_options
from petrosa.apps.commands.services import NATS_URL


@click.command(
    epilog="""\b
Examples:
  petrosa ta
  petrosa ta --symbols BTCUSDT,ETHUSDT --timeframes 15m,1h,4h --port 8081
  petrosa ta --once --json
  petrosa ta --from 2026-01-01 --to 2026-02-01 --timeframes 1h
"""
)
@click.option("--once", is_flag=True, help="Turn the bars that have come since the last time, and exit.")
@click.option("--from", "since", metavar="TIME", help="Turn the bars that close from this time (UTC) on, and exit.")
@click.option("--to", "until", metavar="TIME", help="And before this time; else up to now.")
@click.option("--symbols", metavar="LIST", help="As BTCUSDT,ETHUSDT; else ta.symbols, or feed.symbols.")
@click.option("--timeframes", metavar="LIST", help="As 15m,1h; else ta.timeframes.")
@NATS_URL
@http_options
@settings_options
@json_option
def ta(
    once: bool, since: str | None, until: str | None, symbols: str | None, timeframes: str | None,
    nats_url: str | None, port: int | None, listen: str | None, files: tuple[str, ...], sets: tuple[str, ...],
    home: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Turn closed bars out of the store into signals, on NATS where it is named. HTTP on 8080: health, configuration.

    The bars come from `petrosa extract`. Each is turned once, also over restarts; --from turns those of a time again,
    and then nothing is published.
    """
    from petrosa.apps import settings
    from petrosa.apps.commands.eventloop import run_async, until_stopped
    from petrosa.apps.commands.reporting import reporter
    from petrosa.apps.ta import analyse, serve_ta
    from petrosa.surfaces.cli.analysis import show_analysis
    from petrosa.surfaces.cli.times import nanoseconds_of

    if once and (since or until):
        raise click.UsageError("--once turns what is new, --from what is old; choose one")
    if until and not since:
        raise click.UsageError("--to needs a --from")
    options = chosen(
        nats__url=nats_url, http__port=port, http__listen=listen, ta__symbols=symbols, ta__timeframes=timeframes
    )
    loaded = settings.load(files, sets, home=home, options=options)
    report = reporter(loaded, "ta")
    if since:
        end = nanoseconds_of(until, "--to") if until else None
        running = analyse(loaded, nanoseconds_of(since, "--from"), end, report=report)
    else:
        running = serve_ta(loaded, report=report, once=once)
    show_analysis(run_async(until_stopped(running)), as_json=as_json)
