"""The size ratchet: functions fit a screen, files fit a head. `python -m tests.kit.sizes` prints the figures.

A function's size is its lines from `def` to its last line, docstring included, decorators not. A nested function counts
for itself and for the one around it, so that nothing is made small by moving it inside.
"""

import ast
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TREES = ("src", "tests", "benchmarks")

FUNCTION_LINES_MAX = 70
FUNCTION_LINES_USUAL = 35
USUAL_SHARE_MIN = 0.90
FILE_LINES_MAX = 400


class Piece(NamedTuple):
    """A function or a file, where it is, and how many lines it has."""

    where: str
    lines: int


class Sizes(NamedTuple):
    """What one tree measures."""

    name: str
    files: list[Piece]
    functions: list[Piece]

    @property
    def usual_share(self) -> float:
        """The share of functions of at most `FUNCTION_LINES_USUAL` lines; 1 where there is no function."""
        if not self.functions:
            return 1.0
        return sum(piece.lines <= FUNCTION_LINES_USUAL for piece in self.functions) / len(self.functions)


def measure_source(source: str, where: str) -> tuple[Piece, list[Piece]]:
    """The file itself, and every function in it."""
    functions = [
        Piece(f"{where}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return Piece(where, len(source.splitlines())), functions


def measure_tree(root: Path, name: str) -> Sizes:
    """Every Python file under `root / name`."""
    files: list[Piece] = []
    functions: list[Piece] = []
    for path in sorted((root / name).rglob("*.py")):
        file, inside = measure_source(path.read_text(encoding="utf-8"), path.relative_to(root).as_posix())
        files.append(file)
        functions += inside
    return Sizes(name, files, functions)


def complaints(sizes: Sizes) -> list[str]:
    """Each limit that a tree breaks, as a sentence with the value, the limit and the remedy."""
    found = [
        f"{piece.where}: {piece.lines} lines > {FUNCTION_LINES_MAX}; split it where the comment would go"
        for piece in sizes.functions
        if piece.lines > FUNCTION_LINES_MAX
    ]
    found += [
        f"{piece.where}: {piece.lines} lines > {FILE_LINES_MAX}; there are two subjects in it, give each a file"
        for piece in sizes.files
        if piece.lines > FILE_LINES_MAX
    ]
    if sizes.usual_share < USUAL_SHARE_MIN:
        longest = sorted(sizes.functions, key=lambda piece: -piece.lines)[:10]
        found.append(
            f"{sizes.name}: {sizes.usual_share:.1%} of functions have at most {FUNCTION_LINES_USUAL} lines "
            f"< {USUAL_SHARE_MIN:.0%}; the longest are " + ", ".join(f"{p.where} ({p.lines})" for p in longest)
        )
    return found


def figures(sizes: Sizes) -> str:
    """One line: how many, the medians, the largest."""
    return (
        f"{sizes.name:<11} {len(sizes.files):>4} files  median {_median(sizes.files):>4.0f}"
        f"  longest {_largest(sizes.files):>4}"
        f"   {len(sizes.functions):>5} functions  median {_median(sizes.functions):>3.0f}"
        f"  longest {_largest(sizes.functions):>3}  {sizes.usual_share:.1%} within {FUNCTION_LINES_USUAL}"
    )


def _median(pieces: Sequence[Piece]) -> float:
    return statistics.median(piece.lines for piece in pieces) if pieces else 0.0


def _largest(pieces: Iterable[Piece]) -> int:
    return max((piece.lines for piece in pieces), default=0)


def main() -> int:
    """Print the figures of every tree; 1 when a limit is broken."""
    trees = [measure_tree(ROOT, name) for name in TREES]
    for sizes in trees:
        sys.stdout.write(figures(sizes) + "\n")
    broken = [complaint for sizes in trees for complaint in complaints(sizes)]
    for complaint in broken:
        sys.stderr.write(complaint + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
