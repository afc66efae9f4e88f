"""Recordings of the synthetic market: reproducible, and read like any other."""

from pathlib import Path

import msgspec
import pytest

from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.venues.replay.normalise import Normaliser
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.instruments import load_instruments
from petrosa.apps.synth import DESCRIPTION, Synthesis, write_recording
from petrosa.core.model.market import BookSnapshot, Depth, Trade
from petrosa.core.simulation.market import SyntheticMarket
from petrosa.errors import StorageError, UsageError

TWINS = Path(__file__).parents[3] / "recordings"


@pytest.mark.parametrize("name", ["synthetic-usdm", "synthetic-spot", "synthetic-two-venues"])
def test_the_recordings_of_the_repository_are_what_their_description_makes(name: str, tmp_path: Path) -> None:
    """Made anew from `recording.json`, each file's text has the digest written there; if not, make them anew."""
    kept = msgspec.json.decode((TWINS / name / DESCRIPTION).read_bytes(), type=Synthesis)
    made = write_recording(
        kept.seed, kept.symbols, kept.seconds, tmp_path, market=kept.market, start=kept.start_ns,
        second_venue=kept.second_venue.source if kept.second_venue is not None else "",
    )  # fmt: skip
    assert kept.second_venue == made.second_venue
    assert kept.sha256 == made.sha256
    assert Recording([TWINS / name]).symbols == Recording([tmp_path]).symbols
    assert [batch for batch in Recording([TWINS / name]).batches()] == [  # noqa: C416 - lists compare
        batch for batch in Recording([tmp_path]).batches()
    ]


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    """Neither the clock nor the folder's name is in them."""
    for name in ("one", "two"):
        write_recording(3, ["BTCUSDT"], 2, tmp_path / name)
    assert (tmp_path / "one/btcusdt.gz").read_bytes() == (tmp_path / "two/btcusdt.gz").read_bytes()
    assert (tmp_path / "one" / DESCRIPTION).read_bytes() == (tmp_path / "two" / DESCRIPTION).read_bytes()


@pytest.mark.parametrize("market", ["usdm", "spot"])
def test_a_synthetic_recording_replays_without_a_gap_or_an_error(market: str, tmp_path: Path) -> None:
    """Read, parsed and normalised as a real one, it gives trades and depth and nothing to complain of."""
    made = write_recording(3, ["BTCUSDT", "ETHUSDT"], 5, tmp_path, market=market)
    recording = Recording([tmp_path])
    assert (market, ("BTCUSDT", "ETHUSDT")) == (recording.product, recording.symbols)
    instruments = {key: one for key, one in load_instruments().items() if one.market == market}
    normaliser = Normaliser(Parser("binance", market, made.symbols), instruments, shift=0)
    facts = [heard for batch in recording.batches() for heard in normaliser.feed(batch)]
    facts += normaliser.flush()
    assert not normaliser.errors
    assert not any(normaliser.gaps.values())
    kinds = {type(event) for _, event in facts}
    assert {Trade, Depth} <= kinds
    assert sum(made.frames.values()) == sum(1 for _, event in facts if not isinstance(event, Depth))


def test_a_second_venue_changes_nothing_of_the_first(tmp_path: Path) -> None:
    """Our files and their description are the same to the byte; the quotes are in a file of their own."""
    write_recording(3, ["BTCUSDT"], 20, tmp_path / "one")
    made = write_recording(3, ["BTCUSDT"], 20, tmp_path / "two", second_venue="kraken")
    assert (tmp_path / "one/btcusdt.gz").read_bytes() == (tmp_path / "two/btcusdt.gz").read_bytes()
    assert b"second_venue" not in (tmp_path / "one" / DESCRIPTION).read_bytes()
    assert {"btcusdt.gz", "readings.gz", DESCRIPTION} == {path.name for path in (tmp_path / "two").iterdir()}
    assert 2 * 19 == made.frames["readings"]
    assert ("BTCUSDT",) == Recording([tmp_path / "two"]).symbols


@pytest.mark.parametrize("name", ["Coinbase", "a b", "x@y", "-"])
def test_a_venue_that_no_source_can_be_called_is_refused(name: str, tmp_path: Path) -> None:
    """Its name becomes the name of a stream."""
    with pytest.raises(UsageError, match="second venue"):
        write_recording(1, ["BTCUSDT"], 1, tmp_path, second_venue=name)


def test_a_symbol_without_rules_is_refused_with_those_there_are(tmp_path: Path) -> None:
    """An unknown name is an error of the command line."""
    with pytest.raises(UsageError, match="no rules for NOPEUSDT on usdm; choose from ADAUSDT, BNBUSDT, BTCUSDT"):
        write_recording(1, ["NOPEUSDT"], 1, tmp_path)


def test_a_length_without_sense_is_refused(tmp_path: Path) -> None:
    """From a tenth of a second to a day."""
    with pytest.raises(UsageError, match="seconds = 0"):
        write_recording(1, ["BTCUSDT"], 0, tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """The message says where and what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot be written to .*file"):
        write_recording(1, ["BTCUSDT"], 1, tmp_path / "file")


@pytest.mark.parametrize("market", ["usdm", "spot"])
def test_a_symbol_begins_where_it_is_told_to(tmp_path: Path, market: str) -> None:
    """And no other does; the price is kept with how it was made."""
    usual = write_recording(3, ["BTCUSDT", "ETHUSDT"], 1, tmp_path / "usual", market=market)
    made = write_recording(3, ["BTCUSDT", "ETHUSDT"], 1, tmp_path / "told", market=market, prices=["BTC/USDT=50000"])
    assert ({"BTCUSDT": 50_000.0}, {}) == (made.prices, usual.prices)
    assert usual.sha256["ETHUSDT"] == made.sha256["ETHUSDT"]
    assert usual.sha256["BTCUSDT"] != made.sha256["BTCUSDT"]
    instruments = [one for one in load_instruments().values() if one.market == market and one.symbol == "BTCUSDT"]
    snapshot = next(SyntheticMarket(instruments, 3, prices=made.prices).events(1))[1]
    assert isinstance(snapshot, BookSnapshot)
    assert snapshot.bids[0][0] == pytest.approx(50_000, rel=1e-4)
    assert snapshot.bids[0][0] < 50_000 < snapshot.asks[0][0]


@pytest.mark.parametrize(
    "price", ["BTCUSDT", "BTCUSDT=", "BTCUSDT=nan", "BTCUSDT=0", "BTCUSDT=1e12", "=5", "XRPUSDT=1"]
)
def test_a_price_that_makes_no_market_is_refused(tmp_path: Path, price: str) -> None:
    with pytest.raises(UsageError, match="--price"):
        write_recording(1, ["BTCUSDT"], 1, tmp_path, prices=[price])
