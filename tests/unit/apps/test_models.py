"""Models are found by name, and a wrong name says what is wrong."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from petrosa.apps.models import load_models
from petrosa.core.signals.models import StrategyMode
from petrosa.errors import ConfigError


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package of somebody's with a model and something that is none."""
    made = ModuleType("somebodys_models")
    made.__dict__.update(CALM=SimpleNamespace(name="calm-1", judge=lambda *_: None), OTHER=SimpleNamespace(name=3))
    monkeypatch.setitem(sys.modules, "somebodys_models", made)
    return made


def test_a_model_is_found_by_its_name(module: ModuleType) -> None:
    """Module, colon, name."""
    assert {StrategyMode.ML_LIGHT: module.CALM} == load_models({"ml_light": "somebodys_models:CALM"})


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("mode", "place", "words"),
    [
        ("deterministic", "somebodys_models:CALM", "write ml_light or llm_reasoning"),
        ("ml_heavy", "somebodys_models:CALM", "write ml_light or llm_reasoning"),
        ("ml_light", "somebodys_models", "write package.module:name"),
        ("ml_light", "nobodys_models:CALM", "install the package that has it"),
        ("ml_light", "somebodys_models:MISSING", "module somebodys_models has no MISSING"),
        ("ml_light", "somebodys_models:OTHER", "is no model"),
    ],
)
def test_a_name_that_leads_to_no_model_is_an_error_of_configuration(mode: str, place: str, words: str) -> None:
    """Before anything connects."""
    with pytest.raises(ConfigError, match=words):
        load_models({mode: place})
