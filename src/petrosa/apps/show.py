"""The effective configuration as rows: key, value, origin, meaning. Secrets do not get this far."""

import difflib
from typing import Any

import msgspec

from petrosa.apps.fields import plain
from petrosa.apps.settings import Settings
from petrosa.errors import UsageError
from petrosa.surfaces.redaction import redact


class Row(msgspec.Struct, frozen=True):
    """One key as people see it."""

    key: str
    value: Any
    origin: str
    description: str

    @property
    def text(self) -> str:
        """The value as it would be written in the environment."""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return ", ".join(map(str, self.value)) if isinstance(self.value, list) else str(self.value)


def rows_of(settings: Settings, section: str = "") -> list[Row]:
    """Every key in order, or those of a section (`risk`, `strategies.orderbook_skew`, or just `orderbook_skew`).

    Raises `UsageError` when there is no such section.
    """
    merged = settings.merged
    names = {name: place for place, name in enumerate(merged.known.fields)}
    sections = {name: place for place, name in enumerate(dict.fromkeys(map(_section, names)))}

    def order(key: str) -> tuple[int, int, str]:
        """Sections in the order of declaration; a value for one symbol, or an entry, comes after its section."""
        section = key.partition(".symbols.")[0] if ".symbols." in key else _section(key)
        return sections.get(section, len(sections)), names.get(key, len(names)), key

    rows = []
    for key in sorted(merged.values, key=order):
        field = merged.known.find(key)
        value = redact(key, plain(merged.values[key]))
        rows.append(Row(key, value, str(merged.origins[key]), field.description if field else ""))
    if not section:
        return rows
    found = [row for row in rows if any(_within(row.key, name) for name in (section, f"strategies.{section}"))]
    if not found:
        known = sorted({_section(row.key).removeprefix("strategies.") for row in rows})
        near = difflib.get_close_matches(section, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise UsageError(f"no section or key {section}; {hint}")
    return found


def _within(key: str, name: str) -> bool:
    return key == name or key.startswith(name + ".")


def _section(key: str) -> str:
    return key.rpartition(".")[0]
