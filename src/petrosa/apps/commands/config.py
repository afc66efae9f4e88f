"""`petrosa config`: what holds, and who said so."""

import click

from petrosa.apps.commands.config_changes import audit, rollback, set_, unset
from petrosa.apps.commands.describe import describe
from petrosa.apps.commands.options import debug_option, json_option, no_stored_option, settings_options
from petrosa.apps.commands.what_if import what_if


class _InOrder(click.Group):
    """Commands in the order in which they are needed, not of the alphabet."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_InOrder,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  petrosa config show --changed
  petrosa config describe orderbook_skew
  petrosa config what-if orderbook_skew --set buy_threshold=1.5 --recording synthetic-usdm
  petrosa config set orderbook_skew buy_threshold=1.5 --reason "less noise"
  petrosa config audit orderbook_skew
""",
)
@debug_option
def config() -> None:
    """Show what holds and why, describe strategies, change what is stored, and ask what a change would do."""


@config.command(
    short_help="Print what holds, where it comes from, and what it means.",
    epilog="""\b
Examples:
  petrosa config show
  petrosa config show --config demo --changed
  petrosa config show orderbook_skew --set orderbook_skew.top_levels=3
  petrosa config show risk --json
""",
)
@click.argument("section", required=False)
@click.option("--changed", is_flag=True, help="Only values that are not defaults.")
@no_stored_option
@settings_options
@json_option
def show(
    section: str | None, changed: bool, no_stored: bool, files: tuple[str, ...], sets: tuple[str, ...],
    home: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Print every key (or those of SECTION) with its value, where it came from, and what it means.

    Precedence: --set, then stored for the symbol, then stored for all, then environment, then file, then default,
    merged key by key.
    """
    from petrosa.apps import settings
    from petrosa.apps.commands.eventloop import run_async
    from petrosa.apps.configuration.live import stored_settings
    from petrosa.apps.show import rows_of
    from petrosa.surfaces.cli.output import show_json, show_table

    loaded = settings.load(files, sets, home=home)
    if not no_stored:
        loaded = run_async(stored_settings(loaded, lambda problem: click.echo(f"petrosa: {problem}", err=True)))
    rows = [row for row in rows_of(loaded, section or "") if not changed or row.origin != "default"]
    if as_json:
        show_json({"profile": loaded.profile, "home": str(loaded.home), "values": rows})
        return
    columns = ("key", "value", "from", "meaning")
    title = f"profile {loaded.profile}, data in {loaded.home}"
    show_table(columns, [(row.key, row.text, row.origin, row.description) for row in rows], title)


for _command in (describe, what_if, set_, unset, rollback, audit):
    config.add_command(_command)
