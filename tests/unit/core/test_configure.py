"""Parameters that change while a strategist runs: all at once, from one turn on, with windows kept or begun anew."""

import msgspec
import pytest

from petrosa.core.model.commands import Configure, SeatParameters
from petrosa.core.model.events import Alarm, Configured, Effect
from petrosa.core.model.market import Reading
from petrosa.core.strategies.base import StrategyParams
from petrosa.core.strategies.tick import orderbook_skew, trade_momentum
from petrosa.core.strategist import Strategist, StrategyPlan
from tests.kit.strategy_market import BTC, depth, market, seconds, trade

QUICK = orderbook_skew.Params(persistence_seconds=0, flow_guard=False, cooldown_seconds=0)
SKEWED = ([3.0], [2.0])
"""A ratio of 1.5."""


def strategist(params: StrategyParams, name: str, *, enabled: bool = True) -> Strategist:
    return Strategist({BTC.id: BTC}, [StrategyPlan(name, BTC.id, params, enabled)], {BTC.id: market()})


def command(name: str, params: StrategyParams, *, enabled: bool = True, **other: object) -> Configure:
    seat = SeatParameters(BTC.id, enabled, {**msgspec.to_builtins(params), **other})
    return Configure("c-1", "alice", "too many signals", name, 7, (seat,))


def effects(decided: object) -> list[Effect]:
    (configured,) = decided  # type: ignore[misc]
    assert isinstance(configured, Configured)
    assert ("c-1", 7) == (configured.command_id, configured.version)
    return [change.effect for change in configured.changes]


def test_a_threshold_holds_from_the_next_event_on() -> None:
    """A ratio of 1.5 is a signal at 1.2 and none at 1.6."""
    desk = strategist(QUICK, "orderbook_skew")
    assert 1 == len(desk.handle(depth(0, *SKEWED), seconds(0)))
    higher = msgspec.structs.replace(QUICK, buy_threshold=1.6, edge_trigger=False)
    assert [Effect.KEPT_STATE] == effects(desk.configure(command("orderbook_skew", higher)))
    assert () == desk.handle(depth(1, *SKEWED), seconds(1))
    lower = msgspec.structs.replace(higher, buy_threshold=1.4)
    assert [Effect.KEPT_STATE] == effects(desk.configure(command("orderbook_skew", lower)))
    assert 1 == len(desk.handle(depth(2, *SKEWED), seconds(2)))


def test_windows_stay_or_begin_anew_as_the_parameter_declares() -> None:
    """A threshold keeps what momentum has seen; the length of its window begins it again."""
    params = trade_momentum.Params()
    desk = strategist(params, "trade_momentum")
    for number in range(5):
        desk.handle(trade(number, 60_000 + number), seconds(number))
    assert (4, 10) == desk.warmup()["trade_momentum", BTC.id]
    kept = msgspec.structs.replace(params, buy_threshold=0.8)
    assert [Effect.KEPT_STATE] == effects(desk.configure(command("trade_momentum", kept)))
    assert (4, 10) == desk.warmup()["trade_momentum", BTC.id]
    anew = msgspec.structs.replace(kept, momentum_window=20)
    assert [Effect.WARMING_UP] == effects(desk.configure(command("trade_momentum", anew)))
    assert (0, 20) == desk.warmup()["trade_momentum", BTC.id]
    desk.handle(trade(6), seconds(6))
    desk.handle(trade(7), seconds(7))
    assert (1, 20) == desk.warmup()["trade_momentum", BTC.id]


def test_the_same_parameters_again_change_nothing() -> None:
    """An effect says that there was none."""
    desk = strategist(QUICK, "orderbook_skew")
    assert [Effect.UNCHANGED] == effects(desk.configure(command("orderbook_skew", QUICK)))


