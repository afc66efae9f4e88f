"""How a command ends badly: one complete message on standard error and an exit code; a traceback only on request."""

import asyncio
import traceback

import click

from petrosa.errors import EXIT_ERROR, EXIT_TIMEOUT, PetrosaError
from petrosa.surfaces.redaction import redact


def fail(problem: BaseException, *, debug: bool) -> int:
    """Print what happened and return the exit code that says of which kind it was."""
    if debug:
        click.echo("".join(traceback.format_exception(problem)), err=True, nl=False)
    match problem:
        case click.ClickException():
            problem.show()
            return problem.exit_code
        case PetrosaError():
            _complain(str(problem))
            return problem.exit_code
        case asyncio.TimeoutError() | TimeoutError():
            _complain(f"timeout: {str(problem) or 'no answer in time'}")
            return EXIT_TIMEOUT
        case OSError():
            _complain(f"{problem.strerror or problem}: {problem.filename}" if problem.filename else str(problem))
            return EXIT_ERROR
        case _:
            hint = "" if debug else "; run it again with --debug for the traceback, and please report it"
            _complain(f"internal error: {type(problem).__name__}: {problem}{hint}")
            return EXIT_ERROR


def _complain(text: str) -> None:
    click.echo(f"petrosa: {redact('message', text)}", err=True)
