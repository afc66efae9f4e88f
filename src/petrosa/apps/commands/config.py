"""`petrosa config`: what holds, and who said so."""

import click

from petrosa.apps.commands.describe import describe
from petrosa.apps.commands.options import debug_option, json_option, settings_options
from petrosa.apps.commands.what_if import what_if


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  petrosa config show --changed
  petrosa config describe orderbook_skew
  petrosa config what-if orderbook_skew --set buy_threshold=1.5 --recording synthetic-usdm
""",
)
@debug_option
def config() -> None:
    """Show the effective configuration and its origins, describe strategies, and ask what a change would do."""


@config.command(
    epilog="""\b
Examples:
  petrosa config show
  petrosa config show --config demo --changed
  petrosa config show orderbook_skew --set orderbook_skew.top_levels=3
  petrosa config show risk --json
"""
)
@click.argument("section", required=False)
@click.option("--changed", is_flag=True, help="Only values that are not defaults.")
@settings_options
@json_option
def show(
    section: str | None, changed: bool, files: tuple[str, ...], sets: tuple[str, ...], home: str | None, as_json: bool
) -> None:
    """Print every key (or those of SECTION) with its value, where it came from, and what it means.

    Precedence: --set, then environment, then file, then default, merged key by key.
    """
    from petrosa.apps import settings
    from petrosa.apps.show import rows_of
    from petrosa.surfaces.cli.output import show_json, show_table

    loaded = settings.load(files, sets, home=home)
    rows = [row for row in rows_of(loaded, section or "") if not changed or row.origin != "default"]
    if as_json:
        show_json({"profile": loaded.profile, "home": str(loaded.home), "values": rows})
        return
    columns = ("key", "value", "from", "meaning")
    title = f"profile {loaded.profile}, data in {loaded.home}"
    show_table(columns, [(row.key, row.text, row.origin, row.description) for row in rows], title)


config.add_command(describe)
config.add_command(what_if)
