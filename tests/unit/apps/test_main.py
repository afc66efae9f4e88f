"""The command line: what it offers, how it fails, and that nothing but results is on standard output."""

import shlex
import subprocess
import sys
from pathlib import Path

import click
import msgspec
import pytest
from click.testing import CliRunner

from petrosa.apps.main import COMMANDS, LazyGroup, cli, run
from petrosa.errors import EXIT_CONFIG, EXIT_ERROR, EXIT_OK, EXIT_USAGE


def subcommands() -> list[list[str]]:
    """Every command as typed, those of groups too."""
    group = LazyGroup()
    context = click.Context(cli)
    found = []
    for name in COMMANDS:
        command = group.get_command(context, name)
        found += [[name, inner] for inner in command.commands] if isinstance(command, click.Group) else [[name]]
    return found


def test_help_lists_every_command_with_a_line() -> None:
    """Someone who types `petrosa` finds what there is."""
    result = CliRunner().invoke(cli, ["--help"])
    assert EXIT_OK == result.exit_code
    assert [] == [
        name for name, (_, text) in COMMANDS.items() if name not in result.output or text not in result.output
    ]


@pytest.mark.parametrize("words", subcommands(), ids=" ".join)
def test_every_command_shows_examples(words: list[str]) -> None:
    """Help without an example is half a help; each names the command as it is typed."""
    result = CliRunner().invoke(cli, [*words, "--help"])
    assert EXIT_OK == result.exit_code
    assert "Examples:" in result.output
    assert " ".join(["petrosa", *words]) in result.output


def examples(*names: str) -> list[list[str]]:
    """The words of every example in the help of these commands and theirs, in order, without `petrosa`."""
    found: list[list[str]] = []

    def collect(command: click.Command | None) -> None:
        assert command is not None
        lines = [line.strip() for line in (command.epilog or "").splitlines()]
        found.extend(shlex.split(line)[1:] for line in lines if line.startswith("petrosa "))
        for inner in command.commands.values() if isinstance(command, click.Group) else ():
            collect(inner)

    for name in names:
        collect(LazyGroup().get_command(click.Context(cli), name))
    return found


@pytest.mark.parametrize("words", examples(*COMMANDS), ids=" ".join)
def test_every_example_is_understood(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its command, options and values are what there is; nothing of it is done."""
    monkeypatch.chdir(tmp_path)
    command = LazyGroup().get_command(click.Context(cli), words[0])
    rest = words[1:]
    while isinstance(command, click.Group):
        command, rest = command.commands[rest[0]], rest[1:]
    assert command is not None
    command.make_context(words[0], rest)


def test_the_examples_of_changes_and_keys_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other in one data directory, as they stand; not where a place or the id of a key is another."""
    monkeypatch.setenv("PETROSA_HOME", str(tmp_path / "home"))
    not_here = {"/var/lib/petrosa", "0f1e2d3c4b5a6978"}
    typed = dict.fromkeys(tuple(words) for words in examples("config", "keys") if not not_here & {*words})
    done = {" ".join(words): CliRunner().invoke(cli, words) for words in typed}
    assert {} == {text: result.output for text, result in done.items() if result.exit_code != EXIT_OK}


def test_the_installed_program_answers(tmp_path: Path) -> None:
    """A real process, as a person starts it; help needs no data directory and leaves none."""
    program = [sys.executable, "-c", "from petrosa.apps.main import main; main()", "--help"]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (EXIT_OK, "") == (done.returncode, done.stderr)
    assert "Exit codes: 0 ok, 1 error, 2 usage, 3 not running, 4 configuration, 5 timeout." in done.stdout
    assert [] == list(tmp_path.iterdir())


def test_help_imports_no_command() -> None:
    """What makes help quick: a command's module, and what it needs, is loaded when the command runs."""
    code = (
        "import sys; from petrosa.apps.main import run; run(['--help']);"
        "heavy = {'starlette', 'uvicorn', 'rich', 'nats', 'structlog', 'prometheus_client', 'petrosa.apps.settings'};"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nope"], EXIT_USAGE, "No such command 'nope'"),
        (["config", "show", "--nope"], EXIT_USAGE, "No such option"),
        (["config", "show", "orderbok_skew"], EXIT_USAGE, "did you mean orderbook_skew?"),
        (["config", "show", "--set", "feed.sped=1"], EXIT_CONFIG, "did you mean feed.speed?"),
        (["config", "show", "-c", "/nowhere.toml"], EXIT_CONFIG, "/nowhere.toml cannot be read"),
    ],
)
def test_a_failure_is_one_message_and_the_documented_code(
    words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, complete, without a traceback; standard output stays empty."""
    assert code == run(words)
    out, err = capsys.readouterr()
    assert "" == out
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [["--debug", "config", "show"], ["config", "show", "--debug"]])
def test_debug_shows_the_traceback(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever on the line it stands."""
    assert EXIT_CONFIG == run([*words, "--set", "feed.sped=1"])
    assert "Traceback" in capsys.readouterr().err


def test_config_show_prints_value_and_origin() -> None:
    """The table of every key, as JSON."""
    result = CliRunner().invoke(
        cli, ["config", "show", "feed", "--json", "--set", "feed.latency_ms=3"], env={"TRADING_SYMBOLS": "btcusdt"}
    )
    shown = {row["key"]: (row["value"], row["origin"]) for row in msgspec.json.decode(result.stdout)["values"]}
    assert (3.0, "--set") == shown["feed.latency_ms"]
    assert (["btcusdt"], "environment TRADING_SYMBOLS") == shown["feed.symbols"]
    assert (10.0, "default") != shown["feed.speed"]


def test_config_show_hides_secrets() -> None:
    """A password inside an address is a secret."""
    result = CliRunner().invoke(cli, ["config", "show", "nats"], env={"NATS_URL": "nats://user:hunter2@host:4222"})
    assert "hunter2" not in result.output
    assert "host:4222" in result.output


def test_config_show_can_show_only_what_was_changed() -> None:
    """The short answer to: why is it different here?"""
    result = CliRunner().invoke(cli, ["config", "show", "--changed", "--json", "--set", "log.level=DEBUG"])
    assert ["log.level"] == [row["key"] for row in msgspec.json.decode(result.stdout)["values"]]


def test_doctor_ends_with_an_error_when_something_is_broken() -> None:
    """A wrong configuration is broken."""
    result = CliRunner().invoke(cli, ["doctor", "--json", "--set", "nope=1"])
    report = msgspec.json.decode(result.stdout)
    assert (EXIT_ERROR, False) == (result.exit_code, report["ok"])
    assert ["configuration"] == [found["name"] for found in report["findings"] if found["status"] == "broken"]


@pytest.mark.parametrize("module", ["petrosa", "petrosa.apps.main"])
def test_it_runs_as_a_module(module: str) -> None:
    """Where the script is not on the path."""
    said = subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("petrosa, version ")
