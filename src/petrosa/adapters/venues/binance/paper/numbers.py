"""How Binance writes numbers: exact, as text, with a fixed number of decimals."""

from decimal import Decimal

from petrosa.core.model.base import NS_PER_MS

ZERO = Decimal(0)


def digits(unit: Decimal) -> int:
    """Decimals needed to write multiples of a unit."""
    exponent = unit.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def text(value: Decimal, places: int = 8) -> str:
    """A number with so many decimals; a zero has no sign."""
    written = f"{value:.{places}f}"
    return written[1:] if written.startswith("-") and not written.strip("-0.") else written


def plain(value: Decimal) -> str:
    """A number with the decimals it has, never with an exponent: `0`, `67445.9`."""
    written = f"{value.normalize():f}"
    return "0" if written in ("-0", "") else written


def ms(ns: int) -> int:
    """Milliseconds of a time in nanoseconds."""
    return ns // NS_PER_MS
