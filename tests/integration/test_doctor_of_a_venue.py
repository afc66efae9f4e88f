"""The doctor asks the venue that orders go to, names what is wrong with the remedy, and changes nothing there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from petrosa.adapters.venues.binance.paper.accounts import KeyEntry
from petrosa.apps.doctor import Finding, examine
from tests.kit.desk_here import KEY
from tests.kit.live import account
from tests.kit.paper_process import HandExchange, hand_exchange

SETS = (
    "simulation.enabled=false",
    "venue.environment=paper",
    "http.port=0",
    "http.engine_port=0",
    "feed.symbols=BTCUSDT",
)


@pytest.fixture
def exchange() -> Iterator[HandExchange]:
    with hand_exchange() as made:
        yield made


def found(home: Path, url: str, *sets: str, environ: dict[str, str] | None = None) -> dict[str, Finding]:
    wanted = [*SETS, f"venue.url={url}", *sets]
    findings = examine([], wanted, str(home), KEY if environ is None else environ)
    return {finding.name: finding for finding in findings}


def test_a_venue_that_may_be_traded_on_is_well(exchange: HandExchange, tmp_path: Path) -> None:
    """Every question has its answer, and who has the account's lease is said too."""
    findings = found(tmp_path, exchange.url)
    assert "ok" == findings["venue key"].status
    assert ("ok", True) == (findings["venue"].status, "paper usdm answers" in findings["venue"].detail)
    assert "broken" != findings["key rights"].status
    assert "BTCUSDT with rules and fees, position mode one-way" == findings["symbols and account"].detail
    assert "is held by nobody" in findings["account lease"].detail
    assert KEY["BINANCE_API_SECRET"] not in str(findings.values())
    assert ([], []) == (exchange.orders("usdm"), exchange.orders("spot"))


@pytest.mark.parametrize(
    ("sets", "name", "says"),
    [
        (("feed.symbols=NOSUCHUSDT",), "symbols and account", "NOSUCHUSDT is not traded on paper usdm"),
        (("venue.position_mode=hedge",), "symbols and account", "is in one-way mode, venue.position_mode = hedge"),
        (("venue.url=http://127.0.0.1:9",), "venue", "paper usdm does not answer"),
        (("feed.market=coinm",), "venue key", "orders go to binance, spot or usdm"),
    ],
)
def test_what_is_wrong_is_named(
    exchange: HandExchange, tmp_path: Path, sets: tuple[str, ...], name: str, says: str
) -> None:
    """Each with what to do."""
    finding = found(tmp_path, exchange.url, *sets)[name]
    assert ("broken", True) == (finding.status, says in finding.detail), finding
    assert finding.remedy


def test_a_key_is_needed_and_may_not_withdraw(tmp_path: Path) -> None:
    """The doctor refuses what a desk refuses."""
    key = KeyEntry(key="TheRichKey", secret="s" * 64, may_withdraw=True)
    rich = {"BINANCE_API_KEY": "TheRichKey", "BINANCE_API_SECRET": "s" * 64}
    with hand_exchange(accounts=[account(key)]) as exchange:
        assert "may withdraw" in found(tmp_path, exchange.url, environ=rich)["key rights"].detail
        half = {"BINANCE_API_KEY": "what is this", "BINANCE_API_SECRET": "s"}
        assert "is it the whole key?" in found(tmp_path, exchange.url, environ=half)["venue key"].detail
        assert "BINANCE_API_KEY is not set" in found(tmp_path, exchange.url, environ={})["venue key"].detail


def test_without_a_venue_nobody_is_asked(tmp_path: Path) -> None:
    """It says nothing of one."""
    findings = examine([], ["http.port=0"], str(tmp_path), {})
    assert not {"venue", "venue key", "key rights"} & {one.name for one in findings}
