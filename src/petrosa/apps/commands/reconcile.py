"""`petrosa reconcile`: how what the venue holds and our books differ, and what is done about it."""

from pathlib import Path
from typing import Any

import click

from petrosa.apps.commands.options import json_option, settings_options

NOW = "now"


@click.command(
    epilog="""\b
Examples:
  petrosa reconcile
  petrosa reconcile --now --reason "an order was moved by hand"
  petrosa reconcile --adopt 6f1d0c2b9a8e7d54 --reason "bought by hand, and wanted" --key-file admin.key
  petrosa reconcile --flatten 6f1d0c2b9a8e7d54 --reason "nobody wants it" --url http://127.0.0.1:8000
  petrosa reconcile --json
"""
)
@click.option("--adopt", metavar="ID", help="Take the venue's truth into the books of the desk.")
@click.option("--flatten", metavar="ID", help="Have it gone: cancel the order, or close the difference at market.")
@click.option("--ignore", metavar="ID", help="Accept it for as long as it does not change; it counts as exposure.")
@click.option("--now", is_flag=True, help="Ask the venue now.")
@click.option("--reason", metavar="TEXT", help="Why; kept in the journal. Needed by all that changes something.")
@click.option("--url", metavar="URL", help="The desk; else every desk that answers on this machine's usual ports.")
@click.option(
    "--key-file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), metavar="FILE",
    help="A file with the key; - is standard input. Needs the scope trade for --now, admin to resolve.",
)  # fmt: skip
@settings_options
@json_option
def reconcile(
    adopt: str | None, flatten: str | None, ignore: str | None, now: bool, reason: str | None, url: str | None,
    key_file: Path | None, files: tuple[str, ...], sets: tuple[str, ...], home: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Show in what the venue and a running desk differ, and resolve it.

    A desk with a real venue compares by itself, at the start, every 45 s and after every gap; entries wait while
    something differs that nobody has resolved. Exits and stops never wait.
    """
    from petrosa.apps import settings
    from petrosa.apps.keyfile import read_key
    from petrosa.apps.reconcile_client import ask_to_compare, ask_to_resolve, reports_of
    from petrosa.surfaces.cli.output import show_json

    named = {"adopt": adopt, "flatten": flatten, "ignore": ignore}
    wanted = [(how, finding) for how, finding in named.items() if finding is not None]
    if len(wanted) + now > 1:
        raise click.UsageError("one thing at a time: --adopt, --flatten, --ignore or --now")
    if (wanted or now) and not (reason and reason.strip()):
        raise click.UsageError('say why: --reason "…"')
    key = read_key(key_file)
    loaded = settings.load(files, sets, home=home)
    if wanted:
        answers = ask_to_resolve(loaded, wanted[0][1], wanted[0][0], reason or "", url, key)
    else:
        answers = ask_to_compare(loaded, (reason or "") if now else None, url, key)
    if as_json:
        show_json(answers)
        return
    for asked, (status, report) in reports_of(answers).items():
        _show(asked, status, report)


def _show(asked: str, status: str, report: dict[str, Any]) -> None:
    from petrosa.surfaces.cli.output import show_table

    compared, closed = report["compared_at"] or "never", report["closed_because"]
    click.echo(f"{asked}: {report['state']}{f' ({status})' if status else ''}, last compared {compared}")
    if closed:
        click.echo(f"entries are closed: {closed}")
    if report["findings"]:
        rows = [
            (one["finding_id"], one["kind"], "ignored" if one["ignored"] else "open", one["message"])
            for one in report["findings"]
        ]
        show_table(("finding", "kind", "is", "what"), rows)
        for one in report["findings"]:
            for how, text in one["can"].items():
                click.echo(f"  --{how} {one['finding_id']}: {text}")
