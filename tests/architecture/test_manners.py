"""What every file keeps to: it speaks of this project alone, and what is public says what it is for."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.kit.source import ROOT, SRC, Module, modules, parse, texts

PRIVATE = re.compile(
    # The words are broken up so that this file does not contain them.
    r"/wo"
    r"rk/|/ho"
    r"me/[a-z]|/ro"
    r"ot/|/Us"
    r"ers/|[Cc]:\\Us"
    r"ers|"
    r"pypi"
    r"\.org|python"
    r"hosted|registry\.npm"
    r"js|npm"
    r"js\.(org|com)|--(extra-)?index"
    r"-url"
)
"""Paths of somebody's machine, and hosts of package registries: a checkout is the same everywhere."""

VAGUE_NAME = re.compile(r"(Manager|Helper|Util|Utils|Processor)$")
KNOWN_TO_USERS = frozenset({"ConnectionPoolManager"})
"""Names that end vaguely and stay, because the specification's readers look for them."""

LEFT_FOR_LATER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")

UNDOCUMENTED_LINES_MAX = 12
"""A public function or class of up to so many lines may speak for itself."""


def vague_names(module: Module) -> Iterator[str]:
    """Classes and modules whose name says what it is in a program, not what it is for."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and VAGUE_NAME.search(node.name) and node.name not in KNOWN_TO_USERS:
            yield f"{module.path}:{node.lineno} class {node.name}: name it for what it does"
    if VAGUE_NAME.search(module.path.stem.title()):
        yield f"{module.path}: name it for what is in it"


def promised(every: tuple[Module, ...]) -> frozenset[str]:
    """Methods whose contract is written once: at a protocol, in the method's docstring or by name in the class's; or at
    a base class that leaves them to others."""
    return frozenset(
        method.name
        for module in every
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        for method in node.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
        and (is_protocol(node) or ast.unparse(method.body[-1]) == "raise NotImplementedError")
        and (ast.get_docstring(method) or f"`{method.name}`" in (ast.get_docstring(node) or ""))
    )


def is_protocol(node: ast.ClassDef) -> bool:
    return any("Protocol" in ast.unparse(base) for base in node.bases)


def undocumented(module: Module, contracts: frozenset[str] = frozenset()) -> Iterator[str]:
    """Modules, and public functions and classes of more than a few lines, that do not say what they are for."""
    if ast.get_docstring(module.tree) is None:
        yield f"{module.path}: no docstring; its first line says what the module is for"
    pending: list[ast.stmt] = list(module.tree.body)
    while pending:
        node = pending.pop(0)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if isinstance(node, ast.ClassDef):
            pending += node.body
            lines = min(lines, UNDOCUMENTED_LINES_MAX) if _members_say_it(node) else lines
        elif node.name in contracts:
            continue
        if ast.get_docstring(node) is None and lines > UNDOCUMENTED_LINES_MAX:
            yield f"{module.path}:{node.lineno} {node.name}: {lines} lines without a docstring that says what it is for"


def _members_say_it(node: ast.ClassDef) -> bool:
    """An enumeration, or parameters each of which carries its description (`_Weight` is one that several share)."""
    if any(ast.unparse(base).rpartition(".")[2] in ("Enum", "IntEnum", "StrEnum", "Flag") for base in node.bases):
        return True
    fields = [ast.unparse(item.annotation) for item in node.body if isinstance(item, ast.AnnAssign)]
    return bool(fields) and all("description=" in field or field.startswith(("ClassVar", "_")) for field in fields)


def test_files_name_no_machine_and_no_registry() -> None:
    """A checkout says nothing about where it was made or where its packages came from."""
    here = "tests/architecture/test_manners.py"
    found = [
        f"{path.relative_to(ROOT)}:{number} {match.group()}"
        for path, text in texts()
        if path.relative_to(ROOT).as_posix() != here
        for number, line in enumerate(text.splitlines(), 1)
        for match in [PRIVATE.search(line)]
        if match
    ]
    assert [] == found


def test_the_lock_file_has_versions_and_no_addresses() -> None:
    """Versions are pinned; where they come from is the installer's configuration."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert [] == [line for line in pins if "==" not in line or "://" in line or " @ " in line]


def test_nothing_is_left_for_later() -> None:
    """What does not exist is not announced in the source."""
    assert [] == [path for path, text in texts() if path.is_relative_to(SRC) and LEFT_FOR_LATER.search(text)]


def test_names_say_what_a_thing_is_for() -> None:
    """No class and no module is called manager, helper, util or processor."""
    assert [] == [complaint for module in modules() for complaint in vague_names(module)]


def test_everything_of_size_says_what_it_is_for() -> None:
    """Each module has a docstring, and so has each public function and class of more than twelve lines."""
    contracts = promised(modules())
    assert [] == [complaint for module in modules() for complaint in undocumented(module, contracts)]


def test_no_package_is_empty() -> None:
    """A folder of the package is a package, and there is something in it."""
    folders = [path for path in (SRC / "petrosa").rglob("*") if path.is_dir() and path.name != "__pycache__"]
    without = [folder for folder in folders if any(folder.glob("*.py")) and not (folder / "__init__.py").is_file()]
    only = [
        folder
        for folder in folders
        if {path.name for path in folder.iterdir()} - {"__pycache__"} <= {"__init__.py"}
        and len((folder / "__init__.py").read_text(encoding="utf-8").splitlines()) <= UNDOCUMENTED_LINES_MAX
    ]
    assert ([], []) == (without, only)


@pytest.mark.parametrize(
    "line",
    ["# see /work/notes", "cd /home/ann", "x = 'https://pypi.org/simple'", "pip install --index-url x"],
)
def test_a_private_path_is_seen(line: str) -> None:
    """The rule can fail: each of these is found."""
    assert PRIVATE.search(line)


@pytest.mark.parametrize("line", ["and/or", "https://example.org/home", "$HOME/petrosa", "`GET /workers/1`"])
def test_innocent_text_is_let_through(line: str) -> None:
    """Ordinary prose and addresses are no complaint."""
    assert not PRIVATE.search(line)


def test_a_missing_purpose_is_seen() -> None:
    """A long public function without docstring is a complaint; a short, private or promised one is not."""
    body = "    pass\n" * UNDOCUMENTED_LINES_MAX
    long = f"def f():\n{body}"
    assert 2 == len(list(undocumented(parse(long))))
    assert 1 == len(list(undocumented(parse('"""Say."""\n' + long))))
    assert [] == list(undocumented(parse('"""Say."""\n' + long), frozenset({"f"})))
    assert [] == list(undocumented(parse('"""Say."""\n' + long.replace("def f", "def _f"))))
    assert [] == list(undocumented(parse('"""Say."""\ndef f():\n    pass\n')))


def test_a_vague_name_is_seen() -> None:
    """`OrderManager` is a complaint, a name the specification's readers know is not."""
    assert 1 == len(list(vague_names(parse("class OrderManager: pass"))))
    assert [] == list(vague_names(parse("class ConnectionPoolManager: pass")))
