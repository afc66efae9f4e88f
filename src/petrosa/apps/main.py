"""The command `petrosa`. A command's module is imported only when that command runs, so that `--help` is quick."""

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import click

from petrosa import __version__
from petrosa.apps.commands.options import Invocation, debug_option
from petrosa.errors import EXIT_OK

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": ("demo:demo", "Watch the whole system work on a synthetic market."),
    "backtest": ("runs:backtest", "Run recordings through a whole desk at full speed."),
    "run": ("runs:run", "Run a whole desk in one process, with its API."),
    "extract": ("extract:extract", "Fetch the venue's history into a store, and keep it whole."),
    "feed": ("services:feed", "Publish market data of a venue or a recording to NATS."),
    "record": ("record:record", "Record market data of a venue."),
    "strategies": ("services:strategies", "Turn market data on NATS into signals."),
    "ta": ("ta:ta", "Turn stored bars into signals: technical analysis."),
    "trade": ("services:trade", "Turn signals on NATS into orders."),
    "broker": ("services:broker", "Run a NATS server with JetStream in the data directory."),
    "paper-exchange": ("paper_exchange:paper_exchange", "Serve Binance's own protocol over simulated matching."),
    "replay": ("runs:replay", "Turn a journal again and compare every decision."),
    "explain": ("runs:explain", "Say why there was an order, or why there was none."),
    "recordings": ("recordings:recordings", "List the recordings that have names."),
    "candles": ("data:candles", "Make candles from a recording."),
    "readings": ("readings:readings", "Record facts from outside the venue, and show them."),
    "synth": ("data:synth", "Write a synthetic recording."),
    "audit": ("audit:audit", "Show what was traded and refused, newest first."),
    "journal": ("journal:journal", "List, verify and prune journals."),
    "doctor": ("doctor:doctor", "Check this machine and this configuration."),
    "config": ("config:config", "Show what holds and why; change strategies, and ask what if."),
    "reconcile": ("reconcile:reconcile", "Show and resolve what desk and venue differ in."),
    "kill-switch": ("kill_switch:kill_switch", "Stop running desks, and open them again."),
    "order": ("order:order", "Place, cancel and list orders by hand on a running desk."),
    "keys": ("keys:keys", "Make, list and revoke the keys of the HTTP API."),
    "bench": ("bench:bench", "Measure the hot paths."),
}
"""Command → (module:attribute in apps/commands, one line for the list), in the order a newcomer meets them."""

EXAMPLES: Final = """\b
Examples:
  petrosa demo                                   watch it work
  petrosa backtest synthetic-usdm --json         a recording that comes with it
  petrosa explain JOURNAL --symbol BTCUSDT --at 2026-01-02T03:04:05Z
  petrosa config show --config demo
  petrosa config describe orderbook_skew

\b
Exit codes: 0 ok, 1 error, 2 usage, 3 not running, 4 configuration, 5 timeout.
"""


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports them when they are asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(f"petrosa.apps.commands.{module}"), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=LazyGroup, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="petrosa")
@debug_option
def cli() -> None:
    """Petrosa trades, and can say why for every order it sent and for every one it did not."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; nothing escapes but the end of the interpreter."""
    invocation = Invocation()
    try:
        result = cli.main(
            None if arguments is None else list(arguments), prog_name="petrosa", standalone_mode=False, obj=invocation
        )
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except (click.Abort, KeyboardInterrupt):
        click.echo("petrosa: interrupted", err=True)
        return 130
    except Exception as problem:  # noqa: BLE001 - the last place that can turn any failure into a message and a code
        from petrosa.surfaces.cli.failures import fail

        return fail(problem, debug=invocation.debug)
    return result if isinstance(result, int) else EXIT_OK


def main() -> None:
    """The console script."""
    sys.exit(run())


if __name__ == "__main__":
    main()
