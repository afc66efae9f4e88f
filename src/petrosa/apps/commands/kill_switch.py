"""`petrosa kill-switch`: stop the desks of this machine, see how far they are stopped, open them again."""

from pathlib import Path

import click

from petrosa.apps.commands.options import json_option, settings_options
from petrosa.surfaces.kill_switch import Level

STATUS, RESUME = "status", "resume"
ACTIONS = [*(level.value for level in Level), STATUS, RESUME]


@click.command(
    epilog="""\b
Examples:
  petrosa kill-switch flatten --reason "the feed is wrong"
  petrosa kill-switch pause_entries --reason "news at 14:30" --url http://127.0.0.1:8000
  petrosa kill-switch status --json
  petrosa kill-switch resume --reason "the feed is right again" --key-file admin.key
  echo flatten > petrosa-data/KILL          needs no HTTP
  kill -USR2 PID                            flattens; -USR1 pauses entries
"""
)
@click.argument("action", type=click.Choice(ACTIONS), metavar="LEVEL|status|resume")
@click.option("--reason", metavar="TEXT", help="Why; kept in the journal. Needed by all but status.")
@click.option("--url", metavar="URL", help="The desk; else every desk that answers on this machine's usual ports.")
@click.option(
    "--key-file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), metavar="FILE",
    help="A file with the key; - is standard input. Needs the scope trade, and admin for resume.",
)  # fmt: skip
@settings_options
@json_option
def kill_switch(
    action: str, reason: str | None, url: str | None, key_file: Path | None, files: tuple[str, ...],
    sets: tuple[str, ...], home: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Stop a running desk; it stays stopped until it is resumed.

    LEVEL is pause_entries (no new entry), cancel_opens (and entry orders are cancelled), flatten (and positions are
    closed at market) or halt (as cancel_opens, as a halt; positions keep their stops).
    """
    from petrosa.apps import settings
    from petrosa.apps.keyfile import read_key
    from petrosa.apps.kill_client import ask_desks
    from petrosa.surfaces.cli.output import show_json, show_table

    if action != STATUS and not (reason and reason.strip()):
        raise click.UsageError(f'say why: petrosa kill-switch {action} --reason "…"')
    key = read_key(key_file)
    loaded = settings.load(files, sets, home=home)
    answers = ask_desks(loaded, action, reason or "", url, key)
    if as_json:
        show_json(answers)
        return
    rows = []
    for asked, said in answers.items():
        state = said.get("state", said)
        rows.append((asked, said.get("status", ""), state["level"] or "none", state["closed_because"] or "open"))
    show_table(("desk", "status", "level", "entries"), rows)
