"""Whatever is typed, sent or found in a file, a parser answers with a value or with the error of its kind."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.stores.journal.format import read_line
from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.venues.binance.symbols import venue_symbol
from petrosa.adapters.venues.replay.normalise import Normaliser
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.wire.progress import decode_progress
from petrosa.apps.instruments import load_instruments
from petrosa.apps.settings import load
from petrosa.core.market.candles import interval_ns
from petrosa.errors import ConfigError, DataError, PetrosaError
from petrosa.surfaces.cli.times import nanoseconds_of
from tests.kit.instruments import instrument
from tests.kit.soak import examples

KNOWN = load_instruments()
LINE = (
    b'1723161254087896568 {"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,'
)
LINE += b'"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}\n'
CUT = st.integers(0, len(LINE))
LINES = st.lists(
    st.just(LINE)
    | st.binary(max_size=40)
    | st.builds(lambda a, b, c: LINE[:a] + b + LINE[c:], CUT, st.binary(max_size=4), CUT),
    max_size=6,
).map(b"".join)

TYPED: list[tuple[Callable[[str], object], type[Exception]]] = [
    (interval_ns, PetrosaError),
    (nanoseconds_of, PetrosaError),
    (venue_symbol, PetrosaError),
    (lambda text: load(sets=[text], environ={}), ConfigError),
    (lambda text: load(sets=[f"feed.symbols={text}"], environ={}), ConfigError),
    (lambda text: load(sets=[f"risk.risk_fraction={text}"], environ={}), ConfigError),
    (lambda text: load(environ={"ORDERBOOK_SKEW_BUY_THRESHOLD": text}), ConfigError),
    (lambda text: load(environ={f"PETROSA__{text}": "1"}), ConfigError),
    (lambda text: read_line(text.encode()), ValueError),
    (lambda text: decode_progress(text.encode()), DataError),
]
NAMES = ["interval", "time", "symbol", "set", "set symbols", "set number", "environment", "environment key", "journal",
         "progress"]  # fmt: skip


@pytest.mark.parametrize(("parse", "error"), TYPED, ids=NAMES)
def test_what_is_typed_is_taken_or_refused(parse: Callable[[str], object], error: type[Exception]) -> None:
    """Any text."""

    @examples(25)
    @given(st.text(max_size=24) | st.from_regex(r"[0-9.eE+\-=,:TZ]{1,16}", fullmatch=True))
    def try_it(text: str) -> None:
        said = "taken"
        try:
            parse(text)
        except error as refused:
            said = str(refused)
        assert said

    try_it()


@examples(40)
@given(LINES, st.booleans())
def test_any_file_is_a_recording_or_says_why_not(
    tmp_path_factory: pytest.TempPathFactory, text: bytes, zipped: bool
) -> None:
    """Lines of bytes, whole, altered or random, packed or not: what cannot be used is counted and named."""
    path: Path = tmp_path_factory.mktemp("fuzz") / ("a.gz" if zipped else "a.txt")
    path.write_bytes(gzip.compress(text, mtime=0) if zipped else text)
    rules, said = instrument(), "read"
    try:
        recording = Recording([path], product="spot")
        normaliser = Normaliser(Parser("binance", "spot", ["BTCUSDT"]), {rules.id: rules})
        facts = [fact for batch in recording.batches(2) for fact in normaliser.feed(batch)] + normaliser.flush()
    except DataError as refused:
        said, facts = str(refused), []
    times = [now for now, _ in facts]
    assert sorted(times) == times
    assert said


@examples(25)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_settings_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Bytes that are no TOML, or TOML that is no configuration, name the file."""
    path = tmp_path_factory.mktemp("fuzz") / "a.toml"
    path.write_bytes(data)
    for read in (lambda: load(files=[str(path)], environ={}), lambda: load_instruments(path)):
        said = "a.toml was read"
        try:
            read()
        except ConfigError as refused:
            said = str(refused)
        assert "a.toml" in said
