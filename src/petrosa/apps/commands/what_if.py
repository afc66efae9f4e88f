"""`petrosa config what-if`: what other parameters would have done, before they are stored."""

import click

from petrosa.apps.commands.options import debug_option, json_option, no_stored_option


@click.command(
    name="what-if",
    short_help="Replay a recording with other parameters, and compare.",
    epilog="""\b
Examples:
  petrosa config what-if orderbook_skew --set buy_threshold=1.5 --recording synthetic-usdm
  petrosa config what-if trade_momentum --set cooldown_seconds=60 --symbol BTCUSDT --recording synthetic-usdm
  petrosa config what-if ticker_velocity --set enabled=false --recording synthetic-spot --json
""",
)
@click.argument("strategy")
@click.option(
    "--set", "sets", multiple=True, required=True, metavar="NAME=VALUE", help="A parameter as it would be; repeatable."
)
@click.option(
    "--recording", multiple=True, required=True, metavar="NAME|PATH", help="See `petrosa recordings`; repeatable."
)
@click.option("--symbol", default="", metavar="SYMBOL", help="Change it, and count signals, on this symbol only.")
@click.option("-c", "--config", "files", multiple=True, metavar="FILE", help="TOML file or profile name.")
@click.option("--home", metavar="DIR", help="Data directory (default PETROSA_HOME or ./petrosa-data).")
@no_stored_option
@debug_option
@json_option
def what_if(
    strategy: str, sets: tuple[str, ...], recording: tuple[str, ...], symbol: str, files: tuple[str, ...],
    home: str | None, no_stored: bool, as_json: bool,
) -> None:  # fmt: skip
    """Replay a recording with the parameters of STRATEGY that hold and with others, and compare.

    Both sides are a whole desk on the simulated exchange, with what is stored in the data directory. Nothing is stored,
    and no run is left behind. `petrosa config set --what-if` keeps the answer with the change.
    """
    from petrosa.apps import settings
    from petrosa.apps.catalogue import resolve
    from petrosa.apps.commands.eventloop import run_async
    from petrosa.apps.configuration.live import stored_settings
    from petrosa.apps.what_if import what_if as compare
    from petrosa.surfaces.cli.output import show_json, working
    from petrosa.surfaces.cli.what_if import show_what_if

    loaded = settings.load(files, home=home)
    if not no_stored:
        loaded = run_async(stored_settings(loaded))
    answer = compare(loaded, strategy, sets, resolve(loaded, recording), symbol=symbol, progress=working)
    (show_json if as_json else show_what_if)(answer)
