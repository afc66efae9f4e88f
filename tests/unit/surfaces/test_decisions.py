"""The log tells a signal's whole way under one correlation id."""

from structlog.testing import capture_logs

from petrosa.surfaces.decisions import DecisionLog
from tests.kit.story import START, story, trade


def test_a_signal_its_order_and_its_fills_share_an_id() -> None:
    """Searching for the id finds the way from opinion to money."""
    with capture_logs() as logs:
        log = DecisionLog()
        for turn in story():
            log.fold(*turn)
    assert [
        ("info", "signal", "s1"),
        ("info", "order", "s1"),
        ("info", "filled", "s1"),
        ("info", "filled", "s1"),
        ("debug", "refused", "s2"),
        ("error", "alarm", None),
    ] == [(line["log_level"], line["event"], line.get("correlation_id")) for line in logs]


def test_a_refusal_says_why() -> None:
    """The whole sentence, for those who log at DEBUG."""
    with capture_logs() as logs:
        DecisionLog().fold(*story()[4])
    assert "cooldown: saw 12.0 s, limit 900 s; wait, or lower cooldown_seconds" == logs[0]["why"]


def test_a_quiet_turn_writes_nothing() -> None:
    """A tick without a decision leaves no line."""
    with capture_logs() as logs:
        DecisionLog().fold(1, START, trade(START), ())
    assert [] == logs
