"""`petrosa feed`, `strategies`, `trade`, `broker`: a desk as several processes, joined by NATS."""

import click

from petrosa.apps.commands.options import (
    VENUE,
    chosen,
    http_options,
    json_option,
    listened,
    listening_options,
    settings_options,
)
from petrosa.errors import UsageError

NATS_URL = click.option("--nats-url", metavar="URL", help="NATS server; else NATS_URL, or the data directory's broker.")


@click.command(
    epilog="""\b
Examples:
  petrosa feed --recording synthetic-usdm --speed 60
  petrosa feed --recording synthetic-usdm --speed 0 --fresh
  petrosa feed --venue paper --symbols BTCUSDT,ETHUSDT
  petrosa feed --venue testnet --market spot --streams trade,depth20,kline --port 0
  NATS_URL=nats://127.0.0.1:4222 petrosa feed --recording synthetic-usdm --json
"""
)
@click.option("--recording", "recording", multiple=True, metavar="NAME|PATH", help="A recording; repeatable.")
@listening_options
@click.option("--speed", metavar="N", help="Run time per wall time; 0 is as fast as it is taken (default 1).")
@click.option("--fresh", is_flag=True, help="Forget what the streams hold of another run.")
@NATS_URL
@http_options
@settings_options
@json_option
def feed(
    recording: tuple[str, ...], venue: str | None, market: str | None, symbols: str | None, streams: str | None,
    speed: str | None, fresh: bool, nats_url: str | None, port: int | None, listen: str | None,
    files: tuple[str, ...], sets: tuple[str, ...], home: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Publish market data to NATS: of a recording until it is over, or of a venue until SIGTERM or Ctrl-C.

    An interrupted recording goes on where the stream ends. A venue needs no key; HTTP is on 8080 then.
    """
    from petrosa.apps import settings
    from petrosa.apps.catalogue import resolve
    from petrosa.apps.commands.eventloop import run_async, until_stopped
    from petrosa.apps.commands.extras import require_live
    from petrosa.apps.commands.reporting import reporter
    from petrosa.apps.services import serve_feed
    from petrosa.surfaces.cli.output import show_result

    if bool(recording) is bool(venue):
        raise UsageError("feed publishes either a recording (--recording NAME) or a venue (--venue NAME); give one")
    options = chosen(feed__speed=speed, nats__url=nats_url, http__port=port, http__listen=listen)
    loaded = settings.load(files, sets, home=home, options=options | listened(venue, market, symbols, streams))
    report = reporter(loaded, "feed")
    if venue is not None:
        require_live()
        from petrosa.apps.listening.serve import serve_live_feed

        live = serve_live_feed(loaded, fresh=fresh, report=report)
        show_result(run_async(until_stopped(live)), as_json=as_json)
        return
    serving = serve_feed(loaded, resolve(loaded, recording), fresh=fresh, report=report)
    show_result(run_async(until_stopped(serving)), as_json=as_json)


@click.command(
    epilog="""\b
Examples:
  petrosa strategies
  petrosa strategies --config paper --port 8081
  NATS_URL=nats://127.0.0.1:4222 TRADING_SYMBOLS=BTCUSDT petrosa strategies --json
"""
)
@NATS_URL
@http_options
@settings_options
@json_option
def strategies(
    nats_url: str | None, port: int | None, listen: str | None, files: tuple[str, ...], sets: tuple[str, ...],
    home: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Turn market data on NATS into signals on NATS. HTTP on 8080: health, readiness, metrics.

    With a recording on the stream it exits when that is over; a live feed has no end.
    """
    from petrosa.apps import settings
    from petrosa.apps.commands.eventloop import run_async, until_stopped
    from petrosa.apps.commands.reporting import reporter
    from petrosa.apps.services import serve_strategies
    from petrosa.surfaces.cli.output import show_result

    options = chosen(nats__url=nats_url, http__port=port, http__listen=listen)
    loaded = settings.load(files, sets, home=home, options=options)
    serving = serve_strategies(loaded, report=reporter(loaded, "strategies"))
    show_result(run_async(until_stopped(serving)), as_json=as_json)


@click.command(
    epilog="""\b
Examples:
  petrosa trade
  petrosa trade --set risk.risk_fraction=0.01 --port 8001
  NATS_URL=nats://127.0.0.1:4222 petrosa trade --json
  BINANCE_API_KEY=… BINANCE_API_SECRET=… petrosa trade --venue testnet
"""
)
@NATS_URL
@VENUE
@http_options
@settings_options
@json_option
def trade(
    nats_url: str | None, venue: str | None, port: int | None, listen: str | None, files: tuple[str, ...],
    sets: tuple[str, ...], home: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Turn signals on NATS into orders, on the simulated exchange or a venue. HTTP on 8000: account, orders, signals.

    Orders go to a venue where simulation.enabled is false; market data then comes from the venue itself. After a stop
    or a crash it goes on from its journal: no signal is lost and none is ordered twice.
    """
    from petrosa.apps import settings
    from petrosa.apps.commands.eventloop import run_async, until_stopped
    from petrosa.apps.commands.extras import require_live
    from petrosa.apps.commands.reporting import reporter
    from petrosa.apps.services import serve_trade
    from petrosa.surfaces.cli.output import show_result

    options = chosen(nats__url=nats_url, http__listen=listen)
    if port is not None:
        options["http.engine_port"] = ("--port", str(port))
    if venue is not None:
        options |= {"simulation.enabled": ("--venue", "false"), "venue.environment": ("--venue", venue)}
    loaded = settings.load(files, sets, home=home, options=options)
    report = reporter(loaded, "trade")
    if not loaded.simulated:
        require_live()
        from petrosa.apps.live.run import trade_live

        running = trade_live(loaded, settings.process_environment(), report=report)
        show_result(run_async(until_stopped(running)), as_json=as_json)
        return
    serving = serve_trade(loaded, report=report)
    show_result(run_async(until_stopped(serving)), as_json=as_json)


@click.command(
    epilog="""\b
Examples:
  petrosa broker
  petrosa broker --port 4333 --home /var/lib/petrosa
"""
)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port of the server; 0 takes a free one.")
@settings_options
def broker(port: int, files: tuple[str, ...], sets: tuple[str, ...], home: str | None) -> None:
    """Run a NATS server with JetStream in the data directory, until SIGTERM or Ctrl-C.

    It leaves its address there, where feed, strategies and trade of the same data directory find it. Its streams
    outlive it.
    """
    from petrosa.apps import settings
    from petrosa.apps.broker import serve_broker
    from petrosa.apps.commands.eventloop import run_async, until_stopped
    from petrosa.apps.commands.reporting import reporter

    loaded = settings.load(files, sets, home=home)
    reporter(loaded, "broker")
    run_async(until_stopped(serve_broker(loaded.home, port=port, ready=click.echo)))
