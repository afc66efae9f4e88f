"""What the paper exchange is started with: accounts, faults, a market, and the market's time moved to the wall's."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from petrosa.adapters.venues.binance.paper.accounts import AccountEntry, KeyEntry, demo_account
from petrosa.adapters.venues.binance.paper.faults import Fault, FaultKind, Faults
from petrosa.adapters.venues.binance.paper.market import Manner
from petrosa.adapters.venues.binance.paper.venue import PaperVenue
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.as_recorded import TIMES, Relayed
from petrosa.apps.paper_exchange import (
    PRIMED_NS,
    MarketDrive,
    Pace,
    load_accounts,
    load_faults,
    offer_recordings,
    offer_synthetic,
    serve_paper_exchange,
)
from petrosa.apps.settings import Settings, load
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import MarkPrice, Trade, instrument_id
from petrosa.errors import ConfigError, UsageError
from petrosa.runtime.clocks import WallClock
from tests.kit.paper_venue import START
from tests.kit.recordings import ROOT

USDM = instrument_id("binance", "usdm", "BTCUSDT")
ACCOUNTS = """
[[account]]
name = "alice"
spot = { USDT = "1000.10", BTC = 0.1 }
usdm = { USDT = 500 }

[[account.key]]
key = "AliceKey1"
secret = "a secret for tests"
"""
FAULTS = """
[[fault]]
kind = "latency"
rate = 0.25
delay_ms = 250
path = "/api"
"""


def settings(home: Path, *sets: str) -> Settings:
    return load(sets=["feed.symbols=BTCUSDT", *sets], environ={}, home=str(home))


def test_balances_come_out_of_the_file_exactly(tmp_path: Path) -> None:
    """A number written as 0.1 is a tenth, not the float next to it."""
    file = tmp_path / "accounts.toml"
    file.write_text(ACCOUNTS)
    (alice,) = load_accounts(str(file))
    key = KeyEntry(key="AliceKey1", secret="a secret for tests")
    balances = {"USDT": Decimal("1000.10"), "BTC": Decimal("0.1")}
    assert AccountEntry(name="alice", key=(key,), spot=balances, usdm={"USDT": Decimal(500)}) == alice
    assert (demo_account(),) == load_accounts(None)


def test_faults_come_out_of_the_file(tmp_path: Path) -> None:
    """Rates and delays are plain numbers."""
    file = tmp_path / "faults.toml"
    file.write_text(FAULTS)
    assert (Fault(kind=FaultKind.LATENCY, rate=0.25, delay_ms=250, path="/api"),) == load_faults(str(file))
    assert () == load_faults(None)


@pytest.mark.parametrize("text", ["[[account]", "[[account]]\nname = 1", "[[account]]\nnick = 'a'", "account = []"])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    """With what is wrong in it; an empty one is refused where it would be used."""
    file = tmp_path / "accounts.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match="account"):
        venue_of(tmp_path, load_accounts(str(file)))
    with pytest.raises(ConfigError, match="nowhere"):
        load_accounts(str(tmp_path / "nowhere.toml"))


def venue_of(home: Path, accounts: tuple[AccountEntry, ...]) -> PaperVenue:
    offer = offer_synthetic(settings(home), ("usdm",))
    return PaperVenue(offer.instruments, accounts, settings(home).simulation, Faults(), lambda: START)


def test_the_markets_time_is_moved_to_the_walls() -> None:
    """At twice the speed half the time passes, between events, to the next funding, and to when a fact is heard."""
    pace = Pace(1_000, START, 2.0)
    assert (START, START + 5) == (pace.wall(1_000), pace.wall(1_010))
    moved = pace.moved(Trade(USDM, 1_004, 1_010, 100.0, 1.0, Side.BUY, 1))
    assert (START + 2, START + 5) == (moved.ts_event, moved.ts_seen)
    mark = pace.moved(MarkPrice(USDM, 1_004, 1_010, 100.0, 100.0, 0.0001, 1_100))
    assert isinstance(mark, MarkPrice)
    assert START + 50 == mark.ts_next_funding
    exact = Pace(0, START, 1.0)
    assert START + 3 * 10**18 + 1 == exact.wall(3 * 10**18 + 1)


def test_prices_are_there_when_it_opens(tmp_path: Path) -> None:
    """Five seconds of the market have happened on both products: a book, a last trade, a mark."""
    chosen = settings(tmp_path)
    offer = offer_synthetic(chosen, ("spot", "usdm"))
    clock = WallClock()
    venue = PaperVenue(offer.instruments, [demo_account()], chosen.simulation, Faults(), clock.now)
    MarketDrive(venue, offer, 1.0, clock).catch_up()
    for markets in venue.markets.values():
        market = markets["BTCUSDT"]
        assert len(market.levels(Side.BUY, 20)) == len(market.levels(Side.SELL, 20)) == 20
        assert market.last > 0
        assert clock.now() - market.now < PRIMED_NS
    assert venue.markets["usdm"]["BTCUSDT"].mark > 0


def test_a_recording_is_served_to_its_end_and_its_prices_stand(tmp_path: Path) -> None:
    """As fast as it goes; then it is over, and there is a book."""
    chosen = settings(tmp_path)
    offer = offer_recordings(chosen, [str(ROOT / "recordings" / "synthetic-usdm")], ("spot", "usdm"))
    assert ["usdm"] == list(offer.instruments)
    clock = WallClock()
    venue = PaperVenue(offer.instruments, [demo_account()], chosen.simulation, Faults(), clock.now)
    drive = MarketDrive(venue, offer, 1e9, clock)
    while not drive.is_over:
        drive.catch_up()
    assert len(venue.markets["usdm"]["BTCUSDT"].trades) > 100
    assert venue.markets["usdm"]["BTCUSDT"].best(Side.BUY) > 0


def test_recorded_frames_are_told_as_they_are_but_for_their_times(tmp_path: Path) -> None:
    """Byte for byte; streams that were not recorded tell what follows from the same facts."""
    chosen = settings(tmp_path)
    folder = ROOT / "recordings" / "synthetic-usdm"
    offer = offer_recordings(chosen, [str(folder)], ("usdm",), as_recorded=True)
    clock = WallClock()
    manner = Manner(paced=True)
    venue = PaperVenue(offer.instruments, [demo_account()], chosen.simulation, Faults(), clock.now, manner)
    told: dict[str, list[bytes]] = {"btcusdt@trade": [], "btcusdt@depth@100ms": [], "btcusdt@aggTrade": []}
    for stream, heard in told.items():
        venue.hubs["usdm"].add(stream, lambda _, event, heard=heard: heard.append(TIMES.sub(b"", event)))
    drive = MarketDrive(venue, offer, 1e9, clock)
    while not drive.is_over:
        drive.catch_up()
    frames = [payload for batch in Recording([folder]).batches() for _, payload in batch]
    for stream in ("btcusdt@trade", "btcusdt@depth@100ms"):
        head = b'{"stream":"%b","data":' % stream.encode()
        recorded = [TIMES.sub(b"", one.removeprefix(head)[:-1]) for one in frames if one.startswith(head)]
        assert len(recorded) > 100
        assert recorded == told[stream]
    assert len(told["btcusdt@aggTrade"]) == len(venue.markets["usdm"]["BTCUSDT"].aggregates.tape)


def test_recorded_times_are_moved_and_nothing_else() -> None:
    """Times have thirteen digits; ids and prices are let be."""
    event = b'{"e":"trade","E":1723161255343,"t":3735683259,"p":"61837.63000000","T":1723161255342,"m":true}'
    moved = Relayed("spot", "btcusdt@trade", event).moved(lambda ns: ns + 1_000 * 10**6)
    assert event.replace(b"5343", b"6343").replace(b"5342", b"6342") == moved.data


def test_recordings_of_two_markets_begin_together(tmp_path: Path) -> None:
    """Spot and futures, whenever each was recorded: both have prices when the exchange opens."""
    chosen = settings(tmp_path)
    paths = [str(ROOT / "recordings" / name) for name in ("synthetic-spot", "synthetic-usdm")]
    offer = offer_recordings(chosen, paths, ("spot", "usdm"))
    clock = WallClock()
    venue = PaperVenue(offer.instruments, [demo_account()], chosen.simulation, Faults(), clock.now)
    later = ((at + 10**18, event) for at, event in offer.heard[1])
    MarketDrive(venue, offer._replace(heard=[offer.heard[0], later]), 1.0, clock).catch_up()
    assert all(known["BTCUSDT"].last > 0 for known in venue.markets.values())


def test_what_cannot_be_served_is_refused(tmp_path: Path) -> None:
    """A recording of another market, a speed that is none."""
    chosen = settings(tmp_path)
    with pytest.raises(UsageError, match="holds usdm"):
        offer_recordings(chosen, [str(ROOT / "recordings" / "synthetic-usdm")], ("spot",))
    offer = offer_synthetic(chosen, ("usdm",))
    for speed in (0.0, -1.0, float("inf")):
        with pytest.raises(ConfigError, match="speed"):
            MarketDrive(venue_of(tmp_path, (demo_account(),)), offer, speed, WallClock())


async def test_it_serves_until_it_is_cancelled(tmp_path: Path) -> None:
    """The address is told once prices are there, and is free again afterwards."""
    chosen = settings(tmp_path)
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.ensure_future(
        serve_paper_exchange(
            chosen, offer_synthetic(chosen, ("spot", "usdm")), [demo_account()], (), listen="127.0.0.1", port=0,
            speed=1.0, ready=lambda url, _: ready.set_result(url), report=lambda _: None,
        )
    )  # fmt: skip
    async with asyncio.timeout(30):
        url = await ready
    async with httpx.AsyncClient(base_url=url) as http:
        ticker: Any = (await http.get("/fapi/v1/ticker/price", params={"symbol": "BTCUSDT"})).json()
        server = (await http.get("/fapi/v1/time")).json()["serverTime"]
        assert float(ticker["price"]) > 0
        assert abs(server * 1_000_000 - WallClock().now()) < 5 * NS_PER_SECOND
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
