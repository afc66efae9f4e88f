"""The size ratchet holds, and it can fail."""

import pytest

from tests.kit.sizes import (
    FILE_LINES_MAX,
    FUNCTION_LINES_MAX,
    FUNCTION_LINES_USUAL,
    ROOT,
    TREES,
    Piece,
    Sizes,
    complaints,
    measure_source,
    measure_tree,
)


def function_of(lines: int, name: str = "f") -> str:
    return f"def {name}():\n" + "    pass\n" * (lines - 1)


def sizes_of(source: str) -> Sizes:
    file, functions = measure_source(source, "a.py")
    return Sizes("src", [file], functions)


@pytest.mark.parametrize("tree", TREES)
def test_every_tree_is_within_its_limits(tree: str) -> None:
    """No function over 70 lines, nine in ten within 35, no file over 400; an empty measurement would pass for ever."""
    sizes = measure_tree(ROOT, tree)
    assert sizes.functions
    assert [] == complaints(sizes)


def test_a_function_of_seventy_one_lines_is_refused() -> None:
    """One line over the limit is a complaint that names the function, the size and the limit."""
    few = "".join(function_of(2, f"g{i}") for i in range(20))
    assert [] == complaints(sizes_of(function_of(FUNCTION_LINES_MAX) + few))
    (complaint,) = complaints(sizes_of(function_of(FUNCTION_LINES_MAX + 1) + few))
    assert complaint.startswith("a.py:1 f: 71 lines > 70")


def test_a_method_and_a_coroutine_count_like_functions() -> None:
    """Size is not hidden by a class or by `async`."""
    long = "    pass\n" * FUNCTION_LINES_MAX
    source = "class A:\n  async def f(self):\n" + long
    assert [Piece("a.py:2 f", FUNCTION_LINES_MAX + 1)] == measure_source(source, "a.py")[1]


def test_a_file_of_four_hundred_and_one_lines_is_refused() -> None:
    """One line over the limit is a complaint that names the file."""
    assert [] == complaints(sizes_of("a = 1\n" * FILE_LINES_MAX))
    (complaint,) = complaints(sizes_of("a = 1\n" * (FILE_LINES_MAX + 1)))
    assert complaint.startswith("a.py: 401 lines > 400")


def test_more_than_one_in_ten_over_a_screen_is_refused() -> None:
    """Nine in ten within 35 lines is the limit; eight in nine is not enough."""
    long = function_of(FUNCTION_LINES_USUAL + 1, "long")
    assert [] == complaints(sizes_of(long + "".join(function_of(2, f"g{i}") for i in range(9))))
    (complaint,) = complaints(sizes_of(long + "".join(function_of(2, f"g{i}") for i in range(8))))
    assert complaint.startswith("src: 88.9% of functions have at most 35 lines < 90%; the longest are a.py:1 long (36)")
