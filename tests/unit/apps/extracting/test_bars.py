"""Bars are fetched once, exactly, when they are over; what is missing is found, filled, or known for what it is."""

from pathlib import Path

import pytest

from petrosa.core.model.history import GapKind, Series
from petrosa.errors import RateLimited, UsageError
from tests.kit.extraction import NOW, bench, klines, rows
from tests.kit.history_server import DAY, LISTED, MINUTE, MS

BTC = Series("usdm", "BTCUSDT", "1m")
HOUR = 60 * MINUTE
SINCE = NOW - NOW % MINUTE - 6 * HOUR


@pytest.mark.parametrize("interval", ["1m", "15m", "1h", "8h", "1d", "3d", "1w", "1M"])
async def test_what_is_stored_is_what_the_venue_has(tmp_path: Path, interval: str) -> None:
    """To the last digit, up to the last bar that is over by the venue's clock."""
    series = BTC._replace(interval=interval)
    since = SINCE if interval == "1m" else LISTED
    async with bench(tmp_path) as there:
        result = await there.one(intervals=(interval,), since=since * MS)
        truth = rows(there.truth(series, since))
        assert truth == await there.stored(series)
        assert (len(truth), 1, 1, 0) == (result.written, result.gaps_found, result.gaps_filled, result.missing_bars)


