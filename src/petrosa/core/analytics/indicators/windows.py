"""Sums over the last n values that never subtract.

A running sum that adds the new value and subtracts the old one keeps every rounding error for ever: after years of bars
it is wrong, and one huge value that passes through leaves the digits it wiped out behind. Here time is cut into blocks
of n values. A window is the end of the last block and the beginning of this one: a suffix of the former, summed from
its end when it was complete, and the sum so far of the latter. So each result is a sum of just its n values, whatever
came before, at two additions a value (two-stack queue; Tangwongsan, Hirzel, Schneider, VLDB 2015).
"""


class WindowSum:
    """The sum of the last `n` values."""

    __slots__ = ("_block", "_head", "_n", "_suffixes")

    def __init__(self, n: int) -> None:
        self._n = n
        self._block: list[float] = []
        self._suffixes: list[float] = []  # of the last block, longest last: popped as the window leaves it
        self._head = 0.0

    def update(self, x: float) -> float | None:
        """None until `n` values were taken."""
        self._block.append(x)
        self._head += x
        if len(self._block) < self._n:
            if not self._suffixes:
                return None
            return self._suffixes.pop() + self._head
        total, suffix = self._head, 0.0
        for value in reversed(self._block[1:]):
            suffix += value
            self._suffixes.append(suffix)
        self._block.clear()
        self._head = 0.0
        return total


class WindowSquares:
    """The sum of the squared distances of the last `n` values from their mean: n times their population variance.

    Half-windows are kept as (count, mean, sum of squares): Welford's update adds a value, Chan's joins two. The squares
    of the values themselves are never summed: of prices they are so large that the difference is lost in rounding.
    Source: Chan, Golub, LeVeque, Algorithms for Computing the Sample Variance, 1983.
    """

    __slots__ = ("_block", "_mean", "_n", "_squares", "_suffixes")

    def __init__(self, n: int) -> None:
        self._n = n
        self._block: list[float] = []
        self._suffixes: list[tuple[float, float]] = []
        self._mean = self._squares = 0.0

    def update(self, x: float) -> float | None:
        """None until `n` values were taken."""
        block, n = self._block, self._n
        block.append(x)
        taken = len(block)
        self._mean, self._squares = _welford(self._mean, self._squares, x, taken)
        if taken < n:
            if not self._suffixes:
                return None
            mean, squares = self._suffixes.pop()
            apart = self._mean - mean
            return squares + self._squares + apart * apart * (taken * (n - taken) / n)
        total = self._squares
        mean = squares = 0.0
        for count, value in enumerate(reversed(block[1:]), start=1):
            mean, squares = _welford(mean, squares, value, count)
            self._suffixes.append((mean, squares))
        block.clear()
        self._mean = self._squares = 0.0
        return total


def _welford(mean: float, squares: float, x: float, count: int) -> tuple[float, float]:
    away = x - mean
    mean += away / count
    return mean, squares + away * (x - mean)
