"""What is listened to and where it goes, as settings say it."""

from pathlib import Path

import msgspec
import pytest

from petrosa.adapters.wire.envelope import Live, marker_of, unwrap
from petrosa.adapters.wire.subjects import symbol_subject
from petrosa.apps.listening.kinds import streams_of
from petrosa.apps.listening.recording import seconds_of
from petrosa.apps.listening.subjects import Subjects
from petrosa.apps.settings import Settings, load
from petrosa.errors import ConfigError, FrameError, UsageError
from petrosa.runtime.conflating import Frame

START = 1_800_000_000_000_000_000
SYMBOLS = ("BTCUSDT", "ETHUSDT")


def settings(tmp_path: Path, *sets: str) -> Settings:
    return load(sets=sets, environ={}, home=str(tmp_path))


def frame(symbol: str = "btcusdt") -> Frame:
    return Frame(START, "binance:usdm", b'{"stream":"%b@aggTrade","data":{"a":1}}' % symbol.encode())


def refused(problem: FrameError) -> None:
    raise problem


@pytest.mark.parametrize(
    ("sets", "streams"),
    [
        ((), ("aggTrade", "ticker", "depth20@100ms", "bookTicker", "markPrice@1s")),
        (("feed.market=spot",), ("trade", "ticker", "depth20@100ms", "bookTicker")),
        (("feed.streams=depth,liquidation",), ("depth@100ms", "forceOrder")),
        (("feed.streams=kline,trade", "feed.kline_intervals=1m,1h"), ("kline_1m", "kline_1h", "trade")),
    ],
)
def test_kinds_are_the_venues_streams(tmp_path: Path, sets: tuple[str, ...], streams: tuple[str, ...]) -> None:
    assert streams_of(settings(tmp_path, *sets)) == streams


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (("feed.streams=trades",), "'trades' is none; did you mean trade[?]"),
        (("feed.streams=kline", "feed.kline_intervals=1min"), "feed.kline_intervals: '1min' is none; did you mean 1m"),
        (("feed.streams=mark_price", "feed.market=spot"), "mark_price is a stream of futures"),
        (("feed.streams=kline", "feed.kline_intervals="), "feed.kline_intervals is empty"),
    ],
)
def test_a_kind_that_there_is_not_is_refused(tmp_path: Path, sets: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        streams_of(settings(tmp_path, *sets))


def test_a_frame_goes_to_the_bare_subject_alone(tmp_path: Path) -> None:
    subjects = Subjects(settings(tmp_path), SYMBOLS, START)
    ((subject, data),) = subjects.of([frame()], refused)
    assert subject == "binance.websocket.data"
    keys = list(msgspec.json.decode(data))
    assert keys[:6] == ["stream", "data", "timestamp", "message_id", "source", "version"]
    assert subjects.captured == ["binance.websocket.data"]


def test_a_frame_goes_to_its_symbols_subject_alone(tmp_path: Path) -> None:
    """The subject names the partition too, of as many as there are."""
    chosen = settings(tmp_path, "feed.subjects=per_symbol", "feed.partitions=8", "nats.market_subject=market.data.>")
    subjects = Subjects(chosen, SYMBOLS, START)
    told = [subject for subject, _ in subjects.of([frame(symbol.lower()) for symbol in SYMBOLS], refused)]
    assert told == [symbol_subject("binance", "usdm", symbol, 8) for symbol in SYMBOLS]
    assert subjects.captured == ["market.data.>"]


def test_what_is_no_frame_is_refused_and_does_not_keep_the_others(tmp_path: Path) -> None:
    subjects, problems = Subjects(settings(tmp_path), SYMBOLS, START), list[FrameError]()
    broken = [Frame(START, "binance:usdm", payload) for payload in (b"", b"{}", frame().payload[:-2])]
    told = subjects.of([broken[0], frame(), *broken[1:], frame()], problems.append)
    assert [problem.reason for problem in problems] == ["frame_malformed"] * 3
    assert [unwrap(data).frame.payload for _, data in told] == [frame().payload] * 2
    numbers = [unwrap(data).number for _, data in told]
    assert numbers[1] == numbers[0] + 1


def test_both_only_where_it_is_asked_for(tmp_path: Path) -> None:
    """And each subject counts by itself, so that who reads one sees what it missed."""
    subjects = Subjects(settings(tmp_path, "feed.mirror=true"), SYMBOLS, START)
    bare, own = "binance.websocket.data", symbol_subject("binance", "usdm", "ETHUSDT")
    told = subjects.of([frame(symbol) for symbol in ("btcusdt", "ethusdt", "ethusdt")], refused)
    numbers = {name: [unwrap(data).number for subject, data in told if subject == name] for name in (bare, own)}
    first = START // 1_000 + 1
    assert numbers == {bare: [first, first + 1, first + 2], own: [first, first + 1]}
    for _, data in subjects.begin("live-1", START):
        assert marker_of(data) == Live("live-1", "binance", "usdm")


def test_a_subject_of_many_is_nowhere_to_publish(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="means many subjects"):
        Subjects(settings(tmp_path, "nats.market_subject=market.data.>"), SYMBOLS, START)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7_200), ("1d", 86_400)])
def test_a_duration(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "soon", "10 w", "-5s"])
def test_no_duration(text: str) -> None:
    with pytest.raises(UsageError, match="write how long"):
        seconds_of(text)
