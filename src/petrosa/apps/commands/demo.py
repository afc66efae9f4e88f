"""`petrosa demo`: the first thing a newcomer runs."""

from functools import partial

import click

from petrosa.apps.commands.options import chosen, http_options, json_option, settings_options, strategy_options
from petrosa.errors import UsageError

PROFILE = "demo"


@click.command(
    epilog="""\b
Examples:
  petrosa demo
  petrosa demo --seconds 15 --json
  petrosa demo --seed 7 --speed 10 --port 0
  petrosa demo --nats --seconds 20
  petrosa demo --set orderbook_skew.cooldown_seconds=5 --set feed.symbols=BTCUSDT
"""
)
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="End after so many seconds of wall time.")
@click.option("--speed", metavar="N", help="Run time per wall time; 0 is as fast as it goes.")
@click.option("--seed", metavar="N", help="Another seed is another market.")
@click.option("--nats", "over_nats", is_flag=True, help="As three services around a NATS server started for it.")
@strategy_options
@http_options
@settings_options
@json_option
def demo(
    seconds: float | None, speed: str | None, seed: str | None, over_nats: bool,
    strategies: str | None, timeframes: str | None, port: int | None, listen: str | None,
    files: tuple[str, ...], sets: tuple[str, ...], home: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Watch a whole trading system work on a synthetic market. No key, no account, no network, no server.

    The profile `demo` sets what is shown: symbols, sixty times the speed of the wall, short cooldowns. Ctrl-C ends it
    in order. HTTP takes 8080, or a free port when that is taken. Where standard output is no terminal, or NO_COLOR is
    set, there is one plain line every five seconds; with --json it goes to standard error and the summary is all there
    is on standard output.
    """
    from petrosa.apps import settings
    from petrosa.apps.commands.eventloop import run_async
    from petrosa.apps.commands.reporting import reporter
    from petrosa.apps.demo import run_demo, run_demo_over_nats
    from petrosa.surfaces.cli.output import show_json, show_result, stderr, stdout
    from petrosa.surfaces.terminal.live import is_plain, show

    options = chosen(
        feed__speed=speed, http__port=port, http__listen=listen, desk__strategies=strategies, ta__timeframes=timeframes
    )
    if seed is not None:
        options["simulation.seed"] = ("--seed", seed)
    if over_nats and port is None:
        options |= {"http.port": ("--nats", "0"), "http.engine_port": ("--nats", "0")}
    loaded = settings.load((PROFILE, *files), sets, home=home, options=options)
    if over_nats and loaded.desk.strategies:
        raise UsageError("--nats joins services, which have what `strategies` says; leave desk.strategies out there")
    if over_nats:
        going = run_demo_over_nats(loaded, seconds=seconds, report=reporter(loaded, "demo"))
        show_result(run_async(going), as_json=as_json)
        return
    console = stderr() if as_json else stdout()
    is_default = loaded.merged.origins["log.level"].kind == "default"
    report = reporter(loaded, "demo", level="WARNING" if is_default else loaded.log.level)
    summary = run_async(run_demo(loaded, seconds=seconds, view=partial(show, console=console), report=report))
    if as_json:
        show_json(summary)
        return
    if not is_plain(console):
        console.print()
    pnl = summary.pnl
    console.print(
        f"{summary.orders} orders, {summary.fills} fills; realised {pnl.realized:+.2f} {pnl.currency} before fees"
    )
    console.print(f"journal: {summary.journal.path}", soft_wrap=True)
    console.print(f"again:   petrosa replay {summary.journal.path} --assert-identical", soft_wrap=True)
