"""A desk's status is what its parts say, at the moment of asking."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from petrosa.core.execution.protection import Protection
from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import InstrumentId, Liquidation
from petrosa.core.model.positions import Position, PositionSide
from petrosa.runtime.observed import Observed
from petrosa.surfaces.api.openapi import INFO
from petrosa.surfaces.observation import Check
from petrosa.surfaces.readmodel import ReadModel
from petrosa.surfaces.status import DeskStatus, bus_check, feed_check, journal_check
from tests.kit.story import ACCOUNT, BTC, START, story, trade

LONG = Position(ACCOUNT, BTC.id, PositionSide.NET, Decimal("0.004"), Decimal("50000"), Decimal("1.5"), {}, START, START)


class Trader:
    positions: Mapping[InstrumentId, Position] = {BTC.id: LONG}
    realized = Decimal("1.5")
    equity = Decimal("10001.8")
    fees: Mapping[str, Decimal] = {"USDT": Decimal("0.1")}

    def __init__(self, covered: str = "0.004") -> None:
        held = Decimal("0.004")
        since = 0 if Decimal(covered) >= held else START - 2 * NS_PER_SECOND
        found = Protection(BTC.id, Side.SELL, held, Decimal(49_000), None, Decimal(covered), since)
        self.protection: Mapping[InstrumentId, Protection] = {BTC.id: found}


class Frames:
    errors: Mapping[str, int] = {"malformed": 3}
    gaps: Mapping[str, int] = {"BTCUSDT": 1}


def status(*checks: Check, heard: bool = True, covered: str = "0.004") -> DeskStatus:
    market = MarketState(BTC, Tape(NS_PER_SECOND))
    if heard:
        market.apply(trade(START, 50_100.0), START)
    model = ReadModel()
    for turn in story():
        model.fold(*turn)
    observed = Observed()
    observed.turns = 7
    observed.drops["subscriber metrics"] = 2
    observed.loop_lag.add(0.25)
    return DeskStatus(
        INFO,
        observed,
        model,
        {BTC.id: market},
        {BTC.id: BTC},
        lambda: START + 2 * NS_PER_SECOND,
        currency="USDT",
        account=Trader(covered),
        intake=Frames(),
        checks=tuple(lambda check=check: check for check in checks),  # type: ignore[misc]
        nats_connected=lambda: False,
    )


def test_an_observation_gathers_what_the_parts_know() -> None:
    """Counts of the read model, of the frames and of the runtime; money valued at the last price."""
    seen = status().observe()
    assert (7, {"malformed": 3}, {"BTCUSDT": 1}) == (
        seen.messages_processed, seen.message_errors_by_reason, seen.gaps_by_symbol,
    )  # fmt: skip
    assert (2, 1, {"cooldown": 1}, {"entry": 1}) == (
        seen.fills, seen.modelled_fills, seen.refusals_by_check, seen.orders_by_leg,
    )  # fmt: skip
    assert (0.25, {"subscriber metrics": 2}, {"BTCUSDT": 2.0}) == (
        seen.loop_lag_s, seen.drops_by_name, seen.feed_age_s_by_symbol,
    )  # fmt: skip
    assert {} == seen.liquidations_by_symbol_and_side
    assert (1, 1.5, 0.4, 10_001.8) == (seen.open_positions, seen.realized, seen.unrealized, seen.equity)
    assert seen.nats_connected is False


def test_liquidations_are_counted_of_the_symbols_that_are_told_of() -> None:
    """Both sides, also where there was none: a count that has begun is not missing."""
    here = status()
    here.markets[BTC.id].apply(Liquidation(BTC.id, START, START, Side.SELL, 1.0, 49_000.0), START)
    assert {("BTCUSDT", "long"): 1, ("BTCUSDT", "short"): 0} == here.observe().liquidations_by_symbol_and_side


def test_a_position_without_a_confirmed_stop_is_counted_and_ends_readiness() -> None:
    """How many have one, and for how long the worst has been without: past the limit of the alarm work is not well."""
    well, ill = status(), status(covered="0.003")
    seen = [(one.protected_positions, one.unprotected_positions, one.unprotected_s) for one in
            (well.observe(), ill.observe())]  # fmt: skip
    assert [(1, 0, 0.0), (0, 1, 4.0)] == seen
    assert Check("stops", True, "stops resting 1 of 1") == well.readiness().checks[-1]
    found = ill.readiness()
    assert (False, "stops") == (found.ready, found.checks[-1].name)
    assert "BTCUSDT without a confirmed stop for 4.0 s, limit 3 s" in found.checks[-1].detail


def test_a_strategy_without_signals_is_shown_with_none() -> None:
    """A metric that appears only later cannot be watched."""
    counts = status().observe().signals_by_strategy
    assert {"orderbook_skew": 1, "trade_momentum": 0, "ticker_velocity": 0} == counts


@pytest.mark.parametrize("ok", [True, False])
def test_ready_means_that_every_dependency_is_well(ok: bool) -> None:
    """The feed is one of them."""
    found = status(Check("bus", ok, "as asked")).readiness()
    assert (ok, ["feed", "bus", "stops"]) == (found.ready, [check.name for check in found.checks])


def test_a_symbol_that_was_never_heard_of_is_not_ready() -> None:
    """No data is not fresh data."""
    found = status(heard=False).readiness()
    assert (False, "nothing heard of BTCUSDT yet") == (found.ready, found.checks[0].detail)


@pytest.mark.parametrize(
    ("ages", "ok", "detail"),
    [
        ({"A": 1.0, "B": 29.9}, True, "oldest news is 29.9 s old (B), limit 30 s"),
        ({"A": 1.0, "B": 30.1}, False, "oldest news is 30.1 s old (B), limit 30 s"),
        ({}, False, "no symbol is configured"),
    ],
)
def test_the_oldest_symbol_decides(ages: dict[str, float], ok: bool, detail: str) -> None:
    """One silent symbol is enough to say so."""
    assert Check("feed", ok, detail) == feed_check(ages, 30.0)


def test_the_bus_is_as_it_is_now() -> None:
    """Asked each time."""
    assert [True, False] == [bus_check(lambda up=up: up, "nats://x").ok for up in (True, False)]  # type: ignore[misc]


def test_the_journal_needs_a_folder_with_room(tmp_path: Path) -> None:
    """Value, limit and remedy are in the detail."""
    assert journal_check(tmp_path, 1).ok
    full = journal_check(tmp_path, 10**12)
    assert (False, True) == (full.ok, "minimum 1,000,000,000,000 MB; free some space" in full.detail)
    assert "No such file" in journal_check(tmp_path / "gone", 1).detail
