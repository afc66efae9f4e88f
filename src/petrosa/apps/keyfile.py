"""A key that a command presents, out of a file or standard input."""

from pathlib import Path

import click


def read_key(file: Path | None) -> str:
    """The key in a file; `-` is standard input, and without a file there is none."""
    if file is None:
        return ""
    try:
        with click.open_file(str(file)) as opened:
            return str(opened.read()).strip()
    except OSError as problem:
        raise click.UsageError(f"--key-file {file} cannot be read: {problem.strerror}") from None
