"""`petrosa readings`: what sources outside the venue say, recorded and shown."""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from petrosa.apps.commands.options import debug_option, json_option

if TYPE_CHECKING:
    from petrosa.apps.readings import RecordSummary

NAMES = ("coinbase", "kraken", "bybit", "bybit-linear", "coingecko", "blockchain")


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  petrosa readings record coinbase --out recordings/today/readings.gz
  petrosa readings show recordings/today/readings.gz
""",
)
@debug_option
def readings() -> None:
    """Record facts from outside the venue, and show them.

    They are other venues' quotes, Bitcoin's share of the market, and figures of the chain.
    """


@readings.command(
    short_help="Ask a source again and again, and keep what it says.",
    epilog="""\b
Examples:
  petrosa readings record coinbase --subjects BTC/USD,USDT/USD --every 2 --out recordings/today/readings.gz
  petrosa readings record coingecko --count 1 --out dominance.jsonl --json
""",
)
@click.argument("source", type=click.Choice(NAMES))
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="File of a recording to append to; gzip where it ends in .gz.")  # fmt: skip
@click.option("--every", type=click.FloatRange(1, 86_400), metavar="SECONDS",
              help="Pause between two polls (else 1 for Bybit, 5 for quotes, 600 or 3600 for others).")  # fmt: skip
@click.option("--count", type=click.IntRange(0, 1_000_000), default=0, show_default=True, metavar="N",
              help="Polls; 0 goes on until it is stopped.")  # fmt: skip
@click.option("--subjects", default="", metavar="LIST", help="Pairs to ask a venue for, as BTC/USD,USDT/USD.")
@click.option("--base-url", default="", metavar="URL", help="Another address of the same service.")
@debug_option
@json_option
def record(
    source: str, out: Path, every: float | None, count: int, subjects: str, base_url: str, as_json: bool
) -> None:
    """Ask SOURCE again and again, and append what it says to a file that a backtest reads beside a recording.

    Stop it with Ctrl-C. What it repeats is written once; a poll that fails is told and the next one comes.
    """
    from petrosa.surfaces.cli.output import show_result

    wanted = tuple(text.strip().upper() for text in subjects.split(",") if text.strip())
    show_result(asyncio.run(_record(source, out, every, count, wanted, base_url)), as_json=as_json)


@readings.command(
    short_help="Say which readings are in files, and since when.",
    epilog="""\b
Examples:
  petrosa readings show recordings/today/readings.gz
  petrosa readings show recordings/synthetic-two-venues/readings.gz --json
""",
)
@click.argument("files", nargs=-1, required=True)
@debug_option
@json_option
def show(files: tuple[str, ...], as_json: bool) -> None:
    """Say which readings are in FILES: by whom, about what, how many, from when to when."""
    from petrosa.apps.readings import told
    from petrosa.surfaces.cli.output import show_json, show_table

    lines = asyncio.run(told(files, lambda text: click.echo(text, err=True)))
    if as_json:
        show_json({"readings": lines})
        return
    rows = [
        (one.source, one.topic, one.subject, " ".join(one.values), f"{one.count:,}", one.first, one.last)
        for one in lines
    ]
    show_table(("source", "topic", "subject", "values", "readings>", "first", "last"), rows)


async def _record(
    name: str, out: Path, every: float | None, count: int, subjects: tuple[str, ...], base_url: str
) -> "RecordSummary":
    from petrosa.adapters.outside.file import ReadingFile
    from petrosa.apps.readings import open_source, record

    def report(text: str) -> None:
        click.echo(text, err=True)

    source, usual = open_source(name, base_url, subjects)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        file = ReadingFile(out)
        if file.cut:
            report(f"{out}: {file.cut} bytes at its end were no whole reading and are cut off")
        try:
            return await record(source, file, every_s=every or usual, count=count, stopped=stopped, report=report)
        finally:
            file.close()
    finally:
        await source.close()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
