"""Log lines have the documented names, correlation ids, and no secrets."""

import io
import logging
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import structlog

from petrosa.errors import ConfigError
from petrosa.surfaces.heartbeat import MESSAGE, heartbeat
from petrosa.surfaces.logs import configure
from petrosa.surfaces.observation import Observation


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_level_and_message_first() -> None:
    """The names of the specification's example line."""
    stream = io.StringIO()
    configure("INFO", "auto", stream, run="r1")
    structlog.get_logger("petrosa.test").info("hello", correlation_id="abc", seconds=1.5)
    (line,) = lines(stream)
    assert ["level", "message", "timestamp"] == list(line)[:3]
    assert ("INFO", "hello", "abc", "r1", 1.5, "petrosa.test") == tuple(
        line[name] for name in ("level", "message", "correlation_id", "run", "seconds", "logger")
    )


def test_the_standard_library_comes_out_the_same_way() -> None:
    """Whoever logs with `logging` needs no second format, and its extras are kept."""
    stream = io.StringIO()
    configure("INFO", "json", stream, run="r1")
    logging.getLogger("elsewhere").warning("careful %s", "now", extra={"correlation_id": "abc"})
    (line,) = lines(stream)
    assert ("WARNING", "careful now", "abc", "r1") == (
        line["level"],
        line["message"],
        line["correlation_id"],
        line["run"],
    )


def test_below_the_level_nothing_is_written() -> None:
    """DEBUG is for those who ask."""
    stream = io.StringIO()
    configure("WARNING", "json", stream)
    structlog.get_logger("x").info("quiet")
    logging.getLogger("x").info("quiet")
    assert "" == stream.getvalue()


def test_no_line_carries_a_secret() -> None:
    """Neither by name nor inside an address, neither as a field nor as the message."""
    stream = io.StringIO()
    configure("INFO", "json", stream)
    structlog.get_logger("x").info("to nats://u:hunter2@h", api_key="hunter2", url="nats://u:hunter2@h")
    logging.getLogger("x").info("lost %s", "nats://u:hunter2@h")
    assert "hunter2" not in stream.getvalue()


def test_plain_lines_are_for_people() -> None:
    """The same fields without the braces."""
    stream = io.StringIO()
    configure("INFO", "plain", stream)
    structlog.get_logger("x").info("hello", symbol="BTCUSDT")
    assert "hello" in stream.getvalue()
    assert "symbol=BTCUSDT" in stream.getvalue()


def test_an_exception_is_in_its_line() -> None:
    """The traceback is a field, so that one failure is one line."""
    stream = io.StringIO()
    configure("INFO", "json", stream)
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger("x").exception("it happened")
    (line,) = lines(stream)
    assert "ValueError: broken" in line["exception"]


@pytest.mark.parametrize(("level", "style"), [("LOUD", "json"), ("INFO", "xml")])
def test_a_wrong_level_or_style_names_the_choice(level: str, style: str) -> None:
    """The message lists what there is."""
    with pytest.raises(ConfigError, match=r"write one of (DEBUG, INFO|auto, json)"):
        configure(level, style, io.StringIO())


def test_the_heartbeat_has_the_documented_fields() -> None:
    """Totals since the start, rates since the last one; the numbers of the specification's example."""
    before = Observation(
        uptime_s=3540.0, messages_processed=0, signals_by_strategy={"orderbook_skew": 29, "trade_momentum": 25}
    )
    now = Observation(
        uptime_s=3600.0,
        messages_processed=1500,
        signals_by_strategy={"orderbook_skew": 30, "trade_momentum": 25, "ticker_velocity": 0},
        message_errors_by_reason={"malformed": 2},
        publisher_errors=1,
    )
    assert {
        "messages_processed": 1500,
        "signals_generated": 55,
        "consumer_errors": 2,
        "publisher_errors": 1,
        "messages_per_second": 25.0,
        "signals_per_minute": 1.0,
        "uptime_seconds": 3600.0,
        "strategies": {
            "orderbook_skew": {"signals": 30},
            "ticker_velocity": {"signals": 0},
            "trade_momentum": {"signals": 25},
        },
    } == heartbeat(before, now)
    assert "HEARTBEAT: Realtime Strategies Statistics" == MESSAGE
