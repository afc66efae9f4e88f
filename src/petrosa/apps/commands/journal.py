"""`petrosa journal`: what is remembered, whether it is whole, and what may be forgotten."""

import time
from pathlib import Path

import click

from petrosa.apps.commands.options import debug_option, json_option, settings_options


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@debug_option
def journal() -> None:
    """List, verify and prune journals."""


@journal.command(
    name="list",
    epilog="""\b
Examples:
  petrosa journal list
  petrosa journal list --home /var/lib/petrosa --json
""",
)
@settings_options
@json_option
def list_(files: tuple[str, ...], sets: tuple[str, ...], home: str | None, as_json: bool) -> None:
    """List every run in the data directory, one a line, oldest first."""
    from petrosa.adapters.stores.journal.listing import list_runs
    from petrosa.apps import settings
    from petrosa.surfaces.cli.output import show_json, show_table

    loaded = settings.load(files, sets, home=home)
    found = list_runs(loaded.runs)
    if as_json:
        show_json(found)
        return
    rows = [
        (run.run_id, run.started_at, run.command, run.sequence, run.segments, f"{run.bytes / 1e6:.1f}",
         "being written" if run.being_written else "")
        for run in found
    ]  # fmt: skip
    show_table(("run", "started", "command", "turns>", "segments>", "MB>", ""), rows, str(loaded.runs))


@journal.command(
    epilog="""\b
Examples:
  petrosa journal verify petrosa-data/runs/20260102T030405
  petrosa journal verify JOURNAL --json
"""
)
@click.argument("folder", metavar="JOURNAL", type=click.Path(path_type=Path))
@debug_option
@json_option
def verify(folder: Path, as_json: bool) -> None:
    """Check every line of JOURNAL against the chain of hashes; exit 1 at the first that is not what was written."""
    from petrosa.adapters.stores.journal.listing import verify as verify_run
    from petrosa.surfaces.cli.output import show_json, show_table, working

    with working("verifying"):
        proved = verify_run(folder)
    if as_json:
        show_json(proved)
        return
    ended = "in order" if proved.closed else "without saying so: it runs still, or was cut off"
    show_table(
        ("", "found"),
        [
            ("entries", proved.entries),
            ("segments", f"{proved.first_segment} to {proved.first_segment + proved.segments - 1}"),
            ("last turn", proved.sequence),
            ("ended", ended),
            ("torn bytes", proved.torn_bytes),
            ("decisions_sha256", proved.decisions_sha256),
            ("sha256", proved.sha256),
        ],
        f"{proved.path} is whole",
    )


@journal.command(
    epilog="""\b
Examples:
  petrosa journal prune
  petrosa journal prune --set journal.retention_days=7 --json
"""
)
@settings_options
@json_option
def prune(files: tuple[str, ...], sets: tuple[str, ...], home: str | None, as_json: bool) -> None:
    """Remove what is older or larger than journal.retention_days and journal.retention_mb allow.

    The newest run stays, and so does everything that an open order or position still refers to, or that is not in the
    audit yet.
    """
    from petrosa.adapters.stores.journal.prune import prune as prune_runs
    from petrosa.apps import settings
    from petrosa.apps.auditing.catching_up import unread_in
    from petrosa.apps.commands.eventloop import run_async
    from petrosa.surfaces.cli.output import show_json, show_table

    loaded = settings.load(files, sets, home=home)
    kept = loaded.journal
    unread = run_async(unread_in(loaded))
    result = prune_runs(
        loaded.runs, days_max=kept.retention_days, bytes_max=kept.retention_mb * 1_000_000, wall_now=time.time(),
        unread=unread,
    )  # fmt: skip
    if as_json:
        show_json(result)
        return
    rows = [("removed", path) for path in result.removed] + [("kept", why) for why in result.kept]
    show_table(("", "what"), rows, f"{result.bytes / 1e6:.1f} MB freed in {loaded.runs}")
