"""The source tree as the architecture tests see it: modules, what they import, what they say."""

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
NOT_OURS = frozenset(
    {".git", ".venv", "venv", "dist", "build", "node_modules", "petrosa-data", "__pycache__", "uv.lock"}
)
TEXT = frozenset(
    {"", ".py", ".md", ".toml", ".lock", ".txt", ".cfg", ".ini", ".yml", ".yaml", ".json", ".jsonl", ".sh"}
)


class Module(NamedTuple):
    """One Python file: its dotted name, where it is, and its syntax tree."""

    name: str
    path: Path
    tree: ast.Module

    def is_in(self, *packages: str) -> bool:
        """Whether this is one of the packages (or modules), or lies in one."""
        return any(self.name == package or self.name.startswith(package + ".") for package in packages)


class Import(NamedTuple):
    """`import module` (then `name` is empty) or `from module import name`."""

    module: str
    name: str
    line: int

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


def parse(source: str, name: str = "petrosa.core.example") -> Module:
    """A module made of text, for tests of the rules themselves."""
    return Module(name, Path(name.replace(".", "/") + ".py"), ast.parse(source))


@lru_cache(maxsize=1)
def modules() -> tuple[Module, ...]:
    """Every module of the package, in order of name."""
    found = []
    for path in sorted((SRC / "petrosa").rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, path, ast.parse(path.read_text(encoding="utf-8"))))
    return tuple(found)


def imports(module: Module) -> Iterator[Import]:
    """What a module imports, wherever in it; relative imports are spelt out."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, "", node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.name.split(".")
                if module.path.name != "__init__.py":
                    package = package[:-1]
                base = ".".join([*package[: len(package) - node.level + 1], *([base] if base else [])])
            for alias in node.names:
                yield Import(base, alias.name, node.lineno)


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file that a checkout ships, with its content."""
    for path in sorted(ROOT.rglob("*")):
        inside = path.relative_to(ROOT)
        if NOT_OURS.isdisjoint(inside.parts) and path.is_file() and path.suffix in TEXT:
            if any(part.startswith(".") and part.endswith(("_cache", "hypothesis")) for part in inside.parts):
                continue
            if any(part.endswith(".egg-info") for part in inside.parts) or inside.name == ".git":
                continue
            yield path, path.read_text(encoding="utf-8")
