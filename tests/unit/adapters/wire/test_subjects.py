"""Subjects: which names mean what, and who owns which instrument."""

import pytest

from petrosa.adapters.wire.subjects import (
    joined,
    matches,
    partition_of,
    signal_subject,
    signal_subjects,
    symbol_subject,
)
from petrosa.errors import ConfigError


def test_a_partition_never_changes() -> None:
    """The partition of an instrument is the same in every version, or a restart would split its state."""
    instruments = [("usdm", "BTCUSDT"), ("spot", "BTCUSDT"), ("usdm", "ETHUSDT")]
    assert [7, 5, 1] == [partition_of("binance", market, symbol, 8) for market, symbol in instruments]


def test_partitions_share_the_work() -> None:
    """A thousand symbols spread over eight partitions without an empty or a double-sized one."""
    counts = [0] * 8
    for number in range(1000):
        counts[partition_of("binance", "usdm", f"S{number}USDT", 8)] += 1
    assert (True, True) == (min(counts) > 62, max(counts) < 250)


def test_no_partitions_is_refused() -> None:
    """Zero partitions is a mistake of the configuration."""
    with pytest.raises(ConfigError, match="partitions = 0"):
        partition_of("a", "b", "c", 0)


def test_the_owner_of_a_partition_hears_its_symbols() -> None:
    """A symbol's subject is inside its partition's and names venue and market."""
    subject = symbol_subject("binance", "usdm", "BTCUSDT", 8)
    assert subject.endswith(".binance.usdm.BTCUSDT")
    assert matches(f"market.data.{partition_of('binance', 'usdm', 'BTCUSDT', 8)}.>", subject)


def test_strategy_names_become_one_token() -> None:
    """A name with spaces, dots or wildcards cannot escape its place in the subject."""
    assert "signals.trading.Spread_Monitor_" == signal_subject("signals.trading", "Spread Monitor.*", suffixed=True)
    assert "signals.trading" == signal_subject("signals.trading", "x")


def test_signals_are_heard_bare_and_suffixed() -> None:
    """Both generations of producers are heard."""
    bare, rest = signal_subjects()
    assert (True, True, False) == (
        matches(bare, "signals.trading"), matches(rest, "signals.trading.x"), matches(rest, "signals.trading"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "subject", "meant"),
    [
        ("a.b", "a.b", True), ("a.b", "a.c", False), ("a.*", "a.b", True), ("a.*", "a.b.c", False),
        ("a.>", "a.b.c", True), ("a.>", "a", False), (">", "a.b", True), ("*.b", "a.b", True), ("a", "a.b", False),
    ],
)  # fmt: skip
def test_wildcards(pattern: str, subject: str, meant: bool) -> None:
    """`*` is exactly one token and `>` one or more, as the server has it."""
    assert meant == matches(pattern, subject)


def test_joining_patterns_leaves_no_overlap() -> None:
    """A pattern inside another is left out, whichever came first."""
    assert ["b", "a.>"] == joined(["a.x", "b"], ["a.>", "b", "a.y"])
    assert ["a.>"] == joined(["a.>"], ["a.b", "a.>"])
