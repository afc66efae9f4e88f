"""`petrosa config set`, `unset`, `rollback`, `audit`: the stored configuration, checked as the HTTP API checks it."""

import os
import pwd
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from petrosa.apps.commands.options import json_option, settings_options

if TYPE_CHECKING:
    from petrosa.apps.configuration.service import ConfigService
    from petrosa.apps.settings import Settings
    from petrosa.backtest.what_if import WhatIf
    from petrosa.surfaces.configuration import Act, Changed

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def change_options(command: F) -> F:
    """Who, why, for which symbol, over which version, and whether to do it at all."""
    for option in (
        json_option,
        settings_options,
        click.option("--dry-run", is_flag=True, help="Check everything and store nothing."),
        click.option("--if-version", type=click.IntRange(0), metavar="N", help="Only over this version (0: nothing)."),
        click.option("--actor", metavar="NAME", help="Who changes it (default: your user name)."),
        click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the audit."),
        click.option("--symbol", metavar="SYMBOL", help="For this symbol only, for example BTCUSDT."),
    ):
        command = option(command)
    return command


@click.command(
    name="set",
    short_help="Store parameters of a strategy.",
    epilog="""\b
Examples:
  petrosa config set orderbook_skew buy_threshold=1.3 --reason "less noise"
  petrosa config set orderbook_skew enabled=false --symbol BTCUSDT --reason "thin book"
  petrosa config set trade_momentum price_weight=0.5 maker_weight=0.2 --reason "as measured" --dry-run
  petrosa config set orderbook_skew buy_threshold=1.5 --reason "as replayed" --what-if synthetic-usdm
""",
)
@click.argument("strategy")
@click.argument("values", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.option(
    "--what-if",
    "recording",
    multiple=True,
    metavar="NAME|PATH",
    help="Replay this recording first, and keep the answer in the audit; repeatable.",
)
@change_options
def set_(
    strategy: str, values: tuple[str, ...], recording: tuple[str, ...], symbol: str | None, as_json: bool,
    **options: Any,
) -> None:  # fmt: skip
    """Store parameters of STRATEGY; those that are not named stay as they are. Running desks take them over.

    With --what-if nothing is stored before the answer is printed, nor when somebody else changed them meanwhile.
    """
    pairs = [value.partition("=") for value in values]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise click.UsageError(f"{name!r} is not KEY=VALUE; for example buy_threshold=1.3")
    loaded, act = _asked(**options)
    parameters = _typed(loaded.merged.known, strategy, {name: text for name, _, text in pairs})
    answer = None
    if recording:
        from petrosa.surfaces.cli.what_if import show_what_if

        answer, act = _what_if(loaded, strategy, symbol, parameters, act, recording)
        if not as_json:
            show_what_if(answer)
    changed = with_service(loaded, lambda config: config.change(strategy, symbol, parameters, act))
    _show(changed, as_json=as_json, what_if=answer)


@click.command(
    short_help="Take back what is stored of a strategy.",
    epilog="""\b
Examples:
  petrosa config unset orderbook_skew buy_threshold --reason "the default is better"
  petrosa config unset orderbook_skew --symbol BTCUSDT --reason "as everywhere"
""",
)
@click.argument("strategy")
@click.argument("names", nargs=-1, metavar="[KEY...]")
@change_options
def unset(strategy: str, names: tuple[str, ...], symbol: str | None, as_json: bool, **options: Any) -> None:
    """Take back what is stored of STRATEGY: these parameters, or all of them, so that the layer below holds again."""

    async def change(config: "ConfigService", act: "Act") -> "Changed":
        if names:
            return await config.change(strategy, symbol, dict.fromkeys(names), act)
        return await config.delete(strategy, symbol, act)

    _show(_changing(change, **options), as_json=as_json)


@click.command(
    short_help="Store again what was stored before.",
    epilog="""\b
Examples:
  petrosa config rollback orderbook_skew 1 --reason "it was better"
  petrosa config rollback orderbook_skew orderbook_skew:000000000001 --reason "it was better"
""",
)
@click.argument("strategy")
@click.argument("target", metavar="VERSION|AUDIT_ID")
@change_options
def rollback(strategy: str, target: str, symbol: str | None, as_json: bool, **options: Any) -> None:
    """Store again what was stored of STRATEGY after VERSION, or after the change of an audit record."""
    wanted = int(target) if target.isascii() and target.isdigit() else target
    changed = _changing(lambda config, act: config.roll_back(strategy, symbol, wanted, act), **options)
    _show(changed, as_json=as_json)


@click.command(
    short_help="List who changed what, when and why.",
    epilog="""\b
Examples:
  petrosa config audit orderbook_skew
  petrosa config audit orderbook_skew --symbol BTCUSDT --limit 10 --json
""",
)
@click.argument("strategy")
@click.option("--symbol", metavar="SYMBOL", help="Only changes for this symbol.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="Most records.")
@settings_options
@json_option
def audit(
    strategy: str, symbol: str | None, limit: int, files: tuple[str, ...], sets: tuple[str, ...], home: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """List who changed what of STRATEGY, when and why, newest first."""
    from petrosa.apps import settings
    from petrosa.surfaces.cli.output import show_json, show_table

    loaded = settings.load(files, sets, home=home)
    page = with_service(loaded, lambda config: config.audit(strategy, symbol, limit, ""))
    if as_json:
        show_json(page)
        return
    for problem in page.metadata.problems:
        click.echo(f"petrosa: {problem}", err=True)
    rows = [
        (f"{r.changed_at:%Y-%m-%d %H:%M:%SZ}", r.symbol or "all", r.version_after, r.action, r.changed_by, r.reason,
         _difference(r.old_parameters or {}, r.new_parameters or {}))
        for r in page.records
    ]  # fmt: skip
    show_table(("when", "symbol", "version>", "action", "by", "reason", "changed"), rows)


def with_service(loaded: "Settings", work: "Callable[[ConfigService], Awaitable[T]]") -> T:
    """What the work comes to on the store that the settings name; what there cannot be believed is said."""
    from petrosa.apps.commands.eventloop import run_async
    from petrosa.apps.configuration.service import ConfigService
    from petrosa.apps.documents import open_documents
    from petrosa.surfaces.logs import configure

    configure("ERROR", loaded.log.format)  # what is said to people says it all

    async def done() -> T:
        documents = await open_documents(loaded)
        try:
            config = await ConfigService.open(loaded, documents, lenient=True)
            for problem in config.state().problems:
                click.echo(f"petrosa: {problem}", err=True)
            return await work(config)
        finally:
            await documents.close()

    return run_async(done())


def _changing(change: "Callable[[ConfigService, Act], Awaitable[Changed]]", **options: Any) -> "Changed":
    loaded, act = _asked(**options)
    return with_service(loaded, lambda config: change(config, act))


def _asked(
    *, reason: str, actor: str | None, if_version: int | None, dry_run: bool, files: tuple[str, ...],
    sets: tuple[str, ...], home: str | None,
) -> "tuple[Settings, Act]":  # fmt: skip
    """Over which settings, by whom and why."""
    from petrosa.apps import settings
    from petrosa.surfaces.configuration import Act

    return settings.load(files, sets, home=home), Act(actor or _user(), reason, if_version, dry_run)


def _what_if(
    loaded: "Settings", strategy: str, symbol: str | None, parameters: dict[str, Any], act: "Act",
    recording: tuple[str, ...],
) -> "tuple[WhatIf, Act]":  # fmt: skip
    """What the change would have done, and the act that keeps it, which holds only over the version that was asked of.

    The store is closed meanwhile: a replay takes seconds, and may be interrupted.
    """
    import msgspec

    from petrosa.apps.catalogue import resolve
    from petrosa.apps.what_if import compare
    from petrosa.surfaces.cli.output import working

    paths = resolve(loaded, recording)

    async def look(config: "ConfigService") -> "tuple[Settings, Settings, Act]":
        version = config.config(strategy, symbol).version if act.expected_version is None else act.expected_version
        over = msgspec.structs.replace(act, expected_version=version)
        return config.settings, await config.after(strategy, symbol, parameters, over), over

    before, after, over = with_service(loaded, look)
    answer = compare(before, after, strategy, paths, symbol=symbol or "", progress=working)
    return answer, msgspec.structs.replace(over, metadata={"what_if": msgspec.to_builtins(answer)})


def _user() -> str:
    """The name of whoever runs this."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise click.UsageError("your user has no name here; say who changes this with --actor") from None


def _typed(known: Any, strategy: str, texts: dict[str, str]) -> dict[str, Any]:
    """Values as JSON would have them; what is no value of its parameter stays a text, and is refused as one."""
    import msgspec

    from petrosa.apps.configuration.declarations import parameters_of
    from petrosa.apps.fields import BadValue, from_text, kind_of, plain

    fields = parameters_of(known, strategy)

    def read(name: str, text: str) -> Any:
        field = fields.get(name)
        if field is None or kind_of(field) in {"int", "float"}:
            try:
                return msgspec.json.decode(text)
            except (msgspec.DecodeError, RecursionError):
                return text
        try:
            return plain(from_text(field, text))
        except BadValue:
            return text

    return {name: read(name, text) for name, text in texts.items()}


def _show(changed: "Changed", *, as_json: bool, what_if: "WhatIf | None" = None) -> None:
    from petrosa.surfaces.cli.output import show_json, show_table

    for warning in changed.metadata.warnings:
        click.echo(f"petrosa: {warning}", err=True)
    if as_json:
        answered = {} if what_if is None else {"what_if": what_if}
        show_json({"config": changed.config, "metadata": changed.metadata, **answered})
        return
    config = changed.config
    if config is None:
        click.echo(f"would change {', '.join(changed.metadata.changed) or 'nothing'}; nothing was stored")
        return
    rows = [
        (name, config.parameters[name], f"{found.source} {found.detail}".strip())
        for name, found in config.provenance.items()
        if name in changed.metadata.changed
    ]
    title = f"{config.strategy_id} on {config.symbol or 'all symbols'}, version {config.version or 'none'}"
    show_table(("parameter", "value", "from"), rows, title)


def _difference(before: dict[str, Any], after: dict[str, Any]) -> str:
    names = sorted(name for name in {**before, **after} if before.get(name) != after.get(name))
    return ", ".join(f"{name} {before.get(name, '-')} → {after.get(name, '-')}" for name in names)
