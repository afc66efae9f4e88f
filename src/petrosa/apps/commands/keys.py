"""`petrosa keys`: who may change things over HTTP."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import click

from petrosa.apps.commands.options import debug_option, json_option, settings_options
from petrosa.surfaces.access import Scope

if TYPE_CHECKING:
    from petrosa.apps.keys import KeyRing, StoredKey
    from petrosa.apps.settings import Settings

T = TypeVar("T")


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  petrosa keys create --name alice --scope config
  petrosa keys list
  petrosa keys revoke alice
""",
)
@debug_option
def keys() -> None:
    """Make, list and revoke the keys of the HTTP API.

    As long as there is none, only this machine may change anything. From the first on every change needs one, and every
    reading from another machine.
    """


@keys.command(
    short_help="Make a key and print it, this once.",
    epilog="""\b
Examples:
  petrosa keys create --name alice --scope config
  petrosa keys create --name grafana --scope read --expires-days 90
  KEY=$(petrosa keys create --name deploy --scope config --scope trade)
""",
)
@click.option("--name", required=True, metavar="NAME", help="Who acts with it, as audits will say: a-z 0-9 . _ -")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it is good for; repeatable. Each one includes read, and admin includes all.",
)
@click.option(
    "--expires-days", type=click.IntRange(1, 36_500), metavar="N", help="Good for N days (default: for ever)."
)
@settings_options
def create(
    name: str, scopes: tuple[str, ...], expires_days: int | None, files: tuple[str, ...], sets: tuple[str, ...],
    home: str | None,
) -> None:  # fmt: skip
    """Make a key and print it on standard output, this once: only a hash of it is kept.

    The name of a revoked or expired key may be used again. A running service knows the key at once.
    """
    from petrosa.apps import settings

    lifetime = None if expires_days is None else timedelta(days=expires_days)
    wanted = [Scope(scope) for scope in scopes]
    token, key = _with_ring(settings.load(files, sets, home=home), lambda ring: ring.create(name, wanted, lifetime))
    click.echo(token)
    until = "until it is revoked" if key.expires_at is None else f"until {key.expires_at.isoformat()}"
    click.echo(
        f"{key.name} has {', '.join(key.scopes)} {until}; the key is shown only this once, keep it safe", err=True
    )


@keys.command(
    name="list",
    short_help="List every key by name.",
    epilog="""\b
Examples:
  petrosa keys list
  petrosa keys list --home /var/lib/petrosa --json
""",
)
@settings_options
@json_option
def list_(files: tuple[str, ...], sets: tuple[str, ...], home: str | None, as_json: bool) -> None:
    """List every key by name, one a line; what is secret of it is neither shown nor known."""
    from petrosa.apps import settings
    from petrosa.surfaces.cli.output import show_json, show_table

    found = _with_ring(settings.load(files, sets, home=home), lambda ring: ring.all())
    now = datetime.now(UTC)
    rows = [_row(key, now) for key in found]
    if as_json:
        show_json(rows)
        return
    columns = ("name", "id", "scopes", "status", "created_at", "expires_at", "revoked_at")
    show_table(columns, [tuple(_cell(row[column]) for column in columns) for row in rows])


@keys.command(
    short_help="Make a key worthless.",
    epilog="""\b
Examples:
  petrosa keys revoke alice
  petrosa keys revoke 0f1e2d3c4b5a6978
""",
)
@click.argument("name", metavar="NAME|ID")
@settings_options
def revoke(name: str, files: tuple[str, ...], sets: tuple[str, ...], home: str | None) -> None:
    """Make a key worthless. A running service refuses its writes within a second, its reads within a minute.

    A revoked key still counts as configured: revoking the last one leaves nobody who may change anything over HTTP.
    """
    from petrosa.apps import settings

    key = _with_ring(settings.load(files, sets, home=home), lambda ring: ring.revoke(name))
    assert key.revoked_at is not None
    click.echo(f"{key.name} ({key.id}) is revoked since {key.revoked_at.isoformat()}", err=True)


def _with_ring(loaded: "Settings", work: "Callable[[KeyRing], Awaitable[T]]") -> T:
    """What the work comes to on the keys of the store that the settings name."""
    from petrosa.apps.commands.eventloop import run_async
    from petrosa.apps.documents import open_documents
    from petrosa.apps.keys import KeyRing

    async def done() -> T:
        documents = await open_documents(loaded)
        try:
            return await work(KeyRing(documents))
        finally:
            await documents.close()

    return run_async(done())


def _row(key: "StoredKey", now: datetime) -> dict[str, object]:
    return {
        "name": key.name,
        "id": key.id,
        "scopes": list(key.scopes),
        "status": key.status(now),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value or "")
