"""Who may make the keys without which no order leaves."""

import ast
from collections.abc import Iterator
from pathlib import Path

SRC = Path(__file__).resolve().parents[2] / "src"
MAKERS = {
    "Approved": "petrosa/core/risk/gate.py",
    "Cleared": "petrosa/core/risk/gate.py",
    "Reducing": "petrosa/core/execution/reducing.py",
}


def made_in(tree: ast.Module) -> Iterator[str]:
    """The keys that a module constructs, under whatever name it has imported them; `Reducing.__new__` too."""
    aliases = {name: name for name in MAKERS}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            aliases.update({alias.asname or alias.name: alias.name for alias in node.names if alias.name in MAKERS})
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr == "__new__":
            called = called.value
        name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
        if name in aliases:
            yield aliases[name]


def test_only_the_gate_approves_and_only_one_module_reduces() -> None:
    """`Approved` is made by the risk gate alone, `Reducing` where it is proved to be smaller than what is there."""
    found = {
        (key, path.relative_to(SRC).as_posix())
        for path in sorted((SRC / "petrosa").rglob("*.py"))
        for key in made_in(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert set(MAKERS.items()) == found


def test_the_rule_sees_through_other_names() -> None:
    """An alias, a module's attribute or a bare `__new__` is a construction too."""
    for source in (
        "from petrosa.core.model.orders import Approved as Yes\nYes(intent)",
        "orders.Approved(intent)",
        "Approved.__new__(Approved)",
    ):
        assert ["Approved"] == list(made_in(ast.parse(source)))
