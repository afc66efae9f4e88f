"""Trading parameters that change while a trader runs: for all of its parts at once, from one turn on."""

import gc
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from petrosa.core.execution.params import ExecutionParams
from petrosa.core.execution.trader_params import TraderParams
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.commands import ConfigureTrading
from petrosa.core.model.events import Alarm, DayOpened, Decision, TradingConfigured
from petrosa.core.model.orders import Leg, Place
from petrosa.core.model.refusals import Refused
from petrosa.core.model.signals import Action
from petrosa.core.risk.params import RiskParams
from petrosa.core.signals.params import SameDirection, SignalParams
from petrosa.core.trader import Trader, TraderState
from tests.kit.trading import Session

HALF = TraderParams(risk=RiskParams(risk_fraction=0.0025))


def command(params: TraderParams, **risk: Any) -> ConfigureTrading:
    told = msgspec.to_builtins(params)
    told["risk"] |= risk
    return ConfigureTrading("c-1", "alice", "calmer", 7, told)


def quantity(session: Session) -> Decimal:
    (entry,) = session.placed(Leg.ENTRY)
    assert isinstance(entry.action, Place)
    return entry.action.quantity


def refused(decided: Any) -> list[str]:
    return [one.check for one in decided if isinstance(one, Refused)]


def test_the_next_signal_is_sized_by_the_new_parameters() -> None:
    """Half the risk is half the quantity, from the turn of the command on, and the answer says what has changed."""
    before, after = Session(), Session()
    decided = [one for one in after.tell(command(HALF)) if not isinstance(one, DayOpened)]
    assert [TradingConfigured("c-1", 7, ("risk.risk_fraction",))] == decided
    before.signal()
    after.signal()
    assert abs(quantity(before) - 2 * quantity(after)) <= before.rules.step


def test_a_command_that_cannot_be_changes_nothing() -> None:
    """One value beyond its bound, a name that is none, a rule that is broken: an alarm, and the old ones hold."""
    for wrong in (
        {"risk_fraction": 0.9}, {"risk_fracton": 0.01}, {"confidence_weight_min": 0.9, "confidence_weight_max": 0.1},
    ):  # fmt: skip
        session = Session()
        decided = session.tell(command(TraderParams(signals=SignalParams(min_confidence=0.99)), **wrong))
        (alarm,) = [one for one in decided if isinstance(one, Alarm)]
        assert "configuration_refused" == alarm.name
        assert TraderParams() == session.trader.params
        assert [] == refused(session.signal())


def test_every_part_goes_by_the_new_parameters() -> None:
    """No old parameter can be reached from the trader, however deep a part has put it away."""
    session = Session()
    new = TraderParams(
        signals=SignalParams(min_confidence=0.9),
        risk=HALF.risk,
        execution=ExecutionParams(answer_deadline_seconds=1.0),
    )
    session.tell(command(new))
    wanted = {SignalParams: new.signals, RiskParams: new.risk, ExecutionParams: new.execution}
    found = [one for one in reachable(session.trader) if type(one) in wanted]
    assert {*wanted} == {type(one) for one in found}
    assert [] == [one for one in found if one != wanted[type(one)]], "a part goes by what the trader began with"


def test_a_position_is_added_to_by_hand_only_while_that_is_set() -> None:
    """What is made of a parameter when a trader is made is made again."""
    session = Session()
    for may in (SameDirection.ACCUMULATE, SameDirection.REJECT_DUPLICATES):
        session.tell(command(TraderParams(signals=SignalParams(same_direction=may))))
        assert session.trader._manual._may_add is (may is SameDirection.ACCUMULATE)


def reachable(root: object) -> list[object]:
    """Every object that is part of a trader."""
    seen: dict[int, object] = {}
    ahead = [root]
    while ahead:
        one = ahead.pop()
        if id(one) in seen or isinstance(one, type) or type(one).__name__ in {"module", "function"}:
            continue
        seen[id(one)] = one
        ahead += gc.get_referents(one)
    return list(seen.values())


def test_a_restored_trader_goes_on_with_what_was_changed() -> None:
    """Whatever it was made with: what it was told since then is told against what held then."""
    session = Session()
    session.tell(command(HALF))
    state = msgspec.json.decode(msgspec.json.encode(session.trader.snapshot()), type=TraderState)
    for written, expected in ((state, HALF), (msgspec.structs.replace(state, params=None), TraderParams())):
        trader = Trader(session.account, {session.rules.id: session.rules}, session.markets, TraderParams())
        trader.restore(written)
        assert expected == trader.params


def test_a_signal_is_not_new_again_when_the_age_is_raised() -> None:
    """It was acted on, became too old, and would be young enough once more."""
    session = Session(TraderParams(signals=SignalParams(max_signal_age_seconds=60)))
    at = session.now
    session.signal(Action.CLOSE, 1, at=at)
    session.later(600)
    session.tell(command(TraderParams(signals=SignalParams(max_signal_age_seconds=3_600))))
    assert ["duplicate"] == refused(session.signal(Action.CLOSE, 1, at=at))


@pytest.mark.parametrize(("window", "standing"), [(300.0, 1), (30.0, 0)])
def test_opinions_count_for_as_long_as_is_set_now(window: float, standing: int) -> None:
    """A shorter window holds for those that were heard already."""
    session = Session()
    session.signal(Action.BUY)
    session.now += 60 * NS_PER_SECOND
    decided: list[Decision] = [
        *session.tell(command(TraderParams(signals=SignalParams(conflict_window_seconds=window))))
    ]
    assert 1 == len(decided)
    assert standing == len(session.trader.opinions(session.now))
