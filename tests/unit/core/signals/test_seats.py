"""Which facts lead to whom: a strategy's declaration is its way."""

from decimal import Decimal

import msgspec

from petrosa.core.market.state import MarketState
from petrosa.core.model.market import BestQuote, MarketEvent, Reading, Ticker, Trade, reading_key
from petrosa.core.signals.seats import Routes, Seat, routes_of
from petrosa.core.strategies.base import Candidate, CatalogEntry, Quiet, ReplayHonesty, StrategyParams
from tests.kit.strategy_market import BTC, market

ETH, BNB = (msgspec.structs.replace(BTC, symbol=f"{base}USDT", base=base) for base in ("ETH", "BNB"))
ETH_SPOT = msgspec.structs.replace(ETH, market="spot")
INSTRUMENTS = {one.id: one for one in (BTC, ETH, BNB, ETH_SPOT)}


class Curious:
    """Scores nothing and notes everything."""

    def __init__(self, params: StrategyParams) -> None:
        self.noted: list[MarketEvent] = []

    def evaluate(self, event: object, market: MarketState, now: int) -> Quiet:
        return Quiet.TOO_SMALL

    def note(self, event: MarketEvent, market: MarketState, now: int) -> None:
        self.noted.append(event)

    def candidate(self, event: object, market: MarketState, now: int) -> Candidate:
        raise AssertionError

    def warmup(self) -> tuple[int, int]:
        return (0, 0)

    def retune(self, params: StrategyParams) -> None:
        """Nothing to retune."""


ENTRY = CatalogEntry(
    strategy_id="curious", version=1, title="Curious", summary="Everything.", fails_when=(), listens_to=Ticker,
    params=StrategyParams, build=Curious, replay_honesty=ReplayHonesty.YES,
)  # fmt: skip


def seat(**declared: object) -> Seat:
    entry = msgspec.structs.replace(ENTRY, **declared)
    return Seat(entry, StrategyParams(), BTC, market(), {}, enabled=True)


def ways(routes: Routes) -> dict[tuple[str, str], str]:
    """By kind and instrument who scores (s) and who notes (n)."""
    return {
        (kind.__name__, key): "s" * len(place.seats) + "n" * len(place.notes)
        for kind, places in routes.items()
        for key, place in places.items()
    }


def test_a_strategy_scores_its_own_stream() -> None:
    """One kind, one instrument."""
    assert {("Ticker", BTC.id): "s"} == ways(routes_of([seat()], INSTRUMENTS))


def test_other_kinds_and_companions_are_noted() -> None:
    """Companions are of the same market and the same quote asset; they are noted in every kind that is asked for."""
    routes = routes_of([seat(notes=(Trade, BestQuote), companions=("ETH", "SOL"))], INSTRUMENTS)
    assert {
        ("Ticker", BTC.id): "s",
        ("Trade", BTC.id): "n",
        ("BestQuote", BTC.id): "n",
        ("Ticker", ETH.id): "n",
        ("Trade", ETH.id): "n",
        ("BestQuote", ETH.id): "n",
    } == ways(routes)


def test_readings_are_scored_by_who_listens_to_them_and_noted_by_others() -> None:
    """Topics are the way of readings."""
    key = reading_key("dominance")
    assert {("Reading", key): "s"} == ways(routes_of([seat(listens_to=Reading, reads=("dominance",))], INSTRUMENTS))
    assert {("Ticker", BTC.id): "s", ("Reading", key): "n"} == ways(
        routes_of([seat(reads=("dominance",))], INSTRUMENTS)
    )


def test_a_strategy_that_is_off_is_told_nothing() -> None:
    """No way leads to a disabled seat."""
    off = seat(notes=(Trade,))
    off.adopt(StrategyParams(), enabled=False)
    assert {} == ways(routes_of([off], INSTRUMENTS))


def test_a_strategy_of_one_asset_speaks_of_no_other() -> None:
    """`bases` limits where a strategy sits."""
    entry = msgspec.structs.replace(ENTRY, bases=("BTC",))
    assert (True, False) == (entry.speaks_of(BTC), entry.speaks_of(ETH))
    assert ENTRY.speaks_of(msgspec.structs.replace(ETH, tick=Decimal("0.01")))
