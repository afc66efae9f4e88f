"""The core is a machine you turn: it imports from an allow-list, and it neither looks at a clock nor talks.

The layers are kept by import-linter; this stands beside it because a list of forbidden names lets through what nobody
thought of.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.kit.source import Import, Module, imports, modules, parse

ALLOWED = frozenset(
    {
        *("__future__", "abc", "array", "base64", "bisect", "collections", "collections.abc", "dataclasses"),
        *("datetime", "decimal", "enum", "functools", "hashlib", "heapq", "itertools", "math", "msgspec", "numpy"),
        *("operator", "random", "re", "typing", "zoneinfo", "petrosa.errors"),
    }
)
AMBIENT_TIME = frozenset({"now", "today", "utcnow"})
FORBIDDEN_CALLS = {
    "print": "the core does not talk",
    "input": "the core does not ask",
    "open": "the core has no files",
    "eval": "the core runs what is written in it",
    "exec": "the core runs what is written in it",
    "compile": "the core runs what is written in it",
    "__import__": "imports stand where the allow-list sees them",
    "breakpoint": "the core does not wait for anybody",
    "hash": "hashes of text differ from process to process",
    "id": "addresses differ from process to process",
}


def core() -> list[Module]:
    """Every module of the core."""
    return [module for module in modules() if module.is_in("petrosa.core")]


def foreign(module: Module) -> Iterator[str]:
    """Imports that are not on the allow-list."""
    for found in imports(module):
        ours = Module(found.module, module.path, module.tree).is_in("petrosa.core")
        allowed = found.module in ALLOWED
        if not ours and not allowed and f"{found.module}.{found.name}" not in ALLOWED:
            yield f"{module.path}:{found.line} imports {found.module}"
        if found.module == "random" and found.name not in ("", "Random"):
            yield f"{module.path}:{found.line} imports random.{found.name}: only an instance seeded by the caller"


def ambient(module: Module) -> Iterator[str]:
    """Calls and attributes that make a decision depend on anything but events and `now`."""
    taken = {i.module for i in imports(module) if not i.name}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            on = ast.unparse(node.value).rpartition(".")[2]
            if node.attr in AMBIENT_TIME and on in ("datetime", "date"):
                yield f"{module.path}:{node.lineno} {on}.{node.attr}: time is in the event"
            if on == "random" and "random" in taken and node.attr != "Random":
                yield f"{module.path}:{node.lineno} random.{node.attr}: only an instance seeded by the caller"
        if isinstance(node, ast.Call):
            yield from _ambient_call(module, node)
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield f"{module.path}:{node.lineno} is asynchronous: the core is turned, it does not wait"
        if isinstance(node, ast.For | ast.comprehension) and _is_set(node.iter):
            yield f"{module.path}:{node.iter.lineno} goes through a set, whose order is nobody's: sort it"


def _ambient_call(module: Module, node: ast.Call) -> Iterator[str]:
    called = node.func
    if isinstance(called, ast.Name) and called.id in FORBIDDEN_CALLS:
        yield f"{module.path}:{node.lineno} {called.id}(): {FORBIDDEN_CALLS[called.id]}"
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    if name == "Random" and not node.args:
        yield f"{module.path}:{node.lineno} Random() without a seed draws one from the machine"


def _is_set(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("set", "frozenset")
    return isinstance(node, ast.Set | ast.SetComp)


def test_the_core_was_found() -> None:
    """There are modules in the core to look at."""
    assert len(core()) > 10


def test_the_core_imports_only_the_allow_list() -> None:
    """Nothing in the core imports what is not on the list."""
    assert [] == [complaint for module in core() for complaint in foreign(module)]


def test_the_core_is_the_same_whenever_and_wherever_it_is_turned() -> None:
    """No clock, no output, no file, no ambient randomness, no order that differs from run to run."""
    assert [] == [complaint for module in core() for complaint in ambient(module)]


@pytest.mark.parametrize(
    "line",
    [
        "import httpx",
        "import time",
        "import logging",
        "import json",
        "import os.path",
        "from asyncio import Queue",
        "from petrosa.adapters import net",
        "from petrosa import ports",
        "from random import random",
        "import msgspec.json",
        "from .. import adapters",
    ],
)
def test_a_foreign_import_is_seen(line: str) -> None:
    """The rule can fail: each of these is refused in the core."""
    assert 1 == len(list(foreign(parse(line))))


@pytest.mark.parametrize(
    "line",
    [
        "import datetime as d\nx = datetime.now()",
        "from datetime import date\nx = date.today()",
        "import datetime\nx = datetime.datetime.utcnow",
        "import random\nx = random.random()",
        "import random\nx = random.Random()",
        "from random import Random\nx = Random()",
        "print(1)",
        "open('a')",
        "async def f(): pass",
        "for a in {1, 2}: pass",
        "x = [a for a in set(b)]",
        "x = hash('a')",
    ],
)
def test_an_ambient_fact_is_seen(line: str) -> None:
    """The rule can fail: each of these is refused in the core."""
    assert 1 == len(list(ambient(parse(line))))


def test_what_a_core_needs_is_let_through() -> None:
    """Seeded randomness, dates of given stamps and the core itself are no complaint."""
    good = (
        "import random, math\nfrom collections.abc import Sequence\nfrom petrosa.core.model.base import Side\n"
        "from petrosa.errors import ConfigError\nfrom msgspec import Meta\nfrom datetime import datetime, UTC\n"
        "r = random.Random(7)\nd = datetime.fromtimestamp(0, UTC)\nfor a in sorted({1}): pass\n"
    )
    assert [] == [*foreign(parse(good)), *ambient(parse(good))]


def test_relative_imports_are_spelt_out() -> None:
    """`from . import x` in `petrosa.core.example` is an import from `petrosa.core`."""
    assert [Import("petrosa.core", "x", 1)] == list(imports(parse("from . import x")))
