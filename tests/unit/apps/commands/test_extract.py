"""`petrosa extract` says what it did, and what is wrong with what it was asked."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from petrosa.apps.main import run
from petrosa.errors import EXIT_CONFIG, EXIT_ERROR, EXIT_OK, EXIT_USAGE
from tests.kit.history_server import HistoryServer, history_server

NOW = 1_767_225_600_500 * 1_000_000


class Served:
    """A history server in a thread of its own, for commands that have a loop of their own."""

    def __init__(self) -> None:
        self.server = HistoryServer(clock=lambda: NOW)
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()))
        self._thread.start()
        self._up.wait(10.0)

    async def _serve(self) -> None:
        async with history_server(self.server) as self.url:
            self._up.set()
            await self._stop.wait()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10.0)
        self._loop.close()


@pytest.fixture
def served() -> Iterator[Served]:
    one = Served()
    yield one
    one.close()


def extract(home: Path, url: str, *words: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    with CliRunner().isolation(env={"NATS_URL": ""}) as (out, err, _):
        sets = [] if not url else ["--set", f"extract.usdm_url={url}", "--set", "extract.source=rest"]
        code = run(["extract", *words, "--home", str(home), *sets])
        return code, out.getvalue().decode(), err.getvalue().decode()


def result_of(out: str) -> dict[str, Any]:
    (one,) = json.loads(out)["results"]
    return dict(one)


def test_a_job_is_told_as_a_table_and_as_json(served: Served, tmp_path: Path) -> None:
    """The result on standard output, how far it was on standard error."""
    words = ("klines", "--symbols", "BTC/USDT:USDT", "--intervals", "1h", "--from", "2025-12-30")
    code, out, err = extract(tmp_path, served.url, *words)
    assert EXIT_OK == code, err
    assert "klines of usdm from rest: fetched 48 rows" in out
    assert "klines: 1 of 1 done, 48 of 48 bars (100 %)" in err
    code, out, _ = extract(tmp_path, served.url, *words, "--json")
    assert (EXIT_OK, 0, 0, 10) == (code, *(result_of(out)[name] for name in ("fetched", "gaps_found", "verified")))


def test_funding_trades_and_gaps(served: Served, tmp_path: Path) -> None:
    """One after the other into the same store."""
    code, out, err = extract(tmp_path, served.url, "funding", "--symbols", "BTCUSDT", "--from", "2025-12-30", "--json")
    assert (EXIT_OK, 13) == (code, result_of(out)["written"]), err
    code, out, err = extract(
        tmp_path, served.url, "trades", "--symbols", "BTCUSDT", "--from", "2025-12-31T23:00", "--json"
    )
    assert (EXIT_OK, 361) == (code, result_of(out)["written"]), err
    more = ("--symbols", "BTCUSDT", "--intervals", "1h", "--from", "2025-12-31")
    code, out, err = extract(tmp_path, served.url, "gaps", *more)
    assert (EXIT_OK, True) == (code, "BTCUSDT 1h: missing: 24 bars from 2025-12-31 to 2026-01-01" in err)
    code, out, err = extract(tmp_path, served.url, "gaps", *more, "--fill", "--json")
    assert (EXIT_OK, 24, 1) == (code, result_of(out)["written"], result_of(out)["gaps_filled"]), err


def test_what_failed_is_an_exit_code(served: Served, tmp_path: Path) -> None:
    """And a line that says why."""
    served.server.faults.extend(["500"] * 9)
    code, _, err = extract(tmp_path, served.url, "klines", "--symbols", "BTCUSDT", "--intervals", "1h", "--set",
                           "extract.attempts=1")  # fmt: skip
    assert (EXIT_ERROR, True) == (code, "BTCUSDT 1h: failed: HTTP 500" in err), err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("klines", "--symbols", "BTCUSD"), EXIT_USAGE, "symbol 'BTCUSD' is not on usdm: did you mean BTCUSDT?"),
        (("klines", "--intervals", "7m"), EXIT_CONFIG, "'7m', which the venue does not make; choose from 1s, 1m"),
        (("klines", "--intervals", "1s"), EXIT_USAGE, "interval '1s' is made on spot only"),
        (("klines", "--from", "yesterday"), EXIT_USAGE, "--from 'yesterday' is no time; write it like 2026-"),
        (("klines", "--from", "2026-01-02", "--to", "2026-01-01"), EXIT_USAGE, "--from is not before --to"),
        (("funding", "--market", "spot"), EXIT_USAGE, "spot has no funding rates"),
        (("klines", "--symbols", " , "), EXIT_USAGE, "--symbols names none"),
        (("klines", "--intervals", ""), EXIT_USAGE, "--intervals names none"),
        (
            ("klines", "--symbols", "BTCUSDT", "--from", "2026-01-02"),
            EXIT_USAGE,
            "--from 2026-01-02 is still to come: the venue's clock says 2026",
        ),
        (
            ("trades", "--symbols", "BTCUSDT", "--from", "2027-01-01"),
            EXIT_USAGE,
            "nothing can be fetched of that time yet",
        ),
        (("klines", "--set", "extract.intervall=1m"), EXIT_CONFIG, "did you mean extract.intervals"),
        (("klines", "--set", "extract.subject_prefix=a..b"), EXIT_CONFIG, "joined by dots"),
        (("klines", "--set", "extract.gap_pass_at=25:00"), EXIT_CONFIG, "write HH:MM (UTC)"),
        (("klines", "--set", "extract.archive_url=nowhere", "--source", "archive"), EXIT_CONFIG, "nor a folder"),
        (("klines", "--set", "klines.url=postgres://x"), EXIT_CONFIG, "klines.url begins with none of"),
    ],
)
def test_what_is_wrong_is_said(
    served: Served, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:  # fmt: skip
    """With the value, the limit and the remedy; and nothing is made."""
    url = "" if "archive" in words else served.url
    found, _, err = extract(tmp_path, url, *words)
    assert (code, True) == (found, said in err), err


def test_a_venue_that_is_away(tmp_path: Path) -> None:
    """Is asked again, and then it is said."""
    code, _, err = extract(tmp_path, "http://127.0.0.1:9", "klines", "--set", "extract.attempts=1")
    assert (EXIT_ERROR, True) == (
        code, "(1 times); ask again later; extract.usdm_url is http://127.0.0.1:9" in err
    ), err  # fmt: skip


def test_a_long_gap_is_told_as_one(served: Served, tmp_path: Path) -> None:
    """Though it is looked for month by month."""
    words = ("klines", "--symbols", "BTCUSDT", "--intervals", "1m", "--from", "2024-01-01", "--dry-run")
    code, out, err = extract(tmp_path, served.url, *words)
    assert (EXIT_OK, True) == (code, "1,052,640 bars to fetch" in out), err
    assert "BTCUSDT 1m: missing: 1,052,640 bars from 2024-01-01 to 2026-01-01\n" in err


def test_what_failed_does_not_say_that_nothing_is_missing(served: Served, tmp_path: Path) -> None:
    """A count that is made at the end is not known."""
    served.server.faults.extend(["500"] * 9)
    words = ("klines", "--symbols", "BTCUSDT", "--intervals", "1h", "--set", "extract.attempts=1")
    _, out, _ = extract(tmp_path, served.url, *words)
    (row,) = [line.split() for line in out.splitlines() if line.startswith(" BTCUSDT")]
    assert ["0", "0", "?", "?", "?", "?", "0"] == row[-7:]