async def test_seconds_are_made_on_spot(tmp_path: Path) -> None:
    """And nowhere else."""
    series = Series("spot", "BTCUSDT", "1s")
    since = NOW - HOUR
    async with bench(tmp_path, market="spot") as there:
        await there.one(intervals=("1s",), since=since * MS)
        assert rows(there.truth(series, -(-since // 1000) * 1000)) == await there.stored(series)
    async with bench(tmp_path) as there:
        with pytest.raises(UsageError, match="'1s' is made on spot only; leave it out, or use --market spot"):
            await there.run(intervals=("1s",))


async def test_the_next_run_goes_on(tmp_path: Path) -> None:
    """It asks for what is new, and finds nothing else to do."""
    async with bench(tmp_path, "extract.days=0.1") as there:
        await there.one()
        asked = there.server.requests["klines"]
        again = await there.one()
        assert (0, 0, asked) == (again.fetched, again.gaps_found, there.server.requests["klines"])
        there.time.ns += 3 * 60 * 10**9
        later = await there.one()
        assert (3, asked + 1) == (later.written, there.server.requests["klines"])
        assert rows(there.truth(BTC, NOW - DAY // 10)) == await there.stored(BTC)


async def test_the_running_bar_is_not_stored(tmp_path: Path) -> None:
    """Not even where the venue gives it without being asked."""
    async with bench(tmp_path) as there:
        there.server.faults.extend(["", "", "unclosed"])  # the first two questions are since when there are bars
        await there.one(since=(NOW - 3 * MINUTE) * MS)
        assert rows(there.truth(BTC, NOW - 3 * MINUTE)) == await there.stored(BTC)


async def test_a_listing_is_asked_for_once(tmp_path: Path) -> None:
    """And confirmed once: nothing is missing before it."""
    async with bench(tmp_path, listed=SINCE) as there:
        first = await there.one(since=(SINCE - 5 * DAY) * MS)
        assert (1, 1, 0) == (first.gaps_found, first.gaps_filled, first.missing_bars)
        assert "2024-02-09T18:00:00Z" == first.since
        (known,) = await there.store.gaps(BTC)
        assert (GapKind.NOT_LISTED, SINCE * MS) == (known.kind, known.until)
        await there.one(since=(SINCE - 5 * DAY) * MS)
        assert 2 == sum(asked.get("startTime") == "0" for _, asked in there.server.asked)


async def test_a_symbol_without_bars(tmp_path: Path) -> None:
    """Is told, and is no failure."""
    async with bench(tmp_path, listed=NOW + DAY) as there:
        assert ["the venue has no bar of it"] == (await there.one()).notes


async def test_an_outage_is_remembered_and_asked_for_again_after_a_week(tmp_path: Path) -> None:
    """It is believed when the venue says what comes after it."""
    outage = (SINCE + HOUR, SINCE + 2 * HOUR)
    async with bench(tmp_path, outages=(outage,)) as there:
        first = await there.one(since=SINCE * MS)
        assert (60, 0, 1, 0) == (first.outage_bars, first.missing_bars, first.gaps_found, first.gaps_filled)
        assert [(GapKind.OUTAGE, outage[0] * MS, outage[1] * MS)] == [
            (gap.kind, gap.since, gap.until) for gap in await there.store.gaps(BTC, kinds=[GapKind.OUTAGE])
        ]
        asked = there.server.requests["klines"]
        again = await there.one("gaps", since=SINCE * MS, fill=True)
        assert (0, asked) == (again.gaps_found, there.server.requests["klines"])
        there.server.outages = ()
        there.time.ns += 8 * DAY * MS
        healed = await there.one("gaps", since=SINCE * MS, until=(SINCE + 6 * HOUR) * MS, fill=True)
        assert (60, 1, 1) == (healed.written, healed.gaps_found, healed.gaps_filled)


async def test_an_empty_answer_is_not_believed_at_once(tmp_path: Path) -> None:
    async with bench(tmp_path) as there:
        there.server.faults.extend(["", "", "empty"])
        result = await there.one(since=SINCE * MS)
        assert (0, 0) == (result.outage_bars, result.missing_bars)
        assert rows(there.truth(BTC, SINCE)) == await there.stored(BTC)


async def test_what_is_missing_at_the_end_is_no_outage(tmp_path: Path) -> None:
    """The venue may only be late."""
    async with bench(tmp_path, outages=((NOW - 10 * MINUTE, NOW + DAY),)) as there:
        result = await there.one(since=SINCE * MS)
        assert (0, 9, 0) == (result.outage_bars, result.missing_bars, result.gaps_filled)
        assert [{"since": "2024-02-09T23:51:00Z", "until": "2024-02-10", "bars": 9, "why": "missing"}] == result.gaps


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (2, "1.0", "cannot be true of one bar"),
        (1, "NaN", "cannot be true of one bar"),
        (3, "-1", "cannot be true of one bar"),
        (5, "Infinity", "cannot be true of one bar"),
        (9, "999999999", "cannot be true of one bar"),
        (8, -1, "cannot be true of one bar"),
        (1, "abc", "Invalid decimal string"),
        (6, 1, "it closes at 1970-01-01T00:00:00.001Z"),
        (6, SINCE + 60 * HOUR, "it closes at 2024-02-12T06:00:00Z"),
        (7, "1e27", "cannot be true of one bar"),
    ],
)
async def test_a_row_that_makes_no_sense_is_refused_by_name(
    tmp_path: Path, place: int, value: object, said: str
) -> None:  # fmt: skip
    """It is not stored, everything else is, and nobody takes it for an outage; when it is mended it is fetched."""
    wrong = SINCE + HOUR
    async with bench(tmp_path) as there:
        there.server.changed["BTCUSDT", "1m", wrong] = {place: value}
        result = await there.one(since=SINCE * MS)
        assert (1, 0, 1) == (result.missing_bars, result.outage_bars, result.refused)
        (why,) = result.refusals
        assert said in why
        assert [one for one in rows(there.truth(BTC, SINCE)) if one[0] != wrong] == await there.stored(BTC)
        there.server.changed.clear()
        mended = await there.one("gaps", since=SINCE * MS, fill=True)
        assert (1, 1) == (mended.written, mended.gaps_filled)


async def test_a_bar_of_another_opening_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path) as there:
        there.server.changed["BTCUSDT", "1m", SINCE] = {0: SINCE + 1}
        result = await there.one(since=SINCE * MS)
        assert (1, 1) == (result.missing_bars, result.refused)
        assert "no bar of 1m opens at 2024-02-09T18:00:00.001Z" in result.refusals[0]


async def test_the_last_bars_are_compared_and_repaired(tmp_path: Path) -> None:
    """An earlier program has stored a bar before it was over."""
    async with bench(tmp_path) as there:
        await there.one(since=SINCE * MS)
        good = there.truth(BTC, SINCE)
        bad = klines([good[-1]._replace(row=[*good[-1].row[:4], "100.00000002", *good[-1].row[5:]])], BTC)
        await there.store.write_klines(bad)
        result = await there.one(verify=5)
        (said,) = result.differences
        assert said.startswith("BTCUSDT 1m 2024-02-09T23:59:00Z: close 100.00000002 is ")
        assert (5, 1) == (result.verified, result.written)
        assert rows(good) == await there.stored(BTC)


async def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path) as there:
        result = await there.one(since=SINCE * MS, dry_run=True, verify=5)
        assert (360, 0, 1) == (result.missing_bars, result.written, result.gaps_found)
        assert [] == await there.stored(BTC)


async def test_gaps_are_told_without_being_filled(tmp_path: Path) -> None:
    async with bench(tmp_path) as there:
        truth = there.truth(BTC, SINCE)
        await there.store.write_klines(klines(truth[:100] + truth[101:], BTC))
        told = await there.one("gaps")
        assert [{"since": "2024-02-09T19:40:00Z", "until": "2024-02-09T19:41:00Z", "bars": 1, "why": "missing"}] == (
            told.gaps
        )
        assert (1, 0, 0) == (told.gaps_found, told.gaps_filled, told.written)
        filled = await there.one("gaps", fill=True)
        assert (1, 1) == (filled.gaps_filled, filled.gaps_found)
        assert rows(truth) == await there.stored(BTC)


async def test_gaps_of_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path) as there:
        assert ["no bar of it is stored"] == (await there.one("gaps")).notes


