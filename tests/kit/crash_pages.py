"""The crash matrix as a table of docs/order-safety.md: `make crashes` runs it whole and writes the table anew."""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.kit.crash_matrix import MARKETS, POINTS, Killed, Row, rows
from tests.kit.source import ROOT

PAGE: Final = ROOT / "docs" / "order-safety.md"
BEGIN: Final = "<!-- crash-matrix -->"
END: Final = "<!-- end of crash-matrix -->"
RESULTS: Final = Path(os.environ.get("PETROSA_CRASH_RESULTS", ROOT / ".crash-matrix.jsonl"))
"""What the rows of one run of the matrix came to, a line each."""
TITLES: Final = {"usdm": "USD-M futures", "spot": "spot"}


class Noted(msgspec.Struct, frozen=True):
    """A row that was run: kills that were survived, and the longest time (s) until the account was safe again."""

    market: str
    behaviour: str
    struck: str
    point: str
    kills: int
    cells: int
    safe_s: float


def note(row: Row, cells: Sequence[Killed]) -> None:
    """Keep what a row came to; a line is written at once, so that processes do not mix theirs."""
    kills = sum(cell.is_armed for cell in cells)
    safe = max((cell.safe_s for cell in cells), default=0.0)
    noted = Noted(row.market, row.behaviour.value, row.struck.value, row.point, kills, len(cells), safe)
    with RESULTS.open("ab", buffering=0) as file:
        file.write(msgspec.json.encode(noted) + b"\n")


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def wanted_names() -> dict[str, tuple[list[str], list[str]]]:
    """What tables there must be: behaviours and points by market."""
    return {TITLES[one]: ([kind.value for kind in kinds], list(POINTS)) for one, kinds in MARKETS.items()}


def table_names(text: str) -> dict[str, tuple[list[str], list[str]]]:
    """What tables there are, each with the heads of its columns and of its rows."""
    tables = {}
    for part in text.partition(BEGIN)[2].partition(END)[0].split("\n\n"):
        lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines() if line[:1] == "|"]
        if lines:
            tables[lines[0][0]] = (lines[0][1:], [line[0].strip("`") for line in lines[2:]])
    return tables


def tables(noted: Sequence[Noted]) -> str:
    """The part of the page between its marks."""
    kills: Counter[tuple[str, str, str]] = Counter()
    for one in noted:
        kills[one.market, one.behaviour, one.point] += one.kills
    cells, safe = sum(one.cells for one in noted), max(one.safe_s for one in noted)
    begin = (
        f"{len(noted)} of {len(list(rows()))} rows of cells were run: {sum(kills.values())} kills in {cells} runs; the"
    )
    end = f"longest time from the next start until the account was flat or behind its stop was {safe:.1f} s."
    parts = [BEGIN, f"{begin} {end}"]
    for market, behaviours in MARKETS.items():
        heads = [TITLES[market], *(kind.value for kind in behaviours)]
        body = [[f"`{one}`", *(str(kills[market, kind.value, one] or "–") for kind in behaviours)] for one in POINTS]
        lines = [heads, ["---"] * len(heads), *body]
        parts.append("\n".join("| " + " | ".join(line) + " |" for line in lines))
    return "\n\n".join((*parts, END))


def main() -> None:
    """Write the tables from what the last whole run noted."""
    latest: dict[tuple[str, ...], Noted] = {}
    for line in RESULTS.read_bytes().splitlines():
        one = msgspec.json.decode(line, type=Noted)
        latest[one.market, one.behaviour, one.struck, one.point] = one
    before, _, rest = page().partition(BEGIN)
    PAGE.write_text(before + tables(list(latest.values())) + rest.partition(END)[2].rstrip() + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(latest)} rows in {PAGE}\n")


if __name__ == "__main__":
    main()
