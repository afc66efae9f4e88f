"""`petrosa recordings`: which recordings have names, and what is in them."""

import click

from petrosa.apps.commands.options import json_option, settings_options


@click.command(
    epilog="""\b
Examples:
  petrosa recordings
  petrosa recordings --digest --json
  petrosa recordings --set feed.recordings=/data/may,/data/june
  petrosa backtest synthetic-usdm
"""
)
@click.option("--digest", "whole", is_flag=True, help="Read large ones whole too: length, frames and digest.")
@settings_options
@json_option
def recordings(whole: bool, files: tuple[str, ...], sets: tuple[str, ...], home: str | None, as_json: bool) -> None:
    """List the recordings that have names; a name can stand wherever a recording is asked for.

    A recording is a folder of *.gz files, or one file. Looked for among those that come with Petrosa, in the folder
    `recordings` of the data directory, and in the folders of the setting feed.recordings.
    """
    from petrosa.apps import settings
    from petrosa.apps.catalogue import listed, places_of
    from petrosa.surfaces.cli.output import show_json, show_table, working

    loaded = settings.load(files, sets, home=home)
    with working("looking at recordings"):
        rows = listed(loaded, whole=whole)
    if as_json:
        show_json({"places": [str(folder) for folder, _ in places_of(loaded)], "recordings": rows})
        return
    table = [
        (row.name, _whose(row.venue, row.market), ", ".join(row.symbols) or "-", row.first_at or "-",
         _number(row.seconds, "{:,.1f} s"), _number(row.frames, "{:,}"), f"{row.bytes / 1e6:,.2f} MB",
         (row.digest or "-")[:12], row.path)
        for row in rows
    ]  # fmt: skip
    columns = ("name", "market", "symbols", "begins", "length>", "frames>", "size>", "digest", "where")
    show_table(columns, table, f"data directory {loaded.home}")
    for row in rows:
        if row.problem:
            click.echo(f"petrosa: {row.name}: {row.problem}", err=True)
    if any(row.digest is None and not row.problem for row in rows):
        click.echo("petrosa: large recordings were not read whole; --digest does", err=True)


def _whose(venue: str, market: str | None) -> str:
    """The market, and the venue where that is another than most."""
    return f"{venue} {market}" if venue not in ("", "binance") else market or "-"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
