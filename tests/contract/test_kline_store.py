"""What every store of history promises, asked of the one in a file and the one on a server."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.stores.klines.address import parse
from petrosa.adapters.stores.klines.layouts import exact
from petrosa.adapters.stores.klines.sqlite import SqliteKlines
from petrosa.core.model.history import GapKind, KnownGap, Series
from petrosa.errors import DataError, StorageError
from petrosa.ports import KlineStore
from tests.kit.history import BTC, DAY, MINUTE, T0, bar, bars, rate, trade
from tests.kit.soak import examples

EVER = 2**63 - 1


@pytest.fixture(params=["sqlite", "mariadb"])
async def history(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[KlineStore]:
    made: KlineStore
    if request.param == "sqlite":
        made = await SqliteKlines.open(tmp_path / "d" / "klines.sqlite")
    else:
        mysql = pytest.importorskip("petrosa.adapters.stores.klines.mysql")
        server = request.getfixturevalue("mariadb")
        made = await mysql.MysqlKlines.open(parse(server.url(server.database())))
    yield made
    await made.close()


async def test_bars_come_back_as_they_were_written(history: KlineStore) -> None:
    """Whatever the order they were written in: oldest first, every field, exact to eight decimals and twenty digits."""
    widest = Decimal("99999999999999999999.99999999")
    odd = bar(number=10, high=widest, low=Decimal("0.00000001"), volume=Decimal("0"), quote_volume=Decimal("1E+3"),
              trades=2**31 - 1, source="archive")  # fmt: skip
    written = [*bars(), odd]
    assert 11 == await history.write_klines(written[::-1])
    assert written == await history.klines(BTC, 0, EVER)
    assert [] == await history.klines(Series("usdm", "ETHUSDT", "1m"), 0, EVER)
    assert [] == await history.klines(BTC._replace(interval="1h"), 0, EVER)


async def test_writing_again_counts_what_differs(history: KlineStore) -> None:
    """The same again is nothing; one that differs replaces what is there; of two with one key the last counts, once."""
    assert 10 == await history.write_klines(bars())
    assert 0 == await history.write_klines(bars())
    changed = bar(number=3, close=Decimal("64003.1"))
    assert 3 == await history.write_klines([*bars(count=12), bar(number=3, close=Decimal(1)), changed])
    found = await history.klines(BTC, 0, EVER)
    assert (12, changed) == (len(found), found[3])
    assert 0 == await history.write_klines([])


async def test_since_is_included_and_until_is_not(history: KlineStore) -> None:
    """By when they open, to the nanosecond."""
    await history.write_klines(bars())
    third = T0 + 3 * MINUTE
    for since, until, numbers in (
        (third, third + 2 * MINUTE, [3, 4]), (third + 1, third + 2 * MINUTE + 1, [4, 5]), (third, third, []),
        (third, third + 1, [3]), (third - 1, third, []), (third + MINUTE, third, []), (-5, T0 + 1, [0]),
        (T0 + 9 * MINUTE, EVER, [9]),
    ):  # fmt: skip
        assert [bar(number=n) for n in numbers] == await history.klines(BTC, since, until)
        assert [T0 + n * MINUTE for n in numbers] == await history.opens(BTC, since, until)


async def test_limits(history: KlineStore) -> None:
    """A page holds the oldest, `last_klines` the newest, both oldest first, and neither more than ten thousand."""
    await history.write_klines(bars(count=10_050))
    assert bars(count=4) == await history.klines(BTC, 0, EVER, limit=4)
    assert [] == await history.klines(BTC, 0, EVER, limit=0)
    assert [] == await history.last_klines(BTC, -1)
    assert bars(count=3, first=10_047) == await history.last_klines(BTC, 3)
    assert bars(count=3, first=5) == await history.last_klines(BTC, 3, until=T0 + 8 * MINUTE)
    assert bars(count=2) == await history.last_klines(BTC, 300, until=T0 + 2 * MINUTE)
    assert bars(count=10_000) == await history.klines(BTC, 0, EVER, limit=1_000_000)
    assert bars(count=10_000, first=50) == await history.last_klines(BTC, 1_000_000)
    assert [T0 + n * MINUTE for n in range(10_050)] == await history.opens(BTC, 0, EVER)


async def test_several_series_in_one_call(history: KlineStore) -> None:
    """Markets, symbols and intervals are kept apart: months from minutes, and symbols by their capitals too."""
    every = [
        Series("spot", "BTCUSDT", "1m"), Series("usdm", "1000PEPEUSDT", "1h"), Series("usdm", "BTCUSDT", "1M"), BTC,
        Series("usdm", "btcusdt", "1m"), Series("usdm", "币安人生USDT", "1m"),
    ]  # fmt: skip
    assert [] == await history.series()
    assert 18 == await history.write_klines([bar(series, n) for n in range(3) for series in every])
    assert sorted(every) == await history.series()
    for series in every:
        assert bars(series, 3) == await history.klines(series, 0, EVER)


@pytest.mark.parametrize(
    "wrong",
    [
        {"close": Decimal("1E+20")},
        {"low": Decimal("0.000000001")},
        {"volume": Decimal("NaN")},
        {"volume": Decimal("Infinity")},
        {"volume": Decimal("1E+999999")},
        {"trades": 2**31},
        {"trades": -1},
        {"ts_open": T0 + 1},
        {"ts_open": -MINUTE},
        {"symbol": ""},
        {"symbol": "X" * 33},
        {"interval": "7m"},
        {"market": "a-b"},
    ],
)
async def test_what_cannot_be_kept(history: KlineStore, wrong: dict[str, Any]) -> None:
    """It is refused with what it is, and nothing of the call is written."""
    with pytest.raises(DataError, match=r"does not fit|no time|no table|cannot be the name"):
        await history.write_klines([*bars(), msgspec.structs.replace(bar(number=11), **wrong)])
    assert [] == await history.series()


async def test_funding(history: KlineStore) -> None:
    """Rates of one symbol, exact, with or without a mark price, of either sign."""
    rates = [rate(n) for n in range(5)] + [rate(5, mark=None, rate=Decimal("-0.00754321"), interval_hours=4)]
    assert 7 == await history.write_funding([*rates, rate(0, "ETHUSDT")])
    assert 1 == await history.write_funding([*rates[:-1], rate(5, rate=Decimal("0.1"))])
    assert rates[:-1] == (await history.funding("usdm", "BTCUSDT", 0, EVER))[:-1]
    assert rates[1:3] == await history.funding("usdm", "BTCUSDT", rates[1].ts, rates[3].ts)
    assert [] == await history.funding("spot", "BTCUSDT", 0, EVER)
    with pytest.raises(DataError, match="does not fit"):
        await history.write_funding([rate(6, rate=Decimal("0.000000001"))])


async def test_trades(history: KlineStore) -> None:
    """By time and then by id; an id belongs to a symbol, is 64 bits wide, and the greatest of it is known."""
    assert await history.last_trade_id("usdm", "BTCUSDT") is None
    trades = [trade(n) for n in range(9)] + [trade(2**63 - 1, ts=T0 + 1_000_000, first_id=0, last_id=2**63 - 1)]
    assert 12 == await history.write_trades([*trades[::-1], trade(3, "ETHUSDT"), trade(3, market="spot")])
    assert 1 == await history.write_trades([*trades, trade(4, quantity=Decimal("7"))])
    assert 1 == await history.write_trades([trade(4)])
    in_order = sorted(trades, key=lambda t: (t.ts, t.trade_id))
    assert in_order == await history.trades("usdm", "BTCUSDT", 0, EVER)
    assert in_order[:3] == await history.trades("usdm", "BTCUSDT", 0, EVER, limit=3)
    assert [trade(6), trade(7)] == await history.trades("usdm", "BTCUSDT", T0 + 3_000_000, T0 + 4_000_000)
    assert [trade(3, "ETHUSDT")] == await history.trades("usdm", "ETHUSDT", 0, EVER)
    assert (2**63 - 1, 3) == (
        await history.last_trade_id("usdm", "BTCUSDT"),
        await history.last_trade_id("spot", "BTCUSDT"),
    )


async def test_known_gaps(history: KlineStore) -> None:
    """A stretch of a series, replaced by the same stretch, found by its kind."""
    early = KnownGap(*BTC, T0, T0 + DAY, GapKind.NOT_LISTED, T0 + 9 * DAY)
    later = KnownGap(*BTC, T0 + 2 * DAY, T0 + 2 * DAY + MINUTE, GapKind.OUTAGE, T0 + 9 * DAY)
    other = KnownGap("usdm", "ETHUSDT", "1m", T0, T0 + DAY, GapKind.OUTAGE, T0)
    spot = KnownGap("spot", "BTCUSDT", "1m", T0, T0 + DAY, GapKind.OUTAGE, T0)
    await history.write_gaps([later, early, other, spot])
    assert [early, later] == await history.gaps(BTC)
    again = KnownGap(*BTC, T0, T0 + DAY, GapKind.OUTAGE, T0 + 10 * DAY)
    await history.write_gaps([again])
    assert [again, later] == await history.gaps(BTC, kinds=[GapKind.OUTAGE])
    assert [] == await history.gaps(BTC, kinds=[GapKind.NOT_LISTED])
    assert [] == await history.gaps(BTC._replace(interval="1h"))


async def test_many_writers_at_once(history: KlineStore) -> None:
    """They write the same bars and others, and each new bar is counted by one of them."""
    every = [Series("usdm", symbol, "1m") for symbol in ("AUSDT", "BUSDT", "CUSDT")]
    calls = [history.write_klines([bar(series, n) for n in range(first, first + 60) for series in every])
             for first in range(0, 100, 20)]  # fmt: skip
    assert 3 * 140 == sum(await asyncio.gather(*calls))
    assert [140] * 3 == [len(await history.klines(series, 0, EVER)) for series in every]


async def test_a_closed_store(history: KlineStore) -> None:
    """It says so, however often it is closed."""
    await history.write_klines(bars())
    await history.close()
    await history.close()
    for call in (history.klines(BTC, 0, EVER), history.write_klines(bars()), history.series(), history.gaps(BTC)):
        with pytest.raises(StorageError, match="closed"):
            await call


@given(st.decimals(min_value=0, max_value=10**20 - 1, places=8) | st.decimals(allow_nan=True))
@examples(200)
def test_an_exact_number_stays_exact(value: Decimal) -> None:
    """Either its text is the same number, within the digits that are kept, or it is refused."""
    try:
        text = exact(value)
    except DataError:
        assert not value.is_finite() or value.adjusted() >= 20 or value != value.quantize(Decimal("1E-8"))
        return
    before, _, behind = text.lstrip("-").partition(".")
    assert Decimal(text) == value
    assert (len(before) <= 20, len(behind) <= 8, "E" in text) == (True, True, False)
