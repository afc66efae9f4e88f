"""Results go to standard output, as a table for people or as JSON for programs, and nothing else does."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import click
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table


def show_json(value: Any) -> None:
    """One JSON document on standard output; exact numbers as texts."""
    click.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2))


def show_result(result: Any, *, as_json: bool) -> None:
    """What a service came to, as JSON or as a table of its fields; nothing when it was stopped before it had one."""
    if result is None:
        return
    if as_json:
        show_json(result)
        return
    rows = [(name, _cell(value)) for name, value in msgspec.to_builtins(result, enc_hook=str).items()]
    show_table(("", "value"), rows)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """A table on standard output. A column whose name ends with `>` is aligned to the right.

    The title is a line of its own that is never folded: it may be a path that somebody copies.
    """
    console = stdout()
    if title:
        console.print(title, soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name.rstrip(">"), justify="right" if name.endswith(">") else "left", overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table)


def stdout() -> Console:
    """Standard output; as wide as its content where it is not a terminal, so that pipes get whole lines."""
    console = Console(highlight=False, markup=False, emoji=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, emoji=False, width=240)


def stderr() -> Console:
    """Standard error: progress and what concerns the person, not the result."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


@contextlib.contextmanager
def working(text: str) -> Iterator[None]:
    """Show on standard error that something goes on; nothing at all where that is not a terminal."""
    console = stderr()
    if not console.is_terminal or console.no_color:
        yield
        return
    with console.status(text):
        yield


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
