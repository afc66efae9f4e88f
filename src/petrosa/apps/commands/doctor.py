"""`petrosa doctor`: what is wrong here, and what to do about it."""

import click

from petrosa.apps.commands.options import json_option, settings_options
from petrosa.errors import EXIT_ERROR


@click.command(
    epilog="""\b
Examples:
  petrosa doctor
  petrosa doctor --config live.toml --home /var/lib/petrosa
  petrosa doctor --set simulation.enabled=false --set venue.environment=testnet
  petrosa doctor --json
"""
)
@settings_options
@json_option
@click.pass_context
def doctor(
    context: click.Context, files: tuple[str, ...], sets: tuple[str, ...], home: str | None, as_json: bool
) -> None:
    """Check this machine and this configuration; exit 1 when something is broken.

    Looks at the Python version, the clock, the configuration, the data directory and its free space, the cost of a
    disk sync, the HTTP ports, the document store and the NATS server. Needs no network unless store.url names a server.

    Where orders go to a venue (simulation.enabled = false) it asks that too, and places nothing: whether it answers,
    how far the clocks are apart, what the key may do, the symbols, the position mode; and who holds the lease.
    """
    from petrosa.apps.doctor import examine, is_broken
    from petrosa.apps.settings import process_environment
    from petrosa.surfaces.cli.output import show_json, show_table

    findings = examine(files, sets, home, process_environment())
    if as_json:
        show_json({"ok": not is_broken(findings), "findings": findings})
    else:
        rows = [(found.status, found.name, found.detail, found.remedy) for found in findings]
        show_table(("", "checked", "found", "what to do"), rows)
    if is_broken(findings):
        context.exit(EXIT_ERROR)
