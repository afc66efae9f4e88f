"""A running trader is told what holds of its configuration, and its journal is the whole of it."""

import asyncio
from pathlib import Path

import msgspec

from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.apps.configuration.desk import DeskApplying, trading_difference
from petrosa.apps.settings import Settings, load
from petrosa.core.model.commands import ConfigureTrading
from petrosa.surfaces.configuration import TRADING, Applied
from tests.kit.desk import MovedDesk
from tests.kit.toys import INSTRUMENT


def settings(*sets: str) -> Settings:
    return load(sets=sets, environ={}, home="unused")


def applying_to(desk: MovedDesk) -> DeskApplying:
    """One that is shown the desk's turns."""
    applying, shown = DeskApplying(), desk.turns._record

    def record(*turn: object) -> None:
        shown(*turn)  # type: ignore[arg-type]
        applying.record(*turn)  # type: ignore[arg-type]

    desk.turns._record = record
    applying.attach(desk.loop, None, {INSTRUMENT.id: INSTRUMENT}, desk.trader)
    return applying


async def apply(applying: DeskApplying, name: str, command_id: str, *sets: str) -> Applied:
    return await applying.apply(settings(*sets), name, version=7, actor="alice", reason="why", command_id=command_id)


async def test_a_trader_goes_on_with_what_is_stored(tmp_path: Path) -> None:
    """One turn, which the journal holds whole; what it has is not told again; strategies are somebody else's."""
    desk = MovedDesk(tmp_path)
    async with desk.running():
        applying = applying_to(desk)
        await desk.move()
        applied = await apply(applying, TRADING, "c-1", "risk.risk_fraction=0.001", "signals.min_confidence=0.7")
        assert ("applied", {"signals.min_confidence": "changed", "risk.risk_fraction": "changed"}) == (
            applied.state, applied.changes,
        )  # fmt: skip
        assert (0.001, 0.7) == (desk.trader.params.risk.risk_fraction, desk.trader.params.signals.min_confidence)
        again = await apply(applying, TRADING, "c-2", "risk.risk_fraction=0.001", "signals.min_confidence=0.7")
        assert ("applied", None) == (again.state, again.sequence)
        assert "no_desk" == (await apply(applying, "orderbook_skew", "c-3")).state
        told = asyncio.create_task(apply(applying, TRADING, "c-4"))
        assert "applied" == (await told).state
    commands = [turn.event for turn in JournalReader(tmp_path / "journal").turns()]
    found = [one for one in commands if isinstance(one, ConfigureTrading)]
    assert ["c-1", "c-4"] == [one.command_id for one in found]
    assert 0.001 == found[0].parameters["risk"]["risk_fraction"]


def test_a_start_tells_what_differs_and_nothing_else(tmp_path: Path) -> None:
    """Whoever goes on from a journal is brought to what the settings say."""
    trader = MovedDesk(tmp_path).trader
    assert [] == trading_difference(settings(), trader, 9)
    (command,) = trading_difference(settings("execution.max_stop_attempts=5"), trader, 9)
    assert ("start-9-trading", 5) == (command.command_id, command.parameters["execution"]["max_stop_attempts"])
    assert msgspec.to_builtins(trader.params)["risk"] == command.parameters["risk"]
