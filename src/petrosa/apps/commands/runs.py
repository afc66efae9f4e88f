"""`petrosa backtest`, `run`, `replay`, `explain`: a desk on kept data, and what its journal can answer."""

from pathlib import Path

import click

from petrosa.apps.commands.options import (
    VENUE,
    chosen,
    debug_option,
    http_options,
    json_option,
    no_stored_option,
    settings_options,
    strategy_options,
)
from petrosa.errors import EXIT_ERROR, UsageError

JOURNAL = click.argument("folder", metavar="JOURNAL", type=click.Path(path_type=Path))
MOVED = click.option(
    "--recording", "recording", multiple=True, metavar="NAME|PATH", help="Where the recording is now, if it was moved."
)
ACROSS = click.option(
    "--across-versions", is_flag=True, help="Turn a journal of another version too; differences may come from the code."
)
INSTRUMENTS = click.option("--instruments", metavar="FILE", help="Instruments file instead of our own.")


@click.command(
    epilog="""\b
Examples:
  petrosa backtest synthetic-usdm
  petrosa backtest synthetic-usdm --no-stored --feed-latency 50
  petrosa backtest recordings/may/*.gz --json --set orderbook_skew.cooldown_seconds=5
  petrosa backtest synthetic-usdm --strategies orderbook_skew,inside_bar_sell --timeframes 1m
  petrosa backtest synthetic-usdm --config mine.toml --instruments rules.toml
"""
)
@click.argument("recording", nargs=-1, required=True)
@INSTRUMENTS
@click.option("--feed-latency", metavar="MS", help="How late a fact is heard, in milliseconds (default 10).")
@no_stored_option
@strategy_options
@settings_options
@json_option
def backtest(
    recording: tuple[str, ...], instruments: str | None, feed_latency: str | None, no_stored: bool,
    strategies: str | None, timeframes: str | None, files: tuple[str, ...], sets: tuple[str, ...], home: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Run RECORDING (paths or names) through a whole desk and the simulated exchange, as fast as it goes.

    Without --set feed.symbols every symbol of the recording is traded. The journal goes to the data directory. The
    strategies have what is stored for them there, as in `petrosa run`.
    """
    from petrosa.apps import settings
    from petrosa.apps.backtest import run_backtest
    from petrosa.apps.catalogue import resolve
    from petrosa.apps.commands.eventloop import run_async
    from petrosa.apps.configuration.live import stored_settings
    from petrosa.surfaces.cli.output import show_json, working
    from petrosa.surfaces.cli.summary import show_faults, show_summary

    options = chosen(instruments__file=instruments, desk__strategies=strategies, ta__timeframes=timeframes)
    if feed_latency is not None:
        options["feed.latency_ms"] = ("--feed-latency", feed_latency)
    loaded = settings.load(files, sets, home=home, options=options)
    if not no_stored:
        loaded = run_async(stored_settings(loaded))
    with working("turning the recording"):
        summary = run_backtest(resolve(loaded, recording), loaded)
    show_faults(summary)
    (show_json if as_json else show_summary)(summary)


@click.command(
    epilog="""\b
Examples:
  petrosa run --recording synthetic-usdm --speed 60
  petrosa run --recording synthetic-usdm --speed 0 --json --port 0
  petrosa run --config paper --recording synthetic-usdm
  petrosa run --recording synthetic-usdm --strategies momentum_pulse --timeframes 1m
  petrosa run --nats --recording synthetic-usdm --speed 60
  BINANCE_API_KEY=… BINANCE_API_SECRET=… petrosa run --venue paper
  BINANCE_API_KEY=… BINANCE_API_SECRET=… petrosa run --venue paper --strategies ema_pullback_continuation
  BINANCE_API_KEY=… BINANCE_API_SECRET_FILE=key.pem petrosa run --venue testnet --set feed.symbols=BTCUSDT
"""
)
@click.option("--recording", "recording", multiple=True, metavar="NAME|PATH", help="A recording; repeatable.")
@VENUE
@click.option("--speed", metavar="N", help="Run time per wall time; 0 is as fast as it goes (default 1).")
@INSTRUMENTS
@click.option("--nats", "over_nats", is_flag=True, help="As three services around a NATS server started for it.")
@strategy_options
@http_options
@settings_options
@json_option
def run(
    recording: tuple[str, ...], venue: str | None, speed: str | None, instruments: str | None, over_nats: bool,
    strategies: str | None, timeframes: str | None, port: int | None, listen: str | None, files: tuple[str, ...],
    sets: tuple[str, ...], home: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Run a whole desk in one process, on a recording paced by the clock or on a venue, with the HTTP surface up.

    On a recording it decides what `backtest` decides, to the byte. On a venue it goes on from its journal, and compares
    everything with what the venue holds before it enters anything. SIGTERM or Ctrl-C: no new entries, entry orders are
    cancelled, protection stays, and the summary is printed; a second signal exits at once.
    """
    from petrosa.apps import settings
    from petrosa.apps.catalogue import resolve
    from petrosa.apps.commands.eventloop import run_async, until_stopped
    from petrosa.apps.commands.extras import require_live
    from petrosa.apps.commands.reporting import reporter
    from petrosa.apps.over_nats import run_over_nats
    from petrosa.apps.run import run_recording
    from petrosa.surfaces.cli.output import show_json, show_result
    from petrosa.surfaces.cli.summary import show_faults, show_summary

    options = chosen(
        feed__speed=speed, instruments__file=instruments, http__port=port, http__listen=listen,
        desk__strategies=strategies, ta__timeframes=timeframes,
    )  # fmt: skip
    if venue is not None:
        options |= {"simulation.enabled": ("--venue", "false"), "venue.environment": ("--venue", venue)}
    loaded = settings.load(files, sets, home=home, options=options)
    if bool(recording) is not loaded.simulated:
        raise UsageError("run needs either --recording NAME, or --venue (simulation.enabled = false) and no recording")
    if over_nats and loaded.desk.strategies:
        raise UsageError("--nats joins services, which have what `strategies` says; leave desk.strategies out there")
    report = reporter(loaded, "run")
    if not loaded.simulated:
        if over_nats:
            raise UsageError("--nats joins services around a recording; on a venue use petrosa trade beside this")
        require_live()
        from petrosa.apps.live.run import run_live

        running = run_live(loaded, settings.process_environment(), report=report)
        show_result(run_async(until_stopped(running)), as_json=as_json)
        return
    paths = resolve(loaded, recording)
    if over_nats:
        show_result(run_async(run_over_nats(loaded, paths, "run-nats", report=report)), as_json=as_json)
        return
    summary = run_async(run_recording(paths, loaded, report=report))
    show_faults(summary)
    (show_json if as_json else show_summary)(summary)


@click.command(
    epilog="""\b
Examples:
  petrosa replay petrosa-data/runs/20260102T030405-backtest --assert-identical
  petrosa replay JOURNAL --assert-identical --recording /mnt/archive/btcusdt.gz
  petrosa replay JOURNAL --across-versions --json
"""
)
@JOURNAL
@click.option("--assert-identical", is_flag=True, help="Exit 1 at the first decision that differs, and show it.")
@MOVED
@ACROSS
@debug_option
@json_option
@click.pass_context
def replay(
    context: click.Context, folder: Path, assert_identical: bool, recording: tuple[str, ...], across_versions: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Turn JOURNAL again with its recording or tape, and compare every decision with what was written then."""
    from petrosa.apps import settings
    from petrosa.apps.catalogue import resolve
    from petrosa.apps.replay import replay_journal
    from petrosa.surfaces.cli.output import show_json, working

    paths = resolve(settings.load(), recording) if recording else ()
    with working("turning the journal again"):
        report = replay_journal(folder, recording=paths, across_versions=across_versions)
    if report.warning:
        click.echo(f"petrosa: {report.warning}", err=True)
    if as_json:
        show_json(report)
    elif report.identical:
        click.echo(f"identical: {report.turns} turns, {report.decisions} decisions, {report.decisions_sha256}")
    else:
        click.echo(report.difference)
    if assert_identical and not report.identical:
        context.exit(EXIT_ERROR)


@click.command(
    epilog="""\b
Examples:
  petrosa explain JOURNAL --signal 3f2a9c0e1b…
  petrosa explain JOURNAL --symbol BTCUSDT --at 2026-01-02T03:04:05Z
  petrosa explain JOURNAL --symbol BTC/USDT:USDT --at 2026-01-02T03:04:05Z --json
"""
)
@JOURNAL
@click.option("--signal", metavar="ID", help="A signal's id, as in the journal and in the logs.")
@click.option("--symbol", metavar="SYMBOL", help="Together with --at: what was thought of this symbol then.")
@click.option("--at", metavar="TIME", help="ISO 8601 (UTC unless it says otherwise) or nanoseconds.")
@MOVED
@ACROSS
@debug_option
@json_option
def explain(
    folder: Path, signal: str | None, symbol: str | None, at: str | None, recording: tuple[str, ...],
    across_versions: bool, as_json: bool,
) -> None:  # fmt: skip
    """Say why there was an order, or why there was none.

    Prints the causal chain out of JOURNAL: what was seen, every gate with value, limit and outcome, and what followed
    to the fill. The journal is turned again up to that moment, so its recording or tape must be there.
    """
    from petrosa.apps import settings
    from petrosa.apps.catalogue import resolve
    from petrosa.apps.replay import explain_journal
    from petrosa.backtest.explain import Question, as_text
    from petrosa.core.signals.symbols import plain_symbol
    from petrosa.surfaces.cli.output import show_json, working
    from petrosa.surfaces.cli.times import nanoseconds_of

    if signal and not (symbol or at):
        question = Question(signal_id=signal)
    elif symbol and at and not signal:
        question = Question(symbol=plain_symbol(symbol), at=nanoseconds_of(at))
    else:
        raise UsageError("explain needs either --signal ID, or --symbol SYMBOL together with --at TIME")
    paths = resolve(settings.load(), recording) if recording else ()
    with working("turning the journal up to there"):
        found = explain_journal(folder, question, recording=paths, across_versions=across_versions)
    if as_json:
        show_json(found)
    else:
        click.echo(as_text(found))
