"""What other programs put into a signal, in a form that every document store keeps: bounded, and without surprises."""

from collections.abc import Mapping
from typing import Final

NAMES_MAX: Final = 100
LETTERS_MAX: Final = 1_000


def faithful(values: Mapping[str, object]) -> dict[str, object]:
    """Numbers as texts, names that no store would take spelled otherwise, very much of it cut; the journal has all."""
    found: dict[str, object] = {}
    for name, value in values.items():
        if len(found) >= NAMES_MAX:
            found["…"] = f"{len(values) - NAMES_MAX} more, see the journal"
            break
        found[_name(name)] = value if value is None or isinstance(value, bool) else _cut(_text(value))
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _name(name: str) -> str:
    plain = name.replace("\0", "�")
    return _cut(f"_{plain}" if plain.startswith("$") else plain)


def _cut(text: str) -> str:
    return text if len(text) <= LETTERS_MAX else text[: LETTERS_MAX - 1] + "…"