def test_a_strategy_can_be_switched_off_and_on() -> None:
    """A disabled strategy hears nothing; enabled again it begins from nothing."""
    desk = strategist(trade_momentum.Params(), "trade_momentum")
    desk.handle(trade(0), seconds(0))
    assert [Effect.DISABLED] == effects(
        desk.configure(command("trade_momentum", trade_momentum.Params(), enabled=False))
    )
    desk.handle(trade(1), seconds(1))
    assert {} == desk.warmup()
    assert 1 == sum(desk.quiet_counts["trade_momentum"].values())
    assert [Effect.ENABLED] == effects(desk.configure(command("trade_momentum", trade_momentum.Params())))
    desk.handle(trade(2), seconds(2))
    assert (0, 10) == desk.warmup()["trade_momentum", BTC.id]
    assert 2 == sum(desk.quiet_counts["trade_momentum"].values())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"buy_threshold": 5.0}, "<= 3.0"), ({"by_threshold": 1.3}, "by_threshold"), ({"sell_threshold": "x"}, "float")],
)
def test_parameters_that_cannot_be_are_an_alarm_and_change_nothing(wrong: dict[str, object], message: str) -> None:
    """The strategy goes on with what it had, and somebody is told."""
    desk = strategist(QUICK, "orderbook_skew")
    (alarm,) = desk.configure(command("orderbook_skew", QUICK, **wrong))
    assert isinstance(alarm, Alarm)
    assert "configuration_refused" == alarm.name
    assert message in alarm.message
    assert [SeatParameters(BTC.id, True, msgspec.to_builtins(QUICK))] == desk.parameters("orderbook_skew")
    assert 1 == len(desk.handle(depth(0, *SKEWED), seconds(0)))


def test_what_is_followed_elsewhere_is_left_to_others() -> None:
    """A command for another symbol is no error: another process has that one."""
    desk = strategist(QUICK, "orderbook_skew")
    other = SeatParameters("binance:usdm:XRPUSDT", True, {})  # type: ignore[arg-type]
    assert [] == effects(desk.configure(Configure("c-1", "alice", "", "orderbook_skew", 7, (other,))))


def test_a_restart_remembers_what_was_configured() -> None:
    """A checkpoint carries changed parameters into another process, and only those."""
    before, after = (strategist(QUICK, "orderbook_skew") for _ in range(2))
    assert {} == before.snapshot().configured
    before.configure(command("orderbook_skew", msgspec.structs.replace(QUICK, buy_threshold=1.6)))
    state = before.snapshot()
    after.restore(msgspec.json.decode(msgspec.json.encode(state), type=type(state)))
    assert before.parameters("orderbook_skew") == after.parameters("orderbook_skew")
    assert () == after.handle(depth(0, *SKEWED), seconds(0))
    after.forget()
    assert () == after.handle(depth(1, *SKEWED), seconds(1))


def test_a_reading_that_nobody_asked_for_is_nobodys() -> None:
    """Outside facts go to those who declare their topic."""
    desk = strategist(QUICK, "orderbook_skew")
    reading = Reading("coinbase", "quote", "BTC/USD", seconds(0), seconds(0), {"bid": 1.0, "ask": 2.0})
    assert () == desk.handle(reading, seconds(0))


def test_persistence_begins_again_with_another_threshold() -> None:
    """A ratio of 1.5 has stayed beyond 1.2 for 5 s; that says nothing of one of 2 that has only just come."""
    persistent = msgspec.structs.replace(QUICK, persistence_seconds=5)
    desk = strategist(persistent, "orderbook_skew")
    for second in range(5):
        assert () == desk.handle(depth(second, *SKEWED), seconds(second))
    higher = msgspec.structs.replace(persistent, buy_threshold=1.8)
    assert [Effect.KEPT_STATE] == effects(desk.configure(command("orderbook_skew", higher)))
    signals = [len(desk.handle(depth(second, [4.0], [2.0]), seconds(second))) for second in range(5, 12)]
    assert [0, 0, 0, 0, 0, 1, 0] == signals


def test_persistence_goes_on_when_only_a_guard_changes() -> None:
    """The score is the same one, so it has stayed for as long as it has."""
    persistent = msgspec.structs.replace(QUICK, persistence_seconds=5)
    desk = strategist(persistent, "orderbook_skew")
    for second in range(3):
        assert () == desk.handle(depth(second, *SKEWED), seconds(second))
    sooner = msgspec.structs.replace(persistent, persistence_seconds=3, hysteresis=0.2)
    desk.configure(command("orderbook_skew", sooner))
    assert 1 == len(desk.handle(depth(3, *SKEWED), seconds(3)))
