"""`petrosa candles` and `petrosa synth`: recordings read and written, without a desk."""

import sys
from pathlib import Path

import click

from petrosa.apps.commands.options import debug_option, json_option


@click.command(
    epilog="""\b
Examples:
  petrosa candles synthetic-usdm --interval 1m --interval 5m --csv
  petrosa candles synthetic-usdm --interval 1h --fill --json
"""
)
@click.argument("recording", nargs=-1, required=True)
@click.option(
    "--interval", "intervals", multiple=True, default=("1m",), show_default=True, help="1s, 1m, 5m, 1h, 1d, 1w."
)
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values with a header line.")
@click.option("--fill", is_flag=True, help="Repeat the close where a bar had no trade; without it there is no bar.")
@click.option("--instruments", metavar="FILE", help="Instruments file instead of the one that comes with Petrosa.")
@debug_option
@json_option
def candles(
    recording: tuple[str, ...],
    intervals: tuple[str, ...],
    as_csv: bool,
    fill: bool,
    instruments: str | None,
    as_json: bool,
) -> None:
    """Make candles from the trades of RECORDING (paths or names).

    Columns: open time (UTC), open, high, low, close, volume, quote volume, trades, and volume bought by takers. What
    was left out is counted on standard error.
    """
    from petrosa.apps import settings
    from petrosa.apps.candles import COLUMNS, build_candles, candle_row, write_candles_csv
    from petrosa.apps.catalogue import resolve
    from petrosa.apps.instruments import load_instruments
    from petrosa.surfaces.cli.output import show_json, show_table, working

    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other; choose one")
    with working("reading trades"):
        paths = resolve(settings.load(), recording)
        table = build_candles(paths, intervals, fill=fill, instruments=load_instruments(instruments))
    if as_csv:
        write_candles_csv(table, sys.stdout)
    elif as_json:
        names = ("symbol", "interval", *COLUMNS)
        rows = [dict(zip(names, (symbol, text, *candle_row(bar)), strict=True)) for symbol, text, bar in table.rows]
        show_json({"candles": rows, "unused": table.unused})
    else:
        show_table(
            ("symbol", "interval", *(f"{name}>" for name in COLUMNS)),
            [(symbol, text, *candle_row(bar)) for symbol, text, bar in table.rows],
        )
    for reason, count in sorted(table.unused.items()):
        click.echo(f"not used: {count} {reason}", err=True)


@click.command(
    epilog="""\b
Examples:
  petrosa synth --seed 7 --symbols BTCUSDT,ETHUSDT --seconds 120 --out recordings/twin
  petrosa synth --seed 1 --symbols BTC/USDT --market spot --seconds 60 --out recordings/spot --json
  petrosa synth --seed 5 --symbols BTCUSDT --second-venue coinbase --out recordings/two-venues
"""
)
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed makes the same bytes."
)
@click.option("--symbols", required=True, metavar="LIST", help="Separated by commas; BTCUSDT or BTC/USDT:USDT.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), default=60.0, show_default=True, help="How long.")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Folder to write to.")
@click.option("--market", default="usdm", show_default=True, type=click.Choice(["usdm", "spot"]), help="Whose frames.")
@click.option(
    "--second-venue", default="", metavar="NAME", help="Write quotes of another venue of this name too (readings.gz)."
)
@click.option("--price", "prices", multiple=True, metavar="SYMBOL=PRICE", help="Where a symbol begins; repeatable.")
@click.option("--instruments", metavar="FILE", help="Instruments file instead of our own.")
@debug_option
@json_option
def synth(
    seed: int,
    symbols: str,
    seconds: float,
    out: Path,
    market: str,
    second_venue: str,
    prices: tuple[str, ...],
    instruments: str | None,
    as_json: bool,
) -> None:
    """Write a synthetic recording: one file a symbol, in the format of real ones, and how it was made beside them.

    A second venue quotes the same coins in dollars, and USDT too. Now and then it is apart from ours: by more than it
    costs to trade on both, by less, or because a USDT is no dollar. When is in recording.json.
    """
    from petrosa.apps.instruments import load_instruments
    from petrosa.apps.synth import write_recording
    from petrosa.core.signals.symbols import plain_symbol
    from petrosa.surfaces.cli.output import show_json, show_table, working

    wanted = [plain_symbol(symbol) for symbol in symbols.split(",") if symbol.strip()]
    known = load_instruments(instruments)
    with working("making a market"):
        made = write_recording(
            seed, wanted, seconds, out, market=market, instruments=known, second_venue=second_venue, prices=prices
        )
    if as_json:
        show_json(made)
    else:
        rows = [(symbol, f"{count:,}", made.sha256[symbol]) for symbol, count in made.frames.items()]
        show_table(
            ("symbol", "frames>", "sha256"), rows, f"{made.seconds:g} s of {made.market} in {out}, seed {made.seed}"
        )
