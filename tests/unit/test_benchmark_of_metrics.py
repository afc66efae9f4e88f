"""The parts of the market-metrics benchmark do what is measured; nothing here is timed."""

from benchmarks.metrics import memory, throughput
from benchmarks.metrics_desk import START_NS, MetricsDesk, filled, mixed

from petrosa.core.model.base import NS_PER_SECOND


def test_both_desks_do_the_same_work() -> None:
    """With metrics and without: every message is used, the same is decided, and only one of them knows more."""
    desks = [MetricsDesk(with_metrics=with_metrics, symbols=5) for with_metrics in (True, False)]
    for desk in desks:
        for number, message in enumerate(mixed(desk.symbols, 2_000)):
            desk.handle(message, START_NS + number * 10_000_000)
    assert desks[0].decisions == desks[1].decisions > 0
    assert [len(desk.instruments) for desk in desks] == [
        sum(m.last > 0.0 for m in desk.markets.values()) for desk in desks
    ]
    analyzer = desks[0].analyzer
    assert analyzer is not None
    assert set(desks[0].instruments) == set(analyzer.heard())
    assert desks[1].analyzer is None


def test_a_filled_desk_has_its_whole_window() -> None:
    """So that what is asked of an idle process is as much as it can be."""
    desk = MetricsDesk(with_metrics=True, symbols=2)
    filled(desk, 901)
    assert desk.analyzer is not None
    for key in desk.instruments:
        assert 900 == len(desk.analyzer.history(key, "15m", START_NS + 900 * NS_PER_SECOND).window.pressures)


def test_a_ratio_has_a_figure_of_each_round_and_side() -> None:
    """As many as there are rounds."""
    found = throughput(50, 2)
    assert {"with": 2, "without": 2} == {name: len(values) for name, values in found.items()}
    assert min(min(values) for values in found.values()) > 0.0


def test_memory_goes_with_the_number_of_symbols() -> None:
    """Twice the symbols are about twice the bytes, of which a ring of seconds is the most."""
    one, two = memory(4), memory(8)
    assert 1.8 < two / one < 2.2
    assert 4 * 7 * 900 * 8 < one
