"""`petrosa bench`: the hot paths, measured here and now."""

import importlib
import sys

import click

from petrosa.apps.commands.options import debug_option, json_option
from petrosa.errors import UsageError


@click.command(
    epilog="""\b
Examples:
  petrosa bench
  petrosa bench decode journal --rounds 7
  petrosa bench --gate --json
"""
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Interleaved rounds of each.")
@click.option("--gate", is_flag=True, help="Exit 1 when a ratio that is a gate was missed.")
@debug_option
@json_option
@click.pass_context
def bench(context: click.Context, names: tuple[str, ...], rounds: int, gate: bool, as_json: bool) -> None:
    """Measure the hot paths, all of them or those named, with a calibration reference in the same run.

    The benchmarks come with a checkout of the repository. docs/performance.md says what each figure means.
    """
    from petrosa.apps.settings import config_folder

    checkout = config_folder().parent
    if not (checkout / "benchmarks" / "run.py").is_file():
        raise UsageError(
            "the benchmarks come with a checkout of the repository, not with the installed package; "
            "clone it and run `make bench` there"
        )
    sys.path.insert(0, str(checkout))
    main = importlib.import_module("benchmarks.run").main
    words = [*names, "--rounds", str(rounds), *(["--gate"] if gate else []), *(["--json"] if as_json else [])]
    context.exit(main(words))
