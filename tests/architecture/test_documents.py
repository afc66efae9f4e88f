"""Documents speak of what is there: links resolve, paths exist, commands and targets are real."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from petrosa.apps.main import COMMANDS
from tests.kit.source import NOT_OURS, ROOT, SRC

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|md|toml|gz))`")
COMMAND = re.compile(r"(?:^|`|\s)petrosa ([a-z]+(?:-[a-z]+)*)\b", re.MULTILINE)
MAKES = re.compile(r"<!-- makes: (.*) -->")
TARGET = re.compile(r"(?:^|`)make ([a-z]+)\b", re.MULTILINE)
ROOTS = (ROOT, SRC, SRC / "petrosa")
"""Where a path in a document may begin."""


def documents() -> Iterator[Path]:
    """Every Markdown file of the checkout."""
    for path in sorted(ROOT.rglob("*.md")):
        if NOT_OURS.isdisjoint(path.relative_to(ROOT).parts):
            yield path


def anchors(text: str) -> set[str]:
    """The anchors that headings make, as the usual viewers spell them."""
    titles = [line.lstrip("#").strip().lower() for line in text.splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def broken_links(path: Path, text: str) -> list[str]:
    """Links to files or headings that are not there."""
    found = []
    for target in LINK.findall(text):
        file, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        goal = path if not file else (path.parent / file)
        if not goal.exists() or (anchor and anchor not in anchors(goal.read_text(encoding="utf-8"))):
            found.append(f"{path}: {target}")
    return found


def missing_paths(path: Path, text: str) -> list[str]:
    """Paths in code spans that lead nowhere, from the root, the sources, the package, or the document itself.

    Files that a document tells its reader to make are named in it: `<!-- makes: NAME NAME -->`.
    """
    made = {name for names in MAKES.findall(text) for name in names.split()}
    return [
        f"{path}: {name}"
        for name in PATH.findall(text)
        if Path(name).name not in made and not any((root / name).exists() for root in (*ROOTS, path.parent))
    ]


def prose(text: str) -> str:
    """Without pictures, whose words are not commands."""
    return re.sub(r"```mermaid.*?```", "", text, flags=re.DOTALL)


def unknown_words(path: Path, text: str) -> list[str]:
    """Commands that `petrosa` does not have, and targets that the Makefile does not have."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = [f"{path}: petrosa {name}" for name in COMMAND.findall(prose(text)) if name not in COMMANDS]
    return found + [
        f"{path}: make {name}" for name in TARGET.findall(text) if not re.search(rf"^{name}:", makefile, re.MULTILINE)
    ]


def test_there_are_documents() -> None:
    """The rules look at files: an empty list would pass for ever."""
    names = {path.relative_to(ROOT).as_posix() for path in documents()}
    assert {"README.md", "CHANGELOG.md", "docs/one-event.md", "docs/glossary.md", "docs/operating.md"} <= names


@pytest.mark.parametrize("path", list(documents()), ids=lambda path: path.name)
def test_a_document_speaks_of_what_is_there(path: Path) -> None:
    """Its links resolve, its paths exist, its commands can be typed."""
    text = path.read_text(encoding="utf-8")
    assert ([], [], []) == (broken_links(path, text), missing_paths(path, text), unknown_words(path, text))


def test_every_command_is_explained_by_itself() -> None:
    """A command in the list can be loaded, and its help begins with a sentence."""
    from petrosa.apps.main import cli

    with cli.make_context("petrosa", ["--help"], resilient_parsing=True) as context:
        for name in COMMANDS:
            command = cli.get_command(context, name)
            assert command is not None
            assert (command.help or "").strip().split("\n")[0].endswith(".")


def test_each_rule_can_fail() -> None:
    """A dead link, a path that leads nowhere, an unknown command and an unknown target are all seen."""
    here = ROOT / "README.md"
    assert 1 == len(broken_links(here, "[a](docs/nothing.md)"))
    assert 1 == len(broken_links(here, "[a](README.md#no-such-heading)"))
    assert 1 == len(missing_paths(here, "see `core/nothing.py`"))
    assert 2 == len(unknown_words(here, "type `petrosa fly` and\nmake hay\n"))
