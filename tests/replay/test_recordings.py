"""The real recordings, whole: nothing lost, no gap, the built book is the venue's, candles are the trades'."""

import gzip
import json
from collections import Counter
from decimal import Decimal

import pytest

from petrosa.apps.candles import build_candles
from petrosa.apps.instruments import load_instruments
from petrosa.core.model.base import NS_PER_MS
from petrosa.core.model.instruments import Toward
from petrosa.core.model.market import symbol_of
from tests.kit.recordings import recording_dir

from .conftest import Pass

pytestmark = pytest.mark.recordings

STREAMS = {
    "trade": b'@trade"',
    "best_quote": b'@bookTicker"',
    "book_diff": b"@depth@",
    "book_snapshot": b' {"lastUpdateId',
}


def test_every_frame_is_counted_and_none_is_refused(passed: Pass) -> None:
    """Trades, quotes, differences and snapshots by symbol are those that a search through the text finds."""
    searched: dict[str, dict[str, int]] = {kind: Counter() for kind in STREAMS}
    for path in recording_dir(passed.product).glob("*.gz"):
        symbol = path.name.split("_")[0].upper()
        for line in gzip.decompress(path.read_bytes()).splitlines():
            for kind, sign in STREAMS.items():
                searched[kind][symbol] += sign in line[:60]
    counts = passed.normaliser.counts
    assert searched == {kind: counts[kind] for kind in STREAMS}
    assert ({}, {}) == (passed.normaliser.errors, passed.recording.faults.counts)


def test_there_is_no_gap(passed: Pass) -> None:
    """The chain of differences holds from the snapshot to the end, for both symbols."""
    assert {"BTCUSDT": 0, "ETHUSDT": 0} == passed.normaliser.gaps
    assert all(book.whole and not book.crossed for book in passed.books.values())


def test_the_built_book_is_the_venues(passed: Pass) -> None:
    """Where a quote and a difference end at the same update id, prices and quantities are equal to the last digit."""
    print(f"{passed.product}: {len(passed.meetings)} quotes and differences end at the same update id")  # noqa: T201
    assert len(passed.meetings) > 500
    assert [] == [meeting for meeting in passed.meetings if meeting.quoted != meeting.built]
    assert {"BTCUSDT", "ETHUSDT"} == {symbol_of(meeting.instrument) for meeting in passed.meetings}


def test_prices_and_quantities_sit_on_the_rules(passed: Pass) -> None:
    """Every trade is on tick and step of our instruments file, every book price on the tick."""
    rules = load_instruments()
    prices = {(one.instrument, one.price) for one in passed.trades}
    quantities = {(one.instrument, one.quantity) for one in passed.trades}
    assert [] == [(i, p) for i, p in prices if rules[i].price(p, Toward.NEAREST) != Decimal(repr(p))]
    assert [] == [(i, q) for i, q in quantities if rules[i].quantity(q) != Decimal(repr(q))]
    assert [0, 0] == [book.off_tick for book in passed.books.values()]


def test_time_never_goes_back_and_depth_is_on_the_grid(passed: Pass) -> None:
    """What a desk is told never comes earlier than what it was told before."""
    assert passed.times == sorted(passed.times)
    assert {0} == {now % (100 * NS_PER_MS) for now, _ in passed.depths}
    assert {20} == {len(depth.bid_prices) for _, depth in passed.depths}
    assert all(now == depth.ts_seen for now, depth in passed.depths)


def test_the_recorders_clock_is_corrected(passed: Pass) -> None:
    """Its clock ran 1.3 to 1.5 s behind the venue's: the shift makes up for it, and the feed's 10 ms come on top."""
    assert passed.normaliser.shift is not None
    assert 1_200 * NS_PER_MS < passed.normaliser.shift < 1_600 * NS_PER_MS


@pytest.mark.parametrize(("text", "minutes"), [("1m", 1), ("5m", 5)])
def test_candles_equal_an_independent_computation(passed: Pass, text: str, minutes: int) -> None:
    """Plain decimals and dictionaries over the text of the trades give the same bars."""
    expected: dict[tuple[str, int], list[Decimal]] = {}
    for path in sorted(recording_dir(passed.product).glob("*.gz")):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            if b'@trade"' not in line[:60]:
                continue
            data = json.loads(line.partition(b" ")[2])["data"]
            price, quantity = Decimal(data["p"]), Decimal(data["q"])
            key = data["s"], data["T"] // (60_000 * minutes)
            bar = expected.setdefault(key, [price, price, price, price, *[Decimal(0)] * 4])
            bar[1], bar[2], bar[3] = max(bar[1], price), min(bar[2], price), price
            bar[4] += quantity
            bar[5] += price * quantity
            bar[6] += 1
            bar[7] += 0 if data["m"] else quantity
    rows = build_candles([recording_dir(passed.product)], [text]).rows
    found = {
        (symbol, c.ts_open // (60_000 * minutes * NS_PER_MS)): [
            c.open, c.high, c.low, c.close, c.volume, c.quote_volume, c.trades, c.buy_volume,
        ]
        for symbol, _, c in rows
    }  # fmt: skip
    assert {key: [float(value) for value in bar] for key, bar in expected.items()} == found
    assert len(rows) == len(found)
