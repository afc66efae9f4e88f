"""The page about the dispatcher names every check in its order, and its model can be plugged in."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from petrosa.apps import settings
from petrosa.apps.models import load_models
from petrosa.core.model.refusals import Verdict
from petrosa.core.model.signals import Action
from petrosa.core.risk.checks import CHECKS, SIZE_CHECKS
from petrosa.core.risk.gate import STEPS
from petrosa.core.signals.checks import RECEIVED_CHECKS
from petrosa.core.signals.models import judge
from petrosa.core.signals.params import ConflictResolution, SignalParams
from tests.kit.trading import PERPETUAL, START, Session, market_of, signal

PAGE = (Path(__file__).parents[2] / "docs" / "dispatcher.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


def rows(title: str) -> list[str]:
    """The first column of the table below a heading."""
    section = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    return ROW.findall(section)


def test_the_tables_are_the_tuples() -> None:
    """Every check, in the order in which it is asked."""
    assert [check.__name__ for check in RECEIVED_CHECKS] == rows("What the signal itself must answer")
    assert [check.__name__ for check in CHECKS] == rows("What must hold before an entry")
    assert [check.__name__ for check in SIZE_CHECKS] == rows("What must hold of the size")
    assert list(STEPS) == rows("What must hold before an entry") + rows("Levels and size") + rows(
        "What must hold of the size"
    )
    assert [mode.value for mode in ConflictResolution] == rows("Conflicts")[1:]


def test_every_parameter_on_the_page_is_a_key_and_every_key_is_on_the_page() -> None:
    """Nothing that a trader asks can be set in secret."""
    known = settings.known_keys()
    named = set(re.findall(r"`((?:signals|risk|instruments)\.\w+)`", PAGE))
    assert [] == sorted(name for name in named if known.find(name) is None)
    assert [] == sorted(key for key in known.fields if key.startswith(("signals.", "risk.")) and key not in named)


def test_the_refusal_on_the_page_is_the_one_that_is_said() -> None:
    """Word for word."""
    session = Session()
    session.entered()
    session.signal(Action.SELL, 2, strategy_id="momentum", confidence=0.7)
    assert session.last_refusal().message in " ".join(PAGE.split())
    assert 300.0 == SignalParams().conflict_window_seconds


def test_the_model_on_the_page_can_be_plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found by its name, agrees, disagrees, and refuses a signal without what it needs."""
    module = ModuleType("my_models")
    monkeypatch.setitem(sys.modules, "my_models", module)
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0], module.__dict__)
    models = load_models({"ml_light": "my_models:FLOW"})
    verdicts = []
    for spread, indicators in ((0.01, {"flow": 0.9}), (1.0, {"flow": 0.9}), (0.01, {})):
        market = market_of(PERPETUAL, 100.0 - spread / 2, 100.0 + spread / 2)
        given = signal(strategy_mode="ml_light", indicators=indicators)
        verdicts.append(judge(given, market, START, models)[1].verdict)
    assert [Verdict.PASSED, Verdict.FAILED, Verdict.FAILED] == verdicts
