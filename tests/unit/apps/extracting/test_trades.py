"""Aggregate trades: from an id on, or from a time; a hole in the ids is found and filled."""

from decimal import Decimal
from pathlib import Path

import pytest

from petrosa.core.model.history import FundingRate, HistoricTrade
from petrosa.errors import UsageError
from tests.kit.extraction import NOW, Bench, bench
from tests.kit.history_server import DAY, LISTED, MINUTE, MS


async def stored(there: Bench) -> list[int]:
    """The ids of all trades, which are exactly the venue's."""
    found: list[HistoricTrade] = []
    at = 0
    while page := await there.store.trades("usdm", "BTCUSDT", at, 1 << 62):
        found += page
        at = page[-1].ts + 1
    for one in found[::97]:
        true = there.server.trade(one.trade_id)
        assert (Decimal(true["p"]), Decimal(true["q"]), true["f"], true["l"], true["T"] * MS, true["m"]) == (
            one.price, one.quantity, one.first_id, one.last_id, one.ts, one.buyer_is_maker,
        )  # fmt: skip
    return [one.trade_id for one in found]


async def test_trades_of_a_day_and_then_what_is_new(tmp_path: Path) -> None:
    """Without a word about when, from a day ago, and then from the last id on."""
    async with bench(tmp_path) as there:
        first = await there.one("trades")
        begin = -(-(NOW - DAY - LISTED) // 10_000)
        assert list(range(begin, (NOW - LISTED) // 10_000 + 1)) == await stored(there)
        assert 8_640 == first.written
        there.time.ns += 60 * 10**9
        later = await there.one("trades")
        assert (6, 6) == (later.fetched, later.written)


async def test_a_hole_in_the_ids_is_filled(tmp_path: Path) -> None:
    """Wherever it is; and nothing else is fetched."""
    since = LISTED + 30 * DAY
    async with bench(tmp_path) as there:
        numbers = [*range(259_200, 259_300), *range(259_350, 260_000), *range(262_000, 262_010)]
        rows = [there.server.trade(number) for number in numbers]
        await there.store.write_trades(
            [
                HistoricTrade("usdm", "BTCUSDT", one["a"], one["f"], one["l"], one["T"] * MS, Decimal(one["p"]),
                              Decimal(one["q"]), one["m"])
                for one in rows
            ]
        )  # fmt: skip
        result = await there.one("trades", since=since * MS, until=(since + 10 * 60 * MINUTE) * MS)
        assert list(range(259_200, 262_800)) == await stored(there)
        assert (2, 2, 3_600 - 760) == (result.gaps_found, result.gaps_filled, result.written)


async def test_faults_cost_time_and_nothing_else(tmp_path: Path) -> None:
    async with bench(tmp_path, "extract.attempts=12") as there:
        there.server.share = 0.3
        there.server.usual = ("429", "500", "drop", "repeat", "half")
        await there.one("trades")
        assert 8_640 == len(await stored(there))


async def test_a_symbol_that_did_not_trade_yet(tmp_path: Path) -> None:
    """Hours without a trade are gone through until there is one."""
    async with bench(tmp_path) as there:
        result = await there.one("trades", since=(LISTED - DAY // 8) * MS, until=(LISTED + 60_000) * MS)
        assert (6, list(range(6))) == (result.written, await stored(there))


async def test_funding_rates_from_the_last_one_on(tmp_path: Path) -> None:
    """With the hours of their periods, however these change."""
    async with bench(tmp_path, "extract.days=10") as there:
        there.time.ns = (LISTED + 370 * DAY + 1_000) * MS
        await there.one("funding")
        await there.one("funding")
        there.time.ns += DAY * MS
        later = await there.one("funding")
        assert 6 == later.written
        found = await there.store.funding("usdm", "BTCUSDT", 0, 1 << 62)
        wanted = [ts for ts in there.server.paid() if ts >= LISTED + 360 * DAY + 1_000]
        assert wanted == [one.ts // MS for one in found]
        assert [8] * 15 + [4] * 36 == [one.interval_hours for one in found]
        assert Decimal("0.0001") < found[0].rate < Decimal("0.0002")


async def test_a_mark_price_may_be_missing(tmp_path: Path) -> None:
    """As it is in the oldest rows."""
    async with bench(tmp_path) as there:
        await there.one("funding", since=LISTED * MS)
        found = await there.store.funding("usdm", "BTCUSDT", 0, 1 << 62)
        assert [None, None, None, Decimal("101.5")] == [one.mark for one in found[:4]]
        assert isinstance(found[0], FundingRate)


async def test_spot_pays_no_funding(tmp_path: Path) -> None:
    async with bench(tmp_path, market="spot") as there:
        with pytest.raises(UsageError, match="spot has no funding rates; use --market usdm"):
            await there.run("funding")