async def test_an_unknown_symbol_is_refused_with_what_was_meant(tmp_path: Path) -> None:
    async with bench(tmp_path) as there:
        with pytest.raises(UsageError, match=r"symbol 'BTCUSD' is not on usdm: did you mean BTCUSDT\?"):
            await there.run(symbols=("BTCUSD",))


async def test_one_series_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    async with bench(tmp_path, "extract.attempts=2", "extract.workers=1") as there:
        there.server.faults.extend(["500", "500"])
        summary = await there.run(intervals=("1m", "1h"), since=SINCE * MS)
        assert [1, 0] == [len(one.errors) for one in summary.results]
        assert "HTTP 500" in summary.failed[0].errors[0]
        assert rows(there.truth(BTC._replace(interval="1h"), SINCE)) == await there.stored(BTC._replace(interval="1h"))


async def test_a_pause_that_is_asked_for_is_made(tmp_path: Path) -> None:
    """As long as it says, and the question is asked again."""
    async with bench(tmp_path) as there:
        there.server.retry_after = "17"
        there.server.faults.extend(["429", "429"])
        await there.one(since=SINCE * MS)
        assert rows(there.truth(BTC, SINCE, NOW)) == await there.stored(BTC)
        assert 34 <= sum(there.time.paused) < 36


async def test_a_ban_stops_everything_until_it_is_over(tmp_path: Path) -> None:
    """Second by second, and then the job is done."""
    async with bench(tmp_path) as there:
        there.server.retry_after = "120"
        there.server.faults.extend(["", "", "418"])
        result = await there.one(since=SINCE * MS)
        assert rows(there.truth(BTC, SINCE)) == await there.stored(BTC)
        assert 0 == result.missing_bars
        assert 120 <= sum(there.time.paused) < 123
        assert max(there.time.paused) <= 1.0


async def test_a_long_ban_ends_the_job_and_keeps_the_next_from_asking(tmp_path: Path) -> None:
    """Asking would make it longer."""
    async with bench(tmp_path) as there:
        there.server.retry_after = "3600"
        there.server.faults.append("418")
        with pytest.raises(RateLimited, match="wait 3600 s"):
            await there.run(intervals=("1m", "1h"))
        asked = sum(there.server.requests.values())
        with pytest.raises(RateLimited, match=r"banned this address until 2024-02-10T01:00:\d\dZ, for 3600 s more"):
            await there.run()
        assert asked == sum(there.server.requests.values())
        there.time.ns += 3_601 * 10**9
        await there.one(since=SINCE * MS)


async def test_an_allowance_is_kept_to(tmp_path: Path) -> None:
    """Half of little: the venue never has to say no, and all of it comes in time."""
    since = NOW - NOW % MINUTE - 3 * DAY
    async with bench(tmp_path, "extract.weight_share=0.5", limit=24) as there:
        await there.run(symbols=("BTCUSDT", "ETHUSDT"), since=since * MS)
        assert 0 == there.server.happened["over the limit"]
        assert 180 < sum(there.time.paused)
        for symbol in ("BTCUSDT", "ETHUSDT"):
            series = BTC._replace(symbol=symbol)
            assert rows(there.truth(series, since, NOW)) == await there.stored(series)
