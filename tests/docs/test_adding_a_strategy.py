"""The page that teaches how to add a strategy is run, so that it stays true."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from petrosa.apps.layers import Given, Origin, known_of, merge
from petrosa.core.model.base import Side
from petrosa.core.model.market import Trade
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.errors import ConfigError
from tests.kit.strategy_market import market, trade

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-strategy.md"
FILE, TESTS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def big_print(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The file of the page as a module."""
    module = ModuleType("big_print")
    monkeypatch.setitem(sys.modules, "big_print", module)
    exec(FILE, module.__dict__)
    return module


def test_the_file_is_a_strategy_and_its_tests_pass(big_print: ModuleType) -> None:
    """The tests on the page pass against the strategy on the page."""
    names = {**big_print.__dict__, "market": market, "trade": trade, "Side": Side, "Action": Action, "Quiet": Quiet}
    exec(TESTS, names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert 2 == len(tests)
    for test in tests:
        test()


def test_the_entry_is_an_entry(big_print: ModuleType) -> None:
    """The catalogue takes what the page shows."""
    entry: CatalogEntry = big_print.ENTRY
    assert ("big_print", Trade, ReplayHonesty.YES) == (entry.strategy_id, entry.listens_to, entry.replay_honesty)
    assert (0, 0) == entry.build(entry.params()).warmup()


def test_the_complaint_is_the_one_shown(big_print: ModuleType) -> None:
    """The page quotes the message word for word."""
    with pytest.raises(ConfigError) as caught:
        merge(
            known_of({"strategies.big_print": big_print.Params}, (), {}),
            [Given("big_print.min_notional", "5", Origin("--set"), is_text=True)],
        )
    assert str(caught.value) in " ".join(PAGE.read_text(encoding="utf-8").split())
