"""`petrosa extract`: the venue's history into the store of klines, whole, and kept whole."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from petrosa.apps.commands.options import chosen, debug_option, json_option, settings_options
from petrosa.errors import EXIT_ERROR, EXIT_OK

if TYPE_CHECKING:
    from petrosa.apps.extracting.jobs import Asked
    from petrosa.apps.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def job_options(command: F) -> F:
    """What every job is told: of what, from where, how much at once."""
    for option in (
        json_option,
        settings_options,
        click.option("--nats-url", metavar="URL", help="Tell it on this NATS server; else NATS_URL, or nobody."),
        click.option("--workers", type=click.IntRange(1, 16), metavar="N", help="Series and questions at a time."),
        click.option("--source", type=click.Choice(("rest", "archive", "auto")), help="Where history comes from."),
        click.option("--market", type=click.Choice(("usdm", "spot")), help="Which market's history."),
        click.option("--symbols", metavar="LIST", help="As BTCUSDT,ETHUSDT; else extract.symbols, or feed.symbols."),
    ):
        command = option(command)
    return command


def range_options(command: F) -> F:
    """`--from` and `--to`."""
    for option in (
        click.option("--to", "until", metavar="TIME", help="And before this time; else up to now."),
        click.option("--from", "since", metavar="TIME", help="What is of this time (UTC) on: 2026-01-31, …T06:00."),
    ):
        command = option(command)
    return command


INTERVALS = click.option("--intervals", metavar="LIST", help="As 1m,1h,1d,1w,1M; else extract.intervals.")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be fetched; write no row.")


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  petrosa extract klines --symbols BTCUSDT,ETHUSDT --intervals 1m,1h --from 2025-01-01
  petrosa extract gaps --symbols BTCUSDT --intervals 1m --fill
  petrosa extract run
""",
)
@debug_option
def extract() -> None:
    """Fetch the venue's history into a store, and keep it whole.

    Every job may be stopped or killed at any time: the next one goes on where it was.
    """


@extract.command(
    short_help="Bring bars up to now.",
    epilog="""\b
Examples:
  petrosa extract klines
  petrosa extract klines --symbols BTCUSDT --intervals 1m --from 2024-01-01 --source auto
  petrosa extract klines --market spot --symbols BTC/USDT --intervals 1s --from 2026-01-31 --to 2026-02-01 --dry-run
""",
)
@range_options
@INTERVALS
@click.option("--verify", type=click.IntRange(0, 1_000), metavar="N", help="Compare the last N stored bars first.")
@DRY_RUN
@job_options
def klines(
    since: str | None, until: str | None, intervals: str | None, verify: int | None, dry_run: bool, **options: Any
) -> int:
    """Fetch what is missing of bars, from the last stored one on, or from --from on; only bars that are over.

    Holes of the last days (extract.days) are filled too; older ones are what `petrosa extract gaps --fill` is for.
    """
    loaded = _settings(options, extract__intervals=intervals, extract__verify_bars=verify)
    return _job(
        loaded, options, "klines", since, until, intervals=loaded.extract.intervals, dry_run=dry_run,
        verify=loaded.extract.verify_bars,
    )  # fmt: skip


@extract.command(
    short_help="Bring funding rates up to now.",
    epilog="""\b
Examples:
  petrosa extract funding
  petrosa extract funding --symbols BTCUSDT --from 2024-01-01 --json
""",
)
@range_options
@DRY_RUN
@job_options
def funding(since: str | None, until: str | None, dry_run: bool, **options: Any) -> int:
    """Fetch what was paid on perpetual futures, from the last stored rate on, or from --from on."""
    return _job(_settings(options), options, "funding", since, until, dry_run=dry_run)


@extract.command(
    short_help="Bring aggregate trades up to now.",
    epilog="""\b
Examples:
  petrosa extract trades --symbols BTCUSDT
  petrosa extract trades --symbols BTCUSDT --from 2026-01-01 --to 2026-02-01 --source archive
""",
)
@range_options
@DRY_RUN
@job_options
def trades(since: str | None, until: str | None, dry_run: bool, **options: Any) -> int:
    """Fetch aggregate trades, from the last stored one on (else extract.trade_days back), or from --from on."""
    return _job(_settings(options), options, "trades", since, until, dry_run=dry_run)


@extract.command(
    short_help="Find missing bars, and fetch them.",
    epilog="""\b
Examples:
  petrosa extract gaps
  petrosa extract gaps --symbols BTCUSDT --intervals 1m --from 2024-01-01 --fill
""",
)
@range_options
@INTERVALS
@click.option("--fill", is_flag=True, help="Fetch what is missing; without it that is only told.")
@job_options
def gaps(since: str | None, until: str | None, intervals: str | None, fill: bool, **options: Any) -> int:
    """Find what is missing of bars, from the first stored one on, or from --from on; with --fill fetch it.

    What the venue does not have either is remembered, and asked for again after extract.gap_recheck_days.
    """
    loaded = _settings(options, extract__intervals=intervals)
    return _job(loaded, options, "gaps", since, until, intervals=loaded.extract.intervals, fill=fill)


@extract.command(
    short_help="Go on: every bar when it has closed, gaps once a day.",
    epilog="""\b
Examples:
  petrosa extract run
  NATS_URL=nats://127.0.0.1:4222 petrosa extract run --symbols BTCUSDT --intervals 1m,15m
""",
)
@INTERVALS
@job_options
def run(intervals: str | None, **options: Any) -> None:
    """Bring bars up to now, then fetch each soon after its close, and look for gaps once a day, until SIGTERM."""
    from petrosa.apps.commands.eventloop import run_async, until_stopped
    from petrosa.apps.commands.reporting import reporter
    from petrosa.apps.extracting.opening import wanted_symbols
    from petrosa.apps.extracting.schedule import serve
    from petrosa.surfaces.cli.output import show_result

    loaded = _settings(options, extract__intervals=intervals)
    symbols = wanted_symbols(loaded, options["symbols"])
    serving = serve(loaded, symbols, loaded.extract.intervals, report=reporter(loaded, "extract"))
    show_result(run_async(until_stopped(serving)), as_json=options["as_json"])


def _settings(options: dict[str, Any], **more: object) -> "Settings":
    from petrosa.apps import settings
    from petrosa.apps.commands.extras import require_extra

    require_extra("live", "aiohttp")
    given = chosen(
        extract__workers=options["workers"], extract__source=options["source"], extract__market=options["market"],
        nats__url=options["nats_url"], **more,
    )  # fmt: skip
    return settings.load(options["files"], options["sets"], home=options["home"], options=given)


def _job(
    loaded: "Settings", options: dict[str, Any], kind: str, since: str | None, until: str | None, **more: Any
) -> int:  # fmt: skip
    """Do it, show what it came to, and say with the exit code whether every series is as it was asked for."""
    from petrosa.apps.commands.eventloop import run_async, until_stopped
    from petrosa.apps.extracting.jobs import Asked
    from petrosa.apps.extracting.opening import wanted_symbols
    from petrosa.core.model.base import NEVER
    from petrosa.surfaces.cli.extraction import show_summary
    from petrosa.surfaces.cli.output import show_json
    from petrosa.surfaces.cli.times import nanoseconds_of

    asked = Asked(
        kind=kind, symbols=wanted_symbols(loaded, options["symbols"]),
        since=None if since is None else nanoseconds_of(since, "--from"),
        until=NEVER if until is None else nanoseconds_of(until, "--to"), **more,
    )  # fmt: skip
    summary = run_async(until_stopped(_shown(loaded, asked)))
    if summary is None:
        click.echo("petrosa: stopped before the end; what was written stays, and the same command goes on", err=True)
        return EXIT_ERROR
    if options["as_json"]:
        show_json(summary)
    else:
        show_summary(summary)
    return EXIT_ERROR if summary.failed else EXIT_OK


async def _shown(loaded: "Settings", asked: "Asked") -> Any:
    from petrosa.apps.extracting.jobs import extract as perform
    from petrosa.apps.extracting.jobs import work_of
    from petrosa.surfaces.cli.progress import shown

    async with shown(work_of(asked)) as work:
        return await perform(loaded, asked, work=work)
